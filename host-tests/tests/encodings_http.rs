//! Bodies with a content encoding, through the module under wasmtime: what the client (or, of requests, the upstream) gets,
//! and what becomes of those that cannot be decoded, by each outcome of `on_uninspectable`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may stop")]

mod common;

use std::io::Write;

use common::{key, module, options, pairs};
use keepmum_host_tests::exchange::{Exchange, Headers, Message};
use keepmum_host_tests::host::{Direction, Options, Vm};
use keepmum_host_tests::replay::{Ended, Replay};
use serde_json::{Value, json};

const LABEL: &str = "[REDACTED:stripe-secret-key]";

fn encode(coding: &str, text: &[u8]) -> Vec<u8> {
    let level = flate2::Compression::default();
    match coding {
        "gzip" | "x-gzip" => {
            let mut e = flate2::write::GzEncoder::new(Vec::new(), level);
            e.write_all(text).unwrap();
            e.finish().unwrap()
        }
        "deflate" => {
            let mut e = flate2::write::ZlibEncoder::new(Vec::new(), level);
            e.write_all(text).unwrap();
            e.finish().unwrap()
        }
        "raw deflate" => {
            let mut e = flate2::write::DeflateEncoder::new(Vec::new(), level);
            e.write_all(text).unwrap();
            e.finish().unwrap()
        }
        "br" => {
            let mut out = Vec::new();
            let mut e = brotli::CompressorWriter::new(&mut out, 4096, 5, 18);
            e.write_all(text).unwrap();
            drop(e);
            out
        }
        "zstd" => zstd::encode_all(text, 3).unwrap(),
        other => panic!("{other}"),
    }
}

/// Codings by what a body says of them, outermost last as in the header.
fn encoded(codings: &str, text: &[u8]) -> Vec<u8> {
    codings
        .split(", ")
        .fold(text.to_vec(), |text, coding| encode(coding, &text))
}

fn name(coding: &str) -> &str {
    coding.strip_prefix("raw ").unwrap_or(coding)
}

fn exchange(headers: &[(&str, &str)], body: &[Vec<u8>]) -> Exchange {
    let mut all = pairs(&[(":status", "200")]);
    all.extend(pairs(headers));
    Exchange {
        name: "encodings".into(),
        request: Message {
            headers: pairs(&[
                (":method", "GET"),
                (":path", "/"),
                (":scheme", "http"),
                (":authority", "a.example"),
            ]),
            ..Message::default()
        },
        response: Message {
            headers: all,
            body: body.to_vec(),
            ..Message::default()
        },
        ..Exchange::default()
    }
}

fn get<'h>(headers: &'h Headers, name: &str) -> Option<&'h [u8]> {
    let found = headers.iter().find(|(n, _)| n == name.as_bytes());
    found.map(|(_, v)| v.as_slice())
}

/// What every case has to hold.
fn sound(r: &Replay) {
    assert!(r.failure.is_none(), "{:?}", r.failure);
    assert_eq!(r.strict, Vec::<String>::new());
    assert_ne!(r.client.ended, Ended::Hang);
    assert!(
        !r.logs.iter().any(|l| l.text.contains(&key()[8..])),
        "a log line has the key"
    );
}

/// A document that is worth compressing, with the key in the middle.
fn text(secret: &str) -> String {
    let line = |i: u32| format!("{{\"id\": {i}, \"note\": \"{:x}\"}}\n", i.wrapping_mul(2_654_435_761));
    let (front, back): (String, String) = ((0..500).map(line).collect(), (500..1500).map(line).collect());
    format!("{front}{{\"key\": \"{secret}\"}}\n{back}")
}

const ALL: &[&str] = &[
    "gzip",
    "x-gzip",
    "deflate",
    "raw deflate",
    "br",
    "zstd",
    "gzip, gzip",
    "gzip, br",
    "zstd, deflate",
];

