//! Header lists as bytes: the proxy's serialised form, read and written within its limits.
//!
//! Layout (ABI 0.2.1): count, then the two lengths of each pair, all u32 little endian; then each name and value with
//! a NUL behind it.

use crate::host::{self, HostError, Map};

/// More pairs than this, or more bytes, and the proxy deletes the whole list instead of setting it. A margin is left
/// below its own limits (1,024 pairs, 1 MiB).
const MOST_PAIRS: usize = 1_000;
const MOST_BYTES: usize = 900 * 1024;

/// Names and values in wire order, duplicates kept.
#[derive(Clone, Debug, Default)]
pub(crate) struct Headers {
    pub(crate) pairs: Vec<(Vec<u8>, Vec<u8>)>,
    touched: Vec<Vec<u8>>,
}

impl Headers {
    /// The list as it is now. `None`: not live in this phase, or not readable.
    pub(crate) fn get(map: Map) -> Option<Headers> {
        let pairs = read(&host::pairs(map).ok()?)?;
        (!pairs.is_empty()).then_some(Headers {
            pairs,
            touched: Vec::new(),
        })
    }

    /// A list of our own.
    pub(crate) fn of(pairs: Vec<(Vec<u8>, Vec<u8>)>) -> Headers {
        Headers {
            pairs,
            touched: Vec::new(),
        }
    }

    /// The first value of a name.
    pub(crate) fn first(&self, name: &[u8]) -> Option<&[u8]> {
        self.pairs.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_slice())
    }

    pub(crate) fn set_at(&mut self, index: usize, value: Vec<u8>) {
        if let Some((name, slot)) = self.pairs.get_mut(index) {
            *slot = value;
            self.touched.push(name.clone());
        }
    }

    /// One header with this name, in place of those that are there.
    pub(crate) fn set(&mut self, name: &[u8], value: &[u8]) {
        self.pairs.retain(|(n, _)| n != name);
        self.pairs.push((name.to_vec(), value.to_vec()));
        self.touched.push(name.to_vec());
    }

    pub(crate) fn remove(&mut self, name: &[u8]) {
        let before = self.pairs.len();
        self.pairs.retain(|(n, _)| n != name);
        if self.pairs.len() != before {
            self.touched.push(name.to_vec());
        }
    }

    pub(crate) fn replace(&mut self, name: &[u8], value: &[u8]) {
        for i in 0..self.pairs.len() {
            if self.pairs.get(i).is_some_and(|(n, v)| n == name && v != value) {
                self.set_at(i, value.to_vec());
            }
        }
    }

    /// Writes the list back if anything was changed.
    pub(crate) fn put(&self, map: Map) -> Result<(), HostError> {
        if self.touched.is_empty() {
            return Ok(());
        }
        let bytes: usize = self.pairs.iter().map(|(n, v)| n.len() + v.len() + 10).sum();
        if !self.pairs.is_empty() && self.pairs.len() <= MOST_PAIRS && bytes <= MOST_BYTES {
            return host::set_pairs(map, &write(&self.pairs));
        }
        // Too large for one call, or nothing left to set: take the changed names out and put their values back one by one.
        let mut names = self.touched.clone();
        names.sort();
        names.dedup();
        for name in names {
            host::remove(map, &name)?;
            for (_, value) in self.pairs.iter().filter(|(n, _)| *n == name) {
                host::add(map, &name, value)?;
            }
        }
        Ok(())
    }
}

/// The serialised form of a list.
pub(crate) fn write(pairs: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let len = |n: usize| u32::try_from(n).unwrap_or(u32::MAX).to_le_bytes();
    let mut out = Vec::new();
    out.extend_from_slice(&len(pairs.len()));
    for (name, value) in pairs {
        out.extend_from_slice(&len(name.len()));
        out.extend_from_slice(&len(value.len()));
    }
    for (name, value) in pairs {
        for part in [name, value] {
            out.extend_from_slice(part);
            out.push(0);
        }
    }
    out
}

fn read(data: &[u8]) -> Option<Vec<(Vec<u8>, Vec<u8>)>> {
    if data.is_empty() {
        return Some(Vec::new());
    }
    let number = |at: usize| {
        data.get(at..at + 4)
            .and_then(|b| b.try_into().ok())
            .map(u32::from_le_bytes)
            .map(|n| n as usize)
    };
    let count = number(0)?;
    let mut at = 4usize.checked_add(count.checked_mul(8)?)?;
    let mut pairs = Vec::new();
    for i in 0..count {
        let mut part = |len: usize| {
            let bytes = data.get(at..at.checked_add(len)?)?.to_vec();
            at = at.checked_add(len)?.checked_add(1)?;
            Some(bytes)
        };
        let name = part(number(4 + i * 8)?)?;
        let value = part(number(8 + i * 8)?)?;
        pairs.push((name, value));
    }
    Some(pairs)
}
