//! The spellings in which a value can appear: what encoders in use make of it.
//!
//! Each knows which bytes of it are made by which bytes of the value alone, so that all gates of a secret can be made of the
//! same three ([`crate::publish`]).

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{GeneralPurpose, general_purpose::NO_PAD};
use zeroize::Zeroizing;

use crate::alphabet::Alphabet;
use crate::core64::Shift;
use crate::walk::Walk;

/// One spelling.
pub struct Form {
    /// What it is called: `raw`, `base64/1`, …
    pub name: &'static str,
    /// Its bytes.
    pub text: Zeroizing<Vec<u8>>,
    /// For each byte of the value, and for its end, where what it alone makes begins, at the earliest and at the latest.
    spans: Vec<(usize, usize)>,
    pub(crate) walk: Walk,
    /// Its characters say so little that a gate needs five of them.
    pub(crate) sparse: bool,
}

impl std::fmt::Debug for Form {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Form({}, {} bytes)", self.name, self.text.len())
    }
}

impl Form {
    /// The characters that its encoder writes, so that this tells little of the value.
    pub(crate) fn alphabet(&self, text: &[u8]) -> Alphabet {
        let written: &[u8] = match self.name {
            "hex" => b"0a",
            "hex-upper" => b"0A",
            "raw" => text,
            n if n.starts_with("base64url") => b"-",
            n if n.starts_with("base64") => b"+",
            "percent" | "percent-lower" | "percent-path" | "form" | "form-tilde" => b"%",
            _ if text.iter().all(|b| b.is_ascii_graphic() || *b == b' ') => b" ",
            _ => b"\0",
        };
        Alphabet::of(written)
    }

    /// The bytes of a core, big-endian, and where they begin, if they can be read from the characters around a gate.
    pub(crate) fn core_at(&self, value: &[u8], core: std::ops::Range<usize>, place: usize) -> Option<(u64, Shift)> {
        let phase = self
            .name
            .strip_prefix("base64")
            .and_then(|n| n.rsplit_once('/'))?
            .1
            .parse::<usize>()
            .ok()?;
        // The gate's first character in bits of all that was encoded, and the core's.
        let first = (phase * 8).div_ceil(6);
        let before = ((first + place) * 6).checked_sub((phase + core.start) * 8)?;
        let shift = Shift::of_bits(before % 8)?;
        // All five characters must be the form's own.
        let own = place > 0 && place + 4 <= self.text.len();
        let [a, b, c] = *value.get(core.start + before / 8..core.end)?.first_chunk::<3>()?;
        own.then_some((u64::from(u32::from_be_bytes([0, a, b, c])), shift))
    }

    /// What is made of these bytes of the value, and of no others.
    pub(crate) fn made_of(&self, from: usize, to: usize) -> std::ops::Range<usize> {
        let at = |i: usize| self.spans.get(i).copied().unwrap_or_default();
        at(from).1..at(to).0.max(at(from).1)
    }
}

/// Names of all forms, in the order in which a set numbers them.
pub const NAMES: &[&str] = &[
    "raw",
    "json",
    "json-slash",
    "json-ascii",
    "json-html",
    "percent",
    "percent-lower",
    "percent-component",
    "percent-path",
    "percent-uri",
    "form",
    "form-tilde",
    "html",
    "html-decimal",
    "html-hex",
    "base64/0",
    "base64/1",
    "base64/2",
    "base64url/0",
    "base64url/1",
    "base64url/2",
    "hex",
    "hex-upper",
    "utf16le",
    "utf16be",
];

/// A value of hexadecimal digits alone.
pub(crate) fn is_hex(value: &[u8]) -> bool {
    let digit = |b: &u8| b.is_ascii_digit();
    value.iter().all(|b| digit(b) || matches!(b, b'a'..=b'f'))
        || value.iter().all(|b| digit(b) || matches!(b, b'A'..=b'F'))
}

