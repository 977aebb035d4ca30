//! Events of several lines of data, and lines that end in any way.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{Run, engine, run_body};
use keepmum_engine::{Body, Engine, Exchange, Framing, Workspace};

/// A synthetic key, built so that no file holds it.
fn key() -> String {
    format!("sk{}{}", "_live_", "FAKEfakeFAKEfakeFAKE0001")
}

const LABEL: &str = "[REDACTED:stripe-secret-key]";

fn run<'a>(engine: &Engine, framing: Framing, pieces: impl IntoIterator<Item = &'a [u8]>) -> Run {
    run_body(engine, Body::of_events(framing), pieces)
}

/// What comes of it, whatever the cut.
fn becomes(policy: &str, framing: Framing, text: &str, want: &str) -> Run {
    let e = engine(policy);
    let got = run(&e, framing, [text.as_bytes()]);
    assert_eq!(String::from_utf8_lossy(&got.out), want, "of {text:?}");
    let same = |other: Run, how: String| {
        assert_eq!(
            (String::from_utf8_lossy(&other.out), &other.found),
            (String::from_utf8_lossy(&got.out), &got.found),
            "{how} of {text:?}"
        );
    };
    same(run(&e, framing, text.as_bytes().chunks(1)), "single bytes".to_owned());
    let step = (text.len() / 400).max(1);
    for at in (0..=text.len()).step_by(step) {
        let (a, b) = text.as_bytes().split_at(at);
        same(run(&e, framing, [a, b]), format!("cut at {at}"));
    }
    got
}

fn left_after(policy: &str, framing: Framing, pieces: &[&str]) -> Vec<bool> {
    let e = engine(policy);
    let (mut work, mut exchange) = (Workspace::default(), Exchange::default());
    let mut body = Body::of_events(framing);
    let mut out = Vec::new();
    let left = pieces.iter().map(|p| {
        body.push(&e, &mut work, &mut exchange, p.as_bytes(), &mut out);
        body.held() == 0
    });
    left.collect()
}

/// Text in so many lines of data, the line ends as given.
fn in_data(text: &str, end: &str) -> String {
    text.split('\n').map(|line| format!("data: {line}{end}")).collect()
}

#[test]
fn lines_of_data_are_one_text() {
    let rows = "FAKEfakeFAKE0123456789+/FAKEfakeFAKE0123456789+/FAKEfakeFAKE0123\n".repeat(6);
    let block = |rows: &str| format!("-----BEGIN RSA {0}-----\n{rows}\n-----END RSA {0}-----", "PRIVATE KEY");
    let (pem, label) = (block(rows.trim_end()), block("[REDACTED:private-key-pem]"));
    for end in ["\n", "\r\n", "\r"] {
        for front in ["", "event: m\nid: 7\n", ": a comment\n"] {
            let front = front.replace('\n', end);
            let event = |text: &str| format!("{front}{}{end}", in_data(text, end));
            let text = [event("a\nb"), event(&format!("here:\n{pem}\nand so on")), event("c")].concat();
            let want = [event("a\nb"), event(&format!("here:\n{label}\nand so on")), event("c")].concat();
            becomes("{}", Framing::Events, &text, &want);
            // What keeps lines has lines of data.
            let policy = r#"{"detectors":{"actions":{"private-key-pem":"defang"}}}"#;
            let got = run(&engine(policy), Framing::Events, [text.as_bytes()]);
            let got = String::from_utf8(got.out).unwrap();
            assert!(!got.contains("FAKEfake") && got.contains("data: -----BEGIN"), "{got:?}");
            let lines = got.split(['\n', '\r']).filter(|l| !l.is_empty());
            assert!(
                lines.clone().all(|l| l.starts_with("data: ") || front.contains(l)),
                "{got:?}"
            );
            let policy = r#"{"response":{"action":{"mask":{"keep_last":0}}}}"#;
            let got = run(&engine(policy), Framing::Events, text.as_bytes().chunks(3));
            assert!(!String::from_utf8(got.out).unwrap().contains("FAKEfake"));
        }
        // JSON over many lines.
        let policy = r#"{"fields":[{"names":["password"]}]}"#;
        let event = |value: &str| {
            format!(
                "{}{end}",
                in_data(&format!("{{\n  \"a\": 1,\n  \"password\":\n    {value}\n}}"), end)
            )
        };
        becomes(
            policy,
            Framing::Events,
            &event("\"fake words\""),
            &event("\"[REDACTED:field]\""),
        );
        // Without the space, and with a line of another kind between.
        let text = format!("data:{}{end}data:x{end}id: 1{end}data: y{end}{end}", key());
        becomes("{}", Framing::Events, &text, &text.replace(&key(), LABEL));
        // Findings stand where they stood.
        let text = format!(
            "data: a{end}data: b{end}data: {}{end}{end}data: {}{end}{end}",
            key(),
            key()
        );
        let found = becomes("{}", Framing::Events, &text, &text.replace(&key(), LABEL)).found;
        let places: Vec<_> = text
            .match_indices(&key())
            .map(|(at, k)| (at as u64, (at + k.len()) as u64))
            .collect();
        assert_eq!(found.iter().map(|f| (f.1, f.2)).collect::<Vec<_>>(), places, "{end:?}");
        // No secret reaches into the next event.
        let half = format!("data: {}{end}{end}data: {}{end}{end}", &key()[..12], &key()[12..]);
        becomes("{}", Framing::Events, &half, &half);
    }
}

