//! The user name and password of HTTP's basic scheme, in base64.
//!
//! RFC 7617 section 2: the user name has no colon, and neither part has control characters. An empty password is no secret.

use super::base64;

pub(super) fn accepts(value: &[u8]) -> bool {
    let Some(text) = base64::decode(value) else {
        return false;
    };
    let mut parts = text.splitn(2, |b| *b == b':');
    let (user, password) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    !user.is_empty()
        && !password.is_empty()
        && std::str::from_utf8(&text).is_ok()
        && !text.iter().any(u8::is_ascii_control)
}

#[cfg(test)]
mod tests {
    use super::accepts;

    #[test]
    fn a_user_and_a_password() {
        for (value, is) in [
            ("RkFLRTpmYWtl", true),
            ("ZsO8cjpmYWtl", true),
            // No colon.
            ("RkFLRWZha2VGQUtF", false),
            // No password, no user.
            ("RkFLRTo=", false),
            ("OmZha2U=", false),
            // Words.
            ("understanding", false),
            ("authentication", false),
            ("realm=fake", false),
        ] {
            assert_eq!(accepts(value.as_bytes()), is, "{value}");
        }
    }
}