/// All spellings of a value. Of a plain one those are left out that are the same as one before; of another one they are not, since
/// which ones are would tell what signs are in it.
pub fn expand(value: &[u8]) -> Vec<Form> {
    let plain = value.iter().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(b));
    let mut forms: Vec<Form> = Vec::new();
    for name in NAMES {
        let form =
            one(name, value).filter(|f| f.text.len() >= crate::FORM_MIN_BYTES && f.text.len() <= crate::FORM_BYTES);
        forms.extend(form.filter(|f| !plain || forms.iter().all(|other| other.text != f.text)));
    }
    forms
}

fn one(name: &'static str, value: &[u8]) -> Option<Form> {
    let walk = match name {
        n if n.starts_with("json") => Walk::Json,
        n if n.starts_with("html") => Walk::Html,
        n if n.starts_with("percent") || n.starts_with("form") => Walk::Percent,
        _ => Walk::Bytes,
    };
    Some(Form {
        walk,
        ..spelt(name, value)?
    })
}

fn spelt(name: &'static str, value: &[u8]) -> Option<Form> {
    let text = std::str::from_utf8(value).ok();
    let bytes = |each: &dyn Fn(u8, &mut Vec<u8>)| Some(by_bytes(name, value, each));
    match name {
        "raw" => bytes(&|b, out| out.push(b)).map(|form| Form {
            sparse: is_hex(value),
            ..form
        }),
        "json" => by_chars(name, text?, json),
        "json-slash" => by_chars(name, text?, |c, out| match c {
            '/' => out.push_str("\\/"),
            c => json(c, out),
        }),
        "json-ascii" => by_chars(name, text?, |c, out| match c {
            c if c.is_ascii() => json(c, out),
            c => c.encode_utf16(&mut [0; 2]).iter().for_each(|u| unicode(*u, out)),
        }),
        // As Go, Rails and many templates write it, so that it can stand in a page.
        "json-html" => by_chars(name, text?, |c, out| match c {
            '<' | '>' | '&' | '\'' | '=' => unicode(c as u16, out),
            c => json(c, out),
        }),
        "percent" => bytes(&|b, out| percent(b, false, unreserved(b), out)),
        "percent-lower" => bytes(&|b, out| percent(b, true, unreserved(b), out)),
        // JavaScript's encodeURIComponent.
        "percent-component" => bytes(&|b, out| percent(b, false, unreserved(b) || b"!*'()".contains(&b), out)),
        // Python's quote.
        "percent-path" => bytes(&|b, out| percent(b, false, unreserved(b) || b == b'/', out)),
        // JavaScript's encodeURI, and what browsers leave in the user part of a URL.
        "percent-uri" => bytes(&|b, out| percent(b, false, unreserved(b) || b"!$&'()*+,;=:@/?#".contains(&b), out)),
        // Forms of browsers and of Java, and Python's quote_plus.
        "form" | "form-tilde" => bytes(&|b, out| match b {
            b' ' => out.push(b'+'),
            b'~' => percent(b, false, name == "form-tilde", out),
            b'*' => percent(b, false, name == "form", out),
            b => percent(b, false, unreserved(b), out),
        }),
        "html" => by_chars(name, text?, |c, out| match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }),
        "html-decimal" => by_chars(name, text?, |c, out| match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&#34;"),
            '\'' => out.push_str("&#039;"),
            c => out.push(c),
        }),
        "html-hex" => by_chars(name, text?, |c, out| match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' | '/' | '`' | '=' => {
                out.push_str(&format!("&#x{:X};", c as u32));
            }
            c => out.push(c),
        }),
        "base64/0" => Some(base64(name, value, &STANDARD, 0)),
        "base64/1" => Some(base64(name, value, &STANDARD, 1)),
        "base64/2" => Some(base64(name, value, &STANDARD, 2)),
        "base64url/0" => Some(base64(name, value, &URL_SAFE, 0)),
        "base64url/1" => Some(base64(name, value, &URL_SAFE, 1)),
        "base64url/2" => Some(base64(name, value, &URL_SAFE, 2)),
        "hex" => bytes(&|b, out| two(b, b"0123456789abcdef", out)).map(sparse),
        "hex-upper" => bytes(&|b, out| two(b, b"0123456789ABCDEF", out)).map(sparse),
        "utf16le" => wide(name, text?, u16::to_le_bytes).map(sparse),
        "utf16be" => wide(name, text?, u16::to_be_bytes).map(sparse),
        _ => None,
    }
}

fn sparse(form: Form) -> Form {
    Form { sparse: true, ..form }
}

fn by_bytes(name: &'static str, value: &[u8], each: &dyn Fn(u8, &mut Vec<u8>)) -> Form {
    let mut text = Zeroizing::new(Vec::with_capacity(value.len() * 3));
    let mut spans = Vec::with_capacity(value.len() + 1);
    for b in value {
        spans.push((text.len(), text.len()));
        each(*b, &mut text);
    }
    spans.push((text.len(), text.len()));
    Form {
        name,
        text,
        spans,
        walk: Walk::Bytes,
        sparse: false,
    }
}

/// The bytes of one character are never told apart.
fn by_chars(name: &'static str, value: &str, each: impl Fn(char, &mut String)) -> Option<Form> {
    let mut text = Zeroizing::new(String::with_capacity(value.len() * 6));
    let mut spans = Vec::with_capacity(value.len() + 1);
    for c in value.chars() {
        let from = text.len();
        each(c, &mut text);
        spans.push((from, from));
        // From the middle on it begins at its end, up to the middle it ends at its beginning.
        spans.extend((1..c.len_utf8()).map(|_| (from, text.len())));
    }
    spans.push((text.len(), text.len()));
    Some(Form {
        name,
        text: Zeroizing::new(text.as_bytes().to_vec()),
        spans,
        walk: Walk::Bytes,
        sparse: false,
    })
}

fn wide(name: &'static str, value: &str, bytes: fn(u16) -> [u8; 2]) -> Option<Form> {
    let mut text = Zeroizing::new(Vec::with_capacity(value.len() * 2));
    let mut spans = Vec::with_capacity(value.len() + 1);
    for c in value.chars() {
        let from = text.len();
        for unit in c.encode_utf16(&mut [0; 2]) {
            text.extend(bytes(*unit));
        }
        spans.push((from, from));
        spans.extend((1..c.len_utf8()).map(|_| (from, text.len())));
    }
    spans.push((text.len(), text.len()));
    Some(Form {
        name,
        text,
        spans,
        walk: Walk::Bytes,
        sparse: false,
    })
}

/// What stands in front makes part of the first character, and what follows part of the last: without these.
fn base64(name: &'static str, value: &[u8], alphabet: &base64::alphabet::Alphabet, phase: usize) -> Form {
    let mut padded = Zeroizing::new(vec![0; phase]);
    padded.extend_from_slice(value);
    let all = Zeroizing::new(GeneralPurpose::new(alphabet, NO_PAD).encode(&*padded));
    // A character is six bits; which ones begin at or behind a byte, and which end at or before it.
    let (first, last) = ((phase * 8).div_ceil(6), padded.len() * 8 / 6);
    let text = all.as_bytes().get(first..last).unwrap_or_default().to_vec();
    let spans = (0..=value.len()).map(|i| {
        let bit = (phase + i) * 8;
        ((bit / 6).max(first) - first, bit.div_ceil(6) - first)
    });
    Form {
        name,
        text: Zeroizing::new(text),
        spans: spans.collect(),
        walk: Walk::Bytes,
        sparse: false,
    }
}

fn json(c: char, out: &mut String) {
    match c {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\u{8}' => out.push_str("\\b"),
        '\u{c}' => out.push_str("\\f"),
        c if c < ' ' => unicode(c as u16, out),
        c => out.push(c),
    }
}

fn unicode(unit: u16, out: &mut String) {
    out.push_str(&format!("\\u{unit:04x}"));
}

fn two(b: u8, digits: &[u8; 16], out: &mut Vec<u8>) {
    out.extend([digits[usize::from(b >> 4)], digits[usize::from(b & 15)]]);
}

fn percent(b: u8, lower: bool, plain: bool, out: &mut Vec<u8>) {
    if plain {
        return out.push(b);
    }
    out.push(b'%');
    two(
        b,
        if lower {
            b"0123456789abcdef"
        } else {
            b"0123456789ABCDEF"
        },
        out,
    );
}

fn unreserved(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"-._~".contains(&b)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::type_complexity)]
mod tests {
    use super::{Form, NAMES, expand};

    fn text(value: &[u8], name: &str) -> Option<String> {
        let form = expand(value).into_iter().find(|f| f.name == name)?;
        Some(String::from_utf8_lossy(&form.text).into_owned())
    }

    #[test]
    fn each_encoder_writes_what_others_do() {
        let value = "p\"a\\s/s w<o>r&d+ä'";
        let cases = [
            ("raw", "p\"a\\s/s w<o>r&d+ä'"),
            ("json", r#"p\"a\\s/s w<o>r&d+ä'"#),
            ("json-slash", r#"p\"a\\s\/s w<o>r&d+ä'"#),
            ("json-ascii", r#"p\"a\\s/s w<o>r&d+\u00e4'"#),
            ("json-html", r#"p\"a\\s/s w\u003co\u003er\u0026d+ä\u0027"#),
            ("percent", "p%22a%5Cs%2Fs%20w%3Co%3Er%26d%2B%C3%A4%27"),
            ("percent-lower", "p%22a%5cs%2fs%20w%3co%3er%26d%2b%c3%a4%27"),
            ("percent-component", "p%22a%5Cs%2Fs%20w%3Co%3Er%26d%2B%C3%A4'"),
            ("percent-path", "p%22a%5Cs/s%20w%3Co%3Er%26d%2B%C3%A4%27"),
            ("percent-uri", "p%22a%5Cs/s%20w%3Co%3Er&d+%C3%A4'"),
            ("form", "p%22a%5Cs%2Fs+w%3Co%3Er%26d%2B%C3%A4%27"),
            ("html", "p&quot;a\\s/s w&lt;o&gt;r&amp;d+ä&#39;"),
            ("html-decimal", "p&#34;a\\s/s w&lt;o&gt;r&amp;d+ä&#039;"),
            ("html-hex", "p&quot;a\\s&#x2F;s w&lt;o&gt;r&amp;d+ä&#x27;"),
            ("base64/0", "cCJhXHMvcyB3PG8+ciZkK8OkJ"),
            ("hex", "7022615c732f7320773c6f3e7226642bc3a427"),
        ];
        for (name, want) in cases {
            assert_eq!(text(value.as_bytes(), name).as_deref(), Some(want), "{name}");
        }
    }

    /// Three bytes in front, of all kinds, never change what a form of base64 says.
    #[test]
    fn base64_stands_in_what_is_around_it() {
        use base64::Engine as _;
        let value = b"s3cr3t-Value_0123!?";
        for phase in 0..3 {
            for filler in [0u8, 0x55, 0xff] {
                let mut all = vec![filler; phase + 3];
                all.extend_from_slice(value);
                all.extend([filler; 4]);
                let all = base64::engine::general_purpose::STANDARD.encode(all);
                let form = text(value, ["base64/0", "base64/1", "base64/2"][phase]).unwrap();
                assert!(all.contains(&form), "{phase} {filler}");
                assert!(form.len() >= value.len() * 4 / 3 - 1);
            }
        }
    }

    /// What is said to be made of some bytes stays when all others change.
    #[test]
    fn spans_are_made_of_their_bytes_alone() {
        let value = b"aB3xY9zK0-Q7";
        let forms = |value: &[u8]| -> Vec<Form> { NAMES.iter().filter_map(|n| super::one(n, value)).collect() };
        for at in 0..value.len() - 3 {
            let mut other = value.map(|b| b ^ 0x15);
            other[at..at + 3].copy_from_slice(&value[at..at + 3]);
            for (a, b) in forms(value).iter().zip(forms(&other)) {
                let (here, there) = (a.made_of(at, at + 3), b.made_of(at, at + 3));
                assert_eq!(a.text[here.clone()], b.text[there], "{} {at}", a.name);
                assert!(here.len() >= 3, "{} {at}", a.name);
            }
        }
    }
}
