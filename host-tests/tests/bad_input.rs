//! Input that was made to break a filter, through the module under wasmtime: no trap, no hang, no secret passed, nothing
//! else lost, no word of it in the log. `envoy/tests/envoy_bad_input.rs` sends what can be sent through a real Envoy.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may stop")]

mod common;

use common::{key, module, pairs};
use keepmum_host_tests::exchange::{End, Exchange, Headers, Message};
use keepmum_host_tests::host::{LogLevel, Options, Vm};
use keepmum_host_tests::replay::{Ended, Replay};

const LABEL: &str = "[REDACTED:stripe-secret-key]";

fn options(policy: &str) -> Options {
    Options {
        buffer_limit: 2 << 20,
        ..common::options(policy)
    }
}

fn response(headers: &[(&str, &str)], body: Vec<Vec<u8>>) -> Exchange {
    let mut all = pairs(&[(":status", "200"), ("content-type", "application/json")]);
    all.extend(pairs(headers));
    Exchange {
        name: "bad input".into(),
        request: Message {
            headers: pairs(&[
                (":method", "GET"),
                (":path", "/"),
                (":scheme", "http"),
                (":authority", "a.example"),
                ("accept-encoding", "gzip"),
                ("x-request-id", "r-1"),
            ]),
            ..Message::default()
        },
        response: Message {
            headers: all,
            body,
            ..Message::default()
        },
        ..Exchange::default()
    }
}

/// What every case has to hold.
fn sound(replay: &Replay) {
    assert!(replay.failure.is_none(), "the VM failed: {:?}", replay.failure);
    assert_eq!(replay.strict, Vec::<String>::new());
    assert_ne!(replay.client.ended, Ended::Hang);
    let logs: Vec<_> = replay.logs.iter().map(|l| l.text.as_str()).collect();
    assert!(
        !logs.iter().any(|l| l.contains(&key()[8..])),
        "a log line holds the secret"
    );
}

fn contains(headers: &Headers, needle: &str) -> bool {
    headers
        .iter()
        .any(|(n, v)| [n, v].iter().any(|t| String::from_utf8_lossy(t).contains(needle)))
}

#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn bodies_that_were_made_to_break_it() {
    let module = module();
    let key = key();
    let cases: Vec<(&str, Vec<u8>, Vec<u8>)> = vec![
        ("broken JSON", b"{\"a\": [1, {\"b\": ".to_vec(), b"".to_vec()),
        ("invalid UTF-8", b"\xff\xfe\x80 ".to_vec(), b"\xc3".to_vec()),
        ("NUL bytes", vec![0; 100], vec![0; 100]),
        ("deep nesting", b"[".repeat(10_000), b"]".repeat(10_000)),
        ("deep objects", b"{\"a\":".repeat(10_000), b"}".repeat(10_000)),
        ("escapes cut off", b"\\u00 \\".to_vec(), b"\\".to_vec()),
        (
            "a long line",
            vec![b'a'; 1 << 20],
            [b";".to_vec(), vec![b'b'; 1 << 20]].concat(),
        ),
        ("anchors", b"sk_live_ ".repeat(3000), b" sk_live_".repeat(3000)),
    ];
    for http2 in [false, true] {
        let mut vm = Vm::start(&module, &Options { http2, ..options("{}") }).unwrap();
        for (name, front, back) in &cases {
            let text = [front.as_slice(), key.as_bytes(), back].concat();
            let want = [front.as_slice(), LABEL.as_bytes(), back].concat();
            for size in [text.len(), 16 * 1024, 1000] {
                let exchange = response(&[], text.chunks(size).map(<[u8]>::to_vec).collect());
                let replay = vm.exchange(&exchange).unwrap();
                sound(&replay);
                assert_eq!(replay.client.ended, Ended::Complete, "{name}");
                assert!(replay.client.message.body_bytes() == want, "{name} in chunks of {size}");
            }
        }
        let empty = vm.exchange(&response(&[("x-a", "1")], Vec::new())).unwrap();
        sound(&empty);
        assert!(empty.client.message.body_bytes().is_empty());
    }
}