#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn secrets_are_taken_out_of_every_coding() {
    let module = module();
    let (with, without) = (text(&key()), text(LABEL));
    for http2 in [false, true] {
        let mut vm = Vm::start(&module, &Options { http2, ..options("{}") }).unwrap();
        for coding in ALL {
            let body = encoded(coding, with.as_bytes());
            for size in [body.len(), 4096, 999, 61] {
                let chunks: Vec<_> = body.chunks(size).map(<[u8]>::to_vec).collect();
                let length = body.len().to_string();
                let mut headers = vec![
                    ("content-type", "application/json"),
                    ("content-encoding", name(coding)),
                    ("vary", "accept-encoding"),
                    ("etag", "\"v1\""),
                    ("content-md5", "x"),
                ];
                match http2 {
                    true => {}
                    false if size == 4096 => headers.push(("transfer-encoding", "chunked")),
                    false => headers.push(("content-length", &length)),
                }
                let r = vm.exchange(&exchange(&headers, &chunks)).unwrap();
                sound(&r);
                assert_eq!(r.client.ended, Ended::Complete, "{coding} by {size}");
                let got = String::from_utf8_lossy(&r.client.message.body_bytes()).into_owned();
                assert!(got == without, "{coding} in chunks of {size}");
                let headers = &r.client.message.headers;
                assert_eq!(get(headers, "content-encoding"), None);
                assert_eq!(get(headers, "content-length"), None);
                assert_eq!(get(headers, "content-md5"), None);
                assert_eq!(get(headers, "etag"), Some(b"W/\"v1\"".as_slice()));
                assert_eq!(get(headers, "vary"), Some(b"accept-encoding".as_slice()));
                assert_eq!(r.counted("findings"), 1);
                assert_eq!(r.counted("uninspected"), 0);
            }
        }
    }
}

#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn trailers_come_behind_the_last_decoded_byte() {
    let mut vm = Vm::start(
        &module(),
        &Options {
            http2: true,
            ..options("{}")
        },
    )
    .unwrap();
    // The key is open when the last chunk ends, so that it is held until the trailers come.
    let body = encode("gzip", key().as_bytes());
    for size in [body.len(), 7] {
        let chunks: Vec<_> = body.chunks(size).map(<[u8]>::to_vec).collect();
        let mut asked = exchange(&[("content-type", "text/plain"), ("content-encoding", "gzip")], &chunks);
        asked.response.trailers = Some(pairs(&[("x-sum", "1")]));
        let r = vm.exchange(&asked).unwrap();
        sound(&r);
        assert_eq!(r.client.ended, Ended::Complete);
        assert_eq!(r.client.message.body_bytes(), LABEL.as_bytes());
        assert_eq!(r.client.message.trailers, Some(pairs(&[("x-sum", "1")])));
    }
}

#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn a_report_reads_a_copy_and_changes_nothing() {
    let mut vm = Vm::start(&module(), &options(r#"{"mode":"report"}"#)).unwrap();
    for coding in ALL {
        let body = encoded(coding, text(&key()).as_bytes());
        let chunks: Vec<_> = body.chunks(5000).map(<[u8]>::to_vec).collect();
        let headers = [
            ("content-type", "application/json"),
            ("content-encoding", name(coding)),
            ("etag", "\"1\""),
        ];
        let r = vm.exchange(&exchange(&headers, &chunks)).unwrap();
        sound(&r);
        assert!(r.client.message.body_bytes() == body, "{coding}");
        let mut want = pairs(&[(":status", "200")]);
        want.extend(pairs(&headers));
        assert_eq!(r.client.message.headers, want, "{coding}");
        assert_eq!(r.counted("findings"), 1, "{coding}");
        assert_eq!(r.told["outcome"], "redacted");
    }
}

#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn what_is_not_looked_at_is_not_decoded() {
    let policy = r#"{"routes":[{"name":"by","match":{"paths":["/by"]},"bypass":true}]}"#;
    let mut vm = Vm::start(&module(), &options(policy)).unwrap();
    let body = encode("gzip", key().as_bytes());
    for (path, content_type) in [("/by", "text/plain"), ("/", "image/png")] {
        let mut asked = exchange(
            &[("content-type", content_type), ("content-encoding", "gzip")],
            std::slice::from_ref(&body),
        );
        asked.request.headers[1].1 = path.into();
        let r = vm.exchange(&asked).unwrap();
        sound(&r);
        assert_eq!(r.client.message.body_bytes(), body);
        assert_eq!(
            get(&r.client.message.headers, "content-encoding"),
            Some(b"gzip".as_slice())
        );
    }
}

