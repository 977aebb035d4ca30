//! Patterns of values that may stay: does one match the whole of a value?
//!
//! The value is there as a whole, so that nothing has to be put away and taken up again as in `detect/lane.rs`, and no literal is needed to find
//! it. All ways are followed at once, with a bit for each instruction and for each count of a repetition: linear time, and memory that the
//! pattern alone determines.

use regex_syntax::hir::Look;

use crate::detect::form;
use crate::detect::program::{self, ByteSet, Op, Refusal};
use crate::limits;

/// A pattern for whole values.
#[derive(Clone, Debug)]
pub(crate) struct Whole {
    ops: Vec<Op>,
    sets: Vec<ByteSet>,
    /// Where the counts of each repetition stand, in words: by its index in `ops`.
    counts: Vec<usize>,
    words: usize,
}

impl Whole {
    pub(crate) fn compile(pattern: &str) -> Result<Whole, Refusal> {
        let hir = form::parse(pattern)?;
        let looks = hir.properties().look_set();
        if [Look::Start, Look::End, Look::StartLF, Look::EndLF]
            .iter()
            .any(|l| looks.contains(*l))
        {
            return Err("the whole value is compared anyway; leave ^ and $ out".to_owned());
        }
        if form::has_secret(&hir) {
            return Err("the whole value is compared; leave the `secret` group out".to_owned());
        }
        let (ops, sets) = program::instructions(&hir)?;
        if ops.len() > limits::ALLOW_PATTERN_OPS {
            return Err(format!(
                "it compiles to {} instructions and {} are allowed; repeat classes, not groups",
                ops.len(),
                limits::ALLOW_PATTERN_OPS
            ));
        }
        let (mut counts, mut words) = (Vec::with_capacity(ops.len()), 0);
        for op in &ops {
            counts.push(words);
            words += bound(op).map_or(0, |most| most / 64 + 1);
        }
        if words * 64 > limits::ALLOW_PATTERN_COUNTS + 64 * ops.len() {
            return Err(format!(
                "its repetitions count to more than {} together; leave an upper bound out where none is meant",
                limits::ALLOW_PATTERN_COUNTS
            ));
        }
        Ok(Whole {
            ops,
            sets,
            counts,
            words,
        })
    }

    /// Whether it matches all of a value.
    pub(crate) fn matches(&self, value: &[u8]) -> bool {
        let mut run = Run {
            whole: self,
            live: 0,
            counts: vec![0; self.words],
            matched: false,
        };
        run.enter(0, (None, value.first().copied()));
        for (i, &b) in value.iter().enumerate() {
            if run.live == 0 {
                return false;
            }
            run.step(b, value.get(i + 1).copied());
        }
        run.matched
    }

    fn takes(&self, set: u16, b: u8) -> bool {
        self.sets.get(usize::from(set)).is_some_and(|s| s.contains(b))
    }
}

/// The highest count of a repetition that makes a difference.
fn bound(op: &Op) -> Option<usize> {
    match *op {
        Op::Repeat { min, max: u16::MAX, .. } => Some(usize::from(min)),
        Op::Repeat { max, .. } => Some(usize::from(max)),
        _ => None,
    }
}

/// All ways through the pattern at one place of a value.
struct Run<'w> {
    whole: &'w Whole,
    /// Instructions that wait for a byte.
    live: u128,
    /// For each repetition one bit for each count that it may have come to.
    counts: Vec<u64>,
    matched: bool,
}

