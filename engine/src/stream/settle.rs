//! Rewrite and encode: edits that nothing can overtake any more become bytes.

use super::views::Patch;
use super::{Body, Flow, byte_before};
use crate::Engine;
use crate::exchange::Exchange;
use crate::limits;
use crate::rewrite::{self, Action, Context, Edit, Form, Source, Stretch};

/// A bare JSON number with an edit inside.
enum Number {
    /// From here to there.
    Whole(u64, u64),
    /// Longer than `limits::NUMBER_BYTES`: its beginning may have left.
    TooLong,
}

impl Body {
    /// Puts pending edits in order: by their beginning; of those that begin together the surer source comes first (field
    /// rule, custom detector and pack `secrets`, pack `tokens`), then the longer, then the order of the catalogue.
    pub(super) fn sort(&mut self, engine: &Engine) {
        self.pending.sort_by_key(|e| {
            (
                e.start,
                !e.continues,
                e.context == Context::Inside,
                engine.rank(e.source),
                std::cmp::Reverse(e.end),
                e.source,
                // The more of its encoding is undone, the more it is the same as elsewhere.
                std::cmp::Reverse(e.percent),
                e.form,
            )
        });
    }

    /// Where findings that overlap are not all known yet: nothing from the first of them on is settled.
    pub(super) fn before_open_overlap(&self, engine: &Engine, boundary: u64) -> u64 {
        if !engine.careful {
            return boundary;
        }
        let mut at = 0;
        while let Some(first) = self.pending.get(at).filter(|e| e.start < boundary) {
            if !first.replaces() {
                at += 1;
                continue;
            }
            let first = self.widened(engine, first);
            let (end, next) = self.overlap(engine, &self.pending, at, boundary);
            let all = first.start.saturating_add(limits::OVERLAP_BYTES);
            if end.min(all) > boundary {
                return first.start.max(self.base);
            }
            at = next;
        }
        boundary
    }

    /// Where the stretch ends that an edit and those which overlap it cover, and which edit comes behind it. Those that begin
    /// past `limits::OVERLAP_BYTES` are not waited for.
    fn overlap(&self, engine: &Engine, edits: &[Edit], first: usize, boundary: u64) -> (u64, usize) {
        let Some(edit) = edits.get(first).map(|e| self.widened(engine, e)) else {
            return (0, first + 1);
        };
        let (most, mut end, mut next) = (edit.start.saturating_add(limits::OVERLAP_BYTES), edit.end, first + 1);
        while let Some(e) = edits.get(next).filter(|e| e.start < end.min(most).min(boundary)) {
            if e.replaces() {
                end = end.max(self.widened(engine, e).end);
            }
            next += 1;
        }
        (end, next)
    }

    /// Rewrite and encode: settles the edits that begin before the boundary, and writes everything up to it.
    ///
    /// Findings that overlap become one replacement, of all that they cover. It is made by the strictest action
    /// (`Action::leniency`); between equals, by one that knows a form of the value (a token that can lose its signature),
    /// then by the first in the order of [`Body::sort`]. What would leave a part of the value does so only if nothing else
    /// was found in that part. A report takes no part in this: it is told, and the others act as if it were not there.
    pub(super) fn encode(
        &mut self,
        engine: &Engine,
        exchange: &mut Exchange,
        data: &[u8],
        boundary: u64,
        direct: bool,
        out: &mut Vec<u8>,
    ) -> Flow {
        if self.pending.is_empty()
            && self.patches.is_empty()
            && direct
            && self.written <= self.base
            && boundary == self.base + data.len() as u64
        {
            self.written = boundary;
            self.note(boundary, None);
            return Flow::Pass;
        }
        let base = self.base;
        let slice = |from: u64, to: u64| {
            let at = |o: u64| usize::try_from(o.saturating_sub(base)).unwrap_or(usize::MAX);
            data.get(at(from)..at(to)).unwrap_or_default()
        };
        self.written = self.written.max(base);
        let settled = self.pending.partition_point(|e| e.start < boundary);
        let context = (self.context, self.context_len);
        let patches = std::mem::take(&mut self.patches);
        let mut patches = patches.as_slice();
        let rest = self.pending.split_off(settled);
        let edits = std::mem::replace(&mut self.pending, rest);
        for (i, edit) in edits.iter().enumerate() {
            let edit = self.widened(engine, edit);
            if edit.action == Action::Report {
                if edit.start >= self.written.max(self.reported) {
                    exchange.found(edit.source, edit.action, edit.start, edit.end);
                    self.reported = edit.end;
                }
                continue;
            }
            if !edit.continues {
                self.copy(slice, &mut patches, edit.start, out);
            }
            let fresh = edit.start >= self.written && !edit.continues;
            let blocks = |e: &Edit| self.depth == 0 && matches!(e.action, Action::Block(_));
            if fresh && edit.replaces() {
                let (end, next) = self.overlap(engine, &edits, i, boundary);
                let winner = self.winner(engine, &edit, edits.get(i..next).unwrap_or_default(), end, patches);
                if let Source::Detector(_) | Source::Known(_) = winner.source {
                    exchange.found(winner.source, winner.action, winner.start, winner.end);
                }
                if blocks(&winner) {
                    exchange.block(engine, winner.action);
                    return Flow::Out;
                }
                let raw = slice(edit.start, end);
                let told = out.len();
                let stretch = Stretch {
                    raw,
                    before: byte_before(data, usize::try_from(edit.start - base).unwrap_or(0), &context),
                    id: engine.id_of(winner.source),
                };
                rewrite::replacement(&engine.means, &winner, stretch, out);
                self.note(end, out.get(told..));
                self.masking = winner.context == Context::Inline && winner.action.masks_each_byte();
                self.written = end;
            } else if blocks(&edit) {
                exchange.found(edit.source, edit.action, edit.start, edit.end);
                exchange.block(engine, edit.action);
                return Flow::Out;
            } else if edit.context == Context::Inside {
                // An edit that covers it has told of it.
                if fresh {
                    exchange.found(edit.source, edit.action, edit.start, edit.end);
                }
            } else if edit.end > self.written {
                let mut end = edit.end;
                if edit.continues && self.masking && !engine.means.replies.is_empty() {
                    // No further than where the message might be blocked.
                    let blocked = edits.get(i..).unwrap_or_default().iter().find(|e| blocks(e));
                    end = end
                        .min(boundary)
                        .min(blocked.map_or(end, |e| e.start))
                        .max(self.written);
                    if end < edit.end {
                        self.pending.push(Edit { start: end, ..edit });
                    }
                }
                let told = out.len();
                if self.masking {
                    rewrite::stars(end - self.written, out);
                }
                self.note(end, out.get(told..));
                self.written = end;
            }
        }
        self.copy(slice, &mut patches, boundary, out);
        self.patches = patches.to_vec();
        Flow::Out
    }

