//! Does a value read like words? Identifiers and prose consist of pairs of letters that are frequent in English; of all
//! the pairs that there are, those are fewer than a third.
//!
//! Why not a dictionary: it would weigh hundreds of kilobytes, and `getUserById2` is in none.

/// For each letter, those that often follow it in English words and identifiers: 190 of 676 pairs, which make up five
/// sixths of such text.
const OFTEN: [&str; 26] = [
    "bcdgilmnprstu",
    "aeilou",
    "acehiklorst",
    "adeilors",
    "acdefglmnprstvx",
    "aefilo",
    "eirs",
    "aeio",
    "acdefglmnoprstvz",
    "",
    "e",
    "adeilopstuy",
    "aeiops",
    "acdefgiostu",
    "bcdlmnoprstuvw",
    "aceiloprstu",
    "u",
    "acdeimorstuy",
    "acehiopstu",
    "acehilorstuy",
    "beilmnprst",
    "aei",
    "ai",
    "t",
    "p",
    "e",
];

/// `(frequent pairs, pairs)` of neighbouring letters, case apart.
pub(crate) fn pairs(value: &[u8]) -> (usize, usize) {
    let letters = value
        .windows(2)
        .filter(|p| p.iter().all(u8::is_ascii_alphabetic))
        // An inner capital begins a word.
        .filter(|p| !matches!(p, [a, b] if a.is_ascii_lowercase() && b.is_ascii_uppercase()));
    let often = |p: &&[u8]| match p {
        [a, b] => OFTEN
            .get(usize::from(a.to_ascii_lowercase().wrapping_sub(b'a')))
            .is_some_and(|then| then.as_bytes().contains(&b.to_ascii_lowercase())),
        _ => false,
    };
    (letters.clone().filter(often).count(), letters.count())
}

/// All of it is words, numbers, and what joins them.
pub(super) fn only(value: &[u8]) -> bool {
    let (frequent, all) = pairs(value);
    let wordy = |part: &[u8]| {
        let digits = part.iter().filter(|b| b.is_ascii_digit()).count();
        let at_end = part.iter().rev().take_while(|b| b.is_ascii_digit()).count();
        let (often, of) = pairs(part);
        digits == part.len() || (digits == at_end && digits <= 4 && 2 * often >= of) || part.len() <= 3
    };
    let mut parts = parts(value);
    (all > 1 || !value.iter().any(u8::is_ascii_alphabetic)) && 2 * frequent >= all && parts.all(wordy)
}

/// What stands between separators, and between a small letter and a capital.
fn parts(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = value;
    std::iter::from_fn(move || {
        while rest.first().is_some_and(|b| !b.is_ascii_alphanumeric()) {
            rest = rest.get(1..).unwrap_or_default();
        }
        let end = rest
            .windows(2)
            .position(|p| match p {
                [a, b] => !b.is_ascii_alphanumeric() || (!a.is_ascii_uppercase() && b.is_ascii_uppercase()),
                _ => false,
            })
            .map_or(rest.len(), |i| i + 1);
        let (part, behind) = rest.split_at_checked(end).unwrap_or((rest, &[]));
        rest = behind;
        (!part.is_empty()).then_some(part)
    })
}

#[cfg(test)]
mod tests {
    use super::only;

    #[test]
    fn words_are_told_from_random_text() {
        for (value, is) in [
            ("ultraPictureBox1", true),
            ("DOC_Vector_5_32", true),
            ("jwt-jackson-0.11.2", true),
            ("2026-01-02", true),
            ("getUserById2", true),
            ("id-Gost28147-89-None-KeyMeshing", false),
            ("q7x2m9w4k1z8v3b6", false),
            ("Zq3D0LXCM3EIMbgJpUN", false),
            ("d3f1a9c2-7b4e", false),
        ] {
            assert_eq!(only(value.as_bytes()), is, "{value}");
        }
    }
}
