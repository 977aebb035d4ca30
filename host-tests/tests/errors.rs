//! Error responses through the module: what stays of them, in what form the client gets it, and that its length is true.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may stop")]

mod common;

use common::{module, options, pairs};
use keepmum_host_tests::exchange::{Exchange, Message};
use keepmum_host_tests::host::Module;
use keepmum_host_tests::replay::{Ended, Replay, replay};

const TRACE: &str = "java.lang.IllegalStateException: pool of db-7.prod.internal\n\tat com.acme.Db.open(Db.java:42)\n\tat com.acme.Main.main(Main.java:7)\n";

type Pairs<'a> = &'a [(&'a str, &'a str)];

fn exchange(request: Pairs, response: Pairs, body: &[&str]) -> Exchange {
    let mut asked = vec![
        (":method", "GET"),
        (":path", "/orders/7"),
        (":scheme", "http"),
        (":authority", "a.example"),
        ("x-request-id", "fake-request-1"),
    ];
    for pair in request {
        asked.retain(|(n, _)| *n != pair.0);
        asked.push(*pair);
    }
    Exchange {
        name: "errors".into(),
        request: Message {
            headers: pairs(&asked),
            ..Message::default()
        },
        response: Message {
            headers: pairs(response),
            body: body.iter().map(|b| b.as_bytes().to_vec()).collect(),
            ..Message::default()
        },
        ..Exchange::default()
    }
}

/// What the client got; nobody saw the trace.
fn run(module: &Module, policy: &str, exchange: &Exchange) -> (Replay, String, String) {
    let r = replay(module, &options(policy), exchange).unwrap();
    assert!(r.failure.is_none(), "{:?}", r.failure);
    assert_eq!(r.strict, Vec::<String>::new());
    assert_eq!(r.client.ended, Ended::Complete);
    let lossy = |b: &[u8]| String::from_utf8_lossy(b).into_owned();
    let headers: String = (r.client.message.headers.iter())
        .map(|(n, v)| format!("{}={};", lossy(n), lossy(v)))
        .collect();
    let body = lossy(&r.client.message.body.concat());
    let length = r.client.message.header("content-length").map(lossy);
    let head = exchange.request.header(":method") == Some(b"HEAD");
    if let Some(length) = length.filter(|_| !head) {
        assert_eq!(length, body.len().to_string(), "{headers}");
    }
    for log in &r.logs {
        assert!(!log.text.contains("Db.java"), "a log line holds a piece of a body");
    }
    (r, headers, body)
}

const ERROR: Pairs<'static> = &[
    (":status", "500"),
    ("content-type", "text/plain"),
    ("server-timing", "db;dur=53;desc=\"db-7.prod.internal\""),
    ("x-powered-by", "Fakework 1.2"),
    ("retry-after", "7"),
    ("x-debug-token", "abc"),
];

#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn the_client_chooses_the_form() {
    let module = module();
    let policy = r#"{"errors":{"status":["5xx"],"replace":"auto","detail":"Later"}}"#;
    for (accept, content_type, body) in [
        ("*/*", "application/problem+json", "\"request_id\":\"fake-request-1\""),
        (
            "text/html,*/*;q=0.8",
            "text/html; charset=utf-8",
            "<p>Request id: fake-request-1</p>",
        ),
        (
            "text/plain",
            "text/plain; charset=utf-8",
            "500 Internal Server Error\nLater\nRequest id: fake-request-1\n",
        ),
    ] {
        let (r, headers, got) = run(&module, policy, &exchange(&[("accept", accept)], ERROR, &[TRACE]));
        assert!(headers.contains(&format!("content-type={content_type};")), "{headers}");
        assert!(
            headers.contains("vary=accept;") && headers.contains("retry-after=7;"),
            "{headers}"
        );
        assert!(
            headers.starts_with(":status=500;") && headers.contains("content-length="),
            "{headers}"
        );
        assert!(
            !headers.contains("internal") && !headers.contains("x-powered-by") && !headers.contains("x-debug"),
            "{headers}"
        );
        assert!(got.contains(body) && !got.contains("Db"), "{got}");
        assert_eq!(r.count("keepmum.errors_replaced"), 1);
    }
}

