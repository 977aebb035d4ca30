//! The pipeline over one body, in order: Chunk → decode → Text → detect → Candidate → decide → Verdict → rewrite →
//! Edit → encode → bytes.
//!
//! The contract: the output does not depend on how the body was cut; a byte leaves as soon as nothing that begins at
//! or before it can still match; memory is bounded; an untouched body leaves as it came, without a copy. Each
//! decision is therefore made at an input offset that the text alone determines, never at the end of a chunk.

use std::sync::Arc;

use keepmum_known::Table;

use crate::Engine;
use crate::decode::base64::Long;
use crate::decode::pointer::Pointers;
use crate::decode::zones::{Rules, Zones};
use crate::decode::{json, pairs};
use crate::detect::anchors::Hit;
use crate::detect::lane::{Scratch, Start};
use crate::detect::track::Track;
use crate::exchange::Exchange;
use crate::known::Armed;
use crate::limits;
use crate::rewrite::{Action, Edit, Form, Source};

mod before;
mod candidates;
mod events;
mod exact;
mod fields;
mod parts;
mod pointers;
mod repeats;
mod settle;
mod socket;
mod views;
mod whole;
mod wide;

pub(crate) use before::byte_before;
pub use events::Framing;

/// Working memory that all streams of one thread share.
#[derive(Clone, Debug, Default)]
pub struct Workspace {
    scratch: Scratch,
    hits: Vec<Hit>,
    starts: Vec<(u16, Start)>,
    batch: Vec<Start>,
    events: Vec<json::Event>,
    long: Long,
    known: Armed,
}

impl Workspace {
    /// From now on, exact secrets are looked for by this set.
    pub fn know(&mut self, table: Option<Arc<Table>>) {
        self.known = Armed(table);
    }

    /// The set.
    pub fn known(&self) -> Option<&Arc<Table>> {
        self.known.0.as_ref()
    }
}

/// What is known of a body before its first byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BodyKind {
    /// It is JSON as a whole: field values that are objects or arrays can be replaced, and bare numbers quoted.
    pub json: bool,
    /// Its length must not change (a part of a range, a gRPC message): every action becomes a mask.
    pub keep_length: bool,
}

/// What became of a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// It leaves exactly as it came; nothing was written to `out`.
    Pass,
    /// What leaves was appended to `out` (which may be nothing at all).
    Out,
}

/// A value to remember, with the offset at which that was known.
struct Learned {
    at: u64,
    from: u64,
    value: Vec<u8>,
    source: Source,
    action: Action,
    form: Form,
}

/// A body on its way. Offsets are offsets into the whole INPUT.
#[derive(Clone, Debug, Default)]
pub struct Body {
    kind: BodyKind,
    /// Whether it is a file of secrets as a whole.
    whole: whole::Whole,
    form: wide::Form,
    /// Input from `base` on that was not released yet.
    held: Vec<u8>,
    base: u64,
    /// The last bytes before `base`.
    context: [u8; CONTEXT],
    context_len: usize,
    /// An odd number of backslashes stands right before `base`.
    odd_slashes: bool,
    /// Candidates that begin before this offset have been seen.
    scanned: u64,
    /// Anchors that begin before this offset have been seen; it differs from `scanned` only where candidates begin before
    /// their anchors.
    known: u64,
    /// Candidates that begin between `scanned` and `known`.
    waiting: Vec<(u16, Start)>,
    /// Detectors with a candidate under way.
    tracks: Vec<Track>,
    pending: Vec<Edit>,
    /// Input before this was written or dropped.
    written: u64,
    /// What lies before `written` was masked, and so is what continues it.
    masking: bool,
    /// What lies before this and is only to be reported has been.
    reported: u64,
    walker: json::Walker,
    /// In its place, where it is no JSON but pairs of names and values.
    pairs: Option<pairs::Walker>,
    /// How far it has come.
    walked: u64,
    /// Which parts of it are fields whose values may stay, if the policy names such.
    zones: Option<Box<Zones>>,
    /// Its lines are events, or documents by themselves.
    lines: bool,
    /// Items of `allow` that name a field of which this text is the value, or a part.
    inside: Rules,
    field: Option<(u64, u16, json::Shape)>,
    /// Where it stands in the document, if pointers are told.
    pointers: Option<Box<Pointers>>,
    /// All of it is held back until its end is known.
    field_waits: bool,
    /// Bare JSON numbers in what is held.
    numbers: Vec<(u64, u64)>,
    /// For each remembered value, where the search goes on.
    searched: Vec<u64>,
    /// How many runs of base64 it stands in.
    depth: u8,
    /// How far runs of base64 have been looked for, and the one that is under way there.
    viewed: u64,
    view: Option<Box<views::Run>>,
    exact: exact::Exact,
    /// Groups of base64 to be written anew, in order.
    patches: Vec<views::Patch>,
    /// What became of which stretch, where somebody asks (see `stream/events`).
    made: Option<Vec<events::Made>>,
}

