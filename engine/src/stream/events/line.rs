//! A line that waits, with the pieces of texts that stand in it and what is to become of them.

use super::texts::Text;
use crate::decode::deltas::{self, Unit};

/// A line, or a stretch of lines that are not read.
#[derive(Clone, Debug)]
pub(super) struct Line {
    raw: Vec<u8>,
    /// Where it stands in the INPUT.
    pub(super) at: u64,
    pieces: Vec<Piece>,
    /// Nothing comes behind it any more.
    pub(super) closed: bool,
    /// An event ends with it.
    pub(super) ends_event: bool,
}

/// A piece of a text: `raw[start..end]`, between quotes, spells `from..to` of it.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    pub(super) text: u64,
    pub(super) from: u64,
    pub(super) to: u64,
    start: usize,
    end: usize,
    /// What takes the place of which part of the text, in order.
    edits: Vec<(u64, u64, Vec<u8>)>,
    pub(super) settled: bool,
}

impl Line {
    pub(super) fn plain(at: u64, raw: &[u8]) -> Line {
        Line {
            raw: raw.to_vec(),
            at,
            pieces: Vec::new(),
            closed: false,
            ends_event: false,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.raw.len()
    }

    pub(super) fn memory(&self) -> usize {
        size_of::<Line>()
            + self.raw.capacity()
            + self.pieces.capacity() * size_of::<Piece>()
            + self.pieces.iter().map(Piece::memory).sum::<usize>()
    }

    /// What comes next can be added to it.
    pub(super) fn is_open(&self) -> bool {
        !self.closed && !self.ends_event
    }

    pub(super) fn extend(&mut self, more: &[u8]) {
        self.raw.extend_from_slice(more);
    }

    pub(super) fn is_settled(&self) -> bool {
        self.pieces.iter().all(|p| p.settled)
    }

    pub(super) fn pieces(&mut self) -> impl Iterator<Item = &mut Piece> {
        self.pieces.iter_mut()
    }

    /// Notes where pieces stand (the text, and from where to where). Returns what each adds to its text.
    pub(super) fn take_pieces(&mut self, pieces: &[(u64, usize, usize)], texts: &mut [Text]) -> Vec<(u64, Vec<u8>)> {
        let mut spelt = Vec::with_capacity(pieces.len());
        for &(id, start, end) in pieces {
            let piece = deltas::decoded(self.raw.get(start..end).unwrap_or_default());
            // A text that had to make room within the line is not followed any more.
            let Some(text) = texts.iter_mut().find(|t| t.id == id) else {
                continue;
            };
            let from = text.given;
            text.given += piece.len() as u64;
            self.pieces.push(Piece {
                text: id,
                from,
                to: text.given,
                start,
                end,
                edits: Vec::new(),
                settled: false,
            });
            spelt.push((id, piece));
        }
        spelt
    }

    /// Where in the INPUT a byte of a text stands that is spelt here.
    pub(super) fn place(&self, text: u64, byte: u64) -> Option<u64> {
        let piece = self
            .pieces
            .iter()
            .find(|p| p.text == text && p.from <= byte && byte < p.to)?;
        let (mut at, mut spelt) = (piece.start, piece.from);
        while let Some(unit) = self.raw.get(at..piece.end).and_then(Unit::first) {
            spelt += unit.text().len() as u64;
            if spelt > byte {
                break;
            }
            at += unit.len;
        }
        Some(self.at + at as u64)
    }

    /// Writes it as it is to be.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let mut at = 0;
        for piece in self.pieces.iter().filter(|p| !p.edits.is_empty()) {
            out.extend_from_slice(self.raw.get(at..piece.start).unwrap_or_default());
            piece.write(self.raw.get(piece.start..piece.end).unwrap_or_default(), out);
            at = piece.end;
        }
        out.extend_from_slice(self.raw.get(at..).unwrap_or_default());
    }
}

impl Piece {
    fn memory(&self) -> usize {
        let of = |e: &(u64, u64, Vec<u8>)| e.2.capacity() + size_of::<(u64, u64, Vec<u8>)>();
        self.edits.iter().map(of).sum()
    }

    /// What becomes of a stretch of the text, as far as it stands here, with what is put in its place.
    pub(super) fn edit(&mut self, (from, to): (u64, u64), put: &mut Option<Vec<u8>>) {
        let (start, end) = (from.max(self.from), to.min(self.to));
        if start < end {
            self.edits.push((start, end, put.take().unwrap_or_default()));
        }
    }

    /// Masks what of the text stands here from an offset on.
    pub(super) fn mask_from(&mut self, from: u64) {
        let start = from.max(self.from);
        if start < self.to {
            let stars = usize::try_from(self.to - start).unwrap_or(0);
            self.edits.push((start, self.to, vec![b'*'; stars]));
        }
        self.settled = true;
    }

    fn write(&self, raw: &[u8], out: &mut Vec<u8>) {
        let mut edits = self.edits.iter().peekable();
        let (mut rest, mut at) = (raw, self.from);
        let mut put = false;
        while let Some(unit) = Unit::first(rest) {
            let (stood, behind) = rest.split_at(unit.len.min(rest.len()));
            rest = behind;
            let next = at + unit.text().len() as u64;
            while edits.next_if(|e| e.1 <= at).is_some() {
                put = false;
            }
            match edits.peek() {
                // A character that is spelt by several bytes goes as a whole.
                Some((from, _, text)) if *from < next => {
                    if !put {
                        deltas::encode(text, out);
                    }
                    put = true;
                }
                _ => out.extend_from_slice(stood),
            }
            at = next;
        }
    }
}
