//! The parts of `cargo xtask test`, in the order in which they run, and the other commands that are one step each.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::run::{Step, ask, say};
use crate::test::{Outcome, Run};
use crate::{docs, js, module, setup, tidy, workspace};

/// One named check.
pub struct Part {
    pub name: &'static str,
    pub about: &'static str,
    /// Runs when no part is named.
    pub by_default: bool,
    pub run: fn(&mut Run) -> Result<Outcome>,
}

/// Every part. The search for planted secrets is last because it reads what the others printed.
pub const PARTS: &[Part] = &[
    part("tidy", "rules that a compiler does not check", tidy_rules),
    part("fmt", "formatting", fmt),
    part("clippy", "lints, on all targets, and the plugin for wasm32", clippy),
    part("alone", "each crate is checked alone", alone),
    part("unit", "unit and property tests of every crate", unit),
    part("score", "recall, precision and benign text above the line", score),
    part("module", "the module builds for wasm32", build),
    part(
        "captures",
        "captures and scenarios through the module under wasmtime",
        captures,
    ),
    part("agent", "the agent, its sources and the program, with lints", agent),
    part("js", "the npm package: installed, and run in Node", js::test),
    part("envoy", "captures, scenarios and bad input through a real Envoy", envoy),
    Part {
        by_default: false,
        ..part(
            "debian-chroot",
            "demo and test on a bare Debian, without rustup",
            debian,
        )
    },
    part("secrets", "no planted secret in anything that was printed", secrets),
];

const fn part(name: &'static str, about: &'static str, run: fn(&mut Run) -> Result<Outcome>) -> Part {
    Part {
        name,
        about,
        by_default: true,
        run,
    }
}

fn tidy_rules(_: &mut Run) -> Result<Outcome> {
    let mut found = tidy::check(&workspace::root())?;
    found.extend(docs::check()?);
    for line in &found {
        eprintln!("  {line}");
    }
    if found.is_empty() {
        Ok(Outcome::Passed)
    } else {
        bail!("{} findings", found.len())
    }
}

/// A cargo command whose output is kept.
fn cargo(run: &Run, name: &str, args: &[&str]) -> Result<Outcome> {
    Step::cargo(name, args).log(Some(&run.log)).run()?;
    Ok(Outcome::Passed)
}

fn fmt(run: &mut Run) -> Result<Outcome> {
    if let Some(skip) = without_lints() {
        return Ok(skip);
    }
    cargo(run, "cargo fmt", &["fmt", "--all", "--check"])
}

fn clippy(run: &mut Run) -> Result<Outcome> {
    if let Some(skip) = without_lints() {
        return Ok(skip);
    }
    let deny = ["--", "--deny", "warnings"];
    cargo(
        run,
        "cargo clippy",
        &[&["clippy", "--workspace", "--all-targets"][..], &deny].concat(),
    )?;
    let way = run.way()?;
    let args = ["clippy", "--profile", "wasm", "--package", "keepmum-plugin"];
    // What follows `--` must stay last, so the target and `-Z` go before it.
    module::cargo("cargo clippy for wasm32", &way, &args)
        .args(deny)
        .log(Some(&run.log))
        .run()?;
    Ok(Outcome::Passed)
}

fn without_lints() -> Option<Outcome> {
    let why = setup::lints().err()?;
    Some(Outcome::Skipped {
        why: "rustfmt and clippy are not installed".into(),
        enable: format!("{why:#}"),
    })
}

fn alone(run: &mut Run) -> Result<Outcome> {
    for (_, package) in workspace::CRATES {
        cargo(run, &format!("cargo check {package}"), &["check", "--package", package])?;
    }
    Ok(Outcome::Passed)
}

fn unit(run: &mut Run) -> Result<Outcome> {
    cargo(run, "cargo test", &["test", "--workspace"])
}

fn score(run: &mut Run) -> Result<Outcome> {
    crate::score::held(&run.log)?;
    Ok(Outcome::Passed)
}

fn build(run: &mut Run) -> Result<Outcome> {
    run.module()?;
    Ok(Outcome::Passed)
}

fn captures(run: &mut Run) -> Result<Outcome> {
    ignored(run, "captures", &["host-tests", "scenarios", "cli"], &[])
}

