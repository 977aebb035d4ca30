//! One character further: every way that takes it goes on, and everything behind it that consumes nothing is followed.

use super::entries::Entries;
use super::{Lane, Match, NOT_YET, Path, Repeat, Scratch, Thread};
use crate::detect::program::{Op, Program};

impl Lane {
    /// Reads one character, which ends before `self.pos`.
    pub(super) fn step(&mut self, b: u8, program: &Program, scratch: &mut Scratch) {
        self.settle_borders(Some(b), program, scratch);
        scratch.new_step(program);
        self.chars += 1;
        self.before = Some(b);
        let at = self.pos;
        let mut next = std::mem::take(&mut scratch.next);
        next.clear();
        let current = std::mem::take(&mut self.threads);
        let mut repeats = std::mem::take(&mut self.repeats);
        repeats.retain_mut(|r| {
            let Some(&Op::Repeat { set, max, .. }) = program.ops.get(usize::from(r.pc)) else {
                return false;
            };
            if !program.sets.get(usize::from(set)).is_some_and(|s| s.contains(b)) {
                return false;
            }
            while max != u16::MAX && r.entries.front().is_some_and(|(e, _)| self.chars - e > u64::from(max)) {
                r.entries.pop_front();
            }
            !r.entries.is_empty()
        });
        // Put back first: what follows may enter them again.
        let live = repeats.len();
        self.repeats = repeats;
        for t in &current {
            let goes_on = match program.ops.get(usize::from(t.pc)) {
                Some(Op::Byte(want)) => *want == b,
                Some(Op::Set(set)) => program.sets.get(usize::from(*set)).is_some_and(|s| s.contains(b)),
                _ => false,
            };
            if goes_on {
                self.follow(
                    Thread {
                        pc: t.pc + 1,
                        path: t.path,
                    },
                    at,
                    None,
                    program,
                    scratch,
                    &mut next,
                );
            }
        }
        for i in 0..live {
            let Some(r) = self.repeats.get(i) else { break };
            let Some(&Op::Repeat { min, .. }) = program.ops.get(usize::from(r.pc)) else {
                continue;
            };
            // The oldest has the highest count and the earliest start: it speaks for all that are ready.
            if let Some(&(entered, path)) = r.entries.front()
                && self.chars - entered >= u64::from(min)
                && entered < self.chars
            {
                self.follow(Thread { pc: r.pc + 1, path }, at, None, program, scratch, &mut next);
            }
        }
        // One that has its full count is done with.
        self.repeats.retain_mut(|r| {
            if let Some(&Op::Repeat { max, .. }) = program.ops.get(usize::from(r.pc)) {
                while max != u16::MAX && r.entries.front().is_some_and(|(e, _)| self.chars - e >= u64::from(max)) {
                    r.entries.pop_front();
                }
            }
            !r.entries.is_empty()
        });
        self.threads = next;
        scratch.next = current;
    }

    /// Ways that wait at a border go on if it holds between the last character and `after`.
    pub(super) fn settle_borders(&mut self, after: Option<u8>, program: &Program, scratch: &mut Scratch) {
        let waits = |t: &Thread| matches!(program.ops.get(usize::from(t.pc)), Some(Op::Border(_)));
        if !self.threads.iter().any(waits) {
            return;
        }
        scratch.new_step(program);
        let at = if after.is_some() { self.char_start } else { self.pos };
        let current = std::mem::take(&mut self.threads);
        let mut next = Vec::with_capacity(current.len());
        for t in current {
            if let Some(Op::Border(_)) = program.ops.get(usize::from(t.pc)) {
                self.follow(t, at, Some((self.before, after)), program, scratch, &mut next);
            } else if scratch.reach(t.pc, t.path.start) {
                next.push(t);
            }
        }
        self.threads = next;
    }

