//! Host calls that fail, answers that mix modes, and what is told of exchanges that were not clean: nothing passes in mode
//! `enforce`, nothing changes in mode `report`, and the outcome is true in both.
//!
//! A real proxy hardly ever lets a call fail, so that only this host can be made to.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may stop")]

mod common;

use common::{key, module, options, pairs};
use keepmum_host_tests::exchange::{Exchange, Message};
use keepmum_host_tests::host::{Module, Options};
use keepmum_host_tests::replay::{Ended, Replay, replay};

type Pairs<'a> = &'a [(&'a str, &'a str)];

fn exchange(path: &str, response: Pairs, body: &str) -> Exchange {
    Exchange {
        name: "faults".into(),
        request: Message {
            headers: pairs(&[
                (":method", "GET"),
                (":path", path),
                (":scheme", "http"),
                (":authority", "a.example"),
            ]),
            ..Message::default()
        },
        response: Message {
            headers: pairs(response),
            body: vec![body.as_bytes().to_vec()],
            ..Message::default()
        },
        ..Exchange::default()
    }
}

/// With these calls failing.
fn run(module: &Module, policy: &str, faults: &[(&'static str, i64)], exchange: &Exchange) -> Replay {
    let options = Options {
        faults: faults.to_vec(),
        ..options(policy)
    };
    let r = replay(module, &options, exchange).unwrap();
    assert!(r.failure.is_none(), "{:?}", r.failure);
    assert_eq!(r.strict, Vec::<String>::new());
    r
}

fn leaks(r: &Replay) -> bool {
    let message = &r.client.message;
    let lists = [Some(&message.headers), message.trailers.as_ref()];
    let values = lists.into_iter().flatten().flatten().map(|(_, v)| v.clone());
    let key = key();
    values
        .chain([message.body_bytes()])
        .any(|text| String::from_utf8_lossy(&text).contains(&key))
}

const TEXT: Pairs<'static> = &[(":status", "200"), ("content-type", "text/plain")];
const PAIRS: &str = "proxy_get_header_map_pairs";
const SET: &str = "proxy_set_header_map_pairs";
const READ: &str = "proxy_get_buffer_bytes";
const WRITE: &str = "proxy_set_buffer_bytes";
const REPLY: &str = "proxy_send_local_response";

#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn a_call_that_fails_lets_nothing_pass_and_changes_nothing_in_a_report() {
    let module = module();
    let key = key();
    for fault in [
        (PAIRS, 0),
        (PAIRS, 2),
        (PAIRS, 3),
        (SET, 2),
        (SET, 3),
        (READ, 1),
        (WRITE, 1),
    ] {
        let mut asked = exchange("/", TEXT, &format!("fake {key} fake"));
        asked.response.headers.extend(pairs(&[("x-note", &key)]));
        asked.response.trailers = Some(pairs(&[("x-end", &key)]));
        let r = run(&module, "{}", &[fault], &asked);
        assert!(!leaks(&r), "{fault:?}: something passed");
        assert!(r.client.status == 502 || r.client.ended == Ended::Reset, "{fault:?}");
        assert_eq!(r.told["outcome"], "failed", "{fault:?}");
        assert!(r.count("keepmum.host_errors") > 0, "{fault:?}");
        assert!(r.logs.iter().any(|l| l.text.starts_with("keepmum audit")), "{fault:?}");

        let r = run(&module, r#"{"mode":"report"}"#, &[fault], &asked);
        assert_eq!((r.client.ended, r.client.status), (Ended::Complete, 200), "{fault:?}");
        assert_eq!(r.client.message.headers, asked.response.headers, "{fault:?}");
        assert_eq!(r.client.message.body_bytes(), asked.response.body_bytes(), "{fault:?}");
        assert_eq!(r.client.message.trailers, asked.response.trailers, "{fault:?}");
        let reads = fault.0 == PAIRS || fault.0 == READ;
        assert_eq!(r.count("keepmum.host_errors") > 0, reads, "{fault:?}");
        assert_eq!(r.count("keepmum.uninspected.reason.error") > 0, reads, "{fault:?}");
        assert_eq!(r.count("keepmum.stream_reset"), 0);
    }
}

#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn a_denial_that_is_only_reported_does_not_switch_off_another_mode() {
    let module = module();
    let policy = r#"{"mode":"report","deny":{"lists":["files"]},"routes":[{"name":"errors","match":{"status":["5xx"]},"mode":"enforce"}]}"#;
    for (status, passes) in [("500", false), ("200", true)] {
        let asked = exchange("/.env", &[(":status", status), ("content-type", "text/plain")], &key());
        let r = run(&module, policy, &[], &asked);
        assert_eq!(leaks(&r), passes, "{status}");
        assert_eq!(r.count("keepmum.denied"), 1);
        assert_eq!(r.told["outcome"], if passes { "denied" } else { "redacted" });
    }
}

#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn what_is_written_in_any_coding_is_blocked_and_pictures_are_not() {
    let module = module();
    let policy = r#"{"on_uninspectable":{"encoding":"block"}}"#;
    for (content_type, header, coding, blocked) in [
        ("text/plain", "content-encoding", "compress", true),
        ("text/plain", "content-encoding", "xz", true),
        ("text/plain", "content-encoding", "identity, dcb", true),
        ("text/plain", "content-encoding", "Identity", false),
        ("text/plain", "content-encoding", "", false),
        ("text/plain", "grpc-encoding", "gzip", false),
        ("application/grpc", "grpc-encoding", "lz4", true),
        ("application/grpc", "grpc-encoding", "identity", false),
        ("image/png", "content-encoding", "gzip", false),
    ] {
        let headers = [(":status", "200"), ("content-type", content_type), (header, coding)];
        let asked = exchange("/", &headers, "\0\0\0\0\u{4}fake");
        let r = run(&module, policy, &[], &asked);
        assert_eq!(r.client.status == 502, blocked, "{headers:?}");
        assert_eq!(r.count("keepmum.blocked"), i64::from(blocked), "{headers:?}");
        assert_eq!(r.count("keepmum.uninspected.reason.encoding"), 0, "{headers:?}");
        assert_eq!(r.told["outcome"] == "blocked", blocked, "{headers:?}");
        if blocked {
            let r = run(&module, policy, &[(REPLY, 502)], &asked);
            assert_eq!(r.client.ended, Ended::Reset, "{headers:?}");
            assert!(r.client.message.body.is_empty(), "{headers:?}");
        }
    }
}

