//! Encodings of single characters undone while reading: JSON's string escapes at any depth of nesting, HTML's character
//! references, and percent-encoding, once or twice.
//!
//! One or more backslashes before an escape letter are one character: `\n`, `\\n` and `\\\\n` are all a line feed
//! to a detector, since a JSON document inside a JSON string inside a JSON string escapes its escapes. That is
//! laxer than the grammar on purpose: a pattern sees what the innermost reader would see, and it works as well where
//! the JSON stands in a log line or in HTML. Source: RFC 8259 section 7.
//!
//! References are undone wherever they stand too, since nobody writes `&quot;` who means these six characters; also
//! twice (`&amp;quot;`), and where a JSON encoder has escaped the `&` (`\u0026quot;`). Percent-encoding is another
//! matter: a password in a URL may hold `%40`, and reads differently once the URL is inside another one. It is undone
//! only on request (`Reading::percent`), and [`crate::detect::track`] reads both ways.

use crate::decode::reference;
use crate::limits;

/// What is undone.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Reading {
    /// How often percent-encoding is undone, 2 at most.
    pub(crate) percent: u8,
    /// HTML's character references are undone.
    pub(crate) references: bool,
}

impl Reading {
    /// JSON's escapes and no more.
    pub(crate) const JSON: Reading = Reading {
        percent: 0,
        references: false,
    };

    /// An encoded character may begin with this byte.
    pub(crate) fn begins(self, b: u8) -> bool {
        b == b'\\' || (b == b'&' && self.references) || (b == b'%' && self.percent > 0)
    }
}

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
    /// Behind `%` and this many hexadecimal digits; `again`: behind a `%` that was itself encoded.
    Percent { digits: u8, value: u8, again: bool },
    /// Behind `&`.
    Reference(reference::State),
}

/// What one byte of input completes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Unit {
    /// Nothing yet.
    Pending,
    /// One character: these bytes (UTF-8), and how many.
    Char([u8; 3], u8),
    /// The escape was none: what [`literal`] says stands there, and the byte is to be read again.
    NotAnEscape,
}

impl Escape {
    /// Reads one byte inside an escape (or the one that begins it).
    pub(crate) fn read(&mut self, b: u8, reading: Reading) -> Unit {
        match *self {
            Escape::None => {
                *self = match b {
                    b'%' => Escape::Percent {
                        digits: 0,
                        value: 0,
                        again: false,
                    },
                    b'&' => Escape::Reference(reference::State::default()),
                    _ => Escape::Slashes(1),
                };
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
            Escape::Hex { digits, value } => {
                let Some(d) = digit(b) else {
                    *self = Escape::None;
                    return Unit::NotAnEscape;
                };
                let value = value << 4 | u16::from(d);
                if digits < 3 {
                    *self = Escape::Hex {
                        digits: digits + 1,
                        value,
                    };
                    return Unit::Pending;
                }
                if value == u16::from(b'&') && reading.references {
                    *self = Escape::Reference(reference::State::default());
                    return Unit::Pending;
                }
                *self = Escape::None;
                utf8(value)
            }
            Escape::Percent { digits, value, again } => {
                let Some(d) = digit(b) else {
                    *self = Escape::None;
                    return Unit::NotAnEscape;
                };
                let value = value << 4 | d;
                *self = match (digits, value, again) {
                    (0, ..) => Escape::Percent {
                        digits: 1,
                        value,
                        again,
                    },
                    (_, b'%', false) if reading.percent > 1 => Escape::Percent {
                        digits: 0,
                        value: 0,
                        again: true,
                    },
                    _ => {
                        *self = Escape::None;
                        return Unit::Char([value, 0, 0], 1);
                    }
                };
                Unit::Pending
            }
            Escape::Reference(mut state) => {
                let unit = state.read(b);
                *self = match unit {
                    Unit::Pending => Escape::Reference(state),
                    _ => Escape::None,
                };
                unit
            }
        }
    }
}

fn digit(b: u8) -> Option<u8> {
    char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok())
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
pub(super) fn utf8(c: u16) -> Unit {
    let low = |c: u16| 0x80 | (c & 0x3f) as u8;
    match c {
        0..0x80 => Unit::Char([c as u8, 0, 0], 1),
        0x80..0x800 => Unit::Char([0xc0 | (c >> 6) as u8, low(c), 0], 2),
        _ => Unit::Char([0xe0 | (c >> 12) as u8, low(c >> 6), low(c)], 3),
    }
}

/// How what was taken for an escape reads, now that it is none: `f(character, start, end)`.
pub(crate) fn literal(raw: &[u8], mut f: impl FnMut(u8, usize, usize)) {
    let amp = || {
        let json = raw.iter().take_while(|b| **b == b'\\').count();
        let behind = if json == 0 {
            raw.strip_prefix(b"&")?
        } else {
            raw.get(json..)?.strip_prefix(b"u0026")?
        };
        Some(raw.len() - behind.strip_prefix(b"amp;").unwrap_or(behind).len())
    };
    let front = match raw {
        [b'%', b'2', b'5', ..] => Some((b'%', 3)),
        _ => amp().map(|end| (b'&', end)),
    };
    let mut from = 0;
    if let Some((c, end)) = front {
        f(c, 0, end);
        from = end;
    }
    for (i, b) in raw.iter().enumerate().skip(from) {
        f(*b, i, i + 1);
    }
}

/// The text of a stretch of input, for validators and comparison. Never longer than the input.
pub(crate) fn text_of(raw: &[u8], reading: Reading) -> std::borrow::Cow<'_, [u8]> {
    // A reading without percent-encoding or references looks at what begins one in vain, and that is all.
    if memchr::memchr3(b'\\', b'%', b'&', raw).is_none() || !raw.iter().any(|b| reading.begins(*b)) {
        return raw.into();
    }
    let mut out = Vec::with_capacity(raw.len());
    let cut = for_each_char(raw, reading, |c, _, _| out.extend_from_slice(c));
    literal(cut.and_then(|at| raw.get(at..)).unwrap_or_default(), |c, _, _| {
        out.push(c)
    });
    out.into()
}