#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn an_error_code_is_taken_out_of_the_old_body_however_it_is_cut() {
    let module = module();
    let policy =
        r#"{"errors":{"status":["5xx"],"replace":"problem+json","code":"$.error.code","correlation_id":"x-trace"}}"#;
    let text = format!(
        r#"{{"error":{{"trace":{:?},"code":"E_POOL-7","host":"db-7.prod.internal"}}}}"#,
        TRACE
    );
    let bytes: Vec<String> = text.chars().map(String::from).collect();
    let bytes: Vec<&str> = bytes.iter().map(String::as_str).collect();
    let (front, back) = text.split_at(text.find("E_POOL").unwrap() + 3);
    let length = text.len().to_string();
    let json = [
        (":status", "503"),
        ("content-type", "application/json; charset=utf-8"),
        ("x-trace", "fake-trace-9"),
    ];
    for framing in [
        ("content-length", length.as_str()),
        ("transfer-encoding", "chunked"),
        ("x-h2", "yes"),
    ] {
        let response: Vec<_> = json.iter().copied().chain([framing]).collect();
        for body in [vec![text.as_str()], bytes.clone(), vec![front, back]] {
            for trailers in [None, Some(pairs(&[("x-t", "1")]))] {
                if trailers.is_some() && framing.0 != "x-h2" {
                    continue;
                }
                let mut exchange = exchange(&[("x-trace", "not-this")], &response, &body);
                exchange.response.trailers = trailers;
                let (r, headers, got) = run(&module, policy, &exchange);
                let got: serde_json::Value = serde_json::from_str(&got).unwrap();
                let want = serde_json::json!({
                    "type": "about:blank", "title": "Service Unavailable", "status": 503, "code": "E_POOL-7", "request_id": "fake-trace-9"
                });
                assert_eq!(got, want, "{framing:?}, {} pieces", body.len());
                assert!(
                    headers.contains("x-trace=fake-trace-9;") && !headers.contains("content-length"),
                    "{headers}"
                );
                assert_eq!(r.count("keepmum.errors_replaced"), 1);
            }
        }
    }
    // What is no code, or is a secret, is not told; neither is anything of another kind of body.
    let key = common::key();
    for (content_type, body) in [
        ("application/json", format!(r#"{{"error":{{"code":"{key}"}}}}"#)),
        ("application/json", r#"{"error":{"code":"two words"}}"#.to_owned()),
        ("application/json", "{\"error\":".to_owned()),
        ("text/plain", text.clone()),
    ] {
        let exchange = exchange(&[], &[(":status", "500"), ("content-type", content_type)], &[&body]);
        let (_, _, got) = run(&module, policy, &exchange);
        let got: serde_json::Value = serde_json::from_str(&got).unwrap();
        assert_eq!(got.get("code"), None, "{content_type}");
    }
}

#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn bodiless_compressed_and_odd_errors_are_replaced_too() {
    let module = module();
    let policy = r#"{"errors":{"status":["4xx","5xx"],"replace":"problem+json","code":"$.code"}}"#;
    let cases: &[(Pairs, Pairs, &[&str])] = &[
        (
            &[(":method", "HEAD")],
            &[
                (":status", "500"),
                ("content-type", "application/json"),
                ("content-length", "17"),
            ],
            &[],
        ),
        (&[], &[(":status", "500"), ("content-length", "0")], &[]),
        (
            &[],
            &[
                (":status", "500"),
                ("content-type", "application/json"),
                ("content-encoding", "gzip"),
            ],
            &["\u{1f}\u{8}"],
        ),
        (&[], &[(":status", "500")], &[TRACE]),
        (
            &[],
            &[
                (":status", "416"),
                ("content-range", "bytes */9"),
                ("content-type", "image/png"),
            ],
            &["\u{0}"],
        ),
    ];
    for (request, response, body) in cases {
        let (r, headers, got) = run(&module, policy, &exchange(request, response, body));
        assert!(headers.contains("content-type=application/problem+json;"), "{headers}");
        assert!(!headers.contains("content-encoding"), "{headers}");
        assert_eq!(headers.contains("content-range"), response[0].1 == "416", "{headers}");
        let head = request.contains(&(":method", "HEAD"));
        assert!(head || got.contains("about:blank"), "{got}");
        assert_eq!(r.count("keepmum.errors_replaced"), 1);
    }
}

#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn a_scrubbed_error_keeps_its_body_without_what_errors_leak() {
    let module = module();
    let policy = r#"{"errors":{"status":["5xx"],"scrub":true,"headers":{"keep":["x-powered-by"]}}}"#;
    let bytes: Vec<String> = TRACE.chars().map(String::from).collect();
    let bytes: Vec<&str> = bytes.iter().map(String::as_str).collect();
    for body in [vec![TRACE], bytes] {
        let (r, headers, got) = run(&module, policy, &exchange(&[], ERROR, &body));
        assert!(
            got.starts_with("java.lang.IllegalStateException") && !got.contains("Db.java"),
            "{got}"
        );
        assert!(
            headers.contains("x-powered-by=") && !headers.contains("server-timing") && !headers.contains("x-debug"),
            "{headers}"
        );
        assert_eq!(r.count("keepmum.errors_scrubbed"), 1);
        assert!(r.logs.iter().any(|l| l.text.starts_with("keepmum audit")));
    }
    let fine = [
        (":status", "200"),
        ("content-type", "text/plain"),
        ("x-debug-token", "abc"),
    ];
    let (r, headers, got) = run(&module, policy, &exchange(&[], &fine, &[TRACE]));
    assert!(got == TRACE && headers.contains("x-debug-token=abc"), "{headers}");
    assert_eq!(r.count("keepmum.errors_scrubbed"), 0);
}

