//! `cargo xtask score`: builds the program that scores the engine, optimised, and runs it.
//!
//! Not a test of the engine's crate: 34 MB of benign text and every cut of every text are seconds in an optimised build,
//! and minutes in a test's.

use std::path::Path;

use anyhow::Result;

use crate::run::Step;
use crate::workspace;

/// Prints recall, precision and changes per MB; `rest` are the program's arguments.
pub fn run(rest: &[String]) -> Result<()> {
    build(None)?;
    program(rest).show()
}

/// The part of `cargo xtask test`: the line must be held.
pub fn held(log: &Path) -> Result<()> {
    build(Some(log))?;
    program(&[]).log(Some(log)).run()
}

fn build(log: Option<&Path>) -> Result<()> {
    let args = ["build", "--release", "--package", "keepmum-score"];
    Step::cargo("build the score", args).log(log).run()
}

fn program<'a>(rest: &[String]) -> Step<'a> {
    Step::new("score", workspace::target().join("release/keepmum-score"))
        .args(rest)
        .env("CARGO_TARGET_DIR", workspace::target())
}
