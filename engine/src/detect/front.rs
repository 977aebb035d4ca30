//! Candidates whose anchor stands inside them: `db.shop.internal` is known by `.internal`, and begins with `db`.
//!
//! The candidate begins where the run of its characters does. The run is held while it is short enough for the anchor
//! to come yet, and one that is longer has no beginning at all: that keeps what is held bounded, and makes the answer
//! depend on the text alone. Why not begin at a class instead (`classes.rs`): every word would be asked.

use crate::detect::program::{ByteSet, Front, is_word};
use crate::limits;

/// The runs of all detectors together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fronts(ByteSet);

/// What is being read: `data` begins at input offset `base`, and all before index `from` has been decided.
#[derive(Clone, Copy)]
pub(crate) struct Text<'a> {
    pub(crate) data: &'a [u8],
    pub(crate) base: u64,
    pub(crate) from: usize,
    /// The input offset at which the run that ends at `from` begins.
    pub(crate) run: u64,
}

impl Fronts {
    /// For these; `None` if there are none.
    pub(crate) fn new(fronts: impl Iterator<Item = Front>) -> Option<Fronts> {
        fronts
            .map(|f| f.set)
            .reduce(|mut all, set| {
                all.unite(&set);
                all
            })
            .map(Fronts)
    }

    /// The input offset at which the run that ends at `end` begins; of one that is too long, some offset that says so.
    pub(crate) fn run(&self, text: Text, end: usize) -> u64 {
        let low = end.saturating_sub(limits::FRONT_BYTES + 1);
        let start = run_start(&self.0, text.data, end, low.max(text.from));
        let offset = text.base + start as u64;
        if start == text.from {
            text.run.min(offset)
        } else {
            offset
        }
    }

    /// How far everything is decided, where anchors are known up to `known`.
    pub(crate) fn decided(&self, text: Text, known: usize) -> usize {
        let run = self.run(text, known);
        if text.base + known as u64 - run > limits::FRONT_BYTES as u64 {
            return known;
        }
        usize::try_from(run.saturating_sub(text.base)).map_or(known, |run| run.clamp(text.from, known))
    }

    /// Where the candidate begins whose anchor is at `at`; `before` is the character before an index.
    pub(crate) fn begin(
        &self,
        text: Text,
        at: usize,
        (front, at_border): (Front, bool),
        before: impl Fn(usize) -> Option<u8>,
    ) -> Option<usize> {
        if text.base + at as u64 - self.run(text, at) > limits::FRONT_BYTES as u64 {
            return None;
        }
        let start = run_start(&front.set, text.data, at, text.from);
        let start = at.min(start + end_of_escape(before(start), text.data.get(start..at).unwrap_or_default()));
        let is_word = |b: Option<u8>| b.is_some_and(is_word);
        let begins = |i: &usize| !at_border || is_word(before(*i)) != is_word(text.data.get(*i).copied());
        (start..=at).find(begins)
    }
}

/// How much of `run` still belongs to an escape whose first byte, `opens`, stands right before it.
fn end_of_escape(opens: Option<u8>, run: &[u8]) -> usize {
    match (opens, run) {
        (Some(b'\\'), [b'u', ..]) => 5,
        (Some(b'\\'), [b'n' | b'r' | b't' | b'b' | b'f', ..]) => 1,
        (Some(b'%'), [b'2', b'5', ..]) => 4,
        (Some(b'%'), _) => 2,
        _ => 0,
    }
}

/// Where the run of the set's characters begins that ends before `end`, as far back as `low`.
fn run_start(set: &ByteSet, data: &[u8], end: usize, low: usize) -> usize {
    let run = data.get(low..end).unwrap_or_default();
    end - run.iter().rev().take_while(|b| set.contains(**b)).count()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{Fronts, Text};
    use crate::detect::program::Program;
    use crate::limits::FRONT_BYTES;
    use crate::stream::byte_before;

    #[test]
    fn a_candidate_begins_where_its_run_does() {
        let program = Program::compile(r"\b[0-9a-z.-]{1,250}\.internal\b").unwrap();
        let front = program.front.unwrap();
        let fronts = Fronts::new([front].into_iter()).unwrap();
        let long = "a".repeat(FRONT_BYTES);
        for (text, begin) in [
            ("to db.internal", Some(3)),
            ("..db-1.internal", Some(2)),
            ("to\\ndb.internal", Some(4)),
            ("to\\u000adb.internal", Some(8)),
            ("to%2520db.internal", Some(7)),
            (&format!("{long}.internal"), Some(0)),
            (&format!("{long}a.internal"), None),
        ] {
            let data = text.as_bytes();
            let at = text.find(".internal").unwrap();
            let before = |i: usize| byte_before(data, i, &([0; 16], 0));
            let read = Text {
                data,
                base: 0,
                from: 0,
                run: 0,
            };
            assert_eq!(fronts.begin(read, at, (front, true), before), begin, "{text}");
        }
    }
}
