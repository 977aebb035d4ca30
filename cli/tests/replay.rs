//! `keepmum replay` as a person runs it: what it prints, what it writes, how it exits.
//!
//! The module here is a probe that only reads, so every planted secret reaches the client: the one run in which the program has
//! the most to hide. What the real module does with a policy is asked where it is built (`#[ignore]`).
#![cfg(feature = "replay")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may stop")]

mod common;

use std::path::Path;

use common::{Folder, Ran, keepmum};
use keepmum_host_tests::capture;
use keepmum_host_tests::exchange::{Message, Planted};
use serde_json::{Value, json};

fn probe() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../host-tests/probes/read_body.wat");
    path.display().to_string()
}

fn bundled() -> String {
    capture::bundled_folder().display().to_string()
}

/// Through the probe.
fn replay(args: &[&str]) -> Ran {
    let probe = probe();
    keepmum(&[&["replay", "--wasm", &probe], args].concat(), &[], b"")
}

/// Through the module.
fn through_module(args: &[&str]) -> Ran {
    let wasm = std::env::var("KEEPMUM_WASM").expect("KEEPMUM_WASM: cargo xtask build prints the path");
    keepmum(&[&["replay", "--wasm", &wasm], args].concat(), &[], b"")
}

fn planted() -> Vec<Planted> {
    let exchanges = capture::bundled().unwrap();
    exchanges.into_iter().flat_map(|exchange| exchange.planted).collect()
}

fn told(text: &[u8]) -> Vec<String> {
    let message = Message {
        body: vec![text.to_vec()],
        ..Message::default()
    };
    let planted = planted();
    let names = capture::leaked(&planted, &message);
    names.into_iter().map(str::to_owned).collect()
}

const NOTHING: [&str; 0] = [];

#[test]
fn a_module_that_redacts_nothing_fails_and_no_secret_is_printed() {
    let folder = Folder::new("replay-nothing");
    let file = folder.path("report.html");
    let ran = replay(&[&bundled(), "--html", &file]);
    let text = ran.text();
    assert_eq!(ran.code, 1, "{text}");
    for plant in planted() {
        let line = format!("the planted secret {} reached the client", plant.name);
        assert!(text.contains(&line), "{}", plant.name);
    }
    assert!(!text.contains('\x1b'), "colours without a terminal");
    assert_eq!(told(&ran.stdout), NOTHING);
    assert_eq!(told(ran.stderr.as_bytes()), NOTHING);
    assert_eq!(told(&std::fs::read(file).unwrap()), NOTHING);
}

#[test]
fn secrets_are_shown_in_the_report_when_asked_for() {
    let folder = Folder::new("replay-shown");
    let file = folder.path("report.html");
    let ran = replay(&[&bundled(), "--html", &file, "--show-secrets"]);
    assert_eq!(told(&ran.stdout), NOTHING);
    assert!(told(&std::fs::read(file).unwrap()).len() > 10);
}

#[test]
fn json_is_json_and_holds_no_secret() {
    let ran = replay(&[&bundled(), "--json"]);
    let value: Value = serde_json::from_slice(&ran.stdout).unwrap();
    let exchanges = value["exchanges"].as_array().unwrap();
    assert_eq!(exchanges.len(), capture::bundled().unwrap().len());
    assert!(exchanges.iter().all(|e| e["route"] == "default"));
    assert_eq!(told(&ran.stdout), NOTHING);
}

#[test]
fn clean_captures_pass() {
    let folder = capture::bundled_folder().join("html-page");
    let ran = replay(&[folder.to_str().unwrap()]);
    assert_eq!(ran.code, 0, "{}", ran.text());
    assert!(ran.text().contains("body unchanged"));
}

