//! Everything that is keyed: where the key comes from, the two gates, the tag, the digest, and the seal of the set.
//!
//! The proxy and the agent share one key, from their environments. What the set is made with is derived from it and from the set's
//! salt, which is new with each: two sets cannot be compared.
//!
//! The gates are multiplications, since they are made at every tenth byte of all traffic; they see three bytes and five, and what they can
//! tell is bounded by that. The tag (SipHash-1-3, 32 bits of the first 64 bytes) and the digest (BLAKE3, 128 bits of the whole) are
//! of no use for guessing a part.

use std::hash::Hasher;

use hmac::{Hmac, Mac};
use sha2::Sha256;
use siphasher::sip::SipHasher13;
use zeroize::Zeroize;

/// Bytes that the tag is made of, at most.
pub(crate) const TAGGED: usize = 64;

/// Bits of the gate of three bytes.
pub(crate) const NARROW_BITS: u32 = 18;

/// Bits of the gate of five bytes.
pub(crate) const WIDE_BITS: u32 = 20;

/// The header that seals a set: `hmac-sha256=` and the HMAC of the body in hexadecimal digits.
pub const MAC_HEADER: &str = "keepmum-seal";

/// Shorter keys can be guessed.
const KEY_BYTES: usize = 16;

/// What a set is made with, and read with.
#[derive(Clone)]
pub struct Key {
    digest: [u8; 32],
    tag: SipHasher13,
    narrow: u32,
    wide: u64,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(..)")
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        self.digest.zeroize();
        self.narrow.zeroize();
        self.wide.zeroize();
    }
}

/// Why a key will not do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyError;

impl std::fmt::Display for KeyError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the key has less than {KEY_BYTES} bytes")
    }
}

impl std::error::Error for KeyError {}

impl Key {
    /// From the key that agent and proxy share, and the salt of the set.
    pub fn new(shared: &[u8], salt: &[u8]) -> Result<Key, KeyError> {
        if shared.len() < KEY_BYTES {
            return Err(KeyError);
        }
        let derive = |what: &str| {
            let mut hasher = blake3::Hasher::new_derive_key(what);
            hasher.update(&(shared.len() as u64).to_le_bytes());
            hasher.update(shared);
            hasher.update(salt);
            *hasher.finalize().as_bytes()
        };
        let mut gates = derive("keepmum known secrets 1: gates and tag");
        let word = |at: usize| {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(gates.get(at..at + 8).unwrap_or(&[0; 8]));
            u64::from_le_bytes(bytes)
        };
        let key = Key {
            digest: derive("keepmum known secrets 1: digests"),
            tag: SipHasher13::new_with_keys(word(0), word(8)),
            #[allow(clippy::cast_possible_truncation)]
            narrow: word(16) as u32 | 1,
            wide: word(24) | 1,
        };
        gates.zeroize();
        Ok(key)
    }

    /// The gate of the first three of eight bytes.
    #[inline]
    pub(crate) fn narrow(&self, bytes: u64) -> u32 {
        #[allow(clippy::cast_possible_truncation)]
        let x = (bytes as u32) << 8;
        // The low bits of a product depend on the low bits of its factors alone, the high ones on all.
        (x ^ x >> 15).wrapping_mul(self.narrow) >> (32 - NARROW_BITS)
    }

    /// The gate of the first five of eight bytes.
    #[inline]
    pub(crate) fn wide(&self, bytes: u64) -> u32 {
        let x = bytes << 24;
        #[allow(clippy::cast_possible_truncation)]
        let gate = ((x ^ x >> 29).wrapping_mul(self.wide) >> (64 - WIDE_BITS)) as u32;
        gate
    }

    /// Of the beginning of a form, and its number: that two forms are the same is not to be seen.
    pub(crate) fn tag(&self, number: u8, form: &[u8]) -> u32 {
        let mut hasher = self.tag;
        hasher.write_u8(number);
        hasher.write(form.get(..TAGGED).unwrap_or(form));
        #[allow(clippy::cast_possible_truncation)]
        let tag = hasher.finish() as u32;
        tag
    }

    /// Of all of a form, and its number.
    pub(crate) fn digest(&self, number: u8, form: &[u8]) -> [u8; 16] {
        let all = blake3::Hasher::new_keyed(&self.digest)
            .update(&[number])
            .update(form)
            .finalize();
        let mut digest = [0; 16];
        digest.copy_from_slice(all.as_bytes().get(..16).unwrap_or(&[0; 16]));
        digest
    }
}

/// The seal of a set, under the key that agent and proxy share.
pub fn mac(shared: &[u8], body: &[u8]) -> [u8; 32] {
    seal(shared, body).finalize().into_bytes().into()
}

/// Whether a set has this seal; compared in constant time.
pub(crate) fn is_sealed(shared: &[u8], body: &[u8], mac: &[u8]) -> bool {
    seal(shared, body).verify_slice(mac).is_ok()
}

fn seal(shared: &[u8], body: &[u8]) -> Hmac<Sha256> {
    // Not the key itself: it has other uses.
    let key = blake3::derive_key("keepmum known secrets 1: seal", shared);
    // Keys of any length will do, so that this never fails.
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap_or_else(|_| Hmac::new(&Default::default()));
    mac.update(body);
    mac
}
