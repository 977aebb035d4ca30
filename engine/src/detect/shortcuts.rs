//! What can be told of a pattern once and for all, so that a glance behind an anchor need not find it out each time.
//!
//! A keyword detector has dozens of anchors that are frequent words. Read from its first instruction, its pattern has as
//! many ways as keywords, and behind the keyword a run of name characters of any length: without these two facts the
//! glance would have to say "perhaps" to every `key` in a page.

use std::collections::{BTreeMap, BTreeSet};

use crate::detect::program::{ByteSet, Op};
use crate::detect::sieve::{LONGER, is_delimiter};
use crate::limits;

/// A byte that every match needs, and what can stand in front of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Need {
    byte: u8,
    /// Without what may begin an encoded character: that is for others to read.
    front: ByteSet,
}

impl Need {
    /// What two detectors need, if it is the same.
    pub(crate) fn shared(mut self, other: &Need) -> Option<Need> {
        self.front.unite(&other.front);
        (self.byte == other.byte && !self.front.contains(self.byte)).then_some(self)
    }

    /// No match has `text` behind its anchor.
    pub(crate) fn rules_out(&self, text: &[u8]) -> bool {
        let behind = text.iter().position(|b| !self.front.contains(*b));
        match behind.and_then(|i| text.get(i..)) {
            Some([b'\\', b'/', ..]) => self.byte != b'/' && !self.front.contains(b'/'),
            Some([b, ..]) => *b != self.byte && !matches!(b, b'\\' | b'%' | b'&'),
            _ => false,
        }
    }
}

/// Bytes that are tried as such: they end names, hosts and numbers.
const NEEDED: &[u8] = b"@:=;.-_/\"'$";

/// See above.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shortcuts {
    /// For each anchor, the instruction at which the pattern goes on behind it, if there is only one.
    behind_anchor: Vec<Option<u16>>,
    /// For each anchor, how many characters from its beginning on are certainly no delimiters, or [`MOST`].
    runs: Vec<u16>,
    /// For each anchor behind which every match needs a certain byte: those bytes, and which can stand in front of it.
    needs: Vec<Option<Need>>,
    /// For each instruction that is a repetition: what follows cannot begin with a byte of the run.
    run_ends_itself: Vec<bool>,
}

impl Shortcuts {
    pub(crate) fn of(ops: &[Op], sets: &[ByteSet], anchors: &[Vec<u8>]) -> Shortcuts {
        let apart = |(pc, op): (usize, &Op)| {
            let Op::Repeat { set, .. } = op else { return false };
            let (Some(run), Some(next)) = (sets.get(usize::from(*set)), first_bytes(ops, sets, pc + 1)) else {
                return false;
            };
            run.is_apart_from(&next)
        };
        let behind_anchor: Vec<Option<u16>> = anchors.iter().map(|a| behind(ops, sets, a)).collect();
        let mut known: BTreeMap<u16, Option<Need>> = BTreeMap::new();
        let mut needed = |pc: &Option<u16>| {
            let pc = (*pc)?;
            *known.entry(pc).or_insert_with(|| need(ops, sets, usize::from(pc)))
        };
        Shortcuts {
            needs: behind_anchor.iter().map(&mut needed).collect(),
            behind_anchor,
            runs: anchors.iter().map(|a| certain_run(ops, sets, a)).collect(),
            run_ends_itself: ops.iter().enumerate().map(apart).collect(),
        }
    }

    /// Where the pattern goes on behind this anchor.
    pub(crate) fn behind_anchor(&self, anchor: usize) -> Option<u16> {
        self.behind_anchor.get(anchor).copied().flatten()
    }

    /// What every match needs behind this anchor.
    pub(crate) fn need(&self, anchor: usize) -> Option<&Need> {
        self.needs.get(anchor)?.as_ref()
    }

    /// For each anchor, how many characters from its beginning on are certainly no delimiters, or [`MOST`].
    pub(crate) fn runs(&self) -> impl Iterator<Item = u16> {
        self.runs.iter().copied()
    }

    /// The repetition at `pc` has taken its whole run when what follows begins.
    pub(crate) fn run_ends_itself(&self, pc: usize) -> bool {
        self.run_ends_itself.get(pc).copied().unwrap_or(false)
    }
}