#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn no_exchange_is_told_as_clean_that_was_not() {
    let module = module();
    let grpc = [
        (":status", "200"),
        ("content-type", "application/grpc"),
        ("grpc-status", "14"),
        ("grpc-message", "fake"),
    ];
    let replace = r#"{"errors":{"status":["5xx"],"replace":"text"}}"#;
    let scrub = r#"{"errors":{"status":["5xx"],"scrub":true}}"#;
    let leaky = [
        (":status", "500"),
        ("content-type", "text/plain"),
        ("x-debug-token", "abc"),
    ];
    let plain = [(":status", "500"), ("content-type", "text/plain")];
    let part = [
        (":status", "206"),
        ("content-type", "text/plain"),
        ("content-range", "bytes 0-3/9"),
    ];
    for (policy, headers, body, outcome) in [
        ("{}", TEXT, "fake", "clean"),
        ("{}", &part[..], "fake", "uninspected"),
        (replace, &grpc, "", "replaced"),
        (scrub, &leaky, "fake", "scrubbed"),
        (scrub, &plain, "fake", "clean"),
    ] {
        let r = run(&module, policy, &[], &exchange("/", headers, body));
        assert_eq!(r.told["outcome"], outcome, "{headers:?} with {policy}");
        let audited = r.logs.iter().any(|l| l.text.starts_with("keepmum audit"));
        assert_eq!(audited, !["clean", "uninspected"].contains(&outcome), "{headers:?}");
    }
}
