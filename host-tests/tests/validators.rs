//! What headers and trailers say of a body that may be changed: digests, tags, ranges, lengths, signatures; both ways.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may stop")]

mod common;

use common::{answered, key, module, options, pairs};
use keepmum_host_tests::exchange::{Exchange, Message};
use keepmum_host_tests::host::{Module, Vm};
use keepmum_host_tests::replay::Replay;

const DIGESTS: &[(&str, &str)] = &[
    ("content-md5", "fake"),
    ("digest", "sha-256=fake"),
    ("content-digest", "sha-256=:fake=:"),
    ("repr-digest", "sha-256=:fake=:"),
];

fn list(message: &Message) -> String {
    let of = |headers: &[(Vec<u8>, Vec<u8>)]| -> String {
        let line =
            |(n, v): &(Vec<u8>, Vec<u8>)| format!("{}={}; ", String::from_utf8_lossy(n), String::from_utf8_lossy(v));
        headers.iter().map(line).collect()
    };
    of(&message.headers) + &message.trailers.as_deref().map(of).unwrap_or_default()
}

fn start(module: &Module, policy: &str) -> Vm {
    Vm::start(module, &options(policy)).unwrap()
}

fn go(vm: &mut Vm, exchange: &Exchange) -> Replay {
    let r = vm.exchange(exchange).unwrap();
    assert!(
        r.failure.is_none() && r.strict.is_empty(),
        "{:?} {:?}",
        r.failure,
        r.strict
    );
    r
}

/// The response's headers as they came, in place of the usual ones; its body; and the request's method.
fn response(method: &str, headers: &[(&str, &str)], body: &[&str]) -> Exchange {
    let mut exchange = answered("validators", ("x", "y"), body);
    exchange.request.headers[0].1 = method.into();
    exchange.response.headers = pairs(headers);
    exchange
}

#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn responses_say_nothing_of_their_bodies_that_may_be_untrue() {
    let module = module();
    let mut vm = start(&module, "{}");
    let text = ("content-type", "text/plain");
    for (method, status, given, want) in [
        (
            "GET",
            "200",
            &[("etag", "\"a\""), ("accept-ranges", "bytes")][..],
            "etag=W/\"a\"; accept-ranges=none; ",
        ),
        (
            "GET",
            "200",
            &[("etag", "W/\"a\""), ("last-modified", "x")],
            "etag=W/\"a\"; last-modified=x; ",
        ),
        (
            "GET",
            "200",
            &[("x-amz-checksum-crc32", "x"), ("x-goog-hash", "x"), ("x-amz-id", "x")],
            "x-amz-id=x; ",
        ),
        // A signature over what is gone goes, another one stays.
        (
            "GET",
            "200",
            &[
                ("signature", "s=:x:"),
                ("signature-input", "s=(\"@status\" \"content-digest\")"),
            ],
            "",
        ),
        (
            "GET",
            "200",
            &[("signature", "s=:x:"), ("signature-input", "s=(\"@status\" \"date\")")],
            "signature=s=:x:; signature-input=s=(\"@status\" \"date\"); ",
        ),
        // What a GET would have had.
        (
            "HEAD",
            "200",
            &[("etag", "\"a\""), ("content-length", "12"), ("accept-ranges", "bytes")],
            "etag=W/\"a\"; accept-ranges=none; ",
        ),
        ("GET", "304", &[("etag", "\"a\"")], "etag=W/\"a\"; "),
        ("GET", "204", &[("etag", "\"a\"")], "etag=W/\"a\"; "),
        // A part of a range keeps its place and its length.
        (
            "GET",
            "206",
            &[
                ("etag", "\"a\""),
                ("content-range", "bytes 0-3/9"),
                ("content-length", "4"),
                ("accept-ranges", "bytes"),
            ],
            "etag=W/\"a\"; content-range=bytes 0-3/9; content-length=4; accept-ranges=bytes; ",
        ),
    ] {
        let bodiless = method == "HEAD" || matches!(status, "204" | "304");
        let headers = [&[(":status", status), text][..], given, DIGESTS].concat();
        let body: &[&str] = if bodiless { &[] } else { &["fake"] };
        let r = go(&mut vm, &response(method, &headers, body));
        let got = list(&r.client.message);
        let want = format!(":status={status}; content-type=text/plain; {want}");
        assert_eq!(got, want, "{method}");
        // In mode report, of pictures and on routes that are left alone, all is as it was.
        let own = r#"{"routes":[{"name":"a","match":{"paths":["/**"]},"bypass":true}]}"#;
        for (policy, media) in [
            (r#"{"mode":"report"}"#, text),
            (own, text),
            ("{}", ("content-type", "image/png")),
        ] {
            let headers = [&[(":status", status), media][..], given, DIGESTS].concat();
            let given = response(method, &headers, body);
            let r = go(&mut start(&module, policy), &given);
            assert_eq!(list(&r.client.message), list(&given.response), "{policy}");
        }
    }
    assert_eq!(
        go(&mut vm, &response("GET", &[(":status", "206"), text], &["fake"])).grew["keepmum.uninspected.reason.partial.route.default"],
        1
    );
}

