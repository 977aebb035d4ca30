//! One candidate: a program on its way through the input, from an anchor until no match can come any more.
//!
//! All ways through the program go forward together (Thompson), so that the work is the number of bytes times the
//! number of live threads; the longest match wins. A run can be left at any byte and taken up later, with nothing
//! kept but its threads.

use crate::decode::{Escape, Unit};
use crate::detect::program::{Op, Program};
use crate::limits;

/// One way through the program. `secret` is where the group began and ended, as input offsets (`u64::MAX`: not yet).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Thread {
    pc: u16,
    count: u16,
    secret: (u64, u64),
}

/// A match so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Match {
    /// Behind the last byte of the match.
    pub(crate) end: u64,
    /// The part that must go.
    pub(crate) secret: (u64, u64),
}

/// A candidate under way. All offsets are input offsets of the whole body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) detector: u16,
    pub(crate) start: u64,
    /// Next byte to read.
    pub(crate) pos: u64,
    pub(crate) matched: Option<Match>,
    /// Its edit has been made although it goes on: see `limits::CANDIDATE_BYTES`.
    pub(crate) committed: bool,
    threads: Vec<Thread>,
    escape: Escape,
    /// Where the character under way began.
    char_start: u64,
    before: Option<u8>,
}

/// What became of a run when the data ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It could still match, or match more.
    Open,
    /// No way is left. `matched` has the result.
    Closed,
    /// It reached `limits::CANDIDATE_BYTES` and stopped there.
    TooLong,
}

/// Working memory, shared by all runs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scratch {
    next: Vec<Thread>,
    spare: Vec<Vec<Thread>>,
    seen: Vec<u32>,
    generation: u32,
}

impl Scratch {
    fn new_generation(&mut self, states: usize) {
        if self.seen.len() < states {
            self.seen.resize(states, 0);
        }
        self.generation = self.generation.wrapping_add(1);
        if self.generation == 0 {
            self.seen.fill(0);
            self.generation = 1;
        }
    }

    pub(crate) fn give_back(&mut self, run: Run) {
        if self.spare.len() < 8 {
            self.spare.push(run.threads);
        }
    }
}

const NOT_YET: u64 = u64::MAX;

impl Run {
    pub(crate) fn new(detector: u16, start: u64, before: Option<u8>, program: &Program, scratch: &mut Scratch) -> Run {
        let mut threads = scratch.spare.pop().unwrap_or_default();
        threads.clear();
        let mut run = Run {
            detector,
            start,
            pos: start,
            matched: None,
            committed: false,
            threads,
            escape: Escape::None,
            char_start: start,
            before,
        };
        scratch.new_generation(program.states);
        let mut list = std::mem::take(&mut run.threads);
        let first = Thread {
            pc: 0,
            count: 0,
            secret: (NOT_YET, NOT_YET),
        };
        run.add(program, scratch, &mut list, first, start);
        run.threads = list;
        run
    }

