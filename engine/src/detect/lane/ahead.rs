//! Many characters in one go, where a lane has nothing to decide for each of them. Most of a candidate is such a run.

use super::{Lane, Match, Path, Scratch, Thread};
use crate::detect::program::{ByteSet, Op, Program};
use crate::limits;

/// Characters between two looks at whether a lane has come to rest, at first: a look costs about as much as three steps.
/// After one in vain the next is twice as far.
const APART: u64 = 8;

/// The state of a lane, told so that it can be compared with the state one character later.
#[derive(PartialEq, Eq)]
struct State {
    threads: Vec<Thread>,
    repeats: Vec<(u16, Vec<(Age, Path)>)>,
    matches: Vec<(Match, u64, u64)>,
}

/// How long ago a way entered a repetition.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Age {
    Exactly(u64),
    /// Long enough, where there is no upper bound: it stays so.
    Enough(u64),
}

impl State {
    fn of(lane: &Lane, program: &Program) -> State {
        let age = |pc: u16, entered: u64| {
            let age = lane.chars - entered;
            match program.ops.get(usize::from(pc)) {
                Some(&Op::Repeat { min, max: u16::MAX, .. }) if age >= u64::from(min) => Age::Enough(entered),
                _ => Age::Exactly(age),
            }
        };
        let repeats = lane.repeats.iter();
        let entries = |r: &super::Repeat| r.entries.iter().map(|(e, p)| (age(r.pc, *e), *p)).collect();
        // The ends of a match that grows move with the reader.
        let from_end = |m: &Match| {
            let here = Match {
                end: 0,
                secret: (m.secret.0, 0),
                ..*m
            };
            (here, lane.pos.wrapping_sub(m.end), lane.pos.wrapping_sub(m.secret.1))
        };
        State {
            threads: lane.threads.clone(),
            repeats: repeats.map(|r| (r.pc, entries(r))).collect(),
            matches: lane.matches.iter().map(from_end).collect(),
        }
    }
}

impl Lane {
    /// Many characters at once, in the frequent case of a single way inside a repetition. Whether there were any.
    pub(super) fn skip_ahead(&mut self, rest: &[u8], program: &Program) -> bool {
        let [only] = self.repeats.as_slice() else { return false };
        let (1, Some(&(entered, path))) = (only.entries.len(), only.entries.front()) else {
            return false;
        };
        let Some(&Op::Repeat { set, min, max }) = program.ops.get(usize::from(only.pc)) else {
            return false;
        };
        let Some(set) = program.sets.get(usize::from(set)) else {
            return false;
        };
        let count = self.chars - entered;
        let room = limits::CANDIDATE_BYTES.saturating_sub(self.pos - self.earliest.min(self.pos));
        let most = |n: u64| usize::try_from(n.min(room)).unwrap_or(usize::MAX);
        let run = |most: usize, stop: Option<u8>| {
            rest.iter()
                .take(most)
                .take_while(|b| !matches!(**b, b'\\' | b'%' | b'&') && Some(**b) != stop && set.contains(**b))
                .count()
        };
        let exit = only.pc + 1;
        let n = if count + 1 < u64::from(min) {
            if !self.threads.is_empty() {
                return false;
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
            let [m] = self.matches.as_mut_slice() else { return false };
            if !at_end || m.start != path.start || m.end != pos {
                return false;
            }
            let n = run(most(u64::MAX), None);
            m.end += n as u64;
            if closes || !program.has_secret_group {
                m.secret.1 = m.end;
            }
            n
        } else {
            return false;
        };
        if n > 0 {
            self.pos += n as u64;
            self.chars += n as u64;
            self.char_start = self.pos - 1;
            self.before = rest.get(n - 1).copied();
        }
        n > 0
    }

    /// Many characters at once in any other case: if a character leaves everything as it was, then so does each of those
    /// behind it that all live ways take or refuse alike. Whether at least one was read.
    pub(super) fn rest_ahead(&mut self, rest: &[u8], program: &Program, scratch: &mut Scratch) -> bool {
        let (Some(&b), true) = (rest.first(), self.chars >= self.look_at) else {
            return false;
        };
        self.apart = (self.apart * 2).clamp(APART, 32 * APART);
        self.look_at = self.chars + self.apart;
        let Some(alike) = self.alike(b, program) else {
            return false;
        };
        let room = limits::CANDIDATE_BYTES.saturating_sub(self.pos - self.earliest.min(self.pos));
        let most = usize::try_from(room).unwrap_or(usize::MAX);
        let takes = |c: &&u8| !matches!(**c, b'\\' | b'%' | b'&') && alike.contains(**c);
        let n = rest.iter().take(most).take_while(takes).count();
        if n < 6 {
            return false;
        }
        let before = State::of(self, program);
        self.char_start = self.pos;
        self.pos += 1;
        self.step(b, program, scratch);
        if State::of(self, program) != before {
            return true;
        }
        let more = n as u64 - 1;
        for (r, (_, ages)) in self.repeats.iter_mut().zip(&before.repeats) {
            for ((entered, _), (age, _)) in r.entries.iter_mut().zip(ages) {
                if let Age::Exactly(_) = age {
                    *entered += more;
                }
            }
        }
        for m in &mut self.matches {
            (m.end, m.secret.1) = (m.end + more, m.secret.1 + more);
        }
        self.pos += more;
        self.chars += more;
        self.char_start = self.pos - 1;
        self.before = rest.get(n - 1).copied();
        // It is likely to come to rest again behind whatever ended this run.
        self.apart = APART;
        self.look_at = self.chars + APART / 2;
        true
    }

    /// The bytes that every live way takes if it takes `b`, and refuses if it refuses `b`.
    fn alike(&self, b: u8, program: &Program) -> Option<ByteSet> {
        let mut alike = ByteSet::all();
        let set = |alike: &mut ByteSet, set: u16| match program.sets.get(usize::from(set)) {
            Some(set) => {
                alike.keep_alike(set, b);
                Some(())
            }
            None => None,
        };
        for t in &self.threads {
            match program.ops.get(usize::from(t.pc)) {
                Some(Op::Byte(want)) if *want == b => return None,
                Some(Op::Byte(want)) => alike.leave_out(*want),
                Some(&Op::Set(s)) => set(&mut alike, s)?,
                // What it does depends on the characters on both sides.
                _ => return None,
            }
        }
        for r in &self.repeats {
            match program.ops.get(usize::from(r.pc)) {
                Some(&Op::Repeat { set: s, .. }) => set(&mut alike, s)?,
                _ => return None,
            }
        }
        Some(alike)
    }
}
