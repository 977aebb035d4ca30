//! Fields by JSONPath through the module under wasmtime, both ways: what goes, what `allow` keeps, and what the audit line says of places.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test may stop"
)]

mod common;

use common::{key, module, options, pairs};
use keepmum_host_tests::exchange::{Exchange, Message};
use keepmum_host_tests::host::{Options, Vm};
use keepmum_host_tests::replay::replay;

/// What goes out as JSON, in pieces of this size; and what comes back.
fn exchange(sent: &str, answer: &str, piece: usize) -> Exchange {
    let pieces = |text: &str| text.as_bytes().chunks(piece).map(<[u8]>::to_vec).collect();
    Exchange {
        name: "fields".into(),
        request: Message {
            headers: pairs(&[
                (":method", "POST"),
                (":path", "/"),
                (":scheme", "http"),
                (":authority", "a.example"),
                ("content-type", "application/json"),
            ]),
            body: pieces(sent),
            ..Message::default()
        },
        response: Message {
            headers: pairs(&[(":status", "200"), ("content-type", "application/json")]),
            body: pieces(answer),
            ..Message::default()
        },
        ..Exchange::default()
    }
}

const POLICY: &str = r#"{"request":{"scan":["body"]},"audit":{"pointers":true},
    "fields":[{"path":"$.data[*].credentials"},{"path":"$..pin","action":"remove"}],
    "allow":[{"path":"$.public.*","place":"response.body"},{"names":["publishable"]}]}"#;

#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn paths_hold_in_requests_and_responses_however_they_are_cut() {
    let (module, key) = (module(), key());
    let body = format!(
        r#"{{"data":[{{"credentials":{{"user":"fake"}},"id":7}},{{"credentials":"fake words"}}],"credentials":"stays","a":{{"pin":1234}},"public":{{"k":"{key}"}},"publishable":"{key}","o":["{key}"]}}"#
    );
    let label = "[REDACTED:stripe-secret-key]";
    let gone = body
        .replace(r#"{"user":"fake"}"#, r#""[REDACTED:field]""#)
        .replace("fake words", "[REDACTED:field]")
        .replace("1234", "null")
        .replace(&format!(r#"["{key}"]"#), &format!(r#"["{label}"]"#));
    let sent = gone.replace(&format!(r#"{{"k":"{key}"}}"#), &format!(r#"{{"k":"{label}"}}"#));
    let mut vm = Vm::start(&module, &options(POLICY)).unwrap();
    for piece in [1, 7, 64, 100_000] {
        let r = vm.exchange(&exchange(&body, &body, piece)).unwrap();
        let text = |pieces: &[Vec<u8>]| String::from_utf8_lossy(&pieces.concat()).into_owned();
        assert_eq!(text(&r.client.message.body), gone, "in pieces of {piece}");
        assert_eq!(text(&r.upstream.as_ref().unwrap().body), sent, "in pieces of {piece}");
        let line = r.logs.iter().find(|l| l.text.starts_with("keepmum audit ")).unwrap();
        let line: serde_json::Value = serde_json::from_str(line.text.trim_start_matches("keepmum audit ")).unwrap();
        let pointers = |place: &str, rule: &str| {
            let is = |f: &&serde_json::Value| {
                f["place"] == place && (f["rule"] == rule || (rule.is_empty() && f["rule"].is_null()))
            };
            let all = line["findings"].as_array().unwrap();
            all.iter()
                .find(is)
                .map(|f| f["pointers"].to_string())
                .unwrap_or_default()
        };
        for place in ["request.body", "response.body"] {
            assert_eq!(
                pointers(place, "fields[0]"),
                r#"["/data/0/credentials","/data/1/credentials"]"#
            );
            assert_eq!(pointers(place, "fields[1]"), r#"["/a/pin"]"#);
        }
        assert_eq!(pointers("response.body", ""), r#"["/o/0"]"#);
        assert_eq!(pointers("request.body", ""), r#"["/public/k","/o/0"]"#);
        assert!(!r.logs.iter().any(|l| l.text.contains(&key)));
    }
}

#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn requests_are_decoded_as_they_say() {
    let module = module();
    let encoded: String = key().replace('_', "%5F");
    for (decode, stays) in [("", false), (r#","decode":[]"#, true)] {
        let policy = format!(r#"{{"request":{{"scan":["body"]{decode}}}}}"#);
        let mut vm = Vm::start(&module, &options(&policy)).unwrap();
        let r = vm.exchange(&exchange(&encoded, &encoded, 1000)).unwrap();
        let sent = r.upstream.as_ref().unwrap().body.concat();
        assert_eq!(sent == encoded.as_bytes(), stays, "{policy}");
        assert!(r.client.message.body.concat() != encoded.as_bytes(), "{policy}");
    }
}

/// What following a document costs, in instructions of wasm for each byte; what depends on the machine is left to `cargo xtask bench`.
#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn following_a_document_costs_a_walk_and_no_more() {
    let module = module();
    let item = r#"{"id":12345,"name":"an ordinary name","tags":["one","two"],"note":"words that say nothing at all"},"#;
    let body = format!(r#"{{"items":[{}{{}}]}}"#, item.repeat(512 * 1024 / item.len()));
    let fuel = |policy: &str| {
        let given = Options {
            fuel: Some(u64::MAX),
            ..options(policy)
        };
        let r = replay(&module, &given, &exchange("{}", &body, 16 * 1024)).unwrap();
        assert_eq!(r.client.message.body.concat(), body.as_bytes(), "{policy}");
        r.fuel as f64
    };
    let start = |policy: &str| {
        let given = Options {
            fuel: Some(u64::MAX),
            ..options(policy)
        };
        replay(&module, &given, &exchange("{}", "{}", 16)).unwrap().fuel as f64
    };
    let each = |policy: &str| (fuel(policy) - start(policy)) / body.len() as f64;
    let plain = each("{}");
    for policy in [
        r#"{"audit":{"pointers":true}}"#,
        r#"{"allow":[{"path":"$.items[*].secret"}]}"#,
        r#"{"allow":[{"names":["secret"]}]}"#,
        r#"{"fields":[{"path":"$.items[*].secret"}]}"#,
    ] {
        let with = each(policy);
        println!("{policy}: {with:.1} instructions a byte, {plain:.1} without");
        assert!(with < plain + 180.0, "{policy}: {plain} and {with}");
    }
}
