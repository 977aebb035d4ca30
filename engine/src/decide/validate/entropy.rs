//! How evenly the characters of a value are spread: Shannon's measure, in bits a character.
//!
//! Of the value alone, not against a model of a language: that is what `words.rs` is for. A limit depends on the length,
//! since n characters cannot have more than log2(n) bits each.

/// Characters that a value is drawn from, about: however long it is, more than their logarithm cannot be asked.
const ALPHABET: usize = 36;

/// Bits for each character.
pub(crate) fn bits(value: &[u8]) -> f64 {
    let mut counts = [0u32; 256];
    for b in value {
        counts[usize::from(*b)] += 1;
    }
    let n = value.len() as f64;
    counts
        .iter()
        .filter(|c| **c > 0)
        .map(|c| f64::from(*c) / n)
        .map(|p| -p * p.log2())
        .sum()
}

/// The value's characters are spread as widely as those of a random one of its length, by this part or more.
pub(super) fn is_spread(value: &[u8], part: f64) -> bool {
    bits(value) >= part * (value.len().clamp(2, ALPHABET) as f64).log2()
}

#[cfg(test)]
mod tests {
    use super::{bits, is_spread};

    #[test]
    fn bits_of_known_texts() {
        for (text, want) in [("aaaa", 0.0), ("abab", 1.0), ("abcd", 2.0), ("0123456789abcdef", 4.0)] {
            assert!((bits(text.as_bytes()) - want).abs() < 1e-9, "{text}");
        }
    }

    #[test]
    fn repetition_is_not_spread() {
        assert!(is_spread(b"k3v9x0q2m7w1z8r4", 0.8));
        assert!(!is_spread(b"aaaabbbbaaaabbbb", 0.8));
    }
}
