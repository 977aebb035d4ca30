//! Text from the wire made fit to be shown: secrets masked, control characters made visible.
//!
//! Not a plain lossy conversion: an escape sequence in a body would drive the terminal that prints the table, and a
//! bidirectional override in a page would turn a report's line round.

use std::fmt::Write as _;

const DOTS: &str = "••••••";

/// Nothing of a secret but its length. Not its first characters either: of a short password they are the better part.
pub fn masked(secret: &[u8]) -> String {
    match secret.len() {
        0 => DOTS.to_owned(),
        1 => format!("{DOTS} 1 byte"),
        n => format!("{DOTS} {n} bytes"),
    }
}

/// Bytes as text on one line: nothing in it moves a cursor or turns the reading direction.
pub fn visible(bytes: &[u8]) -> String {
    let mut out = String::new();
    for c in String::from_utf8_lossy(bytes).chars() {
        push_visible(&mut out, c);
    }
    out
}

/// The same for text of several lines.
pub(super) fn visible_lines(bytes: &[u8]) -> String {
    let mut out = String::new();
    for c in String::from_utf8_lossy(bytes).chars() {
        match c {
            '\n' | '\t' => out.push(c),
            _ => push_visible(&mut out, c),
        }
    }
    out
}

fn push_visible(out: &mut String, c: char) {
    let code = u32::from(c);
    match c {
        // The control pictures of Unicode: ␀ and its neighbours.
        '\0'..='\x1f' => out.push(char::from_u32(0x2400 + code).unwrap_or('?')),
        '\x7f' => out.push('␡'),
        '\u{80}'..='\u{9f}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{61c}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}' => {
            // Writing to a String does not fail.
            let _ = write!(out, "‹U+{code:04X}›");
        }
        _ => out.push(c),
    }
}

/// For HTML text and attribute values.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_secret_is_shown_but_its_length() {
        for (secret, expected) in [
            ("", "••••••"),
            ("a", "•••••• 1 byte"),
            ("abcdefghijklmnopqrstuvwxyz", "•••••• 26 bytes"),
            ("\u{1b}[31m", "•••••• 5 bytes"),
        ] {
            assert_eq!(masked(secret.as_bytes()), expected);
        }
    }

    #[test]
    fn nothing_invisible_stays_invisible() {
        for (text, expected) in [
            ("a\x1b[31m\0\r\n\t", "a␛[31m␀␍␊␉"),
            ("\u{202e}evil\u{2066}", "‹U+202E›evil‹U+2066›"),
            ("é李🎉", "é李🎉"),
        ] {
            assert_eq!(visible(text.as_bytes()), expected);
        }
        assert_eq!(visible(b"\xff\x80"), "\u{fffd}\u{fffd}");
        assert_eq!(visible_lines(b"a\r\n\tb"), "a␍\n\tb");
    }
}
