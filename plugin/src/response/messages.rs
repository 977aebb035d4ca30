//! Bodies of messages (gRPC, gRPC-Web, Connect): each is looked at by itself, and keeps its length.
//!
//! A compressed one is held as it came, and decoded beside that: what comes of it is looked at, and takes its place only if
//! something was found, uncompressed, which its flag can say message by message. It is held because the head in front has
//! the length. What cannot be decoded leaves as it came, as far as the policy lets it: no header has promised anything here.

use std::sync::Arc;

use keepmum_codec::{Broken, COMPRESSED, Coding, Frames, Head, Step, Text64, Unknown};
use keepmum_engine::{Body, BodyKind, Engine, Exchange, Fate, Flow, Workspace};

use super::coded::{Coded, Pool, Share};
use super::stream::Stream;
use super::unread::Then;
use crate::body::Enveloped;

/// Bytes of a compressed message, and bytes that may come of one: more than gRPC takes if nobody tells it to.
const MESSAGE_BYTES: usize = 4 * 1024 * 1024;

/// Messages on their way.
pub(super) struct Messages {
    kind: BodyKind,
    frames: Frames,
    /// How compressed ones are, and where decoders have their room.
    codings: Result<Vec<Coding>, Unknown>,
    pool: Pool,
    /// Base64 stands around all of it.
    text: Option<Text64>,
    now: Now,
    /// A message has left in another length.
    reframed: bool,
}

/// The message that is under way.
enum Now {
    Plain,
    Held(Box<Held>),
    /// It goes by.
    Unread(&'static str),
}

/// A compressed message.
struct Held {
    head: Head,
    /// As it came, without its head.
    raw: Vec<u8>,
    coded: Coded,
    seen: Seen,
}

/// What came of it.
struct Seen {
    engine: Arc<Engine>,
    body: Body,
    out: Vec<u8>,
    /// What did not leave the engine yet, to see whether it leaves as it was.
    ahead: Vec<u8>,
    changed: bool,
    share: Share,
}

/// What every step needs.
struct Way<'a> {
    work: &'a mut Workspace,
    exchange: &'a mut Exchange,
}

impl Messages {
    pub(super) fn new(enveloped: Enveloped, kind: BodyKind, pool: &Pool) -> Messages {
        Messages {
            kind,
            frames: Frames::default(),
            codings: enveloped.codings,
            pool: pool.clone(),
            text: enveloped.text.then(Text64::default),
            now: Now::Plain,
            reframed: false,
        }
    }

    /// Base64 stands around all of it.
    pub(super) fn are_text(&self) -> bool {
        self.text.is_some()
    }

    /// Bytes that are held back, but for those in the engine.
    pub(super) fn held(&self) -> usize {
        let message = match &self.now {
            Now::Held(held) => held.raw.len() + 5,
            _ if self.head_waits() => self.frames.of_head().len(),
            _ => 0,
        };
        message + self.text.as_ref().map_or(0, |t| t.open().len())
    }

    /// A head has come in part, and its message is compressed.
    fn head_waits(&self) -> bool {
        self.frames.of_head().first().is_some_and(|f| f & COMPRESSED != 0)
    }

    /// A compressed message begins.
    fn begin(&self, engine: &Arc<Engine>, head: Head) -> Result<Held, &'static str> {
        let codings = self.codings.as_ref().map_err(|_| "encoding")?;
        if codings.is_empty() {
            return Err("encoding");
        }
        let bounds = engine.bounds();
        if usize::try_from(head.length).unwrap_or(usize::MAX) > MESSAGE_BYTES {
            return Err("limit");
        }
        let coded = Coded::new(codings, bounds, &self.pool).ok_or("limit")?;
        Ok(Held {
            head,
            raw: Vec::new(),
            coded,
            seen: Seen {
                engine: engine.clone(),
                body: Body::new(self.kind),
                out: Vec::new(),
                ahead: Vec::new(),
                changed: false,
                share: Share::new(bounds.decoder_bytes, &self.pool),
            },
        })
    }
}

impl Held {
    fn push(&mut self, way: &mut Way, piece: &[u8]) -> Result<(), Broken> {
        self.raw.try_reserve(piece.len()).map_err(|_| Broken::Memory)?;
        self.raw.extend_from_slice(piece);
        let (seen, raw) = (&mut self.seen, self.raw.capacity());
        self.coded.push(piece, &mut |text| seen.push(way, text, raw))
    }

