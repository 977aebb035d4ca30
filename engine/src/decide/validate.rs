//! Further checks on a value that a pattern matched. Each is a name in a detector's file.
//!
//! A check rejects; none confirms. Checksums are left out on purpose: examples in documents and scrambled copies
//! fail them, and a redactor must not let a real token pass because one digit was cut off.

/// A named check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Validator {
    NotPlaceholder,
}

/// Names for error texts, in the order of their introduction.
pub(crate) const NAMES: &[&str] = &["not-placeholder"];

impl Validator {
    pub(crate) fn named(name: &str) -> Option<Validator> {
        match name {
            "not-placeholder" => Some(Validator::NotPlaceholder),
            _ => None,
        }
    }

    pub(crate) fn accepts(self, value: &[u8]) -> bool {
        match self {
            Validator::NotPlaceholder => !placeholder(value),
        }
    }
}

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

/// A stand-in that documents and templates use: one character repeated, or a variable in one of the usual spellings.
fn placeholder(value: &[u8]) -> bool {
    let Some((first, rest)) = value.split_first() else {
        return true;
    };
    let last = rest.last().copied();
    let wrapped = matches!(
        (first, last),
        (b'<', Some(b'>')) | (b'{', Some(b'}')) | (b'%', Some(b'%')) | (b'[', Some(b']'))
    ) || matches!(
        (first, rest.first(), last),
        (b'$', Some(b'{'), Some(b'}')) | (b'$', Some(b'('), Some(b')'))
    );
    let variable = *first == b'$'
        && !rest.is_empty()
        && rest
            .iter()
            .all(|b| b.is_ascii_uppercase() || *b == b'_' || b.is_ascii_digit());
    let repeated = value.len() >= 3 && rest.iter().all(|b| b.eq_ignore_ascii_case(first));
    let word = [
        &b"password"[..],
        b"passwd",
        b"pass",
        b"pwd",
        b"secret",
        b"changeme",
        b"your-password",
        b"your_password",
        b"yourpassword",
        b"user",
        b"username",
        b"example",
    ];
    wrapped || variable || repeated || word.iter().any(|w| w.eq_ignore_ascii_case(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_told_from_values() {
        for (value, is) in [
            ("${DB_PASSWORD}", true),
            ("$DB_PASSWORD", true),
            ("<password>", true),
            ("{{pw}}", true),
            ("%PW%", true),
            ("xxxxxxxx", true),
            ("Password", true),
            ("hunter2-but-longer", false),
            ("$tr0ng", false),
            ("p", false),
        ] {
            assert_eq!(placeholder(value.as_bytes()), is, "{value}");
        }
    }

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
