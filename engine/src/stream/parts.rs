//! Multipart bodies: each part goes through a [`Body`] of its own, read as its own content type says, and the lines
//! between them leave as they came.
//!
//! A part's body ends with the part, so that nothing that is found reaches across a line between two, and no secret can begin
//! in one part and end in the next. Text before the first part and behind the last goes through bodies too: some
//! servers read it. To read the whole as one text would be simpler, and would know neither JSON nor names.

use super::{Body, BodyKind, Flow, Framing, Workspace};
use crate::Engine;
use crate::content;
use crate::decode::multipart::head::Head;
use crate::decode::multipart::{Line, Step};
use crate::decode::pairs;
use crate::decode::zones::Rules;
use crate::exchange::Exchange;
use crate::limits;

/// How what stands between two lines is read.
#[derive(Clone, Debug)]
enum Content {
    /// As this type says; whether its length must stay.
    Type(Vec<u8>, bool),
    /// It is the value of a field as a whole.
    Field(pairs::Kind, BodyKind),
    /// It is a part's head.
    Head(BodyKind),
    /// It goes through, for this reason.
    Unread(&'static str),
}

/// A multipart body on its way. Offsets point into its INPUT.
#[derive(Clone, Debug)]
pub(super) struct Parts {
    line: Line,
    /// At a part's head, and not in text.
    in_head: bool,
    /// A part's head, or what may be a line between parts.
    held: Vec<u8>,
    /// Where the last line of a head begins in it.
    head_line: usize,
    /// Bytes before what is held.
    at: u64,
    content: Content,
    /// Items of `allow` that name the part.
    allowed: Rules,
    /// What stands between two lines, once there is something, and where it began.
    inner: Option<Box<Body>>,
    from: u64,
    keep_length: bool,
    depth: u8,
}

impl Body {
    /// The same as [`Body::of_type`], in so many multipart bodies.
    pub(super) fn of_type_in(content_type: &[u8], keep_length: bool, depth: u8) -> Body {
        let essence = content::essence(content_type);
        let kind = BodyKind {
            json: content::is_json(&essence),
            keep_length,
        };
        if content::is_form(&essence) {
            return Body::of_pairs(pairs::Kind::Form, kind);
        }
        if let Some(framing) = Framing::of(&essence).filter(|_| !keep_length) {
            return Body::of_events(framing);
        }
        match content::boundary(content_type).filter(|_| depth < limits::PART_DEPTH) {
            Some(boundary) => Body {
                form: super::wide::Form::Parts(Box::new(Parts::new(&boundary, keep_length, depth))),
                ..Body::of_bytes(kind)
            },
            None => Body::new(kind),
        }
    }
}

impl Parts {
    fn new(boundary: &[u8], keep_length: bool, depth: u8) -> Parts {
        Parts {
            line: Line::new(boundary),
            in_head: false,
            held: Vec::new(),
            head_line: 0,
            at: 0,
            content: Content::Type(Vec::new(), keep_length),
            allowed: 0,
            inner: None,
            from: 0,
            keep_length,
            depth,
        }
    }

    /// Bytes that are held back.
    pub(super) fn held(&self) -> usize {
        self.held.len() + self.inner.as_deref().map_or(0, Body::held)
    }

    pub(super) fn memory(&self) -> usize {
        let content = match &self.content {
            Content::Type(content_type, _) => content_type.capacity(),
            _ => 0,
        };
        size_of::<Parts>()
            + self.line.bytes()
            + self.held.capacity()
            + content
            + self.inner.as_deref().map_or(0, Body::memory)
    }

    /// One block more, or the end.
    pub(super) fn block(
        &mut self,
        engine: &Engine,
        work: &mut Workspace,
        exchange: &mut Exchange,
        (new, last): (&[u8], bool),
        out: &mut Vec<u8>,
    ) -> Flow {
        let before = out.len();
        let mut way = Way {
            engine,
            work,
            exchange,
            out,
        };
        self.feed(&mut way, new);
        if last && !way.exchange.over() {
            self.end(&mut way);
        }
        if way.exchange.over() {
            return Flow::Out;
        }
        if out.get(before..) == Some(new) {
            out.truncate(before);
            return Flow::Pass;
        }
        Flow::Out
    }