    /// All of it has come, or more does not.
    fn finish(&mut self, way: &mut Way) -> Result<(), Broken> {
        let (seen, raw) = (&mut self.seen, self.raw.capacity());
        let done = self.coded.finish(&mut |text| seen.push(way, text, raw));
        seen.finish(way);
        done
    }
}

impl Seen {
    fn push(&mut self, way: &mut Way, text: &[u8], raw: usize) -> Result<(), Broken> {
        let size = self.out.len() + self.ahead.len() + text.len();
        if size > MESSAGE_BYTES
            || !self.share.set(raw + 2 * size)
            || self.ahead.try_reserve(text.len()).is_err()
            || self.out.try_reserve(self.ahead.len() + text.len()).is_err()
        {
            return Err(Broken::Memory);
        }
        self.ahead.extend_from_slice(text);
        let before = self.out.len();
        if self
            .body
            .push(&self.engine, way.work, way.exchange, text, &mut self.out)
            == Flow::Pass
        {
            self.out.extend_from_slice(text);
        }
        self.compare(before);
        Ok(())
    }

    fn finish(&mut self, way: &mut Way) {
        let before = self.out.len();
        self.body.finish(&self.engine, way.work, way.exchange, &mut self.out);
        self.compare(before);
    }

    fn compare(&mut self, before: usize) {
        let new = self.out.get(before..).unwrap_or_default();
        self.changed |= self.ahead.get(..new.len()) != Some(new);
        self.ahead.drain(..new.len().min(self.ahead.len()));
    }
}

