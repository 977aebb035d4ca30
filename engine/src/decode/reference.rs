//! HTML's character references, read byte by byte: `&colon;`, `&#58;`, `&#x3a;`.
//!
//! Only those for ASCII have names here, since nothing that a detector asks for lies beyond; the other two thousand
//! stand as they are, as does one without its semicolon. A name in a sorted list would be shorter to read, but a name
//! of eight letters is a number of 64 bits, and needs no memory to be collected in. Source: HTML, section 13.5.

use crate::decode::escape::{Unit, utf8};

/// Digits that a number may have, zeros in front included.
const DIGITS: u8 = 8;

/// Where in a reference the reader stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum State {
    /// Behind `&` and these letters; `again`: behind an `&` that was itself written as a reference.
    Name { letters: u64, again: bool },
    /// Behind `&#`, an `x`, and this many digits.
    Number { hex: bool, digits: u8, value: u32 },
}

impl Default for State {
    fn default() -> State {
        State::Name {
            letters: 0,
            again: false,
        }
    }
}

impl State {
    /// Reads one byte behind the `&`.
    pub(super) fn read(&mut self, b: u8) -> Unit {
        *self = match (*self, b) {
            (State::Name { letters, again: false }, b';') if letters == packed(b"amp") => State::Name {
                letters: 0,
                again: true,
            },
            (State::Name { letters, .. }, b';') => {
                return named(letters).map_or(Unit::NotAnEscape, |c| Unit::Char([c, 0, 0], 1));
            }
            (State::Name { letters: 0, .. }, b'#') => State::Number {
                hex: false,
                digits: 0,
                value: 0,
            },
            // The uppermost byte is free as long as there are fewer than eight letters.
            (State::Name { letters, again }, _) if b.is_ascii_alphabetic() && letters >> 56 == 0 => State::Name {
                letters: letters << 8 | u64::from(b),
                again,
            },
            (
                State::Number {
                    hex: false, digits: 0, ..
                },
                b'x' | b'X',
            ) => State::Number {
                hex: true,
                digits: 0,
                value: 0,
            },
            (State::Number { digits: 1.., value, .. }, b';') => return character(value),
            (State::Number { hex, digits, value }, _) => {
                let base = if hex { 16 } else { 10 };
                match char::from(b).to_digit(base) {
                    Some(d) if digits < DIGITS => State::Number {
                        hex,
                        digits: digits + 1,
                        value: value.saturating_mul(base).saturating_add(d),
                    },
                    _ => return Unit::NotAnEscape,
                }
            }
            _ => return Unit::NotAnEscape,
        };
        Unit::Pending
    }
}

/// Whether a reference to a character of ASCII may stand behind an `&`, or, if `amp`, to `&` itself: a quick look, for
/// the search for anchors.
pub(crate) fn may_be(behind: &[u8], amp: bool) -> bool {
    let mut letters = 0;
    for b in behind.iter().take(9) {
        match b {
            b';' if letters == packed(b"amp") => {
                return amp || behind.get(4..).is_some_and(|again| may_be(again, true));
            }
            b';' => return named(letters).is_some(),
            b'#' => return true,
            b if b.is_ascii_alphabetic() => letters = letters << 8 | u64::from(*b),
            _ => return false,
        }
    }
    behind.len() < 9
}

/// The character with this name.
fn named(letters: u64) -> Option<u8> {
    let at = NAMES.binary_search_by_key(&letters, |(name, _)| *name).ok()?;
    NAMES.get(at).map(|(_, c)| *c)
}

/// The character with this number. A space that does not break is a space; what lies beyond 16 bits is one character,
/// but not told which.
fn character(value: u32) -> Unit {
    match u16::try_from(value) {
        Ok(0 | 0xd800..=0xdfff) => Unit::NotAnEscape,
        Ok(0xa0) => Unit::Char([b' ', 0, 0], 1),
        Ok(c) => utf8(c),
        Err(_) if value <= 0x10_ffff => utf8(0xfffd),
        Err(_) => Unit::NotAnEscape,
    }
}

/// A name as a number.
const fn packed(name: &[u8]) -> u64 {
    let mut letters = 0;
    let mut rest = name;
    while let [first, tail @ ..] = rest {
        letters = letters << 8 | *first as u64;
        rest = tail;
    }
    letters
}

/// The names of ASCII's characters, in order.
static NAMES: &[(u64, u8)] = &names();

/// As they are written.
static WRITTEN: &[(&str, u8)] = &[
    ("quot", b'"'),
    ("amp", b'&'),
    ("lt", b'<'),
    ("gt", b'>'),
    ("apos", b'\''),
    ("QUOT", b'"'),
    ("AMP", b'&'),
    ("LT", b'<'),
    ("GT", b'>'),
    ("nbsp", b' '),
    ("Tab", b'\t'),
    ("NewLine", b'\n'),
    ("excl", b'!'),
    ("num", b'#'),
    ("dollar", b'$'),
    ("percnt", b'%'),
    ("lpar", b'('),
    ("rpar", b')'),
    ("ast", b'*'),
    ("midast", b'*'),
    ("plus", b'+'),
    ("comma", b','),
    ("hyphen", b'-'),
    ("dash", b'-'),
    ("period", b'.'),
    ("sol", b'/'),
    ("colon", b':'),
    ("semi", b';'),
    ("equals", b'='),
    ("quest", b'?'),
    ("commat", b'@'),
    ("lsqb", b'['),
    ("lbrack", b'['),
    ("bsol", b'\\'),
    ("rsqb", b']'),
    ("rbrack", b']'),
    ("Hat", b'^'),
    ("lowbar", b'_'),
    ("UnderBar", b'_'),
    ("grave", b'`'),
    ("lcub", b'{'),
    ("lbrace", b'{'),
    ("verbar", b'|'),
    ("vert", b'|'),
    ("rcub", b'}'),
    ("rbrace", b'}'),
];

const fn names() -> [(u64, u8); WRITTEN.len()] {
    let mut all = [(0, 0); WRITTEN.len()];
    let mut i = 0;
    while i < all.len() {
        all[i] = (packed(WRITTEN[i].0.as_bytes()), WRITTEN[i].1);
        let mut at = i;
        while at > 0 && all[at - 1].0 > all[at].0 {
            (all[at - 1], all[at]) = (all[at], all[at - 1]);
            at -= 1;
        }
        i += 1;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::{NAMES, WRITTEN, may_be};
    use crate::decode::escape::{Reading, encoded};

    #[test]
    fn the_quick_look_rules_out_no_reference() {
        assert!(NAMES.windows(2).all(|two| two[0].0 < two[1].0));
        let reading = Reading {
            percent: 0,
            references: true,
        };
        for (name, c) in WRITTEN {
            for (text, len) in [(format!("&{name};"), 2), (format!("&amp;{name};"), 6)] {
                let text = format!("{text}=");
                assert_eq!(
                    encoded(text.as_bytes(), reading),
                    Some((*c, name.len() + len)),
                    "{text}"
                );
                assert!(may_be(&text.as_bytes()[1..], true), "{text}");
            }
        }
        for (behind, amp, may) in [
            ("#58;", false, true),
            ("amp;#58;", false, true),
            ("amp;sig=", false, false),
            ("amp;sig=", true, true),
            ("mdash;", true, false),
            ("page=2", true, false),
            ("quo", false, true),
            ("amp;quo", false, true),
        ] {
            assert_eq!(may_be(behind.as_bytes(), amp), may, "{behind}");
        }
    }
}