    fn feed(&mut self, way: &mut Way, mut new: &[u8]) {
        while !new.is_empty() && !way.exchange.over() {
            let read = if self.in_head {
                self.head(way, new)
            } else {
                self.text(way, new)
            };
            new = new.get(read..).unwrap_or_default();
        }
    }

    /// Text, as far as a line between parts; returns how much was read.
    fn text(&mut self, way: &mut Way, new: &[u8]) -> usize {
        // What may be such a line begins in `held`, if anything is there, or else here.
        let (mut open, mut i, mut mark) = (0, 0, None);
        loop {
            let safe = self.line.skip_text(new, i, &mut mark);
            if safe > i {
                (open, i) = (safe, safe);
            }
            let Some(&b) = new.get(i) else { break };
            i += 1;
            match self.line.step(b) {
                Step::Open => {}
                Step::Text => {
                    self.let_go(way);
                    open = i;
                }
                Step::Anew => {
                    self.let_go(way);
                    open = i - 1;
                }
                Step::Line { closes } => {
                    self.pass(way, new.get(..open).unwrap_or_default());
                    self.settle(way);
                    self.held.extend_from_slice(new.get(open..i).unwrap_or_default());
                    self.leave(way);
                    self.enter(!closes);
                    return i;
                }
            }
        }
        self.pass(way, new.get(..open).unwrap_or_default());
        self.held.extend_from_slice(new.get(open..).unwrap_or_default());
        new.len()
    }

    /// A part's head, line by line; returns how much was read.
    fn head(&mut self, way: &mut Way, new: &[u8]) -> usize {
        let room = limits::PART_HEAD_BYTES.saturating_sub(self.held.len()).min(new.len());
        let new = new.get(..room).unwrap_or_default();
        let read = memchr::memchr(b'\n', new).map_or(new.len(), |n| n + 1);
        self.held.extend_from_slice(new.get(..read).unwrap_or_default());
        let line = self.held.get(self.head_line..).unwrap_or_default();
        if matches!(line, b"\n" | b"\r\n") {
            self.content = self.read_head(way);
            self.leave(way);
            self.in_head = false;
            self.line.begin();
        } else if let Some(closes) = self.line.is(line) {
            // A part without a body.
            self.read_head(way);
            self.leave(way);
            self.enter(!closes);
        } else if self.held.len() >= limits::PART_HEAD_BYTES {
            self.enter(false);
            self.line.begin();
            let block = std::mem::take(&mut self.held);
            self.feed(way, &block);
        } else if line.ends_with(b"\n") {
            self.head_line = self.held.len();
        }
        read
    }

    /// Reads the head that is held, but for its last line: its values are looked at, and what it says of its part comes back.
    fn read_head(&mut self, way: &mut Way) -> Content {
        let last = self.held.split_off(self.head_line);
        let block = std::mem::replace(&mut self.held, last);
        let names = &way.engine.field_names;
        let head = Head::read(&block, |name| names.get(&name.to_ascii_lowercase()).copied());
        let kind = BodyKind {
            json: false,
            keep_length: self.keep_length,
        };
        let mut at = 0;
        for (value, rule) in head.values {
            self.apart(way, Content::Head(kind), block.get(at..value.start).unwrap_or_default());
            at = value.end;
            let value = block.get(value).unwrap_or_default();
            self.apart(way, Content::Field(pairs::Kind::Whole(rule), kind), value);
        }
        self.apart(way, Content::Head(kind), block.get(at..).unwrap_or_default());

        if let [name] = head.names.as_slice() {
            let rules = |name: &[u8]| Some(way.engine.kept.named(name)).filter(|rules| *rules != 0);
            self.allowed = pairs::rule_for(name, rules).unwrap_or_default();
        }
        let essence = content::essence(&head.content_type);
        let keep_length = self.keep_length || head.counted;
        if let Some(rule) = head.rule {
            let json = content::is_json(&essence) && !keep_length;
            let whole = if json {
                pairs::Kind::WholeJson
            } else {
                pairs::Kind::Whole
            };
            return Content::Field(whole(rule), BodyKind { keep_length, ..kind });
        }
        let unread = if head.coded {
            Some("encoding")
        } else {
            content::is_media(&essence).then_some("content_type")
        };
        if let Some(reason) = unread {
            way.exchange.pass_unread(reason, 1, 0);
            return Content::Unread(reason);
        }
        if head.transfer_coded {
            // Read all the same, as it stands.
            way.exchange.pass_unread("encoding", 1, 0);
        }
        Content::Type(head.content_type, keep_length)
    }