#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn headers_that_were_made_to_break_it() {
    let module = module();
    let key = key();
    let mut vm = Vm::start(&module, &options("{}")).unwrap();
    // A thousand and two thousand headers: below and above what one call may set.
    for n in [1000, 2000] {
        let names: Vec<String> = (0..n).map(|i| format!("x-h-{i}")).collect();
        let mut list: Vec<(&str, &str)> = names.iter().map(|n| (n.as_str(), "v")).collect();
        list.push(("x-leak", &key));
        list.push(("set-cookie", "a=1"));
        list.push(("set-cookie", "b=2"));
        let replay = vm.exchange(&response(&list, vec![b"ok".to_vec()])).unwrap();
        sound(&replay);
        assert_eq!(replay.client.status, 200);
        let headers = &replay.client.message.headers;
        assert!(!contains(headers, &key) && contains(headers, LABEL), "{n} headers");
        assert_eq!(headers.len(), n + 5, "none is lost");
        let cookies: Vec<_> = headers
            .iter()
            .filter(|(n, _)| n == b"set-cookie")
            .map(|(_, v)| v.clone())
            .collect();
        assert_eq!(cookies, [b"a=1".to_vec(), b"b=2".to_vec()]);
    }
    let mut strange = response(&[], vec![b"ok".to_vec()]);
    let value = |front: &[u8], back: &[u8]| [front, key.as_bytes(), back].concat();
    strange
        .response
        .headers
        .push((b"x-bytes".to_vec(), value(b"\xff\xfe ", b" \x80")));
    strange
        .response
        .headers
        .push((b"x-lines".to_vec(), value(b"a\r\nevil: ", b"\n")));
    strange
        .request
        .headers
        .push((b"authorization".to_vec(), value(b"Bearer ", b"\xff")));
    let replay = vm.exchange(&strange).unwrap();
    sound(&replay);
    let headers = &replay.client.message.headers;
    assert!(!contains(headers, &key));
    assert!(headers.contains(&(b"x-bytes".to_vec(), [b"\xff\xfe ", LABEL.as_bytes(), b" \x80"].concat())));
    let lines = headers.iter().find(|(n, _)| n == b"x-lines").unwrap();
    assert!(
        !lines.1.contains(&b'\n') && !lines.1.contains(&b'\r'),
        "a value that was rewritten is one line"
    );
}

#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn endings_in_the_wrong_place() {
    let module = module();
    let key = key();
    let mut vm = Vm::start(&module, &options("{}")).unwrap();
    // Ten characters behind the prefix are enough to be taken for a key.
    for cut in 0..key.len().min("sk_live_".len() + 10) {
        let text = format!("x {}", &key[..cut]);
        let mut exchange = response(&[], text.as_bytes().chunks(5).map(<[u8]>::to_vec).collect());
        for end in [End::Complete, End::Reset] {
            exchange.response.end = end;
            let replay = vm.exchange(&exchange).unwrap();
            sound(&replay);
            if end == End::Complete {
                assert_eq!(
                    replay.client.message.body_bytes(),
                    text.as_bytes(),
                    "what was no secret stays"
                );
            }
        }
    }
    // Trailers over an open candidate: announced ones wait for it; unannounced ones over HTTP/1.1 end the stream.
    for (announced, ended) in [(true, Ended::Complete), (false, Ended::Reset)] {
        let mut list = vec![("transfer-encoding", "chunked")];
        if announced {
            list.push(("trailer", "x-end"));
        }
        let mut exchange = response(&list, vec![format!("x {key} sk_live_").into_bytes()]);
        exchange.response.trailers = Some(pairs(&[("x-end", &key)]));
        let replay = vm.exchange(&exchange).unwrap();
        sound(&replay);
        assert_eq!(replay.client.ended, ended, "announced: {announced}");
        assert!(!String::from_utf8_lossy(&replay.client.message.body_bytes()).contains(&key));
        if announced {
            assert_eq!(
                replay.client.message.body_bytes(),
                format!("x {LABEL} sk_live_").as_bytes()
            );
            assert!(contains(replay.client.message.trailers.as_ref().unwrap(), LABEL));
        }
    }
}

#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn a_line_of_100_mib_passes_in_constant_memory() {
    let module = module();
    let mut vm = Vm::start(&module, &options("{}")).unwrap();
    let warm = vm.exchange(&response(&[], vec![vec![b'a'; 1 << 20]; 2])).unwrap();
    sound(&warm);
    let before = vm.memory_bytes();
    let replay = vm.exchange(&response(&[], vec![vec![b'a'; 1 << 20]; 100])).unwrap();
    sound(&replay);
    assert_eq!(
        replay.client.message.body.iter().map(Vec::len).sum::<usize>(),
        100 << 20
    );
    assert_eq!(vm.memory_bytes(), before, "linear memory did not grow");
}

