//! Values found before are found again, wherever they come in the exchange, with or without what announced them.
//!
//! `memchr::memmem` finds them, which is the fastest way where they hardly ever come. Text that is full of one inside longer
//! words would have it read the same bytes over and over: after a few such places the search goes on in the way of Knuth,
//! Morris and Pratt, which reads each byte once.

use super::{Body, byte_before};
use crate::detect::program::is_word;
use crate::exchange::Exchange;
use crate::rewrite::{Context, Edit};

impl Body {
    /// Detect, over again: values that were found before, wherever they stand. Returns where one could be beginning.
    pub(super) fn repeats(&mut self, exchange: &Exchange, data: &[u8], last: bool) -> u64 {
        let end = self.base + data.len() as u64;
        let mut open = end;
        let context = (self.context, self.context_len);
        let mut all = std::mem::take(&mut self.searched);
        let mut edits = std::mem::take(&mut self.pending);
        all.resize(exchange.remembered.len(), self.base);
        for (r, searched) in exchange.remembered.iter().zip(&mut all) {
            let mut search = Search::new(
                data,
                &r.value,
                usize::try_from(searched.saturating_sub(self.base)).unwrap_or(0),
            );
            let mut open_at = None;
            while let Some(start) = search.next() {
                let stop = start + r.value.len();
                if stop == data.len() && !last {
                    // Whether it ends here is told by the next byte.
                    open_at = Some(start);
                    break;
                }
                let border = |b: Option<u8>| !b.is_some_and(is_word);
                // What comes behind is the cheaper question.
                if border(data.get(stop).copied())
                    && border(byte_before(data, start, &context))
                    && !self.ends_an_escape(data, start)
                {
                    let (start, end) = (self.base + start as u64, self.base + stop as u64);
                    let source = r.source;
                    let ((action, form), context) = (
                        self.treat(r.action, r.form.again(data.get(stop).copied())),
                        Context::Inline,
                    );
                    edits.push(Edit {
                        start,
                        end,
                        source,
                        action,
                        form,
                        percent: 0,
                        context,
                        continues: false,
                    });
                    search.go_on_behind(stop);
                } else {
                    search.go_on_inside(start);
                }
            }
            let from = search.from;
            let tail = data.get(from..).unwrap_or_default();
            let low = tail.len().saturating_sub(r.value.len() - 1);
            let partial = (low..tail.len()).find(|i| tail.get(*i..).is_some_and(|t| r.value.starts_with(t)));
            let undecided = open_at.unwrap_or(from + partial.unwrap_or(tail.len()));
            let next = self.base + undecided as u64;
            *searched = next.max(*searched);
            if !last {
                open = open.min(next.max(*searched));
            }
        }
        self.searched = all;
        self.pending = edits;
        open
    }
}

/// Places that may be tried with a search of its own each.
const FEW: usize = 8;

/// The places of one value, of which the next may begin inside the last.
struct Search<'a> {
    data: &'a [u8],
    value: &'a [u8],
    /// Where the next may begin.
    from: usize,
    /// Places that overlap with the next.
    inside: usize,
    /// For each beginning of the value, how long the longest other one is with which it ends. Made when it is needed.
    borders: Vec<usize>,
    /// How many bytes of the value stand at `from`, as far as was read.
    matched: usize,
}

impl<'a> Search<'a> {
    fn new(data: &'a [u8], value: &'a [u8], from: usize) -> Search<'a> {
        Search {
            data,
            value,
            from,
            inside: 0,
            borders: Vec::new(),
            matched: 0,
        }
    }

    /// Where the next one begins.
    fn next(&mut self) -> Option<usize> {
        if self.inside < FEW {
            let hit = memchr::memmem::find(self.data.get(self.from..)?, self.value)?;
            return Some(self.from + hit);
        }
        if self.borders.is_empty() {
            self.borders = borders(self.value);
        }
        let read = self.from + self.matched;
        for (i, b) in self.data.iter().enumerate().skip(read) {
            while self.matched > 0 && self.value.get(self.matched) != Some(b) {
                self.matched = self.border(self.matched);
            }
            if self.value.get(self.matched) == Some(b) {
                self.matched += 1;
            }
            self.from = i + 1 - self.matched;
            if self.matched == self.value.len() {
                return Some(self.from);
            }
        }
        None
    }

    /// After a place that counts.
    fn go_on_behind(&mut self, stop: usize) {
        (self.from, self.matched) = (stop, 0);
    }

    /// After one at `start` that does not.
    fn go_on_inside(&mut self, start: usize) {
        self.inside += 1;
        if self.matched == 0 {
            self.from = start + 1;
            return;
        }
        let left = self.border(self.matched);
        self.from = start + self.matched - left;
        self.matched = left;
    }

    fn border(&self, matched: usize) -> usize {
        matched
            .checked_sub(1)
            .and_then(|i| self.borders.get(i))
            .copied()
            .unwrap_or(0)
    }
}

/// See [`Search::borders`].
fn borders(value: &[u8]) -> Vec<usize> {
    let mut out: Vec<usize> = Vec::with_capacity(value.len());
    let mut matched = 0;
    for (i, b) in value.iter().enumerate() {
        while i > 0 && matched > 0 && value.get(matched) != Some(b) {
            matched = out.get(matched - 1).copied().unwrap_or(0);
        }
        if i > 0 && value.get(matched) == Some(b) {
            matched += 1;
        }
        out.push(matched);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::Search;

    /// All places that a plain search finds, whichever of them count.
    #[test]
    fn overlapping_places_are_found() {
        let texts = [
            "A1A1A1A1A1A1A1A1A1A1A1A1A1A1-A1A1A1A1A1A1",
            "aab.aabaaab",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "",
        ];
        for text in texts.map(|t| t.repeat(3)) {
            let text = text.as_bytes();
            for value in ["A1A1", "aa", "aab", "aabaa", "b", "A1A1A1A1A1A1A1"].map(str::as_bytes) {
                for counts in [1, 2, 3, 100] {
                    let (mut search, mut found, mut want) = (Search::new(text, value, 0), Vec::new(), Vec::new());
                    while let Some(start) = search.next() {
                        found.push(start);
                        if found.len() % counts == 0 {
                            search.go_on_behind(start + value.len());
                        } else {
                            search.go_on_inside(start);
                        }
                    }
                    let mut from = 0;
                    while let Some(start) = (from..text.len()).find(|i| text[*i..].starts_with(value)) {
                        want.push(start);
                        from = if want.len() % counts == 0 {
                            start + value.len()
                        } else {
                            start + 1
                        };
                    }
                    assert_eq!(found, want);
                }
            }
        }
    }
}
