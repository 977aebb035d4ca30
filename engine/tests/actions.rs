//! What each action puts in place of a secret, which of them wins, and that all of them keep the streaming contract.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{Run, assert_cuts_do_not_matter, whole};
use keepmum_engine::{Action, Body, BodyKind, Engine, Exchange, Flow, Workspace, catalogue};

const PACKS: &str = r#""packs":["secrets","tokens","generic","pii","error-leaks"]"#;

const PLAIN: BodyKind = BodyKind {
    json: false,
    keep_length: false,
};
const JSON: BodyKind = BodyKind { json: true, ..PLAIN };

/// Every action, some of them in more than one form.
const ACTIONS: &[&str] = &[
    r#""label""#,
    r#"{"label":{"template":"[acme-{detector}]"}}"#,
    r#"{"label":{"template":"[GONE]"}}"#,
    r#""mask""#,
    r#"{"mask":{"keep_last":4}}"#,
    r#"{"mask":{"keep_first":2,"keep_last":2,"preserve_length":false}}"#,
    r#""remove""#,
    r#""hash""#,
    r#""defang""#,
];

fn engine(policy: &str) -> Engine {
    let key = |name: &str| {
        name.ends_with("HASH_KEY")
            .then(|| concat!("fake-q7Lx2v", "-Rz9KpT-n4Wb8s").into())
    };
    Engine::with_environment(policy.as_bytes(), &key).unwrap()
}

