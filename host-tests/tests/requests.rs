//! Requests on their way to the upstream (`request.scan`): what the upstream gets of headers, path, query, cookies and bodies.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may stop")]

mod common;

use common::{key, module, options, pairs};
use keepmum_host_tests::exchange::{Exchange, Message};
use keepmum_host_tests::replay::{Replay, replay};

const ALL: &str = r#"{"fields":[{"names":["password","sid"]}],
    "request":{"scan":["headers","path","query","cookies","body","trailers"],"action":"label"}}"#;

fn exchange(headers: &[(&str, &str)], path: &str, body: &[&str], trailers: &[(&str, &str)]) -> Exchange {
    let method = if body.is_empty() { "GET" } else { "POST" };
    let mut list = pairs(&[
        (":method", method),
        (":path", path),
        (":scheme", "http"),
        (":authority", "a.example"),
    ]);
    list.extend(pairs(headers));
    Exchange {
        name: "requests".into(),
        request: Message {
            headers: list,
            body: body.iter().map(|b| b.as_bytes().to_vec()).collect(),
            trailers: (!trailers.is_empty()).then(|| pairs(trailers)),
            ..Message::default()
        },
        response: Message {
            headers: pairs(&[(":status", "200"), ("content-type", "text/plain")]),
            body: vec![b"fine".to_vec()],
            ..Message::default()
        },
        ..Exchange::default()
    }
}

/// What the upstream got, as `name=value;` and as text.
fn sent(r: &Replay) -> (String, String) {
    assert!(r.failure.is_none(), "{:?}", r.failure);
    assert_eq!(r.strict, Vec::<String>::new());
    for line in &r.logs {
        assert!(!line.text.contains(&key()), "a log line has the key");
    }
    let lossy = |b: &[u8]| String::from_utf8_lossy(b).into_owned();
    let got = r.upstream.as_ref().expect("the request reached the upstream");
    let headers = got.headers.iter().chain(got.trailers.iter().flatten());
    let headers = headers.map(|(n, v)| format!("{}={};", lossy(n), lossy(v))).collect();
    (headers, lossy(&got.body.concat()))
}

#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn headers_path_query_and_cookies_go_out_clean() {
    let module = module();
    let key = key();
    let cookie = format!("a=b; sid=fake; k={key}");
    let path = format!("/x/{key}/y?a=b&password=fake&k={key}");
    let r = replay(
        &module,
        &options(ALL),
        &exchange(
            &[("x-key", &key), ("password", "fake"), ("cookie", &cookie)],
            &path,
            &[],
            &[],
        ),
    )
    .unwrap();
    let (headers, _) = sent(&r);
    for part in [
        ":path=/x/%5BREDACTED:stripe-secret-key%5D/y?a=b&password=%5BREDACTED:field%5D&k=%5BREDACTED:stripe-secret-key%5D;",
        "x-key=[REDACTED:stripe-secret-key];",
        "password=[REDACTED:field];",
        "cookie=a=b; sid=[REDACTED:field]; k=[REDACTED:stripe-secret-key];",
    ] {
        assert!(headers.contains(part), "{part} is not in {headers}");
    }
    let places: Vec<&str> = r.findings.iter().map(|f| f.place.as_str()).collect();
    for place in [
        "request.header.x-key",
        "request.header.cookie",
        "request.path",
        "request.query",
    ] {
        assert!(places.contains(&place), "{place}: {places:?}");
    }
}