/// The consuming instructions that can be reached from `pc` without a byte; `None` where the pattern could end, or
/// where a border has a say, if that is to be heard.
fn reach(ops: &[Op], pc: usize, borders: bool, seen: &mut [bool], out: &mut Vec<usize>) -> Option<()> {
    let mut waiting = vec![pc];
    while let Some(pc) = waiting.pop() {
        match seen.get_mut(pc) {
            Some(seen) if !*seen => *seen = true,
            _ => continue,
        }
        match ops.get(pc)? {
            Op::Byte(_) | Op::Set(_) => out.push(pc),
            Op::Repeat { min, .. } => {
                out.push(pc);
                if *min == 0 {
                    waiting.push(pc + 1);
                }
            }
            Op::Split(a, b) => waiting.extend([usize::from(*a), usize::from(*b)]),
            Op::Jump(to) => waiting.push(usize::from(*to)),
            Op::Border(_) if borders => return None,
            Op::SecretStart | Op::SecretEnd | Op::Border(_) => waiting.push(pc + 1),
            Op::Match => return None,
        }
    }
    Some(())
}

/// All bytes with which what follows from `pc` on can begin.
pub(crate) fn first_bytes(ops: &[Op], sets: &[ByteSet], pc: usize) -> Option<ByteSet> {
    let mut at = Vec::new();
    reach(ops, pc, false, &mut vec![false; ops.len()], &mut at)?;
    let mut all = ByteSet::default();
    for pc in at {
        match ops.get(pc)? {
            Op::Byte(b) => all.add(*b, *b),
            Op::Set(set) | Op::Repeat { set, .. } => all.unite(sets.get(usize::from(*set))?),
            _ => return None,
        }
    }
    Some(all)
}

/// The one instruction at which the pattern stands when it has read `anchor`.
fn behind(ops: &[Op], sets: &[ByteSet], anchor: &[u8]) -> Option<u16> {
    let mut ways = vec![0];
    for b in anchor {
        let mut at = Vec::new();
        let mut seen = vec![false; ops.len()];
        for pc in ways {
            reach(ops, pc, true, &mut seen, &mut at)?;
        }
        ways = Vec::new();
        for pc in at {
            let takes = match ops.get(pc)? {
                Op::Byte(want) => want == b,
                Op::Set(set) | Op::Repeat { set, max: 1, .. } => sets.get(usize::from(*set))?.contains(*b),
                // A repetition inside an anchor: how often is not known here.
                _ => return None,
            };
            if takes {
                ways.push(pc + 1);
            }
        }
    }
    match ways.as_slice() {
        [one] => u16::try_from(*one).ok(),
        _ => None,
    }
}

/// A byte without which the pattern does not come to its end from `pc` on: the one that the fewest can stand in front of.
fn need(ops: &[Op], sets: &[ByteSet], pc: usize) -> Option<Need> {
    let in_front = |byte: &u8| {
        let mut front = ByteSet::default();
        let mut seen = vec![false; ops.len()];
        let mut waiting = vec![pc];
        while let Some(pc) = waiting.pop() {
            match seen.get_mut(pc) {
                Some(seen) if !*seen => *seen = true,
                _ => continue,
            }
            let (set, min) = match ops.get(pc)? {
                Op::Match => return None,
                Op::Split(a, b) => {
                    waiting.extend([usize::from(*a), usize::from(*b)]);
                    continue;
                }
                Op::Jump(to) => {
                    waiting.push(usize::from(*to));
                    continue;
                }
                Op::SecretStart | Op::SecretEnd | Op::Border(_) => {
                    waiting.push(pc + 1);
                    continue;
                }
                Op::Byte(b) => {
                    let mut set = ByteSet::default();
                    set.add(*b, *b);
                    (set, 1)
                }
                Op::Set(set) => (*sets.get(usize::from(*set))?, 1),
                Op::Repeat { set, min, .. } => (*sets.get(usize::from(*set))?, *min),
            };
            let mut others = set;
            others.leave_out(*byte);
            front.unite(&others);
            if min == 0 || others.count() > 0 {
                waiting.push(pc + 1);
            }
        }
        b"\\%&".iter().for_each(|b| front.leave_out(*b));
        Some(Need { byte: *byte, front })
    };
    NEEDED.iter().filter_map(in_front).min_by_key(|n| n.front.count())
}

/// More certain characters are not counted: an anchor and what a place behind its beginning asks for.
const MOST: u16 = limits::ANCHOR_BYTES as u16 + LONGER;