#[test]
fn what_cannot_be_done_exits_with_2_and_says_why() {
    let folder = Folder::new("replay-cannot");
    folder.put("policy.yaml", b"mode: reprot\n");
    folder.put("expect.yaml", b"expect: [{match: {exchange: '*'}}]\n");
    folder.put("deep.har", "[".repeat(100_000).as_bytes());
    // Nothing is written there: only its length is that of a gigabyte.
    let huge = std::fs::File::create(folder.path("huge.har")).unwrap();
    huge.set_len(1 << 30).unwrap();
    let (policy, expect) = (folder.path("policy.yaml"), folder.path("expect.yaml"));
    let (deep, huge) = (folder.path("deep.har"), folder.path("huge.har"));
    let page = capture::bundled_folder().join("html-page").display().to_string();
    for (args, why) in [
        (vec![], "CAPTURES"),
        (vec!["/nowhere.har"], "/nowhere.har"),
        (vec![page.as_str(), "--policy", "/nowhere.json"], "/nowhere.json"),
        (
            vec![&page, "--policy", &policy],
            "mode: no such word; did you mean `report`?",
        ),
        (vec![&page, "--expect", &expect], "expect[0]: it expects nothing"),
        (vec![&page, "--html", "/nowhere/x.html"], "/nowhere/x.html"),
        (
            vec![&page, "--metadata", "not-to-be-seen"],
            "expected NAMESPACE:KEY=VALUE",
        ),
        (vec![&deep], "not JSON"),
        (vec![&huge], "MiB"),
    ] {
        let ran = replay(&args);
        assert_eq!(ran.code, 2, "{args:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(why), "{why}: {}", ran.stderr);
        assert!(!ran.stderr.contains("not-to-be-seen"));
    }
    let toml = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let ran = keepmum(&["replay", &page, "--wasm", toml], &[], b"");
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(ran.stderr.contains("Cargo.toml"), "{}", ran.stderr);
}

/// A session of two: a page, and an error with a password in it.
fn session(folder: &Folder) -> String {
    let url = format!("connect {}", common::url("shop").trim_end());
    let entry = |path: &str, status: u16, text: &str| {
        json!({
            "request": {"method": "GET", "url": format!("https://api.example.com{path}"), "headers": []},
            "response": {"status": status, "headers": [{"name": "content-type", "value": "text/plain"}],
                "content": {"size": text.len(), "text": text}},
        })
    };
    let entries = [entry("/page", 200, "nothing"), entry("/orders?x=1", 500, &url)];
    let name = "session.har";
    folder.put(name, json!({"log": {"entries": entries}}).to_string().as_bytes());
    folder.path(name)
}

#[test]
fn an_expectation_that_fails_is_told_and_exits_with_1() {
    let folder = Folder::new("replay-expect");
    let file = session(&folder);
    // The probe changes nothing and finds nothing.
    for (expect, why) in [
        ("match: {exchange: '*'}, unchanged: true, inspected: true", ""),
        (
            "match: {path: /page}, status: 200, route: default, denied: false, blocked: false, error_replaced: false",
            "",
        ),
        (
            "match: {host: '*.example.com', method: GET, status: 500}, not_found: [{place: response.body}]",
            "",
        ),
        ("match: {path: /page}, unchanged: false", "get-page: it is unchanged"),
        (
            "match: {path: /orders}, status: 502",
            "get-orders: the client gets 500; expected 502",
        ),
        ("match: {path: /orders}, denied: true", "get-orders: it is not denied"),
        (
            "match: {path: /orders}, error_replaced: true",
            "get-orders: it is not replaced as an error",
        ),
        (
            "match: {path: /orders}, inspected: false",
            "get-orders: it is inspected",
        ),
        (
            "match: {path: /orders}, route: api",
            "get-orders: it is on the route default; expected api",
        ),
        (
            "match: {path: /orders}, found: [{detector: 'postgres-*'}]",
            "get-orders: not found: postgres-* in any place",
        ),
        (
            "match: {path: /orders}, leaks: [{env: KEEPMUM_TEST_SECRET}]",
            "get-orders: the value at expect[0].leaks[0] reaches the client",
        ),
        (
            "match: {path: /nobody}, denied: false",
            "-: no exchange is as its `match` says",
        ),
    ] {
        folder.put(
            "session.har.expect.yaml",
            format!("version: 1\nexpect:\n  - {{{expect}}}\n").as_bytes(),
        );
        // The variable is set for the child by `common::keepmum`.
        let ran = replay(&[&file]);
        assert_eq!(
            ran.code,
            i32::from(!why.is_empty()),
            "{expect}\n{}\n{}",
            ran.text(),
            ran.stderr
        );
        assert!(
            why.is_empty() || ran.text().contains(&format!("FAILED expect[0]: {why}")),
            "{why}\n{}",
            ran.text()
        );
        assert!(!ran.text().contains(&common::secret()));
    }
}

const POLICY: &str = "
deny: {paths: [/private/**]}
routes:
  - {name: pages, match: {paths: [/page]}, bypass: true}
  - {name: orders, match: {paths: [/orders]}, response: {action: mask}}
";

#[test]
#[ignore = "needs the module"]
fn a_policy_is_proved_on_a_session() {
    let folder = Folder::new("replay-policy");
    let file = session(&folder);
    folder.put("policy.yaml", POLICY.as_bytes());
    folder.put(
        "expect.yaml",
        b"expect:
  - match: {path: /page}
    route: pages
    inspected: false
    unchanged: true
  - match: {path: /orders}
    route: orders
    found: [{detector: postgres-url-password, place: response.body, action: mask, count: 1}]
    not_found: [{action: label}]
    leaks: [{env: KEEPMUM_TEST_SECRET}]
    unchanged: false
",
    );
    let (policy, expect) = (folder.path("policy.yaml"), folder.path("expect.yaml"));
    let ran = through_module(&[&file, "--policy", &policy, "--expect", &expect]);
    assert_eq!(ran.code, 0, "{}{}", ran.text(), ran.stderr);
    assert!(ran.text().contains("2 expectations, 0 failures"), "{}", ran.text());
    // The same must fail where nothing is redacted.
    folder.put("policy.yaml", b"mode: report\n");
    let ran = through_module(&[&file, "--policy", &policy, "--expect", &expect]);
    assert_eq!(ran.code, 1, "{}{}", ran.text(), ran.stderr);
    for why in [
        "it is on the route default",
        "found 0 times: postgres-url-password",
        "reaches the client",
        "it is unchanged",
    ] {
        assert!(ran.text().contains(why), "{why}\n{}", ran.text());
    }
    assert!(!ran.text().contains(&common::secret()));
}

#[test]
#[ignore = "needs the module"]
fn every_finding_that_is_counted_is_listed_on_the_bundled_captures() {
    let ran = through_module(&[&bundled(), "--json"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let value: Value = serde_json::from_slice(&ran.stdout).unwrap();
    let found = |name: &str| {
        let all = value["exchanges"].as_array().unwrap();
        let one = all.iter().find(|e| e["exchange"] == name).unwrap();
        one["findings"].as_array().unwrap().len()
    };
    assert!(found("dot-env") > 0);
    assert_eq!(found("html-page"), 0);
    assert_eq!(told(&ran.stdout), NOTHING);
}
