//! What one HTTP exchange knows across its parts: what was found so far, and which values must not come again.

use crate::Engine;
use crate::decode::binary;
use crate::decode::pairs::Kind;
use crate::explain::Trace;
use crate::known::Known;
use crate::limits;
use crate::rewrite::{Action, Form, Source};
use crate::stream::{Body, BodyKind, Flow, Workspace};

/// One secret that was replaced (or, in report mode, would have been).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    pub(crate) source: Source,
    pub(crate) action: Action,
    /// Where it stood: offsets into the INPUT of the body or value.
    pub(crate) start: u64,
    pub(crate) end: u64,
    /// Which part, as the caller numbered it.
    pub(crate) part: u16,
}

/// How often a detector found something in a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    pub(crate) source: Source,
    pub(crate) action: Action,
    pub(crate) part: u16,
    pub(crate) times: u64,
}

/// Parts of a body that went through unread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unread {
    /// Why, as metrics have it.
    pub reason: &'static str,
    /// How many parts began.
    pub parts: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// A value that was found, to be removed wherever it comes again.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Remembered {
    pub(crate) value: Vec<u8>,
    pub(crate) source: Source,
    pub(crate) action: Action,
    pub(crate) form: Form,
}

/// The state of an exchange, shared by its headers, body and trailers.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Exchange {
    pub(crate) remembered: Vec<Remembered>,
    findings: Vec<Finding>,
    counts: Vec<Count>,
    /// Candidates that were given up at `limits::CANDIDATE_BYTES`.
    pub(crate) given_up: u64,
    /// What went through unread and was not taken yet, and whether anything did.
    unread: Vec<Unread>,
    any_unread: bool,
    part: u16,
    /// What the part is called, for rules that hold in some places only.
    pub(crate) place: String,
    list_all: bool,
    /// By what, and whether it counts (in mode `report` it does not).
    blocked: Option<(Action, bool)>,
    pub(crate) trace: Trace,
    /// What is found now has a JSON pointer.
    points: bool,
    /// Where things were found that have none yet, and by which of `counts`.
    unplaced: Vec<(u64, u16)>,
    /// By which of `counts`, and where.
    pointers: Vec<(u16, String)>,
    pub(crate) known: Known,
    /// What is only to be reported is kept here first, while somebody asks.
    kept_back: Option<Vec<Finding>>,
}

/// Headers without which a message cannot be read: no field rule is for them.
const FRAMING: &[&[u8]] = &[
    b"connection",
    b"content-encoding",
    b"content-length",
    b"content-type",
    b"host",
    b"te",
    b"trailer",
    b"transfer-encoding",
    b"upgrade",
];

impl std::fmt::Debug for Exchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (found, kept) = (self.findings.len(), self.remembered.len());
        write!(f, "Exchange({found} findings, {kept} remembered)")
    }
}

impl Exchange {
    /// One that lists every finding, however many there are, for callers that take them out (`take_findings`) or can
    /// afford the memory.
    pub fn listing_all() -> Exchange {
        Exchange {
            list_all: true,
            ..Exchange::default()
        }
    }

    /// One that also keeps every step that detectors take. Its memory grows with the text.
    #[cfg(feature = "explain")]
    pub fn explaining() -> Exchange {
        Exchange {
            trace: Trace {
                steps: Some(Vec::new()),
            },
            ..Exchange::listing_all()
        }
    }

    /// What detectors did, in no particular order.
    #[cfg(feature = "explain")]
    pub fn steps(&self) -> &[crate::explain::Step] {
        self.trace.steps.as_deref().unwrap_or_default()
    }

    /// What follows belongs to this part; the number comes back in findings and counts.
    pub fn enter(&mut self, part: u16) {
        self.part = part;
    }

    /// The same, with what `allow[].place` calls it: `response.header.x-key`.
    pub fn enter_place(&mut self, part: u16, place: &str) {
        self.part = part;
        self.place.clear();
        self.place.push_str(place);
    }

    /// Findings one by one, up to `limits::LISTED_FINDINGS`.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Takes the listed findings out, so that a long stream need not keep them.
    pub fn take_findings(&mut self) -> Vec<Finding> {
        std::mem::take(&mut self.findings)
    }

    /// Findings counted by detector and part.
    pub fn counts(&self) -> impl Iterator<Item = &Count> {
        self.counts.iter()
    }

