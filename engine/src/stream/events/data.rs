//! Several lines of data in one event are one text: what stands before the data of each
//! (`data: `) is no part of it. A private key comes so, and a document over many lines.
//!
//! The second pass of a stream of events reads that text. From the second such line of an event on, what comes of it is put together
//! from what the body tells of its input ([`Made`]): where a line's beginning stays, its field comes back; what is put there gets
//! fields of its own. An event of one line, which nearly all are, goes through as it is.

use std::collections::VecDeque;

use super::texts::Made;

const FIELD: &[u8] = b"data:";

/// Where in the lines of an event the second pass is.
#[derive(Clone, Debug, Default)]
pub(super) struct Data {
    /// A line of data has begun in this event.
    had: bool,
    /// Inside a line, and not at its beginning.
    inside: bool,
    /// What has come of a line as long as it may have data.
    lead: Vec<u8>,
    /// What is put together, from the second line on.
    joined: Option<Joined>,
    /// Bytes of text, and how far behind them stands what has come: from these on.
    given: u64,
    lifted: VecDeque<(u64, u64)>,
}

/// An event of several lines.
#[derive(Clone, Debug)]
struct Joined {
    /// Text of which it is not known what becomes of it, and where it begins.
    text: Vec<u8>,
    at: u64,
    /// What stood before its lines of data, and where those begin.
    fields: VecDeque<(u64, Vec<u8>)>,
    /// The byte before `at` stays.
    stays: bool,
}

impl Data {
    pub(super) fn held(&self) -> usize {
        self.lead.len()
    }

    pub(super) fn memory(&self) -> usize {
        let of = |j: &Joined| j.text.capacity() + j.fields.iter().map(|(_, f)| f.capacity() + 32).sum::<usize>();
        self.lead.capacity() + self.lifted.capacity() * 16 + self.joined.as_ref().map_or(0, of)
    }

    /// Takes the next bytes of an event, and gives the text that they add. `open`: from where on, and what of the text before it, the
    /// body has not settled.
    pub(super) fn text(&mut self, mut bytes: &[u8], open: impl FnOnce() -> (u64, Vec<u8>)) -> Vec<u8> {
        let mut text = Vec::with_capacity(bytes.len() + self.lead.len());
        let mut fields = Vec::new();
        while let Some((&b, behind)) = bytes.split_first() {
            if self.inside {
                let end = memchr::memchr2(b'\n', b'\r', bytes).map(|n| n + 1);
                let (line, rest) = bytes.split_at(end.unwrap_or(bytes.len()));
                text.extend_from_slice(line);
                (self.inside, bytes) = (end.is_none(), rest);
                continue;
            }
            if FIELD.get(self.lead.len()) == Some(&b) {
                self.lead.push(b);
                bytes = behind;
                continue;
            }
            if self.lead == FIELD {
                if b == b' ' {
                    self.lead.push(b);
                    bytes = behind;
                }
                if self.had {
                    fields.push((self.given + text.len() as u64, std::mem::take(&mut self.lead)));
                }
                self.had = true;
            }
            text.append(&mut self.lead);
            self.inside = true;
        }
        self.joins(fields, open);
        self.goes(&text);
        text
    }

    /// The event ends: what it adds after all.
    pub(super) fn end(&mut self) -> Vec<u8> {
        let text = std::mem::take(&mut self.lead);
        self.goes(&text);
        text
    }

    /// Nothing of the event is left.
    pub(super) fn ended(&mut self) {
        (self.had, self.inside, self.joined) = (false, false, None);
        if self.lifted.len() > 1 {
            self.lifted.drain(..self.lifted.len() - 1);
        }
    }

    fn goes(&mut self, text: &[u8]) {
        self.given += text.len() as u64;
        if let Some(joined) = &mut self.joined {
            joined.text.extend_from_slice(text);
        }
    }

    fn joins(&mut self, fields: Vec<(u64, Vec<u8>)>, open: impl FnOnce() -> (u64, Vec<u8>)) {
        if fields.is_empty() {
            return;
        }
        for (at, stood) in &fields {
            let before = self.lifted.back().map_or(0, |(_, lifted)| *lifted);
            self.lifted.push_back((*at, before + stood.len() as u64));
        }
        let joined = self.joined.get_or_insert_with(|| {
            let (at, text) = open();
            Joined {
                text,
                at,
                fields: VecDeque::new(),
                stays: true,
            }
        });
        joined.fields.extend(fields);
    }

    /// Where a byte of the text stands in what came.
    pub(super) fn place(&self, at: u64) -> u64 {
        let lifted = self.lifted.iter().rev().find(|(from, _)| *from <= at);
        at + lifted.map_or(0, |(_, lifted)| *lifted)
    }

    /// Writes what has become of the text.
    pub(super) fn write(&mut self, made: &mut Vec<Made>, out: &mut Vec<u8>) {
        let Some(joined) = &mut self.joined else { return };
        for made in made.drain(..) {
            joined.write(&made, out);
        }
        joined.fields_before(joined.at, out);
    }
}

impl Joined {
    fn write(&mut self, made: &Made, out: &mut Vec<u8>) {
        let to = made.to.max(self.at);
        if let Some(put) = &made.put {
            self.fields_before(self.at, out);
            // Each line of it is a line of data.
            for (i, line) in put.split(|b| *b == b'\n').enumerate() {
                out.extend_from_slice(if i > 0 { b"\ndata: " } else { b"" });
                out.extend_from_slice(line);
            }
            self.take(to);
            self.stays = false;
            self.fields.retain(|(at, _)| *at > to);
            return;
        }
        while let Some(at) = self.fields.front().map(|(at, _)| *at).filter(|at| *at <= to) {
            let stretch = self.take(at);
            self.stays |= !stretch.is_empty();
            out.extend(stretch);
            self.fields_before(at, out);
        }
        let stretch = self.take(to);
        self.stays |= !stretch.is_empty();
        out.extend(stretch);
    }

    /// The text up to there.
    fn take(&mut self, to: u64) -> Vec<u8> {
        let n = usize::try_from(to.saturating_sub(self.at)).unwrap_or(usize::MAX);
        self.at = self.at.max(to);
        self.text.drain(..n.min(self.text.len())).collect()
    }

    /// What stood before the lines that begin there or earlier, unless their beginning is gone with the end of the line before.
    fn fields_before(&mut self, at: u64, out: &mut Vec<u8>) {
        while let Some((_, stood)) = self.fields.pop_front_if(|(from, _)| *from <= at) {
            if self.stays {
                out.extend_from_slice(&stood);
            }
        }
    }
}
