//! The pipeline over one body, in order: Chunk → decode → Text → detect → Candidate → decide → Verdict → rewrite →
//! Edit → encode → bytes.
//!
//! The contract: the output does not depend on how the body was cut; a byte leaves as soon as nothing that begins at
//! or before it can still match; memory is bounded; an untouched body leaves as it came, without a copy. Each
//! decision is therefore made at an input offset that the text alone determines, never at the end of a chunk.

use crate::decide::validate;
use crate::decode::{escape, json};
use crate::detect::anchors::Hit;
use crate::detect::lane::{Event, Lane, Match, Scratch, Start};
use crate::exchange::Exchange;
use crate::limits;
use crate::rewrite::{self, Action, Context, Edit, Source};
use crate::{Engine, detect::program::Program};

/// Working memory that all streams of one thread share.
#[derive(Clone, Debug, Default)]
pub struct Workspace {
    scratch: Scratch,
    hits: Vec<Hit>,
    starts: Vec<(u16, Start)>,
    batch: Vec<Start>,
    events: Vec<json::Event>,
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
}

/// A body on its way. Offsets are offsets into the whole INPUT.
#[derive(Clone, Debug, Default)]
pub struct Body {
    kind: BodyKind,
    /// Input from `base` on that was not released yet.
    held: Vec<u8>,
    base: u64,
    /// The last bytes before `base`.
    context: [u8; CONTEXT],
    context_len: usize,
    /// Anchors that begin before this offset have been seen.
    scanned: u64,
    /// Detectors with a candidate under way.
    lanes: Vec<Lane>,
    pending: Vec<Edit>,
    /// Input before this was written or dropped.
    written: u64,
    /// What lies before `written` was masked, and so is what continues it.
    masking: bool,
    walker: json::Walker,
    field: Option<(u64, u16, json::Shape)>,
    /// Bare JSON numbers in what is held.
    numbers: Vec<(u64, u64)>,
    /// For each remembered value, where the search goes on.
    searched: Vec<u64>,
}

/// A bare JSON number with an edit inside.
enum Number {
    /// From here to there.
    Whole(u64, u64),
    /// Longer than `limits::NUMBER_BYTES`: its beginning may have left.
    TooLong,
}

const CONTEXT: usize = 8;

impl Body {
    /// A body of which nothing has been seen.
    pub fn new(kind: BodyKind) -> Body {
        Body {
            kind,
            ..Body::default()
        }
    }

    /// Bytes of input that are held back.
    pub fn held(&self) -> usize {
        self.held.len()
    }

    /// All memory that this body holds between two chunks.
    pub fn memory(&self) -> usize {
        size_of::<Body>()
            + self.held.capacity()
            + self.lanes.iter().map(Lane::bytes).sum::<usize>()
            + self.pending.capacity() * size_of::<Edit>()
            + self.numbers.capacity() * 16
    }

