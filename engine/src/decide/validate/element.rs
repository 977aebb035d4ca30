//! `holds-a-secret`: the text of an XML element, of which one word is random. Servers that encrypt what they store put a
//! marker or braces around it, so that the text as a whole goes.

use super::Seen;
use super::names::Promise;
use super::{code, known_fake, media, names, random};

/// More words are a sentence.
const WORDS: usize = 3;

pub(super) fn accepts(seen: &Seen) -> bool {
    let bare = |word: &[u8]| -> Vec<u8> { word.iter().copied().filter(|b| !b"{}\"';.".contains(b)).collect() };
    let mut words = seen.value.split(u8::is_ascii_whitespace).filter(|w| !w.is_empty());
    let few = words.clone().count() <= WORDS;
    let is_random = |word: &[u8]| {
        let word = bare(word);
        random::looks(&word, Promise::Strong, false)
            && known_fake::accepts(&word)
            && code::accepts(&word)
            && media::accepts(&word)
    };
    // A connection string: `Endpoint=…;Secret=…`.
    let mut settings = seen.value.split(|b| b.is_ascii_whitespace() || *b == b';');
    few && (words.any(is_random) || settings.any(|s| value_of(s).is_some_and(is_random)))
}

/// The value of a setting whose name is a secret's.
fn value_of(setting: &[u8]) -> Option<&[u8]> {
    let (name, value) = setting.split_at_checked(memchr::memchr(b'=', setting)?)?;
    names::name(b"", name)?;
    value.get(1..)
}

#[cfg(test)]
mod tests {
    use super::{Seen, accepts};

    #[test]
    fn one_random_word_is_enough() {
        for (value, is) in [
            ("q7x2m9w4k1z8v3b6", true),
            ("{AQAAABAAAAAQq7x2m9w4k1z8v3b6}", true),
            ("{mark q7x2m9w4k1z8v3b6}", true),
            (
                "{mark Endpoint=https://a.example;Id=q7x2;Secret=q7x2m9w4k1z8v3b6}",
                true,
            ),
            ("{mark Endpoint=https://a.example;Id=q7x2m9w4k1z8v3b6}", false),
            ("the name of the rose", false),
            ("${env.SECRET_1}", false),
            ("the hash is q7x2m9w4k1z8v3b6", false),
        ] {
            let seen = Seen {
                value: value.as_bytes(),
                ..Seen::default()
            };
            assert_eq!(accepts(&seen), is, "{value}");
        }
    }
}
