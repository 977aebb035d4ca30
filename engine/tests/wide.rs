//! Bodies in UTF-16: read as text, rewritten as UTF-16, and left byte for byte where nothing was found.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{JSON, assert_cuts_do_not_matter, at_cuts, engine, run, whole};
use keepmum_engine::BodyKind;
use proptest::prelude::*;

fn wide(text: &str, big: bool) -> Vec<u8> {
    let bytes = |u: u16| if big { u.to_be_bytes() } else { u.to_le_bytes() };
    text.encode_utf16().flat_map(bytes).collect()
}

fn check(policy: &str, text: &str, want: &str) {
    let e = engine(policy);
    for big in [false, true] {
        for mark in ["", "\u{feff}"] {
            let (text, want) = (wide(&format!("{mark}{text}"), big), wide(&format!("{mark}{want}"), big));
            let got = whole(&e, JSON, &text);
            assert!(got.out == want, "{:?}", String::from_utf8_lossy(&got.out));
            assert_cuts_do_not_matter(&e, JSON, &text);
            let twice = whole(&e, JSON, &want);
            assert!(twice.out == want && twice.found.is_empty());
            // An odd byte at the end is kept.
            let odd = [text.as_slice(), b"\x41"].concat();
            assert_eq!(whole(&e, JSON, &odd).out, [want.as_slice(), b"\x41"].concat());
            assert_cuts_do_not_matter(&e, JSON, &odd);
        }
    }
}

fn stripe() -> String {
    format!("sk{}{}", "_live_", "FAKEfakeFAKEfakeFAKE0001")
}

#[test]
fn secrets_go_in_both_orders_with_and_without_a_mark() {
    let s = stripe();
    for (front, back) in [("{\"a\":\"", "\"}"), ("key is größer € 😀 ", " 😀"), ("<?xml ", "?>")] {
        check(
            "{}",
            &format!("{front}{s}{back}"),
            &format!("{front}[REDACTED:stripe-secret-key]{back}"),
        );
    }
    check(
        r#"{"fields":[{"names":["password"]}],"detectors":{"packs":[]}}"#,
        "{\"ü\":\"€\",\"password\":\"größer € 😀 0123456789\"}",
        "{\"ü\":\"€\",\"password\":\"[REDACTED:field]\"}",
    );
}