    /// A text by itself.
    fn apart(&mut self, way: &mut Way, content: Content, text: &[u8]) {
        self.content = content;
        self.pass(way, text);
        self.settle(way);
    }

    /// The body ends.
    fn end(&mut self, way: &mut Way) {
        if self.in_head {
            self.head_line = self.held.len();
            self.read_head(way);
        } else if self.line.ends() {
            self.settle(way);
            self.leave(way);
        } else {
            self.let_go(way);
            self.settle(way);
        }
    }

    /// Behind a line between parts: a part's head, or text in which no part has begun.
    fn enter(&mut self, head: bool) {
        self.in_head = head;
        self.head_line = 0;
        self.allowed = 0;
        self.content = Content::Type(Vec::new(), self.keep_length);
    }

    /// What was held is text.
    fn let_go(&mut self, way: &mut Way) {
        let held = std::mem::take(&mut self.held);
        self.pass(way, &held);
    }

    /// What was held leaves as it stands.
    fn leave(&mut self, way: &mut Way) {
        self.at += self.held.len() as u64;
        way.out.append(&mut self.held);
    }

    /// Text goes where it is read.
    fn pass(&mut self, way: &mut Way, text: &[u8]) {
        if text.is_empty() || way.exchange.over() {
            return;
        }
        let from = self.at;
        self.at += text.len() as u64;
        if let Content::Unread(reason) = self.content {
            way.exchange.pass_unread(reason, 0, text.len() as u64);
            way.out.extend_from_slice(text);
            return;
        }
        let body = self.inner.get_or_insert_with(|| {
            self.from = from;
            let mut body = self.content.body(self.depth);
            body.is_inside(self.allowed);
            Box::new(body)
        });
        way.with(self.from, |engine, work, exchange, out| {
            if body.push_whole(engine, work, exchange, text, out) == Flow::Pass {
                out.extend_from_slice(text);
            }
        });
    }

    /// What stands between two lines has ended.
    fn settle(&mut self, way: &mut Way) {
        if let Some(mut body) = self.inner.take().filter(|_| !way.exchange.over()) {
            way.with(self.from, |engine, work, exchange, out| {
                body.finish_whole(engine, work, exchange, out);
            });
        }
    }
}

impl Content {
    fn body(&self, depth: u8) -> Body {
        match self {
            Content::Type(content_type, keep_length) => Body::of_type_in(content_type, *keep_length, depth + 1),
            Content::Field(kind, body) => Body::of_pairs(*kind, *body),
            Content::Head(kind) => Body::of_bytes(*kind),
            Content::Unread(_) => Body::default(),
        }
    }
}

/// What a body needs on its way.
struct Way<'a> {
    engine: &'a Engine,
    work: &'a mut Workspace,
    exchange: &'a mut Exchange,
    out: &'a mut Vec<u8>,
}

impl Way<'_> {
    /// A step of a body that began there: what it finds stands so much further on.
    fn with(&mut self, from: u64, step: impl FnOnce(&Engine, &mut Workspace, &mut Exchange, &mut Vec<u8>)) {
        let (told, stepped) = (self.exchange.findings().len(), self.exchange.trace.len());
        step(self.engine, self.work, self.exchange, self.out);
        self.exchange.move_findings(told, |o| from + o);
        self.exchange.trace.move_from(stepped, |o| from + o);
    }
}
