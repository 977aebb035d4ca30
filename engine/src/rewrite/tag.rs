//! Tags: the same secret has the same one wherever it comes, and nobody without the key can try values against it.
//!
//! HMAC-SHA-256 (RFC 2104) of the decoded value, of which the first 64 bits are shown: enough that two secrets of one
//! company do not meet by chance, and `openssl dgst -sha256 -hmac` gives the same digits.

use hmac::{Hmac, Mac as _};
use sha2::Sha256;

/// A key, ready for use.
#[derive(Clone)]
pub(crate) struct Key {
    name: String,
    hmac: Hmac<Sha256>,
}

/// Two keys of one name are one.
impl PartialEq for Key {
    fn eq(&self, other: &Key) -> bool {
        self.name == other.name
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Key({})", self.name)
    }
}

impl Key {
    /// HMAC takes keys of any length.
    pub(crate) fn new(name: &str, key: &[u8]) -> Option<Key> {
        let hmac = Hmac::new_from_slice(key).ok()?;
        Some(Key {
            name: name.to_owned(),
            hmac,
        })
    }

    pub(crate) fn tag(&self, value: &[u8]) -> u64 {
        let mut mac = self.hmac.clone();
        mac.update(value);
        let all = mac.finalize().into_bytes();
        all.iter().take(8).fold(0, |n, b| n << 8 | u64::from(*b))
    }
}

#[cfg(test)]
mod tests {
    use super::Key;

    #[test]
    fn test_case_two_of_rfc_4231() {
        let tag = Key::new("K", b"Jefe").map(|k| k.tag(b"what do ya want for nothing?"));
        assert_eq!(tag, Some(0x5bdc_c146_bf60_754e));
    }
}