    /// A run that is none, to leave where one was taken away.
    pub(crate) fn empty() -> Run {
        Run {
            detector: u16::MAX,
            start: 0,
            pos: 0,
            matched: None,
            committed: false,
            threads: Vec::new(),
            escape: Escape::None,
            char_start: 0,
            before: None,
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        size_of::<Run>() + self.threads.capacity() * size_of::<Thread>()
    }

    /// Reads on in `data`, which begins at input offset `base`.
    pub(crate) fn advance(&mut self, data: &[u8], base: u64, program: &Program, scratch: &mut Scratch) -> State {
        loop {
            if self.threads.is_empty() {
                return State::Closed;
            }
            let Some(&b) = data.get(usize::try_from(self.pos.saturating_sub(base)).unwrap_or(usize::MAX)) else {
                return State::Open;
            };
            if self.room() == 0 {
                return State::TooLong;
            }
            if self.escape == Escape::None {
                if b != b'\\' {
                    self.char_start = self.pos;
                    self.pos += 1;
                    self.step(b, program, scratch);
                    if self.threads.len() == 1 {
                        self.skip_ahead(data, base, program);
                    }
                    continue;
                }
                self.char_start = self.pos;
            }
            match self.escape.read(b) {
                Unit::Pending => self.pos += 1,
                Unit::Char(c, n) => {
                    self.pos += 1;
                    for &c in c.get(..usize::from(n)).unwrap_or_default() {
                        self.step(c, program, scratch);
                    }
                }
                Unit::NotAnEscape => {
                    // The backslash stands for itself, and so does what was read behind it.
                    let from = usize::try_from(self.char_start.saturating_sub(base)).unwrap_or(usize::MAX);
                    let to = usize::try_from(self.pos.saturating_sub(base)).unwrap_or(usize::MAX);
                    let end = self.pos;
                    for (i, &c) in data.get(from..to).unwrap_or_default().iter().enumerate() {
                        self.char_start = base + from as u64 + i as u64;
                        self.pos = self.char_start + 1;
                        self.step(c, program, scratch);
                    }
                    self.pos = end;
                }
            }
        }
    }

    /// The input ends here.
    pub(crate) fn finish(&mut self, data: &[u8], base: u64, program: &Program, scratch: &mut Scratch) {
        if self.escape != Escape::None {
            let from = usize::try_from(self.char_start.saturating_sub(base)).unwrap_or(usize::MAX);
            self.pos = self.char_start;
            for &c in data.get(from..).unwrap_or_default() {
                self.char_start = self.pos;
                self.pos += 1;
                self.step(c, program, scratch);
            }
            self.escape = Escape::None;
        }
        scratch.new_generation(program.states);
        let mut next = std::mem::take(&mut scratch.next);
        next.clear();
        self.settle_borders(program, scratch, &mut next, None);
        scratch.next = next;
        self.threads.clear();
    }

    /// Bytes that it may still read without a result. A committed run starts afresh with each longer match.
    fn room(&self) -> u64 {
        let from = match self.matched {
            Some(m) if self.committed => m.end,
            _ => self.start,
        };
        limits::CANDIDATE_BYTES.saturating_sub(self.pos - from)
    }

    /// One character, in the frequent case of a single thread inside a counted class: no bookkeeping at all.
    fn skip_ahead(&mut self, data: &[u8], base: u64, program: &Program) {
        let limit = self.room();
        let Some(thread) = self.threads.first_mut() else { return };
        let Some(&Op::Repeat { set, min, max }) = program.ops.get(usize::from(thread.pc)) else {
            return;
        };
        let Some(set) = program.sets.get(usize::from(set)) else {
            return;
        };
        let from = usize::try_from(self.pos.saturating_sub(base)).unwrap_or(usize::MAX);
        let rest = data.get(from..).unwrap_or_default();
        let can_skip = min.saturating_sub(thread.count).saturating_sub(1);
        let mut n = 0usize;
        if can_skip > 0 {
            // Below the minimum nothing can come behind the class yet.
            let most = usize::from(can_skip).min(usize::try_from(limit).unwrap_or(usize::MAX));
            n = rest
                .iter()
                .take(most)
                .take_while(|b| **b != b'\\' && set.contains(**b))
                .count();
            thread.count += u16::try_from(n).unwrap_or(0);
        } else if max == u16::MAX && thread.count >= min {
            // An open-ended class at the very end of the pattern: each byte is a longer match.
            let secret_ends = program.ops.get(usize::from(thread.pc) + 1) == Some(&Op::SecretEnd);
            let after = usize::from(thread.pc) + 1 + usize::from(secret_ends);
            if program.ops.get(after) == Some(&Op::Match)
                && let Some(m) = &mut self.matched
                && m.end == self.pos
            {
                let most = usize::try_from(limit).unwrap_or(usize::MAX);
                n = rest
                    .iter()
                    .take(most)
                    .take_while(|b| **b != b'\\' && set.contains(**b))
                    .count();
                if n > 0 {
                    m.end = self.pos + n as u64;
                    if secret_ends || !program.has_secret_group {
                        m.secret.1 = m.end;
                    }
                }
            }
        }
        if n > 0 {
            self.pos += n as u64;
            self.char_start = self.pos - 1;
            self.before = rest.get(n - 1).copied();
        }
    }

    fn step(&mut self, b: u8, program: &Program, scratch: &mut Scratch) {
        scratch.new_generation(program.states);
        let mut next = std::mem::take(&mut scratch.next);
        next.clear();
        self.settle_borders(program, scratch, &mut next, Some(b));
        // `next` holds nothing yet but what borders gave; from here on it is the list behind `b`.
        scratch.new_generation(program.states);
        next.clear();
        let current = std::mem::take(&mut self.threads);
        self.before = Some(b);
        let at = self.pos;
        for t in &current {
            match program.ops.get(usize::from(t.pc)) {
                Some(Op::Byte(want)) if *want == b => {
                    self.add(
                        program,
                        scratch,
                        &mut next,
                        Thread {
                            pc: t.pc + 1,
                            count: 0,
                            ..*t
                        },
                        at,
                    );
                }
                Some(Op::Set(set)) if program.sets.get(usize::from(*set)).is_some_and(|s| s.contains(b)) => {
                    self.add(
                        program,
                        scratch,
                        &mut next,
                        Thread {
                            pc: t.pc + 1,
                            count: 0,
                            ..*t
                        },
                        at,
                    );
                }
                Some(&Op::Repeat { set, min, max })
                    if program.sets.get(usize::from(set)).is_some_and(|s| s.contains(b)) =>
                {
                    let count = if max == u16::MAX {
                        (t.count + 1).min(min)
                    } else {
                        t.count + 1
                    };
                    if max == u16::MAX || count < max {
                        self.add(program, scratch, &mut next, Thread { count, ..*t }, at);
                    } else {
                        self.add(
                            program,
                            scratch,
                            &mut next,
                            Thread {
                                pc: t.pc + 1,
                                count: 0,
                                ..*t
                            },
                            at,
                        );
                    }
                }
                _ => {}
            }
        }
        self.threads = next;
        scratch.next = current;
    }

    /// Threads that wait at a border go on if it holds between the last byte and `after`.
    fn settle_borders(&mut self, program: &Program, scratch: &mut Scratch, spare: &mut Vec<Thread>, after: Option<u8>) {
        let waits = |t: &Thread| matches!(program.ops.get(usize::from(t.pc)), Some(Op::Border(_)));
        if !self.threads.iter().any(waits) {
            return;
        }
        spare.clear();
        let mut list = std::mem::take(spare);
        let at = self.char_start_of_next(after);
        let mut todo = std::mem::take(&mut self.threads);
        // Borders may follow each other; each round settles one for every thread.
        for _ in 0..4 {
            scratch.new_generation(program.states);
            list.clear();
            for t in &todo {
                match program.ops.get(usize::from(t.pc)) {
                    Some(Op::Border(border)) => {
                        if border.holds(self.before, after) {
                            self.add(
                                program,
                                scratch,
                                &mut list,
                                Thread {
                                    pc: t.pc + 1,
                                    count: 0,
                                    ..*t
                                },
                                at,
                            );
                        }
                    }
                    _ => self.add(program, scratch, &mut list, *t, at),
                }
            }
            std::mem::swap(&mut todo, &mut list);
            if !todo.iter().any(waits) {
                break;
            }
        }
        self.threads = todo;
        *spare = list;
    }

    /// Where the next character begins: behind the last one that was read.
    fn char_start_of_next(&self, after: Option<u8>) -> u64 {
        if after.is_some() { self.char_start } else { self.pos }
    }

    /// Follows everything that consumes nothing from `first` on. `at` is behind the last consumed byte.
    fn add(&mut self, program: &Program, scratch: &mut Scratch, list: &mut Vec<Thread>, first: Thread, at: u64) {
        let mut t = first;
        // Only splits branch; the second ways wait here. A pattern nests them as deep as it is long at the most.
        let mut waiting: Vec<Thread> = Vec::new();
        loop {
            let state = program.state_base.get(usize::from(t.pc)).map_or(0, |s| *s as usize) + usize::from(t.count);
            let fresh = scratch.seen.get_mut(state).is_some_and(|s| {
                let fresh = *s != scratch.generation;
                *s = scratch.generation;
                fresh
            });
            let mut go_on = None;
            if fresh {
                match program.ops.get(usize::from(t.pc)) {
                    Some(Op::Byte(_) | Op::Set(_) | Op::Border(_)) => list.push(t),
                    Some(&Op::Repeat { min, .. }) => {
                        list.push(t);
                        if t.count >= min {
                            go_on = Some(Thread {
                                pc: t.pc + 1,
                                count: 0,
                                ..t
                            });
                        }
                    }
                    Some(&Op::Split(a, b)) => {
                        waiting.push(Thread { pc: b, ..t });
                        go_on = Some(Thread { pc: a, ..t });
                    }
                    Some(&Op::Jump(to)) => go_on = Some(Thread { pc: to, ..t }),
                    Some(Op::SecretStart) => {
                        go_on = Some(Thread {
                            pc: t.pc + 1,
                            secret: (at, NOT_YET),
                            ..t
                        })
                    }
                    Some(Op::SecretEnd) => {
                        go_on = Some(Thread {
                            pc: t.pc + 1,
                            secret: (t.secret.0, at),
                            ..t
                        })
                    }
                    Some(Op::Match) | None => self.accept(t, at),
                }
            }
            match go_on.or_else(|| waiting.pop()) {
                Some(n) => t = n,
                None => return,
            }
        }
    }

    fn accept(&mut self, t: Thread, at: u64) {
        let secret = if t.secret.1 == NOT_YET {
            (self.start, at)
        } else {
            t.secret
        };
        // Of two ways that end at the same byte, the one that takes more of the secret.
        if let Some(m) = &self.matched
            && m.end == at
            && m.secret.1 - m.secret.0 >= secret.1 - secret.0
        {
            return;
        }
        self.matched = Some(Match { end: at, secret });
    }
}
