//! Builds the wasm32 module, and only ever hands out the path of one that was just built.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result};

use crate::run::{Step, ask, done, say};
use crate::setup::{TARGET, Way};
use crate::workspace;

/// Builds the module the way set-up found, and returns its path.
pub fn build(way: &Way) -> Result<PathBuf> {
    let begun = Instant::now();
    let step = cargo(
        "build the module",
        way,
        &["build", "--profile", "wasm", "--package", "keepmum-plugin"],
    );
    say("build: the module, optimised for speed and size");
    step.run()?;
    let path = workspace::target().join(TARGET).join("wasm/keepmum_plugin.wasm");
    let size = path
        .metadata()
        .with_context(|| format!("no module at {}", path.display()))?
        .len();
    let digest = ask("sha256sum", &[&path.to_string_lossy()]).and_then(|s| s.split(' ').next().map(str::to_owned));
    let digest = digest.map(|d| format!(", sha256 {d}")).unwrap_or_default();
    done(
        &format!("build: {} ({} KiB{digest})", path.display(), size.div_ceil(1024)),
        begun,
    );
    Ok(path)
}

/// A cargo command for the module's target.
pub fn cargo<'a>(name: &'a str, way: &Way, args: &[&str]) -> Step<'a> {
    let step = match way {
        Way::Prebuilt => Step::cargo(name, args),
        // Debian's cargo and rustc belong together; a rustup proxy earlier in PATH must not supply one of them.
        Way::BuildStd => Step::new(name, "/usr/bin/cargo")
            .args(args)
            .args(["-Zbuild-std=std,panic_abort"])
            .env("RUSTC", "/usr/bin/rustc")
            .env("RUSTC_BOOTSTRAP", "1"),
    };
    step.args(["--target", TARGET])
}