#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn report_mode_changes_nothing_and_counts_the_same() {
    let module = module();
    for (errors, counter) in [
        ("\"replace\":\"auto\"", "keepmum.errors_replaced"),
        ("\"scrub\":true", "keepmum.errors_scrubbed"),
    ] {
        let policy = format!(r#"{{"mode":"report","errors":{{"status":["5xx"],{errors}}}}}"#);
        let (r, headers, got) = run(&module, &policy, &exchange(&[], ERROR, &[TRACE]));
        assert!(
            got == TRACE && headers.contains("x-debug-token=abc") && headers.contains("server-timing"),
            "{headers}"
        );
        assert_eq!(r.count(counter), 1);
    }
}

#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn grpc_keeps_its_status_and_loses_its_message() {
    let module = module();
    let told = "no%20pool%20at%20db-7.prod.internal";
    for (errors, message) in [
        ("\"replace\":\"auto\"", "grpc-message=Service Unavailable;"),
        ("\"scrub\":true", "grpc-message=no%20pool%20at%20"),
    ] {
        let policy = format!(r#"{{"errors":{{"status":["5xx"],{errors}}}}}"#);
        let error = [
            ("grpc-status", "14"),
            ("grpc-message", told),
            ("grpc-status-details-bin", "CA4SBmZha2U"),
            ("x-debug-a", "b"),
        ];
        // In headers only, and behind a message.
        let headers_only: Vec<_> = [(":status", "200"), ("content-type", "application/grpc")]
            .iter()
            .chain(&error)
            .copied()
            .collect();
        let (_, headers, _) = run(&module, &policy, &exchange(&[], &headers_only, &[]));
        let mut streamed = exchange(
            &[],
            &[(":status", "200"), ("content-type", "application/grpc")],
            &["\0\0\0\0\u{4}fake"],
        );
        streamed.response.trailers = Some(pairs(&error));
        let (r, _, body) = run(&module, &policy, &streamed);
        assert_eq!(body, "\0\0\0\0\u{4}fake");
        let trailers: String = (r.client.message.trailers.iter().flatten())
            .map(|(n, v)| format!("{}={};", String::from_utf8_lossy(n), String::from_utf8_lossy(v)))
            .collect();
        for told in [headers, trailers] {
            assert!(told.contains("grpc-status=14;") && told.contains(message), "{told}");
            assert!(
                !told.contains("db-7") && !told.contains("details") && !told.contains("x-debug"),
                "{told}"
            );
        }
        let mut fine = exchange(
            &[],
            &[(":status", "200"), ("content-type", "application/grpc")],
            &["\0\0\0\0\u{4}fake"],
        );
        fine.response.trailers = Some(pairs(&[("grpc-status", "0"), ("x-debug-a", "b")]));
        let (r, _, _) = run(&module, &policy, &fine);
        assert_eq!(r.client.message.trailers, fine.response.trailers);
    }
}

