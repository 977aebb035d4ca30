//! What the module makes of every bundled capture: exactly what `captures/expected.txt` says, with no fault.
//!
//! The text is blessed, not typed: `cargo xtask bless` writes it, and its diff shows what a change of a detector or of
//! the engine does to real responses. A run with a fault, a secret that got through above all, is never blessed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may stop")]

use std::fmt::Write as _;
use std::path::PathBuf;

use keepmum_host_tests::capture;
use keepmum_host_tests::exchange::{End, Headers, Message};
use keepmum_host_tests::host::{Module, Options};
use keepmum_host_tests::replay::{Ended, replay};
use keepmum_host_tests::report::{self, Case, Outcome};
use sha2::{Digest as _, Sha256};

/// A text body up to this size stands in the expectation itself, a longer one as its digest.
const SHORT: usize = 1200;

fn cases() -> Vec<Case> {
    let wasm = std::env::var("KEEPMUM_WASM").expect("KEEPMUM_WASM names a module that was just built");
    let module = Module::load(&PathBuf::from(wasm)).unwrap();
    let exchanges = capture::bundled().unwrap();
    let through = |exchange| {
        let replay = replay(&module, &Options::default(), &exchange).unwrap();
        Case {
            exchange,
            outcome: Outcome::Replayed(Box::new(replay)),
        }
    };
    exchanges.into_iter().map(through).collect()
}

fn fields(out: &mut String, fields: &Headers) {
    for (name, value) in fields {
        writeln!(out, "  {}: {}", report::visible(name), report::visible(value)).unwrap();
    }
}

fn body(out: &mut String, message: &Message) {
    let body = message.body_bytes();
    let digest: String = Sha256::digest(&body)
        .iter()
        .take(8)
        .map(|b| format!("{b:02x}"))
        .collect();
    match std::str::from_utf8(&body) {
        Ok("") => {}
        Ok(text) if text.len() <= SHORT => {
            for line in text.split('\n') {
                writeln!(out, "  | {}", report::visible(line.as_bytes())).unwrap();
            }
        }
        _ => writeln!(out, "  | {} bytes, sha256 {digest}…", body.len()).unwrap(),
    }
}

/// What came of a case, as text that is read in a diff.
fn written(case: &Case) -> String {
    let client = &case.replay().unwrap().client;
    let mut out = format!("== {}\n", case.exchange.name);
    for row in report::rows(std::slice::from_ref(case)) {
        let times = row.count;
        writeln!(
            out,
            "  {} {} {} {} ×{times}",
            row.place, row.detector, row.action, row.after
        )
        .unwrap();
    }
    if client.ended != Ended::Complete {
        writeln!(out, "  ended: {:?}", client.ended).unwrap();
    }
    writeln!(out).unwrap();
    fields(&mut out, &client.message.headers);
    body(&mut out, &client.message);
    fields(&mut out, client.message.trailers.as_ref().unwrap_or(&Headers::new()));
    out
}

#[test]
#[ignore = "needs the module: cargo xtask test"]
fn every_capture_gives_what_is_expected() {
    let cases = cases();
    let faults: Vec<_> = cases
        .iter()
        .flat_map(|case| {
            case.faults()
                .into_iter()
                .map(|fault| format!("{}: {fault}", case.exchange.name))
        })
        .collect();
    assert!(faults.is_empty(), "{faults:#?}");
    let texts: Vec<_> = cases.iter().map(written).collect();
    let text = texts.join("\n");
    let file = capture::bundled_folder().join("expected.txt");
    if std::env::var_os("KEEPMUM_BLESS").is_some() {
        std::fs::write(&file, &text).unwrap();
        return;
    }
    let expected = std::fs::read_to_string(&file).unwrap_or_default();
    let expected: Vec<_> = expected.split_inclusive("\n== ").collect();
    for (index, text) in text.split_inclusive("\n== ").enumerate() {
        let expected = expected.get(index).copied().unwrap_or("(nothing: not blessed yet)");
        assert!(
            expected == text,
            "`cargo xtask bless` if this is right\n--- expected\n{expected}\n--- got\n{text}"
        );
    }
    assert_eq!(
        expected.len(),
        text.split_inclusive("\n== ").count(),
        "an expectation that nothing gives"
    );
}

/// Every planted secret is found by the detector that the table of plants names for it, and nothing else is touched.
#[test]
#[ignore = "needs the module: cargo xtask test"]
fn each_plant_is_found_by_its_detector_and_what_has_none_passes() {
    let table = std::fs::read(capture::bundled_folder().join("plants.json")).unwrap();
    let table: serde_json::Value = serde_json::from_slice(&table).unwrap();
    for case in cases() {
        let (name, replay) = (&case.exchange.name, case.replay().unwrap());
        for plant in &case.exchange.planted {
            let detector = table["plants"][&plant.name]["detector"].as_str().unwrap();
            let found = replay.findings.iter().any(|finding| finding.detector == detector);
            assert!(found, "{name}: {detector} did not find {}", plant.name);
        }
        if case.exchange.planted.is_empty() {
            assert_eq!(replay.findings, [], "{name}");
            assert!(case.body_unchanged() || case.exchange.policy.is_some(), "{name}");
        }
        if case.exchange.response.end == End::Complete {
            assert_eq!(replay.client.ended, Ended::Complete, "{name}");
        }
    }
}
