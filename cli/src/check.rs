//! `keepmum check`: whether the proxy would take a policy, and if not, what it would say.
//!
//! The module prints the same lines to the proxy's log, since both ask the engine; a reader of our own would be a second opinion.

use std::io::{self, Read as _, Write as _};
use std::path::Path;

use anyhow::{Context as _, Result};
use keepmum_engine::{Engine, policy_schema};

use crate::args::Check;
use crate::{Ended, policy};

/// Runs it.
pub fn run(options: &Check) -> Result<Ended> {
    let mut out = io::stdout().lock();
    let Some(path) = options.policy.as_deref().filter(|_| !options.schema) else {
        out.write_all(policy_schema().as_bytes())?;
        return Ok(Ended::Found);
    };
    match Engine::with_environment(&read(path)?, &policy::environment) {
        Ok(engine) => {
            // Not to standard output: the number of the policy may be asked for.
            let mut warn = io::stderr().lock();
            for (route, earlier) in engine.never_reached() {
                writeln!(
                    warn,
                    "warning: routes[{route}].match: never reached: routes[{earlier}] comes first and takes all that it would take"
                )?;
            }
            if options.revision {
                writeln!(out, "{}", engine.version())?;
            }
            Ok(Ended::Found)
        }
        Err(e) => {
            for mistake in e.mistakes() {
                writeln!(out, "{mistake}")?;
            }
            Ok(Ended::Failed)
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    if path == Path::new("-") {
        let mut text = Vec::new();
        io::stdin().lock().read_to_end(&mut text)?;
        return Ok(text);
    }
    std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}