/// A case, the policy's outcome, and what becomes of it.
struct Case {
    name: &'static str,
    coding: &'static str,
    status: &'static str,
    body: Vec<u8>,
    reason: &'static str,
    /// With `pass`, `block`, `drop`: how the client sees it.
    want: [Want; 3],
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Want {
    /// Untouched.
    As,
    /// As plain text, with the key taken out.
    Plain,
    /// What was decoded, and then a sound end.
    Begun,
    /// The same, and then a reset.
    Reset,
    /// A sound message without a body.
    Empty,
    /// A 502.
    Refused,
}

fn cases() -> Vec<Case> {
    use Want::{As, Begun, Empty, Plain, Refused, Reset};
    let with = text(&key());
    let sound = encode("gzip", with.as_bytes());
    let half = sound[..sound.len() / 2].to_vec();
    let mut damaged = sound.clone();
    let middle = damaged.len() * 3 / 4;
    damaged[middle..middle + 64].fill(0xff);
    let case = |name, coding, body, reason, want| Case {
        name,
        coding,
        status: "200",
        body,
        reason,
        want,
    };
    vec![
        case(
            "an unknown coding",
            "dcb",
            sound.clone(),
            "encoding",
            [As, Refused, Empty],
        ),
        case(
            "too many",
            "gzip, gzip, gzip, gzip",
            sound.clone(),
            "encoding",
            [As, Refused, Empty],
        ),
        case(
            "plain text",
            "gzip",
            with.clone().into_bytes(),
            "encoding",
            [Plain, Reset, Begun],
        ),
        case("cut off", "gzip", half, "encoding", [Begun, Reset, Begun]),
        case("damaged", "gzip", damaged, "encoding", [Reset, Reset, Begun]),
        case(
            "garbage behind it",
            "gzip",
            [sound.as_slice(), b"garbage"].concat(),
            "encoding",
            [Begun, Reset, Begun],
        ),
        case(
            "a bomb",
            "gzip",
            encode("gzip", &vec![0; 8 << 20]),
            "limit",
            [Reset, Reset, Begun],
        ),
        Case {
            status: "206",
            ..case("a part", "gzip", sound, "partial", [As, Refused, Refused])
        },
    ]
}

#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn what_cannot_be_decoded_has_the_outcome_that_the_policy_says() {
    let module = module();
    for case in cases() {
        for (outcome, want) in ["pass", "block", "drop"].iter().zip(case.want) {
            if case.reason == "partial" && *outcome == "drop" {
                continue;
            }
            let policy = json!({"on_uninspectable": {case.reason: outcome}}).to_string();
            let mut vm = Vm::start(&module, &options(&policy)).unwrap();
            for size in [case.body.len(), 777] {
                let chunks: Vec<_> = case.body.chunks(size).map(<[u8]>::to_vec).collect();
                let headers = [("content-type", "application/json"), ("content-encoding", case.coding)];
                let mut asked = exchange(&headers, &chunks);
                asked.response.headers[0].1 = case.status.into();
                check(&vm.exchange(&asked).unwrap(), &case, outcome, want, size);
            }
        }
    }
}

