//! `no-spelled-hash`: an Argon2 hash whose base64 spells a sentence, as in documents and tests. No hash of chance does: of 12 random
//! bytes one in a hundred thousand is text.

use super::base64;

/// Bytes of a hash that say enough.
const LEAST: usize = 12;

pub(super) fn accepts(value: &[u8]) -> bool {
    let hash = value.rsplit(|b| *b == b'$').next().unwrap_or_default();
    let text = |b: &u8| b.is_ascii_graphic() || b.is_ascii_whitespace();
    !value.starts_with(b"$argon2") || !base64::decode(hash).is_some_and(|h| h.len() >= LEAST && h.iter().all(text))
}

#[cfg(test)]
mod tests {
    use super::accepts;

    #[test]
    fn sentences_are_told_from_hashes() {
        let salt = "$argon2id$v=19$m=65536,t=3,p=4$FAKEfakeFAKE$";
        for (hash, is) in [
            ("FAKEfakeFAKEfake0123456789FAKEfake", true),
            ("YSBmYWtlIGhhc2ggZm9yIGEgdGVzdA", false),
        ] {
            assert_eq!(accepts(format!("{salt}{hash}").as_bytes()), is, "{hash}");
        }
    }
}
