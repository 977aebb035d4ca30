//! What a value says of itself beyond its pattern: checksums and structures that a vendor has documented.
//!
//! They raise confidence and clear nothing: examples are scrambled, and a copy of which one digit was cut off is still
//! worth hiding. So none is a validator; `keepmum explain` shows them, and the tests use them.

use crate::decide::validate::base64;

/// A documented checksum or structure.
#[derive(Clone, Copy)]
pub(crate) struct Confirmation {
    /// For people.
    pub(crate) name: &'static str,
    /// The detectors whose values have it.
    pub(crate) detectors: &'static [&'static str],
    /// Completes "the value".
    pub(crate) says: &'static str,
    /// `None` if the value is not of the form that has it.
    pub(crate) check: fn(&[u8]) -> Option<bool>,
}

/// All of them.
pub(crate) static ALL: &[Confirmation] = &[
    Confirmation {
        name: "base62-crc32",
        detectors: &["github-token", "github-app-token", "npm-token"],
        says: "ends in the CRC-32 of the thirty characters before it, as GitHub and npm end their tokens",
        check: base62_checksum,
    },
    Confirmation {
        name: "hex-crc32",
        detectors: &["cloudflare-api-token"],
        says: "ends in the CRC-32 of the forty characters before it, as Cloudflare ends its tokens",
        check: |value| {
            let body = value.get(value.iter().position(|b| *b == b'_')? + 1..)?;
            let (body, sum) = body.split_at_checked(40)?;
            (sum.len() == 8).then(|| hex(crc32(body)) == sum)
        },
    },
    Confirmation {
        name: "hex-crc32-of-all",
        detectors: &["atlassian-api-token", "bitbucket-token"],
        says: "ends in the CRC-32 of all that stands before it, as Atlassian ends its tokens",
        check: |value| {
            let (body, sum) = value.split_at_checked(value.len().checked_sub(8)?)?;
            (value.starts_with(b"AT") && body.ends_with(b"=")).then(|| hex(crc32(body)).to_ascii_uppercase() == sum)
        },
    },
    Confirmation {
        name: "bech32",
        detectors: &["age-secret-key"],
        says: "ends in a Bech32 checksum",
        check: bech32,
    },
    Confirmation {
        name: "macaroon",
        detectors: &["pypi-token"],
        says: "is a macaroon: fields with their lengths in front, up to a signature",
        check: |value| {
            let body = base64::decode(value.strip_prefix(b"pypi-")?);
            Some(body.is_some_and(|b| is_macaroon(&b)))
        },
    },
    Confirmation {
        name: "jose-header",
        detectors: &["json-web-token"],
        says: "begins with a header that decodes to JSON and names an algorithm",
        check: |value| {
            let header = value.split(|b| *b == b'.').next()?;
            Some(base64::decode(header).is_some_and(|h| names_an_algorithm(&h)))
        },
    },
];

/// What a value of this detector says of itself, if it can say anything.
pub(crate) fn confirm(detector: &str, value: &[u8]) -> Option<bool> {
    let of_it = |c: &&Confirmation| c.detectors.contains(&detector);
    ALL.iter().filter(of_it).find_map(|c| (c.check)(value))
}

/// `ghp_` or the like, thirty characters, six digits to the base 62: digits, capitals, small letters.
fn base62_checksum(value: &[u8]) -> Option<bool> {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let body = value.get(value.iter().position(|b| *b == b'_')? + 1..)?;
    let (body, sum) = body.split_at_checked(30)?;
    if sum.len() != 6 {
        return None;
    }
    let mut rest = crc32(body);
    let mut want = [b'0'; 6];
    for digit in want.iter_mut().rev() {
        *digit = DIGITS.get(rest as usize % 62).copied().unwrap_or(b'0');
        rest /= 62;
    }
    Some(want == sum)
}

/// CRC-32 as in IEEE 802.3, bit by bit: values are short.
fn crc32(data: &[u8]) -> u32 {
    !data.iter().fold(!0u32, |sum, b| {
        (0..8).fold(sum ^ u32::from(*b), |s, _| {
            (s >> 1) ^ (0xedb8_8320 & (s & 1).wrapping_neg())
        })
    })
}

fn hex(sum: u32) -> Vec<u8> {
    format!("{sum:08x}").into_bytes()
}

