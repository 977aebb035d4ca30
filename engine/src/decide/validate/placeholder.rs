//! `not-placeholder`: stand-ins that documents and templates use in place of a password.

pub(super) fn accepts(value: &[u8]) -> bool {
    !placeholder(value)
}

/// One character repeated, or a variable in one of the usual spellings.
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
    use super::placeholder;

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
}
