//! Finds, or gets, what a command needs: a wasm32 standard library first of all.
//!
//! In this order, and saying so: what is there already (the network is not asked), rustup, Debian's packages with
//! `-Zbuild-std`; else both remedies are printed. Nothing here is installed outside what rustup or apt manage.

use std::ffi::OsString;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::run::{Step, ask, done, say};

/// The module's target.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// Debian's toolchain that can build the standard library for wasm32, and its source.
const DEBIAN_WASM: [&str; 5] = ["rustc-web", "cargo-web", "rust-web-src", "rust-web-llvm", "lld-22"];
const DEBIAN_SOURCE: &str = "/usr/lib/rustlib/src/rust/library";
const DEBIAN_LLD: &str = "/usr/bin/rust-lld";

/// How long rustup may take: it needs seconds, and a network that swallows packets must not hold anybody up.
const RUSTUP_LIMIT: Duration = Duration::from_secs(180);

/// How the module is built here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// The standard library for wasm32 is part of the toolchain.
    Prebuilt,
    /// Debian's compiler builds it from source, with `-Zbuild-std`.
    BuildStd,
}

/// All of it: what `demo` and `test` would get when they need it.
pub fn all() -> Result<Way> {
    let way = wasm()?;
    if let Err(why) = lints() {
        say(&format!("setup: without rustfmt and clippy: {why}"));
    }
    if let Err(why) = python() {
        say(&format!("setup: without Python's venv, so without Envoy: {why}"));
    }
    Ok(way)
}

/// A way to a standard library for wasm32.
pub fn wasm() -> Result<Way> {
    let begun = Instant::now();
    if prebuilt() {
        done(&format!("setup: {TARGET} is installed"), begun);
        return Ok(Way::Prebuilt);
    }
    if ask("rustup", &["--version"]).is_some() {
        say(&format!(
            "setup: {TARGET} is missing; rustup installs it (at most {} s)",
            RUSTUP_LIMIT.as_secs()
        ));
        rustup(&["toolchain", "install", "--no-self-update"]);
        if !prebuilt() {
            rustup(&["target", "add", TARGET]);
        }
        if prebuilt() {
            done("setup: rustup installed it", begun);
            return Ok(Way::Prebuilt);
        }
        say("setup: rustup did not bring it; trying Debian's packages");
    }
    if debian_is_complete() {
        done(
            "setup: Debian's Rust is installed; the standard library is built from its source",
            begun,
        );
        return Ok(Way::BuildStd);
    }
    if apt_knows("rust-web-src") {
        apt(
            "a Rust that can build the standard library for wasm32 (190 MB)",
            &DEBIAN_WASM,
        )?;
        if debian_is_complete() {
            done(
                "setup: Debian's Rust is installed; the standard library is built from its source",
                begun,
            );
            return Ok(Way::BuildStd);
        }
    }
    bail!(
        "there is no standard library for {TARGET}. Either of these brings one:\n  \
         rustup toolchain install --no-self-update      (in this folder)\n  \
         apt-get install -y --no-install-recommends {}      (Debian, as root)",
        DEBIAN_WASM.join(" ")
    )
}

/// The toolchain that runs this program has the target's standard library.
fn prebuilt() -> bool {
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
    let Some(dir) = ask(&rustc, &["--print", "target-libdir", "--target", TARGET]) else {
        return false;
    };
    // The folder can be left over: look for the library itself.
    std::fs::read_dir(dir)
        .is_ok_and(|mut files| files.any(|f| f.is_ok_and(|f| f.file_name().to_string_lossy().starts_with("libstd-"))))
}

fn debian_is_complete() -> bool {
    ["/usr/bin/rustc", "/usr/bin/cargo", DEBIAN_SOURCE, DEBIAN_LLD]
        .iter()
        .all(|p| Path::new(p).exists())
}

/// Runs rustup as the repository asks, not as the toolchain that happens to run this program.
fn rustup(args: &[&str]) {
    let step = Step::new("rustup", "rustup")
        .args(args)
        .without_env("RUSTUP_TOOLCHAIN")
        .limit(RUSTUP_LIMIT);
    if let Err(e) = step.run() {
        say(&format!("setup: {e:#}"));
    }
}

/// rustfmt and clippy.
pub fn lints() -> Result<()> {
    let there = || ask("cargo", &["fmt", "--version"]).is_some() && ask("cargo", &["clippy", "--version"]).is_some();
    if there() {
        return Ok(());
    }
    if ask("rustup", &["--version"]).is_some() {
        say("setup: rustup installs rustfmt and clippy");
        rustup(&["component", "add", "rustfmt", "clippy"]);
    } else if apt_knows("rust-web-clippy") {
        apt("rustfmt and clippy", &["rustfmt-web", "rust-web-clippy"])?;
    }
    if there() {
        Ok(())
    } else {
        bail!("rustup component add rustfmt clippy")
    }
}

/// A Python that can make a virtual environment with pip in it.
pub fn python() -> Result<()> {
    let python = if Path::new("/usr/bin/python3").exists() {
        "/usr/bin/python3"
    } else {
        "python3"
    };
    let there = |python| ask(python, &["-c", "import venv, ensurepip, ssl"]).is_some();
    if there(python) {
        return Ok(());
    }
    if apt_knows("python3-venv") {
        apt(
            "Python's venv, for Envoy's package",
            &["python3-venv", "ca-certificates"],
        )?;
    }
    if there("/usr/bin/python3") || there("python3") {
        return Ok(());
    }
    bail!("apt-get install -y --no-install-recommends python3-venv")
}

fn apt_knows(package: &str) -> bool {
    if ask("apt-get", &["--version"]).is_none() {
        return false;
    }
    let known = || ask("apt-cache", &["show", package]).is_some_and(|text| !text.is_empty());
    known() || (root() && update().is_ok() && known())
}

fn update() -> Result<()> {
    Step::new("apt-get update", "apt-get")
        .args(["update", "-q"])
        .limit(RUSTUP_LIMIT)
        .run()
}

/// Installs Debian packages when this is root; otherwise the command is the error.
pub fn apt(what: &str, packages: &[&str]) -> Result<()> {
    let command = format!("apt-get install -y --no-install-recommends {}", packages.join(" "));
    if !root() {
        bail!("{what} is missing; as root: {command}");
    }
    say(&format!("setup: installing {what}: {command}"));
    let install = || {
        let words: Vec<OsString> = command.split(' ').skip(1).map(OsString::from).collect();
        Step::new("apt-get install", "apt-get")
            .args(words)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .limit(Duration::from_secs(900))
            .run()
    };
    install().or_else(|_| update().and_then(|()| install()))
}

fn root() -> bool {
    ask("id", &["-u"]).as_deref() == Some("0")
}
