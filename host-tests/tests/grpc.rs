//! Bodies of messages through the module: gRPC, gRPC-Web in both its forms, Connect; plain and compressed messages, both ways.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may stop")]

mod common;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use common::{answered, key, module, options, pairs};
use keepmum_host_tests::exchange::{Exchange, Headers};
use keepmum_host_tests::host::{Module, Options};
use keepmum_host_tests::replay::{Ended, Replay, replay};
use std::io::Write as _;

/// A message of one text field, and what the field says.
fn message(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).unwrap();
    [&[10, (length & 127) as u8 | 128, (length >> 7) as u8], text.as_bytes()].concat()
}

fn framed(flags: u8, message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[flags], length.as_slice(), message].concat()
}

fn packed(coding: &str, message: &[u8]) -> Vec<u8> {
    match coding {
        "gzip" => {
            let mut w = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            w.write_all(message).unwrap();
            w.finish().unwrap()
        }
        "deflate" => {
            let mut w = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
            w.write_all(message).unwrap();
            w.finish().unwrap()
        }
        "zstd" => zstd::encode_all(message, 3).unwrap(),
        _ => message.to_vec(),
    }
}

/// A body in both directions.
fn both(content_type: &str, coding: (&str, &str), body: &[u8], size: usize) -> Exchange {
    let mut exchange = answered("grpc", ("x-a", "b"), &[]);
    exchange.response.headers.retain(|(n, _)| n != b"content-type");
    let mut headers = vec![("content-type", content_type)];
    if !coding.1.is_empty() {
        headers.push(coding);
    }
    exchange.request.headers.extend(pairs(&headers));
    exchange.request.headers.retain(|(n, _)| n != b":method");
    exchange
        .request
        .headers
        .insert(0, (b":method".to_vec(), b"POST".to_vec()));
    exchange.response.headers.extend(pairs(&headers));
    exchange.response.body = body.chunks(size).map(<[u8]>::to_vec).collect();
    exchange.request.body.clone_from(&exchange.response.body);
    exchange.response.trailers = Some(trailers("fine", &[]));
    exchange
}

fn trailers(message: &str, details: &[u8]) -> Headers {
    let mut list = pairs(&[("grpc-status", "0"), ("grpc-message", message)]);
    list.push((b"grpc-status-details-bin".to_vec(), details.to_vec()));
    list
}

fn run(module: &Module, policy: &str, exchange: &Exchange) -> Replay {
    let options = Options {
        http2: true,
        ..options(policy)
    };
    let r = replay(module, &options, exchange).unwrap();
    assert!(r.failure.is_none(), "{:?}", r.failure);
    assert_eq!(r.strict, Vec::<String>::new());
    assert_ne!(r.client.ended, Ended::Hang);
    assert!(
        !r.logs.iter().any(|l| l.text.contains(&key()[8..])),
        "a log line has the key"
    );
    r
}

const BOTH: &str = r#"{"request":{"scan":["body"]}}"#;
const SIZES: [usize; 5] = [1, 3, 61, 4096, 1 << 20];

fn stars(text: &str) -> String {
    text.replace(&key(), &"*".repeat(key().len()))
}

#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn compressed_messages_are_read_and_leave_plain_where_something_was_found() {
    let module = module();
    let found = format!("no access with {} today, {}", key(), "and so on ".repeat(300));
    let fine = "no access with this one today ".repeat(100);
    for (content_type, name) in [
        ("application/grpc", "grpc-encoding"),
        ("application/grpc+proto", "grpc-encoding"),
        ("application/grpc-web+proto", "grpc-encoding"),
        ("application/connect+proto", "connect-content-encoding"),
    ] {
        for coding in ["gzip", "deflate", "zstd"] {
            let pack = |text: &str| packed(coding, &message(text));
            let body = [
                framed(1, &pack(&fine)),
                framed(0, &message(&found)),
                framed(1, &[]),
                framed(1, &pack(&found)),
                framed(1, &pack(&fine)),
            ]
            .concat();
            let want = [
                framed(1, &pack(&fine)),
                framed(0, &message(&stars(&found))),
                framed(1, &[]),
                framed(0, &message(&stars(&found))),
                framed(1, &pack(&fine)),
            ]
            .concat();
            for size in SIZES {
                let r = run(&module, BOTH, &both(content_type, (name, coding), &body, size));
                assert!(
                    r.client.message.body.concat() == want,
                    "{content_type} {coding} in {size}"
                );
                let sent = r.upstream.as_ref().unwrap();
                assert!(sent.body.concat() == want, "request: {content_type} {coding} in {size}");
                assert_eq!(r.client.message.header(name), Some(coding.as_bytes()));
                assert_eq!(r.told["outcome"], "redacted");
                assert!(!r.metrics.keys().any(|k| k.contains("uninspected")), "{:?}", r.metrics);
                // As it came, where nothing is to be changed.
                let r = run(
                    &module,
                    r#"{"mode":"report"}"#,
                    &both(content_type, (name, coding), &body, size),
                );
                assert!(r.client.message.body.concat() == body);
                assert!(r.metrics.keys().any(|k| k.contains("mode.report")));
            }
        }
    }
}

