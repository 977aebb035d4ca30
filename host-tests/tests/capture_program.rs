//! `keepmum-replay` as a person runs it: what it prints, what it writes, how it exits.
//!
//! The module here is a probe that only reads, so every planted secret reaches the client: the one run in which the
//! program has the most to hide.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may stop")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use keepmum_host_tests::capture;
use keepmum_host_tests::exchange::{Message, Planted};

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_keepmum-replay"))
        .args(arguments)
        .output()
        .unwrap()
}

fn probe() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("probes/read_body.wat");
    path.display().to_string()
}

fn planted() -> Vec<Planted> {
    let exchanges = capture::bundled().unwrap();
    exchanges.into_iter().flat_map(|exchange| exchange.planted).collect()
}

fn told(text: &[u8]) -> Vec<String> {
    let message = Message {
        body: vec![text.to_vec()],
        ..Message::default()
    };
    let planted = planted();
    let names = capture::leaked(&planted, &message);
    names.into_iter().map(str::to_owned).collect()
}

fn report(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

#[test]
fn a_module_that_redacts_nothing_fails_and_no_secret_is_printed() {
    let file = report("nothing-redacted.html");
    let output = run(&["--wasm", &probe(), "--html", file.to_str().unwrap()]);
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    for plant in planted() {
        assert!(
            text.contains(&format!("the planted secret {} reached the client", plant.name)),
            "{}",
            plant.name
        );
    }
    assert!(!text.contains('\x1b'), "colours without a terminal");
    assert_eq!(told(&output.stdout), Vec::<String>::new());
    assert_eq!(told(&output.stderr), Vec::<String>::new());
    assert_eq!(told(&std::fs::read(file).unwrap()), Vec::<String>::new());
}

#[test]
fn secrets_are_shown_in_the_report_when_asked_for() {
    let file = report("shown.html");
    let output = run(&["--wasm", &probe(), "--html", file.to_str().unwrap(), "--show-secrets"]);
    assert_eq!(told(&output.stdout), Vec::<String>::new());
    assert!(told(&std::fs::read(file).unwrap()).len() > 10);
}

#[test]
fn json_is_json_and_holds_no_secret() {
    let output = run(&["--wasm", &probe(), "--json"]);
    let value: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        value["exchanges"].as_array().unwrap().len(),
        capture::bundled().unwrap().len()
    );
    assert_eq!(told(&output.stdout), Vec::<String>::new());
}

#[test]
fn clean_captures_pass() {
    let folder = capture::bundled_folder().join("html-page");
    let output = run(&["--wasm", &probe(), "--captures", folder.to_str().unwrap()]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("body unchanged"), "{text}");
}

#[test]
fn what_cannot_be_done_exits_with_2_and_says_why() {
    let probe = probe();
    for (arguments, why) in [
        (vec![], "--wasm FILE is missing"),
        (vec!["--wasm", "/nowhere.wasm"], "/nowhere.wasm"),
        (vec!["--wasm", &probe, "--captures", "/nowhere.har"], "/nowhere.har"),
        (vec!["--wasm", &probe, "--policy", "/nowhere.json"], "/nowhere.json"),
        (vec!["--wasm", &probe, "--html", "/nowhere/x.html"], "/nowhere/x.html"),
        (
            vec!["--wasm", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")],
            "Cargo.toml",
        ),
    ] {
        let output = run(&arguments);
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {text}");
        assert!(text.contains(why), "{why}: {text}");
    }
}
