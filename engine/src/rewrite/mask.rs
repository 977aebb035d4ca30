//! Masks: a `*` for each byte, and at most four characters of the value at its ends, by which people tell two keys apart.
//!
//! What stays is bounded by the value too: of 11 characters nobody may see four, since what is left could be tried out.

use super::stars;

/// Characters that a mask may keep in all.
pub(crate) const KEPT: u8 = 4;

/// The value must be so many times as long as what is kept of it; otherwise nothing is kept.
pub(crate) const SHARE: usize = 3;

/// How many `*` stand for a value whose length is not to be seen.
pub(crate) const HIDDEN: u64 = 8;

/// How a value is masked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mask {
    /// Characters at the front that stay.
    pub keep_first: u8,
    /// Characters at the end that stay.
    pub keep_last: u8,
    /// As many bytes as before; otherwise eight `*`.
    pub preserve_length: bool,
}

impl Default for Mask {
    fn default() -> Mask {
        Mask {
            keep_first: 0,
            keep_last: 0,
            preserve_length: true,
        }
    }
}

impl Mask {
    pub(crate) fn keeps(self) -> bool {
        self.keep_first + self.keep_last > 0
    }

    /// What stays of a value, if anything may. `after`: what follows it, where that is known.
    pub(crate) fn kept(self, value: &[u8], after: Option<u8>) -> Option<Kept> {
        let (first, last) = (usize::from(self.keep_first), usize::from(self.keep_last));
        if (first + last) * SHARE > characters(value) {
            return None;
        }
        // Only what can stand anywhere; and before an @ it would read like a mail address.
        let plain = |end: &&[u8]| end.iter().all(is_plain);
        let first = value.get(..first).filter(plain).unwrap_or_default();
        let last = value
            .get(value.len() - last..)
            .filter(plain)
            .filter(|_| after != Some(b'@'));
        let last = last.unwrap_or_default();
        let mut kept = Kept {
            text: [b'*'; KEPT as usize],
            first: u8::try_from(first.len()).unwrap_or(0),
            last: u8::try_from(last.len()).unwrap_or(0),
            preserve_length: self.preserve_length,
        };
        for (to, b) in kept.text.iter_mut().zip(first.iter().chain(last)) {
            *to = *b;
        }
        (kept.first + kept.last > 0).then_some(kept)
    }
}

/// The ends of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Kept {
    text: [u8; KEPT as usize],
    first: u8,
    last: u8,
    preserve_length: bool,
}

/// Those of UTF-8; a byte that continues one counts for none.
fn characters(text: &[u8]) -> usize {
    text.iter().filter(|b| !matches!(b, 0x80..=0xBF)).count()
}

fn is_plain(b: &u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')
}

impl Kept {
    /// The same without the end.
    pub(crate) fn front(self) -> Option<Kept> {
        (self.first > 0).then_some(Kept { last: 0, ..self })
    }

    /// Writes it for a stretch of `len` bytes.
    pub(crate) fn write(self, len: usize, out: &mut Vec<u8>) {
        let (first, last) = (usize::from(self.first), usize::from(self.last));
        let hidden = if self.preserve_length {
            len.saturating_sub(first + last) as u64
        } else {
            HIDDEN
        };
        out.extend_from_slice(self.text.get(..first).unwrap_or_default());
        stars(hidden, out);
        out.extend_from_slice(self.text.get(first..first + last).unwrap_or_default());
    }
}

/// One end of such a value, which stops at its `*`.
pub(crate) fn is_kept(value: &[u8], before: Option<u8>, after: Option<u8>, (first, last): (u8, u8)) -> bool {
    (after == Some(b'*') && value.len() <= usize::from(first))
        || (before == Some(b'*') && value.len() <= usize::from(last))
}

/// A value that a mask which keeps so much has left.
pub(crate) fn is_masked(value: &[u8], (first, last): (u8, u8)) -> bool {
    let front = value.iter().take_while(|b| is_plain(b)).count();
    let end = value.iter().rev().take_while(|b| is_plain(b)).count();
    front <= usize::from(first)
        && end <= usize::from(last)
        && (front + end) * SHARE <= value.len()
        && value
            .get(front..value.len() - end)
            .is_some_and(|m| !m.is_empty() && m.iter().all(|b| *b == b'*'))
}

#[cfg(test)]
mod tests {
    use super::{Mask, is_masked};

    fn masked(keep_first: u8, keep_last: u8, preserve_length: bool, value: &str) -> Option<String> {
        let mask = Mask {
            keep_first,
            keep_last,
            preserve_length,
        };
        let mut out = Vec::new();
        mask.kept(value.as_bytes(), None)?.write(value.len(), &mut out);
        Some(String::from_utf8(out).unwrap_or_default())
    }

    #[test]
    fn no_more_than_a_third_stays() {
        assert_eq!(masked(0, 4, true, "fakefake0123").as_deref(), Some("********0123"));
        assert_eq!(masked(0, 4, true, "fakefake012"), None);
        assert_eq!(masked(2, 2, true, "fa\"kefake01\\3").as_deref(), Some("fa***********"));
        assert_eq!(masked(0, 2, true, "fa\"kefake01\\3"), None);
        assert_eq!(masked(1, 0, false, "fakefake0123").as_deref(), Some("f********"));
        assert_eq!(masked(0, 4, true, "éééé0123"), None);
        assert_eq!(masked(0, 2, true, "éééé0123").as_deref(), Some("**********23"));
    }

    #[test]
    fn what_a_mask_left_is_known_again() {
        for (value, kept, is) in [
            ("********0123", (0, 4), true),
            ("********0123", (0, 3), false),
            ("fa********23", (2, 2), true),
            ("fa***23", (2, 2), false),
            ("fa**x**23456", (2, 2), false),
            ("fake", (2, 2), false),
        ] {
            assert_eq!(is_masked(value.as_bytes(), kept), is, "{value}");
        }
    }
}
