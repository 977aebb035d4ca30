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
