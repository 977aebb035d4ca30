//! Prints how fast the engine and the module are, as ratios. `cargo xtask bench` builds what it needs and calls it.
//!
//! Not criterion: it compares a program with itself of yesterday on the same machine. Here each figure stands beside a
//! baseline that was measured in the same seconds, so that it means something on any machine.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod bodies;
mod events;
mod guest;
mod known;
mod load;
mod measure;
mod memory;
mod policy;
mod report;
mod soak;
mod speed;
mod upstream;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::measure::Budget;
use crate::report::Figures;

const HELP: &str = "\
usage: cargo xtask bench [--quick] [--only speed|policy|known|memory|envoy|events|soak]... [--minutes N] [--doc FILE]

  --quick      seconds instead of minutes: shows that the benchmarks work, not how fast anything is
  --only PART  one part (can be repeated); the soak runs only if it is named
  --minutes N  how long the soak takes, 10
  --doc FILE   also writes the tables into this document (docs/PERFORMANCE.md, for the soak docs/RELIABILITY.md)

The figures are written to bench/figures.json in the build folder too.";

/// The command line.
#[derive(Default)]
struct Ask {
    quick: bool,
    only: Vec<String>,
    minutes: Option<f64>,
    doc: Option<PathBuf>,
}

fn main() -> ExitCode {
    match parse().and_then(|ask| ask.map_or(Ok(()), |ask| run(&ask))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("bench: {e:#}");
            ExitCode::FAILURE
        }
    }
}

fn parse() -> Result<Option<Ask>> {
    use lexopt::prelude::{Long, Short, ValueExt};
    let mut ask = Ask::default();
    let mut parser = lexopt::Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Long("help") | Short('h') => {
                writeln!(std::io::stdout().lock(), "{HELP}")?;
                return Ok(None);
            }
            Long("quick") => ask.quick = true,
            Long("only") => {
                let part = parser.value()?.string()?;
                if !["speed", "policy", "known", "memory", "envoy", "events", "soak"].contains(&part.as_str()) {
                    bail!("there is no part {part}; there are speed, policy, known, memory, envoy, events, soak");
                }
                ask.only.push(part);
            }
            Long("minutes") => ask.minutes = Some(parser.value()?.parse()?),
            Long("doc") => ask.doc = Some(parser.value()?.into()),
            _ => return Err(arg.unexpected().into()),
        }
    }
    Ok(Some(ask))
}

fn file(variable: &str) -> Result<PathBuf> {
    let path =
        std::env::var_os(variable).with_context(|| format!("{variable} is not set; cargo xtask bench sets it"))?;
    Ok(PathBuf::from(path))
}

fn run(ask: &Ask) -> Result<()> {
    let begun = Instant::now();
    let mut say = |what: &str| eprintln!("  … {:>5.1} s  {what}", begun.elapsed().as_secs_f32());
    let wanted = |part: &str| ask.only.is_empty() || ask.only.iter().any(|o| o == part);
    let folder = keepmum_envoy::target().join("bench");
    std::fs::create_dir_all(&folder)?;
    let mut figures = Figures::default();
    if wanted("policy") {
        let budget = Budget {
            pairs: if ask.quick { 3 } else { 15 },
            time: Duration::from_millis(if ask.quick { 300 } else { 2_000 }),
        };
        figures.policy = policy::run(&file("KEEPMUM_BENCH_PROBE")?, budget, &mut say)?;
    }
    if wanted("speed") {
        let time = if ask.quick {
            Duration::from_millis(300)
        } else {
            Duration::from_secs(6)
        };
        let budget = Budget {
            pairs: if ask.quick { 3 } else { 25 },
            time,
        };
        (figures.speed, figures.fuel, figures.anchors) = speed::run(&file("KEEPMUM_BENCH_PROBE")?, budget, &mut say)?;
    }
    if wanted("known") {
        let budget = Budget {
            pairs: if ask.quick { 3 } else { 15 },
            time: Duration::from_millis(if ask.quick { 300 } else { 4_000 }),
        };
        figures.known = Some(known::run(&file("KEEPMUM_BENCH_PROBE")?, budget, &mut say)?);
    }
    if wanted("memory") {
        figures.streamed = if ask.quick { 4 << 20 } else { 64 << 20 };
        figures.memory = memory::run(&file("KEEPMUM_WASM")?, figures.streamed, &mut say)?;
    }
    if wanted("envoy") {
        let rounds = if ask.quick { 1 } else { 9 };
        match load::run(&file("KEEPMUM_WASM")?, rounds, &mut say) {
            Ok(lines) => figures.load = lines,
            Err(e) => figures.skipped.push(format!("envoy: {e:#}")),
        }
    }
    if wanted("events") {
        let rounds = if ask.quick { 3 } else { 40 };
        match events::run(&file("KEEPMUM_WASM")?, rounds, &mut say) {
            Ok(lines) => figures.events = lines,
            Err(e) => figures.skipped.push(format!("events: {e:#}")),
        }
    }
    if ask.only.iter().any(|part| part == "soak") {
        let minutes = ask.minutes.unwrap_or(if ask.quick { 0.25 } else { 10.0 });
        let time = Duration::try_from_secs_f64(minutes * 60.0).context("--minutes must be a length of time")?;
        figures.soak = Some(soak::run(&file("KEEPMUM_WASM")?, time, &mut say)?);
    }
    let tables = figures.markdown();
    writeln!(std::io::stdout().lock(), "\n{tables}\n{}", report::machine())?;
    let json = folder.join("figures.json");
    std::fs::write(&json, serde_json::to_vec_pretty(&figures.json())?)?;
    say(&format!("figures are in {}", json.display()));
    if let Some(doc) = &ask.doc {
        report::into_document(doc, &tables)?;
    }
    if figures.soak.as_ref().is_some_and(|soak| !soak.holds()) {
        bail!("the soak does not hold: one of the figures in bold is not 0, or memory has grown");
    }
    if let Some(line) = figures.memory.iter().find(|l| !l.holds()) {
        bail!("{}: more memory than {} KiB", line.body, memory::BOUND >> 10);
    }
    Ok(())
}