    /// Candidates that grew too long to be judged and were let through.
    pub fn given_up(&self) -> u64 {
        self.given_up
    }

    /// Parts of bodies that went through unread since this was last asked.
    pub fn take_unread(&mut self) -> Vec<Unread> {
        std::mem::take(&mut self.unread)
    }

    /// Whether there were any in the whole exchange.
    pub fn any_unread(&self) -> bool {
        self.any_unread
    }

    /// A part of a body, or more of its bytes, goes through unread.
    pub fn pass_unread(&mut self, reason: &'static str, parts: u64, bytes: u64) {
        self.any_unread = true;
        match self.unread.iter_mut().find(|u| u.reason == reason) {
            Some(u) => (u.parts, u.bytes) = (u.parts + parts, u.bytes.saturating_add(bytes)),
            None => self.unread.push(Unread { reason, parts, bytes }),
        }
    }

    /// Something was found that blocks: what had not left by then does not leave any more, in this part or another. The
    /// caller answers in place of the message (`Engine::reply`) if nothing has left yet, or else breaks it off.
    /// Never so in mode `report`.
    pub fn blocked(&self) -> Option<Action> {
        self.blocked.filter(|(_, counts)| *counts).map(|(action, _)| action)
    }

    /// What follows is under other rules, in mode `enforce`: a block that was only reported does not end it.
    pub fn go_on(&mut self) {
        self.blocked = self.blocked.filter(|(_, counts)| *counts);
    }

    /// The same in both modes: nothing behind what blocks is looked at, since in `enforce` it does not leave.
    pub fn over(&self) -> bool {
        self.blocked.is_some()
    }

    pub(crate) fn block(&mut self, engine: &Engine, action: Action) {
        self.blocked.get_or_insert((action, engine.enforce));
    }

    /// Blocked as another one is.
    pub(crate) fn block_with(&mut self, other: &Exchange) {
        self.blocked = self.blocked.or(other.blocked);
    }

    /// Redacts one whole value, such as a header's. `None`: nothing was found.
    pub fn value(&mut self, engine: &Engine, work: &mut Workspace, value: &[u8]) -> Option<Vec<u8>> {
        self.through(Body::of_bytes(BodyKind::default()), engine, work, value)
    }

    /// The same with a header's value: field rules look at the header's name, and at the names of cookies and of what
    /// stands in the query of a reference.
    pub fn header(&mut self, engine: &Engine, work: &mut Workspace, name: &[u8], value: &[u8]) -> Option<Vec<u8>> {
        let name = name.to_ascii_lowercase();
        let kind = match name.as_slice() {
            _ if engine.field_names.is_empty() && !engine.kept.has_names() => None,
            b"cookie" | b"set-cookie" => Some(Kind::Cookies),
            b"location" | b"content-location" | b"referer" | b":path" => Some(Kind::Url),
            name if FRAMING.contains(&name) => None,
            name => engine.field_names.get(name).map(|rule| Kind::Whole(*rule)),
        };
        if kind.is_none()
            && name.ends_with(b"-bin")
            && let Some(new) = self.binary(engine, work, &name, value)
        {
            return new;
        }
        let plain = BodyKind::default();
        let mut body = kind.map_or_else(|| Body::of_bytes(plain), |kind| Body::of_pairs(kind, plain));
        body.is_inside(engine.kept.named(&name));
        self.through(body, engine, work, value)
    }

    /// A value that says bytes in base64. `None`: it does not, or nothing was found in them.
    fn binary(&mut self, engine: &Engine, work: &mut Workspace, name: &[u8], value: &[u8]) -> Option<Option<Vec<u8>>> {
        let bytes = BodyKind {
            keep_length: true,
            ..BodyKind::default()
        };
        let times = |e: &Exchange| e.counts.iter().map(|c| c.times).sum::<u64>();
        let before = times(self);
        let mut changed = false;
        let parts = value.split(|b| *b == b',').map(|part| {
            let text = part.trim_ascii();
            let mut body = Body::of_bytes(bytes);
            body.is_inside(engine.kept.named(name));
            let new = binary::read(text).and_then(|b| self.through(body, engine, work, &b));
            changed |= new.is_some();
            new.map_or_else(|| part.to_vec(), |new| binary::write(&new, text))
        });
        let new = parts.collect::<Vec<_>>().join(&b","[..]);
        (times(self) > before).then(|| changed.then_some(new))
    }