fn check(r: &Replay, case: &Case, outcome: &str, want: Want, size: usize) {
    let about = format!("{}, {outcome}, by {size}", case.name);
    sound(r);
    let body = r.client.message.body_bytes();
    let clean = text(LABEL);
    assert!(
        want == Want::As || !String::from_utf8_lossy(&body).contains(&key()),
        "{about}: the key is there"
    );
    let ended = if want == Want::Reset {
        Ended::Reset
    } else {
        Ended::Complete
    };
    assert_eq!(r.client.ended, ended, "{about}");
    let coded = get(&r.client.message.headers, "content-encoding").is_some();
    assert_eq!(coded, want == Want::As, "{about}");
    assert_eq!(r.client.status == 502, want == Want::Refused, "{about}");
    let reason = case.reason;
    match want {
        Want::As => assert!(body == case.body, "{about}"),
        Want::Plain => assert!(body == clean.as_bytes(), "{about}"),
        Want::Begun | Want::Reset if reason == "limit" => assert!(body.len() <= 1 << 20, "{about}"),
        // Damage shows some bytes behind where it is.
        Want::Begun if case.name == "damaged" => assert!(body.starts_with(&clean.as_bytes()[..10_000]), "{about}"),
        Want::Begun => assert!(clean.as_bytes().starts_with(&body), "{about}"),
        Want::Reset => {}
        Want::Empty => assert!(body.is_empty(), "{about}"),
        Want::Refused => {}
    }
    let (told, counted): (&str, i64) = match want {
        Want::As => ("uninspected", 1),
        Want::Refused => ("blocked", 0),
        Want::Empty => ("dropped", 1),
        Want::Reset if outcome == "block" => ("blocked", 1),
        Want::Reset => ("failed", 1),
        Want::Plain => ("redacted", 1),
        Want::Begun => ("dropped", 1),
    };
    assert_eq!(r.told["outcome"], told, "{about}");
    let messages = format!("uninspected.reason.{reason}");
    assert_eq!(r.counted(&messages), counted, "{about}");
    let bytes = r.counted(&format!("uninspected_bytes.reason.{reason}"));
    assert_eq!(bytes > 0, counted > 0, "{about}: {bytes}");
}

#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn where_a_broken_body_ends_does_not_depend_on_its_cuts() {
    let module = module();
    let mut vm = Vm::start(
        &module,
        &options(r#"{"on_uninspectable":{"encoding":"drop","limit":"drop"}}"#),
    )
    .unwrap();
    for case in cases()
        .into_iter()
        .filter(|c| c.status == "200" && c.want[2] == Want::Begun)
    {
        let mut first: Option<(Vec<u8>, i64)> = None;
        for size in [case.body.len(), 4096, 4097, 100, 1] {
            if case.body.len() / size > 10_000 {
                continue;
            }
            let chunks: Vec<_> = case.body.chunks(size).map(<[u8]>::to_vec).collect();
            let headers = [("content-type", "application/json"), ("content-encoding", case.coding)];
            let r = vm.exchange(&exchange(&headers, &chunks)).unwrap();
            sound(&r);
            assert_eq!(r.client.ended, Ended::Complete, "{} by {size}", case.name);
            let got = (r.client.message.body_bytes(), r.counted("uninspected_bytes"));
            let first = first.get_or_insert(got.clone());
            let lengths = (first.0.len(), got.0.len());
            assert!(first.0 == got.0, "{} by {size}: {lengths:?}", case.name);
            assert_eq!(first.1, got.1, "{} by {size}", case.name);
        }
    }
}

#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn a_bomb_does_not_grow_the_module() {
    let policy = r#"{"limits":{"decompression_ratio":2000}}"#;
    let mut vm = Vm::start(
        &module(),
        &Options {
            buffer_limit: 1 << 20,
            ..options(policy)
        },
    )
    .unwrap();
    let bomb = encode("gzip", &vec![b'0'; 64 << 20]);
    let headers = [("content-type", "text/plain"), ("content-encoding", "gzip")];
    vm.exchange(&exchange(&headers, &[encode("gzip", b"warm")])).unwrap();
    for size in [bomb.len(), 16 * 1024] {
        let chunks: Vec<_> = bomb.chunks(size).map(<[u8]>::to_vec).collect();
        let r = vm.exchange(&exchange(&headers, &chunks)).unwrap();
        sound(&r);
        assert_eq!(r.client.message.body_bytes().len(), 64 << 20);
        assert!(
            r.memory_growth < 8 << 20,
            "{} bytes by chunks of {size}",
            r.memory_growth
        );
    }
}

