//! `not-a-property`: `self._password = …` is a line of a program, `_password=…` one of a configuration.

use super::Seen;

pub(super) fn accepts(seen: &Seen) -> bool {
    !matches!(seen.front_text().as_ref(), [.., object, b'.'] if object.is_ascii_alphanumeric() || *object == b'_')
}

#[cfg(test)]
mod tests {
    use super::{Seen, accepts};

    #[test]
    fn objects_have_properties() {
        for (front, is) in [("", true), ("//npm.internal/:", true), ("\n", true), ("self.", false)] {
            let seen = Seen {
                front: front.as_bytes(),
                ..Seen::default()
            };
            assert_eq!(accepts(&seen), is, "{front}");
        }
    }
}
