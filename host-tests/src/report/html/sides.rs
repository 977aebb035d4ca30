//! Before and after, side by side: headers row by row, the body as text around the findings, trailers.

use std::fmt::Write as _;

use super::super::mask::{escaped, masked, visible_lines};
use super::super::parts::{Part, Piece};
use super::{Page, bytes, plural, text};
use crate::capture::written;
use crate::exchange::{End, Exchange};

/// How much of the text around a finding is shown.
const CONTEXT: usize = 240;
/// A body up to this size is shown whole, one without findings up to the second.
const WHOLE: usize = 3 * 1024;
const GLANCE: usize = 600;
/// So many findings of one body are shown with their surroundings.
const SHOWN: usize = 60;
/// Shorter values are no secrets to look for elsewhere: they would be found everywhere.
const TELLING: usize = 8;

/// Fields of one connection, which no proxy passes on.
const HOP_BY_HOP: [&str; 3] = ["connection", "keep-alive", "transfer-encoding"];

/// One side of the comparison.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Before,
    After,
}

/// What must not be shown in clear, wherever it stands and however it is escaped.
struct Secrets {
    values: Vec<Vec<u8>>,
    planted: usize,
}

impl Secrets {
    fn of(exchange: &Exchange, parts: &[Part]) -> Self {
        let planted = exchange.planted.iter();
        let mut values: Vec<_> = planted.flat_map(|plant| written(&plant.value)).collect();
        let planted = values.len();
        for piece in parts.iter().flat_map(Part::findings) {
            if piece.before.len() >= TELLING && !values.iter().any(|value| value == piece.before) {
                values.push(piece.before.to_vec());
            }
        }
        Self { values, planted }
    }

    /// Where to cut a text near `at`, so that no secret is cut: half of one would not be known as one.
    fn edge(&self, text: &[u8], at: usize) -> usize {
        let crossing = self.values.iter().filter_map(|value| {
            let from = at.saturating_sub(value.len().saturating_sub(1));
            let to = (at + value.len().saturating_sub(1)).min(text.len());
            memchr::memmem::find(text.get(from..to)?, value).map(|found| from + found)
        });
        crossing.min().unwrap_or(at)
    }

    /// The first of them in a text: where, how long, and whether it was planted.
    fn first(&self, text: &[u8]) -> Option<(usize, usize, bool)> {
        let found = self.values.iter().enumerate().filter_map(|(index, value)| {
            let at = memchr::memmem::find(text, value)?;
            Some((at, value.len(), index < self.planted))
        });
        found.min_by_key(|(at, length, _)| (*at, usize::MAX - length))
    }
}

impl Page {
    /// Everything that can be compared.
    pub(super) fn sides(&mut self, parts: &[Part], exchange: &Exchange) {
        let secrets = Secrets::of(exchange, parts);
        let (body, fields): (Vec<_>, Vec<_>) = parts.iter().partition(|part| part.name.is_empty());
        let (trailers, headers): (Vec<_>, Vec<_>) = fields
            .into_iter()
            .partition(|part| part.place.starts_with("response.trailer."));
        self.fields("Headers", &headers, &secrets);
        for part in body {
            self.body(part, &secrets, exchange);
        }
        if !trailers.is_empty() {
            self.fields("Trailers", &trailers, &secrets);
        }
    }

    fn fields(&mut self, heading: &str, parts: &[&Part], secrets: &Secrets) {
        let (changed, same): (Vec<_>, Vec<_>) = parts.iter().copied().partition(|part| part.is_changed());
        let _ = writeln!(self.out, "<h3>{heading}</h3>");
        if !changed.is_empty() {
            self.columns();
            for part in &changed {
                self.put("<div class=\"pair\">");
                self.field(part, Side::Before, secrets);
                self.field(part, Side::After, secrets);
                self.put("</div>\n");
            }
        }
        if !same.is_empty() {
            let _ = write!(
                self.out,
                "<details><summary>{} unchanged</summary>\n<div class=\"same\">",
                plural(same.len(), "field")
            );
            for part in &same {
                self.field(part, Side::Before, secrets);
            }
            self.put("</div></details>\n");
        }
    }

