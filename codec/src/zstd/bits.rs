//! Bits in both directions: tables are described forwards, what they encode is read from its end.

/// From the first byte on, lowest bit first.
pub(super) struct Forward<'d> {
    data: &'d [u8],
    at: usize,
}

impl<'d> Forward<'d> {
    pub(super) fn new(data: &'d [u8]) -> Forward<'d> {
        Forward { data, at: 0 }
    }

    /// At most 16 bits; `None`: there are not so many.
    pub(super) fn read(&mut self, n: u32) -> Option<u32> {
        let end = self.at + n as usize;
        if end > self.data.len() * 8 {
            return None;
        }
        let value = low(self.data, self.at, n);
        self.at = end;
        u32::try_from(value).ok()
    }

    pub(super) fn back(&mut self) {
        self.at = self.at.saturating_sub(1);
    }

    /// Bytes of which something was read.
    pub(super) fn bytes(&self) -> usize {
        self.at.div_ceil(8)
    }
}

/// From behind: the highest bit that is set ends it, and comes first.
pub(super) struct Backward<'d> {
    data: &'d [u8],
    left: i64,
}

impl<'d> Backward<'d> {
    pub(super) fn new(data: &'d [u8]) -> Option<Backward<'d>> {
        let last = data.last().filter(|b| **b != 0)?;
        let left = data.len() as i64 * 8 - 1 - i64::from(last.leading_zeros());
        Some(Backward { data, left })
    }

    /// The next `n` bits, at most 32, with zeros behind the end.
    pub(super) fn peek(&self, n: u32) -> u32 {
        let from = self.left - i64::from(n);
        if let Ok(from) = usize::try_from(from) {
            return low(self.data, from, n) as u32;
        }
        match u32::try_from(self.left) {
            Ok(have @ 1..) => (low(self.data, 0, have) << (n - have)) as u32,
            _ => 0,
        }
    }

    pub(super) fn skip(&mut self, n: u32) {
        self.left -= i64::from(n);
    }

    pub(super) fn read(&mut self, n: u32) -> u32 {
        let value = self.peek(n);
        self.skip(n);
        value
    }

    /// Bits that are left; below zero: so many too many were read.
    pub(super) fn left(&self) -> i64 {
        self.left
    }
}

/// `n` bits, at most 32, from this one on.
fn low(data: &[u8], from: usize, n: u32) -> u64 {
    let rest = data.get(from / 8..).unwrap_or_default();
    let word = match rest.first_chunk::<8>() {
        Some(bytes) => u64::from_le_bytes(*bytes),
        None => rest.iter().rev().fold(0, |word, b| word << 8 | u64::from(*b)),
    };
    word >> (from % 8) & ((1 << n) - 1)
}
