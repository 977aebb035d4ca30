//! The spellings in which a text can stand inside another: the filters of a template.
//!
//! Written here and not taken from the engine's decoders: what encodes must not share a mistake with what decodes.

use std::fmt::Write;

/// A text in another spelling; `None`: there is no such filter.
pub fn encode(filter: &str, text: &str) -> Option<String> {
    Some(match filter {
        "json" => json(text),
        "json-u" => json_unicode(text),
        "percent" => percent(text),
        "form" => percent(text).replace("%20", "+"),
        "html" => html(text),
        "html-num" => text.chars().fold(String::new(), |mut out, c| {
            if c.is_ascii_alphanumeric() {
                out.push(c)
            } else {
                let _ = write!(out, "&#{};", u32::from(c));
            }
            out
        }),
        "csv" => text.replace('"', "\"\""),
        "single" => text.replace('\'', "'\\''"),
        "indent" => text.replace('\n', "\n    "),
        "base64" => base64(text.as_bytes(), STANDARD, true),
        "base64url" => base64(text.as_bytes(), URL, false),
        "upper" => text.to_uppercase(),
        _ => return None,
    })
}

/// As inside a JSON string.
fn json(text: &str) -> String {
    let quoted = serde_json::to_string(text).unwrap_or_default();
    quoted
        .get(1..quoted.len().saturating_sub(1))
        .unwrap_or_default()
        .to_owned()
}

/// As inside a JSON string, with everything but letters, digits and white space as `\uXXXX`, as some encoders write it.
fn json_unicode(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '"' | '\\' | '<' | '>' | '&' | '\'' | '=' | '+' | '/' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}

/// As JavaScript's `encodeURIComponent` writes it.
fn percent(text: &str) -> String {
    let mut out = String::new();
    for b in text.bytes() {
        if b.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&b) {
            out.push(char::from(b));
        } else {
            let _ = write!(out, "%{b:02X}");
        }
    }
    out
}

fn html(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

fn base64(bytes: &[u8], alphabet: &[u8; 64], padded: bool) -> String {
    let mut out = String::new();
    for three in bytes.chunks(3) {
        let word = three.iter().fold(0u32, |w, b| w << 8 | u32::from(*b)) << (8 * (3 - three.len()));
        for i in 0..4 {
            if i <= three.len() {
                let at = usize::try_from(word >> (18 - 6 * i) & 63).unwrap_or(0);
                out.push(alphabet.get(at).copied().map_or('=', char::from));
            } else if padded {
                out.push('=');
            }
        }
    }
    out
}

/// The bytes of a run of base64 in either alphabet, as many as are whole.
pub fn from_base64(run: &[u8]) -> Vec<u8> {
    let (mut out, mut word, mut bits) = (Vec::new(), 0u32, 0u32);
    for b in run {
        let six = match b {
            b'A'..=b'Z' => b - b'A',
            b'a'..=b'z' => b - b'a' + 26,
            b'0'..=b'9' => b - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => break,
        };
        word = (word << 6 | u32::from(six)) & 0xffff;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push(u8::try_from(word >> bits & 0xff).unwrap_or(0));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{encode, from_base64};

    #[test]
    fn filters_spell_as_their_names_say() {
        for (filter, text, want) in [
            ("json", "a\"b\n", "a\\\"b\\n"),
            ("json-u", "a=b", "a\\u003db"),
            ("percent", "a b+c", "a%20b%2Bc"),
            ("form", "a b", "a+b"),
            ("html", "<a&'", "&lt;a&amp;&#39;"),
            ("html-num", "a=", "a&#61;"),
            ("csv", "a\"", "a\"\""),
            ("base64", "fake", "ZmFrZQ=="),
            ("base64url", "a?>", "YT8-"),
        ] {
            assert_eq!(encode(filter, text).as_deref(), Some(want), "{filter}");
        }
        assert_eq!(encode("rot13", "a"), None);
        assert_eq!(from_base64(b"ZmFrZQ=="), b"fake");
        assert_eq!(from_base64(b"YT8-"), b"a?>");
    }
}
