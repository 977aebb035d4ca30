//! What a policy does with error responses: the body in place of theirs, their headers, and the rules that look at them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{PLAIN, whole};
use keepmum_engine::Engine;
use keepmum_engine::errors::{DROPPED, KEPT};
use serde_json::{Value, json};

fn engine(errors: &str) -> Engine {
    Engine::new(format!("errors: {errors}").as_bytes()).unwrap()
}

fn told(policy: &str) -> Vec<String> {
    match Engine::new(policy.as_bytes()) {
        Ok(_) => Vec::new(),
        Err(e) => e.mistakes().iter().map(ToString::to_string).collect(),
    }
}

const TRACE: &str = "java.lang.IllegalStateException: no pool\n\tat com.acme.Db.open(Db.java:42)\n\tat com.acme.Main.main(Main.java:7)\n";

#[test]
fn errors_are_looked_at_with_one_pack_more() {
    let engine = engine("{status: [5xx], scrub: true}");
    let ordinary = whole(&engine, PLAIN, TRACE.as_bytes());
    assert!(ordinary.found.is_empty(), "{:?}", ordinary.found);
    let profile = engine.on_error(500).unwrap();
    assert!(!profile.replaces());
    let scrubbed = whole(profile.engine(), PLAIN, TRACE.as_bytes());
    assert!(!scrubbed.found.is_empty() && !String::from_utf8_lossy(&scrubbed.out).contains("Db.java"));
    assert!(engine.on_error(404).is_none());
}

#[test]
fn labels_and_actions_are_the_same_on_errors() {
    let engine = Engine::new(
        b"response: {action: {label: {template: '[GONE:{detector}]'}}}\nerrors: {status: [500], scrub: true}",
    )
    .unwrap();
    let key = ["sk_live_", "FAKEfakeFAKEfakeFAKE0001"].concat();
    let out = whole(engine.on_error(500).unwrap().engine(), PLAIN, key.as_bytes()).out;
    assert_eq!(String::from_utf8_lossy(&out), "[GONE:stripe-secret-key]");
}

#[test]
fn a_replaced_body_says_what_the_operator_says() {
    let engine = engine(
        "{status: [4xx, 5xx], replace: auto, type: 'https://example.com/e', title: Sorry, detail: Later, texts: [{status: [503], title: Busy}]}",
    );
    let profile = engine.on_error(503).unwrap();
    let page = profile.page(b"*/*", 503, "fake-id", Some("E1"));
    assert_eq!(page.content_type, "application/problem+json");
    assert_eq!(
        serde_json::from_slice::<Value>(&page.body).unwrap(),
        json!({"type": "https://example.com/e", "title": "Busy", "status": 503, "detail": "Later", "code": "E1", "request_id": "fake-id"})
    );
    let page = profile.page(b"text/html", 500, "", None);
    assert_eq!(page.content_type, "text/html; charset=utf-8");
    assert!(
        String::from_utf8(page.body)
            .unwrap()
            .ends_with("<h1>500 Sorry</h1>\n<p>Later</p>\n")
    );
    assert_eq!(profile.page(b"text/plain", 500, "", None).body, b"500 Sorry\nLater\n");
    assert_eq!(profile.message(503), "Later");
}

#[test]
fn headers_of_errors() {
    let engine = engine(
        "{status: [5xx], replace: html, correlation_id: X-Trace, headers: {drop: [retry-after, access-*], keep: [Set-Cookie]}}",
    );
    let profile = engine.on_error(500).unwrap();
    for (name, kept) in [
        ("x-trace", true),
        ("www-authenticate", true),
        ("set-cookie", true),
        ("retry-after", false),
        ("access-control-allow-origin", false),
        ("server-timing", false),
        ("location", false),
        ("x-powered-by", false),
        ("content-encoding", false),
        ("etag", false),
    ] {
        assert_eq!(profile.keeps(name.as_bytes()), kept, "{name}");
    }
    let engine = self::engine("{status: [5xx], scrub: true, headers: {drop: [x-acme-*], keep: [server]}}");
    let profile = engine.on_error(500).unwrap();
    for (name, dropped) in [
        ("server-timing", true),
        ("x-powered-by", true),
        ("x-aspnet-version", true),
        ("x-debug-token-link", true),
        ("x-debug-exception", true),
        ("x-acme-host", true),
        ("server", false),
        ("location", false),
        ("www-authenticate", false),
        ("content-type", false),
        ("x-request-id", false),
    ] {
        assert_eq!(profile.drops(name.as_bytes()), dropped, "{name}");
    }
    assert!(profile.leaves(b"server") && !profile.leaves(b"location"));
}

#[test]
fn what_has_no_effect_is_refused() {
    for (errors, place, part) in [
        (
            "{status: [5xx]}",
            "errors: ",
            "expected `replace` (auto, problem+json, html or text), or `scrub: true`",
        ),
        ("{status: [5xx], scrub: false}", "errors: ", "it changes nothing"),
        (
            "{status: [5xx], replace: auto, scrub: true}",
            "errors.scrub: ",
            "is replaced",
        ),
        (
            "{status: [5xx], scrub: true, title: x}",
            "errors.title: ",
            "only what `replace` writes",
        ),
        (
            "{status: [5xx], scrub: true, code: $.code}",
            "errors.code: ",
            "only what `replace` writes",
        ),
        ("{replace: auto}", "errors.status: ", "missing"),
        ("{status: [], replace: auto}", "errors.status: ", "it names none"),
        (
            "{status: [5xx], replace: auto, code: 'error.code'}",
            "errors.code: ",
            "begins with `$`",
        ),
        (
            "{status: [5xx], replace: auto, code: '$.a[*]'}",
            "errors.code: ",
            "names and indexes only",
        ),
        (
            "{status: [5xx], replace: auto, type: 'a b'}",
            "errors.type: ",
            "expected a URI",
        ),
        (
            "{status: [5xx], replace: auto, detail: \"a\\nb\"}",
            "errors.detail: ",
            "expected a line of text",
        ),
        (
            "{status: [5xx], replace: auto, correlation_id: 'x-*'}",
            "errors.correlation_id: ",
            "expected a header's name",
        ),
        (
            "{status: [5xx], replace: auto, headers: {keep: ['*']}}",
            "errors.headers.keep[0]: ",
            "expected a header's name",
        ),
    ] {
        let told = told(&format!("errors: {errors}"));
        let right = told.len() == 1 && told[0].starts_with(place) && told[0].contains(part);
        // A list that may not be left out is missing, or names nothing: either is told.
        assert!(
            right || (place == "errors.status: " && told.len() == 1),
            "{errors}: {told:?}"
        );
    }
}

/// `docs/POLICY.md` has both lists. Bless with `KEEPMUM_BLESS=1`.
#[test]
fn the_lists_in_the_documents_are_these() {
    let marks = (
        "<!-- headers of errors: blessed -->\n",
        "<!-- end of headers of errors -->",
    );
    let list = |names: &[&str]| names.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(" ");
    let table = format!(
        "| profile | headers |\n| --- | --- |\n| `replace`: these stay | {} |\n| `scrub`: these go | {} |\n",
        list(KEPT),
        list(DROPPED)
    );
    common::assert_blessed("errors", marks, &table);
}