impl Run<'_> {
    fn step(&mut self, b: u8, after: Option<u8>) {
        let mut waiting = std::mem::take(&mut self.live);
        self.matched = false;
        let mut gone_on: u128 = 0;
        while waiting != 0 {
            let pc = waiting.trailing_zeros() as usize;
            waiting &= waiting - 1;
            let goes_on = match self.whole.ops.get(pc) {
                Some(Op::Byte(own)) => *own == b,
                Some(Op::Set(set)) => self.whole.takes(*set, b),
                Some(op @ Op::Repeat { set, .. }) => self.count(pc, op, self.whole.takes(*set, b)),
                _ => false,
            };
            if goes_on {
                gone_on |= 1 << pc;
            }
        }
        // Repetitions count on before others enter them.
        while gone_on != 0 {
            let pc = gone_on.trailing_zeros() as usize;
            gone_on &= gone_on - 1;
            self.enter(pc + 1, (Some(b), after));
        }
    }

    /// One byte more, or none, for a repetition. Whether it may be left now.
    fn count(&mut self, pc: usize, op: &Op, takes: bool) -> bool {
        let (Op::Repeat { min, max, .. }, Some(most)) = (*op, bound(op)) else {
            return false;
        };
        let from = self.whole.counts.get(pc).copied().unwrap_or(0);
        let Some(counts) = self.counts.get_mut(from..from + most / 64 + 1) else {
            return false;
        };
        if !takes {
            counts.fill(0);
            return false;
        }
        let is_open = max == u16::MAX;
        let top = 1u64 << (most % 64);
        let had_all = is_open && counts.last().is_some_and(|w| w & top != 0);
        let mut carry = 0;
        for word in counts.iter_mut() {
            (*word, carry) = (*word << 1 | carry, *word >> 63);
        }
        if let Some(last) = counts.last_mut() {
            *last &= top | (top - 1);
            *last |= if had_all { top } else { 0 };
        }
        if counts.iter().any(|w| *w != 0) {
            self.live |= 1 << pc;
        }
        let least = usize::from(min);
        let enough = |(i, w): (usize, &u64)| match i.cmp(&(least / 64)) {
            std::cmp::Ordering::Less => false,
            std::cmp::Ordering::Equal => w >> (least % 64) != 0,
            std::cmp::Ordering::Greater => *w != 0,
        };
        counts.iter().enumerate().any(enough)
    }

    /// Goes on at an instruction, and wherever it leads without a byte. `around`: the bytes before and after this place.
    fn enter(&mut self, pc: usize, around: (Option<u8>, Option<u8>)) {
        let (mut seen, mut next) = (0u128, vec![pc]);
        while let Some(pc) = next.pop() {
            if pc >= 128 || seen >> pc & 1 == 1 {
                continue;
            }
            seen |= 1 << pc;
            match self.whole.ops.get(pc) {
                None => {}
                Some(Op::Match) => self.matched = true,
                Some(Op::Split(a, b)) => next.extend([usize::from(*a), usize::from(*b)]),
                Some(Op::Jump(to)) => next.push(usize::from(*to)),
                Some(Op::SecretStart | Op::SecretEnd) => next.push(pc + 1),
                Some(Op::Border(border)) if !border.holds(around.0, around.1) => {}
                Some(Op::Border(_)) => next.push(pc + 1),
                Some(Op::Byte(_) | Op::Set(_)) => self.live |= 1 << pc,
                Some(Op::Repeat { min, .. }) => {
                    self.live |= 1 << pc;
                    let at = self.whole.counts.get(pc).copied().unwrap_or(0);
                    if let Some(word) = self.counts.get_mut(at) {
                        *word |= 1;
                    }
                    if *min == 0 {
                        next.push(pc + 1);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::Whole;
    use proptest::prelude::*;

    #[test]
    fn a_pattern_matches_whole_values_only() {
        for (pattern, yes, no) in [
            (
                "acme_[a-z]{3}",
                vec!["acme_abc"],
                vec!["acme_ab", "acme_abcd", "xacme_abc", ""],
            ),
            ("[a-z]+", vec!["a", "abcdef"], vec!["", "aB", "a1"]),
            ("a*b", vec!["b", "ab", "aaab"], vec!["a", "ba"]),
            ("a{2,3}", vec!["aa", "aaa"], vec!["a", "aaaa"]),
            ("a{2,}b", vec!["aab", "aaaaaaaab"], vec!["ab", "aa"]),
            ("(ab|a)*c", vec!["c", "aabac", "abababc"], vec!["abb", "abbc"]),
            ("(?i)test-.*", vec!["TEST-x", "test-"], vec!["tes-x", "test"]),
            ("\\bfoo\\b", vec!["foo"], vec!["foox"]),
            (
                "[a-z]{60,70}",
                vec![&"a".repeat(60), &"a".repeat(64), &"a".repeat(70)],
                vec![&"a".repeat(59), &"a".repeat(71)],
            ),
            (
                "[a-z]{64,}",
                vec![&"a".repeat(64), &"a".repeat(200)],
                vec![&"a".repeat(63)],
            ),
            ("(?:[ab]{2}x?)+", vec!["abab", "abxab", "aax"], vec!["aba", "x"]),
        ] {
            let whole = Whole::compile(pattern).unwrap();
            for text in yes {
                assert!(whole.matches(text.as_bytes()), "{pattern} on {text}");
            }
            for text in no {
                assert!(!whole.matches(text.as_bytes()), "{pattern} on {text}");
            }
        }
    }

    #[test]
    fn what_has_no_meaning_or_no_bound_is_refused() {
        for (pattern, why) in [
            ("^a", "leave ^ and $ out"),
            ("a$", "leave ^ and $ out"),
            ("(?m)a$", "leave ^ and $ out"),
            ("(?<secret>a)", "leave the `secret` group out"),
            ("a*", "empty string"),
            ("(", "unclosed group"),
            ("(?:ab){65}", "128 are allowed"),
            ("[a-z]{9000}", "count to more than"),
            ("a{60000}", "count to more than"),
        ] {
            let told = Whole::compile(pattern).unwrap_err();
            assert!(told.contains(why), "{pattern}: {told}");
        }
    }

    proptest! {
        #[test]
        fn it_agrees_with_a_regex_engine(
            pattern in "(?:(?:[ab]|[ab]{1,3}|\\[ab\\]\\{2,\\}|\\(a\\|bb\\)\\*|\\(ab\\?\\)\\+|c|\\(b\\|c\\)\\{1,3\\}|a\\{0,2\\}|\\\\b)){1,5}c",
            text in "[abc]{0,12}",
        ) {
            let Ok(whole) = Whole::compile(&pattern) else { return Ok(()) };
            let regex = regex::bytes::Regex::new(&format!("^(?-u:{pattern})$")).unwrap();
            prop_assert_eq!(whole.matches(text.as_bytes()), regex.is_match(text.as_bytes()), "{} on {}", pattern, text);
        }
    }
}
