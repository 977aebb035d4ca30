//! Patterns on which a backtracking engine would never come back, and the catalogue's ids and checks by name.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;

use keepmum_engine::{Body, BodyKind, Engine, Exchange, Workspace, catalogue};

#[test]
fn the_catalogue_names_what_there_is_and_each_id_once() {
    let validators: BTreeSet<&str> = catalogue::validators().map(|v| v.0).collect();
    let mut ids = BTreeSet::new();
    for d in catalogue::BUILT_IN {
        assert!(ids.insert(d.id), "{}: two detectors have this id", d.id);
        assert!(
            catalogue::PACKS.contains(&d.pack),
            "{}: pack: there is no {}",
            d.id,
            d.pack
        );
        for v in d.validators {
            assert!(validators.contains(v), "{}: validators: none is called {v}", d.id);
        }
    }
}

/// Patterns on which a backtracking engine would never come back, as custom detectors: refused with the field, or linear.
#[test]
fn patterns_that_look_catastrophic_are_refused_or_linear() {
    for pattern in [
        "acme_(a+)+$",
        "acme_(a+)+b",
        "acme_(a|a)*b",
        "acme_(a|aa)+b",
        "acme_([a-z]+)*b",
        "acme_(.*a){20}",
        "acme_(?:a?){60}a{60}",
        "acme_(?:a{0,40}){0,40}b",
        "(?:acme_a*)*b",
        "acme_[a-z]{1,200}[a-z]{1,200}[a-z]{1,200}b",
        "acme_(?:x+x+)+y",
        "(acme_)*",
        "(?:)",
        "acme_|",
        "(?:acme_x)?",
    ] {
        let policy = serde_json::json!({"detectors":{"packs":[],"custom":[{"id":"acme","pattern":pattern}]}});
        let engine = match Engine::new(policy.to_string().as_bytes()) {
            Ok(engine) => engine,
            Err(e) => {
                let why = e.to_string();
                assert!(
                    why.starts_with("detectors.custom[0].") && why.len() < 400,
                    "{pattern}: {why}"
                );
                continue;
            }
        };
        for flood in [
            "acme_a",
            "acme_",
            "aaaaaaaa",
            "acme_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "xx",
        ] {
            // What is exponential does not end here; what is quadratic takes minutes.
            let text = format!("acme_{}", flood.repeat(300_000 / flood.len()));
            let (mut work, mut exchange, mut out) = (Workspace::default(), Exchange::default(), Vec::new());
            let mut body = Body::new(BodyKind::default());
            let begun = std::time::Instant::now();
            for chunk in text.as_bytes().chunks(4096) {
                body.push(&engine, &mut work, &mut exchange, chunk, &mut out);
            }
            body.finish(&engine, &mut work, &mut exchange, &mut out);
            assert!(begun.elapsed().as_secs() < 60, "{pattern} on {flood}");
        }
    }
}
