//! A pattern compiled to a small program that can be run byte by byte and stopped anywhere.
//!
//! Why not a regex engine: between two chunks a candidate must be put away in a few bytes, taken up again later at
//! the same place, and asked at any time "can this still match?". A lazy DFA cannot keep its states across a cache
//! flush, and dense DFAs for hundreds of counted patterns cost megabytes. Token formats are short literals and
//! counted classes; with counts kept as queues a pattern costs tens of bytes. The syntax is that of
//! `regex-syntax`, so that patterns mean what people expect; what cannot stream is refused with the reason.

use regex_syntax::hir::{Class, Hir, HirKind, Look};

use crate::detect::form;
use crate::detect::shortcuts::{Shortcuts, first_bytes};
use crate::limits;

/// A set of bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct ByteSet([u32; 8]);

impl ByteSet {
    pub(crate) fn contains(&self, b: u8) -> bool {
        // The index is a byte's top three bits: always below 8.
        self.0[usize::from(b >> 5)] >> (b & 31) & 1 == 1
    }

    fn any() -> ByteSet {
        ByteSet([u32::MAX; 8])
    }

    pub(crate) fn add(&mut self, lo: u8, hi: u8) {
        for b in lo..=hi {
            self.0[usize::from(b >> 5)] |= 1 << (b & 31);
        }
    }

    pub(crate) fn all() -> ByteSet {
        ByteSet([u32::MAX; 8])
    }

    /// Keeps the bytes that `set` holds if it holds `b`, and those that it does not hold otherwise.
    pub(crate) fn keep_alike(&mut self, set: &ByteSet, b: u8) {
        let flip = if set.contains(b) { 0 } else { u32::MAX };
        for (mine, other) in self.0.iter_mut().zip(set.0) {
            *mine &= other ^ flip;
        }
    }

    pub(crate) fn leave_out(&mut self, b: u8) {
        self.0[usize::from(b >> 5)] &= !(1 << (b & 31));
    }

    pub(crate) fn count(&self) -> u32 {
        self.0.iter().map(|w| w.count_ones()).sum()
    }

    /// No byte is in both.
    pub(crate) fn is_apart_from(&self, other: &ByteSet) -> bool {
        self.0.iter().zip(other.0).all(|(a, b)| a & b == 0)
    }

    pub(crate) fn unite(&mut self, other: &ByteSet) {
        for (a, b) in self.0.iter_mut().zip(other.0) {
            *a |= b;
        }
    }

    fn only_within(&self, other: &[u8]) -> bool {
        (0..=255u8).all(|b| !self.contains(b) || other.contains(&b))
    }
}

/// What must hold between two bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Border {
    Word,
    NotWord,
    WordStart,
    WordEnd,
}

impl Border {
    pub(crate) fn holds(self, before: Option<u8>, after: Option<u8>) -> bool {
        let (b, a) = (before.is_some_and(is_word), after.is_some_and(is_word));
        match self {
            Border::Word => b != a,
            Border::NotWord => b == a,
            Border::WordStart => !b && a,
            Border::WordEnd => b && !a,
        }
    }
}

pub(crate) fn is_word(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_'
}

/// One instruction. Consuming ones go on at the next index; `u16::MAX` as `max` means without end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Op {
    Byte(u8),
    Set(u16),
    Repeat { set: u16, min: u16, max: u16 },
    Split(u16, u16),
    Jump(u16),
    SecretStart,
    SecretEnd,
    Border(Border),
    Match,
}

/// A compiled pattern.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) ops: Vec<Op>,
    pub(crate) sets: Vec<ByteSet>,
    /// Literals with which every match begins, or which stand behind its `front`.
    pub(crate) anchors: Vec<Vec<u8>>,
    /// The run of a class that stands before the anchors: a candidate begins where the run does.
    pub(crate) front: Option<Front>,
    /// The characters with which a match can begin, or go on behind its `front`, if there are no anchors.
    pub(crate) class: Option<ByteSet>,
    /// A word border stands at the very front.
    pub(crate) starts_at_border: bool,
    /// The pattern has a `secret` group.
    pub(crate) has_secret_group: bool,
    /// Every byte that the secret can hold could also stand in a JSON number.
    pub(crate) can_be_number: bool,
    /// What the glance has to know (`detect/shortcuts.rs`).
    pub(crate) shortcuts: Shortcuts,
}

