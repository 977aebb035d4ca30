//! Responses that no careful server sends, through a real Envoy with the module: nothing crashes, nothing hangs, no secret
//! passes, nothing else is lost, and the next request is served.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::sync::Arc;
use std::time::Duration;

use keepmum_envoy::client::{Reply, Request, send};
use keepmum_envoy::config::Bootstrap;
use keepmum_envoy::process::Envoy;
use keepmum_envoy::search::Search;
use keepmum_envoy::upstream::{Answer, Upstream};
use keepmum_host_tests::exchange::{End, Headers, Message, Planted};

/// A case takes longer than others only because it is long.
const PATIENCE: Duration = Duration::from_secs(60);

/// Looks like a Stripe key to a detector and like a joke to a person; made here so that no file holds it.
fn secret() -> Vec<u8> {
    ["sk_", "live_", "Keepmum", "FakeKeyForTests", "0123"]
        .concat()
        .into_bytes()
}

fn headers(extra: &[(&str, &[u8])]) -> Headers {
    let mut all = vec![
        (b":status".to_vec(), b"200".to_vec()),
        (b"content-type".to_vec(), b"application/json".to_vec()),
    ];
    all.extend(extra.iter().map(|(n, v)| (n.as_bytes().to_vec(), v.to_vec())));
    all
}

fn body(pieces: Vec<Vec<u8>>) -> Message {
    Message {
        headers: headers(&[]),
        body: pieces,
        ..Message::default()
    }
}

fn json_with_secret() -> Vec<u8> {
    [&b"{\"key\":\""[..], &secret(), b"\"}"].concat()
}

/// A server with one path for each case.
fn case(path: &str) -> Message {
    let secret = secret();
    match path {
        "/thousand-headers" => {
            let many: Vec<(String, Vec<u8>)> = (0..1000)
                .map(|i| {
                    (
                        format!("x-filler-{i}"),
                        if i == 500 {
                            secret.clone()
                        } else {
                            format!("value {i}").into_bytes()
                        },
                    )
                })
                .collect();
            let many: Vec<(&str, &[u8])> = many.iter().map(|(n, v)| (n.as_str(), v.as_slice())).collect();
            Message {
                headers: headers(&many),
                body: vec![json_with_secret()],
                ..Message::default()
            }
        }
        "/raw-header-bytes" => Message {
            headers: headers(&[("x-raw", &[b"caf\xe9 ", &secret[..], b" \xff\xfe"].concat())]),
            body: vec![b"{}".to_vec()],
            ..Message::default()
        },
        "/empty-body" => Message {
            headers: headers(&[("content-length", b"0")]),
            ..Message::default()
        },
        "/reset" => Message {
            end: End::Reset,
            ..body(vec![b"{\"a\":\"".to_vec(), secret])
        },
        "/ends-inside" => body(vec![b"{\"a\":\"".to_vec(), secret[..secret.len() / 2].to_vec()]),
        "/broken-json" => body(vec![[&b"{\"a\":[1,2,,}\"\\u12 \\"[..], &secret, b"\" }}]"].concat()]),
        "/invalid-utf8" => body(vec![[&b"\xff\xfe\x80{\"k\":\""[..], &secret, b"\"\xc3\x28"].concat()]),
        "/nul-bytes" => body(vec![[&b"\0\0\0"[..], &secret, b"\0\0"].concat()]),
        "/deep" => body(vec![b"[".repeat(10_000), json_with_secret(), b"]".repeat(10_000)]),
        "/after-the-length" => {
            // Cut within the secret by the framing itself.
            let text = json_with_secret();
            let length = (text.len() - 2).to_string();
            Message {
                headers: headers(&[("content-length", length.as_bytes())]),
                body: vec![text[..text.len() - 2].to_vec()],
                ..Message::default()
            }
        }
        "/one-byte-chunks" => body(json_with_secret().into_iter().map(|b| vec![b]).collect()),
        _ => body(vec![b"{\"ok\":true}".to_vec()]),
    }
}

/// `long/<MiB>`: one line of that length, with the secret in the middle and at the end.
fn long_line(mib: usize) -> Message {
    let piece = b"all work and no play makes a dull line ".repeat(1680);
    let count = (mib << 20).div_ceil(piece.len());
    let mut pieces = vec![piece; count];
    pieces[count / 2].extend([secret(), b" ".to_vec()].concat());
    pieces.push([b" ".as_slice(), &secret()].concat());
    body(pieces)
}

struct Bench {
    envoy: Envoy,
    search: Search,
    _upstream: Upstream,
}

