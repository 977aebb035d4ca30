//! What a policy's own detector asks of a match beyond its pattern: a keyword, randomness, a length.
//!
//! Not validators: those have names and no parameters, so that a detector's file and a policy can list them.

use crate::decide::validate::{Seen, entropy};

/// The terms of one detector.
#[derive(Clone, Debug, Default)]
pub(crate) struct Terms {
    pub(crate) keywords: Vec<Keyword>,
    /// Bits a character.
    pub(crate) min_entropy: Option<f64>,
    /// From the beginning of the match to the end of its secret, or of the secret alone where there are keywords.
    pub(crate) max_length: Option<u64>,
}

/// A word in lower case.
#[derive(Clone, Debug)]
pub(crate) struct Keyword(Vec<u8>);

impl Terms {
    /// The field of the policy whose terms are not met.
    pub(crate) fn broken(&self, seen: &Seen) -> Option<&'static str> {
        let text = seen.front_text();
        let front = match &*text {
            // Percent-encoding of anything but a letter or a digit, which are not written so.
            [.., b'%', a, b] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => b"",
            text => text.last_chunk::<1>().map_or(&b""[..], |last| last),
        };
        let near = |k: &Keyword| k.stands_in(&[front, seen.lead, seen.value]);
        if !self.keywords.is_empty() && !self.keywords.iter().any(near) {
            return Some("keywords");
        }
        // What stands before the value may begin at a keyword, and is then no part of what has a length.
        let lead = if self.keywords.is_empty() { seen.lead.len() } else { 0 };
        if self
            .max_length
            .is_some_and(|most| (lead + seen.value.len()) as u64 > most)
        {
            return Some("max_length");
        }
        self.min_entropy
            .is_some_and(|bits| entropy::bits(seen.value) < bits)
            .then_some("min_entropy")
    }
}

impl Keyword {
    /// `None`: it does not begin and end with a letter or a digit, or is no ASCII.
    pub(crate) fn new(word: &str) -> Option<Keyword> {
        let ends = |b: Option<&u8>| b.is_some_and(u8::is_ascii_alphanumeric);
        let bytes = word.as_bytes();
        let sound = ends(bytes.first()) && ends(bytes.last()) && bytes.iter().all(|b| (b' '..=b'~').contains(b));
        sound.then(|| Keyword(bytes.to_ascii_lowercase()))
    }

    /// Whether it stands in these stretches, one behind the other, as a word: not `id` in `invalid`.
    fn stands_in(&self, stretches: &[&[u8]]) -> bool {
        let text = stretches.concat();
        let at = |i: usize| text.get(i).copied();
        text.windows(self.0.len()).enumerate().any(|(i, w)| {
            let end = i + self.0.len();
            w.eq_ignore_ascii_case(&self.0)
                && !joined(i.checked_sub(1).and_then(at), at(i))
                && !joined(at(end - 1), at(end))
        })
    }
}

/// Both belong to one word: letters, unless a capital begins another (`acmeKey`), or digits.
fn joined(a: Option<u8>, b: Option<u8>) -> bool {
    let (Some(a), Some(b)) = (a, b) else { return false };
    let letters =
        a.is_ascii_alphabetic() && b.is_ascii_alphabetic() && !(a.is_ascii_lowercase() && b.is_ascii_uppercase());
    letters || (a.is_ascii_digit() && b.is_ascii_digit())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::Keyword;

    #[test]
    fn a_keyword_is_a_word_of_its_own() {
        for (word, text, stands) in [
            ("id", "an invalid one", false),
            ("id", "the id: 7", true),
            ("id", "userId=7", true),
            ("acme", "ACME_KEY", true),
            ("acme", "acmeKey", true),
            ("acme", "ACMEKEY", false),
            ("acme", "xacme", false),
            ("acme key", "Acme Key:", true),
            ("v2", "v21", false),
            ("v2", "key_v2", true),
        ] {
            let keyword = Keyword::new(word).unwrap();
            let (front, back) = text.split_at(text.len() / 2);
            assert_eq!(
                keyword.stands_in(&[front.as_bytes(), back.as_bytes()]),
                stands,
                "{word} in {text}"
            );
        }
        assert!(Keyword::new("_x").is_none() && Keyword::new("").is_none() && Keyword::new("é1").is_none());
    }
}
