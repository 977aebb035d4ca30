//! What can be told of a pattern once and for all, so that a glance behind an anchor need not find it out each time.
//!
//! A keyword detector has dozens of anchors that are frequent words. Read from its first instruction, its pattern has as
//! many ways as keywords, and behind the keyword a run of name characters of any length: without these two facts the
//! glance would have to say "perhaps" to every `key` in a page.

use crate::detect::program::{ByteSet, Op};

/// See above.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shortcuts {
    /// For each anchor, the instruction at which the pattern goes on behind it, if there is only one.
    behind_anchor: Vec<Option<u16>>,
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
        Shortcuts {
            behind_anchor: anchors.iter().map(|a| behind(ops, sets, a)).collect(),
            run_ends_itself: ops.iter().enumerate().map(apart).collect(),
        }
    }

    /// Where the pattern goes on behind this anchor.
    pub(crate) fn behind_anchor(&self, anchor: usize) -> Option<u16> {
        self.behind_anchor.get(anchor).copied().flatten()
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
                Op::Set(set) => sets.get(usize::from(*set))?.contains(*b),
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use crate::detect::program::Program;

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
