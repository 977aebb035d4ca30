//! Base64 inside a text, read as what it holds: a Kubernetes secret, a registry's credentials, a source map.
//!
//! A run is decoded as it streams, and its text goes through a [`Body`] of its own that keeps lengths, so that what it
//! finds becomes a mask, and the groups of four characters that it touched are written anew in place: the run stays
//! as long as it was, and stays base64. To decode a whole run first would be simpler, and would hold back what has
//! nothing in it. The inner body has an exchange of its own, since what is remembered must not depend on how far the
//! inner body had come when a chunk ended: it knows what was found before its run began, and what it finds is
//! remembered outside when its run is over.
//!
//! Left out: base64 that is wrapped into lines, and a run that does not begin where its base64 does (`/path/SGVsbG8…`).

mod patch;

pub(super) use patch::Patch;

use super::{Body, BodyKind, CONTEXT, Flow, Learned, Workspace};
use crate::Engine;
use crate::decode::base64::{self, Judge, Long};
use crate::decode::zones::Rules;
use crate::detect::sieve::begins_a_word;
use crate::exchange::{Exchange, Finding};
use crate::limits;
use crate::rewrite::{Action, Context, Edit, Form, Source};

/// A run under way. Offsets point into the INPUT of the body in which it stands.
#[derive(Clone, Debug, Default)]
pub(super) struct Run {
    /// How many remembered values were known where it began.
    known: usize,
    start: u64,
    /// Where its first group begins.
    first: u64,
    /// A capital was seen early enough.
    capital: bool,
    /// Where its first word begins, and where the run has come to.
    word: Option<u64>,
    reach: u64,
    /// Characters at its front that belong to an escape (`\n`, `\u000a`).
    skip: u8,
    /// The items of `allow` in whose fields it stands.
    inside: Rules,
    /// It is a part of a signed token: not to be changed in pieces.
    signed: bool,
    chars: u64,
    /// Backslashes read that may belong to an escaped slash.
    slashes: u8,
    escaped: bool,
    /// The group under way.
    group: [u8; 4],
    in_group: u8,
    judge: Judge,
    /// Bytes decoded.
    decoded: u64,
    /// Nothing in it will be changed any more; it is only followed to its end.
    dead: bool,
    /// Where the first group begins that is not settled, and how many bytes were decoded before it.
    at: u64,
    at_byte: u64,
    inner: Option<Box<Inner>>,
}

/// What a run holds.
#[derive(Clone, Debug)]
struct Inner {
    body: Body,
    exchange: Exchange,
    /// Decoded bytes from the first group on that is not settled.
    text: Vec<u8>,
    /// The same as they are to be; shorter.
    out: Vec<u8>,
    /// Not told yet; offsets are those of the decoded bytes.
    findings: Vec<Finding>,
}

impl Run {
    /// Where something stands that must not leave yet.
    fn holds_from(&self) -> Option<u64> {
        (!self.dead).then_some(self.at)
    }

    pub(super) fn bytes(&self) -> usize {
        let of = |i: &Inner| {
            size_of::<Inner>() - size_of::<Body>()
                + i.body.memory()
                + i.exchange.memory()
                + i.text.capacity()
                + i.out.capacity()
                + i.findings.capacity() * size_of::<Finding>()
        };
        self.inner.as_deref().map_or(0, of)
    }

    /// It is long enough, has a capital, and its first bytes are text: what was found in it counts.
    fn is_certain(&self, over: bool) -> bool {
        let least = limits::VIEW_CHARS as u64;
        self.chars >= least
            && (over || self.judge.is_done())
            && self.capital
            && self.word.is_some_and(|at| at + least <= self.reach)
    }