/// Characters of a match that begins with `anchor` which are certainly no delimiters, from its beginning on.
fn certain_run(ops: &[Op], sets: &[ByteSet], anchor: &[u8]) -> u16 {
    let mut delimiters = ByteSet::default();
    (0..=u8::MAX)
        .filter(|b| is_delimiter(*b))
        .for_each(|b| delimiters.add(b, b));
    // The shortest way to a delimiter or to the end: by instruction, and by how much of the anchor has been read.
    let mut least = vec![MOST; (ops.len() + 1) * (anchor.len() + 1)];
    let mut waiting = BTreeSet::new();
    let mut go = |waiting: &mut BTreeSet<(u16, usize, usize)>, run: u16, pc: usize, read: usize| {
        let read = read.min(anchor.len());
        if let Some(l) = least.get_mut(pc * (anchor.len() + 1) + read).filter(|l| run < **l) {
            *l = run;
            waiting.insert((run, pc, read));
        }
    };
    match behind(ops, sets, anchor) {
        Some(pc) if !anchor.iter().any(|b| is_delimiter(*b)) => {
            let run = u16::try_from(anchor.len()).unwrap_or(MOST);
            go(&mut waiting, run, usize::from(pc), anchor.len());
        }
        _ => go(&mut waiting, 0, 0, 0),
    }
    while let Some((run, pc, read)) = waiting.pop_first() {
        let (set, min, max) = match ops.get(pc) {
            None | Some(Op::Match) => return run,
            Some(&Op::Split(a, b)) => {
                go(&mut waiting, run, usize::from(a), read);
                go(&mut waiting, run, usize::from(b), read);
                continue;
            }
            Some(&Op::Jump(to)) => {
                go(&mut waiting, run, usize::from(to), read);
                continue;
            }
            Some(Op::SecretStart | Op::SecretEnd | Op::Border(_)) => {
                go(&mut waiting, run, pc + 1, read);
                continue;
            }
            Some(Op::Byte(b)) => {
                let mut set = ByteSet::default();
                set.add(*b, *b);
                (set, 1, 1)
            }
            Some(Op::Set(set)) => (sets.get(usize::from(*set)).copied().unwrap_or_default(), 1, 1),
            Some(&Op::Repeat { set, min, max }) => (sets.get(usize::from(set)).copied().unwrap_or_default(), min, max),
        };
        for n in 0..=max.min(MOST) {
            if n >= min {
                go(&mut waiting, run + n, pc + 1, read + usize::from(n));
            }
            match anchor.get(read + usize::from(n)) {
                Some(b) if !set.contains(*b) => break,
                Some(b) if n < max && is_delimiter(*b) => {
                    go(&mut waiting, run + n, ops.len(), read);
                    break;
                }
                None if n < max && !set.is_apart_from(&delimiters) => {
                    go(&mut waiting, run + n, ops.len(), read);
                    break;
                }
                None if n >= min => break,
                _ => {}
            }
        }
    }
    MOST
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use crate::detect::program::Program;

    #[test]
    fn how_long_a_word_certainly_is() {
        for (pattern, anchor, run) in [
            (r"\bsk_live_[0-9a-z]{24,}", "sk_live_", super::MOST),
            (r"\bkey-[0-9a-f]{4,8}\b", "key-", 8),
            (r"\bkey-[0-9a-f]{0,3}[ -][0-9a-f]{32}", "key-", 4),
            (r"(?:Key|Token)[=:](?: ?[0-9a-f]{32})", "Key=", 4),
            (r"(?:Key|Token)[=:](?:/[0-9a-f]{32})", "Key=", super::MOST),
            (
                r"(?:Key|Token)[=:](?:/[0-9a-f]{9}|[0-9a-f]{4}-[0-9a-f]{2})",
                "Token=",
                13,
            ),
            (r"-----BEGIN [A-Z]{3,9} KEY", "-----BEGIN ", 10),
            (r"AB[0-9]{2,40}(?:x[0-9]{3,}|y)", "AB12", 5),
            (r"AB[0-9]{2,40}\.[0-9]{12}", "AB12", 17),
        ] {
            let program = Program::compile(pattern).unwrap();
            let got = super::certain_run(&program.ops, &program.sets, anchor.as_bytes());
            assert_eq!(got, run, "{pattern}");
        }
    }

    #[test]
    fn what_is_known_of_a_pattern() {
        let program = Program::compile("(?:key|KEY|[tT]oken)[a-z_]{0,9}(?:[=:]|-[0-9]){1,2}z").unwrap();
        let known: Vec<bool> = (0..program.anchors.len())
            .map(|a| program.shortcuts.behind_anchor(a).is_some())
            .collect();
        assert_eq!(known, [true; 4]);
        assert!((0..program.ops.len()).any(|pc| program.shortcuts.run_ends_itself(pc)));
        let open = Program::compile("(?:key|keys)[a-z]{0,9}y").unwrap();
        assert_eq!(open.shortcuts.behind_anchor(0), None);
        assert!(!(0..open.ops.len()).any(|pc| open.shortcuts.run_ends_itself(pc)));
    }
}