#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn a_wrong_policy_is_refused_with_the_field() {
    let module = module();
    for (policy, says) in [
        (r#"{"mode":"loud"}"#, "keepmum refuses to start: mode: "),
        (
            r#"{"detectors":{"custom":[{"id":"acme","pattern":"[a-z]+"}]}}"#,
            "detectors.custom[0].pattern: ",
        ),
        (
            r#"{"errors":{"status":["9xx"],"replace":"problem+json"}}"#,
            "errors.status[0]: ",
        ),
        ("not json", "keepmum refuses to start: .: "),
    ] {
        let Err(refused) = Vm::start(&module, &options(policy)) else {
            panic!("{policy} is accepted");
        };
        let refused = refused.downcast::<keepmum_host_tests::host::Refused>().unwrap();
        assert!(
            refused.logs.iter().any(|l| l.text.contains(says)),
            "{policy}: {:?}",
            refused.logs
        );
    }
}

#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn an_error_becomes_a_problem_and_keeps_its_status() {
    let module = module();
    let policy = r#"{"errors":{"status":["5xx"],"replace":"problem+json"}}"#;
    let mut vm = Vm::start(&module, &options(policy)).unwrap();
    let mut exchange = response(
        &[("x-powered-by", "x"), ("retry-after", "3")],
        vec![b"stack trace".to_vec()],
    );
    exchange.response.headers[0].1 = b"503".to_vec();
    let replay = vm.exchange(&exchange).unwrap();
    sound(&replay);
    assert_eq!(replay.client.status, 503);
    let body: serde_json::Value = serde_json::from_slice(&replay.client.message.body_bytes()).unwrap();
    assert_eq!(
        body,
        serde_json::json!({"type":"about:blank","title":"Service Unavailable","status":503,"request_id":"r-1"})
    );
    let headers = &replay.client.message.headers;
    assert!(
        contains(headers, "application/problem+json")
            && contains(headers, "retry-after")
            && !contains(headers, "x-powered-by")
    );
}

/// Values that are found and then come again inside longer words, over and over, each overlapping with itself.
#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn repeats_inside_words_take_no_time() {
    let policy = r#"{"fields":[{"names":["k"]}]}"#;
    let fuel = Some(u64::MAX);
    let mut vm = Vm::start(
        &module(),
        &Options {
            fuel,
            ..options(policy)
        },
    )
    .unwrap();
    let taught: String = (0..32)
        .map(|i| format!("{{\"k\":\"{}\"}}\n", "A1".repeat(220 + i)))
        .collect();
    let text = taught + &"A1".repeat(64 * 1024);
    let chunks = text.as_bytes().chunks(16 * 1024).map(<[u8]>::to_vec).collect();
    let replay = vm.exchange(&response(&[], chunks)).unwrap();
    sound(&replay);
    let each = replay.fuel / text.len() as u64;
    assert!(each < 6000, "{each} for a byte");
}

/// Twice the input costs at most twice the work, whatever it repeats. Fuel counts instructions, not time.
#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn work_grows_with_the_input_and_no_faster() {
    let module = module();
    let mut vm = Vm::start(
        &module,
        &Options {
            fuel: Some(u64::MAX),
            log_level: LogLevel::Error,
            ..options("{}")
        },
    )
    .unwrap();
    let pem = format!("-----BEGIN {}-----\n", "PRIVATE KEY");
    for flood in [
        "the quick brown fox, ",
        "sk_live_",
        "eyJ",
        "eyJ-",
        "https://a:b",
        "://",
        "jdbc:ora",
        "sk_test_fa4e",
        "glpat-",
        "\\u0073\\u006b",
        "\\\\u00",
        "\\",
        "[[",
        "{\"a\":",
        "-----BEGIN ",
        &pem,
        "AKIA",
        "xoxb-1-",
    ] {
        let mut fuel = |kib: usize| {
            let text = flood.repeat(kib * 1024 / flood.len());
            let chunks = text.as_bytes().chunks(16 * 1024).map(<[u8]>::to_vec).collect();
            let replay = vm
                .exchange(&response(&[("content-length", &text.len().to_string())], chunks))
                .unwrap();
            sound(&replay);
            replay.fuel
        };
        let (small, large) = (fuel(128), fuel(256));
        assert!(
            small > 0 && large < small * 22 / 10,
            "{flood:?}: {small} for 128 KiB, {large} for 256 KiB"
        );
        // About 0.3 s for a MiB: slow, and no more than that.
        assert!(
            large / (256 * 1024) < 6000,
            "{flood:?}: {} for a byte",
            large / (256 * 1024)
        );
    }
}
