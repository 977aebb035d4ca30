//! JSON string escapes undone while reading, at any depth of nesting.
//!
//! One or more backslashes before an escape letter are one character: `\n`, `\\n` and `\\\\n` are all a line feed
//! to a detector, since a JSON document inside a JSON string inside a JSON string escapes its escapes. That is
//! laxer than the grammar on purpose: a pattern sees what the innermost reader would see, and it works as well where
//! the JSON stands in a log line or in HTML. Source: RFC 8259 section 7.

use crate::limits;

/// Where in an escape the reader stands, between two bytes of input.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Escape {
    /// Between characters.
    #[default]
    None,
    /// Behind this many backslashes.
    Slashes(u8),
    /// Behind `\u` and this many hexadecimal digits.
    Hex { digits: u8, value: u16 },
}

/// What one byte of input completes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Unit {
    /// Nothing yet.
    Pending,
    /// One character: these bytes (UTF-8), and how many.
    Char([u8; 3], u8),
    /// The escape was none: the backslash stands for itself, and the byte is to be read again.
    NotAnEscape,
}

impl Escape {
    /// Reads one byte inside an escape (or the backslash that begins one).
    pub(crate) fn read(&mut self, b: u8) -> Unit {
        match *self {
            Escape::None => {
                *self = Escape::Slashes(1);
                Unit::Pending
            }
            Escape::Slashes(n) => match b {
                b'\\' if n < limits::ESCAPE_SLASHES => {
                    *self = Escape::Slashes(n + 1);
                    Unit::Pending
                }
                b'u' => {
                    *self = Escape::Hex { digits: 0, value: 0 };
                    Unit::Pending
                }
                _ => {
                    *self = Escape::None;
                    match letter(b) {
                        Some(c) => Unit::Char([c, 0, 0], 1),
                        None => Unit::NotAnEscape,
                    }
                }
            },
            Escape::Hex { digits, value } => match char::from(b).to_digit(16) {
                Some(d) => {
                    let value = value << 4 | d as u16;
                    if digits == 3 {
                        *self = Escape::None;
                        return utf8(value);
                    }
                    *self = Escape::Hex {
                        digits: digits + 1,
                        value,
                    };
                    Unit::Pending
                }
                None => {
                    *self = Escape::None;
                    Unit::NotAnEscape
                }
            },
        }
    }
}

/// The character that a one-letter escape stands for.
fn letter(b: u8) -> Option<u8> {
    Some(match b {
        b'"' | b'/' | b'\'' => b,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 8,
        b'f' => 12,
        _ => return None,
    })
}

/// Halves of a surrogate pair come out one by one, as three bytes each: no detector asks for them.
fn utf8(c: u16) -> Unit {
    let low = |c: u16| 0x80 | (c & 0x3f) as u8;
    match c {
        0..0x80 => Unit::Char([c as u8, 0, 0], 1),
        0x80..0x800 => Unit::Char([0xc0 | (c >> 6) as u8, low(c), 0], 2),
        _ => Unit::Char([0xe0 | (c >> 12) as u8, low(c >> 6), low(c)], 3),
    }
}

/// The text of a stretch of input, for validators and comparison. Never longer than the input.
pub(crate) fn text_of(raw: &[u8]) -> std::borrow::Cow<'_, [u8]> {
    if memchr::memchr(b'\\', raw).is_none() {
        return raw.into();
    }
    let mut out = Vec::with_capacity(raw.len());
    for_each_char(raw, |c, _, _| out.extend_from_slice(c));
    out.into()
}

/// Calls `f(character, start, end)` for each complete character; returns where an incomplete escape begins.
pub(crate) fn for_each_char(raw: &[u8], mut f: impl FnMut(&[u8], usize, usize)) -> Option<usize> {
    let mut esc = Escape::None;
    let mut start = 0;
    let mut i = 0;
    while let Some(&b) = raw.get(i) {
        if esc == Escape::None {
            start = i;
            if b != b'\\' {
                f(&[b], i, i + 1);
                i += 1;
                continue;
            }
        }
        match esc.read(b) {
            Unit::Pending => i += 1,
            Unit::Char(c, n) => {
                i += 1;
                f(c.get(..usize::from(n)).unwrap_or_default(), start, i);
            }
            Unit::NotAnEscape => {
                f(b"\\", start, start + 1);
                // What followed stands for itself: read it again as text, but for the backslashes already passed.
                let tail = raw.get(start + 1..i).unwrap_or_default();
                for (k, c) in tail.iter().enumerate() {
                    f(&[*c], start + 1 + k, start + 2 + k);
                }
            }
        }
    }
    (esc != Escape::None).then_some(start)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_undone_at_any_depth() {
        for (raw, text) in [
            (r"plain", "plain"),
            (r"\u0073k", "sk"),
            (r"a\/b\\/c", "a/b/c"),
            (r#"x\ny\\nz\"q"#, "x\ny\nz\"q"),
            (r"\u00e9\u20ac", "é€"),
            (r"C:\dir", r"C:\dir"),
            (r"\u00zz", r"\u00zz"),
        ] {
            assert_eq!(text_of(raw.as_bytes()), text.as_bytes(), "{raw}");
        }
    }

    #[test]
    fn an_escape_cut_off_at_the_end_is_reported() {
        for (raw, at) in [
            (r"ab\", Some(2)),
            (r"ab\u00", Some(2)),
            ("ab", None),
            (r"a\\\", Some(1)),
        ] {
            assert_eq!(for_each_char(raw.as_bytes(), |_, _, _| ()), at, "{raw}");
        }
    }
}
