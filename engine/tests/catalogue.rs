//! Every detector file against its own promises: compiled, its matches found, its near misses left, whatever the cut.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{engine, whole};
use keepmum_engine::{BodyKind, catalogue};

const ALL: &str = r#"{"detectors":{"packs":["secrets","tokens","generic","pii","error-leaks"]}}"#;

#[test]
fn the_catalogue_compiles_and_is_large_enough() {
    assert!(engine(ALL).detectors() >= 40);
    assert_eq!(engine(ALL).detectors(), catalogue::BUILT_IN.len());
}

#[test]
fn every_match_is_found_and_every_near_miss_is_left() {
    let mut wrong = Vec::new();
    // Each with its own pack: where two packs find the same stretch, the earlier beginning gives it its name.
    let of = |pack: &&str| engine(&format!(r#"{{"detectors":{{"packs":["{pack}"]}}}}"#));
    let engines: Vec<_> = catalogue::PACKS.iter().map(of).collect();
    for (x, d) in catalogue::EXAMPLES.iter().zip(catalogue::BUILT_IN) {
        let e = &engines[catalogue::PACKS.iter().position(|p| *p == d.pack).unwrap()];
        for (i, text) in x.matches.iter().enumerate() {
            let found = whole(e, BodyKind::default(), text.as_bytes()).found;
            if !found.iter().any(|f| f.0 == x.id) {
                wrong.push(format!("{}: match {i} gives {found:?}", x.id));
            }
        }
        for (i, text) in x.near_misses.iter().enumerate() {
            let found = whole(e, BodyKind::default(), text.as_bytes()).found;
            if found.iter().any(|f| f.0 == x.id) {
                wrong.push(format!("{}: near miss {i} gives {found:?}", x.id));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_example_survives_every_cut_and_a_second_pass() {
    for action in ["label", "mask", "remove"] {
        let e = engine(&format!(
            r#"{{"detectors":{{"packs":["secrets","tokens","generic","pii","error-leaks"]}},"response":{{"action":"{action}"}}}}"#
        ));
        for x in catalogue::EXAMPLES {
            for text in x.matches.iter().chain(x.near_misses) {
                // In a string that does not escape it, in one that does, and before another line.
                let json = serde_json::json!({"a": text, "b": "fake"}).to_string();
                for (text, is_json) in [
                    (format!("{{\"a\": \"{text}\"}} "), false),
                    (json, true),
                    (format!("fake\n{text}\nmore=fake\n"), false),
                ] {
                    let kind = BodyKind {
                        json: is_json,
                        ..BodyKind::default()
                    };
                    // What the action is changes what is written, not what is found: all cuts under one are enough.
                    if action == "label" || is_json {
                        common::assert_cuts_do_not_matter(&e, kind, text.as_bytes());
                    }
                    let once = whole(&e, kind, text.as_bytes());
                    let twice = whole(&e, kind, &once.out);
                    assert!(
                        twice.found.is_empty() && twice.out == once.out,
                        "{action} {}: a second pass finds {:?} in {:?}",
                        x.id,
                        twice.found,
                        String::from_utf8_lossy(&once.out)
                    );
                    let still = serde_json::from_slice::<serde_json::Value>(&once.out);
                    assert!(!is_json || still.is_ok(), "{action} {}: no JSON any more", x.id);
                }
            }
        }
    }
}
