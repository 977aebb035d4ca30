//! One detector at work: all its candidates go through the input together.
//!
//! Every candidate, wherever it began, is in the same set of states (Thompson's construction), and two candidates in
//! the same state have the same future, so that only the earlier one is kept. Counted repetitions keep their counts
//! as a queue of entry points instead of a state for each count. The work for a byte is therefore bounded by the
//! pattern's instructions, however many anchors the input repeats. A run for each anchor would be simpler, and takes
//! time in proportion to the candidate's length for every anchor inside it: a megabyte of `eyJ-` would hold a worker
//! for half a minute.

use crate::decode::{Escape, Reading, Unit, escape};
use crate::detect::program::{Op, Program};
use crate::limits;

mod ahead;
mod bounds;
mod entries;
mod step;

use entries::Entries;

/// Where a candidate began, and its `secret` group: input offsets (`NOT_YET` while unknown).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Path {
    start: u64,
    secret: (u64, u64),
}

const NOT_YET: u64 = u64::MAX;

/// A way that waits at an instruction for one certain byte, or at a border.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Thread {
    pc: u16,
    path: Path,
}

/// All ways inside one counted repetition; each entered at a character number, the oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Repeat {
    pc: u16,
    entries: Entries,
}

/// A match of the candidate that began at `start`; it may still grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Match {
    pub(crate) start: u64,
    /// Behind its last byte.
    pub(crate) end: u64,
    /// The part that must go.
    pub(crate) secret: (u64, u64),
    /// Its edit has been made up to here although it goes on: see `limits::CANDIDATE_BYTES`.
    pub(crate) committed: Option<u64>,
}

/// What the owner has to deal with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// No longer match can come of this one.
    Closed(Match),
    /// It matched and reached `limits::CANDIDATE_BYTES`. `Lane::commit` or `Lane::drop_start` says how to go on.
    TooLong(Match),
    /// It reached `limits::CANDIDATE_BYTES` without a match and was given up.
    GivenUp,
    /// A `%` comes next, and the lane was asked to stop there. It is to be advanced again.
    Percent,
}

/// Where an anchor stands: its offset, the character before it and its first character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Start {
    pub(crate) at: u64,
    /// It is one only with percent-encoding undone so often.
    pub(crate) percent: u8,
    pub(crate) before: Option<u8>,
    pub(crate) first: u8,
}

/// The candidates of one detector, in one reading of the text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lane {
    pub(crate) reading: Reading,
    /// Next byte to read.
    pos: u64,
    /// Characters read since the lane was last idle.
    chars: u64,
    /// How many they will be when `rest_ahead` looks next, and how far that is from the last time.
    look_at: u64,
    apart: u64,
    threads: Vec<Thread>,
    repeats: Vec<Repeat>,
    matches: Vec<Match>,
    escape: Escape,
    /// Where the character under way began.
    char_start: u64,
    before: Option<u8>,
    /// No live candidate began before this.
    earliest: u64,
    /// Behind the last `%` at which the lane stopped.
    stopped: u64,
}

/// Working memory, shared by all lanes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scratch {
    next: Vec<Thread>,
    /// For each instruction, in which step it was last reached, and from how early a start.
    seen: Vec<(u32, u64)>,
    step: u32,
    waiting: Vec<Thread>,
}

impl Scratch {
    fn new_step(&mut self, program: &Program) {
        if self.seen.len() < program.ops.len() {
            self.seen.resize(program.ops.len(), (0, 0));
        }
        self.step = self.step.wrapping_add(1);
        if self.step == 0 {
            self.seen.fill((0, 0));
            self.step = 1;
        }
    }

    /// Whether this way to an instruction is new, or begins earlier than the one that was there.
    fn reach(&mut self, pc: u16, start: u64) -> bool {
        match self.seen.get_mut(usize::from(pc)) {
            Some((step, best)) if *step == self.step && *best <= start => false,
            Some(slot) => {
                *slot = (self.step, start);
                true
            }
            None => false,
        }
    }
}