/// BIP 173: the checksum over the part before the last `1` and the part behind it.
fn bech32(value: &[u8]) -> Option<bool> {
    const ALPHABET: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    let value = value.to_ascii_lowercase();
    let at = value.iter().rposition(|b| *b == b'1')?;
    let (prefix, data) = (value.get(..at)?, value.get(at + 1..)?);
    let mut symbols: Vec<u8> = prefix.iter().map(|b| b >> 5).collect();
    symbols.push(0);
    symbols.extend(prefix.iter().map(|b| b & 31));
    for b in data {
        symbols.push(u8::try_from(ALPHABET.iter().position(|a| a == b)?).ok()?);
    }
    let sum = symbols.iter().fold(1u32, |sum, s| {
        let top = sum >> 25;
        let next = (sum & 0x01ff_ffff) << 5 ^ u32::from(*s);
        [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3]
            .into_iter()
            .enumerate()
            .filter(|(i, _)| top >> i & 1 == 1)
            .fold(next, |n, (_, g)| n ^ g)
    });
    Some(sum == 1)
}

/// A macaroon of version 2: a location, an identifier, caveats, and a signature of 32 bytes at the end.
fn is_macaroon(data: &[u8]) -> bool {
    let Some((2, mut rest)) = data.split_first().map(|(v, r)| (*v, r)) else {
        return false;
    };
    while let [kind, after @ ..] = rest {
        rest = after;
        if *kind == 0 {
            continue;
        }
        let (mut len, mut shift) = (0usize, 0);
        loop {
            let [b, after @ ..] = rest else { return false };
            rest = after;
            len |= usize::from(b & 127) << shift;
            shift += 7;
            if b & 128 == 0 {
                break;
            }
            if shift > 14 {
                return false;
            }
        }
        let Some(after) = rest.get(len..) else { return false };
        rest = after;
        if *kind == 6 {
            return len == 32 && rest.is_empty();
        }
    }
    false
}

/// An object with a member `alg`.
fn names_an_algorithm(header: &[u8]) -> bool {
    let text = header.trim_ascii();
    text.starts_with(b"{") && text.ends_with(b"}") && memchr::memmem::find(text, b"\"alg\"").is_some()
}

#[cfg(test)]
mod tests {
    use super::{confirm, crc32};

    #[test]
    fn crc32_of_the_usual_check_value() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn what_values_say_of_themselves() {
        let jwt = format!("{}.{}", "eyJhbGciOiJIUzI1NiJ9", "eyJmYWtlIjoxfQ.FAKEfakeFAKE");
        let npm = |sum: &str| format!("{}{}{sum}", "npm", "_FAKEfakeFAKEfakeFAKEfakeFAKEfa");
        for (detector, value, says) in [
            ("age-secret-key", "A12UEL5L".to_owned(), Some(true)),
            ("age-secret-key", "A12UEL5Q".to_owned(), Some(false)),
            ("json-web-token", jwt.clone(), Some(true)),
            ("json-web-token", jwt.replace("eyJhbGci", "eyJhYmNi"), Some(false)),
            ("npm-token", npm("FAKE01"), Some(false)),
            ("npm-token", npm(&sum_of("FAKEfakeFAKEfakeFAKEfakeFAKEfa")), Some(true)),
            ("npm-token", npm("FAKE0"), None),
            ("stripe-secret-key", "anything".to_owned(), None),
        ] {
            assert_eq!(confirm(detector, value.as_bytes()), says, "{detector}");
        }
    }

    fn sum_of(body: &str) -> String {
        let digits: Vec<char> = ('0'..='9').chain('A'..='Z').chain('a'..='z').collect();
        let mut sum = crc32(body.as_bytes()) as usize;
        let mut out = Vec::new();
        for _ in 0..6 {
            out.push(digits[sum % 62]);
            sum /= 62;
        }
        out.iter().rev().collect()
    }

    #[test]
    fn a_macaroon_is_read_field_by_field() {
        let mut token = vec![2, 1, 4];
        token.extend(b"fake");
        token.extend([2, 3, 1, 2, 3, 0, 0, 6, 32]);
        token.extend([7; 32]);
        assert!(super::is_macaroon(&token));
        assert!(!super::is_macaroon(&token[..40]));
        assert!(!super::is_macaroon(b"\x02\x01\xff\xff\xff\xff"));
    }
}
