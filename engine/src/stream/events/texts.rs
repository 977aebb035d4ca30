//! The texts that a stream's deltas spell: each goes through a [`Body`] of its own, which tells what became of it.

use super::{Events, Pass};
use crate::decode::deltas::{Delta, TextKey};
use crate::exchange::Exchange;
use crate::limits;
use crate::stream::{Body, BodyKind};

/// What became of a stretch of a body's input, from where the last one ended.
#[derive(Clone, Debug)]
pub(in crate::stream) struct Made {
    pub(super) to: u64,
    /// `None`: it stays.
    pub(super) put: Option<Vec<u8>>,
}

/// A text under way.
#[derive(Clone, Debug)]
pub(super) struct Text {
    pub(super) id: u64,
    pub(super) key: TextKey,
    body: Body,
    /// How many bytes of it were spelt.
    pub(super) given: u64,
    /// How far it is known what becomes of it.
    made: u64,
    /// The last line that spelt some of it.
    used: u64,
}

impl Text {
    pub(super) fn memory(&self) -> usize {
        size_of::<Text>() - size_of::<Body>() + self.body.memory()
    }

    /// Before this nothing is open.
    fn settled(&self) -> u64 {
        self.body.base
    }

    /// Lines need not wait behind this. Nearly every word's last letters could begin a literal with which some secret begins, or
    /// the word could be base64; if so, its first letters are no part of what is secret in it.
    fn released(&self, exchange: &Exchange) -> u64 {
        let open = self.body.held.as_slice();
        let comes_again = |i: usize| {
            open.get(i..)
                .is_some_and(|o| exchange.remembered.iter().any(|r| r.value.starts_with(o)))
        };
        let begins = self.body.only_begins(self.given) && !(0..open.len()).any(comes_again);
        if begins { self.given } else { self.settled() }
    }
}

impl Body {
    /// Nothing is open but a letter or two that could begin an anchor, and a word that could be base64.
    fn only_begins(&self, end: u64) -> bool {
        let open =
            self.field.is_some() || !self.waiting.is_empty() || !self.tracks.is_empty() || !self.pending.is_empty();
        let anchor = end.saturating_sub(self.known) <= limits::STREAM_FRONT_BYTES && self.scanned == self.known;
        let word =
            |text: &[u8]| text.iter().skip(1).all(u8::is_ascii_lowercase) && text.len() <= limits::STREAM_WORD_BYTES;
        !open && anchor && (self.known == self.base || word(&self.held))
    }

    /// From where on it is open what becomes of the input, which is noted from now on, and what that is.
    pub(super) fn open(&mut self) -> (u64, Vec<u8>) {
        self.made = Some(Vec::new());
        let from = self.written.max(self.base);
        let at = usize::try_from(from - self.base).unwrap_or(usize::MAX);
        (from, self.held.get(at..).unwrap_or_default().to_vec())
    }

    /// Notes what becomes of the input up to an offset.
    pub(in crate::stream) fn note(&mut self, to: u64, put: Option<&[u8]>) {
        let Some(made) = &mut self.made else { return };
        match made.last_mut() {
            Some(last) if last.put.is_none() && put.is_none() => last.to = to,
            _ => made.push(Made {
                to,
                put: put.map(<[u8]>::to_vec),
            }),
        }
    }
}

/// Base64 that was written anew, and masks: of these, what stands for a byte that has left has left with it.
fn keeps_places(b: &u8) -> bool {
    b.is_ascii_alphanumeric() || b"+/-_=*".contains(b)
}

impl Events {
    /// The text to which a piece belongs. Where there is no room for one more, that which was spelt least lately makes some.
    pub(super) fn text_of(&mut self, pass: &mut Pass, delta: &Delta) -> u64 {
        let used = self.read;
        if let Some(text) = self.texts.iter_mut().find(|t| t.key == delta.key) {
            text.used = used;
            return text.id;
        }
        if self.texts.len() >= limits::STREAM_TEXTS
            && let Some((i, _)) = self.texts.iter().enumerate().min_by_key(|(_, t)| (t.used, t.id))
        {
            self.give_up(pass.exchange, i);
            self.texts.remove(i);
        }
        let id = self.next;
        self.next += 1;
        let mut body = Body::of_bytes(BodyKind {
            json: delta.json,
            keep_length: false,
        });
        body.made = Some(Vec::new());
        self.texts.push(Text {
            id,
            key: delta.key,
            body,
            given: 0,
            made: 0,
            used,
        });
        id
    }

