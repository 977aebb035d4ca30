//! What this engine itself has put into a text is never a secret: a second pass changes nothing.

use crate::rewrite::{self, Means};

/// Text that this engine put there itself. It is never a secret, whatever surrounds it: a second pass changes nothing.
pub(crate) fn already_redacted(value: &[u8], means: &Means) -> bool {
    match value.first() {
        None => false,
        Some(b'[') => is_label(value, means),
        _ => {
            value.iter().all(|b| *b == b'*')
                || (means.kept != (0, 0) && rewrite::is_masked(value, means.kept))
                || rewrite::is_unsigned(value)
        }
    }
}

fn is_label(value: &[u8], means: &Means) -> bool {
    rewrite::Template::FIRST.is(value) || rewrite::is_tag(value) || means.templates.iter().any(|t| t.is(value))
}

/// The value is the second half of a label, whose colon looked like that between a user and a password, or the digits
/// of its tag.
pub(crate) fn inside_label(front: &[u8], value: &[u8], means: &Means) -> bool {
    rewrite::Template::FIRST.is_behind_colon(front, value)
        || rewrite::is_in_tag(front, value)
        || means.templates.iter().any(|t| t.is_behind_colon(front, value))
}

#[cfg(test)]
mod tests {
    use super::already_redacted;
    use crate::rewrite::Means;

    #[test]
    fn own_output_is_recognised() {
        for (value, is) in [
            ("[REDACTED:json-web-token]", true),
            ("********", true),
            ("[REDACTED:]", false),
            ("[REDACTED:x]y", false),
            ("[HASH-0123456789abcdef:x]", true),
            ("[HASH-0123456789abcdeg:x]", false),
            ("********0123", false),
            ("eyFAKE.eyFAKE.REDACTED", true),
            ("", false),
        ] {
            assert_eq!(already_redacted(value.as_bytes(), &Means::default()), is, "{value}");
        }
    }
}
