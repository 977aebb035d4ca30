//! A group of base64 that is written anew in its place: as long as it was, and in the alphabet that it had.

use crate::decode::base64;

/// A group of base64 that is written anew.
#[derive(Clone, Copy, Debug)]
pub(in crate::stream) struct Patch {
    pub(in crate::stream) start: u64,
    /// Length of what stands there, backslashes included.
    len: u8,
    /// How many characters take its place.
    chars: u8,
    text: [u8; 4],
}

impl Patch {
    pub(super) fn new(start: u64, stood: &[u8], old: &[u8], new: &[u8]) -> Patch {
        let values = |bytes: &[u8]| {
            let at = |i: usize| bytes.get(i).copied().unwrap_or(0);
            base64::values([at(0), at(1), at(2)])
        };
        let mut text = [0; 4];
        let mut chars = 0;
        let plain = stood.iter().filter(|b| **b != b'\\');
        for (((to, c), old), new) in text.iter_mut().zip(plain).zip(values(old)).zip(values(new)) {
            // A character that stays keeps the form that its alphabet gave it.
            *to = if old == new { *c } else { base64::character(new) };
            chars += 1;
        }
        Patch {
            start,
            len: u8::try_from(stood.len()).unwrap_or(u8::MAX),
            chars,
            text,
        }
    }

    pub(in crate::stream) fn end(&self) -> u64 {
        self.start + u64::from(self.len)
    }

    pub(in crate::stream) fn text(&self) -> &[u8] {
        self.text.get(..usize::from(self.chars)).unwrap_or_default()
    }
}