    /// Reads characters up to the end of the run or of `text`, or until enough was decoded. Returns how far it came.
    fn read(&mut self, (text, base): (&[u8], u64), from: usize, escapes: bool, out: &mut Vec<u8>) -> (usize, End) {
        let mut i = from;
        while let Some(&b) = text.get(i) {
            if b == b'\\' && escapes && self.slashes < base64::SLASH_ESCAPES {
                self.slashes += 1;
                i += 1;
                continue;
            }
            let value = base64::value(b).filter(|_| self.slashes == 0 || b == b'/');
            let Some(value) = value else {
                return (i, End::Over);
            };
            self.escaped |= std::mem::take(&mut self.slashes) > 0;
            let at = base + i as u64;
            if self.word.is_none() && begins_a_word(b) {
                self.word = Some(at);
            }
            self.capital |= b.is_ascii_uppercase() && at < self.start + base64::CAPITAL_WITHIN as u64;
            i += 1;
            self.reach = at + 1;
            if self.skip > 0 {
                self.skip -= 1;
                continue;
            }
            self.chars += 1;
            self.group[usize::from(self.in_group)] = value;
            self.in_group += 1;
            if self.decoded == 0 && self.in_group == 1 && !Judge::may_begin(value) {
                return (i, End::Dead);
            }
            if self.in_group == 4 {
                let group = base64::bytes(self.group);
                self.in_group = 0;
                self.decoded += 3;
                if !self.judge.goes_on(group) || (self.signed && self.decoded == 3 && group[0] == b'{') {
                    return (i, End::Dead);
                }
                out.extend_from_slice(&group);
                if self.decoded + 3 > limits::VIEW_BYTES {
                    return (i, End::Enough);
                }
            }
        }
        (i, End::Open)
    }

    /// Reads on without looking. Returns how far it came.
    fn pass(&mut self, text: &[u8], from: usize, escapes: bool) -> usize {
        let mut i = from;
        loop {
            if self.slashes == 0 {
                i += base64::plain(text.get(i..).unwrap_or_default());
            }
            match text.get(i) {
                Some(b'\\') if escapes && self.slashes < base64::SLASH_ESCAPES => self.slashes += 1,
                Some(b'/') => self.slashes = 0,
                _ => return i,
            }
            i += 1;
        }
    }
}

/// Where in `data` so many characters of base64 from `from` on end.
fn behind(data: &[u8], from: usize, chars: usize) -> usize {
    let mut left = chars;
    let mut i = from;
    while let Some(&b) = data.get(i).filter(|_| left > 0) {
        if base64::value(b).is_some() {
            left -= 1;
        } else if b != b'\\' {
            break;
        }
        i += 1;
    }
    i
}

/// Why reading stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The text that is there ended.
    Open,
    /// The run ended.
    Over,
    /// `limits::VIEW_BYTES` were decoded.
    Enough,
    /// It holds no text.
    Dead,
}

impl Body {
    /// Decode, and all that follows, over again: what runs of base64 before `to` hold. Returns what must not leave yet.
    pub(super) fn views(
        &mut self,
        engine: &Engine,
        work: &mut Workspace,
        exchange: &mut Exchange,
        (data, to, last): (&[u8], u64, bool),
        learned: &mut Vec<Learned>,
    ) -> Option<u64> {
        if !engine.decode.base64 || self.depth >= limits::VIEW_DEPTH {
            return None;
        }
        let at = |o: u64| usize::try_from(o.saturating_sub(self.base)).unwrap_or(usize::MAX);
        let text = data.get(..at(to)).unwrap_or(data);
        let pos = at(self.viewed).min(text.len());
        self.viewed = to;
        // The bodies of what runs hold use the workspace too.
        let long = std::mem::take(&mut work.long);
        let holds = self.runs(engine, work, exchange, (text, pos, last), &long, learned);
        work.long = long;
        holds
    }

