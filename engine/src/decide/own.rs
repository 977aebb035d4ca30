//! What this engine itself has put into a text is never a secret: a second pass changes nothing.

/// Text that this engine put there itself. It is never a secret, whatever surrounds it: a second pass changes nothing.
pub(crate) fn already_redacted(value: &[u8]) -> bool {
    value.strip_prefix(LABEL).is_some_and(rest_of_label) || (!value.is_empty() && value.iter().all(|b| *b == b'*'))
}

/// The value is the second half of a label, whose colon looked like that between a user and a password.
pub(crate) fn inside_label(front: &[u8], value: &[u8]) -> bool {
    front.ends_with(LABEL) && rest_of_label(value)
}

const LABEL: &[u8] = b"[REDACTED:";

fn rest_of_label(text: &[u8]) -> bool {
    let is_id = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-';
    text.strip_suffix(b"]")
        .is_some_and(|id| !id.is_empty() && id.len() <= 64 && id.iter().all(is_id))
}

#[cfg(test)]
mod tests {
    use super::already_redacted;

    #[test]
    fn own_output_is_recognised() {
        for (value, is) in [
            ("[REDACTED:json-web-token]", true),
            ("********", true),
            ("[REDACTED:]", false),
            ("[REDACTED:x]y", false),
            ("", false),
        ] {
            assert_eq!(already_redacted(value.as_bytes()), is, "{value}");
        }
    }
}
