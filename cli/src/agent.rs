//! `keepmum agent`: the crate keepmum-agent as a program.

use std::io::{self, Write as _};

use anyhow::{Context as _, Result, anyhow};
use keepmum_agent::{Config, dry_run};

use crate::Ended;
use crate::args::{Agent, AgentCommand};

/// Runs it, without an end unless something is wrong or it is a dry run.
pub fn run(options: &Agent) -> Result<Ended> {
    if let Some(AgentCommand::Probe { url, key_env }) = &options.command {
        let probed = keepmum_agent::probe(url, key_env)?;
        let armed = probed == keepmum_agent::Probed::Armed;
        writeln!(
            io::stdout().lock(),
            "{}",
            if armed {
                "armed"
            } else {
                "not armed: the canary came back"
            }
        )?;
        return Ok(if armed { Ended::Found } else { Ended::Unwell });
    }
    let path = options.config.as_ref().context("--config is missing")?;
    let text = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let config = match Config::read(&text) {
        Ok(config) => config,
        Err(e) => return Err(anyhow!("{} is refused\n{e}", path.display())),
    };
    if !options.dry_run {
        keepmum_agent::run(config)?;
        return Ok(Ended::Failed);
    }
    let report = dry_run(config, options.captures.as_deref())?;
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
