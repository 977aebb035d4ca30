//! Actions that need more than the engine: a block is answered by the plugin, and a key comes from the proxy.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may stop")]

mod common;

use common::{key, module};
use keepmum_host_tests::exchange::Exchange;
use keepmum_host_tests::host::{Options, Vm};
use keepmum_host_tests::replay::{Ended, Replay, replay};

fn options(action: &str) -> Options {
    Options {
        environment: vec![(
            "KEEPMUM_HASH_KEY".to_owned(),
            concat!("fake-q7Lx2v", "-Rz9KpT-n4Wb8s").to_owned(),
        )],
        ..common::options(&format!("{{\"response\":{{\"action\":{action}}}}}"))
    }
}

fn exchange(header: &str, body: &[&str]) -> Exchange {
    common::answered("actions", ("x-key", header), body)
}

/// What the client got as text; nobody saw the key.
fn seen(r: &Replay) -> (String, String) {
    assert!(r.failure.is_none(), "{:?}", r.failure);
    assert_eq!(r.strict, Vec::<String>::new());
    let lossy = |b: &[u8]| String::from_utf8_lossy(b).into_owned();
    let headers: String = (r.client.message.headers.iter())
        .map(|(n, v)| format!("{}={};", lossy(n), lossy(v)))
        .collect();
    let body = lossy(&r.client.message.body.concat());
    let logs = r.logs.iter().map(|l| l.text.as_str());
    for text in logs.chain([headers.as_str(), body.as_str()]) {
        assert!(
            !text.contains(&key()) && !text.contains(&key()[8..]),
            "somebody saw the key"
        );
    }
    (headers, body)
}

fn audited(r: &Replay) -> bool {
    let line = |t: &str| t.starts_with("keepmum audit") && t.contains(r#""action":"block""#);
    r.logs.iter().any(|l| line(&l.text))
}

#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn a_secret_in_a_header_that_is_blocked_on_is_answered_for() {
    let module = module();
    let options = options(r#"{"block":{"status":451,"body":"not for you"}}"#);
    let r = replay(&module, &options, &exchange(&key(), &["fake"])).unwrap();
    let (headers, body) = seen(&r);
    assert!(headers.contains(":status=451;"), "{headers}");
    assert!(!headers.contains("x-key"), "{headers}");
    assert_eq!(body, "not for you");
    assert!(audited(&r));
    assert_eq!(r.count("keepmum.blocked"), 1);
}

#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn a_secret_in_a_body_that_is_blocked_on_breaks_it_off() {
    let module = module();
    let key_text = key();
    let (front, back) = key_text.split_at(12);
    for body in [
        vec![format!("fake {} fake", key())],
        vec![format!("fake {front}"), format!("{back} fake")],
    ] {
        let body: Vec<&str> = body.iter().map(String::as_str).collect();
        let r = replay(&module, &options("\"block\""), &exchange("fake", &body)).unwrap();
        seen(&r);
        assert_eq!(r.client.ended, Ended::Reset);
        assert!(audited(&r));
        assert_eq!(r.count("keepmum.blocked"), 1);
    }
}

#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn tags_are_made_with_the_key_that_the_proxy_hands_over() {
    let module = module();
    let r = replay(
        &module,
        &options("\"hash\""),
        &exchange(&key(), &[&format!("fake {}", key())]),
    )
    .unwrap();
    let (headers, body) = seen(&r);
    let tag = body.strip_prefix("fake [HASH-").unwrap();
    assert!(headers.contains(tag), "{headers} {body}");
    let without = Options {
        environment: Vec::new(),
        ..options("\"hash\"")
    };
    assert!(Vm::start(&module, &without).is_err(), "no key, and it starts");
}