    /// The edit that is made of those which overlap, as it is to be made. `first` is the first of them.
    fn winner(&self, engine: &Engine, first: &Edit, edits: &[Edit], end: u64, patches: &[Patch]) -> Edit {
        let wide = |e: &Edit| self.widened(engine, e);
        let all = || edits.iter().filter(|e| e.replaces());
        let strict = |e: &&Edit| (e.action.leniency(), e.form == Form::None);
        let mut winner = all().min_by_key(strict).map_or(*first, wide);
        let others = edits.iter().filter(|e| e.action != Action::Report && !e.continues);
        let alone = end - first.start <= limits::OVERLAP_BYTES
            && others
                .map(wide)
                .all(|e| e.replaces() && (e.start, e.end) == (first.start, end))
            && !patches.iter().any(|p| p.start < end && p.end() > first.start);
        if winner.form == Form::None || (winner.form.is_partial() && !alone) {
            winner.form = Form::None;
            winner.action = winner.action.whole();
        }
        winner.context = first.context;
        winner
    }

    /// The edit, of the whole number where it stands in one.
    fn widened(&self, engine: &Engine, edit: &Edit) -> Edit {
        let mut edit = *edit;
        match self.number_around(engine, &edit) {
            Some(Number::Whole(from, to)) => (edit.start, edit.end, edit.context) = (from, to, Context::JsonValue),
            Some(Number::TooLong) => edit.context = Context::Digits,
            None => {}
        }
        edit
    }

    /// Writes the input up to `to` as it stands, but for the groups of base64 that are written anew. One that an edit
    /// has begun to cover goes with the edit.
    fn copy<'d>(&mut self, slice: impl Fn(u64, u64) -> &'d [u8], patches: &mut &[Patch], to: u64, out: &mut Vec<u8>) {
        while let [patch, rest @ ..] = patches
            && patch.start < to
        {
            *patches = rest;
            let mut told = out.len();
            if patch.start >= self.written {
                out.extend_from_slice(slice(self.written, patch.start));
                self.note(patch.start, None);
                told = out.len();
                out.extend_from_slice(patch.text());
                self.masking = self.kind.keep_length;
            } else if patch.end() > self.written && self.masking {
                rewrite::stars(patch.end() - self.written, out);
            }
            if patch.end() > self.written {
                self.note(patch.end(), out.get(told..));
            }
            self.written = self.written.max(patch.end());
        }
        if self.written < to {
            out.extend_from_slice(slice(self.written, to));
            self.note(to, None);
            self.written = to;
        }
    }

    /// The bare JSON number in which an edit stands: the whole of it must become a string.
    fn number_around(&self, engine: &Engine, edit: &Edit) -> Option<Number> {
        if !engine.armed.numbers || !self.kind.json || self.kind.keep_length || edit.context == Context::JsonValue {
            return None;
        }
        // While one is open nothing inside it is settled, unless it has outgrown what is held for it.
        if self.walker.open_number().is_some_and(|from| from <= edit.start) {
            return Some(Number::TooLong);
        }
        let (from, to) = *self
            .numbers
            .iter()
            .find(|(from, to)| *from <= edit.start && edit.end <= *to)?;
        let whole = to - from <= limits::NUMBER_BYTES;
        Some(if whole {
            Number::Whole(from, to)
        } else {
            Number::TooLong
        })
    }
}
