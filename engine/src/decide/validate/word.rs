//! `not-in-a-word`: the value is the tail of a longer word, as `sk_test_…` is in `task_test_…`.
//!
//! For patterns that ask for no border in front, because a digit or an underscore may well stand there. A value as long as a
//! whole key is no tail of a word, whatever it is glued to.

use super::Seen;

/// No word with such a tail is as long: `sk_live_` and 24 characters.
const WHOLE_KEY: usize = 32;

pub(super) fn accepts(seen: &Seen) -> bool {
    if seen.value.len() >= WHOLE_KEY {
        return true;
    }
    let front = if seen.lead.is_empty() { seen.front } else { seen.lead };
    match front {
        // The end of an escape: `\n`, `%0A`.
        [.., b'\\', b'n' | b'r' | b't' | b'b' | b'f'] | [.., b'%', _, _] | [.., b'%', b'2', b'5', _, _] => true,
        [.., last] => !last.is_ascii_alphabetic(),
        [] => true,
    }
}

#[cfg(test)]
mod tests {
    use super::{Seen, accepts};

    #[test]
    fn letters_in_front_make_a_word() {
        for (front, is) in [
            ("", true),
            ("ta", false),
            ("key=", true),
            ("line\\n", true),
            ("line%0A", true),
            ("q=%252F", true),
            ("\\u00", true),
            ("my_", true),
        ] {
            let seen = Seen {
                front: front.as_bytes(),
                ..Seen::default()
            };
            assert_eq!(accepts(&seen), is, "{front}");
            let value = [b'a'; 32];
            assert!(accepts(&Seen { value: &value, ..seen }), "{front} before a whole key");
        }
    }
}