#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn messages_that_cannot_be_decoded_have_the_outcome_that_the_policy_says() {
    let module = module();
    let text = format!("no access with {} today", key());
    let whole = packed("gzip", &message(&text));
    let fine = packed("gzip", &message(&"nothing here ".repeat(200)));
    let mut damaged = fine.clone();
    let at = damaged.len() - 6;
    damaged[at] ^= 0x55;
    let bomb = packed("gzip", &vec![0; 8 << 20]);
    let plain = framed(0, &message(&text));
    let masked = framed(0, &message(&stars(&text)));
    let lying = framed(1, &message(&text));
    let cases = [
        ("snappy", framed(1, b"fake"), framed(1, b"fake"), "encoding"),
        ("", framed(1, b"fake"), framed(1, b"fake"), "encoding"),
        ("gzip", framed(1, &damaged), framed(1, &damaged), "encoding"),
        ("gzip", framed(1, &fine[..20]), framed(1, &fine[..20]), "encoding"),
        ("gzip", lying.clone(), framed(1, &message(&stars(&text))), "encoding"),
        ("gzip", framed(1, &bomb), framed(1, &bomb), "limit"),
    ];
    for (coding, bad, left, reason) in cases {
        let body = [plain.as_slice(), &bad, &plain].concat();
        let want = [masked.as_slice(), &left, &masked].concat();
        for size in SIZES {
            let exchange = both("application/grpc", ("grpc-encoding", coding), &body, size);
            let r = run(&module, BOTH, &exchange);
            assert!(r.client.message.body.concat() == want, "{coding} {reason} in {size}");
            assert!(r.upstream.as_ref().unwrap().body.concat() == want);
            let count = format!("keepmum.uninspected.reason.{reason}.route.default");
            assert_eq!(
                r.metrics.get(&count),
                Some(&2),
                "{coding} {reason} in {size}: {:?}",
                r.metrics
            );
            let bytes = format!("keepmum.uninspected_bytes.reason.{reason}.route.default");
            assert!(r.metrics.get(&bytes) > Some(&0), "{:?}", r.metrics);
            for fate in ["block", "drop"] {
                let policy = format!(r#"{{"on_uninspectable":{{"{reason}":"{fate}"}}}}"#);
                let r = run(&module, &policy, &exchange);
                let ended = (r.client.ended, r.told["outcome"].as_str());
                let fine = matches!(ended, (Ended::Reset, _)) || r.client.message.body.concat().is_empty();
                assert!(
                    fine && matches!(ended.1, "blocked" | "failed" | "dropped"),
                    "{coding} {fate} {ended:?}"
                );
            }
        }
    }
    // What was found in a message that is damaged behind it does not go on.
    let mut long = packed("gzip", &message(&format!("{text} {}", "and so on ".repeat(300))));
    let at = long.len() - 6;
    long[at] ^= 0x55;
    let r = run(
        &module,
        "{}",
        &both("application/grpc", ("grpc-encoding", "gzip"), &framed(1, &long), 61),
    );
    assert_eq!(r.client.ended, Ended::Reset);
    assert!(r.client.message.body.concat().is_empty());
    // Nor is one held that does not end.
    let cut = framed(1, &whole);
    let r = run(
        &module,
        "{}",
        &both("application/grpc", ("grpc-encoding", "gzip"), &cut[..cut.len() - 9], 7),
    );
    assert!(r.client.ended == Ended::Reset || r.client.message.body.concat().len() == cut.len() - 9);
}