fn with(action: &str) -> Engine {
    engine(&format!(
        r#"{{"detectors":{{{PACKS}}},"response":{{"action":{action}}}}}"#
    ))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn check(e: &Engine, kind: BodyKind, from: &str, want: &str) {
    let got = whole(e, kind, from.as_bytes());
    assert_eq!(text(&got.out), want, "of {from:?}");
    assert_cuts_do_not_matter(e, kind, from.as_bytes());
    assert_is_settled(e, kind, &got);
}

/// A second pass changes nothing and finds nothing.
fn assert_is_settled(e: &Engine, kind: BodyKind, once: &Run) {
    let twice = whole(e, kind, &once.out);
    assert_eq!(text(&twice.out), text(&once.out), "a second pass");
    assert!(
        twice.found.is_empty(),
        "a second pass finds {:?} in {}",
        twice.found,
        text(&once.out)
    );
}

fn jwt() -> String {
    format!(
        "{}.{}.{}",
        "eyJhbGciOiJIUzI1NiJ9", "eyJzdWIiOiJGQUtFIiwibmFtZSI6ImZha2UifQ", "FAKEfake-FAKEfake_0"
    )
}

#[test]
fn labels_by_a_template() {
    let url = "postgres://app:FAKEfake0123@db/shop";
    check(
        &with(ACTIONS[1]),
        PLAIN,
        url,
        "postgres://app:[acme-postgres-url-password]@db/shop",
    );
    check(&with(ACTIONS[2]), PLAIN, url, "postgres://app:[GONE]@db/shop");
    let both = engine(
        r#"{"fields":[{"names":["pin"],"action":{"label":{"template":"[PIN]"}}}],"response":{"action":{"label":{"template":"[S:{detector}]"}}}}"#,
    );
    check(
        &both,
        JSON,
        r#"{"pin":1234,"a":"redis://:FAKEfake0123@cache/0"}"#,
        r#"{"pin":"[PIN]","a":"redis://:[S:redis-url-password]@cache/0"}"#,
    );
}

#[test]
fn masks_keep_what_they_may() {
    let url = |p: &str| format!("jdbc:postgresql://db/shop?user=app&password={p}&x=1");
    let last = with(r#"{"mask":{"keep_last":4}}"#);
    check(&last, PLAIN, &url("FAKEfake0123"), &url("********0123"));
    check(&last, PLAIN, &url("FAKEfak0123"), &url("***********"));
    let ends = with(ACTIONS[5]);
    check(&ends, PLAIN, &url("FAKEfakeFAKEfake0123"), &url("FA********23"));
    check(&ends, PLAIN, &url("FAKE0123"), &url("********"));
    // The characters are those of the value, whatever it is spelt like; the length is that of the spelling.
    check(&last, PLAIN, &url("FAKEfake01%32%33"), &url("************0123"));
    let field = engine(r#"{"fields":[{"names":["pin"],"action":{"mask":{"keep_last":2}}}]}"#);
    check(
        &field,
        JSON,
        r#"{"pin":12345678,"pin":"12345678"}"#,
        r#"{"pin":"******78","pin":"******78"}"#,
    );
    check(&field, JSON, r#"{"pin":{"a":"12345678"}}"#, r#"{"pin":"********"}"#);
}

#[test]
fn a_secret_has_one_tag_in_every_spelling() {
    let e = engine(r#"{"fields":[{"names":["password"]}],"response":{"action":"hash"}}"#);
    let tag = |t: &str| t.split_once("[HASH-").unwrap().1[..16].to_owned();
    let of = |kind, t: &str| {
        let run = whole(&e, kind, t.as_bytes());
        assert_cuts_do_not_matter(&e, kind, t.as_bytes());
        assert_is_settled(&e, kind, &run);
        tag(&text(&run.out))
    };
    let plain = of(PLAIN, "postgres://app:FAKE+fake0123@db/");
    assert_eq!(plain, of(JSON, r#"{"a":"postgres:\/\/app:FAKE\u002bfake0123@db"}"#));
    assert_eq!(plain, of(PLAIN, "postgres://app:FAKE%2Bfake0123@db"));
    assert_eq!(plain, of(JSON, r#"{"password":"FAKE+fake0123"}"#));
    assert_eq!(plain, of(JSON, r#"{"password":"\u0046AKE+fake0123"}"#));
    assert_ne!(plain, of(JSON, r#"{"password":"FAKE+fake0124"}"#));
    // And where it comes again.
    let again = whole(&e, JSON, br#"{"password":"FAKE+fake0123","a":"x FAKE+fake0123 y"}"#);
    assert_eq!(text(&again.out).matches(&plain).count(), 2, "{}", text(&again.out));
    // HMAC-SHA-256 as everybody else computes it.
    assert_eq!(plain, "508a4665e9c16b41");
}

#[test]
fn a_policy_that_hashes_without_a_key_is_refused() {
    for policy in [
        r#"{"response":{"action":"hash"}}"#,
        r#"{"response":{"action":{"hash":{"key_env":"OTHER"}}}}"#,
        r#"{"fields":[{"names":["a"],"action":"hash"}]}"#,
        r#"{"detectors":{"actions":{"stripe-secret-key":"hash"}}}"#,
    ] {
        let e = Engine::new(policy.as_bytes()).unwrap_err().to_string();
        assert!(e.contains("hash.key_env") && e.contains("environment"), "{e}");
    }
    let short = Engine::with_environment(br#"{"response":{"action":"hash"}}"#, &|_| Some(b"fakefake".to_vec()));
    assert!(short.unwrap_err().to_string().contains("has 8 bytes"));
    for weak in ["", "fakefakefakefakefakefake", "keepmum-hash-key-for-production"] {
        let refused = Engine::with_environment(br#"{"response":{"action":"hash"}}"#, &|_| Some(weak.into()));
        let why = refused.unwrap_err().to_string();
        let says = if weak.is_empty() {
            "it is empty"
        } else {
            "can be guessed"
        };
        assert!(why.contains(says) && (weak.is_empty() || !why.contains(weak)), "{why}");
    }
}

#[test]
fn what_is_no_action_is_refused() {
    for (action, says) in [
        (r#""lable""#, "did you mean `label`?"),
        (r#"{"mask":{"keep_last":5}}"#, "0 to 4"),
        (r#"{"mask":{"keep_first":3,"keep_last":2}}"#, "more than 4 together"),
        (r#"{"mask":{"keep_frist":1}}"#, "did you mean `keep_first`?"),
        (r#"{"label":{"template":"<b>"}}"#, "square brackets"),
        (r#"{"label":{"template":"[a b]"}}"#, "letters, digits"),
        (r#"{"label":{"template":"[a.{detector}]"}}"#, "letters, digits"),
        (
            r#"{"label":{"template":"[password:FAKEfake0123-{detector}]"}}"#,
            "read like secrets",
        ),
        (r#"{"block":{"status":200}}"#, "400 to 599"),
        (r#"{"remove":{"all":true}}"#, "no options"),
        (r#"{"mask":{},"remove":{}}"#, "expected one action"),
        ("{}", "expected one action"),
        ("3", "expected one of"),
    ] {
        let policy = format!(r#"{{"detectors":{{{PACKS}}},"response":{{"action":{action}}}}}"#);
        let e = Engine::new(policy.as_bytes()).unwrap_err().to_string();
        assert!(e.contains(says), "{action}: {e}");
    }
}

#[test]
fn defanged_values_can_be_read() {
    let e = with(r#""defang""#);
    let token = jwt();
    let unsigned = format!("{}REDACTED", token.strip_suffix("FAKEfake-FAKEfake_0").unwrap());
    for (front, back) in [("", ""), ("Authorization: Bearer ", "\r\n"), ("{\"t\":\"", "\"}")] {
        check(
            &e,
            PLAIN,
            &format!("{front}{token}{back}"),
            &format!("{front}{unsigned}{back}"),
        );
    }
    check(
        &e,
        PLAIN,
        "postgres://app:FAKEfake0123@db.example/shop?x=1",
        "postgres://[REDACTED:postgres-url-password]@db.example/shop?x=1",
    );
    // A spelling that it cannot cut is labelled.
    check(
        &e,
        JSON,
        r#"{"a":"postgres:\/\/app:FAKEfake0123@db\/shop"}"#,
        r#"{"a":"postgres:\/\/app:[REDACTED:postgres-url-password]@db\/shop"}"#,
    );
    check(
        &e,
        PLAIN,
        "Cookie: _gitlab_session=fa4efa4e0123456789abcdeffa4efa4e; a=b",
        "Cookie: _gitlab_session=[REDACTED:gitlab-session-cookie]; a=b",
    );
    check(
        &e,
        PLAIN,
        "Authorization: Basic RkFLRTpmYWtlRkFLRTAxMjM=",
        "Authorization: Basic [REDACTED:authorization-basic]",
    );
    let pem = catalogue::EXAMPLES
        .iter()
        .find(|x| x.id == "private-key-pem")
        .unwrap()
        .matches[0];
    let out = text(&whole(&e, PLAIN, pem.as_bytes()).out);
    assert!(
        out.starts_with("-----BEGIN") && out.contains("[REDACTED:private-key-pem]"),
        "{out}"
    );
}

#[test]
fn the_strictest_of_overlapping_findings_wins() {
    let of = |one: &str, two: &str| {
        engine(&format!(
            r#"{{"detectors":{{"packs":[],"custom":[
                {{"id":"one","pattern":"one=[a-z]{{16}}"}},
                {{"id":"two","pattern":"(?:xyz|uvw)[a-z]{{9}}"}}],
                "actions":{{"one":{one},"two":{two}}}}}}}"#
        ))
    };
    const LABEL: &str = r#""label""#;
    const KEEP: &str = r#"{"mask":{"keep_last":4}}"#;
    let inside = "a one=abcxyzabcdefghij b";
    let beyond = "a one=abcdefghijklmxyzabcdefghi b";
    check(&of(LABEL, r#""remove""#), PLAIN, inside, "a  b");
    check(&of(r#""remove""#, LABEL), PLAIN, inside, "a  b");
    check(&of(LABEL, r#""mask""#), PLAIN, inside, "a [REDACTED:one] b");
    check(&of(r#""mask""#, LABEL), PLAIN, inside, "a [REDACTED:two] b");
    check(&of(r#""mask""#, LABEL), PLAIN, beyond, "a [REDACTED:two] b");
    check(&of(LABEL, r#""mask""#), PLAIN, beyond, "a [REDACTED:one] b");
    // What would stay of one is a part of the other.
    check(&of(KEEP, KEEP), PLAIN, beyond, &format!("a {} b", "*".repeat(29)));
    check(&of(KEEP, r#""report""#), PLAIN, inside, "a ****************ghij b");
    check(&of(KEEP, LABEL), PLAIN, inside, "a [REDACTED:two] b");
    // A report takes no part in it, and is told all the same where nothing else covers it.
    let e = of(r#""report""#, LABEL);
    check_found(
        &e,
        inside,
        "a one=abc[REDACTED:two]j b",
        &[("one", 2, 22), ("two", 9, 21)],
    );
    check_found(
        &of(LABEL, r#""report""#),
        inside,
        "a [REDACTED:one] b",
        &[("one", 2, 22)],
    );
}

fn check_found(e: &Engine, from: &str, want: &str, found: &[(&str, u64, u64)]) {
    let got = whole(e, PLAIN, from.as_bytes());
    assert_eq!(text(&got.out), want);
    let told: Vec<_> = got.found.iter().map(|f| (f.0.as_str(), f.1, f.2)).collect();
    assert_eq!(told, found);
    assert_cuts_do_not_matter(e, PLAIN, from.as_bytes());
}

#[test]
fn report_changes_nothing() {
    let e = with(r#""report""#);
    for x in catalogue::EXAMPLES {
        for t in x.matches {
            let got = whole(&e, PLAIN, t.as_bytes());
            assert!(got.out == t.as_bytes() && !got.found.is_empty(), "{}", x.id);
        }
    }
    let field = engine(r#"{"fields":[{"names":["pin"],"action":"report"}]}"#);
    let got = whole(&field, JSON, br#"{"pin":"1234fake","x":"1234fake"}"#);
    assert_eq!(text(&got.out), r#"{"pin":"1234fake","x":"1234fake"}"#);
    assert_eq!(got.found.len(), 1);
}

/// All that leaves, and what blocked it.
fn until_blocked<'a>(
    e: &Engine,
    kind: BodyKind,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> (String, Option<Action>) {
    let (mut work, mut exchange, mut body) = (Workspace::default(), Exchange::default(), Body::new(kind));
    let (mut all, mut out) = (Vec::new(), Vec::new());
    for piece in pieces {
        out.clear();
        let was_blocked = exchange.blocked().is_some();
        match body.push(e, &mut work, &mut exchange, piece, &mut out) {
            Flow::Pass => all.extend_from_slice(piece),
            Flow::Out => all.extend_from_slice(&out),
        }
        assert!(!was_blocked || out.is_empty(), "nothing leaves behind a block");
    }
    out.clear();
    body.finish(e, &mut work, &mut exchange, &mut out);
    all.extend_from_slice(&out);
    (text(&all), exchange.blocked())
}

fn check_block(e: &Engine, kind: BodyKind, from: &[u8], want: &str) {
    let (out, blocked) = until_blocked(e, kind, [from]);
    assert_eq!((out.as_str(), blocked.is_some()), (want, true));
    assert_eq!(until_blocked(e, kind, from.chunks(1)).0, want, "single bytes");
    for at in 0..=from.len() {
        assert_eq!(
            until_blocked(e, kind, [&from[..at], &from[at..]]).0,
            want,
            "cut at {at}"
        );
    }
}

#[test]
fn nothing_leaves_from_what_is_blocked_on() {
    let block = r#"{"detectors":{"actions":{"postgres-url-password":{"block":{"status":403,"body":"no"}}}},"fields":[{"names":["pin"],"action":"mask"}]}"#;
    let e = engine(block);
    let stripe = format!("sk{}{}", "_live_", "FAKEfakeFAKEfakeFAKE0001");
    let url = "postgres://app:FAKEfake0123@db/shop";
    let front = "a [REDACTED:stripe-secret-key] b postgres://app:";
    check_block(&e, PLAIN, format!("a {stripe} b {url} c").as_bytes(), front);
    check_block(
        &e,
        JSON,
        format!(r#"{{"a":1,"pin":"x {url} y","b":2}}"#).as_bytes(),
        r#"{"a":1,"pin":"*****************"#,
    );
    let (_, blocked) = until_blocked(&e, PLAIN, [url.as_bytes()]);
    let reply = e.reply(blocked.unwrap());
    assert_eq!((reply.status, reply.body.as_deref()), (403, Some("no")));

    let all = engine(r#"{"response":{"action":"block"},"fields":[{"names":["pin"]}]}"#);
    check_block(&all, JSON, br#"{"a":"x","pin":"1234","b":1}"#, r#"{"a":"x","pin":""#);
    check_block(&all, JSON, br#"{"a":"x","pin":{"a":[1]},"b":1}"#, r#"{"a":"x","pin":"#);
    // Text in UTF-16, and in base64.
    let wide: Vec<u8> = format!("\u{feff}a {url} c")
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let (out, blocked) = until_blocked(&e, PLAIN, [wide.as_slice()]);
    assert!(blocked.is_some() && !out.contains('F'), "{out:?}");
    let base64 = "k: cG9zdGdyZXM6Ly9hcHA6RkFLRWZha2UwMTIzQGRiL3Nob3A= end";
    check_block(&e, PLAIN, base64.as_bytes(), "k: cG9zdGdyZXM6Ly9hcHA6");
    // What has been redacted before is no reason.
    assert_eq!(
        until_blocked(&all, JSON, [br#"{"pin":"[REDACTED:field]"}"#.as_slice()]).1,
        None
    );
    assert_eq!(
        until_blocked(&e, PLAIN, [b"postgres://app:[REDACTED:x]@db".as_slice()]).1,
        None
    );
    // In a report it is only told.
    let report = engine(&block.replacen('{', r#"{"mode":"report","#, 1));
    assert_eq!(until_blocked(&report, PLAIN, [url.as_bytes()]), (url.to_owned(), None));
}

#[test]
fn a_value_that_is_too_long_is_labelled() {
    let long = "fake0123".repeat(4 * 1024);
    let custom = r#""custom":[{"id":"acme","pattern":"acme_(?<secret>[a-z0-9]{8,})","max_length":8000}]"#;
    for (action, want) in [
        (r#""hash""#, "[REDACTED:field]".to_owned()),
        (r#"{"mask":{"keep_last":4}}"#, "*".repeat(long.len())),
        (
            r#"{"mask":{"keep_last":4,"preserve_length":false}}"#,
            "********".to_owned(),
        ),
        (r#""defang""#, "[REDACTED:field]".to_owned()),
    ] {
        let e = engine(&format!(
            r#"{{"fields":[{{"names":["k"],"action":{action}}}],"detectors":{{"packs":[],{custom}}}}}"#
        ));
        let from = format!(r#"{{"k":"{long}","z":1}}"#);
        let want = format!(r#"{{"k":"{want}","z":1}}"#);
        for size in [1, 100, 4096, 20_000, usize::MAX] {
            let got = common::run(&e, JSON, from.as_bytes().chunks(size.min(from.len())));
            assert!(text(&got.out) == want, "{action} in pieces of {size}");
            assert!(got.most_memory < 128 * 1024, "{action}: {}", got.most_memory);
        }
    }
    let jwt = format!("x {}{long} y", "eyJhbGciOiJIUzI1NiJ9.eyJ");
    for action in [r#""hash""#, r#""defang""#] {
        for size in [1000, usize::MAX] {
            let got = common::run(&with(action), PLAIN, jwt.as_bytes().chunks(size.min(jwt.len())));
            assert_eq!(text(&got.out), "x [REDACTED:json-web-token] y", "{action}");
        }
    }
}

#[test]
fn what_must_keep_its_length_does() {
    let kind = BodyKind {
        keep_length: true,
        ..PLAIN
    };
    for action in ACTIONS {
        let e = with(action);
        for from in ["postgres://app:FAKEfakeFAKE0123@db/shop", &jwt()] {
            let got = whole(&e, kind, from.as_bytes());
            assert_eq!(got.out.len(), from.len(), "{action}");
            assert!(
                got.out.windows(8).any(|w| w == b"********"),
                "{action}: {}",
                text(&got.out)
            );
            assert_cuts_do_not_matter(&e, kind, from.as_bytes());
        }
    }
}

#[test]
fn utf_16_and_base64_take_every_action() {
    for action in ACTIONS {
        let e = with(action);
        let url = "postgres://app:FAKEfakeFAKE0123@db/shop";
        let plain = whole(&e, PLAIN, url.as_bytes());
        let wide: Vec<u8> = format!("\u{feff}{url}")
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        let want: Vec<u8> = format!("\u{feff}{}", text(&plain.out))
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        assert_eq!(whole(&e, PLAIN, &wide).out, want, "{action}");
        assert_cuts_do_not_matter(&e, PLAIN, &wide);
        let base64 = "k: cG9zdGdyZXM6Ly9hcHA6RkFLRWZha2UwMTIzQGRiL3Nob3A= end";
        let want = "k: cG9zdGdyZXM6Ly9hcHA6KioqKioqKioqKioqQGRiL3Nob3A= end";
        check(&e, PLAIN, base64, want);
    }
}

#[test]
fn every_example_keeps_the_contract_under_every_action() {
    let mut wrong = Vec::new();
    for action in ACTIONS {
        let e = with(action);
        for x in catalogue::EXAMPLES {
            for t in x.matches.iter().chain(x.near_misses) {
                let json = serde_json::json!({"a": t, "b": "fake"}).to_string();
                for (t, kind) in [(json, JSON), (format!("fake\n{t}\nmore=fake\n"), PLAIN)] {
                    let once = whole(&e, kind, t.as_bytes());
                    let bytes = common::run(&e, kind, t.as_bytes().chunks(1));
                    if bytes.out != once.out || bytes.found != once.found {
                        wrong.push(format!(
                            "{action} {}: single bytes give {:?} {:?}, and the whole {:?} {:?}",
                            x.id,
                            text(&bytes.out),
                            bytes.found,
                            text(&once.out),
                            once.found
                        ));
                    }
                    let cuts: Vec<usize> = if action.len() < 9 || kind == JSON {
                        (0..t.len()).step_by(5).collect()
                    } else {
                        Vec::new()
                    };
                    if let Some(at) = cuts.into_iter().find(|at| {
                        let (a, b) = t.as_bytes().split_at(*at);
                        common::run(&e, kind, [a, b]).out != once.out
                    }) {
                        wrong.push(format!("{action} {}: cut at {at}", x.id));
                    }
                    let twice = whole(&e, kind, &once.out);
                    if !twice.found.is_empty() || twice.out != once.out {
                        wrong.push(format!(
                            "{action} {}: a second pass finds {:?} in {:?}",
                            x.id,
                            twice.found,
                            text(&once.out)
                        ));
                    }
                    if kind.json && serde_json::from_slice::<serde_json::Value>(&once.out).is_err() {
                        wrong.push(format!("{action} {}: no JSON any more: {:?}", x.id, text(&once.out)));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
}