    fn columns(&mut self) {
        self.put("<div class=\"pair heads\" aria-hidden=\"true\"><span>Before</span><span>After</span></div>\n");
    }

    fn field(&mut self, part: &Part, side: Side, secrets: &Secrets) {
        let (value, label) = match side {
            Side::Before => (part.before, "Before"),
            Side::After => (part.after, "After"),
        };
        let Some(value) = value else {
            let what = match side {
                Side::Before => "not there",
                Side::After if HOP_BY_HOP.contains(&part.name.as_str()) => "the connection's own, never passed on",
                Side::After => "taken out",
            };
            let _ = write!(
                self.out,
                "<div class=\"cell gone\"><span class=\"side\">{label}</span>{what}</div>"
            );
            return;
        };
        let _ = write!(
            self.out,
            "<div class=\"cell\"><span class=\"side\">{label}</span><code><b>{}</b>: ",
            text(&part.name)
        );
        match &part.pieces {
            Some(pieces) => {
                for piece in pieces {
                    self.piece(piece, side, secrets);
                }
            }
            None => self.plain(value, secrets),
        }
        self.put("</code></div>");
    }

    fn body(&mut self, part: &Part, secrets: &Secrets, exchange: &Exchange) {
        let (before, after) = (part.before.unwrap_or_default(), part.after.unwrap_or_default());
        self.put("<h3>Body</h3>\n");
        if before.is_empty() && after.is_empty() {
            self.put("<p class=\"note\">There is none.</p>\n");
        } else if is_binary(before) || is_binary(after) {
            let what = if before == after {
                "passed byte for byte"
            } else {
                "was changed"
            };
            let _ = writeln!(
                self.out,
                "<p class=\"note\">Binary, {}: {what}.</p>",
                bytes(before.len())
            );
        } else if before == after && part.findings().next().is_none() {
            let _ = writeln!(self.out, "<p class=\"note\">Passed byte for byte.</p>");
            self.put("<pre>");
            self.glance(before, secrets, if before.len() <= WHOLE { WHOLE } else { GLANCE });
            self.put("</pre>\n");
        } else {
            self.compared(part, before, after, secrets);
        }
        if after.len() < before.len() && exchange.response.end == End::Reset {
            self.put(
                "<p class=\"note\">The upstream reset the connection; what was held back then did not go out.</p>\n",
            );
        }
    }

    fn compared(&mut self, part: &Part, before: &[u8], after: &[u8], secrets: &Secrets) {
        self.columns();
        self.put("<div class=\"pair\">");
        for (side, label, whole) in [(Side::Before, "Before", before), (Side::After, "After", after)] {
            let _ = write!(self.out, "<div class=\"cell\"><span class=\"side\">{label}</span><pre>");
            match &part.pieces {
                Some(pieces) => self.excerpt(pieces, side, secrets, before.len() <= WHOLE),
                None => self.glance(whole, secrets, WHOLE),
            }
            self.put("</pre></div>");
        }
        self.put("</div>\n");
    }

    /// The text around the findings. Both sides elide the same stretches, so that the lines stay level.
    fn excerpt(&mut self, pieces: &[Piece], side: Side, secrets: &Secrets, whole: bool) {
        let last = pieces.len().saturating_sub(1);
        let mut shown = 0;
        for (index, piece) in pieces.iter().enumerate() {
            if piece.finding.is_some() {
                shown += 1;
                if shown > SHOWN {
                    let left = pieces
                        .iter()
                        .skip(index)
                        .filter(|piece| piece.finding.is_some())
                        .count();
                    self.elided(&format!("{} more", plural(left, "finding")));
                    return;
                }
                self.piece(piece, side, secrets);
                continue;
            }
            let text = match side {
                Side::Before => piece.before,
                Side::After => piece.after,
            };
            let head = match index {
                0 => 0,
                _ => secrets.edge(text, line_end(text, CONTEXT.min(text.len()))),
            };
            let tail = match index {
                _ if index == last => text.len(),
                _ => secrets.edge(text, line_start(text, text.len().saturating_sub(CONTEXT))),
            };
            if whole || tail <= head {
                self.plain(text, secrets);
            } else {
                self.plain(text.get(..head).unwrap_or_default(), secrets);
                self.elided(&bytes(tail - head));
                self.plain(text.get(tail..).unwrap_or_default(), secrets);
            }
        }
    }

