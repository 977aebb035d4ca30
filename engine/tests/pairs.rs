//! Names and values outside JSON: forms, query strings, cookies, headers; and rules that hold in some places only.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use keepmum_engine::{Body, Engine, Exchange, Flow, Workspace};

const POLICY: &str = r#"{"fields":[{"names":["password","api key","sid","x-team-key"]}],"response":{"action":{"label":{"template":"[GONE]"}}}}"#;

fn form(engine: &Engine, chunks: &[&[u8]]) -> (String, usize) {
    let (mut work, mut exchange) = (Workspace::default(), Exchange::default());
    let (mut body, mut all) = (Body::of_form(), Vec::new());
    for chunk in chunks {
        let mut out = Vec::new();
        match body.push(engine, &mut work, &mut exchange, chunk, &mut out) {
            Flow::Pass => all.extend_from_slice(chunk),
            Flow::Out => all.extend_from_slice(&out),
        }
    }
    body.finish(engine, &mut work, &mut exchange, &mut all);
    (String::from_utf8(all).unwrap(), exchange.findings().len())
}

#[test]
fn fields_of_a_form_go_by_their_names() {
    let engine = Engine::new(POLICY.as_bytes()).unwrap();
    for (text, expected) in [
        ("password=x&user=y", "password=[GONE]&user=y"),
        ("user=y&password=x", "user=y&password=[GONE]"),
        ("PassWord=x+y%26z&a=b", "PassWord=[GONE]&a=b"),
        ("p%61ssword=x", "p%61ssword=[GONE]"),
        ("api+key=x&api%20key=y", "api+key=[GONE]&api%20key=[GONE]"),
        (
            "user%5Bpassword%5D=x&user[password]=y",
            "user%5Bpassword%5D=[GONE]&user[password]=[GONE]",
        ),
        ("password=x&password=y", "password=[GONE]&password=[GONE]"),
        ("password=", "password="),
        ("password", "password"),
        ("password&a=b", "password&a=b"),
        ("a=password=x", "a=password=x"),
        ("&&=&password=x=y&", "&&=&password=[GONE]&"),
        ("passwords=x", "passwords=x"),
    ] {
        let bytes = text.as_bytes();
        let found = expected.matches("[GONE]").count();
        assert_eq!(form(&engine, &[bytes]), (expected.to_owned(), found), "{text}");
        for cut in 1..bytes.len() {
            let (a, b) = bytes.split_at(cut);
            assert_eq!(
                form(&engine, &[a, b]),
                (expected.to_owned(), found),
                "{text}, cut at {cut}"
            );
        }
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(form(&engine, &single).0, expected, "{text}");
    }
    let key = concat!("sk_", "live_", "FAKEfakeFAKEfakeFAKE0001");
    let (out, _) = form(&engine, &[format!("a={key}&b=c").as_bytes()]);
    assert_eq!(out, "a=[GONE]&b=c");
}

#[test]
fn fields_in_headers_go_by_their_names() {
    let engine = Engine::new(POLICY.as_bytes()).unwrap();
    for (name, value, expected) in [
        ("x-team-key", "fake words here", Some("[GONE]")),
        ("X-Team-Key", "fake", Some("[GONE]")),
        ("x-team", "fake", None),
        ("cookie", "a=b; sid=fake; c=d", Some("a=b; sid=[GONE]; c=d")),
        (
            "set-cookie",
            "sid=fake; Path=/; HttpOnly",
            Some("sid=[GONE]; Path=/; HttpOnly"),
        ),
        (
            "location",
            "https://a.example/?password=fake&b=c",
            Some("https://a.example/?password=[GONE]&b=c"),
        ),
        (
            "location",
            "https://a.example/#x=y&password=fake",
            Some("https://a.example/#x=y&password=[GONE]"),
        ),
        ("location", "/password=fake", None),
        ("date", "password=fake", None),
    ] {
        let (mut work, mut exchange) = (Workspace::default(), Exchange::default());
        let out = exchange.header(&engine, &mut work, name.as_bytes(), value.as_bytes());
        assert_eq!(
            out.map(|o| String::from_utf8(o).unwrap()).as_deref(),
            expected,
            "{name}: {value}"
        );
        assert_eq!(exchange.findings().len(), usize::from(expected.is_some()));
    }
}

#[test]
fn a_place_that_is_allowed_keeps_what_detectors_find() {
    let key = concat!("sk_", "live_", "FAKEfakeFAKEfakeFAKE0001");
    for (allow, place, stays) in [
        (
            r#"{"place":"request.header.authorization"}"#,
            "request.header.authorization",
            true,
        ),
        (r#"{"place":"request.header.*"}"#, "request.header.authorization", true),
        (
            r#"{"place":"request.header.authorization"}"#,
            "request.header.x-other",
            false,
        ),
        (
            r#"{"place":"request.header.authorization"}"#,
            "response.header.authorization",
            false,
        ),
        (r#"{"place":"request.body"}"#, "request.query", false),
        (
            &format!(r#"{{"place":"request.body","value":"{key}"}}"#),
            "request.body",
            true,
        ),
        (
            &format!(r#"{{"place":"request.body","value":"{key}"}}"#),
            "response.body",
            false,
        ),
        (r#"{"place":"request.body","value":"other"}"#, "request.body", false),
    ] {
        let policy = format!(r#"{{"allow":[{allow}]}}"#);
        let engine = Engine::new(policy.as_bytes()).unwrap();
        let (mut work, mut exchange) = (Workspace::default(), Exchange::default());
        exchange.enter_place(1, place);
        let out = exchange.value(&engine, &mut work, key.as_bytes());
        assert_eq!(out.is_none(), stays, "{allow} in {place}");
    }
    for wrong in [
        "body",
        "request",
        "request.header.",
        "response.header.X-Key",
        "response.query",
        "request.header.a b",
    ] {
        let e = Engine::new(format!(r#"{{"allow":[{{"place":"{wrong}"}}]}}"#).as_bytes())
            .unwrap_err()
            .to_string();
        assert!(e.starts_with("allow[0].place: expected request.header.NAME"), "{e}");
    }
}

#[test]
fn requests_have_rules_of_their_own() {
    let policy = r#"{"request":{"scan":["headers","query"],"action":"remove"},"fields":[{"names":["password"]},{"names":["pin"],"action":"mask"}],
        "routes":[{"name":"a","match":{"paths":["/a"]},"request":{"scan":[]}},{"name":"b","match":{"paths":["/b"]},"request":{"scan":["body"]}}]}"#;
    let engine = Engine::new(policy.as_bytes()).unwrap();
    let rules = engine.of_requests().unwrap();
    assert!(rules.scans_headers() && rules.scans_query());
    assert!(!rules.scans_body() && !rules.scans_path() && !rules.scans_cookies() && !rules.scans_trailers());
    let (mut work, mut exchange) = (Workspace::default(), Exchange::default());
    let out = exchange
        .query(rules, &mut work, b"password=fake0&pin=fake1&c=d")
        .unwrap();
    assert_eq!(String::from_utf8(out).unwrap(), "password=&pin=*****&c=d");
    assert!(Engine::new(b"{}").unwrap().of_requests().is_none());
    let e = Engine::new(br#"{"routes":[{"name":"a","match":{"status":["4xx"]},"request":{"scan":["body"]}}]}"#);
    assert!(
        e.unwrap_err()
            .to_string()
            .starts_with("routes[0].request: when the status")
    );
}
