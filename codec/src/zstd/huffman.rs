//! Huffman codes of literals (RFC 8878 section 4.2).

use alloc::vec::Vec;

use super::bits::Backward;
use super::fse::Table;

/// The longest code.
const MOST_BITS: u32 = 11;

/// For each row of bits that can come next: the symbol, and how many of them are its code.
#[derive(Default)]
pub(super) struct Codes {
    entries: Vec<(u8, u8)>,
    bits: u32,
    /// For the weights.
    table: Table,
}

impl Codes {
    /// Reads a description; says how long it was.
    pub(super) fn read(&mut self, data: &[u8]) -> Option<usize> {
        let (first, rest) = data.split_first()?;
        let mut weights = [0u8; 256];
        let (used, count) = if *first < 128 {
            let size = usize::from(*first);
            (size, self.weights(rest.get(..size)?, &mut weights)?)
        } else {
            let count = usize::from(*first) - 127;
            let packed = rest.get(..count.div_ceil(2))?;
            for (weight, i) in weights.iter_mut().zip(0..count) {
                let byte = packed.get(i / 2)?;
                *weight = if i % 2 == 0 { byte >> 4 } else { byte & 15 };
            }
            (packed.len(), count)
        };
        self.build(&mut weights, count)?;
        Some(1 + used)
    }

    /// Weights that are encoded themselves, by two states in turn; says how many there are.
    fn weights(&mut self, data: &[u8], weights: &mut [u8; 256]) -> Option<usize> {
        let used = self.table.read(data, 6, 255)?;
        let mut bits = Backward::new(data.get(used..)?)?;
        let mut states = [self.table.begin(&mut bits), self.table.begin(&mut bits)];
        if bits.left() < 0 {
            return None;
        }
        let mut count = 0;
        let mut put = |weight| {
            // One more follows, which is not written.
            *weights.get_mut(..255)?.get_mut(count)? = weight;
            count += 1;
            Some(())
        };
        loop {
            let [turn, other] = &mut states;
            put(self.table.symbol(*turn)?)?;
            self.table.next(turn, &mut bits)?;
            if bits.left() < 0 {
                put(self.table.symbol(*other)?)?;
                return Some(count);
            }
            states.swap(0, 1);
        }
    }

    /// The last weight is what is missing to a power of two.
    fn build(&mut self, weights: &mut [u8; 256], count: usize) -> Option<()> {
        let share = |w: &u8| if *w > 0 { 1u32 << (w - 1) } else { 0 };
        if weights.iter().any(|w| u32::from(*w) > MOST_BITS + 1) {
            return None;
        }
        let sum: u32 = weights.iter().map(share).sum();
        let bits = sum.checked_ilog2()? + 1;
        let missing = (1 << bits) - sum;
        if bits > MOST_BITS || !missing.is_power_of_two() {
            return None;
        }
        *weights.get_mut(count)? = u8::try_from(missing.ilog2() + 1).ok()?;
        self.bits = bits;
        self.entries.clear();
        self.entries.try_reserve_exact(1 << bits).ok()?;
        for weight in 1..=u8::try_from(bits).ok()? {
            for (symbol, w) in (0u8..=255).zip(weights.iter()) {
                if *w == weight {
                    let length = u8::try_from(bits).ok()? + 1 - weight;
                    let end = self.entries.len() + (1 << (weight - 1));
                    self.entries.resize(end, (symbol, length));
                }
            }
        }
        (self.entries.len() == 1 << bits).then_some(())
    }

    /// Decodes one stream, which has exactly so many symbols.
    pub(super) fn decode(&self, data: &[u8], count: usize, out: &mut Vec<u8>) -> Option<()> {
        let mut bits = Backward::new(data)?;
        for _ in 0..count {
            let (symbol, length) = self.entries.get(bits.peek(self.bits) as usize)?;
            bits.skip(u32::from(*length));
            out.push(*symbol);
        }
        (bits.left() == 0).then_some(())
    }

    pub(super) fn clear(&mut self) {
        self.entries.clear();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn memory(&self) -> usize {
        self.entries.capacity() * 2 + self.table.memory()
    }
}