/// An event that ends with a carriage return does not wait for a line feed.
#[test]
fn line_ends_of_any_kind_let_events_go() {
    for end in ["\n", "\r\n", "\r"] {
        let event = |text: &str| format!("{}{end}", in_data(text, end));
        let pieces = [event("a"), event("b\nc"), event(&key()), event("{\"a\":1}\n{\"b\":2}")];
        let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
        assert_eq!(left_after("{}", Framing::Events, &pieces), [true; 4], "{end:?}");
    }
}

/// An event of OpenAI's chat completions.
fn chat(content: &str) -> String {
    format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{content}\"}}}}]}}\n\n")
}

/// What a text and then its event would both tell is told once.
#[test]
fn what_is_only_reported_is_counted_once() {
    let policy = r#"{"response":{"action":"report"}}"#;
    let k = key();
    let (a, b) = k.split_at(11);
    for (text, times) in [
        (chat(&k), 1),
        (chat(a) + &chat(b), 1),
        (chat(&k) + &chat(&format!(" {k}")), 2),
        (chat(&format!("{k} and {k}")), 2),
        (format!("data: {k}\n\n"), 1),
        (
            format!("data: {{\"a\":\"{k}\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{k}\"}}}}]}}\n\n"),
            2,
        ),
        (format!("data: x\ndata: {k}\n\n{}", chat(&k)), 2),
        (chat(&format!("{k} ")).repeat(400), 400),
    ] {
        let e = engine(policy);
        for size in [1, 50, text.len()] {
            let (mut work, mut exchange, mut out) = (Workspace::default(), Exchange::default(), Vec::new());
            let mut body = Body::of_events(Framing::Events);
            for piece in text.as_bytes().chunks(size) {
                if body.push(&e, &mut work, &mut exchange, piece, &mut out) == keepmum_engine::Flow::Pass {
                    out.extend_from_slice(piece);
                }
            }
            body.finish(&e, &mut work, &mut exchange, &mut out);
            assert_eq!(out, text.as_bytes());
            assert_eq!(
                exchange.counts().map(|c| c.times()).sum::<u64>(),
                times,
                "{size} of {text:?}"
            );
        }
    }
}

fn encoded(text: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |g: &[u8]| {
        let bits = g.iter().fold(0, |n, b| n << 8 | u32::from(*b)) << (8 * (3 - g.len()));
        let symbol = move |i: usize| char::from(ALPHABET[(bits >> (18 - 6 * i) & 63) as usize]);
        let n = g.len();
        (0..4).map(move |i| if i <= n { symbol(i) } else { '=' })
    };
    text.chunks(3).flat_map(group).collect()
}

/// A word that leaves since it is none is not written again with the rest of its group.
#[test]
fn base64_keeps_its_length_behind_a_word_that_has_left() {
    let e = engine("{}");
    for front in ["", "n", "nnn", "nznz", "njnjz", "bmnjz ", "key: "] {
        let run64 = encoded(format!("{front}{} and so on.", key()).as_bytes());
        for at in 1..run64.len().min(30) {
            let (a, b) = run64.split_at(at);
            let text = format!("{}{}{}", chat(a), chat(b), chat(" ok"));
            let got = String::from_utf8(run(&e, Framing::Events, [text.as_bytes()]).out).unwrap();
            let spelt: String = got
                .split("content\":\"")
                .skip(1)
                .map(|p| p.split('"').next().unwrap())
                .collect();
            let word = spelt.strip_suffix(" ok").unwrap();
            assert_eq!(word.len(), run64.len(), "{front:?} at {at}: {word}");
            let kept = run64.bytes().zip(word.bytes()).filter(|(a, b)| a == b).count();
            assert!(kept + key().len() < run64.len(), "{front:?} at {at}: {word}");
        }
    }
}
