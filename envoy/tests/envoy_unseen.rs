//! What no Wasm filter sees, each shown in a real Envoy: docs/DEPLOYMENT.md has the table.
//!
//! Where a planted key arrives here, that is the point: should an Envoy come that shows these to filters, a test fails, and the
//! table gets shorter.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use keepmum_envoy::client::{self, Request};
use keepmum_envoy::config::{Bootstrap, HTTP2, UPSTREAM};
use keepmum_envoy::process::Envoy;
use keepmum_envoy::upstream::{Answer, Upstream};
use keepmum_host_tests::exchange::Message;

const POLICY: &str = r#"{"audit":{"response_header":"x-keepmum"}}"#;
const PATIENCE: Duration = Duration::from_secs(20);

fn key() -> String {
    ["sk_", "live_", "Keepmum", "FakeKeyForTests", "0123"].concat()
}

fn start(binary: &Path, made: &Bootstrap, name: &str) -> Envoy {
    Envoy::start(binary, made, name).unwrap()
}

fn connect(to: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(to).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// A server that hands its one connection to `serve`.
fn once(serve: impl FnOnce(TcpStream) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || serve(listener.accept().unwrap().0));
    address
}

/// Everything that is there until the peer closes, or has nothing more to say.
fn rest(mut stream: TcpStream) -> String {
    let (mut all, mut some) = (Vec::new(), [0; 4096]);
    while let Ok(read @ 1..) = stream.read(&mut some) {
        all.extend_from_slice(&some[..read]);
    }
    String::from_utf8_lossy(&all).into_owned()
}

#[test]
#[ignore = "needs the module and Envoy: cargo xtask test --only envoy"]
fn early_hints_pass_by_where_they_are_let_through() {
    for (version, binary) in common::envoys() {
        for through in [false, true] {
            let (hints, response) = hints(&binary, through, &format!("hints-{version}"));
            assert_eq!(hints.starts_with("HTTP/1.1 103"), through, "Envoy {version}");
            assert_eq!(hints.contains(&key()), through, "Envoy {version}");
            assert!(
                response.contains("x-keepmum") && !response.contains(&key()),
                "Envoy {version}"
            );
        }
    }
}

/// What a client gets before a response, and the response.
fn hints(binary: &Path, through: bool, name: &str) -> (String, String) {
    let link = format!("link: </s?k={}>; rel=preload\r\n", key());
    let length = key().len();
    let answer = format!(
        "HTTP/1.1 103 Early Hints\r\n{link}\r\nHTTP/1.1 200 OK\r\n{link}content-length: {length}\r\n\r\n{}",
        key()
    );
    let upstream = once(move |mut stream| {
        let _ = stream.read(&mut [0; 4096]);
        stream.write_all(answer.as_bytes()).unwrap();
    });
    let made = Bootstrap::for_tests(&common::module(), POLICY, upstream).unwrap();
    let made = if through { made.informational().unwrap() } else { made };
    let envoy = start(binary, &made, name);
    let mut stream = connect(envoy.address);
    let request = "GET / HTTP/1.1\r\nhost: a.example\r\nconnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).unwrap();
    let got = rest(stream);
    let (hints, response) = got.split_once("HTTP/1.1 200").expect("a response");
    (hints.to_owned(), response.to_owned())
}

#[test]
#[ignore = "needs the module and Envoy: cargo xtask test --only envoy"]
fn what_a_filter_before_it_answers_is_not_seen_and_behind_it_is() {
    let fine = Arc::new(Message {
        headers: vec![(b":status".to_vec(), b"200".to_vec())],
        body: vec![b"fine".to_vec()],
        ..Message::default()
    });
    let upstream = Upstream::start(move |_| Answer::new(fine.clone())).unwrap();
    let lua = format!(
        "{{ name: lua, typed_config: {{ '@type': type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua, \
         default_source_code: {{ inline_string: \"function envoy_on_request(h) h:respond({{[':status'] = '403'}}, '{}') end\" }} }} }}",
        key()
    );
    for (version, binary) in common::envoys() {
        for before in [true, false] {
            let made = Bootstrap::for_tests(&common::module(), POLICY, upstream.address).unwrap();
            let made = made.with_filter(&lua, before).unwrap();
            let envoy = start(&binary, &made, &format!("order-{version}"));
            let reply = client::send(envoy.address, &Request::new("GET", "/"), PATIENCE).unwrap();
            assert_eq!(reply.status, 403, "Envoy {version}");
            assert_eq!(reply.header("x-keepmum").is_none(), before, "Envoy {version}");
            let body = String::from_utf8_lossy(&reply.body()).into_owned();
            assert_eq!(body.contains(&key()), before, "Envoy {version}");
        }
    }
}