    /// The same with a query string, without its `?`.
    pub fn query(&mut self, engine: &Engine, work: &mut Workspace, query: &[u8]) -> Option<Vec<u8>> {
        self.through(Body::of_form(), engine, work, query)
    }

    fn through(&mut self, mut body: Body, engine: &Engine, work: &mut Workspace, value: &[u8]) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        let first = body.push(engine, work, self, value, &mut out);
        body.finish(engine, work, self, &mut out);
        if first == Flow::Pass {
            // Nothing was held, so `finish` had nothing to say.
            return None;
        }
        (out != value).then_some(out)
    }

    /// Puts findings from the one with this number on where they stand in the input.
    pub(crate) fn move_findings(&mut self, from: usize, place: impl Fn(u64) -> u64) {
        for f in self.findings.iter_mut().skip(from) {
            (f.start, f.end) = (place(f.start), place(f.end));
        }
    }

    /// The same, where a beginning and an end at one offset can stand in different places.
    pub(crate) fn place_findings(&mut self, from: usize, place: impl Fn(u64, u64) -> (u64, u64)) {
        for f in self.findings.iter_mut().skip(from) {
            (f.start, f.end) = place(f.start, f.end);
        }
    }

    /// Memory beyond the state itself.
    pub(crate) fn memory(&self) -> usize {
        let values = |r: &Remembered| size_of::<Remembered>() + r.value.capacity();
        self.remembered.iter().map(values).sum::<usize>()
            + self.findings.capacity() * size_of::<Finding>()
            + self.counts.capacity() * size_of::<Count>()
            + self.unplaced.capacity() * 16
            + self.pointers.iter().map(|(_, p)| p.capacity() + 32).sum::<usize>()
    }

    pub(crate) fn found(&mut self, source: Source, action: Action, start: u64, end: u64) {
        let part = self.part;
        if action == Action::Report
            && let Some(kept) = &mut self.kept_back
        {
            kept.push(Finding {
                source,
                action,
                start,
                end,
                part,
            });
            return;
        }
        if self.list_all || self.findings.len() < limits::LISTED_FINDINGS {
            self.findings.push(Finding {
                source,
                action,
                start,
                end,
                part,
            });
        }
        let same = |c: &Count| c.source == source && c.part == part && c.action == action;
        let at = self.counts.iter().position(same).unwrap_or_else(|| {
            self.counts.push(Count {
                source,
                action,
                part,
                times: 0,
            });
            self.counts.len() - 1
        });
        if let Some(count) = self.counts.get_mut(at) {
            count.times += 1;
        }
        if self.points && self.has_room_for_pointers() && self.unplaced.len() < limits::LISTED_FINDINGS {
            self.unplaced.push((start, u16::try_from(at).unwrap_or(u16::MAX)));
        }
    }

    /// From now on, reports are kept back.
    pub(crate) fn keep_back(&mut self) {
        self.kept_back = Some(Vec::new());
    }

    /// The reports that were, no more of which are.
    pub(crate) fn take_kept_back(&mut self) -> Vec<Finding> {
        self.kept_back.take().unwrap_or_default()
    }

    /// Whether what is found from now on has a JSON pointer.
    pub(crate) fn point(&mut self, points: bool) {
        self.points = points;
    }

    /// Takes out what was found before an offset and has no pointer yet, in order.
    pub(crate) fn unplaced(&mut self, before: u64) -> Vec<(u64, u16)> {
        let mut wanted: Vec<_> = self.unplaced.extract_if(.., |(at, _)| *at < before).collect();
        wanted.sort_unstable();
        wanted
    }

    pub(crate) fn has_room_for_pointers(&self) -> bool {
        self.pointers.len() < limits::POINTERS
    }

    pub(crate) fn place_at(&mut self, count: u16, pointer: String) {
        let known = |(c, p): &(u16, String)| *c == count && *p == pointer;
        if !self.pointers.iter().any(known) {
            self.pointers.push((count, pointer));
        }
    }

    /// Where the findings of the count with this number stand in a JSON body, if the policy asks for that: pointers as RFC 6901 has them,
    /// with `*` for names that must not be told and for what is too deep; `limits::POINTERS` at most in an exchange.
    pub fn pointers(&self, count: usize) -> Vec<String> {
        let mine = self.pointers.iter().filter(|(c, _)| usize::from(*c) == count);
        // A name can be a value that was found.
        let is_found = |name: &str| {
            let holds = |r: &Remembered| memchr::memmem::find(name.as_bytes(), &r.value).is_some();
            self.remembered.iter().any(holds)
        };
        let tell = |name: &str| {
            if is_found(name) {
                "*".to_owned()
            } else {
                name.to_owned()
            }
        };
        mine.map(|(_, p)| p.split('/').map(tell).collect::<Vec<_>>().join("/"))
            .collect()
    }

    /// Remembers a value, if it is long and mixed enough not to be a word, a key or a piece of syntax: somebody else's
    /// comment must not be able to take such a thing out of the rest of a page. Returns its index if it is new.
    pub(crate) fn remember(&mut self, value: &[u8], source: Source, action: Action, form: Form) -> Option<usize> {
        let any = |f: fn(&u8) -> bool| value.iter().any(f);
        let classes = [
            any(u8::is_ascii_lowercase),
            any(u8::is_ascii_uppercase),
            any(|b| !b.is_ascii_alphanumeric() && !matches!(b, b'_' | b'-' | b'.')),
        ];
        let kinds = classes.iter().filter(|c| **c).count();
        // Nobody writes 20 characters of it that hold a digit.
        let joint = value.len() < 20 && any(|b| b":=".contains(b));
        let syntax = joint || any(|b| b.is_ascii_whitespace() || b"\"'{}[]<>(),;".contains(b));
        if !limits::REMEMBERED_BYTES.contains(&value.len())
            || !any(u8::is_ascii_digit)
            || kinds == 0
            || (kinds == 1 && value.len() < 12)
            || syntax
            || self.remembered.len() >= limits::REMEMBERED_VALUES
            || self.remembered.iter().any(|r| r.value == value)
        {
            return None;
        }
        self.remembered.push(Remembered {
            value: value.to_vec(),
            source,
            action,
            form,
        });
        Some(self.remembered.len() - 1)
    }
}