/// A run of characters before an anchor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Front {
    pub(crate) set: ByteSet,
    pub(crate) most: usize,
}

/// Why a pattern is refused: a sentence without the pattern in it.
pub(crate) type Refusal = String;

impl Program {
    /// For a pattern that a literal announces.
    pub(crate) fn compile(pattern: &str) -> Result<Program, Refusal> {
        Program::compile_any(pattern, false)
    }

    /// For any pattern. Without a literal its candidates begin at a class, which costs a look at every byte.
    pub(crate) fn compile_unanchored(pattern: &str) -> Result<Program, Refusal> {
        Program::compile_any(pattern, true)
    }

    fn compile_any(pattern: &str, unanchored: bool) -> Result<Program, Refusal> {
        Program::of(&form::parse(pattern)?, unanchored)
    }

    /// For a pattern that has been read already.
    pub(crate) fn of(hir: &Hir, unanchored: bool) -> Result<Program, Refusal> {
        let mut b = Builder::default();
        let (anchors, front) = match form::anchors(hir) {
            Ok(anchors) => (anchors, None),
            Err(refused) => match (form::behind_front(hir), unanchored) {
                (Some((front, anchors)), _) => (anchors, Some(front)),
                (None, true) => (Vec::new(), None),
                (None, false) => return Err(refused),
            },
        };
        b.emit(hir)?;
        b.push(Op::Match)?;
        if let Some(longest) = form::certain_after(hir)
            && longest > limits::CANDIDATE_BYTES / 2
        {
            return Err(format!(
                "{longest} bytes may pass before a match is certain and {} are allowed; bound the repetitions",
                limits::CANDIDATE_BYTES / 2
            ));
        } else if form::certain_after(hir).is_none() {
            return Err(
                "an open-ended repetition stands before the end of the pattern, so a stream could be held \
                        back without end; give it an upper bound, as in {1,200}"
                    .to_owned(),
            );
        }
        let starts_at_border = form::first_is_border(hir);
        let number = b"0123456789+-.eE";
        let can_be_number = b.secret_bytes.only_within(number) || (anchors.is_empty() && b.matches_within(number));
        let shortcuts = Shortcuts::of(&b.ops, &b.sets, &anchors);
        let (front, class) = match (b.run_before_class(&shortcuts), anchors.is_empty()) {
            (Some((front, class)), true) => (Some(front), Some(class)),
            (_, true) => {
                let class = first_bytes(&b.ops, &b.sets, 0);
                (None, Some(class.unwrap_or_else(ByteSet::any)))
            }
            (_, false) => (front, None),
        };
        Ok(Program {
            shortcuts,
            ops: b.ops,
            sets: b.sets,
            anchors,
            front,
            class,
            starts_at_border,
            has_secret_group: b.has_secret_group,
            can_be_number,
        })
    }
}

/// The instructions of a pattern that is run over whole values, where nothing need announce it or end it.
pub(crate) fn instructions(hir: &Hir) -> Result<(Vec<Op>, Vec<ByteSet>), Refusal> {
    let mut b = Builder::default();
    b.emit(hir)?;
    b.push(Op::Match)?;
    Ok((b.ops, b.sets))
}

#[derive(Default)]
pub(super) struct Builder {
    ops: Vec<Op>,
    sets: Vec<ByteSet>,
    has_secret_group: bool,
    in_secret: bool,
    secret_bytes: ByteSet,
}

impl Builder {
    fn push(&mut self, op: Op) -> Result<usize, Refusal> {
        if self.ops.len() >= limits::PATTERN_OPS {
            return Err(format!("it compiles to more than {} instructions", limits::PATTERN_OPS));
        }
        self.ops.push(op);
        Ok(self.ops.len() - 1)
    }