    /// Goes through the runs from `pos` on.
    fn runs(
        &mut self,
        engine: &Engine,
        work: &mut Workspace,
        exchange: &mut Exchange,
        (text, mut pos, last): (&[u8], usize, bool),
        long: &Long,
        learned: &mut Vec<Learned>,
    ) -> Option<u64> {
        // Where the length must not change an escaped slash could not be written anew.
        let escapes = !self.kind.keep_length;
        let to = self.base + text.len() as u64;
        let mut run = self.view.take();
        loop {
            if let Some(mut open) = run.take() {
                pos = self.follow(engine, work, exchange, (text, pos, last), &mut open, learned);
                if pos == text.len() && !last {
                    let holds = open.holds_from().filter(|from| *from < to);
                    self.view = Some(open);
                    return holds;
                }
            }
            let (start, end) = base64::next_run((text, self.base), pos, escapes, long)?;
            let skip = self.skipped(text, start);
            let stretch = text.get(start..end).unwrap_or_default();
            if (end < text.len() || last)
                && (stretch.len() < limits::VIEW_CHARS || (skip == 0 && base64::is_hopeless(stretch)))
            {
                pos = end;
                continue;
            }
            let start_at = self.base + start as u64;
            self.remember(exchange, learned, start_at);
            pos = start;
            run = Some(Box::new(Run {
                known: exchange.remembered.len(),
                skip,
                inside: self.inside((start_at, start_at + 1)),
                signed: self.byte_at(text, start, 1) == Some(b'.'),
                start: start_at,
                first: start_at + u64::from(skip),
                at: start_at + u64::from(skip),
                ..Run::default()
            }));
        }
    }

    /// The byte `back` before `data[i]`, as it stands.
    fn byte_at(&self, data: &[u8], i: usize, back: usize) -> Option<u8> {
        match i.checked_sub(back) {
            Some(i) => data.get(i).copied(),
            None if back - i <= self.context_len => self.context.get(CONTEXT + i - back).copied(),
            None => None,
        }
    }

    /// How many characters at the front of a run end an escape that began before it.
    fn skipped(&self, data: &[u8], start: usize) -> u8 {
        match data.get(start) {
            Some(b'n' | b'r' | b't' | b'b' | b'f') if self.byte_at(data, start, 1) == Some(b'\\') => 1,
            Some(b'u') if self.byte_at(data, start, 1) == Some(b'\\') => 5,
            _ => 0,
        }
    }

    /// Takes a run as far as the text goes, and returns how far that is.
    fn follow(
        &mut self,
        engine: &Engine,
        work: &mut Workspace,
        exchange: &mut Exchange,
        (text, from, last): (&[u8], usize, bool),
        run: &mut Run,
        learned: &mut Vec<Learned>,
    ) -> usize {
        let escapes = !self.kind.keep_length;
        let mut pos = from;
        if !run.dead {
            let mut decoded = Vec::new();
            let (stopped, mut end) = run.read((text, self.base), pos, escapes, &mut decoded);
            pos = stopped;
            if end == End::Open && last {
                end = End::Over;
            }
            if end == End::Dead {
                run.dead = true;
                run.inner = None;
            } else {
                if end == End::Over && run.in_group > 1 {
                    let rest = usize::from(run.in_group);
                    run.group[rest..].fill(0);
                    decoded.extend_from_slice(base64::bytes(run.group).get(..rest - 1).unwrap_or_default());
                }
                self.look_inside(engine, work, exchange, run, &decoded, end != End::Open);
                self.settle_run(exchange, run, text, end != End::Open);
                if end != End::Open {
                    let at = self.base + pos as u64;
                    self.leave(exchange, run, at, learned);
                }
            }
            if matches!(end, End::Over | End::Open) {
                return pos;
            }
        }
        run.pass(text, pos, escapes)
    }

    /// The inner pipeline over what was decoded.
    fn look_inside(
        &self,
        engine: &Engine,
        work: &mut Workspace,
        exchange: &Exchange,
        run: &mut Run,
        decoded: &[u8],
        over: bool,
    ) {
        if decoded.is_empty() && run.inner.is_none() {
            return;
        }
        let inner = run.inner.get_or_insert_with(|| {
            let mut body = Body::of_bytes(BodyKind {
                json: matches!(decoded.first(), Some(b'{' | b'[')),
                keep_length: true,
            });
            body.depth = self.depth + 1;
            body.inside = run.inside;
            let mut known = Exchange::listing_all();
            known.trace = exchange.trace.inside();
            known.place.clone_from(&exchange.place);
            known.remembered = exchange.remembered.get(..run.known).unwrap_or_default().to_vec();
            Box::new(Inner {
                body,
                exchange: known,
                text: Vec::new(),
                out: Vec::new(),
                findings: Vec::new(),
            })
        });
        inner.text.extend_from_slice(decoded);
        if inner
            .body
            .enforced(engine, work, &mut inner.exchange, decoded, &mut inner.out)
            == Flow::Pass
        {
            inner.out.extend_from_slice(decoded);
        }
        if over {
            inner
                .body
                .end_enforced(engine, work, &mut inner.exchange, &mut inner.out);
        }
        inner.findings.append(&mut inner.exchange.take_findings());
    }

