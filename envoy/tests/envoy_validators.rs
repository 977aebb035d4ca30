//! Tags, ranges, digests and lengths through a real Envoy, with an upstream that heeds them: what a client and a cache rely on stays true.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::sync::Arc;
use std::time::Duration;

use keepmum_envoy::client::{Reply, Request, send};
use keepmum_envoy::config::Bootstrap;
use keepmum_envoy::process::Envoy;
use keepmum_envoy::upstream::{Answer, Seen, Upstream};
use keepmum_host_tests::exchange::{Headers, Message};

fn pairs(list: &[(&str, &str)]) -> Headers {
    list.iter()
        .map(|(n, v)| (n.as_bytes().to_vec(), v.as_bytes().to_vec()))
        .collect()
}

const DIGESTS: &[(&str, &str)] = &[
    ("content-digest", "sha-256=:fake=:"),
    ("repr-digest", "sha-256=:fake=:"),
    ("content-md5", "fake"),
];

/// A small server of one document.
fn serve(seen: &Seen, document: &str) -> Message {
    let tag = [
        ("etag", "\"a\""),
        ("accept-ranges", "bytes"),
        ("content-type", "text/plain"),
    ];
    let knows = seen.header("if-none-match").is_some_and(|t| t.ends_with(b"\"a\""));
    let range = seen.header("range").is_some() || seen.path == b"/part";
    let (status, own, body) = match () {
        () if knows => ("304", vec![], ""),
        () if range => ("206", vec![("content-range", "bytes 0-99/200")], document),
        () => ("200", vec![], document),
    };
    let length = body.len().to_string();
    let trailing = seen.path == b"/trailers";
    let mut headers = pairs(&[&[(":status", status)], &tag[..], DIGESTS, &own].concat());
    if !trailing && status != "304" {
        headers.extend(pairs(&[("content-length", &length)]));
    }
    if trailing {
        headers.extend(pairs(&[("trailer", "content-digest, x-sum")]));
    }
    Message {
        headers,
        body: vec![body.as_bytes().to_vec()],
        trailers: trailing.then(|| pairs(&[DIGESTS, &[("x-sum", "1")]].concat())),
        ..Message::default()
    }
}

#[test]
#[ignore = "needs the module and Envoy: cargo xtask test --only envoy"]
fn what_is_said_of_bodies_is_true() {
    let key = ["sk_", "live_", "Keepmum", "FakeKeyForTests", "0123"].concat();
    let document = format!("fake {key} fake");
    let (label, stars) = ("[REDACTED:stripe-secret-key]", "*".repeat(key.len()));
    let own = document.clone();
    let upstream = Upstream::start(move |seen| Answer::new(Arc::new(serve(seen, &own)))).unwrap();
    for (version, binary) in common::envoys() {
        let made = Bootstrap::for_tests(&common::module(), "{}", upstream.address).unwrap();
        let envoy = Envoy::start(&binary, &made, &format!("validators-{version}")).unwrap();
        let go = |request: Request| send(envoy.address, &request, Duration::from_secs(20)).unwrap();
        let text = |r: &Reply| String::from_utf8_lossy(&r.body()).into_owned();
        let said = |r: &Reply, name: &str| r.header(name).map(|v| String::from_utf8_lossy(v).into_owned());
        let replies = [
            (
                "whole",
                200,
                go(Request::new("GET", "/")),
                document.replace(&key, label),
            ),
            // Two halves of a secret would pass any filter: nobody gets halves.
            (
                "range",
                200,
                go(Request::new("GET", "/")
                    .header("range", "bytes=0-9")
                    .header("if-range", "\"a\"")),
                document.replace(&key, label),
            ),
            ("head", 200, go(Request::new("HEAD", "/")), String::new()),
            (
                "part",
                206,
                go(Request::new("GET", "/part")),
                document.replace(&key, &stars),
            ),
            (
                "trailers",
                200,
                go(Request::new("GET", "/trailers")),
                document.replace(&key, label),
            ),
        ];
        for (what, status, reply, body) in &replies {
            assert_eq!(
                (reply.status, text(reply)),
                (*status, body.clone()),
                "Envoy {version}: {what}"
            );
            assert!(!reply.rest.cut, "Envoy {version}: {what}");
            assert_eq!(
                said(reply, "etag").as_deref(),
                Some("W/\"a\""),
                "Envoy {version}: {what}"
            );
            let part = *what == "part";
            assert_eq!(
                said(reply, "accept-ranges").as_deref(),
                Some(if part { "bytes" } else { "none" }),
                "{what}"
            );
            let length = part.then(|| document.len().to_string());
            assert_eq!(said(reply, "content-length"), length, "Envoy {version}: {what}");
            for (name, _) in DIGESTS {
                assert_eq!(said(reply, name), None, "Envoy {version}: {what} has {name}");
            }
        }
        let (.., trailed, _) = &replies[4];
        assert_eq!(trailed.rest.trailers, Some(pairs(&[("x-sum", "1")])), "Envoy {version}");
        // The tag that the client was given is good for asking again.
        let weak = said(&replies[0].2, "etag").unwrap();
        let again = go(Request::new("GET", "/").header("if-none-match", &weak));
        assert_eq!((again.status, text(&again)), (304, String::new()), "Envoy {version}");
        assert_eq!(said(&again, "etag").as_deref(), Some("W/\"a\""));
        let partial = "wasmcustom.keepmum.uninspected.reason.partial.route.default";
        assert_eq!(envoy.stat(partial).unwrap(), 1, "Envoy {version}");
    }
}
