//! `keepmum replay`: captured traffic through the module, and what came of it set against what is expected.
//!
//! A table on standard output (or JSON), an HTML report if asked for. Not a test: it runs over anybody's traffic, where nothing is
//! planted and nothing need be expected; hangs, resets, failures and wrong host calls are faults all the same.

mod expect;
mod judge;
mod pointers;
mod tell;
pub mod traffic;

pub use judge::listed;
pub use tell::count;

use std::fs;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use keepmum_host_tests::report::{self, About, Paint};

use crate::Ended;
use crate::args::Replay;
use traffic::{Policy, Replayed, Stage, captures};

/// Does what was asked for.
pub fn run(options: &Replay) -> Result<Ended> {
    let policy = Policy::read(options.policy.as_deref())?;
    let mut expected = Vec::new();
    for file in expectations(options) {
        expected.extend(expect::read(&file)?);
    }
    let stage = Stage::of(&options.harness)?;
    // Whoever gives a policy asks what that policy does.
    let own = options.policy.is_none();
    let all = stage.replay(&policy, captures(&options.captures)?, own)?;
    let failures = judge::judge(&expected, &all);

    if options.json {
        print(&format!("{:#}\n", tell::json(&all, expected.len(), &failures)))?;
    } else {
        let terminal = io::stdout().is_terminal();
        let paint = if terminal { Paint::Ansi } else { Paint::Plain };
        print(&report::table_painted(&report::rows(&all.cases), paint))?;
        print(&tell::summary(&all, expected.len(), &failures))?;
    }
    if let Some(file) = &options.html {
        write_report(options, &stage, &all, file)?;
    }
    let well = failures.is_empty() && all.cases.iter().all(|case| case.faults().is_empty());
    Ok(if well { Ended::Found } else { Ended::Unwell })
}

/// The file that was named, or those that lie with the captures.
fn expectations(options: &Replay) -> Vec<PathBuf> {
    if let Some(file) = &options.expect {
        return vec![file.clone()];
    }
    let beside = |path: &PathBuf| {
        if path.is_dir() {
            return path.join("expect.yaml");
        }
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".expect.yaml");
        path.with_file_name(name)
    };
    options
        .captures
        .iter()
        .map(beside)
        .filter(|file| file.exists())
        .collect()
}

fn write_report(options: &Replay, stage: &Stage, all: &Replayed, file: &Path) -> Result<()> {
    let about = About {
        module: stage.name.clone(),
        digest: stage.digest.clone(),
        policy: match &options.policy {
            // A file's folders are nobody's business who reads the report.
            Some(file) => file.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            None => "the default, or each exchange's own".to_owned(),
        },
        show_secrets: options.show_secrets,
    };
    fs::write(file, report::html(&all.cases, &about)).with_context(|| format!("cannot write {}", file.display()))?;
    let _ = writeln!(io::stderr().lock(), "report: {}", file.display());
    Ok(())
}

fn print(text: &str) -> Result<()> {
    Ok(io::stdout().lock().write_all(text.as_bytes())?)
}
