//! `holds-a-secret`: the text of an XML element, of which one word is random. Servers that encrypt what they store put a
//! marker or braces around it, so that the text as a whole goes.

use super::Seen;
use super::names::Promise;
use super::{code, known_fake, media, random};

/// More words are a sentence.
const WORDS: usize = 3;

pub(super) fn accepts(seen: &Seen) -> bool {
    let bare = |word: &[u8]| -> Vec<u8> { word.iter().copied().filter(|b| !b"{}\"';.".contains(b)).collect() };
    let mut words = seen.value.split(u8::is_ascii_whitespace).filter(|w| !w.is_empty());
    let few = words.clone().count() <= WORDS;
    few && words.any(|word| {
        let word = bare(word);
        random::looks(&word, Promise::Strong, false)
            && known_fake::accepts(&word)
            && code::accepts(&word)
            && media::accepts(&word)
    })
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
