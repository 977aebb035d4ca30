//! `audit.pointers`: where in a JSON document things were found, however it was cut, and what is never told of it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{JSON, PLAIN, at_cuts};
use keepmum_engine::{Body, BodyKind, Engine, Exchange, Workspace, limits};

const POLICY: &str = r#"{"audit":{"pointers":true},"fields":[{"names":["password"]},{"path":"$.deep.*","action":"remove"}],
    "detectors":{"custom":[{"id":"acme","pattern":"acme_[a-z0-9]{8}"}]}}"#;

fn pointers(engine: &Engine, kind: BodyKind, pieces: &[&[u8]]) -> Vec<(String, Vec<String>)> {
    let (mut work, mut exchange) = (Workspace::default(), Exchange::default());
    let (mut body, mut out) = (Body::new(kind), Vec::new());
    for piece in pieces {
        body.push(engine, &mut work, &mut exchange, piece, &mut out);
        assert!(body.memory() < 64 * 1024);
    }
    body.finish(engine, &mut work, &mut exchange, &mut out);
    let of = |(i, c): (usize, &keepmum_engine::Count)| (c.detector(engine).to_owned(), exchange.pointers(i));
    let mut all: Vec<_> = exchange.counts().enumerate().map(of).collect();
    all.iter_mut().for_each(|(_, list)| list.sort());
    all.sort();
    all
}

fn check(text: &str, expected: &[(&str, &[&str])]) {
    let engine = common::engine(POLICY);
    let want: Vec<(String, Vec<String>)> = expected
        .iter()
        .map(|(id, list)| ((*id).to_owned(), list.iter().map(|p| (*p).to_owned()).collect()))
        .collect();
    let bytes = text.as_bytes();
    assert_eq!(pointers(&engine, JSON, &[bytes]), want, "{text}");
    for cut in 0..bytes.len().min(3000) {
        let (a, b) = bytes.split_at(cut);
        assert_eq!(pointers(&engine, JSON, &[a, b]), want, "{text} cut at {cut}");
    }
    let every = (0..bytes.len()).collect::<Vec<_>>();
    assert_eq!(
        pointers(&engine, JSON, &at_cuts(bytes, &every)),
        want,
        "{text} byte by byte"
    );
}

#[test]
fn what_is_found_has_the_pointer_of_its_place() {
    check(
        r#"{"a":{"b":["x","see acme_12345678!"]},"password":"hunter2hunter2","c":[{"password":7}]}"#,
        &[("acme", &["/a/b/1"]), ("field", &["/c/0/password", "/password"])],
    );
    check(r#"["acme_12345678","acme_12345678"]"#, &[("acme", &["/0", "/1"])]);
    // Objects, and values longer than what is held.
    check(
        r#"{"password":{"k":[1,2]},"x":"acme_12345678"}"#,
        &[("acme", &["/x"]), ("field", &["/password"])],
    );
    check(r#"{"deep":{"x":{"y":"z"}}}"#, &[("field", &["/deep/x"])]);
    let engine = common::engine(POLICY);
    let long = format!(
        r#"{{"a":{{"password":"{}"}},"b":"acme_12345678"}}"#,
        "x".repeat(100_000)
    );
    for size in [1_000, 16 * 1024, 1 << 20] {
        let pieces: Vec<&[u8]> = long.as_bytes().chunks(size).collect();
        assert_eq!(
            pointers(&engine, JSON, &pieces),
            [
                ("acme".to_owned(), vec!["/b".to_owned()]),
                ("field".to_owned(), vec!["/a/password".to_owned()])
            ]
        );
    }
}

#[test]
fn a_name_that_could_be_a_secret_is_not_told() {
    // What detectors find in it, what was found before, what is not plain, and what has many digits.
    check(r#"{"acme_1234abcd":{"k":"acme_12345678"}}"#, &[("acme", &["", "/*/k"])]);
    check(
        r#"{"password":"hunter-two-2","m":{"hunter-two-2":{"k":"acme_12345678"}}}"#,
        &[("acme", &["/m/*/k"]), ("field", &["/password"])],
    );
    check(
        r#"{"a b":"acme_12345678","c/d":["acme_12345678"]}"#,
        &[("acme", &["/*", "/*/0"])],
    );
    check(r#"{"550e8400e29b":"acme_12345678"}"#, &[("acme", &["/*"])]);
}

#[test]
fn without_the_switch_and_outside_json_nothing_is_told() {
    let engine = common::engine(POLICY);
    let text = br#"{"a":"acme_12345678"}"#;
    assert_eq!(pointers(&engine, PLAIN, &[text]), [("acme".to_owned(), vec![])]);
    let engine = common::engine(&POLICY.replace("true", "false"));
    assert_eq!(pointers(&engine, JSON, &[text]), [("acme".to_owned(), vec![])]);
}

#[test]
fn their_number_is_bounded() {
    let engine = common::engine(POLICY);
    let text = format!("[{}]", vec![r#""acme_12345678""#; 2_000].join(","));
    let told = pointers(&engine, JSON, &[text.as_bytes()]);
    assert_eq!(told[0].1.len(), limits::POINTERS);
}

#[test]
fn places_of_a_document_have_the_same_pointers() {
    let engine = common::engine(POLICY);
    let text = r#"{"a":["x",{"acme_1234abcd":"y"}]}"#;
    let at = |what: &str| text.find(what).unwrap() as u64;
    let told = engine.pointers_in(&mut Workspace::default(), text.as_bytes(), &[at("x"), at("y"), 1000]);
    assert_eq!(told, [Some("/a/0".to_owned()), Some("/a/1/*".to_owned()), None]);
}