    /// The run with which the pattern begins and what must follow it, if that is one character or two (as `@` in a mail
    /// address): where those stand there is less to do than at each beginning of a run.
    fn run_before_class(&self, shortcuts: &Shortcuts) -> Option<(Front, ByteSet)> {
        let skipped = |op: &Op| matches!(op, Op::Border(_) | Op::SecretStart);
        let pc = self.ops.iter().position(|op| !skipped(op))?;
        let Op::Repeat { set, min: 1.., max } = *self.ops.get(pc)? else {
            return None;
        };
        let most = usize::from(max);
        let next = first_bytes(&self.ops, &self.sets, pc + 1).filter(|_| shortcuts.run_ends_itself(pc))?;
        let few = (0..=255u8).filter(|b| next.contains(*b)).count() <= 2;
        let set = *self.sets.get(usize::from(set))?;
        (few && most <= limits::FRONT_BYTES).then_some((Front { set, most }, next))
    }

    /// Some match consists of these bytes alone.
    fn matches_within(&self, bytes: &[u8]) -> bool {
        let takes = |set: &u16| {
            let set = self.sets.get(usize::from(*set));
            set.is_some_and(|s| bytes.iter().any(|b| s.contains(*b)))
        };
        let (mut seen, mut waiting) = (vec![false; self.ops.len()], vec![0]);
        while let Some(pc) = waiting.pop() {
            match seen.get_mut(pc) {
                Some(seen) if !*seen => *seen = true,
                _ => continue,
            }
            match self.ops.get(pc) {
                Some(Op::Byte(b)) if !bytes.contains(b) => {}
                Some(Op::Set(set)) if !takes(set) => {}
                Some(Op::Repeat { set, min, .. }) if *min > 0 && !takes(set) => {}
                Some(Op::Split(a, b)) => waiting.extend([usize::from(*a), usize::from(*b)]),
                Some(Op::Jump(to)) => waiting.push(usize::from(*to)),
                Some(Op::Match) | None => return true,
                Some(_) => waiting.push(pc + 1),
            }
        }
        false
    }

    fn here(&self) -> u16 {
        // `push` keeps the length below PATTERN_OPS.
        u16::try_from(self.ops.len()).unwrap_or(u16::MAX)
    }

    fn set(&mut self, set: ByteSet) -> u16 {
        let at = self.sets.iter().position(|s| *s == set).unwrap_or_else(|| {
            self.sets.push(set);
            self.sets.len() - 1
        });
        u16::try_from(at).unwrap_or(u16::MAX)
    }

    fn emit(&mut self, hir: &Hir) -> Result<(), Refusal> {
        match hir.kind() {
            HirKind::Empty => Ok(()),
            HirKind::Literal(lit) => {
                for &b in &lit.0 {
                    if self.in_secret || !self.has_secret_group {
                        self.secret_bytes.add(b, b);
                    }
                    self.push(Op::Byte(b))?;
                }
                Ok(())
            }
            HirKind::Class(_) => {
                let set = self.class(hir)?;
                let set = self.set(set);
                self.push(Op::Set(set)).map(drop)
            }
            HirKind::Look(look) => {
                let border = match look {
                    Look::WordAscii => Border::Word,
                    Look::WordAsciiNegate => Border::NotWord,
                    Look::WordStartAscii | Look::WordStartHalfAscii => Border::WordStart,
                    Look::WordEndAscii | Look::WordEndHalfAscii => Border::WordEnd,
                    _ => return Err("^ and $ have no meaning in a stream; use \\b or the bytes themselves".to_owned()),
                };
                self.push(Op::Border(border)).map(drop)
            }
            HirKind::Repetition(r) => self.repeat(r),
            HirKind::Capture(c) => {
                if !form::is_secret(c.name.as_deref()) {
                    if c.name.is_some() {
                        return Err(
                            "a group has a name, and only `secret` means something; write (?:…) if it is to have none"
                                .to_owned(),
                        );
                    }
                    return self.emit(&c.sub);
                }
                if self.in_secret {
                    return Err("a `secret` group stands inside another".to_owned());
                }
                if !self.has_secret_group {
                    self.secret_bytes = ByteSet::default();
                }
                if c.sub.properties().minimum_len() == Some(0) {
                    return Err(
                        "its `secret` group can be empty, and nothing would be removed; ask for a byte".to_owned(),
                    );
                }
                self.has_secret_group = true;
                self.in_secret = true;
                self.push(Op::SecretStart)?;
                self.emit(&c.sub)?;
                self.push(Op::SecretEnd)?;
                self.in_secret = false;
                Ok(())
            }
            HirKind::Concat(parts) if parts.iter().filter(|p| form::has_secret(p)).count() > 1 => {
                Err("two `secret` groups follow each other, and only one would go; put both into one".to_owned())
            }
            HirKind::Concat(parts) => parts.iter().try_for_each(|p| self.emit(p)),
            HirKind::Alternation(parts) => self.alternation(parts),
        }
    }

