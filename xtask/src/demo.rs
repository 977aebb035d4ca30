//! `cargo xtask demo`: from a bare checkout to a table of what was redacted where, and a report to open.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::args::Demo;
use crate::run::{Step, done, say};
use crate::{module, setup, workspace};

/// Builds the module, replays the bundled captures through it, and with `--envoy` leaves a real Envoy running.
pub fn run(options: &Demo) -> Result<()> {
    let wasm = module::build(&setup::wasm()?)?;
    let begun = Instant::now();
    let report = workspace::target().join("demo/report.html");
    if let Some(folder) = report.parent() {
        std::fs::create_dir_all(folder)?;
    }
    say("demo: the replay harness (wasmtime; the first build takes minutes)");
    Step::cargo(
        "build the harness",
        ["build", "--package", "keepmum-host-tests", "--bin", "keepmum-replay"],
    )
    .run()?;
    Step::new("replay", workspace::target().join("debug/keepmum-replay"))
        .args([
            "--wasm".as_ref(),
            wasm.as_os_str(),
            "--html".as_ref(),
            report.as_os_str(),
        ])
        .run()?;
    done(&format!("demo: the report is {}", report.display()), begun);
    if options.envoy {
        setup::python()?;
        say("demo: the same behind a real Envoy");
        Step::cargo(
            "build the Envoy harness",
            ["build", "--package", "keepmum-envoy", "--bin", "keepmum-envoy"],
        )
        .run()?;
        let seconds = options
            .seconds
            .map(|s| vec!["--for".to_owned(), s.to_string()])
            .unwrap_or_default();
        Step::new("serve", workspace::target().join("debug/keepmum-envoy"))
            .args(["serve".as_ref(), "--wasm".as_ref(), wasm.as_os_str()])
            .args(seconds)
            .quietly()
            .limit(Duration::MAX)
            .run()?;
    }
    Ok(())
}
