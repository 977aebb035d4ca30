//! Time and randomness that a test controls: the same run gives the same bytes.

/// Midnight of 1 January 2026, UTC, in nanoseconds: where a VM's clock begins unless told otherwise.
pub(super) const EPOCH: u64 = 1_767_225_600_000_000_000;

/// A clock that moves only when it is moved, and a seeded generator.
#[derive(Clone, Debug)]
pub(super) struct Clock {
    pub(super) now: u64,
    seed: u64,
}

impl Clock {
    pub(super) fn new(now: u64) -> Self {
        Self {
            now,
            seed: 0x9e37_79b9_7f4a_7c15,
        }
    }

    /// Fills `out` by SplitMix64: well spread, and never meant to be secret.
    pub(super) fn fill(&mut self, out: &mut [u8]) {
        for piece in out.chunks_mut(8) {
            self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = self.seed;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^= z >> 31;
            let bytes = z.to_le_bytes();
            piece.copy_from_slice(&bytes[..piece.len()]);
        }
    }
}