/// The part of a token that is half of it or more, where points or colons join parts: a key's id, which other answers name
/// alone. Who removes the token removes that as well.
pub(crate) fn greater_half(token: &[u8]) -> Option<&[u8]> {
    // Floods of matches come by here: a long one has no part that would do, and most have one part.
    if token.len() > 2 * limits::PART_BYTES.end() {
        return None;
    }
    memchr::memchr2(b'.', b':', token)?;
    let parts = token.split(|b| matches!(b, b'.' | b':'));
    let half = parts.max_by_key(|p| p.len())?;
    let id = half.iter().all(u8::is_ascii_alphanumeric) && half.iter().filter(|b| b.is_ascii_digit()).count() > 1;
    (id && half.len() < token.len() && 2 * half.len() >= token.len() && limits::PART_BYTES.contains(&half.len()))
        .then_some(half)
}

impl Finding {
    /// The detector's id, or `field`.
    pub fn detector<'e>(&self, engine: &'e Engine) -> &'e str {
        engine.id_of(self.source)
    }

    /// What was done.
    pub fn action(&self) -> Action {
        self.action
    }

    /// Where it began, as an offset into the input.
    pub fn start(&self) -> u64 {
        self.start
    }

    /// Behind its last byte.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// The part it was found in (`Exchange::enter`).
    pub fn part(&self) -> u16 {
        self.part
    }
}

impl Count {
    /// The detector's id, or `field`.
    pub fn detector<'e>(&self, engine: &'e Engine) -> &'e str {
        engine.id_of(self.source)
    }

    /// Whether it is the body as a whole, by `deny.bodies`.
    pub fn is_file(&self) -> bool {
        matches!(self.source, Source::File(_))
    }

    /// The rule of the policy that told it, as an index of `fields`; `None`: it was a detector.
    pub fn rule(&self) -> Option<u16> {
        match self.source {
            Source::Field(rule) => Some(rule),
            Source::Detector(_) | Source::File(_) | Source::Known(_) => None,
        }
    }

    /// What was done.
    pub fn action(&self) -> Action {
        self.action
    }

    /// The part (`Exchange::enter`).
    pub fn part(&self) -> u16 {
        self.part
    }

    /// How often.
    pub fn times(&self) -> u64 {
        self.times
    }
}
