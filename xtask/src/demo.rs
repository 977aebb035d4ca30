//! `cargo xtask demo`: from a bare checkout to a table of what was redacted where, and a report to open.

use std::time::Instant;

use anyhow::Result;

use crate::args::Demo;
use crate::parts::program;
use crate::run::{Step, done, say};
use crate::{module, setup, workspace};

/// Builds the module, replays the bundled captures through it, and with `--envoy` leaves a real Envoy running.
pub fn run(options: &Demo) -> Result<()> {
    let begun = Instant::now();
    let wasm = module::build(&setup::wasm()?)?;
    let report = workspace::target().join("demo/report.html");
    if let Some(folder) = report.parent() {
        std::fs::create_dir_all(folder)?;
    }
    say("demo: the replay harness (wasmtime; the first build takes minutes)");
    let captures = workspace::root().join("host-tests/captures");
    Step::new("replay", program("keepmum")?)
        .args([
            "replay".as_ref(),
            captures.as_os_str(),
            "--wasm".as_ref(),
            wasm.as_os_str(),
            "--html".as_ref(),
            report.as_os_str(),
        ])
        .show()?;
    done(&format!("demo: the report is {}", report.display()), begun);
    if options.envoy {
        envoy(&wasm, options.seconds)
    } else {
        Ok(())
    }
}

fn envoy(wasm: &std::path::Path, seconds: Option<u64>) -> Result<()> {
    setup::python()?;
    say("demo: the same behind a real Envoy");
    let serve = program("keepmum-envoy")?;
    let limit = seconds.map(|s| ["--for".to_owned(), s.to_string()]);
    Step::new("serve", serve)
        .args(["serve".as_ref(), "--wasm".as_ref(), wasm.as_os_str()])
        .args(limit.iter().flatten())
        .show()
}
