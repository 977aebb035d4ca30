//! WebSockets: text is masked over the borders of frames, and every frame keeps its head and its length.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::sync::LazyLock;

use common::{assert_cuts_of_do_not_matter, assert_same, at_cuts, engine, run_body};
use keepmum_engine::{Body, Engine, Unread};
use proptest::prelude::*;

static ENGINE: LazyLock<Engine> = LazyLock::new(|| engine(r#"{"fields":[{"names":["password"]}]}"#));

const KEY: Option<[u8; 4]> = Some([0x5a, 0x13, 0xc7, 0x80]);
const FIN: u8 = 0x80;

fn secret() -> String {
    ["sk", "_live_", "FAKEfakeFAKEfakeFAKE0001"].concat()
}

fn stars() -> String {
    "*".repeat(secret().len())
}

/// A frame, whose length is written in as few bytes as can be.
fn frame(first: u8, key: Option<[u8; 4]>, text: &[u8]) -> Vec<u8> {
    let masked = if key.is_some() { 0x80 } else { 0 };
    let mut out = vec![first];
    match text.len() {
        n @ 0..=125 => out.push(masked | n as u8),
        n @ 126..=0xffff => {
            out.push(masked | 126);
            out.extend((n as u16).to_be_bytes());
        }
        n => {
            out.push(masked | 127);
            out.extend((n as u64).to_be_bytes());
        }
    }
    out.extend(key.iter().flatten());
    let key = key.unwrap_or_default();
    out.extend(text.iter().zip(key.iter().cycle()).map(|(b, k)| b ^ k));
    out
}

fn frames(all: &[(u8, &str)], key: Option<[u8; 4]>) -> Vec<u8> {
    all.iter()
        .flat_map(|(first, text)| frame(*first, key, text.as_bytes()))
        .collect()
}

/// First bytes and texts.
type Frames<'a> = &'a [(u8, &'a str)];

#[test]
fn text_is_masked_and_frames_keep_their_lengths() {
    let (s, m) = (secret(), stars());
    let (a, b) = s.split_at(9);
    let (c, d) = m.split_at(9);
    let long = format!("{} {s} {}", "fake ".repeat(40), "words ".repeat(30));
    let masked = long.replace(&s, &m);
    let reason = format!("\u{3}\u{8}{s}");
    let gone = reason.replace(&s, &m);
    let json = format!("{{\"password\":\"x\",\"k\":\"{s}\"}}");
    let json_masked = format!("{{\"password\":\"*\",\"k\":\"{m}\"}}");
    let cases: &[(Frames, Frames)] = &[
        (&[(FIN | 1, &s)], &[(FIN | 1, &m)]),
        (
            &[(FIN | 1, ""), (FIN | 1, &s), (FIN | 1, "")],
            &[(FIN | 1, ""), (FIN | 1, &m), (FIN | 1, "")],
        ),
        (&[(FIN | 1, &long), (FIN | 1, &s)], &[(FIN | 1, &masked), (FIN | 1, &m)]),
        (&[(FIN | 1, &json)], &[(FIN | 1, &json_masked)]),
        // One message in several frames, and others between them.
        (&[(1, a), (FIN, b)], &[(1, c), (FIN, d)]),
        (
            &[(1, a), (FIN | 9, &s), (0, ""), (FIN | 10, ""), (FIN, b), (FIN | 9, &s)],
            &[(1, c), (FIN | 9, &s), (0, ""), (FIN | 10, ""), (FIN, d), (FIN | 9, &s)],
        ),
        (
            &[(1, "x "), (0, a), (0, b), (FIN, "")],
            &[(1, "x "), (0, c), (0, d), (FIN, "")],
        ),
        // Two messages are two texts.
        (&[(FIN | 1, a), (FIN | 1, b)], &[(FIN | 1, a), (FIN | 1, b)]),
        // What continues nothing, and what is not continued.
        (&[(FIN, &s)], &[(FIN, &m)]),
        (&[(1, a), (FIN | 1, &s)], &[(1, a), (FIN | 1, &m)]),
        (&[(1, a)], &[(1, a)]),
        // A reason, behind its code.
        (&[(FIN | 8, &reason)], &[(FIN | 8, &gone)]),
        (&[(FIN | 8, "")], &[(FIN | 8, "")]),
        (&[(FIN | 8, "\u{3}")], &[(FIN | 8, "\u{3}")]),
        (&[(1, a), (FIN | 8, &reason)], &[(1, a), (FIN | 8, &gone)]),
        (&[(2, a), (FIN | 8, &reason)], &[(2, a), (FIN | 8, &gone)]),
    ];
    for (given, want) in cases {
        for key in [None, KEY] {
            let got = assert_cuts_of_do_not_matter(&ENGINE, &Body::of_websocket(), &frames(given, key));
            assert!(
                got.out == frames(want, key),
                "{given:?}\n{}",
                String::from_utf8_lossy(&got.out)
            );
            assert_eq!(got.unread.is_empty(), given.iter().all(|(first, _)| *first != 2));
        }
    }
}

#[test]
fn what_is_no_plain_text_passes_and_is_counted() {
    let s = secret();
    // Binary, compressed, not defined; each continued, with a ping between.
    for first in [2, 0x41, 3] {
        let given = frames(&[(first, &s), (FIN | 9, "x"), (FIN, &s), (FIN | 1, "fine")], KEY);
        let got = assert_cuts_of_do_not_matter(&ENGINE, &Body::of_websocket(), &given);
        assert_eq!(got.out, given);
        let bytes = 2 * s.len() as u64;
        assert_eq!(
            got.unread,
            [Unread {
                reason: "upgrade",
                parts: 1,
                bytes
            }]
        );
    }
}

#[test]
fn a_frame_may_be_larger_than_any_buffer_and_lie_about_its_length() {
    let long = format!("{}{}", "fake words ".repeat(200_000), secret());
    let given = frames(&[(FIN | 1, &long), (FIN | 1, &secret())], None);
    let want = frames(
        &[(FIN | 1, &long.replace(&secret(), &stars())), (FIN | 1, &stars())],
        None,
    );
    let got = run_body(&ENGINE, Body::of_websocket(), given.chunks(40_000));
    assert!(got.out == want);
    assert!(got.most_memory < 128 * 1024, "{} bytes held", got.most_memory);
    // It says 2^64 - 1.
    let lie = [&[FIN | 1, 127][..], &[0xff; 8], secret().as_bytes(), b" fake"].concat();
    let got = assert_cuts_of_do_not_matter(&ENGINE, &Body::of_websocket(), &lie);
    assert_eq!(got.out, [&lie[..10], stars().as_bytes(), b" fake"].concat());
}

#[test]
fn floods_take_little_memory_and_lose_nothing() {
    let s = secret();
    let ping = "p".repeat(125);
    for between in [
        vec![(FIN | 9, ping.as_str())],
        vec![(0, "")],
        vec![],
        vec![(0, "sk_live_")],
    ] {
        for front in ["sk_live_", "-----BEGIN PRIVATE KEY-----", "postgres://a:"] {
            let mut given = frames(&[(1, front)], None);
            for _ in 0..20_000 {
                given.extend(frames(&between, None));
                given.extend(frames(&[(0, "A")], None));
            }
            given.extend(frames(&[(FIN, " "), (FIN | 1, &s)], None));
            let got = run_body(&ENGINE, Body::of_websocket(), given.chunks(4_000));
            let again = run_body(&ENGINE, Body::of_websocket(), given.chunks(7));
            assert!(got.out == again.out, "{front} {between:?}");
            assert_eq!(got.out.len(), given.len());
            assert!(got.out.ends_with(stars().as_bytes()));
            assert!(
                got.most_memory < 192 * 1024,
                "{front} {between:?}: {} bytes held",
                got.most_memory
            );
            assert!(heads(&got.out) == heads(&given), "{front} {between:?}");
        }
    }
}

/// Heads and control frames, as a simple reader finds them, and whether text is UTF-8.
fn heads(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    while bytes.len() > 1 {
        let (short, masked) = (bytes[1] & 0x7f, if bytes[1] & 0x80 == 0 { 0 } else { 4 });
        let (len, front) = match short {
            126 if bytes.len() > 3 => (u64::from(u16::from_be_bytes([bytes[2], bytes[3]])), 4),
            127 if bytes.len() > 9 => (u64::from_be_bytes(bytes[2..10].try_into().unwrap()), 10),
            n => (u64::from(n), 2),
        };
        let (head, behind) = bytes.split_at((front + masked).min(bytes.len()));
        let (text, behind) = behind.split_at(usize::try_from(len).unwrap_or(usize::MAX).min(behind.len()));
        let control = bytes[0] & 0x0f > 8;
        all.push([head, if control { text } else { b"" }].concat());
        bytes = behind;
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn frames_come_out_the_same_however_they_are_cut(
        given in proptest::collection::vec((0usize..7, 0usize..9, any::<bool>()), 0..24),
        cuts in proptest::collection::vec(any::<usize>(), 0..12),
        spoilt in proptest::option::of((any::<usize>(), any::<u8>())),
    ) {
        let s = secret();
        let texts = ["", &s, &s[..5], &s[5..20], &s[20..], "{\"password\":\"fake\"}", "\u{e9}\u{4e00}", " ", "\u{3}\u{8}sk_"];
        let kinds = [FIN | 1, 1, 0, FIN, FIN | 2, FIN | 9, FIN | 8];
        let mut bytes = Vec::new();
        for (kind, text, masked) in given {
            bytes.extend(frame(kinds[kind], KEY.filter(|_| masked), texts[text].as_bytes()));
        }
        if let Some((at, b)) = spoilt {
            let len = bytes.len().max(1);
            if let Some(slot) = bytes.get_mut(at % len) {
                *slot = b;
            }
        }
        let want = run_body(&ENGINE, Body::of_websocket(), [&*bytes]);
        let got = run_body(&ENGINE, Body::of_websocket(), at_cuts(&bytes, &cuts));
        assert_same(&got, &want, &bytes, "cut");
        prop_assert_eq!(heads(&want.out), heads(&bytes));
        prop_assert_eq!(want.out.len(), bytes.len());
        if want.found.is_empty() {
            prop_assert_eq!(&want.out, &bytes);
        }
    }
}