#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn what_is_not_asked_for_goes_out_as_it_came() {
    let module = module();
    let key = key();
    let cookie = format!("sid={key}");
    let path = format!("/x?password={key}");
    let length = key.len().to_string();
    let headers = [
        ("x-key", key.as_str()),
        ("cookie", &cookie),
        ("content-length", &length),
    ];
    let given = exchange(&headers, &path, &[&key], &[]);
    for policy in [
        "{}",
        r#"{"mode":"report","request":{"scan":["headers","query","cookies","path","body"]}}"#,
    ] {
        let r = replay(&module, &options(policy), &given).unwrap();
        let got = r.upstream.as_ref().unwrap();
        assert_eq!(
            (&got.headers, &got.body),
            (&given.request.headers, &given.request.body),
            "{policy}"
        );
    }
    let some = r#"{"request":{"scan":["query"]}}"#;
    let r = replay(&module, &options(some), &given).unwrap();
    let (headers, body) = sent(&r);
    assert!(headers.contains(":path=/x?password=%5BREDACTED:"), "{headers}");
    assert!(headers.contains(&format!("x-key={key};")) && headers.contains(&cookie) && body == key);
    assert!(headers.contains("content-length="), "{headers}");
    // A place that is allowed.
    let allowed = r#"{"request":{"scan":["headers"]},"allow":[{"place":"request.header.authorization"}]}"#;
    let given = exchange(&[("authorization", &key), ("x-key", &key)], "/", &[], &[]);
    let (headers, _) = sent(&replay(&module, &options(allowed), &given).unwrap());
    assert!(headers.contains(&format!("authorization={key};")), "{headers}");
    assert!(headers.contains("x-key=[REDACTED:"), "{headers}");
}

#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn bodies_go_out_clean_and_without_a_length_that_is_wrong() {
    let module = module();
    let key = key();
    let (front, back) = key.split_at(12);
    let cut = [
        format!("{{\"k\":\"{front}"),
        format!("{back}\",\"password\":\"fake\"}}"),
    ];
    for (content_type, body, expected) in [
        (
            "application/json",
            vec![cut[0].as_str(), cut[1].as_str()],
            r#"{"k":"[REDACTED:stripe-secret-key]","password":"[REDACTED:field]"}"#,
        ),
        (
            "application/x-www-form-urlencoded; charset=utf-8",
            vec!["a=b&pass", "word=fake&c=d"],
            "a=b&password=[REDACTED:field]&c=d",
        ),
        ("text/plain", vec!["nothing here"], "nothing here"),
    ] {
        for trailers in [&[][..], &[("x-sum", key.as_str())]] {
            let length = body.concat().len().to_string();
            let mut headers = vec![("content-type", content_type)];
            if trailers.is_empty() {
                headers.push(("content-length", &length));
            }
            let r = replay(&module, &options(ALL), &exchange(&headers, "/", &body, trailers)).unwrap();
            let (headers, sent) = sent(&r);
            assert_eq!(sent, expected);
            assert!(!headers.contains("content-length"), "{headers}");
            assert!(!headers.contains(&key), "{headers}");
        }
    }
}

#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn a_request_that_is_blocked_on_is_answered_and_does_not_arrive() {
    let module = module();
    let key = key();
    let policy = r#"{"request":{"scan":["headers","body"],"action":{"block":{"status":403,"body":"not from here"}}}}"#;
    let status = |r: &Replay| {
        r.client
            .message
            .headers
            .iter()
            .find(|(n, _)| n == b":status")
            .unwrap()
            .1
            .clone()
    };
    for given in [
        exchange(&[("x-key", &key)], "/", &[], &[]),
        exchange(&[("content-type", "text/plain")], "/", &["fake ", &key, " fake"], &[]),
    ] {
        let r = replay(&module, &options(policy), &given).unwrap();
        assert!(
            r.failure.is_none() && r.strict.is_empty(),
            "{:?} {:?}",
            r.failure,
            r.strict
        );
        assert_eq!(status(&r), b"403");
        assert_eq!(r.client.message.body.concat(), b"not from here");
        let arrived = r.upstream.map(|m| m.body.concat()).unwrap_or_default();
        assert!(!String::from_utf8_lossy(&arrived).contains(&key), "it arrived");
    }
    // Compressed, where that is not to pass.
    let policy = r#"{"request":{"scan":["body"]},"on_uninspectable":{"encoding":"block"}}"#;
    let r = replay(
        &module,
        &options(policy),
        &exchange(&[("content-encoding", "compress")], "/", &["fake"], &[]),
    )
    .unwrap();
    assert_eq!(status(&r), b"415");
    assert!(r.upstream.is_none());
}