impl Bench {
    fn start(version: &str, binary: &std::path::Path) -> Self {
        let long = Arc::new(long_line(100));
        let upstream = Upstream::start(move |seen| {
            let path = String::from_utf8_lossy(&seen.path).into_owned();
            let fast = Duration::from_micros(if path == "/one-byte-chunks" { 1000 } else { 0 });
            let pause = if path == "/long" {
                fast
            } else {
                Duration::from_millis(2)
            };
            let message = if path == "/long" {
                Arc::clone(&long)
            } else {
                Arc::new(case(&path))
            };
            Answer { message, pause }
        })
        .unwrap();
        let bootstrap = Bootstrap::for_tests(&common::module(), "{}", upstream.address).unwrap();
        let bootstrap = bootstrap.many_headers(2000, 1024).unwrap();
        let envoy = Envoy::start(binary, &bootstrap, &format!("bad-{version}")).unwrap();
        let search = Search::new(&[Planted {
            name: "the planted key".into(),
            value: secret(),
        }]);
        Self {
            envoy,
            search,
            _upstream: upstream,
        }
    }

    fn get(&mut self, path: &str) -> Reply {
        let reply =
            send(self.envoy.address, &Request::new("GET", path), PATIENCE).unwrap_or_else(|e| panic!("{path}: {e:#}"));
        assert_eq!(
            self.search.hits(&reply.everything()),
            [],
            "{path}: the key reached the client"
        );
        assert!(self.envoy.alive(), "{path}: Envoy is still there");
        let next = send(self.envoy.address, &Request::new("GET", "/next"), PATIENCE).unwrap();
        assert_eq!(
            (next.status, next.body()),
            (200, b"{\"ok\":true}".to_vec()),
            "{path}: the next request is served"
        );
        reply
    }
}

fn redacted(text: &[u8]) -> Vec<u8> {
    let at = memchr::memmem::find(text, &secret()).expect("the case holds the secret");
    let label = b"[REDACTED:stripe-secret-key]";
    [&text[..at], label, &text[at + secret().len()..]].concat()
}

#[test]
#[ignore = "needs the module and Envoy: cargo xtask test --only envoy"]
fn bad_responses_neither_crash_nor_leak() {
    for (version, binary) in common::envoys() {
        let mut bench = Bench::start(&version, &binary);

        let reply = bench.get("/thousand-headers");
        assert_eq!(reply.status, 200);
        assert!(reply.headers.len() >= 1000, "a thousand headers arrive");
        assert_eq!(reply.header("x-filler-999"), Some(&b"value 999"[..]));
        assert_eq!(reply.body(), redacted(&json_with_secret()));

        let raw = bench.get("/raw-header-bytes");
        assert_eq!(raw.status, 200);
        let value = raw.header("x-raw").unwrap();
        assert!(value.starts_with(b"caf") && !value.contains(&b'\n') && !value.contains(&b'\r'));

        assert_eq!(bench.get("/empty-body").body(), b"");

        let reset = bench.get("/reset");
        assert!(reset.rest.cut, "a reset stays a reset");
        assert!(b"{\"a\":\"".starts_with(&reset.body()[..reset.body().len().min(6)]));

        // Half a key is not the key: what matters is that what is no secret arrives and that the response ends.
        assert!(bench.get("/ends-inside").body().starts_with(b"{\"a\":\""));

        for path in [
            "/broken-json",
            "/invalid-utf8",
            "/nul-bytes",
            "/deep",
            "/one-byte-chunks",
        ] {
            let reply = bench.get(path);
            assert!(!reply.rest.cut, "{path}: it ends in order");
            let expected = redacted(&case(path).body_bytes());
            let same = keepmum_envoy::compare::difference(&reply.body(), &expected);
            assert_eq!(
                same, None,
                "{path}: everything else arrives (Envoy against what is expected)"
            );
        }
        assert!(!bench.get("/after-the-length").rest.cut);
    }
}

#[test]
#[ignore = "needs the module and Envoy: cargo xtask test --only envoy"]
fn a_hundred_mebibytes_in_one_line_pass() {
    let (version, binary) = common::envoys().swap_remove(0);
    let mut bench = Bench::start(&version, &binary);
    let reply = bench.get("/long");
    assert!(!reply.rest.cut);
    let sent = long_line(100).body_bytes();
    let received = reply.body();
    let label = b"[REDACTED:stripe-secret-key]".len();
    assert_eq!(
        received.len(),
        sent.len() + 2 * label - 2 * secret().len(),
        "two labels for two keys, and nothing lost"
    );
}
