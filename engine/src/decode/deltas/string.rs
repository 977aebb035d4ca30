//! A JSON string that is there as a whole, character by character, and text as it stands in one.
//!
//! `decode/escape.rs` reads escapes in any text, with any number of backslashes; here one level is undone, and has to be found again
//! in its place when the text was changed.

/// One character of a JSON string: how long it stands there, and what it is.
pub(crate) struct Unit {
    pub(crate) len: usize,
    bytes: [u8; 4],
    count: u8,
}

impl Unit {
    /// The one at the front of what is left of a string, if there is one.
    pub(crate) fn first(raw: &[u8]) -> Option<Unit> {
        let b = *raw.first()?;
        let plain = |len, b| Unit {
            len,
            bytes: [b, 0, 0, 0],
            count: 1,
        };
        if b != b'\\' {
            return Some(plain(1, b));
        }
        Some(match raw.get(1) {
            None => plain(1, b),
            Some(b'u') => {
                let Some(high) = hex(raw, 2) else {
                    return Some(plain(2, b'u'));
                };
                let low = || match raw.get(6..8) {
                    Some(b"\\u") => hex(raw, 8).filter(|l| (0xdc00..0xe000).contains(l)),
                    _ => None,
                };
                let (code, len) = match (high, if (0xd800..0xdc00).contains(&high) { low() } else { None }) {
                    (high, Some(low)) => (0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00), 12),
                    (code, None) => (code, 6),
                };
                let c = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
                let mut bytes = [0; 4];
                let count = u8::try_from(c.encode_utf8(&mut bytes).len()).unwrap_or(0);
                Unit { len, bytes, count }
            }
            Some(b'n') => plain(2, b'\n'),
            Some(b'r') => plain(2, b'\r'),
            Some(b't') => plain(2, b'\t'),
            Some(b'b') => plain(2, 8),
            Some(b'f') => plain(2, 12),
            Some(c) => plain(2, *c),
        })
    }

    pub(crate) fn text(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.count)).unwrap_or_default()
    }
}

fn hex(raw: &[u8], at: usize) -> Option<u32> {
    let digits = raw.get(at..at + 4)?;
    digits
        .iter()
        .try_fold(0, |n, b| Some(n * 16 + char::from(*b).to_digit(16)?))
}

/// What a string is that stands so in JSON.
pub(crate) fn decoded(raw: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(escape) = memchr::memchr(b'\\', rest) {
        text.extend_from_slice(rest.get(..escape).unwrap_or_default());
        rest = rest.get(escape..).unwrap_or_default();
        let Some(unit) = Unit::first(rest) else { break };
        text.extend_from_slice(unit.text());
        rest = rest.get(unit.len..).unwrap_or_default();
    }
    text.extend_from_slice(rest);
    text
}

/// Writes a text as it may stand in a JSON string.
pub(crate) fn encode(text: &[u8], out: &mut Vec<u8>) {
    for &b in text {
        match b {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', b]),
            0..=0x1f => out.extend_from_slice(format!("\\u{b:04x}").as_bytes()),
            b => out.push(b),
        }
    }
}