    fn glance(&mut self, text: &[u8], secrets: &Secrets, most: usize) {
        let end = secrets.edge(text, line_end(text, most.min(text.len())));
        self.plain(text.get(..end).unwrap_or_default(), secrets);
        if end < text.len() {
            self.elided(&bytes(text.len() - end));
        }
    }

    fn elided(&mut self, what: &str) {
        let _ = write!(self.out, "<span class=\"elided\">… {} …</span>", text(what));
    }

    fn piece(&mut self, piece: &Piece, side: Side, secrets: &Secrets) {
        let text = match side {
            Side::Before => piece.before,
            Side::After => piece.after,
        };
        let Some(finding) = piece.finding else {
            return self.plain(text, secrets);
        };
        if side == Side::After && !piece.sent {
            return self.put("<mark class=\"gone\">reset before this</mark>");
        }
        let kept = side == Side::After && piece.after == piece.before;
        let (class, shown) = match side {
            Side::After if !kept => ("put", visible_lines(text)),
            _ if self.show_secrets => ("cut", visible_lines(text)),
            _ => ("cut", masked(text)),
        };
        let shown = if shown.is_empty() { "∅".to_owned() } else { shown };
        let _ = write!(
            self.out,
            "<mark class=\"{class}\" title=\"{}\">{}</mark>",
            escaped(&finding.detector),
            escaped(&shown)
        );
    }

    /// Text in which nothing was found: a secret in it all the same is masked, and marked.
    fn plain(&mut self, mut text: &[u8], secrets: &Secrets) {
        while let Some((at, length, planted)) = secrets.first(text) {
            let (clear, rest) = text.split_at(at);
            let (secret, rest) = rest.split_at(length);
            self.clear(clear);
            let (class, title) = if planted {
                ("missed", "planted, not found")
            } else {
                ("cut", "found elsewhere")
            };
            let shown = if self.show_secrets {
                visible_lines(secret)
            } else {
                masked(secret)
            };
            let _ = write!(
                self.out,
                "<mark class=\"{class}\" title=\"{title}\">{}</mark>",
                escaped(&shown)
            );
            text = rest;
        }
        self.clear(text);
    }

    fn clear(&mut self, text: &[u8]) {
        self.put(escaped(&visible_lines(text)));
    }
}

/// Text has no NUL and is UTF-8 but for its last character, which a reset may have cut.
fn is_binary(body: &[u8]) -> bool {
    let broken = std::str::from_utf8(body)
        .err()
        .is_some_and(|why| why.error_len().is_some());
    broken || body.contains(&0)
}

/// Where to stop showing text: at `at`, or after the last line that ends shortly before it.
fn line_end(text: &[u8], at: usize) -> usize {
    let from = at.saturating_sub(CONTEXT / 2);
    match text.get(from..at).and_then(|text| memchr::memrchr(b'\n', text)) {
        Some(found) if at < text.len() => from + found + 1,
        _ => boundary(text, at),
    }
}

/// Where to begin showing text: at `at`, or at the first line that begins shortly after it.
fn line_start(text: &[u8], at: usize) -> usize {
    let to = (at + CONTEXT / 2).min(text.len());
    match text.get(at..to).and_then(|text| memchr::memchr(b'\n', text)) {
        Some(found) if at > 0 => at + found + 1,
        _ => boundary(text, at),
    }
}

/// The nearest position at or before `at` that does not cut a character of UTF-8.
fn boundary(text: &[u8], at: usize) -> usize {
    let cuts = |at: &usize| text.get(*at).is_some_and(|byte| byte & 0xc0 == 0x80);
    (at.saturating_sub(3)..=at).rev().find(|at| !cuts(at)).unwrap_or(at)
}