/// A key of JSON as its parser gives it: its escapes undone once, and no more. `None`: no parser would take it.
pub(crate) fn key_of(raw: &[u8]) -> Option<std::borrow::Cow<'_, [u8]>> {
    if memchr::memchr(b'\\', raw).is_none() {
        return Some(raw.into());
    }
    let text: String = serde_json::from_slice(&[b"\"", raw, b"\""].concat()).ok()?;
    Some(text.into_bytes().into())
}

/// What the first character of a text is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Front {
    /// One of ASCII, encoded in so many bytes.
    Encoded(u8, usize),
    /// The byte that stands there.
    Plain,
    /// Beyond ASCII, or cut off.
    Unclear,
}

/// Reads the first character.
pub(crate) fn front(text: &[u8], reading: Reading) -> Front {
    match text.first() {
        None => return Front::Unclear,
        Some(b) if !reading.begins(*b) => return Front::Plain,
        _ => {}
    }
    let mut esc = Escape::None;
    for (i, b) in text.iter().enumerate().take(limits::ESCAPE_BYTES) {
        match esc.read(*b, reading) {
            Unit::Pending => {}
            Unit::Char([c, ..], 1) => return Front::Encoded(c, i + 1),
            Unit::Char(..) => break,
            Unit::NotAnEscape => {
                let mut first = (0, 0);
                literal(text.get(..i).unwrap_or_default(), |c, start, end| {
                    if start == 0 {
                        first = (c, end);
                    }
                });
                return match first {
                    (c, 2..) => Front::Encoded(c, first.1),
                    _ => Front::Plain,
                };
            }
        }
    }
    Front::Unclear
}

/// The character of ASCII that stands encoded at the beginning of `text`, and its length.
pub(crate) fn encoded(text: &[u8], reading: Reading) -> Option<(u8, usize)> {
    match front(text, reading) {
        Front::Encoded(c, len) => Some((c, len)),
        _ => None,
    }
}

