//! Bodies with a content encoding through a real Envoy: the client gets them plain and clean, and what cannot be decoded ends
//! as the policy says.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use keepmum_envoy::client::{Reply, Request, send};
use keepmum_envoy::config::Bootstrap;
use keepmum_envoy::process::Envoy;
use keepmum_envoy::upstream::{Answer, Upstream};
use keepmum_host_tests::exchange::Message;

const POLICY: &str = r#"{"limits":{"body_bytes":1048576},"routes":[
    {"name":"block","match":{"paths":["/block/**"]},"on_uninspectable":{"encoding":"block","limit":"block","content_type":"block"}},
    {"name":"drop","match":{"paths":["/drop/**"]},
     "on_uninspectable":{"encoding":"drop","limit":"drop","content_type":"drop","too_large":"drop"}},
    {"name":"report","match":{"paths":["/report/**"]},"mode":"report"}]}"#;

const LABEL: &str = "[REDACTED:stripe-secret-key]";

fn key() -> String {
    ["sk_", "live_", "Keepmum", "FakeKeyForTests", "0123"].concat()
}

fn text(secret: &str) -> Vec<u8> {
    let line = |i: u32| format!("{{\"id\": {i}, \"note\": \"{:x}\"}}\n", i.wrapping_mul(2_654_435_761));
    let (front, back): (String, String) = ((0..2000).map(line).collect(), (2000..9000).map(line).collect());
    format!("{front}{{\"key\": \"{secret}\"}}\n{back}").into_bytes()
}

/// More than the policy has looked at.
fn large() -> Vec<u8> {
    text(LABEL).repeat(6)
}

fn encode(coding: &str, text: &[u8]) -> Vec<u8> {
    match coding {
        "gzip" => {
            let mut e = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            e.write_all(text).unwrap();
            e.finish().unwrap()
        }
        "deflate" => {
            let mut e = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
            e.write_all(text).unwrap();
            e.finish().unwrap()
        }
        "br" => {
            let mut out = Vec::new();
            let mut e = brotli::CompressorWriter::new(&mut out, 4096, 5, 20);
            e.write_all(text).unwrap();
            drop(e);
            out
        }
        "zstd" => zstd::encode_all(text, 3).unwrap(),
        "gzip, br" => encode("br", &encode("gzip", text)),
        other => panic!("{other}"),
    }
}

/// What the upstream has: by the last step of the path, its coding and its body.
fn served(name: &str) -> (&str, Vec<u8>) {
    let sound = || encode("gzip", &text(&key()));
    match name {
        "unknown" => ("compress", sound()),
        "half" => ("gzip", sound()[..20_000].to_vec()),
        "lie" => ("gzip", text(&key())),
        "bomb" => ("gzip", encode("gzip", &vec![0; 32 << 20])),
        "large" => ("zstd", encode("zstd", &large())),
        coding => (coding, encode(coding, &text(&key()))),
    }
}

fn upstream() -> Upstream {
    Upstream::start(move |seen| {
        let path = String::from_utf8_lossy(&seen.path).replace("%20", " ");
        let (_, name) = path.rsplit_once('/').unwrap();
        let (coding, body) = served(name);
        let header = |n: &str, v: &str| (n.as_bytes().to_vec(), v.as_bytes().to_vec());
        let framing = match path.starts_with("/chunked/") {
            true => header("transfer-encoding", "chunked"),
            false => header("content-length", &body.len().to_string()),
        };
        Answer::new(Arc::new(Message {
            headers: vec![
                header(":status", "200"),
                header("content-type", "application/json"),
                header("content-encoding", coding),
                framing,
            ],
            body: body.chunks(30_000).map(<[u8]>::to_vec).collect(),
            ..Message::default()
        }))
    })
    .unwrap()
}

fn whole(reply: &Reply) -> bool {
    !reply.rest.cut
}

#[test]
#[ignore = "needs the module and Envoy: cargo xtask test --only envoy"]
fn clients_get_encoded_bodies_plain_and_clean() {
    let upstream = upstream();
    let clean = text(LABEL);
    for (version, binary) in common::envoys() {
        let made = Bootstrap::for_tests(&common::module(), POLICY, upstream.address).unwrap();
        let envoy = Envoy::start(&binary, &made, &format!("encodings-{version}")).unwrap();
        let get = |path: &str| {
            let request = Request::new("GET", &path.replace(' ', "%20"));
            send(envoy.address, &request, Duration::from_secs(20)).unwrap()
        };
        for coding in ["gzip", "deflate", "br", "zstd", "gzip, br"] {
            for framing in ["sized", "chunked"] {
                let reply = get(&format!("/{framing}/{coding}"));
                assert_eq!((reply.status, whole(&reply)), (200, true), "{coding} on {version}");
                assert!(reply.body() == clean, "{coding}, {framing} on Envoy {version}");
                assert_eq!(reply.header("content-encoding"), None);
                assert_eq!(reply.header("content-length"), None);
            }
            let reply = get(&format!("/report/{coding}"));
            assert!(
                reply.body() == served(coding).1,
                "{coding} is reported on Envoy {version}"
            );
            assert_eq!(reply.header("content-encoding"), Some(coding.as_bytes()));
        }
        let begun = |reply: &Reply| clean.starts_with(&reply.body());
        // Passed: as it came, or as far as it was decoded.
        assert!(get("/sized/unknown").body() == served("unknown").1);
        assert!(get("/sized/lie").body() == clean);
        let half = get("/sized/half");
        assert!(
            whole(&half) && begun(&half) && half.body().len() > 40_000,
            "Envoy {version}"
        );
        assert!(!whole(&get("/sized/bomb")), "Envoy {version}");
        let much = get("/sized/large");
        assert_eq!((whole(&much), much.body().len()), (true, large().len()));
        // Blocked.
        assert_eq!(get("/block/unknown").status, 502);
        assert!(!whole(&get("/block/half")) && !whole(&get("/block/lie")));
        assert!(!whole(&get("/block/bomb")));
        // Left out.
        let dropped = get("/drop/unknown");
        assert_eq!((dropped.status, whole(&dropped), dropped.body()), (200, true, vec![]));
        let bomb = get("/drop/bomb");
        assert_eq!((whole(&bomb), bomb.body().len()), (true, 1 << 20), "Envoy {version}");
        assert_eq!(get("/drop/large").body().len(), 1 << 20);
        let log = String::from_utf8_lossy(&envoy.log_bytes().unwrap()).into_owned();
        assert!(!log.contains(&key()), "Envoy {version}");
    }
}
