//! Exact secrets: what the set of fingerprints knows is looked for at every place, with or without a border of words around it.
//!
//! The gates of a form stand some bytes behind its beginning, so that the end of what is there is held back as far as it could
//! belong to one; a form whose first bytes have been seen is held until all of it is there.

use keepmum_known::{End, Here, Table};

use super::{Body, Workspace};
use crate::Engine;
use crate::exchange::Exchange;
use crate::limits;
use crate::rewrite::{Context, Edit, Form, Source};

/// How far a body has been searched, and what is open in it.
#[derive(Clone, Debug, Default)]
pub(super) struct Exact {
    /// Gates before this offset have been looked for.
    searched: u64,
    /// Forms that have begun, and not ended.
    open: Vec<(u64, u32)>,
}

impl Exact {
    pub(super) fn memory(&self) -> usize {
        self.open.capacity() * size_of::<(u64, u32)>()
    }
}

impl Body {
    /// Detect, by fingerprints. Returns where one could be beginning.
    pub(super) fn exact(
        &mut self,
        engine: &Engine,
        work: &Workspace,
        exchange: &mut Exchange,
        data: &[u8],
        last: bool,
    ) -> u64 {
        let end = self.base + data.len() as u64;
        let Some(action) = engine.known_action() else {
            return end;
        };
        let Some(table) = exchange.table(work) else {
            return end;
        };
        let at = |offset: u64| usize::try_from(offset.saturating_sub(self.base)).unwrap_or(usize::MAX);
        let mut found: Vec<(usize, usize, u32)> = Vec::new();
        let mut held = data.len();
        let mut open = std::mem::take(&mut self.exact.open);
        open.retain(
            |(start, form)| match table.end(*form, data.get(at(*start)..).unwrap_or_default()) {
                End::At(len) => {
                    found.push((at(*start), len, *form));
                    false
                }
                End::None => false,
                End::Open => {
                    held = held.min(at(*start));
                    !last
                }
            },
        );
        let from = at(self.exact.searched).min(data.len());
        let to = if last {
            data.len()
        } else {
            data.len().saturating_sub(Table::AHEAD - 1).max(from)
        };
        let mut undecided = None;
        table.search(data, from, to, &mut |place, Here { start, form, sure }| {
            if !sure {
                // Not all of its first bytes are there.
                undecided = (!last).then_some((place, start));
                return last;
            }
            match table.end(form, data.get(start..).unwrap_or_default()) {
                End::At(len) => found.push((start, len, form)),
                End::Open if !last && open.len() < limits::OPEN_FORMS => {
                    held = held.min(start);
                    let here = (self.base + start as u64, form);
                    if !open.contains(&here) {
                        open.push(here);
                    }
                }
                End::Open | End::None => {}
            }
            true
        });
        self.exact.open = open;
        self.exact.searched = self.base + undecided.map_or(to, |(place, _)| place) as u64;
        if last {
            held = data.len();
        } else {
            let (known, more) = undecided.map_or((data.len(), Table::AHEAD - 1), |(place, _)| (place, 0));
            let begins = table.begins(data.get(..known).unwrap_or_default(), table.reach() + more);
            held = held.min(known - begins);
            held = undecided.map_or(held, |(_, start)| held.min(start));
        }
        for (start, len, form) in found {
            let Some(kind) = exchange.known(&table, form, self.base + start as u64) else {
                continue;
            };
            let (action, form) = self.treat(action, Form::None);
            self.pending.push(Edit {
                start: self.base + start as u64,
                end: self.base + (start + len) as u64,
                source: Source::Known(kind),
                action,
                form,
                percent: 0,
                context: Context::Inline,
                continues: false,
            });
        }
        self.base + held as u64
    }
}
