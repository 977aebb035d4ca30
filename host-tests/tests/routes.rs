//! Routes through the module under wasmtime: what a bypassed one counts, what the response decides, what is denied.
//! Which route matches what is the engine's own test (`engine/tests/routes.rs`).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test may stop"
)]

mod common;

use std::time::{Duration, Instant};

use common::{key, module, options, pairs};
use keepmum_host_tests::exchange::{Exchange, Message};
use keepmum_host_tests::host::{Options, Vm};
use keepmum_host_tests::replay::Replay;

fn exchange(path: &str, status: &str, content_type: &str) -> Exchange {
    Exchange {
        name: "routes".into(),
        request: Message {
            headers: pairs(&[
                (":method", "GET"),
                (":path", path),
                (":scheme", "http"),
                (":authority", "api.example.com"),
                ("x-request-id", "r-1"),
            ]),
            ..Message::default()
        },
        response: Message {
            headers: pairs(&[(":status", status), ("content-type", content_type), ("x-key", &key())]),
            body: vec![key().into_bytes()],
            ..Message::default()
        },
        ..Exchange::default()
    }
}

/// In YAML, as a platform engineer would write it.
const POLICY: &str = "
deny: {paths: [/.git/**], status: 410}
routes:
  - {name: open, match: {paths: [/open/**]}, bypass: true}
  - {name: pages, match: {content_types: [text/*]}, response: {action: mask}}
  - {name: strict, match: {metadata: [{namespace: keepmum, key: profile, value: strict}]}, response: {action: remove, scan: [body]}}
";

fn body(replay: &Replay) -> String {
    String::from_utf8_lossy(&replay.client.message.body.concat()).into_owned()
}

fn counted(replay: &Replay, name: &str) -> i64 {
    replay.count(name)
}

#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn a_route_decides_what_becomes_of_an_exchange() {
    let module = module();
    let mut vm = Vm::start(&module, &options(POLICY)).unwrap();
    let uninspected = "keepmum.uninspected.reason.route";

    let labelled = vm.exchange(&exchange("/", "200", "application/json")).unwrap();
    assert_eq!(body(&labelled), "[REDACTED:stripe-secret-key]");
    assert_eq!(counted(&labelled, uninspected), 0);
    assert!(labelled.logs.iter().any(|l| l.text.contains(r#""route":"default""#)));

    let passed = vm.exchange(&exchange("/open/x", "200", "application/json")).unwrap();
    assert_eq!(body(&passed), key());
    assert_eq!(counted(&passed, uninspected), 1);

    let masked = vm.exchange(&exchange("/", "200", "text/plain")).unwrap();
    assert_eq!(body(&masked), "*".repeat(key().len()));
    assert!(masked.logs.iter().any(|l| l.text.contains(r#""route":"pages""#)));

    let denied = vm.exchange(&exchange("/.git/config", "200", "text/plain")).unwrap();
    assert!(
        denied
            .client
            .message
            .headers
            .contains(&(b":status".to_vec(), b"410".to_vec()))
    );
    assert!(!body(&denied).contains(&key()));
    assert_eq!(counted(&denied, "keepmum.denied.reason.path"), 1);
}

#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn the_route_table_switches_a_route() {
    let module = module();
    let name = "xds.route_metadata.filter_metadata.keepmum.profile";
    let options = Options {
        properties: [(name.to_owned(), b"strict".to_vec())].into(),
        ..options(POLICY)
    };
    let mut vm = Vm::start(&module, &options).unwrap();
    let replay = vm.exchange(&exchange("/", "200", "application/json")).unwrap();
    assert_eq!(body(&replay), "");
    assert!(
        replay
            .client
            .message
            .headers
            .contains(&(b"x-key".to_vec(), key().into_bytes()))
    );
}

#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn a_large_policy_starts_quickly() {
    let module = module();
    let started = |policy: &str| {
        let round = || {
            let start = Instant::now();
            Vm::start(&module, &options(policy)).unwrap();
            start.elapsed()
        };
        (0..10).map(|_| round()).min().unwrap()
    };
    let mut policy = String::from("fields:\n  - names: [");
    policy.extend((0..100).map(|i| format!("field{i}, ")));
    policy.push_str("]\nroutes:\n");
    policy.extend((0..200).map(|i| {
        format!(
            "  - {{name: r{i}, match: {{hosts: [h{i}.example.com], paths: [/a{i}/**]}}, response: {{action: mask}}}}\n"
        )
    }));
    let (plain, large) = (started("{}"), started(&policy));
    println!("{{}} {plain:?}, 200 routes and 100 fields {large:?}");
    // A ratio, since a busy machine takes any time; on an idle one both stay below 50 ms.
    assert!(large < plain * 4 + Duration::from_millis(20), "{plain:?} and {large:?}");
}
