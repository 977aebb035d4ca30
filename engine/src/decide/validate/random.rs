//! `looks-random`: a value that somebody generated, not one that somebody wrote. How random it must look depends on
//! how much its name promises.

use super::assignment::Assignment;
use super::names::Promise;
use super::{Seen, entropy, words};

/// Longer values are documents.
const LONGEST: usize = 8 * 1024;

pub(super) fn accepts(seen: &Seen) -> bool {
    Assignment::of(seen).is_some_and(|a| looks(seen.value, a.promise, a.loose))
}

/// Whether a value looks as random as this promise asks; `loose`: it merely stands behind its name.
pub(super) fn looks(value: &[u8], promise: Promise, loose: bool) -> bool {
    let value = trimmed(value);
    let weak = loose || promise == Promise::Weak;
    if value.len() < least(promise, loose) || value.len() > LONGEST {
        return false;
    }
    let digits = value.iter().filter(|b| b.is_ascii_digit()).count();
    if digits == value.len() {
        // Shorter ones are numbers of things.
        return !weak && value.len() >= 30;
    }
    // Behind a mere space or hyphen a slash joins the parts of a path.
    let path = loose && value.contains(&b'/');
    if path || !has_usual_characters(value) || is_misshapen(value) {
        return false;
    }
    if is_uuid(value) {
        return promise == Promise::Strong || !weak;
    }
    if is_hex(value) {
        let usual = matches!(value.len(), 32 | 40 | 48 | 56 | 64 | 96 | 128);
        return (promise == Promise::Strong || !weak || usual) && digits > 0 && entropy::bits(value) >= 2.5;
    }
    let (often, pairs) = words::pairs(value);
    if digits == 0 {
        // Chance leaves a digit out of one random text in thirty, and of nearly every word.
        let upper = value.iter().any(u8::is_ascii_uppercase);
        let mixed = upper && value.iter().any(u8::is_ascii_lowercase);
        return promise == Promise::Strong
            && !weak
            && value.len() >= 20
            && mixed
            && pairs >= 10
            && 20 * often < 9 * pairs;
    }
    let interleaved = changes(value) >= 5.max(value.len() / 6);
    let unspoken = match weak {
        true => digits > 1 && 2 * often < pairs || pairs < 6,
        false => 5 * often < 3 * pairs || pairs < 8,
    };
    (interleaved || unspoken) && entropy::is_spread(value, 0.72) && !words::only(value)
}

fn least(promise: Promise, loose: bool) -> usize {
    match promise {
        _ if loose => 20,
        Promise::Weak => 20,
        Promise::Usual => 12,
        Promise::Strong => 10,
    }
}

/// How often a letter stands beside a digit: in words seldom, since numbers close them.
fn changes(value: &[u8]) -> usize {
    let kinds = value.windows(2).filter(|p| match p {
        [a, b] => (a.is_ascii_alphabetic() && b.is_ascii_digit()) || (a.is_ascii_digit() && b.is_ascii_alphabetic()),
        _ => false,
    });
    kinds.count()
}

/// Without what closes a sentence or pads base64.
fn trimmed(value: &[u8]) -> &[u8] {
    if value.ends_with(b"...") {
        return value;
    }
    let end = value
        .iter()
        .rev()
        .take_while(|b| matches!(b, b'.' | b',' | b'=' | b':' | b';'))
        .count();
    value.get(..value.len() - end).unwrap_or_default()
}

/// Those of base64, UUIDs, and percent-encoding; or many others, as generators of passwords put them in.
fn has_usual_characters(value: &[u8]) -> bool {
    let odd = |(i, b): &(usize, &u8)| match b {
        b'%' => !value
            .get(i + 1..i + 3)
            .is_some_and(|h| h.iter().all(u8::is_ascii_hexdigit)),
        b => !(b.is_ascii_alphanumeric() || b"_.~+/=:-".contains(b)),
    };
    let odd = value.iter().enumerate().filter(odd).count();
    odd == 0 || (odd >= 4 && odd * 3 < value.len() && value.is_ascii())
}

/// Cut off by three points, or a bot's number and a key behind a colon, of another length than Telegram's.
fn is_misshapen(value: &[u8]) -> bool {
    if value.windows(3).any(|w| w == b"...") {
        return true;
    }
    let digits = value.iter().take_while(|b| b.is_ascii_digit()).count();
    let key = value.get(digits..).unwrap_or_default();
    digits > 0 && key.starts_with(b":A") && !((5..=16).contains(&digits) && key.len() == 36)
}

fn is_hex(value: &[u8]) -> bool {
    value.iter().all(|b| b.is_ascii_digit() || matches!(b, b'a'..=b'f'))
        || value.iter().all(|b| b.is_ascii_digit() || matches!(b, b'A'..=b'F'))
        || (value.len() >= 32 && value.iter().all(u8::is_ascii_hexdigit))
}

fn is_uuid(value: &[u8]) -> bool {
    value.len() == 36
        && value.iter().enumerate().all(|(i, b)| match i {
            8 | 13 | 18 | 23 => *b == b'-',
            _ => b.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    use super::{Seen, accepts};

    #[test]
    fn names_decide_how_random_a_value_must_look() {
        let uuid = "fa4efa4e-0123-4567-89ab-cdef01234567";
        for (lead, value, is) in [
            ("token = ", "q7x2m9w4k1z8", true),
            ("auth = ", "q7x2m9w4k1z8", false),
            ("auth = ", "q7x2m9w4k1z8v3b6n5c0", true),
            ("token = ", uuid, true),
            ("auth = ", uuid, false),
            ("token ", "fa4efa4e0123456789abcdeffa4efa4e", true),
            ("auth ", "fa4efa4e0123456789abcdeffa4efa4", false),
            ("token = ", "12345678901234567890", false),
            ("token = ", "q7x2m9w4k1z8v3b6n5c0...", false),
            ("client_request_token = ", "q7x2m9w4k1z8v3b6n5c0", false),
            ("token = ", "DOC_Vector_5_32", false),
            ("token = ", "authenticationRequired2", false),
        ] {
            let seen = Seen {
                value: value.as_bytes(),
                lead: lead.as_bytes(),
                ..Seen::default()
            };
            assert_eq!(accepts(&seen), is, "{lead}{value}");
        }
    }
}
