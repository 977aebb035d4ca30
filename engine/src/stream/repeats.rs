//! Values found before are found again, wherever they come in the exchange, with or without what announced them.

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
            let mut from = usize::try_from(searched.saturating_sub(self.base)).unwrap_or(0);
            let mut open_at = None;
            while let Some(hit) = data.get(from..).and_then(|d| memchr::memmem::find(d, &r.value)) {
                let (start, stop) = (from + hit, from + hit + r.value.len());
                if stop == data.len() && !last {
                    // Whether it ends here is told by the next byte.
                    open_at = Some(start);
                    break;
                }
                let border = |b: Option<u8>| !b.is_some_and(is_word);
                if border(byte_before(data, start, &context))
                    && border(data.get(stop).copied())
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
                    from = stop;
                } else {
                    from = start + 1;
                }
            }
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
