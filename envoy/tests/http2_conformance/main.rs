//! HTTP/2 as its standard has it, through a real Envoy with Keepmum and without: the filter must not be the reason for any failure.
//!
//! The well-known program for this, h2spec, comes as a binary or as Go modules, and so is not to be had by everybody who runs these tests; its
//! cases are those of the standards' sections, and so are these.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../common/mod.rs"]
mod common;

mod cases;
mod peer;

use std::net::SocketAddr;
use std::sync::Arc;

use cases::{Case, Want};
use keepmum_envoy::config::Bootstrap;
use keepmum_envoy::process::Envoy;
use keepmum_envoy::upstream::{Answer, Upstream};
use keepmum_host_tests::exchange::Message;
use peer::Event;

/// Runs at once, each on a connection of its own.
const AT_ONCE: usize = 8;

/// What was observed, and whether it is what the standard asks for.
fn run(to: SocketAddr, case: &Case) -> (bool, Vec<Event>) {
    let ended = |events: &[Event], id: u32| {
        events.iter().any(|e| {
            matches!(e, Event::Data { stream, end: true, .. } | Event::Headers { stream, end: true } if *stream == id)
        })
    };
    let pong = |events: &[Event]| events.contains(&Event::Pong(*b"keepmum!"));
    let answered_badly = |events: &[Event]| events.iter().any(|e| matches!(e, Event::Headers { end: true, .. }));
    let events = peer::talk(to, !case.bare, &case.bytes, |events| match case.want {
        Want::Answer(id) => ended(events, id),
        Want::Alive => pong(events),
        Want::Piece(_) => events.iter().any(|e| matches!(e, Event::Data { .. })),
        Want::ConnectionError(_) => false,
        Want::StreamError(_) => events.iter().any(|e| matches!(e, Event::Reset { .. })),
    });
    let closed = events.last() == Some(&Event::Closed);
    let goaway = |codes: &[u32]| {
        events
            .iter()
            .any(|e| matches!(e, Event::Goaway(c) if codes.contains(c)))
    };
    let said = events.iter().any(|e| matches!(e, Event::Goaway(_)));
    let ends = |codes: &[u32]| goaway(codes) || (closed && !said);
    let holds = match case.want {
        Want::Answer(id) => ended(&events, id),
        Want::Alive => pong(&events),
        Want::Piece(n) => events
            .iter()
            .any(|e| matches!(e, Event::Data { length, .. } if *length == n)),
        Want::ConnectionError(codes) => ends(codes),
        Want::StreamError(codes) => {
            ends(codes)
                || events
                    .iter()
                    .any(|e| matches!(e, Event::Reset { code, .. } if codes.contains(code)))
                || (case.section.starts_with('8') && answered_badly(&events))
        }
    };
    (holds, events)
}

fn all(to: SocketAddr, cases: &[Case]) -> Vec<(bool, Vec<Event>)> {
    let (first, rest) = (cases.len().div_ceil(AT_ONCE), cases);
    std::thread::scope(|scope| {
        let running: Vec<_> = rest
            .chunks(first)
            .map(|some| scope.spawn(move || some.iter().map(|case| run(to, case)).collect::<Vec<_>>()))
            .collect();
        running.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
#[ignore = "needs the module and Envoy: cargo xtask test --only envoy"]
fn nothing_fails_with_the_filter_that_does_not_fail_without() {
    let upstream = Upstream::start(|_| {
        Answer::new(Arc::new(Message {
            headers: vec![
                (b":status".to_vec(), b"200".to_vec()),
                (b"content-type".to_vec(), b"application/json".to_vec()),
            ],
            body: vec![br#"{"status":"#.to_vec(), br#""ready"}"#.to_vec()],
            ..Message::default()
        }))
    })
    .unwrap();
    let policy = r#"{"request":{"scan":["headers","body","trailers","query"]},"errors":{"status":["4xx","5xx"],"replace":"auto"}}"#;
    let cases = cases::all();
    for (version, binary) in common::envoys() {
        let made = || Bootstrap::for_tests(&common::module(), policy, upstream.address).unwrap();
        let start = |bootstrap: &Bootstrap, name: &str| Envoy::start(&binary, bootstrap, name).unwrap();
        let with = start(&made(), &format!("http2-with-{version}"));
        let without = start(&made().without_module().unwrap(), &format!("http2-without-{version}"));
        let (ours, theirs) = (all(with.address, &cases), all(without.address, &cases));
        let (mut wrong, mut failed) = (Vec::new(), Vec::new());
        for ((case, (ours, seen)), (theirs, other)) in cases.iter().zip(&ours).zip(&theirs) {
            let name = format!("{} {}", case.section, case.about);
            if !theirs {
                failed.push(name.clone());
            }
            // Where a stream is closed from both sides at once a thread may win or lose; a second look decides.
            if *theirs && !ours && !run(with.address, case).0 {
                wrong.push(format!("{name}: {seen:?}, and without the filter {other:?}"));
            }
        }
        eprintln!(
            "Envoy {version}: {} cases of HTTP/2, {} of them failed without the filter: {failed:?}",
            cases.len(),
            failed.len()
        );
        assert!(wrong.is_empty(), "Envoy {version}:\n{}", wrong.join("\n"));
        // An Envoy that fails so many is none: the client is broken.
        assert!(failed.len() * 5 < cases.len(), "Envoy {version}: {failed:?}");
    }
}