impl Stream {
    /// The next bytes of a body of messages, `at` so many in the proxy's buffer.
    pub(super) fn enveloped(
        &mut self,
        work: &mut Workspace,
        exchange: &mut Exchange,
        m: &mut Messages,
        bytes: &[u8],
        at: usize,
    ) -> Result<(), &'static str> {
        let mut way = Way { work, exchange };
        let Some(mut text) = m.text.take() else {
            return self.framed(&mut way, m, bytes, at);
        };
        let mut plain = Vec::new();
        let read = text.decode(bytes, &mut plain);
        let done = self.in_text(&mut text, m, |s, m| s.framed(&mut way, m, &plain, 0));
        if !text.is_broken() || done.is_err() || self.stopped() {
            m.text = Some(text);
            return done;
        }
        // What stands around them is no base64: what is left of it is text.
        let before = text.take_open();
        m.text = Some(text);
        let rest = bytes.get(read..).unwrap_or_default();
        self.end_messages(way.work, way.exchange, m, 0)?;
        let then = match self.engine.on_uninspectable("encoding") {
            Fate::Pass => Then::Pass,
            Fate::Block => Then::Block,
            Fate::Drop => Then::Reset,
        };
        self.stop("encoding", Broken::Malformed.name(), then);
        self.all_unread("encoding");
        self.unread = Some(("encoding", (before.len() + rest.len()) as u64));
        self.body = Body::new(m.kind);
        self.plain(way.work, way.exchange, &before, 0)?;
        self.plain(way.work, way.exchange, rest, 0)
    }

    /// No more messages come, or none that are looked at.
    pub(super) fn end_messages(
        &mut self,
        work: &mut Workspace,
        exchange: &mut Exchange,
        m: &mut Messages,
        at: usize,
    ) -> Result<(), &'static str> {
        let mut way = Way { work, exchange };
        let Some(mut text) = m.text.take() else {
            return self.cut_off(&mut way, m, at);
        };
        self.in_text(&mut text, m, |s, m| s.cut_off(&mut way, m, 0))?;
        if let Some(out) = &mut self.out {
            text.finish(out);
            out.extend_from_slice(text.open());
        }
        Ok(())
    }

    /// A step whose output goes back into base64.
    fn in_text(
        &mut self,
        text: &mut Text64,
        m: &mut Messages,
        step: impl FnOnce(&mut Stream, &mut Messages) -> Result<(), &'static str>,
    ) -> Result<(), &'static str> {
        let out = self.out.replace(Vec::new());
        let done = step(self, m);
        let new = std::mem::replace(&mut self.out, out).unwrap_or_default();
        if m.reframed {
            text.loosen();
        }
        if let Some(out) = &mut self.out {
            text.encode(&new, m.frames.between(), out);
        }
        done
    }

    /// Bytes that leave as they stand.
    fn leave(&mut self, bytes: &[u8]) {
        if let Some(out) = &mut self.out {
            out.extend_from_slice(bytes);
        }
    }

    fn framed(&mut self, way: &mut Way, m: &mut Messages, mut bytes: &[u8], mut at: usize) -> Result<(), &'static str> {
        while !bytes.is_empty() && !self.stopped() && !way.exchange.over() {
            let (n, step) = m.frames.step(bytes);
            let (piece, behind) = bytes.split_at(n.min(bytes.len()));
            let waits = m.head_waits();
            match (step, &mut m.now) {
                (Step::Head, _) if waits => drop(self.say_again(at)?),
                (Step::Head, _) => self.leave(piece),
                (Step::Begins(head), _) if head.flags & COMPRESSED != 0 && head.length > 0 => {
                    self.say_again(at)?;
                    m.now = match m.begin(&self.engine, head) {
                        Ok(held) => Now::Held(Box::new(held)),
                        Err(reason) => {
                            way.exchange.pass_unread(reason, 1, 0);
                            self.leave(&head.bytes());
                            Now::Unread(reason)
                        }
                    };
                }
                (Step::Begins(head), now) => {
                    *now = Now::Plain;
                    self.body = Body::new(m.kind);
                    match head.flags & COMPRESSED {
                        0 => self.leave(piece),
                        _ => self.say_again(at)?.extend(head.bytes()),
                    }
                }
                (Step::Inside, Now::Plain) => self.plain(way.work, way.exchange, piece, at)?,
                (Step::Inside, Now::Held(held)) => {
                    if let Err(broken) = held.push(way, piece) {
                        self.unreadable_message(way, m, broken)?;
                    }
                }
                (Step::Inside, Now::Unread(reason)) => {
                    way.exchange.pass_unread(reason, 0, piece.len() as u64);
                    self.leave(piece);
                }
            }
            (bytes, at) = (behind, at + piece.len());
            if m.frames.between() {
                self.message_ends(way, m, at)?;
            }
        }
        Ok(())
    }

    fn message_ends(&mut self, way: &mut Way, m: &mut Messages, at: usize) -> Result<(), &'static str> {
        if let Now::Held(held) = &mut m.now
            && let Err(broken) = held.finish(way)
        {
            self.unreadable_message(way, m, broken)?;
        }
        match std::mem::replace(&mut m.now, Now::Plain) {
            Now::Plain => self.end_plain(way.work, way.exchange, at),
            Now::Unread(_) => Ok(()),
            Now::Held(held) => {
                let (mut head, mut bytes) = (held.head, &held.raw);
                if held.seen.changed {
                    bytes = &held.seen.out;
                    head.flags &= !COMPRESSED;
                    head.length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
                    m.reframed = true;
                }
                self.leave(&head.bytes());
                self.leave(bytes);
                Ok(())
            }
        }
    }

    /// A compressed message cannot be decoded, or not to its end.
    fn unreadable_message(&mut self, way: &mut Way, m: &mut Messages, broken: Broken) -> Result<(), &'static str> {
        let Now::Held(mut held) = std::mem::replace(&mut m.now, Now::Plain) else {
            return Ok(());
        };
        let reason = if broken.is_limit() { "limit" } else { "encoding" };
        held.seen.finish(way);
        way.exchange.pass_unread(reason, 1, held.raw.len() as u64);
        if held.seen.changed {
            // It cannot be passed as it came, after what was found in it.
            let then = match self.engine.on_uninspectable(reason) {
                Fate::Block => Then::Block,
                _ => Then::Reset,
            };
            self.stop(reason, broken.name(), then);
            self.unread.get_or_insert((reason, 0));
            return Ok(());
        }
        self.leave(&held.head.bytes());
        self.body = Body::new(m.kind);
        if broken == Broken::Lying {
            return self.plain(way.work, way.exchange, &held.raw, 0);
        }
        self.leave(&held.raw);
        m.now = Now::Unread(reason);
        Ok(())
    }

    /// The body ends, or what is looked at of it.
    fn cut_off(&mut self, way: &mut Way, m: &mut Messages, at: usize) -> Result<(), &'static str> {
        if matches!(m.now, Now::Held(_)) {
            self.unreadable_message(way, m, Broken::Truncated)?;
        }
        if m.head_waits() {
            self.leave(m.frames.of_head());
        }
        m.frames = Frames::default();
        self.end_plain(way.work, way.exchange, at)
    }
}