#[test]
#[ignore = "needs the module and Envoy: cargo xtask test --only envoy"]
fn what_is_no_request_is_answered_without_the_filter_and_without_what_was_in_it() {
    let upstream = Upstream::refusing().unwrap();
    for (version, binary) in common::envoys() {
        let made = Bootstrap::for_tests(&common::module(), POLICY, upstream).unwrap();
        let envoy = start(&binary, &made, &format!("codec-{version}"));
        let long = "a".repeat(100 << 10);
        for (status, request) in [
            (
                "400",
                format!("GET /{} HTTP/1.1\r\nhost: a.example\r\nno colon\r\n\r\n", key()),
            ),
            (
                "431",
                format!("GET /{} HTTP/1.1\r\nhost: a.example\r\nx-long: {long}\r\n\r\n", key()),
            ),
            ("426", format!("GET /{} HTTP/1.0\r\nhost: a.example\r\n\r\n", key())),
        ] {
            let mut stream = connect(envoy.address);
            // Envoy may have answered before it has read all of it.
            let _ = stream.write_all(request.as_bytes());
            let got = rest(stream);
            assert!(
                got.starts_with(&format!("HTTP/1.1 {status}")),
                "Envoy {version}, {status}"
            );
            assert!(
                !got.contains("x-keepmum") && !got.contains(&key()),
                "Envoy {version}, {status}"
            );
        }
        let reply = client::send(envoy.address, &Request::new("GET", "/"), PATIENCE).unwrap();
        assert!(
            reply.status == 503 && reply.header("x-keepmum").is_some(),
            "Envoy {version}"
        );
    }
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const METADATA: u8 = 0x4d;

/// One frame of HTTP/2. The crate that speaks HTTP/2 elsewhere neither sends nor shows METADATA.
fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags, 0, 0, 0, stream], payload].concat()
}

/// Header fields as HPACK literals.
fn fields(list: &[(&str, &str)]) -> Vec<u8> {
    let text = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    let field = |(name, value): &(&str, &str)| [vec![0], text(name), text(value)].concat();
    list.iter().flat_map(field).collect()
}

/// The next frame's type, flags and payload.
fn next(stream: &mut TcpStream) -> (u8, u8, Vec<u8>) {
    let mut head = [0; 9];
    stream.read_exact(&mut head).unwrap();
    let mut payload = vec![0; usize::from(head[1]) << 8 | usize::from(head[2])];
    stream.read_exact(&mut payload).unwrap();
    (head[3], head[4], payload)
}

/// The types of the frames that a client gets of a response with METADATA in it.
fn kinds(binary: &Path, allowed: bool, name: &str) -> Vec<u8> {
    let second = once(|mut stream| {
        stream.read_exact(&mut [0; PREFACE.len()]).unwrap();
        stream
            .write_all(&frame(SETTINGS, 0, 0, &[0x4d, 0x44, 0, 0, 0, 1]))
            .unwrap();
        while next(&mut stream).0 != HEADERS {}
        let key = key();
        for piece in [
            frame(SETTINGS, 1, 0, &[]),
            frame(
                HEADERS,
                4,
                1,
                &fields(&[(":status", "200"), ("content-type", "text/plain")]),
            ),
            frame(METADATA, 4, 1, &fields(&[("x-note", key.as_str())])),
            frame(DATA, 1, 1, b"fine"),
        ] {
            stream.write_all(&piece).unwrap();
        }
        rest(stream);
    });
    let first = Upstream::refusing().unwrap();
    let made = Bootstrap::for_tests(&common::module(), POLICY, first).unwrap();
    let made = made.two_upstreams(first, second).unwrap();
    let made = if allowed { made.metadata().unwrap() } else { made };
    let envoy = start(binary, &made, name);
    let mut stream = connect(envoy.address);
    let request = fields(&[
        (":method", "GET"),
        (":scheme", "http"),
        (":path", "/"),
        (":authority", "a.example"),
        (UPSTREAM, HTTP2),
    ]);
    stream.write_all(PREFACE).unwrap();
    stream
        .write_all(&frame(SETTINGS, 0, 0, &[0x4d, 0x44, 0, 0, 0, 1]))
        .unwrap();
    stream.write_all(&frame(HEADERS, 5, 1, &request)).unwrap();
    let mut kinds = Vec::new();
    loop {
        let (kind, flags, _) = next(&mut stream);
        kinds.push(kind);
        if kind == DATA && flags & 1 == 1 {
            return kinds;
        }
    }
}

#[test]
#[ignore = "needs the module and Envoy: cargo xtask test --only envoy"]
fn metadata_passes_by_where_it_is_allowed_and_ends_at_the_shipped_configuration() {
    for (version, binary) in common::envoys() {
        for allowed in [false, true] {
            let kinds = kinds(&binary, allowed, &format!("metadata-{version}"));
            assert!(kinds.contains(&HEADERS), "Envoy {version}");
            assert_eq!(kinds.contains(&METADATA), allowed, "Envoy {version}");
        }
    }
}