#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn digests_in_trailers_go_as_well() {
    let module = module();
    let mut given = response(
        "GET",
        &[
            (":status", "200"),
            ("content-type", "text/plain"),
            ("trailer", "content-digest, x-sum"),
        ],
        &["fake ", &key()],
    );
    given.response.trailers = Some(pairs(&[DIGESTS, &[("x-sum", "1")]].concat()));
    given.request.headers[0].1 = b"POST".to_vec();
    given.request.headers.extend(pairs(&[("trailer", "digest")]));
    given.request.body = vec![key().into_bytes()];
    given.request.trailers = Some(pairs(&[DIGESTS, &[("x-sum", "1")]].concat()));
    for scan in [r#"["body"]"#, r#"["body","trailers"]"#] {
        let policy = format!(r#"{{"response":{{"scan":{scan}}},"request":{{"scan":{scan}}}}}"#);
        let r = go(&mut start(&module, &policy), &given);
        for message in [&r.client.message, r.upstream.as_ref().unwrap()] {
            assert_eq!(message.trailers, Some(pairs(&[("x-sum", "1")])), "{scan}");
            assert!(String::from_utf8_lossy(&message.body.concat()).ends_with("[REDACTED:stripe-secret-key]"));
        }
    }
    // Alone.
    given.response.trailers = Some(pairs(&DIGESTS[..1]));
    let r = go(&mut start(&module, "{}"), &given);
    assert!(r.client.message.trailers.is_none_or(|t| t.is_empty()));
}

#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn requests_ask_for_whole_bodies_and_for_no_digests() {
    let module = module();
    let asked = [
        ("range", "bytes=0-3"),
        ("if-range", "\"a\""),
        ("accept-encoding", "gzip"),
        ("want-digest", "sha-256"),
        ("want-content-digest", "sha-256=1"),
        ("want-repr-digest", "sha-256=1"),
        ("if-none-match", "W/\"a\", \"b\""),
    ];
    let mut given = answered("asked", ("x", "y"), &["fake"]);
    let plain = list(&given.request);
    given.request.headers.extend(pairs(&asked));
    let r = go(&mut start(&module, "{}"), &given);
    assert_eq!(
        list(r.upstream.as_ref().unwrap()),
        format!("{plain}if-none-match=W/\"a\", \"b\"; ")
    );
    for policy in [r#"{"mode":"report"}"#, r#"{"response":{"scan":["headers"]}}"#] {
        let r = go(&mut start(&module, policy), &given);
        assert_eq!(list(r.upstream.as_ref().unwrap()), list(&given.request), "{policy}");
    }
}

#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn a_part_of_an_upload_keeps_its_length_and_place() {
    let module = module();
    let body = format!("fake {}", key());
    let length = body.len().to_string();
    let mut given = answered("upload", ("x", "y"), &["fine"]);
    given.request.headers[0].1 = b"PUT".to_vec();
    given.request.headers.extend(pairs(&[
        ("content-length", &length),
        ("content-range", "bytes 10-46/100"),
        ("content-type", "text/plain"),
        ("content-md5", "fake"),
        ("x-amz-checksum-crc32", "signed"),
    ]));
    given.request.body = vec![body.into_bytes()];
    let mut vm = start(&module, r#"{"request":{"scan":["body"]}}"#);
    let r = go(&mut vm, &given);
    let sent = r.upstream.as_ref().unwrap();
    assert_eq!(
        sent.body.concat(),
        format!("fake {}", "*".repeat(key().len())).into_bytes()
    );
    let headers = list(sent);
    assert!(
        headers.contains(&format!("content-length={length}; content-range=bytes 10-46/100; ")),
        "{headers}"
    );
    assert!(
        headers.contains("x-amz-checksum-crc32=signed") && !headers.contains("content-md5"),
        "{headers}"
    );
    assert_eq!(r.grew["keepmum.uninspected.reason.partial.route.default"], 1);
}
