//! Where detectors begin that no literal announces: a card number is digits, and nothing but digits.
//!
//! Their candidates may begin at any character of a class (behind a word border, if the pattern asks for one), so that
//! every byte has to be asked. A plain loop with one table look-up does that, and only if the policy arms such a
//! detector. Why not anchors of the expanded kind (`4111`, `4112`, …): a number's first digits say too little, a
//! phone number has three of them at most, and every hex digest would be full of hits.

use crate::decode::{Decode, Escape, Reading, Unit};
use crate::detect::program::{ByteSet, Program, is_word};
use crate::detect::track::DEPTHS;
use crate::limits;

/// A character of a word.
const WORD: u32 = 1;
/// Begins an escape, or may.
const SPECIAL: u32 = 2;
/// Bits below those of the groups.
const BELOW: u32 = 2;
/// Groups that have a bit of their own.
const GROUPS: usize = 30;
/// The longest spelling of a character that ends in a letter or a digit: a terminal's colour.
const SPELLING: usize = 12;

/// A place at which candidates may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ClassHit<'a> {
    pub(crate) at: usize,
    pub(crate) before: Option<u8>,
    pub(crate) first: u8,
    /// How often percent-encoding must be undone to see it.
    pub(crate) percent: u8,
    /// The detectors to ask.
    pub(crate) detectors: &'a [u16],
}

/// Detectors that begin at the same characters.
#[derive(Clone, Debug)]
struct Group {
    set: ByteSet,
    at_border: bool,
    detectors: Vec<u16>,
}

/// The compiled pass.
#[derive(Clone, Debug)]
pub(crate) struct Classes {
    groups: Vec<Group>,
    table: Box<[u32; 256]>,
    decode: Decode,
}

