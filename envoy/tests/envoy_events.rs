//! Streams of events through a real Envoy: the upstream sends them one by one, and the client notes when each comes.
//!
//! What is complete and clean must be there before the upstream sends the next; a key that is cut across events must not be
//! there at all.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use keepmum_envoy::config::Bootstrap;
use keepmum_envoy::process::Envoy;
use keepmum_envoy::upstream::{Answer, Upstream};
use keepmum_host_tests::exchange::Message;

/// Between two events.
const PAUSE: Duration = Duration::from_millis(200);

fn key() -> String {
    format!("sk{}{}", "_live_", "FAKEfakeFAKEfakeFAKE0001")
}

fn chat(content: &str) -> String {
    format!(
        "data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{content}\"}},\"finish_reason\":null}}]}}\n\n"
    )
}

/// What came, and when.
fn arrivals(to: SocketAddr, path: &str) -> (String, Vec<(Instant, usize)>) {
    let mut stream = TcpStream::connect(to).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.set_nodelay(true).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
    )
    .unwrap();
    let (mut all, mut times) = (Vec::new(), Vec::new());
    let mut piece = [0; 4096];
    loop {
        let n = stream.read(&mut piece).unwrap();
        if n == 0 {
            return (String::from_utf8_lossy(&all).into_owned(), times);
        }
        all.extend_from_slice(&piece[..n]);
        times.push((Instant::now(), all.len()));
    }
}

/// When the text was there.
fn when(seen: &(String, Vec<(Instant, usize)>), text: &str) -> Instant {
    let end = seen
        .0
        .find(text)
        .unwrap_or_else(|| panic!("no {text:?} in {:?}", seen.0))
        + text.len();
    seen.1.iter().find(|(_, len)| *len >= end).unwrap().0
}

#[test]
#[ignore = "needs the module and Envoy: cargo xtask test --only envoy"]
fn clean_events_arrive_at_once_and_a_cut_key_never() {
    let k = key();
    let events = [
        chat("first"),
        ": alive\n\n".to_owned(),
        chat("now: sk_li"),
        chat(&k[5..20]),
        chat(&k[20..]),
        chat(", and on."),
        format!("data: a key {k}\n\n"),
        "data: last\n\n".to_owned(),
        "data: [DONE]\n\n".to_owned(),
    ];
    let body: Vec<Vec<u8>> = events.iter().map(|e| e.clone().into_bytes()).collect();
    let header = |n: &str, v: &str| (n.as_bytes().to_vec(), v.as_bytes().to_vec());
    let upstream = Upstream::start(move |request| {
        let mut message = Message {
            headers: vec![
                header(":status", "200"),
                header("content-type", "text/event-stream; charset=utf-8"),
            ],
            body: body.clone(),
            ..Message::default()
        };
        if request.path == b"/trailers" {
            message.headers.push(header("trailer", "x-end"));
            message.trailers = Some(vec![header("x-end", "yes")]);
        }
        Answer {
            message: Arc::new(message),
            pause: PAUSE,
        }
    })
    .unwrap();
    for (version, binary) in common::envoys() {
        let made = Bootstrap::for_tests(&common::module(), "{}", upstream.address).unwrap();
        let envoy = Envoy::start(&binary, &made, &format!("events-{version}")).unwrap();
        for path in ["/", "/trailers"] {
            let seen = arrivals(envoy.address, path);
            let body = &seen.0;
            for piece in [&k[..], &k[5..20], &k[8..20], &k[20..]] {
                assert!(!body.contains(piece), "Envoy {version}{path}: {body}");
            }
            assert!(
                body.contains("now: [REDACTED:stripe-secret-key]"),
                "Envoy {version}{path}: {body}"
            );
            assert_eq!(
                body.matches("\"content\":\"\"").count(),
                2,
                "Envoy {version}{path}: {body}"
            );
            assert_eq!(
                body.contains("x-end: yes"),
                path == "/trailers",
                "Envoy {version}{path}: {body}"
            );
            // Each was there well before the next was sent.
            // A key without a fixed length ends where something else begins, so that it comes with the next event.
            let ordered = ["first", ": alive", ", and on.", "data: a key [REDACTED", "data: last"];
            for pair in ordered.windows(2) {
                let between = when(&seen, pair[1]) - when(&seen, pair[0]);
                assert!(between > PAUSE / 2, "Envoy {version}{path}: {pair:?} {between:?} apart");
            }
            let held = when(&seen, ", and on.") - when(&seen, "now: ");
            assert!(held < PAUSE * 2, "Envoy {version}{path}: {held:?} for what was cut");
        }
    }
}