/// What may leave: in mode `report` the input as it came.
fn kept(engine: &Engine, flow: Flow, before: usize, out: &mut Vec<u8>) -> Flow {
    if engine.enforce {
        return flow;
    }
    out.truncate(before);
    Flow::Pass
}

/// Bytes kept of what has left, to see what stands before a candidate.
const CONTEXT: usize = 16;

impl Body {
    /// A body of which nothing has been seen.
    pub fn new(kind: BodyKind) -> Body {
        Body {
            kind,
            ..Body::default()
        }
    }

    /// A form (`a=b&c=d`): field rules look at its names.
    pub fn of_form() -> Body {
        Body::of_pairs(pairs::Kind::Form, BodyKind::default())
    }

    /// A body that is read as its content type says: JSON, a form, the parts of a multipart body, or text.
    pub fn of_type(content_type: &[u8], keep_length: bool) -> Body {
        Body::of_type_in(content_type, keep_length, 0)
    }

    pub(crate) fn of_pairs(kind: pairs::Kind, body: BodyKind) -> Body {
        Body {
            pairs: Some(pairs::Walker::new(kind)),
            ..Body::of_bytes(body)
        }
    }

    /// All of it is the value of fields that these items of `allow` name.
    pub(crate) fn is_inside(&mut self, rules: Rules) {
        self.inside = rules;
    }

    /// Bytes of input that are held back.
    pub fn held(&self) -> usize {
        self.held.len() + self.form.held() + self.whole.held()
    }

    /// All memory that this body holds between two chunks.
    pub fn memory(&self) -> usize {
        size_of::<Body>()
            + self.held.capacity()
            + self.whole.memory()
            + self.tracks.iter().map(Track::bytes).sum::<usize>()
            + self.exact.memory()
            + self.pending.capacity() * size_of::<Edit>()
            + self.numbers.capacity() * 16
            + self.searched.capacity() * 8
            + self.waiting.capacity() * size_of::<(u16, Start)>()
            + self.walker.bytes()
            + self.pairs.as_ref().map_or(0, pairs::Walker::bytes)
            + self.zones.as_deref().map_or(0, Zones::bytes)
            + self.pointers.as_deref().map_or(0, Pointers::bytes)
            + self.form.memory()
            + self.view.as_deref().map_or(0, views::Run::bytes)
            + self.patches.capacity() * size_of::<views::Patch>()
    }

    /// Takes the next chunk. What can leave is either the chunk as it is, or appended to `out`. Once the exchange is
    /// blocked (`Exchange::blocked`) nothing leaves.
    ///
    /// In mode `report` all is done as in `enforce`, so that both find the same, and what comes of it is dropped: every
    /// chunk passes.
    pub fn push(
        &mut self,
        engine: &Engine,
        work: &mut Workspace,
        exchange: &mut Exchange,
        chunk: &[u8],
        out: &mut Vec<u8>,
    ) -> Flow {
        let before = out.len();
        let flow = self.push_whole(engine, work, exchange, chunk, out);
        kept(engine, flow, before, out)
    }