impl Classes {
    /// For those of the programs that begin at a class.
    pub(crate) fn new<'a>(programs: impl Iterator<Item = (u16, &'a Program)>, decode: Decode) -> Classes {
        let mut groups: Vec<Group> = Vec::new();
        for (detector, program) in programs {
            let Some(set) = program.class else { continue };
            // Behind a front the border is not here.
            let at_border = program.starts_at_border && program.front.is_none();
            let full = groups.len() == GROUPS;
            if let Some(same) = groups.iter_mut().find(|g| g.set == set && g.at_border == at_border) {
                same.detectors.push(detector);
            } else if let (true, Some(last)) = (full, groups.last_mut()) {
                // Asked more often than need be: the pattern decides in any case.
                last.set.unite(&set);
                last.at_border &= at_border;
                last.detectors.push(detector);
            } else {
                let detectors = vec![detector];
                groups.push(Group {
                    set,
                    at_border,
                    detectors,
                });
            }
        }
        let mut table = Box::new([0u32; 256]);
        for (b, flags) in (0..=255u8).zip(table.iter_mut()) {
            *flags = u32::from(is_word(b)) * WORD + u32::from(b"\\%=[&".contains(&b)) * SPECIAL;
            for (i, group) in groups.iter().enumerate() {
                *flags |= u32::from(group.set.contains(b)) << (i as u32 + BELOW);
            }
        }
        Classes { groups, table, decode }
    }

    /// No detector needs the pass.
    pub(crate) fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// The places in `data[from..to]` at which candidates may begin. `before` is the character before an offset, and
    /// `in_slashes` says that a backslash stands right before `data`.
    pub(crate) fn scan<'a>(
        &'a self,
        data: &[u8],
        (from, to): (usize, usize),
        in_slashes: bool,
        before: impl Fn(usize) -> Option<u8>,
        mut found: impl FnMut(ClassHit<'a>),
    ) {
        let flags = |b: u8| self.table[usize::from(b)];
        let near = from.saturating_sub(SPELLING);
        let is_special = |i: &usize| data.get(*i).is_some_and(|b| flags(*b) & SPECIAL != 0);
        // Before `data` an escape may have begun.
        let mut special = (near..from).rev().find(is_special).or((near == 0).then_some(0));
        let mut last = from.checked_sub(1).and_then(|i| data.get(i)).map_or(0, |b| flags(*b));
        let first_before = before(from);
        for (i, &b) in data.iter().enumerate().take(to).skip(from) {
            let here = flags(b);
            if here & SPECIAL != 0 {
                special = Some(i);
                let first_slash = i == 0 && !in_slashes || i > 0 && data.get(i - 1) != Some(&b'\\');
                match b {
                    b'\\' if first_slash => self.escaped(data, i, 0, &before, &mut found),
                    b'&' if self.decode.entities => self.escaped(data, i, 0, &before, &mut found),
                    b'%' if self.decode.percent => {
                        let twice = data.get(i + 1..).is_some_and(|rest| rest.starts_with(b"25"));
                        for percent in 1..=if twice { DEPTHS } else { 1 } {
                            self.escaped(data, i, percent, &before, &mut found);
                        }
                    }
                    _ => {}
                }
            }
            if here >> BELOW != 0 {
                let plain = last & WORD != 0 && i > from && special.is_none_or(|s| i - s > SPELLING);
                let mut bits = here >> BELOW;
                let mut known = (i == from).then_some(first_before);
                while bits != 0 {
                    let group = self.groups.get(bits.trailing_zeros() as usize);
                    bits &= bits - 1;
                    let Some(group) = group else { break };
                    if group.at_border && plain && here & WORD != 0 {
                        continue;
                    }
                    let before = *known.get_or_insert_with(|| before(i));
                    if group.at_border && before.is_some_and(is_word) == is_word(b) {
                        continue;
                    }
                    found(ClassHit {
                        at: i,
                        before,
                        first: b,
                        percent: 0,
                        detectors: &group.detectors,
                    });
                }
            }
            last = here;
        }
    }

    /// A character of a class that is encoded; its first byte is at `at`.
    fn escaped<'a>(
        &'a self,
        data: &[u8],
        at: usize,
        percent: u8,
        before: &impl Fn(usize) -> Option<u8>,
        found: &mut impl FnMut(ClassHit<'a>),
    ) {
        let mut escape = Escape::default();
        let text = data.get(at..).unwrap_or_default();
        let references = self.decode.entities;
        let reading = Reading { percent, references };
        for b in text.iter().take(usize::from(limits::ESCAPE_SLASHES) + 6) {
            match escape.read(*b, reading) {
                Unit::Pending => {}
                Unit::Char([first, ..], 1) => {
                    let before = before(at);
                    let border = before.is_some_and(is_word) != is_word(first);
                    let begins = |g: &&Group| g.set.contains(first) && (border || !g.at_border);
                    for group in self.groups.iter().filter(begins) {
                        found(ClassHit {
                            at,
                            before,
                            first,
                            percent,
                            detectors: &group.detectors,
                        });
                    }
                    return;
                }
                _ => return,
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::Classes;
    use crate::decode::Decode;
    use crate::detect::program::Program;

    fn starts(pattern: &str, text: &str) -> Vec<usize> {
        let program = Program::compile_unanchored(pattern).unwrap();
        let classes = Classes::new([(0, &program)].into_iter(), Decode::default());
        let data = text.as_bytes();
        let mut all = Vec::new();
        let before = |i: usize| i.checked_sub(1).map(|i| data[i]);
        classes.scan(data, (0, data.len()), false, before, |hit| all.push(hit.at));
        all
    }

    #[test]
    fn a_class_begins_where_the_border_holds() {
        assert_eq!(starts(r"\b[0-9]{4}", "12 a3 -45,\\u0036"), [0, 7, 10]);
        assert_eq!(starts(r"\+[1-9][0-9]{4}", "+12 \\u002b3 ++"), [0, 4, 12, 13]);
        assert_eq!(starts(r"[ab]c", "abxca"), [0, 1, 4]);
    }
}