#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn the_text_form_of_grpc_web_is_read_and_stays_base64() {
    let module = module();
    let found = format!("no access with {} today", key());
    let end = |text: &str| {
        framed(
            128,
            format!("grpc-status:13\r\ngrpc-message:no%20pool%20{text}\r\n").as_bytes(),
        )
    };
    let messages = |f: &dyn Fn(&str) -> String| {
        [
            framed(0, &message("a word or two")),
            framed(0, &message(&f(&found))),
            framed(0, &message("more of it")),
            end(&f(&key())),
        ]
    };
    let (given, want) = (messages(&str::to_owned), messages(&stars));
    let all = |list: &[Vec<u8>]| STANDARD.encode(list.concat());
    let each = |list: &[Vec<u8>]| list.iter().map(|m| STANDARD.encode(m)).collect::<String>();
    let odd = |list: &[Vec<u8>]| list.concat().chunks(7).map(|m| STANDARD.encode(m)).collect::<String>();
    for spell in [all as fn(&[Vec<u8>]) -> String, each, odd] {
        for size in SIZES {
            let text = "application/grpc-web-text+proto";
            let r = run(&module, BOTH, &both(text, ("x", ""), spell(&given).as_bytes(), size));
            let got = String::from_utf8(r.client.message.body.concat()).unwrap();
            assert_eq!(got, spell(&want), "in {size}");
            assert_eq!(r.upstream.as_ref().unwrap().body.concat(), spell(&want).as_bytes());
            assert!(!r.metrics.keys().any(|k| k.contains("uninspected")), "{:?}", r.metrics);
        }
    }
    // A message in another length: all is there, in base64 that has its padding behind messages.
    let body = [
        framed(0, &message("a word")),
        framed(1, &packed("gzip", &message(&found))),
        given[2].clone(),
    ];
    let want = [
        framed(0, &message("a word")),
        framed(0, &message(&stars(&found))),
        given[2].clone(),
    ]
    .concat();
    for size in SIZES {
        let exchange = both(
            "application/grpc-web-text",
            ("grpc-encoding", "gzip"),
            all(&body).as_bytes(),
            size,
        );
        let got = run(&module, "{}", &exchange).client.message.body.concat();
        let bytes: Vec<u8> = got.chunks(4).flat_map(|g| STANDARD.decode(g).unwrap()).collect();
        assert!(bytes == want, "in {size}");
    }
    // What is no base64 is read as text.
    let broken = format!("{}\n{} {}", all(&given[..1]), key(), "end");
    for size in SIZES {
        let r = run(
            &module,
            "{}",
            &both("application/grpc-web-text", ("x", ""), broken.as_bytes(), size),
        );
        assert_eq!(r.client.message.body.concat(), stars(&broken).as_bytes(), "in {size}");
        assert_eq!(
            r.metrics.get("keepmum.uninspected.reason.encoding.route.default"),
            Some(&1)
        );
    }
}

/// Nothing of a message waits for the next one.
#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn messages_leave_when_they_have_come() {
    let module = module();
    let half = key()[..12].to_owned();
    let one = |text: &str| framed(1, &packed("gzip", &message(text)));
    for (content_type, spell) in [
        ("application/grpc", (|m: Vec<u8>| m) as fn(Vec<u8>) -> Vec<u8>),
        ("application/grpc-web-text", |m| STANDARD.encode(m).into_bytes()),
    ] {
        let bodies = [
            one("fine"),
            framed(0, &message(&half)),
            one(&half),
            one(&key()),
            one("fine"),
        ]
        .map(spell);
        let mut exchange = both(content_type, ("grpc-encoding", "gzip"), b"", 1);
        exchange.response.body = bodies.to_vec();
        let r = run(&module, "{}", &exchange);
        let pieces: Vec<_> = r.client.message.body.iter().filter(|p| !p.is_empty()).collect();
        assert_eq!(pieces.len(), bodies.len(), "{content_type}");
    }
}

#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn statuses_and_their_details_are_read_in_headers_and_trailers() {
    let module = module();
    let percent = |s: &str| s.replace('_', "%5F").replace(' ', "%20");
    let details = message(&format!(
        "postgres{}{}@db.example:5432/shop",
        "://shop:", "FaKe-pw-0fAkE1"
    ));
    for encoded in [STANDARD.encode(&details), STANDARD_NO_PAD.encode(&details)] {
        let told = trailers(&percent(&format!("no access with {}", key())), encoded.as_bytes());
        let mut last = both("application/grpc", ("x", ""), &framed(0, &message("fine")), 99);
        last.response.trailers = Some(told.clone());
        let mut only = last.clone();
        only.response.headers.extend(told);
        only.response.body.clear();
        only.response.trailers = None;
        for exchange in [last, only] {
            let r = run(&module, "{}", &exchange);
            let list = r.client.message.trailers.as_ref().unwrap_or(&r.client.message.headers);
            let get = |name: &str| {
                list.iter()
                    .find(|(n, _)| n == name.as_bytes())
                    .map(|(_, v)| v.clone())
                    .unwrap()
            };
            let said = String::from_utf8(get("grpc-message")).unwrap();
            assert_eq!(said, "no%20access%20with%20[REDACTED:stripe-secret-key]");
            let bin = get("grpc-status-details-bin");
            assert_eq!(bin.len(), encoded.len());
            let bytes = STANDARD.decode(&bin).or_else(|_| STANDARD_NO_PAD.decode(&bin)).unwrap();
            assert_eq!(bytes.len(), details.len());
            let text = String::from_utf8_lossy(&bytes).into_owned();
            assert!(text.contains("postgres://") && !text.contains("FaKe"), "{}", text.len());
            assert_eq!(get("grpc-status"), b"0");
        }
    }
}
