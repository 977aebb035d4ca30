//! `bot-number`: before the value stands the number of a Telegram bot, 5 to 16 digits, and a colon.
//!
//! Here and not in the pattern: a pattern must begin with a literal, and a number is none.

use super::Seen;

pub(super) fn accepts(seen: &Seen) -> bool {
    let lead = seen
        .lead
        .iter()
        .rev()
        .skip(1)
        .take_while(|b| b.is_ascii_digit())
        .count();
    let front = seen.front.iter().rev().take_while(|b| b.is_ascii_digit()).count();
    // Sixteen bytes of what stands in front are in hand, so that more digits are seen as sixteen.
    (5..=16).contains(&(lead + front))
}

#[cfg(test)]
mod tests {
    use super::{Seen, accepts};

    #[test]
    fn digits_in_front_are_counted() {
        for (front, lead, is) in [
            ("bot123456789", "0:", true),
            ("123", "4:", false),
            ("1234", "5:", true),
            ("1234567890123456", "7:", false),
            ("", "7:", false),
        ] {
            let seen = Seen {
                lead: lead.as_bytes(),
                front: front.as_bytes(),
                ..Seen::default()
            };
            assert_eq!(accepts(&seen), is, "{front}{lead}");
        }
    }
}