/// With features of its own, and so by package: wasmtime is in neither.
fn agent(run: &mut Run) -> Result<Outcome> {
    let (agent, program) = (["-p", "keepmum-agent"], ["-p", "keepmum-cli", "--no-default-features"]);
    let aws = ["--features", "aws"];
    if without_lints().is_none() {
        for package in [&agent[..], &program] {
            let args = [
                &["clippy"],
                package,
                &aws,
                &["--all-targets", "--", "--deny", "warnings"],
            ]
            .concat();
            cargo(run, "cargo clippy, agent", &args)?;
        }
    }
    cargo(run, "the agent's sources", &[&["test"][..], &agent, &aws].concat())?;
    cargo(
        run,
        "keepmum agent",
        &[&["test"][..], &program, &aws, &["--test", "agent"]].concat(),
    )
}

fn envoy(run: &mut Run) -> Result<Outcome> {
    if let Err(why) = setup::python() {
        return Ok(Outcome::Skipped {
            why: "no Python with venv".into(),
            enable: format!("{why:#}"),
        });
    }
    let versions = run.envoy_versions.clone();
    ignored(
        run,
        "captures through Envoy",
        &["envoy"],
        &[("KEEPMUM_ENVOY_VERSIONS", &versions)],
    )
}

/// Tests that need the module are `#[ignore]`d for a plain `cargo test`, which could only find a stale one.
fn ignored(run: &mut Run, name: &str, folders: &[&str], more: &[(&str, &str)]) -> Result<Outcome> {
    let wasm = run.module()?;
    let mut tests = Vec::new();
    for folder in folders {
        tests.extend(tests_of(folder)?);
    }
    let mut step = Step::cargo(name, ["test", "--workspace"])
        .args(tests.iter().flat_map(|test| ["--test", test]))
        .args(["--", "--ignored", "--nocapture"])
        .env("KEEPMUM_WASM", &wasm)
        .env("KEEPMUM_LOGS", workspace::logs());
    for (key, value) in more {
        step = step.env(key, value);
    }
    step.log(Some(&run.log)).run()?;
    Ok(Outcome::Passed)
}

/// The names of a crate's integration tests. They are chosen by name, not by package: selecting one package would unify
/// features differently, and wasmtime would be built a second time.
fn tests_of(folder: &str) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(workspace::root().join(folder).join("tests"))? {
        let path = entry?.path();
        let is_test = path.extension().is_some_and(|e| e == "rs") || path.join("main.rs").exists();
        if let Some(name) = path.file_stem().filter(|_| is_test) {
            names.push(name.to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

fn secrets(run: &mut Run) -> Result<Outcome> {
    let program = program("keepmum-envoy")?;
    Step::new("search the logs", program)
        .args(["search".as_ref(), workspace::logs().as_os_str()])
        .log(Some(&run.log))
        .run()?;
    Ok(Outcome::Passed)
}

/// Builds one of the workspace's programs, with the features that the tests are built with.
pub fn program(name: &str) -> Result<PathBuf> {
    Step::cargo(&format!("build {name}"), ["build", "--workspace", "--bin", name]).run()?;
    Ok(workspace::target().join("debug").join(name))
}

fn debian(run: &mut Run) -> Result<Outcome> {
    if ask("id", &["-u"]).as_deref() != Some("0") || ask("debootstrap", &["--version"]).is_none() {
        return Ok(Outcome::Skipped {
            why: "needs root and debootstrap".into(),
            enable: "apt-get install -y debootstrap, then run as root".into(),
        });
    }
    Step::new("a bare Debian", "bash")
        .args([
            "xtask/debian-chroot.sh".as_ref(),
            workspace::target().join("debian-chroot").as_os_str(),
        ])
        .log(Some(&run.log))
        .limit(Duration::from_secs(7200))
        .run()?;
    Ok(Outcome::Passed)
}

/// Writes what comes out of the captures as what is expected, and the tables of the catalogue.
pub fn bless() -> Result<()> {
    docs::bless()?;
    let wasm = module::build(&setup::wasm()?)?;
    Step::cargo(
        "bless",
        [
            "test",
            "--workspace",
            "--test",
            "capture_expected",
            "--",
            "--ignored",
            "--nocapture",
        ],
    )
    .env("KEEPMUM_WASM", &wasm)
    .env("KEEPMUM_BLESS", "1")
    .run()?;
    say("bless: what is expected was written anew where it differed; read `git diff host-tests` before you commit it");
    Ok(())
}
