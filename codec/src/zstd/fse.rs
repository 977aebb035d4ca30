//! Tables of finite state entropy (RFC 8878 section 4.1).

use alloc::vec::Vec;

use super::bits::{Backward, Forward};

/// What a state means, and how the next one is found.
#[derive(Clone, Copy, Default)]
struct Entry {
    symbol: u8,
    bits: u8,
    base: u16,
}

/// A table; without entries it is none.
#[derive(Default)]
pub(super) struct Table {
    entries: Vec<Entry>,
    log: u32,
}

/// Where a decoder stands in a table.
#[derive(Clone, Copy)]
pub(super) struct State(usize);

/// Symbols that one table can have.
const SYMBOLS: usize = 256;

impl Table {
    /// Reads a description, with at most so many bits of accuracy and symbols up to this one; says how long it was.
    pub(super) fn read(&mut self, data: &[u8], most_bits: u32, last: usize) -> Option<usize> {
        let mut bits = Forward::new(data);
        let log = bits.read(4)? + 5;
        if log > most_bits {
            return None;
        }
        let mut counts = [0i16; SYMBOLS];
        let (mut left, mut symbol) = (1i32 << log, 0);
        while left > 0 {
            let width = (left + 1).ilog2() + 1;
            let mut value = i32::try_from(bits.read(width)?).ok()?;
            let lower = (1 << (width - 1)) - 1;
            let threshold = (1 << width) - 1 - (left + 1);
            if value & lower < threshold {
                bits.back();
                value &= lower;
            } else if value > lower {
                value -= threshold;
            }
            let count = value - 1;
            left -= count.abs();
            if symbol > last {
                return None;
            }
            *counts.get_mut(symbol)? = i16::try_from(count).ok()?;
            symbol += 1;
            let mut more = count == 0;
            while more {
                let zeros = bits.read(2)?;
                symbol += zeros as usize;
                more = zeros == 3;
            }
        }
        if left != 0 || symbol > last + 1 {
            return None;
        }
        self.build(&counts, log)?;
        Some(bits.bytes())
    }

    /// From how often symbols come; -1: less than once.
    pub(super) fn build(&mut self, counts: &[i16], log: u32) -> Option<()> {
        let size = 1usize << log;
        self.log = log;
        self.entries.clear();
        self.entries.try_reserve_exact(size).ok()?;
        self.entries.resize(size, Entry::default());
        let mut next = [0u16; SYMBOLS];
        let mut high = size;
        for (symbol, count) in (0u8..=255).zip(counts) {
            *next.get_mut(usize::from(symbol))? = count.unsigned_abs();
            if *count == -1 {
                high = high.checked_sub(1)?;
                self.entries.get_mut(high)?.symbol = symbol;
            }
        }
        let (step, mask) = ((size >> 1) + (size >> 3) + 3, size - 1);
        let mut at = 0;
        for (symbol, count) in counts.iter().enumerate().take(SYMBOLS) {
            for _ in 0..*count {
                self.entries.get_mut(at)?.symbol = u8::try_from(symbol).ok()?;
                at = (at + step) & mask;
                while at >= high {
                    at = (at + step) & mask;
                }
            }
        }
        if at != 0 {
            return None;
        }
        for entry in &mut self.entries {
            let n = next.get_mut(usize::from(entry.symbol))?;
            let bits = log.checked_sub(n.checked_ilog2()?)?;
            entry.bits = u8::try_from(bits).ok()?;
            entry.base = u16::try_from((usize::from(*n) << bits).checked_sub(size)?).ok()?;
            *n += 1;
        }
        Some(())
    }

    /// One symbol that always comes.
    pub(super) fn always(&mut self, symbol: u8) -> Option<()> {
        self.log = 0;
        self.entries.clear();
        self.entries.try_reserve_exact(1).ok()?;
        self.entries.push(Entry {
            symbol,
            ..Entry::default()
        });
        Some(())
    }

    pub(super) fn clear(&mut self) {
        self.entries.clear();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn begin(&self, bits: &mut Backward<'_>) -> State {
        State(bits.read(self.log) as usize)
    }

    pub(super) fn symbol(&self, state: State) -> Option<u8> {
        self.entries.get(state.0).map(|e| e.symbol)
    }

    pub(super) fn next(&self, state: &mut State, bits: &mut Backward<'_>) -> Option<()> {
        let entry = self.entries.get(state.0)?;
        state.0 = usize::from(entry.base) + bits.read(entry.bits.into()) as usize;
        Some(())
    }

    pub(super) fn memory(&self) -> usize {
        self.entries.capacity() * size_of::<Entry>()
    }
}