#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn a_body_that_is_too_large_has_the_outcome_that_the_policy_says() {
    let module = module();
    let head = "x".repeat(2000);
    let body = format!("{} {head} {}", key(), key());
    let seen = format!("{LABEL} {head}");
    for outcome in ["pass", "block", "drop"] {
        let policy = json!({"limits": {"body_bytes": 2034}, "on_uninspectable": {"too_large": outcome}}).to_string();
        for (coding, size, length) in [
            ("", 5000, false),
            ("", 5000, true),
            ("", 100, false),
            ("gzip", 5000, false),
            ("gzip", 10, true),
        ] {
            let mut vm = Vm::start(&module, &options(&policy)).unwrap();
            let sent = if coding.is_empty() {
                body.clone().into_bytes()
            } else {
                encode(coding, body.as_bytes())
            };
            let chunks: Vec<_> = sent.chunks(size).map(<[u8]>::to_vec).collect();
            let told = sent.len().to_string();
            let mut headers = vec![("content-type", "text/plain")];
            if !coding.is_empty() {
                headers.push(("content-encoding", coding));
            }
            if length {
                headers.push(("content-length", &told));
            }
            let r = vm.exchange(&exchange(&headers, &chunks)).unwrap();
            sound(&r);
            let about = format!("{outcome} {coding} by {size}");
            let got = String::from_utf8_lossy(&r.client.message.body_bytes()).into_owned();
            let counted = r.counted("uninspected.reason.too_large");
            match outcome {
                "pass" => assert!(got == format!("{seen} {}", key()), "{about}: {got}"),
                "drop" => assert_eq!(got, format!("{seen} "), "{about}"),
                _ if coding.is_empty() && length => assert_eq!(r.client.status, 502, "{about}"),
                _ => assert_eq!(r.client.ended, Ended::Reset, "{about}"),
            }
            assert_eq!(counted, i64::from(r.client.status == 200), "{about}");
            let bytes = r.counted("uninspected_bytes.reason.too_large");
            assert_eq!(bytes > 0, counted > 0, "{about}: {bytes}");
        }
    }
}

#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn what_is_no_text_is_blocked_or_left_out_if_the_policy_says_so() {
    let module = module();
    let picture = |status: &'static str| {
        let mut asked = exchange(
            &[("content-type", "image/png"), ("content-length", "4")],
            &[b"fake".to_vec()],
        );
        asked.response.headers[0].1 = status.into();
        asked
    };
    let run = |on: Value, asked: &Exchange| {
        let policy = json!({"on_uninspectable": on}).to_string();
        let r = Vm::start(&module, &options(&policy)).unwrap().exchange(asked).unwrap();
        sound(&r);
        r
    };
    let r = run(json!({"content_type": "block"}), &picture("200"));
    assert_eq!((r.client.status, r.told["outcome"].as_str()), (502, "blocked"));
    let r = run(json!({"content_type": "drop"}), &picture("200"));
    assert_eq!((r.client.status, r.told["outcome"].as_str()), (200, "dropped"));
    assert_eq!(r.client.message.body_bytes(), b"");
    assert_eq!(get(&r.client.message.headers, "content-length"), None);
    assert_eq!(r.counted("uninspected_bytes.reason.content_type"), 4);
    let r = run(json!({"upgrade": "block"}), &picture("101"));
    assert_eq!((r.client.status, r.told["outcome"].as_str()), (502, "blocked"));
    let mut part = picture("206");
    part.response.headers[1].1 = b"text/plain".to_vec();
    let r = run(json!({"partial": "block"}), &part);
    assert_eq!((r.client.status, r.told["outcome"].as_str()), (502, "blocked"));
    let r = run(json!({}), &part);
    assert_eq!(
        (r.client.status, r.client.message.body_bytes()),
        (206, b"fake".to_vec())
    );
    assert_eq!(r.counted("uninspected.reason.partial"), 1);
    assert_eq!(r.counted("uninspected_bytes.reason.partial"), 4);
}

