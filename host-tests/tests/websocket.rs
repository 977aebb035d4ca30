//! WebSockets through the module: text is masked both ways, and everything else of a connection stays as it was.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may stop")]

mod common;

use common::{answered, key, module, options, pairs};
use keepmum_host_tests::exchange::Exchange;
use keepmum_host_tests::host::Module;
use keepmum_host_tests::replay::{Replay, replay};

/// Frames of short texts, by their first byte; a key of ones is a client's.
fn frames(all: &[(u8, &str)], masked: bool) -> Vec<u8> {
    let frame = |(first, text): &(u8, &str)| {
        let mut out = vec![*first, text.len() as u8 | if masked { 0x80 } else { 0 }];
        out.extend(masked.then_some([1, 1, 1, 1]).iter().flatten());
        out.extend(text.bytes().map(|b| if masked { b ^ 1 } else { b }));
        out
    };
    all.iter().flat_map(frame).collect()
}

fn upgraded(upgrade: &str, down: &[u8], up: &[u8], size: usize) -> Exchange {
    let mut exchange = answered("websocket", ("x", "y"), &[]);
    let both = [("upgrade", upgrade), ("connection", "upgrade")];
    exchange.response.headers = pairs(&[&[(":status", "101")][..], &both].concat());
    exchange.response.body = down.chunks(size).map(<[u8]>::to_vec).collect();
    let asked = [
        ("sec-websocket-extensions", "permessage-deflate"),
        ("sec-websocket-version", "13"),
    ];
    exchange.request.headers.extend(pairs(&[&both[..], &asked].concat()));
    exchange.request.body = up.chunks(size).map(<[u8]>::to_vec).collect();
    exchange
}

fn go(module: &Module, policy: &str, exchange: &Exchange) -> Replay {
    let r = replay(module, &options(policy), exchange).unwrap();
    assert!(
        r.failure.is_none() && r.strict.is_empty(),
        "{:?} {:?}",
        r.failure,
        r.strict
    );
    r
}

#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn text_is_masked_both_ways_and_the_rest_is_counted() {
    let module = module();
    let (key, stars) = (key(), "*".repeat(key().len()));
    let (a, b) = key.split_at(9);
    let (c, d) = stars.split_at(9);
    let of = |whole: &str, a: &str, b: &str, masked: bool| {
        let all = [
            (0x81, whole),
            (0x89, &key),
            (1, a),
            (0x89, ""),
            (0x80, b),
            (0x82, &key),
            (0x88, ""),
        ];
        frames(&all, masked)
    };
    let bytes = |r: &Replay| {
        r.metrics
            .get("keepmum.uninspected_bytes.reason.upgrade.route.default")
            .copied()
    };
    for size in [1, 5, 1 << 16] {
        let (down, up) = (of(&key, a, b, false), of(&key, a, b, true));
        let given = upgraded("WebSocket", &down, &up, size);
        let r = go(&module, r#"{"request":{"scan":["body"]}}"#, &given);
        let sent = r.upstream.as_ref().unwrap();
        assert!(r.client.message.body.concat() == of(&stars, c, d, false), "in {size}");
        assert!(sent.body.concat() == of(&stars, c, d, true), "in {size}");
        assert_eq!(
            (
                sent.header("sec-websocket-extensions"),
                sent.header("sec-websocket-version")
            ),
            (None, Some(&b"13"[..]))
        );
        assert_eq!(bytes(&r), Some(2 * key.len() as i64));
        assert_eq!(r.told["outcome"], "redacted");

        let r = go(&module, "{}", &given);
        assert!(r.client.message.body.concat() == of(&stars, c, d, false));
        assert!(r.upstream.as_ref().unwrap().body.concat() == up);

        // In mode report nothing changes, the offer of compression included.
        let r = go(&module, r#"{"mode":"report","request":{"scan":["body"]}}"#, &given);
        let sent = r.upstream.as_ref().unwrap();
        assert!(r.client.message.body.concat() == down && sent.body.concat() == up);
        assert!(sent.header("sec-websocket-extensions").is_some());
        assert_eq!(r.told["outcome"], "redacted");
    }
}

#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn what_blocks_ends_the_connection_and_other_upgrades_pass() {
    let module = module();
    let key = key();
    let down = frames(&[(0x81, "fake"), (0x81, &key), (0x81, "more")], false);
    let r = go(
        &module,
        r#"{"response":{"action":"block"}}"#,
        &upgraded("websocket", &down, b"", 6),
    );
    let got = r.client.message.body.concat();
    assert!(
        down.starts_with(&got) && got.len() < 6 + 2 + key.len(),
        "{} bytes left",
        got.len()
    );
    // So does what is not inspected, where it is not to pass.
    let down = frames(&[(0x81, "fake"), (0x82, "fake")], false);
    let closed = r#"{"on_uninspectable":{"upgrade":"block"}}"#;
    let r = go(&module, closed, &upgraded("websocket", &down, b"", 6));
    assert_eq!(
        (r.client.message.body.concat(), r.told["outcome"].as_str()),
        (down[..6].to_vec(), "blocked")
    );
    let r = go(&module, closed, &upgraded("other", &down, b"", 6));
    assert_eq!(
        (
            r.client.message.body.concat().contains(&0x82),
            r.told["outcome"].as_str()
        ),
        (false, "blocked")
    );
    let given = upgraded("other", &down, &down, 100);
    let r = go(&module, r#"{"request":{"scan":["body"]}}"#, &given);
    assert!(r.client.message.body.concat() == down && r.upstream.as_ref().unwrap().body.concat() == down);
    assert_eq!(r.told["outcome"], "uninspected");
}
