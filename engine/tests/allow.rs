//! `allow`: what stays, by value, pattern, place and field, and that it stays however the text was cut.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{JSON, PLAIN, assert_cuts_do_not_matter, at_cuts, check, run, whole};
use keepmum_engine::{Body, Engine, Exchange, Framing, Workspace, limits};
use proptest::prelude::*;
use serde_json::json;

/// A policy with one detector of its own, `acme_` and eight letters or digits, and this `allow`.
fn policy(allow: &str) -> String {
    format!(
        r#"{{"detectors":{{"custom":[{{"id":"acme","pattern":"acme_[a-z0-9]{{8}}"}}]}},"response":{{"action":{{"label":{{"template":"[GONE]"}}}}}},"allow":{allow}}}"#
    )
}

#[test]
fn a_value_that_a_pattern_matches_as_a_whole_stays() {
    for (pattern, text, want) in [
        (
            "acme_test.{4}",
            "x acme_test1234 acme_live1234",
            "x acme_test1234 [GONE]",
        ),
        ("acme_te", "acme_test1234", "[GONE]"),
        ("(?i)ACME_TEST[0-9]{4}", "acme_test1234", "acme_test1234"),
        // As text, however it is spelt.
        (
            "acme_test.{4}",
            r#"{"k":"acme\u005ftest1234"}"#,
            r#"{"k":"acme\u005ftest1234"}"#,
        ),
    ] {
        let allow = json!([{ "pattern": pattern }]).to_string();
        check(&policy(&allow), JSON, text, want);
    }
}

