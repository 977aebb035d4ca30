//! How hard a key is to guess, in bits: the cheapest way to put it together from what people and guessing programs use.
//!
//! The model is that of zxcvbn (Wheeler, USENIX Security 2016): words, words in disguise, sequences, rows of the keyboard and
//! repetitions, each at its price, and single characters in between. Why not that crate: its dictionaries and the regex crate
//! make the module three times as large (2.5 MB more). It is the judge of this file's tests instead: what it can guess is refused
//! here. In place of a dictionary stand a few words that keys are made of, and whether letters read like English at all.

use crate::decide::validate::words;

/// Bits that a key must have at least: 16 random hex digits have 64.
pub(super) const BITS: f64 = 52.0;

/// More of a key is not looked at: time is quadratic.
const LONGEST: usize = 128;

/// What keys that are no keys are made of.
const WORDS: &[&str] = &[
    "password",
    "passwort",
    "passwd",
    "pass",
    "secret",
    "changeme",
    "change",
    "default",
    "example",
    "keepmum",
    "admin",
    "administrator",
    "root",
    "user",
    "test",
    "testing",
    "demo",
    "dummy",
    "sample",
    "local",
    "dev",
    "development",
    "prod",
    "production",
    "staging",
    "key",
    "hash",
    "hmac",
    "token",
    "private",
    "master",
    "secure",
    "security",
    "super",
    "insecure",
    "placeholder",
    "please",
    "replace",
    "your",
    "here",
    "this",
    "that",
    "not",
    "very",
    "long",
    "letmein",
    "welcome",
    "login",
    "hello",
    "world",
    "monkey",
    "dragon",
    "iloveyou",
    "princess",
    "football",
    "baseball",
    "sunshine",
    "shadow",
    "superman",
    "trustno",
    "access",
    "qwerty",
    "azerty",
    "abc",
    "foo",
    "bar",
    "baz",
    "redact",
    "redacted",
    "envoy",
    "proxy",
    "server",
    "service",
    "company",
    "internal",
    "fake",
    "none",
    "null",
    "undefined",
    "random",
    "string",
    "bytes",
    "for",
    "of",
    "and",
    "the",
    "my",
    "michael",
    "jennifer",
    "jordan",
    "daniel",
    "thomas",
    "robert",
    "charlie",
    "andrew",
    "jessica",
    "ashley",
    "hunter",
    "liverpool",
    "chocolate",
    "computer",
    "mustang",
    "summer",
    "winter",
    "spring",
    "autumn",
    "database",
    "docker",
    "kubernetes",
    "cluster",
];

const ROWS: &[&str] = &[
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "qwertzuiop",
    "azertyuiop",
    "1234567890",
    "!@#$%^&*()",
    "1q2w3e4r5t6y7u8i9o0p",
    "1qaz2wsx3edc4rfv5tgb",
];

/// Bits of the cheapest way.
pub(super) fn bits(key: &[u8]) -> f64 {
    let key = key.get(..LONGEST).unwrap_or(key);
    let single = single(key);
    let plain: Vec<u8> = key.iter().map(|b| undisguised(*b)).collect();
    let mut best = vec![0.0];
    for end in 1..=key.len() {
        let to = |length: usize| best.get(end - length).copied().unwrap_or_default();
        let mut cost: f64 = to(1) + if joins_again(key, end) { 1.0 } else { single };
        for length in 2..=end {
            let part = key.get(end - length..end).unwrap_or_default();
            let written = plain.get(end - length..end).unwrap_or_default();
            for way in [word(part, written), run(part), spoken(part), digits(part)]
                .into_iter()
                .flatten()
            {
                cost = cost.min(to(length) + way);
            }
        }
        for back in 1..end {
            let same = (0..end - back).take_while(|i| key.get(end - 1 - i) == key.get(end - 1 - i - back));
            let length = same.count();
            if length >= 4 {
                cost = cost.min(to(length) + 5.0 + log2(back) + log2(length));
            }
        }
        best.push(cost);
    }
    best.last().copied().unwrap_or_default()
}

fn log2(n: usize) -> f64 {
    f64::from(u32::try_from(n).unwrap_or(u32::MAX)).log2()
}

/// What a character costs: the size of the smallest alphabet that has all of them.
fn single(key: &[u8]) -> f64 {
    let any = |f: fn(&u8) -> bool| key.iter().any(f);
    if key.iter().all(u8::is_ascii_hexdigit) && any(u8::is_ascii_digit) {
        return if any(u8::is_ascii_alphabetic) {
            4.0
        } else {
            10f64.log2()
        };
    }
    let kinds = [
        (any(u8::is_ascii_lowercase), 26),
        (any(u8::is_ascii_uppercase), 26),
        (any(u8::is_ascii_digit), 10),
        (any(|b| b.is_ascii() && !b.is_ascii_alphanumeric()), 16),
        (any(|b| !b.is_ascii()), 64),
    ];
    log2(kinds.iter().filter(|(is, _)| *is).map(|(_, n)| n).sum())
}

/// The last of these is the hyphen, or whatever it is, that stood between words before.
fn joins_again(key: &[u8], end: usize) -> bool {
    let (Some(last), Some(before)) = (key.get(end - 1), key.get(..end - 1)) else {
        return false;
    };
    matches!(last, b'-' | b'_' | b'.' | b' ' | b'/') && before.contains(last)
}

