//! `not-known-fake`: values that documentation, templates and masks put where a secret would stand.
//!
//! By what they say (EXAMPLE, changeme, your-api-key), by what fills them (xxxx, 0000, ****), by their order (the
//! alphabet, 0123456789). Scrambled examples that look random are taken for what they look like.

/// Words that no generated secret contains.
const WORDS: &[&[u8]] = &[
    b"example",
    b"placeholder",
    b"changeme",
    b"change-me",
    b"change_me",
    b"redacted",
    b"dummy",
    b"foobar",
    b"sample",
    b"replace",
    b"insert",
    b"yourapi",
    b"your-",
    b"your_",
    b"your.",
    b"yourtoken",
    b"yourkey",
    b"yoursecret",
    b"my-secret",
    b"my_secret",
    b"mysecret",
    b"not_a_",
    b"not-a-",
    b"undefined",
    b"null",
    b"lorem",
    b"testtest",
    b"xxxx",
    b"****",
    b"....",
    b"____",
    b"----",
    b"####",
    b"????",
    b"0000000",
    b"1111111",
    b"deadbeefdeadbeef",
];

pub(super) fn accepts(value: &[u8]) -> bool {
    !(says_so(value) || is_filler(value) || is_in_order(value))
}

/// What is written where a value is to be put in. A table, since floods of matches are asked.
static BLANK: [bool; 256] = {
    let mut blank = [false; 256];
    let mut i = 0;
    while i < b"xX*#.".len() {
        blank[b"xX*#."[i] as usize] = true;
        i += 1;
    }
    blank
};

/// Of a value with a form of its own: not the form with `xxxx` in it, nor one character over and over.
pub(super) fn is_filled(value: &[u8]) -> bool {
    if value.len() < 16 {
        return true;
    }
    let blank = |b: &u8| BLANK[usize::from(*b)];
    // Floods of matches come by here: what has no blank at every twelfth place has no row of them, and half of it may do.
    if !value.iter().skip(11).step_by(12).any(blank) {
        let mut others = value.iter().filter(|b| !blank(b));
        return others.nth(value.len() / 2).is_some() && !is_one_character(value);
    }
    let blanks = value.iter().filter(|b| blank(b)).count();
    let same = |w: &[u8]| w.iter().all(|b| blank(b) && Some(b) == w.first());
    let row = (blanks >= 12).then(|| value.windows(12).position(same)).flatten();
    2 * blanks < value.len() && row.is_none_or(|at| has_key_beside(value, at)) && !is_one_character(value)
}

/// Before or behind the row stand as many letters and digits as a key has: blanks were glued to a value.
fn has_key_beside(value: &[u8], row: usize) -> bool {
    let (left, rest) = value.split_at_checked(row).unwrap_or((value, &[]));
    let blanks = rest.iter().take_while(|b| Some(*b) == rest.first()).count();
    let right = rest.get(blanks..).unwrap_or_default();
    let is_key = |run: &[u8]| {
        let blanks = run.iter().filter(|b| BLANK[usize::from(**b)]).count();
        run.len() >= KEY && 4 * blanks < run.len() && run.iter().any(u8::is_ascii_digit) && !is_one_character(run)
    };
    let runs = |side: &[u8]| side.split(|b| !b.is_ascii_alphanumeric()).any(is_key);
    runs(left) || runs(right)
}

/// Letters and digits in a row that are no form's own.
const KEY: usize = 20;

/// One character makes up nine tenths. Floods of matches come by here: nearly all of them are seen to be mixed within a few
/// neighbours, since of those only a fifth can differ.
fn is_one_character(value: &[u8]) -> bool {
    let mut differ = value.windows(2).filter(|w| w.first() != w.last());
    if differ.nth(value.len() / 5).is_some() {
        return false;
    }
    10 * different_and_most(value).1 >= 9 * value.len()
}

fn says_so(value: &[u8]) -> bool {
    let lower = value.to_ascii_lowercase();
    let tails = (0..lower.len()).filter_map(|i| lower.get(i..));
    let says = |tail: &[u8]| WORDS.iter().any(|w| w.first() == tail.first() && tail.starts_with(w));
    // An example says so soon.
    tails.take(64).any(says)
}

/// Few different characters, or one that makes up the half.
fn is_filler(value: &[u8]) -> bool {
    let (different, most) = different_and_most(&value.to_ascii_lowercase());
    2 * most >= value.len() || (value.len() >= 12 && different < 6)
}

/// How many different characters there are, and how often the most frequent one stands there.
fn different_and_most(value: &[u8]) -> (usize, usize) {
    let mut counts = [0usize; 256];
    for b in value {
        counts[usize::from(*b)] += 1;
    }
    let different = counts.iter().filter(|c| **c > 0).count();
    (different, counts.iter().max().copied().unwrap_or(0))
}

/// Each character follows the one before it in the code, but for one in sixteen; or sixteen in a row do, or most of them.
fn is_in_order(value: &[u8]) -> bool {
    let (mut breaks, mut run, mut longest) = (0, 0, 0);
    for pair in value.windows(2) {
        match pair {
            [a, b] if b.wrapping_sub(*a) == 1 || (*a == b'9' && *b == b'0') => run += 1,
            _ => (breaks, run) = (breaks + 1, 0),
        }
        longest = longest.max(run);
    }
    value.len() >= 8 && (16 * breaks < value.len() || longest >= 15 || 5 * (longest + 1) >= 3 * value.len())
}

#[cfg(test)]
mod tests {
    use super::{accepts, is_filled};

    #[test]
    fn fakes_are_told_from_values() {
        for (value, is_fake) in [
            ("AKIAIOSFODNN7EXAMPLE", true),
            ("your-api-key-here", true),
            ("xxxxxxxxxxxxxxxx", true),
            ("XXXX-XXXX-1234", true),
            ("00000000-0000-0000-0000-000000000000", true),
            ("aaaaaaaaaa1111111111", true),
            ("0123456789abcdefghijklmnopqrstuvwxyz", true),
            ("1234567890", true),
            ("ABCDEFGHIJKLMNOPQRSTUVWXYZ", true),
            ("q7x2m9w4k1z8v3b6", false),
            ("fa4efa4e0123456789abcdeffa4efa4e", false),
        ] {
            assert_eq!(!accepts(value.as_bytes()), is_fake, "{value}");
        }
    }

    #[test]
    fn forms_are_told_from_keys_with_x_glued_to_them() {
        let x = "x".repeat(12);
        for (value, is) in [
            (format!("fake-q7x2m9w4k1z8v3b6n5c0{x}"), true),
            (format!("{x}fake-q7x2m9w4k1z8v3b6n5c0"), true),
            (format!("fake-{x}{x}"), false),
            (format!("fake://fake.internal/T00000000/B00000000/{x}"), false),
        ] {
            assert_eq!(is_filled(value.as_bytes()), is, "{value}");
        }
    }
}