/// Calls `f(character, start, end)` for each complete character; returns where an incomplete escape begins.
pub(crate) fn for_each_char(raw: &[u8], reading: Reading, mut f: impl FnMut(&[u8], usize, usize)) -> Option<usize> {
    let mut esc = Escape::None;
    let mut start = 0;
    let mut i = 0;
    while let Some(&b) = raw.get(i) {
        if esc == Escape::None {
            start = i;
            if !reading.begins(b) {
                f(&[b], i, i + 1);
                i += 1;
                continue;
            }
        }
        match esc.read(b, reading) {
            Unit::Pending => i += 1,
            Unit::Char(c, n) => {
                i += 1;
                f(c.get(..usize::from(n)).unwrap_or_default(), start, i);
            }
            // `b` is read again.
            Unit::NotAnEscape => literal(raw.get(start..i).unwrap_or_default(), |c, from, to| {
                f(&[c], start + from, start + to)
            }),
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
            assert_eq!(*text_of(raw.as_bytes(), Reading::JSON), *text.as_bytes(), "{raw}");
        }
    }

    const REFERENCES: Reading = Reading {
        percent: 0,
        references: true,
    };

    #[test]
    fn references_are_undone_and_what_is_none_stays() {
        for (raw, text) in [
            ("&quot;k&quot;", "\"k\""),
            ("a&#x3D;b&#61;c&#X3d;d&equals;e", "a=b=c=d=e"),
            ("postgres:&#x2F;&sol;u&colon;p&commat;h", "postgres://u:p@h"),
            (r"\u0026quot;k\u0026#39;\\u0026amp;x", "\"k'&x"),
            ("&amp;quot;&amp;amp;&amp;#39;", "\"&'"),
            ("?a=1&amp;b=2&c=3&amp;amp=4", "?a=1&b=2&c=3&amp=4"),
            ("&nbsp;&#160;&#xe9;&#8364;&#x1F511;", "  é€\u{fffd}"),
            (
                "&;&#;&#x;&#xg;&nosuch;&#0;&#x110000;",
                "&;&#;&#x;&#xg;&nosuch;&#0;&#x110000;",
            ),
            ("&#x0000000002F;&#x0000002F;", "&#x0000000002F;/"),
            ("&&quot;&q&quot;&#&quot;&amp", "&\"&q\"&#\"&amp"),
            ("%3A", "%3A"),
        ] {
            let got = text_of(raw.as_bytes(), REFERENCES);
            assert_eq!(String::from_utf8_lossy(&got), text, "{raw}");
        }
    }

    #[test]
    fn percent_encoding_is_undone_as_often_as_asked() {
        let reading = |percent| Reading {
            percent,
            references: true,
        };
        for (raw, once, twice) in [
            ("a%3Ab%3ac", "a:b:c", "a:b:c"),
            ("a%253Ab%253ac", "a%3Ab%3ac", "a:b:c"),
            ("a%25253Ab", "a%253Ab", "a%3Ab"),
            ("%zz%%41%4%41%", "%zz%A%4A%", "%zz%A%4A%"),
            ("%25zz%25%41%252", "%zz%A%2", "%zz%A%2"),
            ("%C3%A9&amp;%26", "é&&", "é&&"),
        ] {
            for (n, want) in [(0, raw.replace("&amp;", "&")), (1, once.into()), (2, twice.into())] {
                let got = text_of(raw.as_bytes(), reading(n));
                assert_eq!(String::from_utf8_lossy(&got), want, "{raw} {n}");
            }
        }
    }

    #[test]
    fn the_encoded_character_in_front_is_told_with_its_length() {
        let reading = Reading {
            percent: 2,
            references: true,
        };
        for (raw, want) in [
            ("%3Ax", Some((b':', 3))),
            ("%253Ax", Some((b':', 5))),
            ("%25x", Some((b'%', 3))),
            ("&quot;", Some((b'"', 6))),
            ("&amp;x=", Some((b'&', 5))),
            (r"\u0026x=", Some((b'&', 6))),
            (r"\u0026#x3a;", Some((b':', 11))),
            ("&x=", None),
            ("%", None),
            ("%3", None),
            ("x", None),
            ("&#xe9;", None),
        ] {
            assert_eq!(encoded(raw.as_bytes(), reading), want, "{raw}");
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
            assert_eq!(for_each_char(raw.as_bytes(), Reading::JSON, |_, _, _| ()), at, "{raw}");
        }
    }
}