/// `P4$$w0rd` as it is read.
fn undisguised(b: u8) -> u8 {
    match b.to_ascii_lowercase() {
        b'0' => b'o',
        b'1' | b'!' => b'i',
        b'3' => b'e',
        b'4' | b'@' => b'a',
        b'5' | b'$' => b's',
        b'7' => b't',
        b => b,
    }
}

fn word(part: &[u8], written: &[u8]) -> Option<f64> {
    let is = |w: &&str| w.as_bytes() == written || w.bytes().rev().eq(written.iter().copied());
    WORDS.iter().find(|w| is(w))?;
    let odd = part.iter().zip(written).filter(|(a, b)| a != b).count();
    Some(log2(WORDS.len()) + 1.0 + log2(1 + odd).min(3.0))
}

/// A year, or a number.
fn digits(part: &[u8]) -> Option<f64> {
    let year = part.len() == 4 && (part.starts_with(b"19") || part.starts_with(b"20"));
    let each = if year { 1.7 } else { 10f64.log2() };
    let all = part.iter().all(u8::is_ascii_digit);
    all.then(|| 2.0 + each * f64::from(u32::try_from(part.len()).unwrap_or(u32::MAX)))
}

/// Neighbours in the alphabet, or on the keyboard.
fn run(part: &[u8]) -> Option<f64> {
    if part.len() < 4 {
        return None;
    }
    let steps = |step: fn(u8, u8) -> bool| part.windows(2).all(|p| matches!(p, [a, b] if step(*a, *b)));
    let in_order = steps(|a, b| a.checked_add(1) == Some(b)) || steps(|a, b| b.checked_add(1) == Some(a));
    let row = || {
        let lower = part.to_ascii_lowercase();
        let has = |r: &str| {
            r.as_bytes()
                .windows(lower.len())
                .any(|w| w == lower || w.iter().rev().eq(&lower))
        };
        ROWS.iter().any(|r| has(r))
    };
    (in_order || row()).then(|| 6.0 + log2(part.len()))
}

/// Letters that read like words of some language: a bit and a half each.
fn spoken(part: &[u8]) -> Option<f64> {
    if part.len() < 6 || !part.iter().all(u8::is_ascii_alphabetic) {
        return None;
    }
    let (often, pairs) = words::pairs(part);
    (4 * often >= 3 * pairs).then(|| 4.0 + 1.5 * f64::from(u32::try_from(part.len()).unwrap_or(u32::MAX)))
}

#[cfg(test)]
mod tests {
    use super::{BITS, bits};
    use proptest::prelude::*;

    /// Guesses by zxcvbn, which knows 100,000 words and names: their logarithm.
    fn judged(key: &str) -> f64 {
        zxcvbn::zxcvbn(key, &[]).guesses_log10()
    }

    #[test]
    fn what_people_write_can_be_guessed() {
        for key in [
            "",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "0000000000000000",
            "1234567890123456",
            "abcdefghijklmnopqrstuvwxyz",
            "qwertyuiopasdfghjklzxcvbnm",
            "0123456789abcdef0123456789abcdef",
            "changemechangeme",
            "passwordpassword1",
            "P4ssw0rdP4ssw0rd!",
            "my-secret-hash-key",
            "keepmum-hash-key-production",
            "a-very-long-secret-key",
            "supersecretpassword123",
            "administrator2026!!",
            "deadbeefdeadbeefdeadbeef",
            "abcabcabcabcabcabcabcabc",
            "2026-01-01-2026-01-01",
            "please-replace-this-key!",
            "drowssapdrowssapdrowssap",
        ] {
            assert!(bits(key.as_bytes()) < BITS, "{key}: {}", bits(key.as_bytes()));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_000))]

        /// What zxcvbn does not call unguessable (10^8 guesses) is refused, whatever it is made of.
        #[test]
        fn what_zxcvbn_guesses_is_refused(
            parts in prop::collection::vec(prop::sample::select(vec![
                "summer", "Winter", "michael", "jennifer", "liverpool", "chocolate", "mustang", "computer", "99", "2026", "!", "-",
                "aaa", "1q2w3e", "asdf", "P@ss", "letmein", "x", "7", "correct", "horse", "battery", "staple", "kubernetes",
            ]), 1..8),
        ) {
            let key = parts.concat();
            prop_assert!(judged(&key) >= 8.0 || bits(key.as_bytes()) < BITS, "{key}: {} {}", judged(&key), bits(key.as_bytes()));
        }
    }

    /// Of the shortest keys, chance makes one in a hundred that looks made.
    #[test]
    fn what_chance_made_is_taken() {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut next = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state >> 24
        };
        let all: Vec<u8> = (0..=255).collect();
        for (alphabet, length, most) in [
            (&b"0123456789abcdef"[..], 16, 50),
            (b"0123456789abcdef", 32, 0),
            (b"abcdefghijklmnopqrstuvwxyz0123456789", 16, 50),
            (
                b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
                22,
                0,
            ),
            (&all, 16, 0),
        ] {
            let mut refused = 0;
            for _ in 0..5_000 {
                let key: Vec<u8> = (0..length)
                    .map(|_| alphabet[next() as usize % alphabet.len()])
                    .collect();
                refused += u32::from(bits(&key) < BITS);
            }
            assert!(refused <= most, "{refused} of 5,000, {length} of {}", alphabet.len());
        }
    }
}