impl Lane {
    pub(crate) fn new(reading: Reading) -> Lane {
        Lane {
            reading,
            ..Lane::default()
        }
    }

    /// One that has nothing under way yet, and reads from here.
    pub(crate) fn at(reading: Reading, pos: u64) -> Lane {
        Lane {
            pos,
            earliest: pos,
            ..Lane::new(reading)
        }
    }

    /// The same candidates in another reading, from here on. What has matched is left behind.
    pub(crate) fn fork(&self, reading: Reading) -> Lane {
        let mut fork = Lane {
            reading,
            threads: self.threads.clone(),
            repeats: Vec::with_capacity(self.repeats.len()),
            matches: Vec::new(),
            ..*self
        };
        for r in &self.repeats {
            let entries = r.entries.first_few(limits::FORKED_WAYS);
            fork.repeats.push(Repeat { pc: r.pc, entries });
        }
        for m in self.matches.iter().filter(|m| m.committed.is_some()) {
            fork.drop_start(m.start);
        }
        fork
    }

    /// A candidate would go on with this character.
    pub(crate) fn goes_on_with(&self, c: u8, program: &Program) -> bool {
        let set_has = |set: u16| program.sets.get(usize::from(set)).is_some_and(|s| s.contains(c));
        let op = |pc: u16| program.ops.get(usize::from(pc));
        self.threads.iter().any(|t| match op(t.pc) {
            Some(Op::Byte(want)) => *want == c,
            Some(Op::Set(set)) => set_has(*set),
            other => matches!(other, Some(Op::Border(_))),
        }) || self
            .repeats
            .iter()
            .any(|r| matches!(op(r.pc), Some(Op::Repeat { set, .. }) if set_has(*set)))
    }

    /// Behind the last byte that was read.
    pub(crate) fn pos(&self) -> u64 {
        self.pos
    }

    /// Nothing is under way.
    pub(crate) fn is_idle(&self) -> bool {
        self.threads.is_empty() && self.repeats.is_empty() && self.matches.is_empty()
    }

    /// Reads up to input offset `to`. `data` begins at `base`; `starts` are the anchors not yet passed. Stops at each
    /// event, before a `%` if `watch` says so, and is then called again.
    pub(crate) fn advance(
        &mut self,
        (data, base, to): (&[u8], u64, u64),
        (starts, watch): (&mut &[Start], bool),
        program: &Program,
        scratch: &mut Scratch,
    ) -> Option<Event> {
        let at = |o: u64| usize::try_from(o.saturating_sub(base)).unwrap_or(usize::MAX);
        loop {
            if let Some(event) = self.settled() {
                return Some(event);
            }
            if self.threads.is_empty() && self.repeats.is_empty() {
                let [next, ..] = self.own(starts, true) else {
                    return None;
                };
                // A lane for encoded text ends with its candidates.
                if next.at >= to || (self.reading.percent > 0 && next.at > self.pos) {
                    return None;
                }
                *self = Lane {
                    reading: self.reading,
                    pos: next.at,
                    earliest: next.at,
                    threads: std::mem::take(&mut self.threads),
                    repeats: std::mem::take(&mut self.repeats),
                    matches: std::mem::take(&mut self.matches),
                    stopped: self.stopped,
                    ..Lane::default()
                };
            }
            while let [next, rest @ ..] = self.own(starts, false)
                && next.at <= self.pos
                && next.at < to
                && self.escape == Escape::None
            {
                *starts = rest;
                self.begin(*next, (data, base), program, scratch);
            }
            if self.pos >= to {
                return None;
            }
            if let Some(event) = self.too_long() {
                return Some(event);
            }
            if self.escape == Escape::None {
                let limit = starts.first().map_or(to, |s| s.at.min(to));
                let rest = data.get(at(self.pos)..at(limit)).unwrap_or_default();
                if self.skip_ahead(rest, program) || self.rest_ahead(rest, program, scratch) {
                    continue;
                }
            }
            let &b = data.get(at(self.pos))?;
            if self.escape == Escape::None {
                if watch && b == b'%' && self.stopped <= self.pos {
                    self.stopped = self.pos + 1;
                    return Some(Event::Percent);
                }
                self.char_start = self.pos;
                if !self.reading.begins(b) {
                    self.pos += 1;
                    self.step(b, program, scratch);
                    continue;
                }
            }
            match self.escape.read(b, self.reading) {
                Unit::Pending => self.pos += 1,
                Unit::Char(c, n) => {
                    self.pos += 1;
                    for &c in c.get(..usize::from(n)).unwrap_or_default() {
                        self.step(c, program, scratch);
                    }
                }
                Unit::NotAnEscape => self.literally(data, base, program, scratch),
            }
        }
    }

