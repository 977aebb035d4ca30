//! The characters that a form is made of, so that most places are refused before anything is hashed.
//!
//! A bit for each alphabet that a byte is in: text that cannot be the form ends the look within a few bytes.

/// Alphabets, the narrower before the wider: a form has the first that holds all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Alphabet(u8);

/// How many there are. The last one has every byte.
const ALPHABETS: u8 = 8;

impl Alphabet {
    /// By its number as it travels.
    pub(crate) fn of_number(number: u8) -> Option<Alphabet> {
        (number < ALPHABETS).then_some(Alphabet(number))
    }

    /// The first that holds all of a text.
    #[cfg(feature = "publish")]
    pub(crate) fn of(text: &[u8]) -> Alphabet {
        let all = text.iter().fold(u8::MAX, |all, b| all & BITS[usize::from(*b)]);
        Alphabet(u8::try_from(all.trailing_zeros()).unwrap_or(ALPHABETS - 1))
    }

    #[cfg(feature = "publish")]
    pub(crate) fn number(self) -> u8 {
        self.0
    }

    /// Whether it has all of the beginning of a text: more is not worth the time.
    #[inline]
    pub(crate) fn may_hold(self, text: &[u8]) -> bool {
        let bit = 1 << self.0;
        text.iter().take(12).all(|b| BITS[usize::from(*b)] & bit != 0)
    }
}

/// For each byte, the alphabets that it is in.
static BITS: [u8; 256] = bits();

const fn bits() -> [u8; 256] {
    let mut bits = [0; 256];
    let mut i = 0;
    while i < 256 {
        #[allow(clippy::cast_possible_truncation)]
        let b = i as u8;
        bits[i] = in_alphabets(b);
        i += 1;
    }
    bits
}

const fn in_alphabets(b: u8) -> u8 {
    let alnum = b.is_ascii_alphanumeric();
    let mut bits = 1 << 7;
    if b.is_ascii_digit() || (b'a' <= b && b <= b'f') {
        bits |= 1;
    }
    if b.is_ascii_digit() || (b'A' <= b && b <= b'F') {
        bits |= 1 << 1;
    }
    if alnum {
        bits |= 1 << 2;
    }
    if alnum || b == b'+' || b == b'/' || b == b'=' {
        bits |= 1 << 3;
    }
    if alnum || b == b'-' || b == b'_' {
        bits |= 1 << 4;
    }
    // What is written without quotes, and percent-encoded.
    if b.is_ascii_graphic()
        && !matches!(
            b,
            b'"' | b'\'' | b'<' | b'>' | b'(' | b')' | b',' | b';' | b'{' | b'}' | b'`'
        )
    {
        bits |= 1 << 5;
    }
    if b.is_ascii_graphic() || b == b' ' {
        bits |= 1 << 6;
    }
    bits
}

#[cfg(all(test, feature = "publish"))]
mod tests {
    use super::Alphabet;

    #[test]
    fn the_narrowest_alphabet_is_chosen() {
        let cases: &[(&[u8], u8)] = &[
            (b"0123abcdef", 0),
            (b"0123ABCDEF", 1),
            (b"0123456789", 0),
            (b"aZ09", 2),
            (b"aZ+/9=", 3),
            (b"aZ-_9", 4),
            (b"a-+%20", 5),
            (b"a b\"c", 6),
            (b"a\0b", 7),
            ("ä".as_bytes(), 7),
        ];
        for (text, number) in cases {
            let alphabet = Alphabet::of(text);
            assert_eq!(alphabet.number(), *number, "{text:?}");
            assert!(alphabet.may_hold(text));
        }
    }
}
