//! A policy's own detectors: what is refused and with which words, what keywords, lengths and randomness mean, and that no
//! cut changes any of it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::time::{Duration, Instant};

use common::{assert_cuts_do_not_matter, whole};
use keepmum_engine::{BodyKind, Engine};
use serde_json::{Value, json};

/// An engine with only this detector.
fn alone(custom: &Value) -> Result<Engine, String> {
    let mut custom = custom.clone();
    custom["id"] = custom.get("id").cloned().unwrap_or_else(|| "acme".into());
    let policy = json!({"detectors": {"packs": [], "custom": [custom]}}).to_string();
    Engine::new(policy.as_bytes()).map_err(|e| e.to_string())
}

/// What goes from a text.
fn gone(custom: &Value, text: &str) -> Vec<String> {
    let engine = alone(custom).unwrap();
    assert_cuts_do_not_matter(&engine, BodyKind::default(), text.as_bytes());
    let found = whole(&engine, BodyKind::default(), text.as_bytes()).found;
    let at = |o: u64| usize::try_from(o).unwrap();
    found.iter().map(|f| text[at(f.1)..at(f.2)].to_owned()).collect()
}

#[test]
fn what_cannot_be_taken_is_refused_by_field_and_with_the_way_out() {
    for (custom, field, why) in [
        (json!({"pattern": "[a-z]{32}"}), "pattern", "`max_length`"),
        (json!({"pattern": "[a-z]{32}"}), "pattern", "`keywords`"),
        (json!({"pattern": "acme_[a-z]+"}), "pattern", "`max_length`"),
        (json!({"pattern": "acme_.*end"}), "pattern", "open-ended"),
        (
            json!({"pattern": "acme_(?:ab)*end", "max_length": 100}),
            "pattern",
            "open-ended",
        ),
        (
            json!({"pattern": "[a-z]{0,9}", "max_length": 9}),
            "pattern",
            "empty string",
        ),
        (json!({"pattern": "", "max_length": 9}), "pattern", "empty string"),
        (
            json!({"pattern": "(?:[a-z][0-9]){40}", "max_length": 80}),
            "pattern",
            "64 are allowed",
        ),
        (json!({"pattern": "x"}), "pattern", "literal of 3 bytes"),
        (json!({"pattern": "acme_x", "max_length": 0}), "max_length", "1 to 8192"),
        (
            json!({"pattern": "acme_[a-z]{20}", "max_length": 10}),
            "pattern",
            "25 bytes",
        ),
        (
            json!({"pattern": "acme_[0-9]{10}", "min_entropy": 8}),
            "pattern",
            "3.9 bits",
        ),
        (
            json!({"pattern": "acme_(?<secret>[0-9]{0,3})"}),
            "pattern",
            "can be empty",
        ),
        (
            json!({"pattern": "acme_(?<secrt>[0-9]{3})"}),
            "pattern",
            "only `secret` means something",
        ),
        (
            json!({"pattern": "acme_(?<secret>[0-9]{3})-(?<secret_1>[0-9]{3})"}),
            "pattern",
            "follow each other",
        ),
        (
            json!({"pattern": "acme_x", "max_length": 9000}),
            "max_length",
            "1 to 8192",
        ),
        (
            json!({"pattern": "acme_x", "max_length": "9"}),
            "max_length",
            "expected",
        ),
        (json!({"pattern": "acme_x", "min_entropy": 9}), "min_entropy", "0 to 8"),
        (
            json!({"pattern": "acme_x", "keywords": ["ab"]}),
            "keywords[0]",
            "3 to 32",
        ),
        (
            json!({"pattern": "acme_x", "keywords": ["abc", "_abc"]}),
            "keywords[1]",
            "letter or a digit",
        ),
        (
            json!({"pattern": "acme_x", "keywords": vec!["abc"; 17]}),
            "keywords",
            "16 are allowed",
        ),
        (json!({"pattern": "acme_x", "keywords": "abc"}), "keywords", "expected"),
        (
            json!({"pattern": "acme_x", "validators": ["no-such"]}),
            "validators[0]",
            "not-placeholder",
        ),
        (
            json!({"pattern": "acme_x", "id": "json-web-token"}),
            "id",
            "another detector",
        ),
        (json!({"pattern": "acme_x", "id": "Acme"}), "id", "kebab-case"),
        (
            json!({"pattern": "acme_x", "key_words": []}),
            "key_words",
            "no such key",
        ),
        (
            json!({"pattern": "acme_[a-z]{9}", "examples": ["acme_"]}),
            "examples[0]",
            "does not find",
        ),
        (
            json!({"pattern": "acme_(?<secret>[a-z]{8})", "examples": ["acme_password"], "validators": ["not-placeholder"]}),
            "examples[0]",
            "not-placeholder rejects",
        ),
        (
            json!({"pattern": "acme_[a-z]{9}", "examples": ["acme_aaaaaaaaa"], "min_entropy": 3}),
            "examples[0]",
            "`min_entropy`",
        ),
        (
            json!({"pattern": "acme_[a-z]{4}", "near_misses": ["acme", "acme_abcd"]}),
            "near_misses[1]",
            "should not",
        ),
    ] {
        let refused = alone(&custom).map(drop).unwrap_err();
        let field = format!("detectors.custom[0].{field}: ");
        assert!(
            refused.starts_with(&field) && refused.contains(why),
            "{custom}: {refused}"
        );
    }
}

