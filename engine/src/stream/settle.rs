//! Rewrite and encode: edits that nothing can overtake any more become bytes.

use super::views::Patch;
use super::{Body, Flow, byte_before};
use crate::Engine;
use crate::exchange::Exchange;
use crate::limits;
use crate::rewrite::{self, Action, Context, Edit, Source};

/// A bare JSON number with an edit inside.
enum Number {
    /// From here to there.
    Whole(u64, u64),
    /// Longer than `limits::NUMBER_BYTES`: its beginning may have left.
    TooLong,
}

impl Body {
    /// Rewrite and encode: settles the edits that begin before the boundary, and writes everything up to it.
    ///
    /// Overlaps: the earlier beginning wins, then the surer source (field rule, custom detector and pack `secrets`,
    /// pack `tokens`), then the longer, then the order of the catalogue; what a loser covers beyond the winner goes with the winner, without a label of its own.
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
            return Flow::Pass;
        }
        let base = self.base;
        let slice = |from: u64, to: u64| {
            let at = |o: u64| usize::try_from(o.saturating_sub(base)).unwrap_or(usize::MAX);
            data.get(at(from)..at(to)).unwrap_or_default()
        };
        self.written = self.written.max(base);
        self.pending.sort_by_key(|e| {
            (
                e.start,
                !e.continues,
                e.context == Context::Inside,
                engine.rank(e.source),
                std::cmp::Reverse(e.end),
                e.source,
            )
        });
        let settled = self.pending.partition_point(|e| e.start < boundary);
        let context = (self.context, self.context_len);
        let patches = std::mem::take(&mut self.patches);
        let mut patches = patches.as_slice();
        for i in 0..settled {
            let Some(mut edit) = self.pending.get(i).copied() else {
                break;
            };
            match self.number_around(engine, &edit) {
                Some(Number::Whole(from, to)) => (edit.start, edit.end, edit.context) = (from, to, Context::JsonValue),
                Some(Number::TooLong) => edit.context = Context::Digits,
                None => {}
            }
            if !edit.continues {
                self.copy(slice, &mut patches, edit.start, out);
            }
            let fresh = edit.start >= self.written && !edit.continues;
            if edit.context == Context::Inside {
                // An edit that covers it has told of it.
                if fresh {
                    exchange.found(edit.source, edit.action, edit.start, edit.end);
                }
            } else if fresh {
                let action = if self.kind.keep_length {
                    Action::Mask
                } else {
                    edit.action
                };
                let at = usize::try_from(edit.start - base).unwrap_or(0);
                let before = byte_before(data, at, &context);
                if engine.enforce {
                    rewrite::replacement(
                        action,
                        edit.context,
                        engine.id_of(edit.source),
                        edit.end - edit.start,
                        before,
                        out,
                    );
                } else {
                    out.extend_from_slice(slice(edit.start, edit.end));
                }
                self.masking = action == Action::Mask && edit.context == Context::Inline;
                if let Source::Detector(_) = edit.source {
                    exchange.found(edit.source, action, edit.start, edit.end);
                }
                self.written = edit.end;
            } else if edit.end > self.written {
                if !engine.enforce {
                    out.extend_from_slice(slice(self.written, edit.end));
                } else if self.masking {
                    rewrite::stars(edit.end - self.written, out);
                }
                self.written = edit.end;
            }
        }
        self.pending.drain(..settled);
        self.copy(slice, &mut patches, boundary, out);
        self.patches = patches.to_vec();
        Flow::Out
    }

    /// Writes the input up to `to` as it stands, but for the groups of base64 that are written anew. One that an edit
    /// has begun to cover goes with the edit.
    fn copy<'d>(&mut self, slice: impl Fn(u64, u64) -> &'d [u8], patches: &mut &[Patch], to: u64, out: &mut Vec<u8>) {
        while let [patch, rest @ ..] = patches
            && patch.start < to
        {
            *patches = rest;
            if patch.start >= self.written {
                out.extend_from_slice(slice(self.written, patch.start));
                out.extend_from_slice(patch.text());
                self.masking = self.kind.keep_length;
            } else if patch.end() > self.written && self.masking {
                rewrite::stars(patch.end() - self.written, out);
            }
            self.written = self.written.max(patch.end());
        }
        if self.written < to {
            out.extend_from_slice(slice(self.written, to));
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