    fn alternation(&mut self, parts: &[Hir]) -> Result<(), Refusal> {
        let mut jumps = Vec::new();
        for (i, part) in parts.iter().enumerate() {
            if i + 1 == parts.len() {
                self.emit(part)?;
                break;
            }
            let split = self.push(Op::Split(0, 0))?;
            self.emit(part)?;
            jumps.push(self.push(Op::Jump(0))?);
            let (first, second) = (u16::try_from(split + 1).unwrap_or(u16::MAX), self.here());
            self.patch(split, Op::Split(first, second));
        }
        let end = self.here();
        for j in jumps {
            self.patch(j, Op::Jump(end));
        }
        Ok(())
    }

    fn patch(&mut self, at: usize, op: Op) {
        if let Some(slot) = self.ops.get_mut(at) {
            *slot = op;
        }
    }

    fn repeat(&mut self, r: &regex_syntax::hir::Repetition) -> Result<(), Refusal> {
        let bound = |n: u32| u16::try_from(n).ok().filter(|n| *n < u16::MAX);
        let too_many = || "a repetition count above 65534".to_owned();
        let min = bound(r.min).ok_or_else(too_many)?;
        let max = match r.max {
            None => u16::MAX,
            Some(n) => bound(n).ok_or_else(too_many)?,
        };
        if let Some(set) = self.single(&r.sub)? {
            let set = self.set(set);
            return self.push(Op::Repeat { set, min, max }).map(drop);
        }
        for _ in 0..min {
            self.emit(&r.sub)?;
        }
        if max == u16::MAX {
            let split = self.push(Op::Split(0, 0))?;
            self.emit(&r.sub)?;
            self.push(Op::Jump(u16::try_from(split).unwrap_or(u16::MAX)))?;
            let (first, second) = (u16::try_from(split + 1).unwrap_or(u16::MAX), self.here());
            self.patch(split, Op::Split(first, second));
            return Ok(());
        }
        let mut splits = Vec::new();
        for _ in min..max {
            splits.push(self.push(Op::Split(0, 0))?);
            self.emit(&r.sub)?;
        }
        let end = self.here();
        for s in splits {
            self.patch(s, Op::Split(u16::try_from(s + 1).unwrap_or(u16::MAX), end));
        }
        Ok(())
    }

    /// The set, if this consumes exactly one byte.
    pub(super) fn single(&mut self, hir: &Hir) -> Result<Option<ByteSet>, Refusal> {
        match hir.kind() {
            HirKind::Class(_) => self.class(hir).map(Some),
            HirKind::Literal(lit) if lit.0.len() == 1 => {
                let mut set = ByteSet::default();
                for &b in &lit.0 {
                    set.add(b, b);
                    if self.in_secret || !self.has_secret_group {
                        self.secret_bytes.add(b, b);
                    }
                }
                Ok(Some(set))
            }
            HirKind::Capture(c) if c.name.is_none() => self.single(&c.sub),
            _ => Ok(None),
        }
    }

    fn class(&mut self, hir: &Hir) -> Result<ByteSet, Refusal> {
        let mut set = ByteSet::default();
        match hir.kind() {
            HirKind::Class(Class::Bytes(class)) => {
                for range in class.ranges() {
                    set.add(range.start(), range.end());
                }
            }
            HirKind::Class(Class::Unicode(class)) => {
                for range in class.ranges() {
                    let (Ok(lo), Ok(hi)) = (u8::try_from(range.start()), u8::try_from(range.end())) else {
                        return Err("a class beyond ASCII; write the bytes as \\xNN".to_owned());
                    };
                    set.add(lo, hi);
                }
            }
            _ => {}
        }
        if self.in_secret || !self.has_secret_group {
            for b in 0..=255u8 {
                if set.contains(b) {
                    self.secret_bytes.add(b, b);
                }
            }
        }
        Ok(set)
    }
}
