//! Defanged values: what a credential can be used with goes, what it says can be read.
//!
//! A detector's file names the form that its values have (`defang = "jwt"`, `"url"`). Where a pattern isolates the
//! value in a `secret` group nothing has to be named: the BEGIN line of a PEM block, `Basic`, the name of a cookie
//! stand around it and stay, whatever the action is.

/// What a detector's values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Defang {
    /// A signed token in its compact form: the signature goes.
    Jwt,
    /// The password of a URL: all that stands between `//` and `@` goes.
    Url,
}

/// What stands in place of a signature. No dot, no bracket: the token stays one of three parts, so that it is found
/// again as a whole, and known to be none any more.
const NO_SIGNATURE: &[u8] = b"REDACTED";

impl Defang {
    /// By the name in the detector's file.
    pub(crate) fn named(name: &str) -> Option<Defang> {
        match name {
            "jwt" => Some(Defang::Jwt),
            "url" => Some(Defang::Url),
            _ => None,
        }
    }
}

/// How many bytes of a token stand before its signature, if it has one and nothing in it is spelt in another way.
pub(crate) fn signed(raw: &[u8], value: &[u8]) -> Option<u32> {
    let [header, payload, signature] = parts(value)?;
    let fits = raw == value && header.starts_with(b"ey") && !payload.is_empty() && !signature.is_empty();
    fits.then(|| u32::try_from(value.len() - signature.len()).ok())
        .flatten()
}

/// A token that has lost its signature here.
pub(crate) fn is_unsigned(value: &[u8]) -> bool {
    value.starts_with(b"ey") && parts(value).is_some_and(|[.., signature]| signature == NO_SIGNATURE)
}

fn parts(value: &[u8]) -> Option<[&[u8]; 3]> {
    let mut parts = value.split(|b| *b == b'.');
    let all = [parts.next()?, parts.next()?, parts.next()?];
    parts.next().is_none().then_some(all)
}

pub(crate) fn write_unsigned(raw: &[u8], kept: u32, out: &mut Vec<u8>) {
    let kept = usize::try_from(kept).unwrap_or(0);
    out.extend_from_slice(raw.get(..kept).unwrap_or_default());
    out.extend_from_slice(NO_SIGNATURE);
}

/// The user-info of a URL around its password, as offsets from where `lead` begins: `lead` is what the pattern matched in front
/// of the password, as it stands, and `behind` what follows. `None`: it is spelt in another way.
pub(crate) fn user_info(lead: &[u8], len: usize, behind: &[u8]) -> Option<(usize, usize)> {
    let from = lead.windows(2).rposition(|w| w == b"//")? + 2;
    let user = lead.get(from..)?;
    (behind.first() == Some(&b'@') && user.iter().all(|b| (b'!'..=b'~').contains(b) && *b != b'\\'))
        .then_some((from, lead.len() + len))
}

#[cfg(test)]
mod tests {
    use super::{is_unsigned, signed, user_info};

    #[test]
    fn a_token_loses_its_third_part() {
        assert_eq!(signed(b"eyA.eyB.fake", b"eyA.eyB.fake"), Some(8));
        for none in ["eyA.eyB", "eyA.eyB.", "eyA..fake", "eyA.b.c.d.e", "xx.eyB.fake"] {
            assert_eq!(signed(none.as_bytes(), none.as_bytes()), None, "{none}");
        }
        assert!(is_unsigned(b"eyA.eyB.REDACTED"));
        assert!(!is_unsigned(b"eyA.eyB.REDACTEDx"));
    }

    #[test]
    fn a_url_loses_its_user() {
        assert_eq!(user_info(b"redis://app:", 4, b"@h"), Some((8, 16)));
        assert_eq!(user_info(b"redis:\\/\\/app:", 4, b"@h"), None);
        assert_eq!(user_info(b"redis://app:", 4, b"%40h"), None);
    }
}