    /// Follows everything that consumes nothing. `at` is behind the last character; `border` has the characters on
    /// both sides where they are known.
    pub(super) fn follow(
        &mut self,
        first: Thread,
        at: u64,
        border: Option<(Option<u8>, Option<u8>)>,
        program: &Program,
        scratch: &mut Scratch,
        list: &mut Vec<Thread>,
    ) {
        let mut waiting = std::mem::take(&mut scratch.waiting);
        waiting.clear();
        waiting.push(first);
        while let Some(Thread { pc, mut path }) = waiting.pop() {
            if !scratch.reach(pc, path.start) {
                continue;
            }
            let next = pc + 1;
            match program.ops.get(usize::from(pc)) {
                Some(Op::Byte(_) | Op::Set(_)) => put(list, Thread { pc, path }),
                Some(Op::Border(b)) => match border {
                    Some((before, after)) if b.holds(before, after) => waiting.push(Thread { pc: next, path }),
                    Some(_) => {}
                    None => put(list, Thread { pc, path }),
                },
                Some(&Op::Repeat { min, .. }) => {
                    self.insert(pc, self.chars, path, program);
                    if min == 0 {
                        waiting.push(Thread { pc: next, path });
                    }
                }
                Some(&Op::Split(a, b)) => {
                    waiting.push(Thread { pc: b, path });
                    waiting.push(Thread { pc: a, path });
                }
                Some(&Op::Jump(to)) => waiting.push(Thread { pc: to, path }),
                Some(Op::SecretStart) => {
                    path.secret = (at, NOT_YET);
                    waiting.push(Thread { pc: next, path });
                }
                Some(Op::SecretEnd) => {
                    path.secret.1 = at;
                    waiting.push(Thread { pc: next, path });
                }
                Some(Op::Match) | None => self.accept(path, at),
            }
        }
        scratch.waiting = waiting;
    }

    /// A way enters a repetition.
    pub(super) fn insert(&mut self, pc: u16, entered: u64, path: Path, program: &Program) {
        let Some(&Op::Repeat { min, max, .. }) = program.ops.get(usize::from(pc)) else {
            return;
        };
        let chars = self.chars;
        let Some(r) = self.repeats.iter_mut().find(|r| r.pc == pc) else {
            self.repeats.push(Repeat {
                pc,
                entries: Entries::of((entered, path)),
            });
            return;
        };
        // Without an upper bound, one that is ready and began no later is as good for ever.
        if max == u16::MAX
            && r.entries
                .front()
                .is_some_and(|(e, p)| chars - e >= u64::from(min) && p.start <= path.start)
        {
            return;
        }
        match r.entries.back_mut() {
            Some((e, p)) if *e == entered => {
                if path.start < p.start {
                    *p = path;
                }
            }
            _ => r.entries.push_back((entered, path)),
        }
    }

    pub(super) fn accept(&mut self, path: Path, at: u64) {
        let secret = if path.secret.1 == NOT_YET {
            (path.start, at)
        } else {
            path.secret
        };
        let new = Match {
            start: path.start,
            end: at,
            secret,
            committed: None,
        };
        let overlaps = |m: &Match| m.secret.0 < secret.1 && secret.0 < m.secret.1;
        let mut same = self.matches.iter_mut().filter(|m| m.start == path.start);
        match same.find(|m| overlaps(m) || m.committed.is_some()) {
            // Of two ways that end at the same byte, the one that takes more of the secret.
            Some(m) if m.end == at && m.secret.1 - m.secret.0 >= secret.1 - secret.0 => {}
            Some(m) => {
                *m = Match {
                    committed: m.committed,
                    ..new
                }
            }
            // A second secret behind the first one, in the same candidate: both go.
            None => {
                self.forget_covered();
                self.matches.push(new);
            }
        }
    }
}

/// One way for each instruction: the one that began first.
fn put(list: &mut Vec<Thread>, t: Thread) {
    match list.iter_mut().find(|o| o.pc == t.pc) {
        Some(o) if t.path.start < o.path.start => *o = t,
        Some(_) => {}
        None => list.push(t),
    }
}