#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn hosts_of_private_networks_go_from_headers_that_stay() {
    let module = module();
    let response = [
        (":status", "401"),
        ("www-authenticate", "Bearer realm=\"https://sso.prod.internal/token\""),
        ("x-request-id", "fake-response-2"),
    ];
    let (_, headers, body) = run(
        &module,
        r#"{"errors":{"status":[401],"replace":"text"}}"#,
        &exchange(&[], &response, &[]),
    );
    assert!(
        headers.contains("www-authenticate=Bearer realm=") && !headers.contains("prod.internal"),
        "{headers}"
    );
    assert!(body.contains("Request id: fake-response-2"), "{body}");
    let policy = r#"{"errors":{"status":[401],"replace":"text","headers":{"keep":["www-authenticate"]}}}"#;
    let (_, headers, _) = run(&module, policy, &exchange(&[], &response, &[]));
    assert!(headers.contains("https://sso.prod.internal/token"), "{headers}");
}

#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn a_file_of_secrets_is_taken_as_a_whole_however_it_is_cut() {
    let module = module();
    let text = format!("APP_NAME=shop\nDB_PASSWORD={}\n", common::key());
    let bytes: Vec<String> = text.chars().map(String::from).collect();
    let bytes: Vec<&str> = bytes.iter().map(String::as_str).collect();
    let fine = [(":status", "200"), ("content-type", "text/plain")];
    for body in [vec![text.as_str()], bytes] {
        for trailers in [None, Some(pairs(&[("x-t", "1")]))] {
            let mut exchange = exchange(&[], &fine, &body);
            exchange.response.trailers = trailers;
            for (mode, want) in [("enforce", "[REDACTED:dotenv-file]"), ("report", text.as_str())] {
                let policy = format!(r#"{{"mode":"{mode}","deny":{{"bodies":"label"}}}}"#);
                let (r, _, got) = run(&module, &policy, &exchange);
                assert_eq!(got, want);
                let counter = format!("keepmum.denied.reason.body.route.default.mode.{mode}");
                assert_eq!(r.metrics.get(&counter), Some(&1));
            }
        }
    }
}

/// In each of the encodings, by its name.
fn encoded(body: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    use std::io::Write as _;
    let level = flate2::Compression::default();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), level);
    gzip.write_all(body).unwrap();
    let mut deflate = flate2::write::ZlibEncoder::new(Vec::new(), level);
    deflate.write_all(body).unwrap();
    let mut raw = flate2::write::DeflateEncoder::new(Vec::new(), level);
    raw.write_all(body).unwrap();
    let mut br = Vec::new();
    brotli::BrotliCompress(&mut &body[..], &mut br, &brotli::enc::BrotliEncoderParams::default()).unwrap();
    vec![
        ("gzip", gzip.finish().unwrap()),
        ("deflate", deflate.finish().unwrap()),
        ("deflate", raw.finish().unwrap()),
        ("br", br),
        ("zstd", zstd::encode_all(body, 3).unwrap()),
    ]
}