#[test]
fn all_that_an_item_asks_for_must_hold() {
    let both =
        r#"[{"pattern":"acme_test.*","place":"response.header.x-key"},{"value":"acme_live0000","names":["key"]}]"#;
    let engine = Engine::new(policy(both).as_bytes()).unwrap();
    for (place, text, stays) in [
        ("response.header.x-key", "acme_test1234", true),
        ("response.header.x-key", "acme_live1234", false),
        ("response.body", "acme_test1234", false),
        ("response.body", r#"{"key":"acme_live0000"}"#, true),
        ("response.body", r#"{"key":"acme_live0001"}"#, false),
        ("response.body", r#"{"other":"acme_live0000"}"#, false),
    ] {
        let (mut work, mut exchange) = (Workspace::default(), Exchange::default());
        exchange.enter_place(0, place);
        let (mut body, mut out) = (Body::new(JSON), Vec::new());
        body.push(&engine, &mut work, &mut exchange, text.as_bytes(), &mut out);
        body.finish(&engine, &mut work, &mut exchange, &mut out);
        assert_eq!(exchange.findings().is_empty(), stays, "{text} in {place}");
    }
}

#[test]
fn what_stands_in_a_field_that_is_named_stays() {
    let named = r#"[{"names":["Public_Key","id"]}]"#;
    for (kind, text, want) in [
        (
            JSON,
            r#"{"public_key":"acme_12345678"}"#,
            r#"{"public_key":"acme_12345678"}"#,
        ),
        (
            JSON,
            r#"{"PUBLIC_KEY": "see acme_12345678!" }"#,
            r#"{"PUBLIC_KEY": "see acme_12345678!" }"#,
        ),
        (JSON, r#"{"key":"acme_12345678"}"#, r#"{"key":"[GONE]"}"#),
        (
            JSON,
            r#"{"id":"acme_12345678","k":"acme_12345678"}"#,
            r#"{"id":"acme_12345678","k":"[GONE]"}"#,
        ),
        // Objects and lists too, to their ends and no further.
        (
            JSON,
            r#"{"id":{"a":["acme_12345678",{"b":"}acme_12345679"}]},"k":["acme_12345670"]}"#,
            r#"{"id":{"a":["acme_12345678",{"b":"}acme_12345679"}]},"k":["[GONE]"]}"#,
        ),
        (
            JSON,
            r#"{"a":{"id":"x"},"k":"acme_12345678"}"#,
            r#"{"a":{"id":"x"},"k":"[GONE]"}"#,
        ),
        // A key is no value, and neither is what stands behind one.
        (JSON, r#"{"id":1,"acme_12345678":2}"#, r#"{"id":1,"[GONE]":2}"#),
        (JSON, r#"["id","acme_12345678"]"#, r#"["id","[GONE]"]"#),
        // What only looks like JSON decides nothing: who writes `"id":{` into a page would be let through.
        (
            PLAIN,
            "x {\"id\":\"acme_12345678\"} acme_12345678",
            "x {\"id\":\"[GONE]\"} [GONE]",
        ),
        (PLAIN, "{\"id\":\"acme_12345678\"}", "{\"id\":\"[GONE]\"}"),
        // A key has its escapes undone once, as its reader does.
        (
            JSON,
            r#"{"i\u0064":"acme_12345678","i\\u0064":"acme_12345679","\u0069\u0064":"acme_12345670"}"#,
            r#"{"i\u0064":"acme_12345678","i\\u0064":"[GONE]","\u0069\u0064":"acme_12345670"}"#,
        ),
    ] {
        check(&policy(named), kind, text, want);
    }
}

#[test]
fn what_stands_in_a_value_that_a_path_selects_stays() {
    for (path, text, want) in [
        (
            "$.a.b",
            r#"{"a":{"b":"acme_12345678","c":"acme_12345678"},"b":"acme_12345678"}"#,
            r#"{"a":{"b":"acme_12345678","c":"[GONE]"},"b":"[GONE]"}"#,
        ),
        (
            "$.a",
            r#"{"a":{"b":["acme_12345678"]},"b":"acme_12345679"}"#,
            r#"{"a":{"b":["acme_12345678"]},"b":"[GONE]"}"#,
        ),
        (
            "$[*].k",
            r#"[{"k":"acme_12345678"},{"l":"acme_12345670"}]"#,
            r#"[{"k":"acme_12345678"},{"l":"[GONE]"}]"#,
        ),
        (
            "$[1]",
            r#"["acme_12345678","acme_12345679","acme_12345670"]"#,
            r#"["[GONE]","acme_12345679","[GONE]"]"#,
        ),
        (
            "$..k",
            r#"{"x":{"k":"acme_12345678"}}"#,
            r#"{"x":{"k":"acme_12345678"}}"#,
        ),
        ("$.k", "{\"k\":\"acme_12345678\"", "{\"k\":\"acme_12345678\""),
    ] {
        let allow = json!([{ "path": path }]).to_string();
        check(&policy(&allow), JSON, text, want);
    }
}

/// A stream in all cuts into two, and byte by byte.
fn check_events(engine: &Engine, framing: Framing, text: &str, want: &str) {
    let through = |pieces: &[&[u8]]| {
        let (mut work, mut exchange) = (Workspace::default(), Exchange::default());
        let (mut body, mut out) = (Body::of_events(framing), Vec::new());
        for piece in pieces {
            if body.push(engine, &mut work, &mut exchange, piece, &mut out) == keepmum_engine::Flow::Pass {
                out.extend_from_slice(piece);
            }
        }
        body.finish(engine, &mut work, &mut exchange, &mut out);
        String::from_utf8(out).unwrap()
    };
    for cut in 0..text.len() {
        let (a, b) = text.as_bytes().split_at(cut);
        assert_eq!(through(&[a, b]), want, "cut at {cut}");
    }
    let bytes: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
    assert_eq!(through(&bytes), want);
}

#[test]
fn each_line_of_a_stream_is_a_document_of_its_own() {
    let engine = Engine::new(policy(r#"[{"path":"$.k"},{"names":["id"]}]"#).as_bytes()).unwrap();
    for (framing, text, want) in [
        (
            Framing::Lines,
            "{\"k\":\"acme_12345678\"}\n{\"id\":{\n{\"l\":\"acme_12345678\"}\n",
            "{\"k\":\"acme_12345678\"}\n{\"id\":{\n{\"l\":\"[GONE]\"}\n",
        ),
        (
            Framing::Events,
            "data: {\"k\":\"acme_12345678\",\"l\":\"acme_12345678\"}\n\nid: \"id\":\"acme_12345679\"\n\n",
            "data: {\"k\":\"acme_12345678\",\"l\":\"[GONE]\"}\n\nid: \"id\":\"[GONE]\"\n\n",
        ),
        // Neither before a document nor behind it.
        (
            Framing::Lines,
            "x {\"id\":\"acme_12345678\"}\n{} \"id\":{\"x\":\"acme_12345678\"\n{\"id\":[\"acme_12345678\"]}\n",
            "x {\"id\":\"[GONE]\"}\n{} \"id\":{\"x\":\"[GONE]\"\n{\"id\":[\"acme_12345678\"]}\n",
        ),
    ] {
        check_events(&engine, framing, text, want);
    }
}

#[test]
fn deeper_than_is_followed_nothing_is_kept_by_path() {
    let deep = limits::PATH_DEPTH + 4;
    let text = format!(r#"{}{{"k":"acme_12345678"}}"#, "[".repeat(deep));
    let got = whole(&common::engine(&policy(r#"[{"path":"$..k"}]"#)), JSON, text.as_bytes());
    assert!(got.out.ends_with(br#"{"k":"[GONE]"}"#));
}

#[test]
fn field_rules_redact_all_the_same() {
    let p = r#"{"fields":[{"names":["password"]}],"allow":[{"names":["password","id"]}],"response":{"action":{"label":{"template":"[GONE]"}}}}"#;
    check(p, JSON, r#"{"password":"anything"}"#, r#"{"password":"[GONE]"}"#);
}

#[test]
fn names_hold_in_forms_cookies_queries_and_headers() {
    let engine = Engine::new(policy(r#"[{"names":["id"]}]"#).as_bytes()).unwrap();
    let value = |name: &str, text: &str| {
        let (mut work, mut exchange) = (Workspace::default(), Exchange::default());
        let out = exchange.header(&engine, &mut work, name.as_bytes(), text.as_bytes());
        out.map_or(text.to_owned(), |out| String::from_utf8(out).unwrap())
    };
    assert_eq!(value("id", "acme_12345678"), "acme_12345678");
    assert_eq!(value("x-id", "acme_12345678"), "[GONE]");
    assert_eq!(
        value("cookie", "id=acme_12345678; k=acme_12345679"),
        "id=acme_12345678; k=[GONE]"
    );
    assert_eq!(
        value("location", "/a?k=acme_12345679&id=acme_12345678#x"),
        "/a?k=[GONE]&id=acme_12345678#x"
    );
    let text: &[u8] = b"user[id]=acme_12345678&k=acme_12345679&id=acme_12345670";
    for cut in 0..text.len() {
        let (mut work, mut exchange) = (Workspace::default(), Exchange::default());
        let (mut body, mut out) = (Body::of_form(), Vec::new());
        for piece in [&text[..cut], &text[cut..]] {
            if body.push(&engine, &mut work, &mut exchange, piece, &mut out) == keepmum_engine::Flow::Pass {
                out.extend_from_slice(piece);
            }
        }
        body.finish(&engine, &mut work, &mut exchange, &mut out);
        assert_eq!(
            String::from_utf8_lossy(&out),
            "user[id]=acme_12345678&k=[GONE]&id=acme_12345670",
            "cut at {cut}"
        );
    }
}

#[test]
fn base64_in_a_field_that_is_named_stays() {
    // `{"token":"acme_12345678"}`
    let inside = "eyJ0b2tlbiI6ImFjbWVfMTIzNDU2NzgifQ==";
    let engine = common::engine(&policy(r#"[{"names":["id"]}]"#));
    let text = format!(r#"{{"x":"{}","id":"{inside}","k":"{inside}"}}"#, "padding ".repeat(30));
    assert_cuts_do_not_matter(&engine, JSON, text.as_bytes());
    let out = String::from_utf8(whole(&engine, JSON, text.as_bytes()).out).unwrap();
    assert!(out.contains(&format!(r#""id":"{inside}""#)), "{out}");
    assert_eq!(out.matches(inside).count(), 1, "{out}");
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let many = |item: &str, n: usize| format!("[{}]", vec![item; n].join(","));
    for (allow, why) in [
        (r#"[{"pattern":"("}]"#.to_owned(), "allow[0].pattern: unclosed group"),
        (
            r#"[{"pattern":"^a"}]"#.to_owned(),
            "allow[0].pattern: the whole value is compared anyway",
        ),
        (
            r#"[{"value":"a"},{"pattern":"(?:ab){65}"}]"#.to_owned(),
            "allow[1].pattern: it compiles to",
        ),
        (
            r#"[{"pattern":3}]"#.to_owned(),
            "allow[0].pattern: a number stands here; expected text",
        ),
        (r#"[{"path":"$.a[-1]"}]"#.to_owned(), "allow[0].path: at character 5"),
        (
            r#"[{"names":[""]}]"#.to_owned(),
            "allow[0].names[0]: expected 1 to 128 bytes",
        ),
        (
            r#"[{"names":[]}]"#.to_owned(),
            "allow[0].value: missing; it is needed here, or else `pattern`",
        ),
        (many(r#"{"pattern":"a"}"#, 33), "allow[32].pattern: 32 are allowed"),
        (
            many(r#"{"names":["a"]}"#, 33),
            "allow[32].names: 32 items may name fields",
        ),
        (
            many(r#"{"path":"$.a.b.c.d.e.f.g.h.i.j"}"#, 26),
            "allow[25].path: all paths together",
        ),
    ] {
        let told = Engine::new(format!(r#"{{"allow":{allow}}}"#).as_bytes())
            .unwrap_err()
            .to_string();
        assert!(told.starts_with(why), "{told}");
    }
}

#[test]
fn memory_stays_bounded_where_rules_change_with_every_byte() {
    let engine = common::engine(&policy(r#"[{"path":"$[*]"},{"names":["a"]},{"path":"$..[0]"}]"#));
    for piece in ["1,", "\"\",", "{\"a\":1},", "[[[[[1]]]]],", "[[", "{\"a\":"] {
        let text = format!("[{}", piece.repeat(60_000 / piece.len()));
        let got = run(&engine, JSON, text.as_bytes().chunks(1000));
        assert!(got.most_memory < 96 * 1024, "{piece}: {}", got.most_memory);
        assert_eq!(got.out, text.as_bytes());
    }
}

static ENGINE: std::sync::OnceLock<Engine> = std::sync::OnceLock::new();

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn cuts_do_not_matter(
        parts in prop::collection::vec(prop::sample::select(vec![
            "{", "}", "[", "]", ",", ":", "\"id\":", "\"a\":", "\"acme_12345678\"", "\"x acme_1234\\\"5678\"", "acme_12345678", "\n", "\"", "\\", " ", "1",
            "\"eyJ0b2tlbiI6ImFjbWVfMTIzNDU2NzgifQ==\"", "acme_",
        ]), 1..40),
        cuts in prop::collection::vec(any::<usize>(), 0..12),
        json in any::<bool>(),
    ) {
        let text = parts.concat();
        let engine = ENGINE.get_or_init(|| common::engine(&policy(r#"[{"names":["id"]},{"path":"$..a[1]"},{"path":"$.a.id","pattern":"acme.*"}]"#)));
        let kind = if json { JSON } else { PLAIN };
        let want = whole(engine, kind, text.as_bytes());
        let got = run(engine, kind, at_cuts(text.as_bytes(), &cuts));
        prop_assert_eq!(&got.out, &want.out, "{}", text);
        let bytes = run(engine, kind, text.as_bytes().chunks(1));
        prop_assert_eq!(&bytes.out, &want.out, "{}", text);
    }
}
