//! Where gRPC messages end: a stream of them may pause for ever behind a message, and nothing may be held back there.
//!
//! Each message stands behind five bytes: a flag, and its length as a big-endian u32.

/// Counts through the frames of a body.
#[derive(Default)]
pub(crate) struct Frames {
    header: [u8; 5],
    have: usize,
    left: u64,
}

impl Frames {
    /// Takes the next bytes; `true`: a message ends with them.
    pub(crate) fn feed(&mut self, mut bytes: &[u8]) -> bool {
        while let Some((first, rest)) = bytes.split_first() {
            if self.left > 0 {
                let n = usize::try_from(self.left).unwrap_or(usize::MAX).min(bytes.len());
                self.left -= n as u64;
                bytes = bytes.get(n..).unwrap_or_default();
                continue;
            }
            if let Some(slot) = self.header.get_mut(self.have) {
                *slot = *first;
            }
            self.have += 1;
            bytes = rest;
            if self.have == self.header.len() {
                let [_, a, b, c, d] = self.header;
                self.left = u64::from(u32::from_be_bytes([a, b, c, d]));
                self.have = 0;
            }
        }
        self.left == 0 && self.have == 0
    }
}