    /// The body has ended: what was held is settled and appended to `out`.
    pub fn finish(
        &mut self,
        engine: &Engine,
        work: &mut Workspace,
        exchange: &mut Exchange,
        out: &mut Vec<u8>,
    ) -> Flow {
        let before = out.len();
        let flow = self.finish_whole(engine, work, exchange, out);
        kept(engine, flow, before, out)
    }

    /// The next chunk, whatever the mode.
    fn enforced(
        &mut self,
        engine: &Engine,
        work: &mut Workspace,
        exchange: &mut Exchange,
        chunk: &[u8],
        out: &mut Vec<u8>,
    ) -> Flow {
        let mut passed = 0;
        let mut copied = false;
        for block in chunk.chunks(limits::BLOCK_BYTES) {
            if exchange.over() {
                copied = true;
                break;
            }
            let before = out.len();
            let flow = match self.form {
                wide::Form::Bytes => self.block(engine, work, exchange, block, false, out),
                _ => self.block_by_form(engine, work, exchange, block, out),
            };
            match flow {
                Flow::Pass if !copied => passed += block.len(),
                Flow::Pass => out.extend_from_slice(block),
                Flow::Out => {
                    if !copied && passed > 0 {
                        let tail = out.split_off(before);
                        out.extend_from_slice(chunk.get(..passed).unwrap_or_default());
                        out.extend_from_slice(&tail);
                    }
                    copied = true;
                }
            }
        }
        if copied { Flow::Out } else { Flow::Pass }
    }

    /// The end, whatever the mode.
    fn end_enforced(
        &mut self,
        engine: &Engine,
        work: &mut Workspace,
        exchange: &mut Exchange,
        out: &mut Vec<u8>,
    ) -> Flow {
        if exchange.over() {
            return Flow::Out;
        }
        if !matches!(self.form, wide::Form::Bytes) {
            return self.finish_by_form(engine, work, exchange, out);
        }
        let idle = self.tracks.is_empty() && self.pending.is_empty() && self.field.is_none() && self.view.is_none();
        if self.held.is_empty() && idle {
            return Flow::Pass;
        }
        self.block(engine, work, exchange, &[], true, out)
    }

    /// One step of the pipeline over what is held and one block more.
    fn block(
        &mut self,
        engine: &Engine,
        work: &mut Workspace,
        exchange: &mut Exchange,
        new: &[u8],
        last: bool,
        out: &mut Vec<u8>,
    ) -> Flow {
        let direct = self.held.is_empty();
        let mut held = std::mem::take(&mut self.held);
        if !direct {
            held.extend_from_slice(new);
        }
        let data: &[u8] = if direct { new } else { &held };
        let end = self.base + data.len() as u64;
        let mut learned = Vec::new();
        let points = engine.audit.pointers && self.kind.json && self.depth == 0;
        exchange.point(points);

        // Everything below looks at the text up to `decided` and no further.
        let decided = self.detect(engine, work, exchange, data, last, &mut learned);
        self.fields(engine, work, exchange, (data, decided, last), &mut learned);
        learned.sort_by_key(|l| (l.at, l.from, l.action.leniency()));
        let views = self.views(engine, work, exchange, (data, decided, last), &mut learned);
        self.remember(exchange, &mut learned, u64::MAX);
        let repeats = self
            .repeats(exchange, data, last)
            .min(self.exact(engine, work, exchange, data, last));
        let boundary = self.boundary(engine, decided.min(repeats).min(views.unwrap_or(end)), end, last);
        self.sort(engine);
        let boundary = if last {
            end
        } else {
            self.before_open_overlap(engine, boundary)
        };
        let flow = self.encode(engine, exchange, data, boundary, direct, out);
        if points {
            self.point(engine, work, exchange, (data, boundary));
        }

        if exchange.over() {
            *self = Body {
                whole: whole::Whole::Text,
                form: std::mem::take(&mut self.form),
                ..Body::new(self.kind)
            };
            return Flow::Out;
        }
        self.note_context(data, boundary);
        let keep = usize::try_from(boundary - self.base).unwrap_or(0);
        if direct {
            held.extend_from_slice(new.get(keep..).unwrap_or_default());
        } else {
            held.drain(..keep.min(held.len()));
            if held.len() < 1024 && held.capacity() > 4 * 1024 {
                // A byte or two that could begin an anchor must not keep a whole block's memory.
                held = held.to_vec();
            }
        }
        self.held = held;
        self.base = boundary;
        if let Some(zones) = &mut self.zones {
            // Neither candidates nor runs of base64 begin before this any more.
            let open = self.tracks.iter().filter_map(Track::holds_from).min();
            let runs = if engine.decode.base64 { self.viewed } else { u64::MAX };
            zones.forget(open.unwrap_or(u64::MAX).min(self.scanned).min(runs));
        }
        self.numbers.retain(|(_, e)| *e > boundary);
        if self.numbers.capacity() > 64 {
            self.numbers.shrink_to(self.numbers.len());
        }
        if self.pending.capacity() > 64 {
            self.pending.shrink_to(self.pending.len());
        }
        flow
    }