    /// The next piece of a text, which the last line has.
    pub(super) fn feed(&mut self, pass: &mut Pass, id: u64, piece: &[u8]) {
        let Some(i) = self.texts.iter().position(|t| t.id == id) else {
            return;
        };
        self.advance(pass, i, piece, false);
    }

    /// Some texts are complete.
    pub(super) fn close(&mut self, pass: &mut Pass, which: impl Fn(&Text) -> bool) {
        let mut i = 0;
        while let Some(text) = self.texts.get(i) {
            if which(text) {
                self.advance(pass, i, &[], true);
                self.texts.remove(i);
            } else {
                i += 1;
            }
        }
    }

    fn advance(&mut self, pass: &mut Pass, i: usize, piece: &[u8], last: bool) {
        let Some(text) = self.texts.get_mut(i) else { return };
        let told = pass.exchange.findings().len();
        let mut dropped = Vec::new();
        let (engine, work) = (pass.engine, &mut *pass.work);
        pass.exchange.keep_back();
        text.body.enforced(engine, work, pass.exchange, piece, &mut dropped);
        if last {
            text.body.end_enforced(engine, work, pass.exchange, &mut dropped);
        }
        let reports = pass.exchange.take_kept_back();
        if pass.exchange.over() {
            return;
        }
        let (id, settled) = (text.id, text.released(pass.exchange));
        let lines = &mut self.lines;
        for made in text.body.made.iter_mut().flat_map(|m| m.drain(..)) {
            let stretch = (text.made, made.to);
            text.made = made.to;
            // The first piece that has some of it gets what is put there.
            let Some(mut put) = made.put else { continue };
            let open = lines.iter_mut().flat_map(|l| l.pieces());
            let open = open.filter(|p| p.text == id && !p.settled).map(|p| p.from).min();
            let gone = usize::try_from(open.unwrap_or(0).saturating_sub(stretch.0)).unwrap_or(usize::MAX);
            if put.len() as u64 == stretch.1 - stretch.0 && put.iter().all(keeps_places) {
                put.drain(..gone.min(put.len()));
            }
            let mut put = Some(put);
            for p in lines
                .iter_mut()
                .flat_map(|l| l.pieces())
                .filter(|p| p.text == id && !p.settled)
            {
                p.edit(stretch, &mut put);
            }
        }
        let place = |byte: u64| lines.iter().find_map(|l| l.place(id, byte));
        // What has left by now is told of where the oldest stands that has not.
        let oldest = lines.front().map_or(0, |l| l.at);
        let stretch = |start: u64, end: u64| {
            let from = place(start).unwrap_or(oldest);
            let to = place(end.saturating_sub(1)).map_or(from, |last| last + 1);
            (from, to)
        };
        pass.exchange.place_findings(told, stretch);
        for report in reports {
            let (from, to) = stretch(report.start, report.end);
            pass.exchange.found(report.source, report.action, from, to);
            if from < to && self.told.len() < limits::LISTED_FINDINGS {
                self.told.push_back((from, to));
            }
        }
        for p in lines.iter_mut().flat_map(|l| l.pieces()) {
            p.settled |= p.text == id && p.to <= settled;
        }
    }

    /// A text whose end cannot be waited for: what is open of it is masked, and counted as given up. It is read on, so
    /// that what belongs to a secret after all goes too.
    pub(super) fn give_up(&mut self, exchange: &mut Exchange, i: usize) {
        let Some(text) = self.texts.get(i) else { return };
        if text.settled() >= text.given {
            return;
        }
        exchange.given_up += 1;
        let (id, from) = (text.id, text.settled());
        for p in self
            .lines
            .iter_mut()
            .flat_map(|l| l.pieces())
            .filter(|p| p.text == id && !p.settled)
        {
            p.mask_from(from);
        }
    }
}
