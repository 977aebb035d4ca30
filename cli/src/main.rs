//! `keepmum`: the engine over files and streams, for people and for other programs.
//!
//! Nothing is decided here: what is found and how it is rewritten is the engine's, so that a file leaves this program as a
//! response with the same bytes leaves the proxy.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

#[cfg(feature = "agent")]
mod agent;
mod args;
mod check;
mod detectors;
#[cfg(feature = "replay")]
mod diff;
mod doctor;
mod explain;
#[cfg(feature = "replay")]
mod glob;
mod json;
mod policy;
#[cfg(feature = "replay")]
mod replay;
mod scan;
mod tree;

use std::io::{self, Write as _};
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser as _;

use crate::args::{Args, Command};

/// How a run ended, as grep tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Something was found, or all is well.
    Found,
    /// Nothing was found.
    Clean,
    /// All ran, and it is not as it should be.
    Unwell,
    /// Something could not be read or understood; what could be was done.
    Failed,
}

fn main() -> ExitCode {
    let ended = match Args::parse().command {
        Command::Check(options) => check::run(&options),
        Command::Scan(options) => scan::run(&options),
        Command::Explain(options) => explain::run(&options),
        Command::Detectors(options) => detectors::run(&options),
        Command::Doctor(options) => doctor::run(&options),
        #[cfg(feature = "agent")]
        Command::Agent(options) => agent::run(&options),
        #[cfg(feature = "replay")]
        Command::Replay(options) => replay::run(&options),
        #[cfg(feature = "replay")]
        Command::Diff(options) => diff::run(&options),
    };
    code(ended)
}

fn code(ended: Result<Ended>) -> ExitCode {
    match ended {
        Ok(Ended::Found) => ExitCode::SUCCESS,
        Ok(Ended::Clean | Ended::Unwell) => ExitCode::from(1),
        Ok(Ended::Failed) => ExitCode::from(2),
        // Whoever read the output has seen enough.
        Err(e) if is_broken_pipe(&e) => ExitCode::SUCCESS,
        Err(e) => {
            complain(&e);
            ExitCode::from(2)
        }
    }
}

/// One line on standard error. Where even that is closed there is nobody to tell.
fn complain(e: &anyhow::Error) {
    let _ = writeln!(io::stderr().lock(), "keepmum: {e:#}");
}

fn is_broken_pipe(e: &anyhow::Error) -> bool {
    let io = e.chain().filter_map(|c| c.downcast_ref::<io::Error>());
    io.into_iter().any(|e| e.kind() == io::ErrorKind::BrokenPipe)
}