    /// What the inner pipeline let go becomes patches and findings out here.
    fn settle_run(&mut self, exchange: &mut Exchange, run: &mut Run, data: &[u8], over: bool) {
        let certain = run.is_certain(over);
        let Some(inner) = run.inner.as_deref_mut() else { return };
        // As if no slash were escaped.
        let first = run.first;
        let (begin, end) = (|o| first + o / 3 * 4, |o: u64| first + o.div_ceil(3) * 4);
        exchange.trace.absorb(&mut inner.exchange.trace, begin, end);
        let ready = inner.out.len().min(inner.text.len());
        let ready = if over { ready } else { ready - ready % 3 };
        let base = self.base;
        let offset = |i: usize| base + i as u64;
        let mut raw = usize::try_from(run.at.saturating_sub(base)).unwrap_or(usize::MAX);
        let mut done = 0;
        let same = inner.text.get(..ready) == inner.out.get(..ready);
        if same && inner.findings.is_empty() && !run.escaped && ready.is_multiple_of(3) {
            raw += ready / 3 * 4;
            done = ready;
        }
        while done < ready {
            let byte = run.at_byte + done as u64;
            let most = (ready - done).min(3);
            let old = inner.text.get(done..done + most).unwrap_or_default();
            let new = inner.out.get(done..done + most).unwrap_or_default();
            let begins = |f: &mut Finding| {
                // What blocks has to do so where it stands, whatever found it.
                let blocks = matches!(f.action, Action::Block(_));
                f.start < byte + 3 && (blocks || matches!(f.source, Source::Detector(_)))
            };
            if !certain && (old != new || inner.findings.iter_mut().any(begins)) {
                break;
            }
            let end = behind(data, raw, most + 1);
            if old != new {
                let stood = data.get(raw..end).unwrap_or_default();
                self.patches.push(Patch::new(offset(raw), stood, old, new));
            }
            for f in inner.findings.extract_if(.., begins) {
                let bytes = usize::try_from(f.end.saturating_sub(byte)).unwrap_or(0);
                let till = behind(data, raw, bytes.div_ceil(3) * 4);
                self.tell(&f, (offset(raw), offset(till)));
            }
            raw = end;
            done += most;
        }
        run.at = offset(raw);
        run.at_byte += done as u64;
        inner.text.drain(..done);
        inner.out.drain(..done);
        if certain {
            // The value of a field may be long gone when it is told: its place is reckoned as if no slash were escaped.
            let first = run.first;
            for f in inner.findings.extract_if(.., |f| matches!(f.source, Source::Field(_))) {
                let end = first + f.end.div_ceil(3) * 4;
                exchange.found(f.source, f.action, first + f.start / 3 * 4, end);
            }
        }
    }

    /// A finding inside, by the place of its characters out here.
    fn tell(&mut self, f: &Finding, (start, end): (u64, u64)) {
        self.pending.push(Edit {
            start,
            end,
            source: f.source,
            action: f.action,
            form: Form::None,
            percent: 0,
            context: Context::Inside,
            continues: false,
        });
    }

    /// The run is over, or enough of it was decoded: what was found is remembered.
    fn leave(&self, exchange: &mut Exchange, run: &mut Run, at: u64, learned: &mut Vec<Learned>) {
        run.dead = true;
        let Some(inner) = run.inner.take() else { return };
        if !run.is_certain(true) {
            return;
        }
        exchange.given_up += inner.exchange.given_up;
        for r in inner.exchange.remembered.get(run.known..).unwrap_or_default() {
            learned.push(Learned {
                at,
                from: at,
                value: r.value.clone(),
                source: r.source,
                action: r.action,
                form: r.form,
            });
        }
        learned.sort_by_key(|l| (l.at, l.from, l.action.leniency()));
    }
}
