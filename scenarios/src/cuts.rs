//! Where bodies are cut. What comes out must not depend on it.

use keepmum_host_tests::exchange::Planted;

/// Larger bodies are not sent byte by byte.
const SMALL: usize = 2048;

/// A way to cut a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cut {
    /// Not at all.
    Whole,
    /// In the middle of each secret, or of the body if none stands in it as it is.
    Secret,
    /// Behind each first byte of an escape, or of a character of several bytes.
    Character,
    /// At random, the same each time.
    Random,
    /// At other random places.
    Again,
    /// After every byte.
    Bytes,
}

impl Cut {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Whole,
        Self::Secret,
        Self::Character,
        Self::Random,
        Self::Again,
        Self::Bytes,
    ];

    /// What a report calls it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Secret => "secret",
            Self::Character => "character",
            Self::Random => "random",
            Self::Again => "again",
            Self::Bytes => "bytes",
        }
    }
}

/// The pieces of a body; `None` where it cannot be cut so.
#[must_use]
pub fn pieces(body: &[u8], planted: &[Planted], cut: Cut, seed: &str) -> Option<Vec<Vec<u8>>> {
    if body.is_empty() {
        return None;
    }
    let mut at: Vec<usize> = match cut {
        Cut::Whole => Vec::new(),
        Cut::Bytes if body.len() <= SMALL => (1..body.len()).collect(),
        Cut::Bytes => return None,
        Cut::Secret => in_secrets(body, planted),
        Cut::Character => (1..body.len())
            .filter(|i| splits(body[i - 1], body[*i]))
            .take(32)
            .collect(),
        Cut::Random => random(body.len(), seed, 1),
        Cut::Again => random(body.len(), seed, 2),
    };
    at.retain(|i| *i > 0 && *i < body.len());
    at.sort_unstable();
    at.dedup();
    if at.is_empty() && cut != Cut::Whole {
        return None;
    }
    let (mut pieces, mut from) = (Vec::new(), 0);
    for to in at.into_iter().chain([body.len()]) {
        pieces.push(body[from..to].to_vec());
        from = to;
    }
    Some(pieces)
}

fn in_secrets(body: &[u8], planted: &[Planted]) -> Vec<usize> {
    let middle = |p: &Planted| {
        let half = p.value.len() / 2;
        let found = memchr::memmem::find_iter(body, &p.value).take(8);
        found.map(|at| at + half).collect::<Vec<_>>()
    };
    let found: Vec<usize> = planted.iter().flat_map(middle).collect();
    if found.is_empty() { vec![body.len() / 2] } else { found }
}

/// Whether a cut between these two splits a character or an escape.
fn splits(before: u8, after: u8) -> bool {
    after & 0xc0 == 0x80 || matches!(before, b'\\' | b'%' | b'&')
}

/// Up to twelve places. The same for the same name and length, on every machine.
fn random(length: usize, seed: &str, round: u64) -> Vec<usize> {
    let mix = |state: u64, byte: u64| (state ^ byte).wrapping_mul(0x0100_0000_01b3);
    let mut state = seed
        .bytes()
        .map(u64::from)
        .chain([round])
        .fold(0xcbf2_9ce4_8422_2325, mix);
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap_or_default()
    };
    let count = 1 + next() % 12;
    (0..count).map(|_| next() % length).collect()
}
