//! Streams of events through the module: a key that is cut across them goes, and what is complete and clean does not wait.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may stop")]

mod common;

use common::{key, module, options, pairs};
use keepmum_host_tests::exchange::{Exchange, Message};
use keepmum_host_tests::replay::{Ended, replay};

fn chat(content: &str) -> String {
    format!(
        "data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{content}\"}},\"finish_reason\":null}}]}}\n\n"
    )
}

fn answered(content_type: &str, body: &[String], trailers: bool) -> Exchange {
    let mut headers = pairs(&[(":status", "200"), ("content-type", content_type)]);
    if trailers {
        headers.extend(pairs(&[("trailer", "x-end")]));
    }
    Exchange {
        name: "events".into(),
        request: Message {
            headers: pairs(&[
                (":method", "POST"),
                (":path", "/v1/chat/completions"),
                (":scheme", "http"),
                (":authority", "a.example"),
            ]),
            ..Message::default()
        },
        response: Message {
            headers,
            body: body.iter().map(|b| b.clone().into_bytes()).collect(),
            trailers: trailers.then(|| pairs(&[("x-end", "yes")])),
            ..Message::default()
        },
        ..Exchange::default()
    }
}

#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn a_key_cut_across_events_goes() {
    let (module, k) = (module(), key());
    let label = "[REDACTED:stripe-secret-key]";
    for trailers in [false, true] {
        for at in 3..k.len() {
            let (a, b) = k.split_at(at);
            let sent = [
                chat("so: "),
                chat(a),
                chat(b),
                chat(", ok."),
                "data: [DONE]\n\n".to_owned(),
            ];
            let want = [
                chat("so: "),
                chat(label),
                chat(""),
                chat(", ok."),
                "data: [DONE]\n\n".to_owned(),
            ];
            let whole = [sent.concat()];
            for body in [&sent[..], &whole[..]] {
                let exchange = answered("text/event-stream; charset=utf-8", body, trailers);
                let r = replay(&module, &options("{}"), &exchange).unwrap();
                assert!(r.failure.is_none(), "{:?}", r.failure);
                assert_eq!(r.client.ended, Ended::Complete);
                let got = r.client.message.body.concat();
                assert_eq!(String::from_utf8_lossy(&got), want.concat(), "cut at {at}");
                assert_eq!(r.client.message.trailers.is_some(), trailers);
            }
        }
    }
}

#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn a_clean_stream_leaves_in_the_pieces_in_which_it_came() {
    let module = module();
    for (content_type, body) in [
        (
            "text/event-stream",
            vec![chat("The harbour was,"), ": alive\n\n".to_owned(), chat(" quiet.")],
        ),
        (
            "application/x-ndjson",
            vec!["{\"a\":\"sk_live_\"}\n".to_owned(), "{\"b\":2}\n".to_owned()],
        ),
    ] {
        for trailers in [false, true] {
            let exchange = answered(content_type, &body, trailers);
            let r = replay(&module, &options("{}"), &exchange).unwrap();
            assert!(r.failure.is_none(), "{:?}", r.failure);
            let got: Vec<_> = r
                .client
                .message
                .body
                .iter()
                .filter(|p| !p.is_empty())
                .cloned()
                .collect();
            let want: Vec<_> = body.iter().map(|b| b.clone().into_bytes()).collect();
            assert_eq!(got, want, "{content_type}");
        }
    }
}
