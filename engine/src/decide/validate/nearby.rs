//! `near-a-keyword`: a few words stand between the keyword and the value, as in "API key for the staging system: …". They must not say
//! that it is something else, and the value must look as random as if it stood there by chance.

use super::assignment::ends;
use super::names::{Promise, is_other, name, split};
use super::{Seen, random};

/// What a sentence about a key can be about instead, beside what names can.
const ABOUT: &[&str] = &[
    "close",
    "id",
    "ids",
    "name",
    "names",
    "hash",
    "fingerprint",
    "size",
    "length",
    "version",
    "date",
    "time",
    "expires",
    "type",
    "format",
    "error",
    "errors",
    "not",
    "usage",
    "count",
    "serial",
    "signature",
    "thumbprint",
];

pub(super) fn accepts(seen: &Seen) -> bool {
    let Some((front, tail, glue)) = split(seen) else {
        return false;
    };
    let quote = glue.last().copied().filter(|b| matches!(b, b'"' | b'\'' | b'`'));
    let mut words = glue.split(|b| !b.is_ascii_alphanumeric()).filter(|w| !w.is_empty());
    let other = |word: &[u8]| {
        let word = String::from_utf8_lossy(word).to_ascii_lowercase();
        ABOUT.contains(&word.as_str()) || is_other(&word)
    };
    name(front, tail).is_some()
        && !words.any(other)
        && ends(quote, seen.after)
        && random::looks(seen.value, Promise::Weak, true)
}

#[cfg(test)]
mod tests {
    use super::{Seen, accepts};

    #[test]
    fn the_words_between_count() {
        let value = "q7x2m9w4k1z8v3b6n5c0";
        for (front, lead, value, is) in [
            ("the API ", "key for staging: ", value, true),
            ("", "Password of the user admin is: '", value, true),
            ("", "key id of the server: ", value, false),
            ("", "keyboard of the server: ", value, false),
            ("", "token has a hash: ", value, false),
            ("", "token for the server: ", "fourteen-words2", false),
        ] {
            let seen = Seen {
                value: value.as_bytes(),
                lead: lead.as_bytes(),
                front: front.as_bytes(),
                after: Some(if lead.ends_with('\'') { b'\'' } else { b'\n' }),
                ..Seen::default()
            };
            assert_eq!(accepts(&seen), is, "{lead}{value}");
        }
    }
}
