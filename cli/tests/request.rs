//! `keepmum explain --request`: the route, what the others have against it, the rules and what is held back.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may stop")]

mod common;

use common::{Folder, Ran, keepmum};
use serde_json::Value;

const POLICY: &str = "
fields: [{names: [password], action: hash}]
allow: [{value: not-to-be-seen-1}]
deny: {paths: [/private/**]}
routes:
  - {name: errors, match: {paths: [/api/**], status: [5xx]}, errors: {status: [5xx], replace: problem+json}}
  - {name: debug, match: {headers: [{name: x-debug, value: not-to-be-seen-2}]}, mode: report}
  - {name: open, match: {hosts: ['*.example.com'], paths: [/open/**]}, bypass: true}
  - {name: keys, match: {metadata: [{namespace: keepmum, key: profile, value: keys}]}, detectors: {packs: [secrets, tokens]}}
  - {name: on, match: {metadata: [{namespace: keepmum, key: 'on', value: true}, {namespace: keepmum, key: n, value: 8}]}}
  - {name: text, match: {metadata: [{namespace: keepmum, key: 'on', value: 'true'}]}}
";

fn explain(folder: &Folder, args: &[&str]) -> Ran {
    folder.put("policy.yaml", POLICY.as_bytes());
    let policy = folder.path("policy.yaml");
    keepmum(&[&["explain", "--policy", &policy], args].concat(), &[], b"")
}

#[test]
fn a_request_is_on_one_route_and_the_others_say_why_not() {
    let folder = Folder::new("request-routes");
    let get = "GET https://www.example.com/api/orders?x=not-to-be-seen-3";
    let debug = "X-Debug: not-to-be-seen-2";
    for (args, lines) in [
        (
            vec!["--request", get, "--status", "503"],
            &[
                "routes[0] errors: matches",
                "route: errors",
                "the response's body is replaced as an error",
                "(routes[0])",
            ][..],
        ),
        (
            vec!["--request", get],
            &[
                "routes[0] errors: status: it depends on the response",
                "some routes ask for the response",
                "routes[1] debug: headers: x-debug was not sent",
                "routes[2] open: paths: it asks for another one",
                "routes[3] keys: metadata: the proxy's route has no keepmum:profile",
                "route: default",
                "secrets",
            ],
        ),
        (
            vec!["--request", get, "-H", debug, "--status", "200"],
            &[
                "routes[0] errors: status: the response is another one",
                "routes[1] debug: matches",
                "route: debug",
                "no byte of a body is held back: mode report",
            ],
        ),
        (
            vec!["--request", get, "-H", "x-debug: 0"],
            &["routes[1] debug: headers: x-debug has another value"],
        ),
        (
            vec!["--request", "GET https://a.example.com/open/x"],
            &["routes[2] open: matches", "nothing is looked at (bypass)"],
        ),
        (
            vec!["--request", "GET https://a.example.com/open/..%2fx"],
            &[
                "routes[2] open: paths: others may read this path otherwise",
                "route: default",
            ],
        ),
        (
            vec!["--request", "GET /private/x", "--metadata", "keepmum:profile=keys"],
            &[
                "routes[3] keys: matches",
                "tokens",
                "denied (path): the request is answered with 404",
            ],
        ),
        (
            vec![
                "--request",
                "GET /x",
                "--metadata",
                "keepmum:on=true",
                "--metadata",
                "keepmum:n=8",
            ],
            &["routes[4] on: matches"],
        ),
        (
            vec![
                "--request",
                "GET /x",
                "--metadata",
                "keepmum:on=\"true\"",
                "--metadata",
                "keepmum:n=8",
            ],
            &["routes[5] text: matches"],
        ),
    ] {
        let ran = explain(&folder, &args);
        let text = ran.text();
        assert_eq!(ran.code, 0, "{args:?} {}", ran.stderr);
        for line in lines {
            assert!(text.contains(line), "{args:?}: {line}\n{text}");
        }
        assert!(!text.contains("not-to-be-seen"), "{text}");
    }
}

#[test]
fn what_is_held_back_is_told_with_its_reason() {
    let folder = Folder::new("request-held");
    let ran = explain(&folder, &["--request", "GET https://a/", "--json"]);
    let told: Value = serde_json::from_slice(&ran.stdout).unwrap();
    let held = told["held"].as_array().unwrap();
    let of = |part: &str| {
        held.iter()
            .find(|h| h["why"].as_str().unwrap().contains(part))
            .map(|h| h["bytes"].as_u64().unwrap())
    };
    assert!(of("a candidate in plain text").is_some_and(|n| n > 100), "{told:#}");
    assert_eq!(of("field whose action needs its end"), Some(16384), "{told:#}");
    assert!(of("base64").is_some_and(|n| n > 8192), "{told:#}");
    assert!(told["held_in_all"].as_u64().unwrap() >= 16384);
    assert_eq!(told["route"], "default");
    assert!(!ran.text().contains("not-to-be-seen"));
}

#[test]
fn what_is_no_request_exits_with_2_and_is_not_repeated() {
    let folder = Folder::new("request-cannot");
    for args in [
        vec!["--request", "get not-to-be-seen"],
        vec!["--request", "GET https://a/", "-H", "not-to-be-seen"],
        vec!["--request", "GET https://a/", "--metadata", "not-to-be-seen"],
        vec!["--request", "GET https://a/", "--metadata", "a:b={not-to-be-seen: 1}"],
        vec!["--request", "GET https://a/", "--status", "1000"],
        vec!["--status", "200", "text"],
        vec!["--request", "GET https://a/", "text"],
    ] {
        let ran = explain(&folder, &args);
        assert_eq!(ran.code, 2, "{args:?} {}", ran.text());
        assert!(!ran.stderr.contains("not-to-be-seen"), "{}", ran.stderr);
    }
}