    /// Takes the next chunk. What can leave is either the chunk as it is, or appended to `out`.
    pub fn push(
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
            let before = out.len();
            match self.block(engine, work, exchange, block, false, out) {
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

    /// The body has ended: what was held is settled and appended to `out`.
    pub fn finish(
        &mut self,
        engine: &Engine,
        work: &mut Workspace,
        exchange: &mut Exchange,
        out: &mut Vec<u8>,
    ) -> Flow {
        if self.held.is_empty() && self.lanes.is_empty() && self.pending.is_empty() && self.field.is_none() {
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

        self.fields(engine, work, new, end, &mut learned, exchange);
        let decided = self.detect(engine, work, exchange, data, last, &mut learned);
        learned.sort_by_key(|l| (l.at, l.from));
        for l in learned.drain(..) {
            if let Some(i) = exchange.remember(&l.value, l.source, l.action) {
                self.searched.resize(i, self.base);
                self.searched.push(l.from);
            }
        }
        let repeats = self.repeats(engine, exchange, data, last);
        let boundary = self.boundary(engine, decided.min(repeats), end, last);
        let flow = self.encode(engine, exchange, data, boundary, direct, out);

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
        self.numbers.retain(|(_, e)| *e > boundary);
        flow
    }

    /// Decode: the JSON walk, where field rules or numbers ask for one.
    fn fields(
        &mut self,
        engine: &Engine,
        work: &mut Workspace,
        new: &[u8],
        end: u64,
        learned: &mut Vec<Learned>,
        exchange: &mut Exchange,
    ) {
        let rules = !engine.fields.is_empty() && !self.kind.keep_length;
        if !rules && !(engine.numbers && self.kind.json) {
            return;
        }
        let from = end - new.len() as u64;
        let rule = |key: &[u8]| {
            if rules {
                engine.field_names.get(&key.to_ascii_lowercase()).copied()
            } else {
                None
            }
        };
        work.events.clear();
        self.walker
            .walk(new, from, self.kind.json, rule, &mut work.events, &mut self.numbers);
        let mut covered = from;
        for event in work.events.drain(..) {
            match event {
                json::Event::Begin { at, rule, shape } => {
                    self.field = Some((at, rule, shape));
                    // It begins with its first byte, so that there is one.
                    self.field_edit(engine, at, at + 1, rule, shape, false);
                    covered = at + 1;
                }
                json::Event::End { at, value } => {
                    let Some((start, rule, shape)) = self.field.take() else {
                        continue;
                    };
                    self.field_edit(engine, covered, at, rule, shape, true);
                    let source = Source::Field(rule);
                    let action = engine.fields.get(usize::from(rule)).map_or(Action::Label, |f| f.action);
                    let text = value.as_deref().map(escape::text_of);
                    let redacted = start == at || text.as_deref().is_some_and(validate::already_redacted);
                    if !redacted {
                        exchange.found(source, action, start, at);
                        if let Some(text) = text {
                            learned.push(Learned {
                                at,
                                from: at,
                                value: text.into_owned(),
                                source,
                                action,
                            });
                        }
                    }
                    covered = at;
                }
            }
        }
        if let (Some((_, rule, shape)), true) = (self.field, self.walker.inside_field()) {
            self.field_edit(engine, covered, end, rule, shape, true);
        }
    }

    fn field_edit(&mut self, engine: &Engine, start: u64, end: u64, rule: u16, shape: json::Shape, continues: bool) {
        if !engine.enforce {
            return;
        }
        let action = engine.fields.get(usize::from(rule)).map_or(Action::Label, |f| f.action);
        let context = if shape == json::Shape::Text {
            Context::Inline
        } else {
            Context::JsonValue
        };
        self.pending.push(Edit {
            start,
            end,
            source: Source::Field(rule),
            action,
            context,
            continues,
        });
    }

    /// Detect: anchors in one pass, then every detector that has a candidate. Returns the offset up to which all
    /// beginnings are known.
    fn detect(
        &mut self,
        engine: &Engine,
        work: &mut Workspace,
        exchange: &mut Exchange,
        data: &[u8],
        last: bool,
        learned: &mut Vec<Learned>,
    ) -> u64 {
        let base = self.base;
        let from = usize::try_from(self.scanned.saturating_sub(base))
            .unwrap_or(0)
            .min(data.len());
        let context = (self.context, self.context_len);
        let before = |i: usize| byte_before(data, i, &context);
        let decided = if last {
            data.len()
        } else {
            engine.anchors.undecided(data, from, before)
        };
        engine.anchors.scan(data, from, decided, &mut work.hits);
        work.starts.clear();
        for &(at, anchor) in &work.hits {
            let Some(anchor) = engine.anchors.get(anchor) else {
                continue;
            };
            let first = anchor.bytes.first().copied().unwrap_or(0);
            let start = Start {
                at: base + at as u64,
                before: before(at),
                first,
            };
            work.starts.extend(anchor.detectors.iter().map(|d| (*d, start)));
        }
        self.scanned = base + decided as u64;
        if work.starts.is_empty() && self.lanes.is_empty() {
            return self.scanned;
        }
        work.starts.sort_by_key(|(d, s)| (*d, s.at));
        work.starts.dedup_by_key(|(d, s)| (*d, s.at));
        let mut lanes = std::mem::take(&mut self.lanes);
        let mut batch = std::mem::take(&mut work.batch);
        for (detector, _) in &work.starts {
            if !lanes.iter().any(|l| l.detector == *detector) {
                lanes.push(Lane::new(*detector));
            }
        }
        for lane in &mut lanes {
            batch.clear();
            let low = work.starts.partition_point(|(d, _)| *d < lane.detector);
            let mine = work.starts.get(low..).unwrap_or_default();
            batch.extend(mine.iter().take_while(|(d, _)| *d == lane.detector).map(|(_, s)| *s));
            self.advance(
                engine,
                &mut work.scratch,
                exchange,
                (data, last),
                (lane, &batch),
                learned,
            );
        }
        lanes.retain(|l| !l.is_idle());
        work.batch = batch;
        self.lanes = lanes;
        self.scanned
    }

    /// Takes one detector's candidates as far as all beginnings are known.
    fn advance(
        &mut self,
        engine: &Engine,
        scratch: &mut Scratch,
        exchange: &mut Exchange,
        (data, last): (&[u8], bool),
        (lane, mut starts): (&mut Lane, &[Start]),
        learned: &mut Vec<Learned>,
    ) {
        let Some(detector) = engine.detectors.get(usize::from(lane.detector)) else {
            return;
        };
        let program: &Program = &detector.program;
        let mut finished = !last;
        loop {
            let event = lane.advance((data, self.base, self.scanned), &mut starts, program, scratch);
            while let Some(grown) = lane.grown() {
                self.edit(engine, lane.detector, grown, true);
            }
            match event {
                Some(Event::Closed(m)) => match m.committed {
                    Some(from) if from < m.secret.1 => self.edit(engine, lane.detector, (from, m.secret.1), true),
                    Some(_) => {}
                    None => _ = self.verdict(engine, exchange, data, (lane.detector, lane.pos(), m), program, learned),
                },
                Some(Event::TooLong(m)) => {
                    if self.verdict(engine, exchange, data, (lane.detector, lane.pos(), m), program, learned) {
                        lane.commit(m.start);
                    } else {
                        lane.drop_start(m.start);
                    }
                }
                Some(Event::GivenUp) => exchange.given_up += 1,
                None if finished => return,
                None => {
                    lane.finish((data, self.base), program, scratch);
                    finished = true;
                }
            }
        }
    }

    /// Decide: what a candidate that came to its end is worth.
    fn verdict(
        &mut self,
        engine: &Engine,
        exchange: &mut Exchange,
        data: &[u8],
        (detector, now, m): (u16, u64, Match),
        program: &Program,
        learned: &mut Vec<Learned>,
    ) -> bool {
        let at = |o: u64| usize::try_from(o.saturating_sub(self.base)).unwrap_or(usize::MAX);
        let Some(raw) = data.get(at(m.secret.0)..at(m.secret.1)) else {
            return false;
        };
        let value = escape::text_of(raw);
        let front = data.get(..at(m.secret.0)).unwrap_or_default();
        if value.is_empty() || validate::inside_label(front, &value) || !engine.judge(detector, &value) {
            return false;
        }
        let source = Source::Detector(detector);
        if program.has_secret_group {
            let value = value.into_owned();
            learned.push(Learned {
                at: now,
                from: m.secret.1,
                value,
                source,
                action: engine.action,
            });
        }
        self.edit(engine, detector, m.secret, false);
        if !engine.enforce {
            exchange.found(source, engine.action, m.secret.0, m.secret.1);
        }
        true
    }

    fn edit(&mut self, engine: &Engine, detector: u16, (start, end): (u64, u64), continues: bool) {
        if !engine.enforce {
            return;
        }
        let source = Source::Detector(detector);
        self.pending.push(Edit {
            start,
            end,
            source,
            action: engine.action,
            context: Context::Inline,
            continues,
        });
    }

    /// Detect, over again: values that were found before, wherever they stand. Returns where one could be beginning.
    fn repeats(&mut self, engine: &Engine, exchange: &Exchange, data: &[u8], last: bool) -> u64 {
        let end = self.base + data.len() as u64;
        let mut open = end;
        if !engine.enforce {
            return end;
        }
        self.searched.resize(exchange.remembered.len(), self.base);
        for (r, searched) in exchange.remembered.iter().zip(&mut self.searched) {
            let mut from = usize::try_from(searched.saturating_sub(self.base)).unwrap_or(0);
            while let Some(hit) = data.get(from..).and_then(|d| memchr::memmem::find(d, &r.value)) {
                let start = self.base + (from + hit) as u64;
                let stop = start + r.value.len() as u64;
                self.pending.push(Edit {
                    start,
                    end: stop,
                    source: r.source,
                    action: r.action,
                    context: Context::Inline,
                    continues: false,
                });
                from += hit + r.value.len();
            }
            let tail = data.get(from..).unwrap_or_default();
            let low = tail.len().saturating_sub(r.value.len() - 1);
            let partial = (low..tail.len()).find(|i| tail.get(*i..).is_some_and(|t| r.value.starts_with(t)));
            let next = self.base + (from + partial.unwrap_or(tail.len())) as u64;
            *searched = next.max(*searched);
            if !last {
                open = open.min(next.max(*searched));
            }
        }
        open
    }

    /// The offset before which everything is settled.
    fn boundary(&self, engine: &Engine, decided: u64, end: u64, last: bool) -> u64 {
        if last {
            return end;
        }
        let runs = self.lanes.iter().filter_map(Lane::holds_from).min().unwrap_or(end);
        let number = self
            .walker
            .open_number()
            .filter(|from| engine.numbers && self.kind.json && end - from <= limits::NUMBER_BYTES);
        decided.min(runs).min(number.unwrap_or(end)).max(self.base)
    }

    /// Rewrite and encode: settles the edits that begin before the boundary, and writes everything up to it.
    ///
    /// Overlaps: the earlier beginning wins, then the surer source (field rule, custom detector and pack `secrets`,
    /// pack `tokens`), then the longer, then the order of the catalogue; what a loser covers beyond the winner goes with the winner, without a label of its own.
    fn encode(
        &mut self,
        engine: &Engine,
        exchange: &mut Exchange,
        data: &[u8],
        boundary: u64,
        direct: bool,
        out: &mut Vec<u8>,
    ) -> Flow {
        if self.pending.is_empty() && direct && self.written <= self.base && boundary == self.base + data.len() as u64 {
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
                e.continues,
                engine.rank(e.source),
                std::cmp::Reverse(e.end),
                e.source,
            )
        });
        let settled = self.pending.partition_point(|e| e.start < boundary);
        let context = (self.context, self.context_len);
        for i in 0..settled {
            let Some(mut edit) = self.pending.get(i).copied() else {
                break;
            };
            match self.number_around(engine, &edit) {
                Some(Number::Whole(from, to)) => (edit.start, edit.end, edit.context) = (from, to, Context::JsonValue),
                Some(Number::TooLong) => edit.context = Context::Digits,
                None => {}
            }
            let fresh = edit.start >= self.written && !edit.continues;
            if fresh {
                out.extend_from_slice(slice(self.written, edit.start));
                let action = if self.kind.keep_length {
                    Action::Mask
                } else {
                    edit.action
                };
                let at = usize::try_from(edit.start - base).unwrap_or(0);
                let before = byte_before(data, at, &context);
                rewrite::replacement(
                    action,
                    edit.context,
                    engine.id_of(edit.source),
                    edit.end - edit.start,
                    before,
                    out,
                );
                self.masking = action == Action::Mask && edit.context == Context::Inline;
                if let Source::Detector(_) = edit.source {
                    exchange.found(edit.source, action, edit.start, edit.end);
                }
                self.written = edit.end;
            } else if edit.end > self.written {
                if self.masking {
                    rewrite::stars(edit.end - self.written, out);
                }
                self.written = edit.end;
            }
        }
        self.pending.drain(..settled);
        if self.written < boundary {
            out.extend_from_slice(slice(self.written, boundary));
            self.written = boundary;
        }
        Flow::Out
    }

    /// The bare JSON number in which an edit stands: the whole of it must become a string.
    fn number_around(&self, engine: &Engine, edit: &Edit) -> Option<Number> {
        if !engine.numbers || !self.kind.json || self.kind.keep_length || edit.context == Context::JsonValue {
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

    fn note_context(&mut self, data: &[u8], boundary: u64) {
        let released = data
            .get(..usize::try_from(boundary - self.base).unwrap_or(0))
            .unwrap_or_default();
        for &b in released.iter().rev().take(CONTEXT).rev() {
            self.context.rotate_left(1);
            self.context[CONTEXT - 1] = b;
            self.context_len = (self.context_len + 1).min(CONTEXT);
        }
    }
}

/// The character before `data[i]`, read through an escape or a percent-encoding that may stand there.
fn byte_before(data: &[u8], i: usize, (context, context_len): &([u8; CONTEXT], usize)) -> Option<u8> {
    let back = |n: usize| {
        if n <= i {
            return data.get(i - n).copied();
        }
        let n = n - i;
        if n <= *context_len {
            context.get(CONTEXT - n).copied()
        } else {
            None
        }
    };
    let last = back(1)?;
    let hex = |n: usize| {
        back(n)
            .and_then(|b| char::from(b).to_digit(16))
            .and_then(|d| u8::try_from(d).ok())
    };
    if let (Some(b'%'), Some(hi), Some(lo)) = (back(3), hex(2), hex(1)) {
        return Some(hi << 4 | lo);
    }
    if let (Some(b'\\'), Some(b'u'), Some(_), Some(0), Some(hi), Some(lo)) =
        (back(6), back(5), hex(4), hex(3), hex(2), hex(1))
    {
        return Some(hi << 4 | lo);
    }
    if back(2) == Some(b'\\') && matches!(last, b'n' | b'r' | b't' | b'b' | b'f') {
        return Some(b'\n');
    }
    Some(last)
}
