//! `mixed`, `has-digits` and `not-hex`: which kinds of characters a value is made of.
//!
//! A short prefix such as `db-` stands before ordinary names too. What a generator draws from capitals, small letters and
//! digits has all three (of 22 characters all but one in fifty have), and names of files and functions do not. Why not a
//! measure of entropy: it says little about so short a text, and nothing that a reader can check.

/// Capitals, small letters and digits all occur.
pub(super) fn is_mixed(value: &[u8]) -> bool {
    value.iter().any(u8::is_ascii_uppercase) && value.iter().any(u8::is_ascii_lowercase) && has_digit(value)
}

/// A digit occurs behind the prefix, which ends with the first separator.
pub(super) fn has_digit(value: &[u8]) -> bool {
    body(value).iter().any(u8::is_ascii_digit)
}

/// Something other than hexadecimal digits occurs behind the prefix: a hash in a file's name has none.
pub(super) fn is_beyond_hex(value: &[u8]) -> bool {
    !body(value).iter().all(u8::is_ascii_hexdigit)
}

fn body(value: &[u8]) -> &[u8] {
    let prefix = value
        .iter()
        .position(|b| !b.is_ascii_alphanumeric())
        .filter(|at| *at < 16)
        .map_or(0, |at| at + 1);
    value.get(prefix..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{has_digit, is_beyond_hex, is_mixed};

    #[test]
    fn kinds_of_characters() {
        for (value, mixed, digit, beyond_hex) in [
            ("db-FAKEfake0123", true, true, true),
            ("db-fake-fake-0123", false, true, true),
            ("db-FAKEfake", false, false, true),
            ("k2-FAKEfake", false, false, true),
            ("ico-fa4efa4efa4e0123", false, true, false),
            ("0123456789abcdef", false, true, false),
            ("", false, false, false),
        ] {
            let value = value.as_bytes();
            assert_eq!(
                (is_mixed(value), has_digit(value), is_beyond_hex(value)),
                (mixed, digit, beyond_hex)
            );
        }
    }
}
