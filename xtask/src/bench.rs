//! `cargo xtask bench`: builds what is measured, the way it ships, and runs the benchmarks on it.
//!
//! The module, a second wasm module with the engine and its baseline in it, and the load generator; a part whose tool
//! cannot be had is left out and says so; under `CI=true` that is a failure.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::run::{Step, ask, done, say};
use crate::setup::{self, TARGET};
use crate::test::strict;
use crate::{module, workspace};

/// How long everything may take, builds excepted.
const LIMIT: Duration = Duration::from_secs(1200);

/// Runs the benchmarks; `rest` are their arguments.
pub fn run(rest: &[String]) -> Result<()> {
    let way = setup::wasm()?;
    let module = module::build(&way)?;
    let begun = Instant::now();
    let args = ["build", "--profile", "wasm", "--package", "keepmum-bench", "--lib"];
    module::cargo("build the engine's benchmark for wasm32", &way, &args).run()?;
    let probe = workspace::target().join(TARGET).join("wasm/keepmum_bench.wasm");
    probe
        .metadata()
        .with_context(|| format!("no module at {}", probe.display()))?;
    Step::cargo(
        "build the benchmarks",
        ["build", "--release", "--package", "keepmum-bench"],
    )
    .run()?;
    done("bench: built", begun);
    let mut missing = setup::python().err().map(|why| ("Envoy", why));
    if ask("sh", &["-c", "command -v wrk && command -v h2load"]).is_none()
        && let Err(why) = setup::apt("load generators", &["wrk", "nghttp2-client"])
    {
        missing = Some(("wrk and h2load", why));
    }
    if let Some((tool, why)) = missing {
        if strict() {
            return Err(why.context(format!("{tool} cannot be had, and CI=true asks for all figures")));
        }
        say(&format!("bench: without {tool}: {why:#}"));
    }
    Step::cargo(
        "bench",
        ["run", "--quiet", "--release", "--package", "keepmum-bench", "--"],
    )
    .args(rest)
    .env("KEEPMUM_WASM", &module)
    .env("KEEPMUM_BENCH_PROBE", &probe)
    // Access logs of a hundred thousand requests are no test's output.
    .env("KEEPMUM_LOGS", workspace::target().join("bench/logs"))
    .limit(LIMIT)
    .run()
}
