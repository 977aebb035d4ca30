//! `keepmum agent`: the crate keepmum-agent as a program.

use std::io::{self, Write as _};

use anyhow::{Context as _, Result, anyhow};
use keepmum_agent::{Config, dry_run};

use crate::Ended;
use crate::args::Agent;

/// Runs it, without an end unless something is wrong or it is a dry run.
pub fn run(options: &Agent) -> Result<Ended> {
    let path = &options.config;
    let text = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let config = match Config::read(&text) {
        Ok(config) => config,
        Err(e) => return Err(anyhow!("{} is refused\n{e}", path.display())),
    };
    if !options.dry_run {
        keepmum_agent::run(config)?;
        return Ok(Ended::Failed);
    }
    let report = dry_run(config)?;
    let mut out = io::stdout().lock();
    match options.json {
        true => writeln!(out, "{:#}", report.json())?,
        false => write!(out, "{report}")?,
    }
    Ok(if report.is_complete() {
        Ended::Found
    } else {
        Ended::Unwell
    })
}