#[test]
fn findings_stand_where_the_input_has_them() {
    let s = stripe();
    let front = "{\"ü€😀\":\"";
    let text = wide(&format!("\u{feff}{front}{s}\"}}"), false);
    let from = 2 + 2 * front.encode_utf16().count() as u64;
    let want = [("stripe-secret-key".to_owned(), from, from + 2 * s.len() as u64)];
    let e = engine("{}");
    for pieces in [1, 5, 1000] {
        assert_eq!(run(&e, JSON, text.chunks(pieces)).found, want);
    }
    let e = engine(r#"{"fields":[{"names":["password"]}]}"#);
    let front = "{\"password\":\"";
    let value = "größer € 😀 ".repeat(3000);
    let text = wide(&format!("{front}{value}\"}}"), true);
    let from = 2 * front.len() as u64;
    let want = [("field".to_owned(), from, from + 2 * value.encode_utf16().count() as u64)];
    for pieces in [1, 5000, 1_000_000] {
        assert_eq!(run(&e, JSON, text.chunks(pieces)).found, want);
    }
}

#[test]
fn halves_of_pairs_and_other_broken_text_come_back() {
    let e = engine("{}");
    for middle in [
        b"\x3d\xd8".as_slice(),
        b"\x00\xde",
        b"\x3d\xd8\x3d\xd8\x00\xde\x00\xde",
        b"\xff\xff\xfe\xff",
        b"\0\0\0\0",
    ] {
        let text = [&wide("{\"a\":\"", false), middle, &wide("\"}", false), middle].concat();
        assert_eq!(whole(&e, JSON, &text).out, text);
        assert_cuts_do_not_matter(&e, JSON, &text);
        let secret = [
            &wide("{\"a\":\"", false),
            middle,
            &wide(&format!(" {} ", stripe()), false),
            middle,
        ]
        .concat();
        let want = [
            &wide("{\"a\":\"", false),
            middle,
            &wide(" [REDACTED:stripe-secret-key] ", false),
            middle,
        ]
        .concat();
        assert_eq!(whole(&e, JSON, &secret).out, want);
        assert_cuts_do_not_matter(&e, JSON, &secret);
    }
}

#[test]
fn a_body_that_must_keep_its_length_or_a_policy_without_the_layer_leaves_it_alone() {
    let text = wide(&format!("{{\"a\":\"{}\"}}", stripe()), false);
    let kept = BodyKind {
        json: true,
        keep_length: true,
    };
    assert_eq!(whole(&engine("{}"), kept, &text).out, text);
    let off = engine(r#"{"response":{"decode":["base64"]}}"#);
    assert_eq!(whole(&off, JSON, &text).out, text);
}

#[test]
fn two_bytes_in_front_get_nothing_past() {
    let e = engine("{}");
    for front in [
        b"\xff\xfe".as_slice(),
        b"\xfe\xff",
        b"\xff\xfea",
        b"a\0b\0",
        b"\0a\0b\0",
    ] {
        let text = [front, b" ", stripe().as_bytes(), b" ", stripe().as_bytes(), b"."].concat();
        let label = b"[REDACTED:stripe-secret-key]";
        assert_eq!(
            whole(&e, JSON, &text).out,
            [front, b" ", label, b" ", label, b"."].concat()
        );
        assert_cuts_do_not_matter(&e, JSON, &text);
    }
}

#[test]
fn short_bodies_pass() {
    let e = engine("{}");
    for text in [
        b"".as_slice(),
        b"{",
        b"5",
        b"\xff",
        b"\0",
        b"{\0",
        b"{\0}",
        b"\xff\xfe",
        b"\xff\xfe{",
        b"ab",
        b"\0a\0",
    ] {
        assert_eq!(whole(&e, JSON, text).out, text);
        assert_cuts_do_not_matter(&e, JSON, text);
    }
}

#[test]
fn floods_hold_little() {
    let e = engine(r#"{"fields":[{"names":["password"]}]}"#);
    for flood in [
        "a",
        "€",
        "😀",
        "sk_live_",
        "QUJDREVGR0hJSktM",
        "\"password\":\"ü",
        "-----BEGIN ",
    ] {
        let text = wide(&flood.repeat(100_000 / flood.len()), false);
        for pieces in [1000, 16 * 1024] {
            let got = run(&e, JSON, text.chunks(pieces));
            assert!(got.most_memory < 128 * 1024, "{flood}: {} held", got.most_memory);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_cut_changes_the_output(
        units in prop::collection::vec(prop_oneof![
            Just(vec![0x22u16]), Just(vec![0xd83d]), Just(vec![0xde00]), Just(vec![0x20ac]), Just(vec![0x5c]), Just(vec![0]),
            Just(stripe().encode_utf16().collect::<Vec<_>>()), Just(" \"password\":\"ü".encode_utf16().collect::<Vec<_>>()),
            Just("sk_li".encode_utf16().collect::<Vec<_>>()),
        ], 0..12),
        cuts in prop::collection::vec(0usize..400, 0..6),
        odd in any::<bool>(),
        mark in any::<bool>(),
        policy in 0usize..2,
    ) {
        let units: Vec<u16> = mark.then_some(0xfeff).into_iter().chain(units.into_iter().flatten()).collect();
        let mut text: Vec<u8> = units.iter().flat_map(|u| u.to_le_bytes()).collect();
        if odd {
            text.push(b'x');
        }
        let e = engine([r#"{"fields":[{"names":["password"]}]}"#, r#"{"response":{"action":"mask"}}"#][policy]);
        let want = whole(&e, JSON, &text);
        if want.found.is_empty() && policy == 1 {
            prop_assert_eq!(&want.out, &text);
        }
        let got = run(&e, JSON, at_cuts(&text, &cuts));
        prop_assert_eq!(&got, &common::Run { most_memory: got.most_memory, ..want.clone() });
        let bytes = run(&e, JSON, text.chunks(1));
        prop_assert_eq!(&bytes.out, &want.out);
        prop_assert_eq!(&bytes.found, &want.found);
    }
}