#[test]
fn two_detectors_with_one_id_are_refused() {
    let one = json!({"id": "acme", "pattern": "acme_x"});
    let policy = json!({"detectors": {"custom": [one, one]}}).to_string();
    let refused = Engine::new(policy.as_bytes()).unwrap_err().to_string();
    assert_eq!(
        refused,
        "detectors.custom[1].id: another detector has this id; expected one of its own"
    );
}

#[test]
fn detectors_that_are_asked_at_every_byte_are_few() {
    let one = |i: usize| json!({"id": format!("acme-{i}"), "pattern": "[0-9a-f]{32}", "max_length": 32});
    let policy = |n| json!({"detectors": {"custom": (0..n).map(one).collect::<Vec<_>>()}}).to_string();
    assert!(Engine::new(policy(8).as_bytes()).is_ok());
    let refused = Engine::new(policy(9).as_bytes()).unwrap_err().to_string();
    assert!(
        refused.starts_with("detectors.custom[8].pattern: it is the 9th"),
        "{refused}"
    );
}

#[test]
fn a_keyword_must_stand_near() {
    let hex = "0123456789abcdef0123456789abcdef";
    let acme = json!({"pattern": r"\b[0-9a-f]{32}\b", "keywords": ["acme", "x-corp"]});
    let far = "x".repeat(60);
    for (text, many) in [
        (format!("acme: {hex}"), 1),
        (format!("ACME_API_KEY = \"{hex}\""), 1),
        (format!("acmeKey={hex}"), 1),
        (format!("x-corp-token: {hex}, {hex}1"), 1),
        (format!("{{\"acme\\u005fkey\":\"{hex}\"}}"), 1),
        (format!("a\\nacme {hex}"), 1),
        (format!("a\\u000aacme {hex}"), 1),
        (format!("q=a%0aacme%20{hex}"), 1),
        (format!("q=b&amp;acme={hex}"), 1),
        (hex.to_owned(), 0),
        (format!("acme\n{hex}"), 0),
        (format!("pacmen {hex}"), 0),
        (format!("acme {far} {hex}"), 0),
        (format!("acme acmeacme acme {far} acme {hex}"), 1),
    ] {
        let expected: Vec<_> = std::iter::repeat_n(hex.to_owned(), many).collect();
        assert_eq!(gone(&acme, &text), expected, "{text}");
    }
}

#[test]
fn a_keyword_may_stand_in_a_match_that_has_a_literal() {
    let custom = json!({"pattern": r"key-(?<secret>[a-z0-9]{4,12})-[a-z]{4}\b", "keywords": ["acme"]});
    assert_eq!(gone(&custom, "acme key-abc1-zzzz"), ["abc1"]);
    assert_eq!(gone(&custom, "key-abc1-zzzz"), [""; 0]);
    let custom = json!({"pattern": r"key-[a-z]{4}-(?<secret>[a-z0-9]{4,12})\b", "keywords": ["acme"]});
    assert_eq!(
        gone(
            &custom,
            "key-acme-abc1, and a good deal later, on its own: key-zzzz-abc2"
        ),
        ["abc1"]
    );
}

#[test]
fn randomness_and_length_are_asked_for() {
    let custom = json!({"pattern": "acme_(?<secret>[a-z0-9]{8,40})", "min_entropy": 3.0});
    assert_eq!(gone(&custom, "acme_aaaaaaaaaaaa acme_a1b2c3d4e5f6"), ["a1b2c3d4e5f6"]);
    let custom = json!({"pattern": "acme_[a-z]+", "max_length": 12});
    assert_eq!(gone(&custom, "acme_abcdefg acme_abcdefgh"), ["acme_abcdefg"]);
    let custom = json!({"pattern": "acme<.*>", "max_length": 20});
    assert_eq!(
        gone(&custom, "acme<abc> and acme<nothing ends this for so long>"),
        ["acme<abc>"]
    );
}

#[test]
fn a_pattern_without_a_literal_is_tried_at_every_byte() {
    let custom = json!({"pattern": r"\b[A-Z]{2}[0-9]{6}[A-Z]\b", "max_length": 9});
    assert_eq!(
        gone(&custom, "AB123456C xAB123456C \\nXY123456Z AB12345C"),
        ["AB123456C", "XY123456Z"]
    );
    let custom = json!({"pattern": "[0-9a-f]{32}", "max_length": 32, "validators": ["not-placeholder"]});
    let text = format!("{} {}", "0".repeat(32), "0123456789abcdef".repeat(2));
    assert_eq!(gone(&custom, &text), ["0123456789abcdef".repeat(2)]);
}

#[test]
fn catastrophic_looking_patterns_take_linear_time() {
    let a = |n: usize| "a".repeat(n);
    for (custom, text) in [
        (
            json!({"pattern": "acme(?:a{1,20}){1,20}b"}),
            format!("acme{}", a(1 << 20)),
        ),
        (
            json!({"pattern": "acme(?:a|aa|a?a){1,30}$x|acmex", "max_length": 99}),
            String::new(),
        ),
        (json!({"pattern": "(?:a|a){20}b", "max_length": 21}), a(1 << 20)),
        (json!({"pattern": "a{1,60}b", "max_length": 61}), a(1 << 20)),
        (
            json!({"pattern": "[^x]{1,60}x", "keywords": ["aaa", "aaaa", "aaaaa"]}),
            a(1 << 20),
        ),
        (
            json!({"pattern": "[a-z]{40}[0-9]", "keywords": ["acme"]}),
            "acme".repeat(1 << 18),
        ),
    ] {
        let Ok(engine) = alone(&custom) else { continue };
        let begun = Instant::now();
        whole(&engine, BodyKind::default(), text.as_bytes());
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "{custom}: {:?}",
            begun.elapsed()
        );
    }
}
