//! What the pass looks things up in: bits by the hash of three bytes, anchors by their first four, by what they begin with,
//! and by their slashes.

use super::{Anchor, NONE};

/// One bit of a table is set.
pub(super) fn has(slots: &[u64; 1024], slot: u16) -> bool {
    slots[usize::from(slot >> 6)] >> (slot & 63) & 1 == 1
}

pub(super) fn set(slots: &mut [u64; 1024], slot: u16) {
    slots[usize::from(slot >> 6)] |= 1 << (slot & 63);
}

/// The numbers of the bits that are set.
pub(super) fn ones(mut bits: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let one = (bits != 0).then(|| bits.trailing_zeros() as usize);
        bits &= bits.wrapping_sub(1);
        one
    })
}

/// The first four bytes as a number; a NUL where there are only three.
fn key(bytes: &[u8]) -> u32 {
    let at = |i: usize| bytes.get(i).copied().unwrap_or(0);
    u32::from_be_bytes([at(0), at(1), at(2), at(3)])
}

/// A cell for a key: multiplication by an odd constant, upper bits kept. `cells` is a power of two.
pub(super) fn spread(key: u32, cells: usize) -> usize {
    (u64::from(key).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as usize & cells.wrapping_sub(1)
}

/// The table of keys, at most half full, so that a search ends.
pub(super) fn cells(all: &[Anchor]) -> Vec<(u32, u16, u16)> {
    let number = |i: usize| u16::try_from(i).unwrap_or(u16::MAX);
    let mut groups: Vec<(u32, u16, u16)> = Vec::new();
    for (i, a) in all.iter().enumerate() {
        match groups.last_mut() {
            Some((k, _, behind)) if *k == key(&a.bytes) => *behind = number(i + 1),
            _ => groups.push((key(&a.bytes), number(i), number(i + 1))),
        }
    }
    let mut cells = vec![(0, 0, 0); (2 * groups.len() + 2).next_power_of_two()];
    for group in groups {
        let mut at = spread(group.0, cells.len());
        while cells.get(at).is_some_and(|(_, _, behind)| *behind != 0) {
            at = (at + 1) & (cells.len() - 1);
        }
        if let Some(cell) = cells.get_mut(at) {
            *cell = group;
        }
    }
    cells
}

/// See [`super::Anchors::slashes`]; what fewer characters stand before has its length for them.
pub(super) fn slashes(all: &[Anchor]) -> Vec<(u32, u16, u8)> {
    let mut out = Vec::new();
    for (i, a) in (0..).zip(all) {
        for (offset, _) in a.bytes.iter().enumerate().filter(|(_, b)| **b == b'/') {
            let front = a.bytes.get(..offset).unwrap_or_default();
            let before = front
                .last_chunk()
                .map_or(offset as u32, |four| u32::from_be_bytes(*four));
            out.push((before, i, offset as u8));
        }
    }
    out.sort_unstable();
    out
}

/// For each anchor the longest other one with which it begins. They are sorted.
pub(super) fn shorter(all: &[Anchor]) -> Vec<u16> {
    let mut open: Vec<u16> = Vec::new();
    let mut out = Vec::with_capacity(all.len());
    for (i, a) in all.iter().enumerate() {
        let begins = |o: &u16| all.get(usize::from(*o)).is_some_and(|o| a.bytes.starts_with(&o.bytes));
        while open.last().is_some_and(|o| !begins(o)) {
            open.pop();
        }
        out.push(open.last().copied().unwrap_or(NONE));
        open.push(u16::try_from(i).unwrap_or(NONE));
    }
    out
}

/// The slot of three bytes: multiplication by an odd constant, upper bits kept.
pub(in crate::detect) fn slot([a, b, c]: [u8; 3]) -> u16 {
    (u32::from_le_bytes([a, b, c, 0]).wrapping_mul(0x9e37_79b1) >> 16) as u16
}
