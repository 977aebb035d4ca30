//! Many characters in one go, where a lane has nothing to decide for each of them. Most of a candidate is such a run.

use super::{Lane, Thread};
use crate::detect::program::{Op, Program};
use crate::limits;

impl Lane {
    /// Many characters at once, in the frequent case of a single way inside a repetition.
    pub(super) fn skip_ahead(&mut self, rest: &[u8], program: &Program) {
        let [only] = self.repeats.as_slice() else { return };
        let (1, Some(&(entered, path))) = (only.entries.len(), only.entries.front()) else {
            return;
        };
        let Some(&Op::Repeat { set, min, max }) = program.ops.get(usize::from(only.pc)) else {
            return;
        };
        let Some(set) = program.sets.get(usize::from(set)) else {
            return;
        };
        let count = self.chars - entered;
        let room = limits::CANDIDATE_BYTES.saturating_sub(self.pos - self.earliest.min(self.pos));
        let most = |n: u64| usize::try_from(n.min(room)).unwrap_or(usize::MAX);
        let run = |most: usize, stop: Option<u8>| {
            rest.iter()
                .take(most)
                .take_while(|b| **b != b'\\' && Some(**b) != stop && set.contains(**b))
                .count()
        };
        let exit = only.pc + 1;
        let n = if count + 1 < u64::from(min) {
            if !self.threads.is_empty() {
                return;
            }
            // Below the minimum nothing behind the repetition can be reached.
            run(most(u64::from(min) - count - 1), None)
        } else if count >= u64::from(min)
            && let Some(Op::Byte(stop)) = program.ops.get(usize::from(exit))
            && self.threads.as_slice() == [Thread { pc: exit, path }]
        {
            // Only one byte leads out, and it is not in sight.
            let left = if max == u16::MAX {
                u64::MAX
            } else {
                u64::from(max).saturating_sub(count + 1)
            };
            run(most(left), Some(*stop))
        } else if count >= u64::from(min) && max == u16::MAX && self.threads.is_empty() {
            // The open end of a pattern: each byte is a longer match.
            let closes = program.ops.get(usize::from(exit)) == Some(&Op::SecretEnd);
            let at_end = program.ops.get(usize::from(exit) + usize::from(closes)) == Some(&Op::Match);
            let pos = self.pos;
            let [m] = self.matches.as_mut_slice() else { return };
            if !at_end || m.start != path.start || m.end != pos {
                return;
            }
            let n = run(most(u64::MAX), None);
            m.end += n as u64;
            if closes || !program.has_secret_group {
                m.secret.1 = m.end;
            }
            n
        } else {
            return;
        };
        if n > 0 {
            self.pos += n as u64;
            self.chars += n as u64;
            self.char_start = self.pos - 1;
            self.before = rest.get(n - 1).copied();
        }
    }
}
