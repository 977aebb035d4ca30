//! Candidates whose anchor stands inside them: `db.shop.internal` is known by `.internal`, and begins with `db`.
//!
//! The candidate begins where the run of its characters does. The run is held while it is short enough for the anchor
//! to come yet, and one that is longer has no beginning at all: that keeps what is held bounded, and makes the answer
//! depend on the text alone. What stands inside may be a single character too, such as the `@` of a mail address
//! (`classes.rs` finds it). Why not begin at the class of the first character: every word would be asked.

use crate::detect::program::{ByteSet, Front, is_word};
use crate::limits;

/// The classes of all runs, each once. A run of one class says nothing of another's, so that each is counted apart.
#[derive(Clone, Debug)]
pub(crate) struct Fronts(Vec<ByteSet>);

/// What is being read: `data` begins at input offset `base`; `before` is the character before it. A run that begins earlier
/// was too long to be held, and is too long now.
#[derive(Clone, Copy)]
pub(crate) struct Text<'a> {
    pub(crate) data: &'a [u8],
    pub(crate) base: u64,
    pub(crate) before: Option<u8>,
}

impl Fronts {
    /// For these.
    pub(crate) fn new(fronts: impl Iterator<Item = Front>) -> Fronts {
        let mut sets: Vec<ByteSet> = Vec::new();
        for front in fronts {
            if !sets.contains(&front.set) {
                sets.push(front.set);
            }
        }
        Fronts(sets)
    }

    /// Where the candidate begins whose anchor is at `at`; `before` is the character before an index.
    pub(crate) fn begin(
        &self,
        text: Text,
        at: usize,
        (front, at_border): (Front, bool),
        before: impl Fn(usize) -> Option<u8>,
    ) -> Option<usize> {
        let start = run(&front.set, text, at)?;
        let start = at.min(start + end_of_escape(before(start), text.data.get(start..at).unwrap_or_default()));
        if !at_border {
            return Some(start);
        }
        let is_word = |b: Option<u8>| b.is_some_and(is_word);
        let begins = |i: &usize| is_word(before(*i)) != is_word(text.data.get(*i).copied());
        (start..at).find(begins)
    }

    /// Up to where no candidate can begin any more, if anchors are known up to `known`.
    pub(crate) fn decided(&self, text: Text, known: usize) -> u64 {
        if self.0.is_empty() {
            return text.base + known as u64;
        }
        // An escape that is not whole yet may belong to a run, be it to one that is too long.
        let end = known - unfinished_escape(text.data.get(..known).unwrap_or_default());
        // Nor is one to be cut that ends a run of this class: it may go on in another one's.
        let whole = |start: usize| match start.checked_sub(1) {
            Some(slash) if text.data.get(slash) == Some(&b'\\') => slash,
            _ => start,
        };
        let runs = self.0.iter().filter_map(|set| run(set, text, end)).map(whole);
        text.base + runs.min().unwrap_or(end) as u64
    }
}

/// Where the run of the set's characters begins that ends at `end`; `None` if it is too long.
fn run(set: &ByteSet, text: Text, end: usize) -> Option<usize> {
    let low = end.saturating_sub(limits::FRONT_BYTES + 1);
    let mut start = end;
    loop {
        let plain = text.data.get(low..start).unwrap_or_default();
        start -= plain.iter().rev().take_while(|b| set.contains(**b)).count();
        // `bob\u002bshop`: some encoders escape more than they must.
        match start
            .checked_sub(1)
            .filter(|i| *i >= low && escaped(text, *i).is_some_and(|c| set.contains(c)))
        {
            Some(slash) => start = slash,
            None => break,
        }
    }
    let goes_on = start == 0 && text.before.is_some_and(|b| set.contains(b));
    (end - start <= limits::FRONT_BYTES && !goes_on).then_some(start)
}

/// The ASCII character that is written as an escape at `slash`, behind one backslash.
fn escaped(text: Text, slash: usize) -> Option<u8> {
    let data = text.data;
    let [b'\\', b'u', b'0', b'0', a, b, ..] = *data.get(slash..)? else {
        return None;
    };
    let digit = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok());
    let before = slash.checked_sub(1).map_or(text.before, |i| data.get(i).copied());
    Some(digit(a)? << 4 | digit(b)?).filter(|_| before != Some(b'\\'))
}

/// The length of what may become `\u002b` at the end of `text`.
fn unfinished_escape(text: &[u8]) -> usize {
    let begins = |n: &usize| {
        let tail = text
            .len()
            .checked_sub(*n)
            .and_then(|i| text.get(i..))
            .unwrap_or_default();
        tail.starts_with(&b"\\u00"[..tail.len().min(4)])
            && tail.get(4..).is_none_or(|d| d.iter().all(u8::is_ascii_hexdigit))
    };
    (1..6).rev().find(|n| *n <= text.len() && begins(n)).unwrap_or(0)
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
        let fronts = Fronts::new([front].into_iter());
        let long = "a".repeat(FRONT_BYTES);
        for (text, begin) in [
            ("to db.internal", Some(3)),
            ("..db-1.internal", Some(2)),
            ("to\\ndb.internal", Some(4)),
            ("to\\u000adb.internal", Some(8)),
            ("to db\\u002done.internal", Some(3)),
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
                before: None,
            };
            assert_eq!(fronts.begin(read, at, (front, true), before), begin, "{text}");
        }
    }
}
