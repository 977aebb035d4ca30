//! `iban`: the length that the country prescribes, and the check digits.
//!
//! ISO 13616 and the IBAN registry (lengths); ISO/IEC 7064, MOD 97-10.

use super::Seen;

/// Country and length, from the registry.
const LENGTHS: &[(&[u8; 2], usize)] = &[
    (b"AD", 24),
    (b"AE", 23),
    (b"AL", 28),
    (b"AT", 20),
    (b"AZ", 28),
    (b"BA", 20),
    (b"BE", 16),
    (b"BG", 22),
    (b"BH", 22),
    (b"BI", 27),
    (b"BR", 29),
    (b"BY", 28),
    (b"CH", 21),
    (b"CR", 22),
    (b"CY", 28),
    (b"CZ", 24),
    (b"DE", 22),
    (b"DJ", 27),
    (b"DK", 18),
    (b"DO", 28),
    (b"EE", 20),
    (b"EG", 29),
    (b"ES", 24),
    (b"FI", 18),
    (b"FK", 18),
    (b"FO", 18),
    (b"FR", 27),
    (b"GB", 22),
    (b"GE", 22),
    (b"GI", 23),
    (b"GL", 18),
    (b"GR", 27),
    (b"GT", 28),
    (b"HN", 28),
    (b"HR", 21),
    (b"HU", 28),
    (b"IE", 22),
    (b"IL", 23),
    (b"IQ", 23),
    (b"IS", 26),
    (b"IT", 27),
    (b"JO", 30),
    (b"KW", 30),
    (b"KZ", 20),
    (b"LB", 28),
    (b"LC", 32),
    (b"LI", 21),
    (b"LT", 20),
    (b"LU", 20),
    (b"LV", 21),
    (b"LY", 25),
    (b"MC", 27),
    (b"MD", 24),
    (b"ME", 22),
    (b"MK", 19),
    (b"MN", 20),
    (b"MR", 27),
    (b"MT", 31),
    (b"MU", 30),
    (b"NI", 28),
    (b"NL", 18),
    (b"NO", 15),
    (b"OM", 23),
    (b"PK", 24),
    (b"PL", 28),
    (b"PS", 29),
    (b"PT", 25),
    (b"QA", 29),
    (b"RO", 24),
    (b"RS", 22),
    (b"RU", 33),
    (b"SA", 24),
    (b"SC", 31),
    (b"SD", 18),
    (b"SE", 24),
    (b"SI", 19),
    (b"SK", 24),
    (b"SM", 27),
    (b"SO", 23),
    (b"ST", 25),
    (b"SV", 28),
    (b"TL", 23),
    (b"TN", 24),
    (b"TR", 26),
    (b"UA", 29),
    (b"VA", 22),
    (b"VG", 24),
    (b"XK", 20),
    (b"YE", 30),
];

pub(super) fn accepts(seen: &Seen) -> bool {
    let text = || seen.value.iter().copied().filter(u8::is_ascii_alphanumeric);
    let country: Vec<u8> = text().take(2).collect();
    let length = LENGTHS.iter().find(|(c, _)| c.as_slice() == country);
    // The first four go behind the rest; a letter counts as two digits, A as 10.
    let moved = text().skip(4).chain(text().take(4));
    let rest = moved.fold(0u32, |rest, c| match char::from(c).to_digit(36) {
        Some(v @ 0..10) => (rest * 10 + v) % 97,
        v => (rest * 100 + v.unwrap_or(0)) % 97,
    });
    length.is_some_and(|(_, n)| *n == text().count()) && rest == 1
}

#[cfg(test)]
mod tests {
    use super::{Seen, accepts};

    fn check(parts: &[&str]) -> bool {
        accepts(&Seen::between("", &parts.concat(), ""))
    }

    #[test]
    fn examples_of_the_registry() {
        for parts in [
            ["DE89", "3704004405", "32013000"],
            ["GB29 ", "NWBK 6016 ", "1331 9268 19"],
            ["NO93", "8601", "1117947"],
            ["FR14 2004 ", "1010 0505 ", "0001 3M02 606"],
        ] {
            assert!(check(&parts), "{parts:?}");
        }
    }

    #[test]
    fn others() {
        for (parts, why) in [
            (["DE89", "3704004405", "32013001"], "wrong check digits"),
            (["DE89", "3704004405", "3201300"], "too short for its country"),
            (["ZZ89", "3704004405", "32013000"], "no such country"),
        ] {
            assert!(!check(&parts), "{why}");
        }
    }
}