    /// The input ends here. Call `advance` afterwards until it has no more events.
    pub(crate) fn finish(&mut self, (data, base): (&[u8], u64), program: &Program, scratch: &mut Scratch) {
        if self.escape != Escape::None {
            self.literally(data, base, program, scratch);
            self.escape = Escape::None;
        }
        self.settle_borders(None, program, scratch);
        self.threads.clear();
        self.repeats.clear();
    }

    /// The starts that are for this lane: all as the text stands, and those in its own reading. A lane for encoded text
    /// that has nothing under way (`idle`) does not begin again at an anchor that is one as the text stands, and none
    /// begins inside an encoded character.
    fn own<'s>(&self, starts: &mut &'s [Start], idle: bool) -> &'s [Start] {
        let percent = self.reading.percent;
        while let [next, rest @ ..] = starts {
            let inside = self.escape == Escape::None && next.at < self.pos;
            if next.percent == percent || (next.percent == 0 && !idle && !inside) {
                break;
            }
            *starts = rest;
        }
        starts
    }

    /// What was taken for an escape stands for itself.
    fn literally(&mut self, data: &[u8], base: u64, program: &Program, scratch: &mut Scratch) {
        let at = |o: u64| usize::try_from(o.saturating_sub(base)).unwrap_or(usize::MAX);
        let (from, end) = (self.char_start, self.pos);
        escape::literal(data.get(at(from)..at(end)).unwrap_or_default(), |c, start, stop| {
            self.char_start = from + start as u64;
            self.pos = from + stop as u64;
            self.step(c, program, scratch);
        });
        self.pos = end;
    }

    /// A candidate begins at an anchor.
    fn begin(&mut self, start: Start, (data, base): (&[u8], u64), program: &Program, scratch: &mut Scratch) {
        if self.pos == start.at {
            self.enter(start, program, scratch);
            return;
        }
        // The anchor's first letter was read as the end of an escape (`\bearer` in text that is no JSON): this one
        // candidate reads it as it stands.
        let mut apart = Lane {
            pos: start.at,
            char_start: start.at,
            ..Lane::default()
        };
        apart.enter(start, program, scratch);
        let at = |o: u64| usize::try_from(o.saturating_sub(base)).unwrap_or(usize::MAX);
        for &b in data.get(at(start.at)..at(self.pos)).unwrap_or_default() {
            apart.char_start = apart.pos;
            apart.pos += 1;
            apart.step(b, program, scratch);
        }
        for t in apart.threads {
            if !self.threads.iter().any(|o| o.pc == t.pc) {
                self.threads.push(t);
            }
        }
        for r in apart.repeats {
            for &(entered, path) in r.entries.iter() {
                let count = apart.chars - entered;
                self.insert(r.pc, self.chars.saturating_sub(count), path, program);
            }
        }
        self.earliest = self.earliest.min(start.at);
    }

    fn enter(&mut self, start: Start, program: &Program, scratch: &mut Scratch) {
        scratch.new_step(program);
        let mut list = std::mem::take(&mut self.threads);
        let path = Path {
            start: start.at,
            secret: (NOT_YET, NOT_YET),
        };
        for t in &list {
            scratch.reach(t.pc, t.path.start);
        }
        self.follow(
            Thread { pc: 0, path },
            start.at,
            Some((start.before, Some(start.first))),
            program,
            scratch,
            &mut list,
        );
        self.threads = list;
    }
}
