//! `cargo xtask test`: every check, as named parts, the fast ones first, each with its own time.
//!
//! A part either ran or says why not: a skip is counted, explained, and a failure under `CI=true`. All output is kept under
//! `target/logs`, and the last part searches it for every planted secret.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Result, bail};

use crate::args;
use crate::parts::{PARTS, Part};
use crate::run::say;
use crate::setup::{self, Way};
use crate::{module, workspace};

/// How a part ended.
pub enum Outcome {
    Passed,
    /// Its tool cannot be had: why, and the command that would enable it.
    Skipped {
        why: String,
        enable: String,
    },
}

/// What parts share: set-up and the module are found once, when the first part asks.
pub struct Run {
    pub envoy_versions: String,
    /// Where the running part's output is kept.
    pub log: PathBuf,
    way: Option<Way>,
    module: Option<PathBuf>,
}

impl Run {
    /// The way to a wasm32 standard library.
    pub fn way(&mut self) -> Result<Way> {
        if self.way.is_none() {
            self.way = Some(setup::wasm()?);
        }
        Ok(self.way.clone().unwrap_or(Way::Prebuilt))
    }

    /// The module, built in this run.
    pub fn module(&mut self) -> Result<PathBuf> {
        let path = match self.module.take() {
            Some(path) => path,
            None => module::build(&self.way()?)?,
        };
        self.module = Some(path.clone());
        Ok(path)
    }
}

/// Runs the parts that were asked for, and prints the sum as the last line.
pub fn run(options: &args::Test) -> Result<ExitCode> {
    if options.list {
        for part in PARTS {
            let note = if part.by_default { "" } else { " (only when asked for)" };
            writeln!(std::io::stdout().lock(), "{:<14} {}{note}", part.name, part.about)?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let parts = chosen(&options.only)?;
    let logs = workspace::logs();
    if logs.exists() {
        std::fs::remove_dir_all(&logs)?;
    }
    std::fs::create_dir_all(&logs)?;
    let mut run = Run {
        envoy_versions: options.envoy_versions.clone().unwrap_or_default(),
        log: logs.join("xtask.log"),
        way: None,
        module: None,
    };
    let mut sum = Sum::default();
    for part in parts {
        run.log = logs.join(format!("{}.log", part.name));
        sum.add(part, &mut run);
    }
    sum.report()
}

fn chosen(only: &[String]) -> Result<Vec<&'static Part>> {
    if only.is_empty() {
        return Ok(PARTS.iter().filter(|p| p.by_default).collect());
    }
    for name in only {
        if !PARTS.iter().any(|p| p.name == name) {
            let names: Vec<_> = PARTS.iter().map(|p| p.name).collect();
            bail!("there is no part {name}; there are {}", names.join(", "));
        }
    }
    Ok(PARTS.iter().filter(|p| only.iter().any(|o| o == p.name)).collect())
}

/// One line for each part, for the end of the run.
#[derive(Default)]
struct Sum {
    lines: Vec<String>,
    passed: usize,
    failed: usize,
    skipped: usize,
}

impl Sum {
    fn add(&mut self, part: &Part, run: &mut Run) {
        say(&format!("test {}: {}", part.name, part.about));
        let begun = Instant::now();
        let outcome = (part.run)(run);
        let seconds = begun.elapsed().as_secs_f32();
        let line = match outcome {
            Ok(Outcome::Passed) => {
                self.passed += 1;
                format!("passed  {:<14} {seconds:>7.1} s", part.name)
            }
            Ok(Outcome::Skipped { why, enable }) => {
                self.skipped += 1;
                format!("skipped {:<14} {seconds:>7.1} s  {why}; to enable: {enable}", part.name)
            }
            Err(e) => {
                self.failed += 1;
                format!("FAILED  {:<14} {seconds:>7.1} s  {e:#}", part.name)
            }
        };
        say(&line);
        self.lines.push(line);
    }

    fn report(self) -> Result<ExitCode> {
        let mut out = std::io::stdout().lock();
        writeln!(out)?;
        for line in &self.lines {
            writeln!(out, "{line}")?;
        }
        let strict = strict();
        let bad = self.failed > 0 || (strict && self.skipped > 0);
        if bad && self.failed == 0 {
            writeln!(out, "CI=true: a skipped part is a failure")?;
        }
        writeln!(
            out,
            "{} passed, {} failed, {} skipped",
            self.passed, self.failed, self.skipped
        )?;
        Ok(if bad { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}

/// Whether what cannot be had is a failure instead of a skip.
pub fn strict() -> bool {
    std::env::var("CI").is_ok_and(|v| v == "true")
}
