//! `payment-card`: issuer ranges, lengths and the check digit of payment card numbers.
//!
//! ISO/IEC 7812-1, annex B (Luhn); ranges as the networks publish them. One in ten numbers of the right length has the
//! right check digit, so that the ranges and the usual groups of four carry as much of the decision.

use super::{Seen, number};

/// `(first prefix, last prefix, digits of the prefix, shortest, longest)`.
const ISSUERS: &[(u32, u32, usize, usize, usize)] = &[
    // Visa
    (4, 4, 1, 13, 13),
    (4, 4, 1, 16, 16),
    (4, 4, 1, 19, 19),
    // Mastercard
    (51, 55, 2, 16, 16),
    (2221, 2720, 4, 16, 16),
    // American Express
    (34, 34, 2, 15, 15),
    (37, 37, 2, 15, 15),
    // Diners Club
    (300, 305, 3, 14, 14),
    (3095, 3095, 4, 14, 14),
    (36, 36, 2, 14, 14),
    (38, 39, 2, 14, 14),
    // Discover
    (6011, 6011, 4, 16, 19),
    (644, 649, 3, 16, 19),
    (65, 65, 2, 16, 19),
    // JCB
    (3528, 3589, 4, 16, 19),
    // UnionPay
    (62, 62, 2, 16, 19),
    // Maestro
    (5018, 5018, 4, 13, 19),
    (5020, 5020, 4, 13, 19),
    (5038, 5038, 4, 13, 19),
    (5893, 5893, 4, 13, 19),
    (6304, 6304, 4, 13, 19),
    (6759, 6759, 4, 13, 19),
    (6761, 6763, 4, 13, 19),
    // Mir, RuPay, Elo, Verve
    (2200, 2204, 4, 16, 19),
    (60, 60, 2, 16, 16),
    (508, 508, 3, 16, 16),
    (5066, 5067, 4, 16, 16),
    (506_099, 506_198, 6, 16, 19),
];

pub(super) fn accepts(seen: &Seen) -> bool {
    let value = seen.value;
    let len = number::digits(value).count();
    let of = |(low, high, n, short, long): &(u32, u32, usize, usize, usize)| {
        (*short..=*long).contains(&len) && (*low..=*high).contains(&number::leading(value, *n))
    };
    // A card has more than two different digits; what has fewer is a row of zeros with something in front.
    let kinds = number::digits(value).fold(0u16, |kinds, d| kinds | 1 << d).count_ones();
    !number::is_part(seen) && kinds > 1 && one_separator(value) && ISSUERS.iter().any(of) && luhn(value)
}

/// All separators are the same.
fn one_separator(value: &[u8]) -> bool {
    let mut separators = value.iter().filter(|b| !b.is_ascii_digit());
    let first = separators.next();
    separators.all(|s| Some(s) == first)
}

/// Every second digit from the right, but for the last, is doubled; the digits of all that add up to a multiple of ten.
fn luhn(value: &[u8]) -> bool {
    let weigh = |(i, d): (usize, u8)| match (i % 2, d) {
        (0, d) => u32::from(d),
        (_, d @ 0..5) => u32::from(d) * 2,
        (_, d) => u32::from(d) * 2 - 9,
    };
    number::digits(value).rev().enumerate().map(weigh).sum::<u32>() % 10 == 0
}

#[cfg(test)]
mod tests {
    use super::{Seen, accepts};

    fn check(front: &str, parts: &[&str], behind: &str) -> bool {
        accepts(&Seen::between(front, &parts.concat(), behind))
    }

    #[test]
    fn cards_of_each_network() {
        // Numbers that payment processors publish for tests.
        for parts in [
            ["4242", "4242", "4242", "4242"],
            ["4111", "-1111", "-1111", "-1111"],
            ["5555 ", "5555 ", "5555 ", "4444"],
            ["2223", "0031", "2200", "3222"],
            ["3782", "822", "463", "10005"],
            ["3714 ", "496353 ", "9843", "1"],
            ["3056", "9309", "0259", "04"],
            ["6011", "1111", "1111", "1117"],
            ["3530", "1113", "3330", "0000"],
            ["6200", "0000", "0000", "0005"],
            ["4222", "2222", "2222", "2"],
        ] {
            assert!(check("card: ", &parts, ""), "{parts:?}");
        }
    }

    #[test]
    fn other_numbers() {
        for (front, parts, behind, why) in [
            ("", ["4242", "4242", "4242", "4241"], "", "wrong check digit"),
            ("", ["4242", "4242", "4242", "424"], "", "15 digits are no Visa card"),
            ("", ["9999", "9999", "9999", "9995"], "", "no issuer"),
            ("", ["4242 ", "4242-", "4242 ", "4242"], "", "two kinds of separator"),
            ("0.", ["4242", "4242", "4242", "4242"], "", "a fraction"),
            ("12-", ["4242", "4242", "4242", "4242"], "", "a part of a longer number"),
            ("", ["4242", "4242", "4242", "4242"], ".5", "a number with a fraction"),
            ("", ["0000", "0000", "0000", "0000"], "", "zeros"),
        ] {
            assert!(!check(front, &parts, behind), "{why}");
        }
    }
}
