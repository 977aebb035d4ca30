//! The host's first promise: an exchange goes through a module that changes nothing, and nothing changes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may stop")]

use std::path::Path;

use keepmum_host_tests::exchange::{Exchange, Headers, Message};
use keepmum_host_tests::host::{Module, Options};
use keepmum_host_tests::replay::{Ended, replay};

fn headers(pairs: &[(&str, &str)]) -> Headers {
    pairs
        .iter()
        .map(|(n, v)| (n.as_bytes().to_vec(), v.as_bytes().to_vec()))
        .collect()
}

fn probe(name: &str) -> Module {
    Module::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("probes").join(name)).expect("the probe loads")
}

fn chunked() -> Exchange {
    Exchange {
        name: "chunked".into(),
        request: Message {
            headers: headers(&[
                (":method", "GET"),
                (":path", "/"),
                (":scheme", "http"),
                (":authority", "a.example"),
            ]),
            ..Message::default()
        },
        response: Message {
            headers: headers(&[
                (":status", "200"),
                ("content-type", "text/plain"),
                ("set-cookie", "a=1"),
                ("set-cookie", "b=2"),
            ]),
            body: vec![b"one ".to_vec(), b"two ".to_vec(), vec![b'x'; 200_000]],
            ..Message::default()
        },
        ..Exchange::default()
    }
}

#[test]
fn a_module_that_only_reads_changes_nothing() {
    let module = probe("read_body.wat");
    for http2 in [false, true] {
        for trailers in [None, Some(headers(&[("x-end", "1")]))] {
            let mut exchange = chunked();
            exchange.response.trailers = trailers;
            let replay = replay(
                &module,
                &Options {
                    http2,
                    ..Options::default()
                },
                &exchange,
            )
            .expect("it starts");
            assert_eq!(replay.client.ended, Ended::Complete);
            assert_eq!(replay.client.status, 200);
            assert_eq!(replay.client.message, exchange.response);
            assert_eq!(replay.upstream, Some(exchange.request.clone()));
            assert_eq!(replay.strict, Vec::<String>::new());
        }
    }
}
