//! JSON strings for text that need not be UTF-8.
//!
//! `serde_json` reads a string with half a surrogate pair as bytes, and writes no such thing. Here it is written as the
//! escape that it came as; a byte that belongs to no character becomes U+FFFD.

use std::io::{self, Write};

/// Writes `text` as a JSON string, with its quotes.
pub fn string(out: &mut impl Write, text: &[u8]) -> io::Result<()> {
    out.write_all(b"\"")?;
    let mut rest = text;
    loop {
        match std::str::from_utf8(rest) {
            Ok(good) => {
                escaped(out, good.as_bytes())?;
                return out.write_all(b"\"");
            }
            Err(e) => {
                let (good, bad) = rest.split_at_checked(e.valid_up_to()).unwrap_or((rest, b""));
                escaped(out, good)?;
                let len = match bad {
                    [0xed, b @ 0xa0..=0xbf, c @ 0x80..=0xbf, ..] => {
                        write!(out, "\\ud{:03x}", (u16::from(*b) & 0x3f) << 6 | u16::from(*c) & 0x3f)?;
                        3
                    }
                    _ => {
                        out.write_all("\u{fffd}".as_bytes())?;
                        e.error_len().unwrap_or(bad.len())
                    }
                };
                rest = bad.get(len..).unwrap_or_default();
            }
        }
    }
}

/// Writes what needs no escape as it is, in long stretches.
fn escaped(out: &mut impl Write, text: &[u8]) -> io::Result<()> {
    let mut from = 0;
    let special = |b: &u8| *b < 0x20 || matches!(b, b'"' | b'\\');
    while let Some(rest) = text.get(from..).filter(|r| !r.is_empty()) {
        let plain = rest.iter().position(special).unwrap_or(rest.len());
        out.write_all(rest.get(..plain).unwrap_or_default())?;
        match rest.get(plain) {
            Some(b'"') => out.write_all(b"\\\"")?,
            Some(b'\\') => out.write_all(b"\\\\")?,
            Some(b'\n') => out.write_all(b"\\n")?,
            Some(b'\r') => out.write_all(b"\\r")?,
            Some(b'\t') => out.write_all(b"\\t")?,
            Some(b) => write!(out, "\\u{b:04x}")?,
            None => {}
        }
        from += plain + 1;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::string;

    #[test]
    fn any_bytes_become_a_json_string() {
        for (text, json) in [
            (&b"plain"[..], "\"plain\""),
            (b"a\"b\\c\n\x00\x1f\x7f", "\"a\\\"b\\\\c\\n\\u0000\\u001f\u{7f}\""),
            ("é\u{1f600}".as_bytes(), "\"é\u{1f600}\""),
            (b"\xed\xa0\xbdx\xed\xb8\x80", "\"\\ud83dx\\ude00\""),
            (b"x\xff\xfey\xe2\x82", "\"x\u{fffd}\u{fffd}y\u{fffd}\""),
            (b"\xed\xa0", "\"\u{fffd}\u{fffd}\""),
        ] {
            let mut out = Vec::new();
            string(&mut out, text).unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), json);
        }
    }
}