    /// The offset before which everything is settled.
    fn boundary(&self, engine: &Engine, decided: u64, end: u64, last: bool) -> u64 {
        if last {
            return end;
        }
        let runs = self.tracks.iter().filter_map(Track::holds_from).min().unwrap_or(end);
        let mut boundary = decided.min(runs);
        if let Some((from, ..)) = self.field.filter(|_| self.field_waits) {
            boundary = boundary.min(from);
        }
        if engine.armed.numbers && self.kind.json {
            // A number is replaced whole, so that its beginning must still be here when its end is known.
            let open = self.walker.open_number().map(|from| (from, decided));
            for (from, to) in open.into_iter().chain(self.numbers.iter().copied()) {
                if from < boundary && boundary <= to && to - from <= limits::NUMBER_BYTES {
                    boundary = from;
                }
            }
        }
        boundary.max(self.base)
    }

    /// A value was found: from now on it goes wherever it stands, as text and in the spelling that it had here.
    fn learn(
        &self,
        learned: &mut Vec<Learned>,
        (at, from): (u64, u64),
        raw: &[u8],
        text: &[u8],
        (source, action, form): (Source, Action, Form),
    ) {
        if action == Action::Report {
            return;
        }
        learned.push(Learned {
            at,
            from,
            value: text.to_vec(),
            source,
            action,
            form,
        });
        if raw != text {
            learned.push(Learned {
                at,
                from,
                value: raw.to_vec(),
                source,
                action,
                form,
            });
        }
    }

    /// Puts what was learned up to an offset into the exchange.
    fn remember(&mut self, exchange: &mut Exchange, learned: &mut Vec<Learned>, to: u64) {
        let until = learned.partition_point(|l| l.at <= to);
        for l in learned.drain(..until) {
            if let Some(i) = exchange.remember(&l.value, l.source, l.action, l.form) {
                self.searched.resize(i, self.base);
                self.searched.push(l.from);
            }
        }
    }

    fn note_context(&mut self, data: &[u8], boundary: u64) {
        let released = data
            .get(..usize::try_from(boundary - self.base).unwrap_or(0))
            .unwrap_or_default();
        let slashes = released.iter().rev().take_while(|b| **b == b'\\').count();
        let before = slashes == released.len() && self.odd_slashes;
        self.odd_slashes = (slashes + usize::from(before)) % 2 == 1;
        if let Some(last) = released.last_chunk::<CONTEXT>() {
            (self.context, self.context_len) = (*last, CONTEXT);
            return;
        }
        for &b in released {
            self.context.rotate_left(1);
            self.context[CONTEXT - 1] = b;
            self.context_len = (self.context_len + 1).min(CONTEXT);
        }
    }
}