#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn codes_and_whole_files_are_seen_in_every_encoding() {
    let module = module();
    let errors = r#"{"errors":{"status":["5xx"],"replace":"problem+json","code":"$.code"}}"#;
    let files = r#"{"deny":{"bodies":"label"}}"#;
    let filler = "and so on ".repeat(900);
    let error = format!(r#"{{"trace":"{filler}","code":"E_POOL-7","host":"db-7.prod.internal"}}"#);
    let file = format!("APP_NAME=shop\nDB_PASSWORD={}\n", common::key());
    for (policy, status, content_type, text) in [
        (errors, "503", "application/json", error.as_str()),
        (files, "200", "text/plain", &file),
    ] {
        for (name, body) in encoded(text.as_bytes()) {
            for size in [1, 61, body.len()] {
                for trailers in [None, Some(pairs(&[("x-t", "1")]))] {
                    let head = [
                        (":status", status),
                        ("content-type", content_type),
                        ("content-encoding", name),
                    ];
                    let mut exchange = exchange(&[], &head, &[]);
                    exchange.response.body = body.chunks(size).map(<[u8]>::to_vec).collect();
                    exchange.response.trailers = trailers;
                    let (_, headers, got) = run(&module, policy, &exchange);
                    assert!(!headers.contains("content-encoding"), "{headers}");
                    let want = if status == "200" {
                        "[REDACTED:dotenv-file]"
                    } else {
                        r#""code":"E_POOL-7""#
                    };
                    assert!(got.contains(want) && !got.contains("db-7"), "{name} in {size}: {got}");
                }
            }
        }
    }
    // One that is cut off or is none has no code, and the client gets its page all the same.
    let (_, mut body) = encoded(error.as_bytes()).remove(0);
    body.truncate(30);
    for (name, body) in [("gzip", body), ("zstd", b"none".to_vec()), ("lz4", b"x".to_vec())] {
        let head = [
            (":status", "503"),
            ("content-type", "application/json"),
            ("content-encoding", name),
        ];
        let mut exchange = exchange(&[], &head, &[]);
        exchange.response.body = vec![body];
        let (_, _, got) = run(&module, errors, &exchange);
        assert!(got.contains("about:blank") && !got.contains("code"), "{name}: {got}");
    }
}

#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn trailers_of_a_replaced_error_tell_no_more_than_its_headers() {
    let module = module();
    let policy = r#"{"errors":{"status":["5xx"],"replace":"problem+json","code":"$.code"}}"#;
    let json = [(":status", "500"), ("content-type", "application/json")];
    for (trailers, stay) in [
        (&[("server-timing", "db;dur=53"), ("x-debug-token", "abc")][..], None),
        (
            &[("retry-after", "7"), ("x-anything", "abc")],
            Some(pairs(&[("retry-after", "7")])),
        ),
    ] {
        let mut exchange = exchange(&[], &json, &[r#"{"code":"E_1"}"#]);
        exchange.response.trailers = Some(pairs(trailers));
        let (r, _, got) = run(&module, policy, &exchange);
        assert!(got.contains("E_1"), "{got}");
        assert_eq!(r.client.message.trailers, stay);
    }
}

#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn ids_of_all_tracing_systems_are_told() {
    let module = module();
    for (name, id, told) in [
        ("x-amzn-trace-id", "Root=1-5759e988-bd862e3fe1be46a994272793", true),
        ("x-cloud-trace-context", "105445aa7843bc8bf206b120001000/0;o=1", true),
        ("x-cloud-trace-context", "a<b>", false),
        ("x-cloud-trace-context", "a\"b", false),
        ("x-cloud-trace-context", "a\\b", false),
        ("x-cloud-trace-context", "a b", false),
        ("x-cloud-trace-context", "a&b", false),
    ] {
        let policy = format!(r#"{{"errors":{{"status":["5xx"],"replace":"text","correlation_id":"{name}"}}}}"#);
        let (_, _, got) = run(&module, &policy, &exchange(&[(name, id)], ERROR, &[TRACE]));
        assert_eq!(got.contains(&format!("Request id: {id}\n")), told, "{id}: {got}");
    }
}
