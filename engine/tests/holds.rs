//! How many bytes the engine says it may hold back, against how many it does.
#![cfg(feature = "explain")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{JSON, PLAIN, engine};
use keepmum_engine::{Body, BodyKind, Engine, Exchange, Workspace, catalogue};

/// The most that is held while a text comes in small pieces.
fn most_held(engine: &Engine, kind: BodyKind, text: &[u8]) -> u64 {
    let (mut work, mut exchange, mut out) = (Workspace::default(), Exchange::default(), Vec::new());
    let mut body = Body::new(kind);
    let mut most = 0;
    for piece in text.chunks(text.len().div_ceil(4096).max(1)) {
        body.push(engine, &mut work, &mut exchange, piece, &mut out);
        out.clear();
        most = most.max(body.held() as u64);
    }
    most
}

fn own(pattern: &str) -> Engine {
    let policy = serde_json::json!({"detectors": {"packs": [], "custom": [{"id": "own", "pattern": pattern}]}});
    engine(&policy.to_string())
}

#[test]
fn the_longest_match_is_read_from_the_pattern() {
    for (pattern, longest) in [
        ("acme_[a-z0-9]{32}", Some(37)),
        ("acme_(?:a|bcd){2,5}x?", Some(21)),
        (r"acme_\b(?<secret>[0-9]{4}|[a-f]{9})-", Some(15)),
        ("[a-z0-9.-]{1,250}\\.acme", Some(255)),
    ] {
        assert_eq!(own(pattern).holds().detectors[0].characters, longest, "{pattern}");
    }
}

#[test]
fn no_example_is_held_for_longer_than_is_said() {
    let e = engine(r#"{"detectors":{"packs":["secrets","tokens","generic","pii","error-leaks"]}}"#);
    let holds = e.holds();
    assert_eq!(holds.detectors.len(), e.detectors());
    for x in catalogue::EXAMPLES {
        for text in x.matches.iter().chain(x.near_misses) {
            let held = most_held(&e, PLAIN, text.as_bytes());
            assert!(held <= holds.bound(), "{}: {held} > {}", x.id, holds.bound());
        }
    }
}

#[test]
fn what_is_held_comes_near_to_what_is_said_and_not_past_it() {
    let long = |before: &str, c: &str| format!("{before}{}", c.repeat(40_000));
    let hash = r#"{"detectors":{"packs":[]},"fields":[{"names":["a"],"action":"hash"}]}"#;
    for (e, kind, text, bound) in [
        (
            own("acme_[a-z0-9]{3,700}!"),
            PLAIN,
            long("acme_", "a"),
            own("acme_[a-z0-9]{3,700}!").holds().plain(),
        ),
        (
            own("acme_[a-z0-9]{3,700}"),
            PLAIN,
            long("acme_", "a"),
            own("acme_[a-z0-9]{3,700}").holds().plain(),
        ),
        (engine(hash), JSON, long("{\"a\":\"", "x"), engine(hash).holds().bound()),
    ] {
        let held = most_held(&e, kind, text.as_bytes());
        assert!(held <= bound, "{held} > {bound}");
        assert!(2 * held > bound, "{held} is far below {bound}");
    }
}

#[test]
fn floods_stay_below_the_bound() {
    let all = r#"{"detectors":{"packs":["secrets","tokens","generic","pii","error-leaks"],"actions":{"github-token":"mask"}},
        "fields":[{"names":["a"],"action":"hash"}]}"#;
    let e = engine(all);
    let bound = e.holds().bound();
    assert!(e.holds().overlap > 0);
    for unit in [
        "eyJ",
        "ghp_",
        "-----BEGIN PRIVATE KEY-----\\n",
        "QUtJQ",
        "{\"a\":\"",
        "postgres://a:",
        "\\u0067",
        "AAAA",
        "password=",
        "%67hp_",
    ] {
        let text = unit.repeat(100_000 / unit.len());
        let held = most_held(&e, JSON, text.as_bytes());
        assert!(held <= bound, "{unit}: {held} > {bound}");
    }
}
