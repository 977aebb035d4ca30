//! `us-ssn`: numbers that the Social Security Administration issues.
//!
//! No area 000, 666 or 900 and above, no group 00, no serial 0000; and two numbers that were printed as examples and
//! withdrawn. <https://www.ssa.gov/employer/randomization.html>

use super::{Seen, number};

/// A wallet maker's and a pamphlet's.
const WITHDRAWN: [u32; 2] = [78_051_120, 219_099_999];

pub(super) fn accepts(seen: &Seen) -> bool {
    let all = number::leading(seen.value, 9);
    let (area, group, serial) = (all / 1_000_000, all / 10_000 % 100, all % 10_000);
    let issued = !matches!(area, 0 | 666 | 900..) && group != 0 && serial != 0 && !WITHDRAWN.contains(&all);
    let digit = number::leading(seen.value, 1);
    let repeated = number::digits(seen.value).all(|d| u32::from(d) == digit);
    issued && !repeated && !number::is_part(seen)
}

#[cfg(test)]
mod tests {
    use super::{Seen, accepts};

    fn check(front: &str, parts: [&str; 3]) -> bool {
        let value = parts.concat();
        accepts(&Seen {
            value: value.as_bytes(),
            front: front.as_bytes(),
            ..Seen::default()
        })
    }

    #[test]
    fn numbers_of_the_form() {
        for parts in [["123-", "45-", "6789"], ["001", "01", "0001"], ["899 ", "99 ", "9999"]] {
            assert!(check("", parts), "{parts:?}");
        }
    }

    #[test]
    fn numbers_that_were_never_issued() {
        for (front, parts, why) in [
            ("", ["000-", "12-", "3456"], "area 000"),
            ("", ["666-", "12-", "3456"], "area 666"),
            ("", ["987-", "65-", "4320"], "area above 899"),
            ("", ["123-", "00-", "4567"], "group 00"),
            ("", ["123-", "45-", "0000"], "serial 0000"),
            ("", ["078-", "05-", "1120"], "withdrawn"),
            ("", ["111-", "11-", "1111"], "one digit"),
            ("2024-", ["123-", "45-", "6789"], "a part of a longer number"),
        ] {
            assert!(!check(front, parts), "{why}");
        }
    }
}
