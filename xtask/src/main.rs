//! `cargo xtask`: everything that is done with this repository, as commands that install what they need.
//!
//! Not a Makefile or shell scripts: cargo is the one program that every reader of this repository has.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod args;
mod bench;
mod demo;
mod docs;
mod js;
mod module;
mod parts;
mod run;
mod score;
mod setup;
mod test;
mod tidy;
mod workspace;

use std::io::Write;
use std::process::ExitCode;

use anyhow::Result;

use crate::args::Ask;

fn main() -> ExitCode {
    match args::parse().and_then(act) {
        Ok(code) => code,
        Err(e) => {
            eprintln!("xtask: {e:#}");
            ExitCode::FAILURE
        }
    }
}

fn act(ask: Ask) -> Result<ExitCode> {
    match ask {
        Ask::Help => writeln!(std::io::stdout().lock(), "{}", args::HELP)?,
        Ask::Setup => {
            setup::all()?;
        }
        Ask::Build => {
            module::build(&setup::wasm()?)?;
        }
        Ask::Npm => js::make()?,
        Ask::Playground => js::playground()?,
        Ask::BenchJs => js::bench()?,
        Ask::Demo(options) => demo::run(&options)?,
        Ask::Test(options) => return test::run(&options),
        Ask::Bench(rest) => bench::run(&rest)?,
        Ask::Score(rest) => score::run(&rest)?,
        Ask::Bless { docs: true } => docs::bless()?,
        Ask::Bless { docs: false } => parts::bless()?,
        Ask::Tidy => return tidy::report(),
    }
    Ok(ExitCode::SUCCESS)
}