#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn decoders_share_what_the_policy_gives_them() {
    let policy = r#"{"limits":{"decoder_bytes":1048576},"on_uninspectable":{"limit":"block"}}"#;
    let mut vm = Vm::start(&module(), &options(policy)).unwrap();
    let body = encode("gzip", b"fake");
    let headers = [("content-type", "text/plain"), ("content-encoding", "gzip")];
    let asked = exchange(&headers, std::slice::from_ref(&body));
    let mut open = Vec::new();
    for _ in 0..30 {
        let id = vm.open();
        vm.feed_message(id, Direction::Request, &asked.request).unwrap();
        vm.feed_headers(id, Direction::Response, &asked.response.headers, false)
            .unwrap();
        if !vm.is_over(id) {
            vm.feed_body(id, Direction::Response, &body[..12], false).unwrap();
        }
        open.push(id);
    }
    let seen: Vec<_> = open
        .into_iter()
        .map(|id| {
            if !vm.is_over(id) {
                vm.feed_body(id, Direction::Response, &body[12..], false).unwrap();
                vm.feed_body(id, Direction::Response, b"", true).unwrap();
            }
            let client = vm.finish(id).unwrap().client;
            (client.status, client.message.body_bytes())
        })
        .collect();
    let (fine, refused): (Vec<_>, Vec<_>) = seen.into_iter().partition(|(status, _)| *status == 200);
    assert!(fine.iter().all(|(_, body)| body == b"fake"), "{fine:?}");
    assert!(refused.iter().all(|(status, _)| *status == 502), "{refused:?}");
    assert_eq!((fine.len(), refused.len()), (21, 9), "48 KiB each, of 1 MiB");
    let after = vm.exchange(&asked).unwrap();
    assert_eq!(
        (after.client.status, after.client.message.body_bytes()),
        (200, b"fake".to_vec())
    );

    // A window that grows beyond them breaks off.
    let mut noise = 1u64;
    let text: Vec<u8> = (0..3 << 20)
        .map(|_| {
            noise ^= noise << 13;
            noise ^= noise >> 7;
            noise ^= noise << 17;
            b'a' + (noise % 16) as u8
        })
        .collect();
    let body: Vec<_> = encode("zstd", &text).chunks(16 * 1024).map(<[u8]>::to_vec).collect();
    let headers = [("content-type", "text/plain"), ("content-encoding", "zstd")];
    let r = vm.exchange(&exchange(&headers, &body)).unwrap();
    sound(&r);
    assert_eq!((r.client.ended, r.told["outcome"].as_str()), (Ended::Reset, "blocked"));
    assert_eq!(r.counted("uninspected.reason.limit"), 1);
}

#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn requests_are_decoded_too() {
    let module = module();
    for (outcome, status) in [("pass", 200), ("drop", 200), ("block", 415)] {
        let policy = json!({"request": {"scan": ["body"]}, "on_uninspectable": {"encoding": outcome}}).to_string();
        let mut vm = Vm::start(&module, &options(&policy)).unwrap();
        for (coding, body, sound_body) in [
            ("gzip", encode("gzip", text(&key()).as_bytes()), true),
            ("deflate", encode("deflate", text(&key()).as_bytes()), true),
            ("compress", key().into_bytes(), false),
        ] {
            let mut asked = exchange(&[("content-type", "text/plain")], &[b"fine".to_vec()]);
            asked.request.headers[0].1 = b"POST".to_vec();
            let length = body.len().to_string();
            asked.request.headers.extend(pairs(&[
                ("content-type", "application/json"),
                ("content-encoding", coding),
                ("content-length", &length),
            ]));
            asked.request.body = body.chunks(3000).map(<[u8]>::to_vec).collect();
            let r = vm.exchange(&asked).unwrap();
            sound(&r);
            let about = format!("{coding}, {outcome}");
            assert_eq!(r.client.status, if sound_body { 200 } else { status }, "{about}");
            let Some(got) = r.upstream.as_ref().filter(|_| r.client.status == 200) else {
                continue;
            };
            let arrived = got.body_bytes();
            match (sound_body, outcome) {
                (true, _) => assert!(arrived == text(LABEL).as_bytes(), "{about}"),
                (false, "drop") => assert_eq!(arrived, b"", "{about}"),
                _ => assert_eq!(arrived, body, "{about}"),
            }
            let kept = !sound_body && outcome == "pass";
            assert_eq!(get(&got.headers, "content-encoding").is_some(), kept, "{about}");
            assert_eq!(get(&got.headers, "content-length").is_some(), kept, "{about}");
            let bytes = r.counted("uninspected_bytes.reason.encoding");
            assert_eq!(bytes, if sound_body { 0 } else { body.len() as i64 }, "{about}");
        }
    }
}
