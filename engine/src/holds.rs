//! How many bytes of a stream can be held back, and by what: for `keepmum explain`.
//!
//! Read from the compiled patterns and the limits that the engine itself goes by. A byte is held while something that begins
//! at or before it is open, so that the longest thing that can be open is the bound; `engine/tests/holds.rs` holds it against
//! what bodies really hold.

use crate::detect::program::{Op, Program};
use crate::engine::Engine;
use crate::limits;

/// What can hold bytes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holds {
    /// Every armed detector, the longest match first.
    pub detectors: Vec<Longest>,
    /// Fields whose action needs the end of the value.
    pub fields: usize,
    /// Bytes that one candidate, or one value of such a field, spans before it is given up or leaves as it streams.
    pub candidate: u64,
    /// Bytes for which a finding waits for others that overlap it; 0: it does not wait.
    pub overlap: u64,
    /// Bytes of a run of base64, as it stands in the text; 0: base64 is not decoded.
    pub base64: u64,
    /// Bytes of a bare number in a JSON body; 0: no detector takes numbers.
    pub number: u64,
}

/// The longest match of a detector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Longest {
    /// The detector's id.
    pub detector: String,
    /// Characters of its longest match; `None`: it is open-ended.
    pub characters: Option<u64>,
}

impl Holds {
    /// The most that a body holds back whatever stands in it, in bytes; one in UTF-16 holds twice as many.
    pub fn bound(&self) -> u64 {
        let open = if self.detectors.is_empty() && self.fields == 0 {
            0
        } else {
            self.candidate
        };
        self.overlap + open.max(self.base64).max(self.number)
    }

    /// The most for text in which nothing is escaped or encoded, and no field waits.
    pub fn plain(&self) -> u64 {
        let longest = self.detectors.first().map_or(0, |d| d.characters.unwrap_or(u64::MAX));
        // A character behind the match tells that it is over.
        self.overlap + longest.saturating_add(1).min(self.candidate).max(self.number)
    }
}

impl Engine {
    /// What can hold back bytes of a body.
    pub fn holds(&self) -> Holds {
        let armed = self.detectors.iter().zip(&self.armed.set).filter(|(_, armed)| **armed);
        let mut detectors: Vec<Longest> = armed
            .map(|(d, _)| Longest {
                detector: d.id.clone(),
                characters: longest(&d.program),
            })
            .collect();
        detectors.sort_by_key(|d| (std::cmp::Reverse(d.characters.unwrap_or(u64::MAX)), d.detector.clone()));
        let waits = self.fields.iter().filter(|f| self.enforce && f.action.needs_end());
        Holds {
            fields: waits.count(),
            candidate: limits::CANDIDATE_BYTES,
            overlap: if self.careful { limits::OVERLAP_BYTES } else { 0 },
            // Four characters for three bytes; a slash may be escaped.
            base64: if self.decode.base64 {
                limits::VIEW_BYTES.div_ceil(3) * 4
            } else {
                0
            },
            number: if self.armed.numbers { limits::NUMBER_BYTES } else { 0 },
            detectors,
        }
    }
}

/// Characters of the longest match; `None`: there is no end to it.
fn longest(program: &Program) -> Option<u64> {
    // Everything but an endless repetition goes forward, so that what follows is known before what it follows.
    let ops = &program.ops;
    let mut from: Vec<Option<u64>> = vec![Some(0); ops.len() + 1];
    let at = |from: &[Option<u64>], pc: usize| from.get(pc).copied().unwrap_or(Some(0));
    for (pc, op) in ops.iter().enumerate().rev() {
        let next = |from: &[Option<u64>]| at(from, pc + 1);
        let most = match *op {
            Op::Byte(_) | Op::Set(_) => next(&from).map(|n| n + 1),
            Op::Repeat { max: u16::MAX, .. } => None,
            Op::Repeat { max, .. } => next(&from).map(|n| n + u64::from(max)),
            Op::Split(a, b) => {
                let (a, b) = (at(&from, usize::from(a)), at(&from, usize::from(b)));
                a.and_then(|a| Some(a.max(b?)))
            }
            Op::Jump(to) if usize::from(to) <= pc => None,
            Op::Jump(to) => at(&from, usize::from(to)),
            Op::SecretStart | Op::SecretEnd | Op::Border(_) => next(&from),
            Op::Match => Some(0),
        };
        if let Some(slot) = from.get_mut(pc) {
            *slot = most;
        }
    }
    at(&from, 0)
}
