//! `phone-number`: international numbers with a country code that exists, of 8 to 15 digits.
//!
//! ITU-T E.164 and its list of assigned country codes.

use super::{Seen, number};

/// Codes of three digits, by range.
const THREE: &[(u32, u32)] = &[
    (211, 213),
    (216, 216),
    (218, 218),
    (220, 258),
    (260, 269),
    (290, 291),
    (297, 299),
    (350, 359),
    (370, 383),
    (385, 387),
    (389, 389),
    (420, 421),
    (423, 423),
    (500, 509),
    (590, 599),
    (670, 670),
    (672, 683),
    (685, 692),
    (800, 800),
    (808, 808),
    (850, 850),
    (852, 853),
    (855, 856),
    (870, 870),
    (878, 878),
    (880, 883),
    (886, 886),
    (888, 888),
    (960, 968),
    (970, 977),
    (979, 979),
    (992, 996),
    (998, 998),
];

/// Codes of two digits.
const TWO: &[u32] = &[
    20, 27, 30, 31, 32, 33, 34, 36, 39, 40, 41, 43, 44, 45, 46, 47, 48, 49, 51, 52, 53, 54, 55, 56, 57, 58, 60, 61, 62,
    63, 64, 65, 66, 81, 82, 84, 86, 90, 91, 92, 93, 94, 95, 98,
];

pub(super) fn accepts(seen: &Seen) -> bool {
    let value = seen.value;
    let n = number::digits(value).count();
    let code = match number::leading(value, 1) {
        1 => n == 11 && north_american(value),
        7 => n == 11,
        _ => {
            let (two, three) = (number::leading(value, 2), number::leading(value, 3));
            TWO.contains(&two) || THREE.iter().any(|(low, high)| (*low..=*high).contains(&three))
        }
    };
    // `+23.4567891` is a number with a sign.
    let separators = value.iter().skip(1).filter(|b| !b.is_ascii_digit()).count();
    let fraction = separators == 1 && value.contains(&b'.');
    let open = value.iter().filter(|b| **b == b'(').count();
    let close = value.iter().filter(|b| **b == b')').count();
    let digit = number::leading(value, 1);
    let repeated = number::digits(value).all(|d| u32::from(d) == digit);
    (8..=15).contains(&n) && code && !fraction && open == close && !repeated && seen.behind.is_empty()
}

/// No area begins with 0 or 1. (No exchange does either, but made-up numbers look like that.)
fn north_american(value: &[u8]) -> bool {
    number::digits(value).nth(1) > Some(1)
}

#[cfg(test)]
mod tests {
    use super::{Seen, accepts};

    fn check(parts: &[&str]) -> bool {
        accepts(&Seen::between("", &parts.concat(), ""))
    }

    #[test]
    fn numbers_in_usual_spellings() {
        for parts in [
            ["+1", " (212) ", "555-0123"],
            ["+1212", "555", "0123"],
            ["+44 20", " 7946", " 0958"],
            ["+49.30", ".1234", ".5678"],
            ["+352", "12345", "678"],
        ] {
            assert!(check(&parts), "{parts:?}");
        }
    }

    #[test]
    fn others() {
        for (parts, why) in [
            (["+1", "012", "5550123"], "no area begins with 0"),
            (["+21", "0123", "45678"], "no such country"),
            (["+44", "20", "794"], "too short"),
            (["+23", ".", "4567891"], "a number with a sign"),
            (["+44 (20", " 7946", " 0958"], "an open bracket"),
        ] {
            assert!(!check(&parts), "{why}");
        }
    }
}
