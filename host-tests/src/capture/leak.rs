//! Whether planted secrets are in what a client saw: as they are, or behind an encoding that any reader undoes.
//!
//! More than a search for the exact value: half of a token, or a token behind `\u0073` escapes, is a leak too, and
//! "the value is not there" would call both clean.

use crate::exchange::{Message, Planted};

/// A run of at least this share of a secret counts as the secret.
const TELLING_SHARE: usize = 2;
/// JSON strings hold JSON strings: how many layers are taken off.
const LAYERS: usize = 3;

/// The names of those planted secrets of which at least half, in one piece, is in the message.
pub fn leaked<'a>(planted: &'a [Planted], message: &Message) -> Vec<&'a str> {
    if planted.is_empty() {
        return Vec::new();
    }
    let mut views = Vec::new();
    let trailers = message.trailers.iter().flatten();
    for (_, value) in message.headers.iter().chain(trailers) {
        views.extend(decodings(value));
    }
    views.extend(decodings(&message.body_bytes()));
    planted
        .iter()
        .filter(|plant| views.iter().any(|view| holds(view, &plant.value)))
        .map(|plant| plant.name.as_str())
        .collect()
}

/// The text, and what it says once JSON's escapes and percent-encoding are undone.
fn decodings(text: &[u8]) -> Vec<Vec<u8>> {
    let mut views = vec![text.to_vec()];
    let mut layer = text.to_vec();
    for _ in 0..LAYERS {
        let next = without_json_escapes(&layer);
        if next == layer {
            break;
        }
        views.push(next.clone());
        layer = next;
    }
    let next = without_percents(text);
    if next != text {
        views.push(next);
    }
    views
}

fn without_json_escapes(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        let (b'\\', Some((&letter, after))) = (byte, rest.split_first()) else {
            out.push(byte);
            continue;
        };
        rest = after;
        match letter {
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'u' => match rest.get(..4).and_then(hex) {
                Some(unit) => {
                    let c = char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER);
                    out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                    rest = rest.get(4..).unwrap_or_default();
                }
                None => out.extend_from_slice(b"\\u"),
            },
            _ => out.push(letter),
        }
    }
    out
}

fn without_percents(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        let code = (byte == b'%').then(|| after.get(..2).and_then(hex)).flatten();
        match code.and_then(|code| u8::try_from(code).ok()) {
            Some(code) => {
                out.push(code);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                out.push(byte);
                rest = after;
            }
        }
    }
    out
}

fn hex(digits: &[u8]) -> Option<u32> {
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// Whether at least half of the secret is in the text in one piece. A run of half the length holds one of the four
/// quarters' blocks whole, so four searches find every candidate.
fn holds(text: &[u8], secret: &[u8]) -> bool {
    let needed = secret.len().div_ceil(TELLING_SHARE).max(1);
    let block = (needed / 2).max(1);
    (0..secret.len().saturating_sub(block - 1)).step_by(block).any(|from| {
        let Some(needle) = secret.get(from..from + block) else {
            return false;
        };
        memchr::memmem::find_iter(text, needle).any(|at| {
            let before = common_suffix(&text[..at], &secret[..from]);
            let after = common_prefix(&text[at + block..], &secret[from + block..]);
            before + block + after >= needed
        })
    })
}

fn common_prefix(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

fn common_suffix(a: &[u8], b: &[u8]) -> usize {
    a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(body: &[u8]) -> Message {
        Message {
            body: body.chunks(7).map(<[u8]>::to_vec).collect(),
            ..Message::default()
        }
    }

    #[test]
    fn a_secret_is_seen_whole_halved_and_encoded_and_nowhere_else() {
        let plant = [Planted {
            name: "key".into(),
            value: b"k/234567890abcdefghi".to_vec(),
        }];
        for (body, seen) in [
            ("", false),
            ("nothing", false),
            ("<k/234567890abcdefghi>", true),
            ("90abcdefghi and so on", true),
            ("x4567890abx", false),
            ("x4567890abcx", true),
            ("k/2345678", false),
            (r"k\/234567890abcdefghi", true),
            (r"\u006b\u002f234567890abcdefghi", true),
            (r#"{"a":"{\"b\":\"k\\/234567890\"}"}"#, true),
            ("k%2F234567890abcdefghi", true),
            ("k%2F23456**", false),
            (r"\u", false),
            ("%", false),
            (r"\", false),
        ] {
            let found = leaked(&plant, &message(body.as_bytes()));
            assert_eq!(!found.is_empty(), seen, "{body}");
        }
    }

    #[test]
    fn headers_and_trailers_are_looked_at_too() {
        let plant = [Planted {
            name: "key".into(),
            value: b"0123456789".to_vec(),
        }];
        let pair = || vec![(b"x".to_vec(), b"0123456789".to_vec())];
        let in_header = Message {
            headers: pair(),
            ..Message::default()
        };
        let in_trailer = Message {
            trailers: Some(pair()),
            ..Message::default()
        };
        assert_eq!(leaked(&plant, &in_header), ["key"]);
        assert_eq!(leaked(&plant, &in_trailer), ["key"]);
    }
}
