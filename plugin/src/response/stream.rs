//! The response's body and trailers on their way.
//!
//! The body is redacted as it streams. When a candidate is open at the end of a chunk, the tail is left in the
//! proxy's buffer (`Pause`) while little is buffered, so that the trailers callback can still rewrite it; past that it
//! goes into the engine's memory, since a paused buffer overflows at the proxy's limit. Where no trailers can come, or
//! Content-Length says which byte is the last, nothing needs to be paused at all.

use std::sync::Arc;

use keepmum_engine::{Body, BodyKind, Engine, Exchange, Flow, Workspace};
use proxy_wasm::types::Action;

use super::coded::Coded;
use super::error::keep_only;
use super::messages::Messages;
use super::unread::Over;
use super::{BLOCKED, Response};
use crate::audit::Outcome;
use crate::body;
use crate::headers::Headers;
use crate::host::{self, Buffer, Map};
use crate::root::Shared;

/// A body is read from the proxy in pieces of this size: what a stream can need at a time does not depend on the
/// proxy's chunks, which can be as large as its buffer limit.
const PIECE: usize = 64 * 1024;

/// While no more than this is buffered, an open tail stays with the proxy: the next chunk (16 KiB as a rule) comes on
/// top, and both together must stay below the smallest buffer limit in use, 32 KiB.
const PAUSE_BYTES: usize = 8 * 1024;

/// Bytes of an unread body that are counted before its end: a socket can stay open for days.
const TOLD_BYTES: u64 = 1024 * 1024;

/// A body under redaction.
pub(super) struct Stream {
    pub(super) engine: Arc<Engine>,
    /// Where the proxy has it.
    pub(super) buffer: Buffer,
    pub(super) body: Body,
    /// Bytes still to come by Content-Length.
    pub(super) left: Option<u64>,
    /// Trailers may follow without a last body callback: HTTP/2, or announced.
    pub(super) trailers: bool,
    /// It is a stream of events, of which none that is complete and clean may wait.
    pub(super) events: bool,
    /// It is one of messages.
    pub(super) messages: Option<Messages>,
    /// Bytes of the proxy's buffer that were read before, in callbacks that paused.
    pub(super) read: usize,
    /// Output since the buffer was last let go; `None`: so far it leaves as it came.
    pub(super) out: Option<Vec<u8>>,
    /// Bytes that the proxy's buffer had when the callback began; they may have made way for output.
    pub(super) size: usize,
    pub(super) flushed: bool,
    /// The body is decoded first.
    pub(super) coded: Option<Coded>,
    /// Its length must stay.
    pub(super) keep_length: bool,
    /// Bytes of it, decoded, that are still looked at (`limits.body_bytes`).
    pub(super) room: Option<u64>,
    /// Bytes that came.
    pub(super) came: u64,
    /// The rest is not looked at, and whether that was told.
    pub(super) over: Option<Over>,
    pub(super) told: bool,
    /// Why the body, or a part of it, is not inspected, and the bytes since they were last counted.
    pub(super) unread: Option<(&'static str, u64)>,
    /// All of it is.
    pub(super) all_unread: bool,
}

impl Response {
    /// Takes what is new in the proxy's buffer through the engine. `true`: the tail is settled.
    fn read(&mut self, size: usize, last: bool) -> Result<bool, &'static str> {
        match &mut self.stream {
            Some(s) => s.read(&self.shared, &mut self.exchange, size, last),
            None => Ok(true),
        }
    }

    /// Lets the proxy's buffer of `size` bytes go, as it is or rewritten.
    fn release(&mut self, size: usize) -> Result<(), &'static str> {
        self.stream.as_mut().map_or(Ok(()), |s| s.release(size))
    }

    /// The next part of the response's body.
    pub(super) fn response_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        if self.failed {
            return self.fail("", size);
        }
        if let Some((_, bytes)) = &mut self.unread {
            *bytes += size as u64;
            if *bytes > TOLD_BYTES {
                self.count_unread();
            }
        }
        if self.dropping && !self.own_reply {
            let dropped = size == 0 || host::replace_buffer(Buffer::ResponseBody, size, b"").is_ok();
            return if dropped {
                Action::Continue
            } else {
                self.broken("the body could not be left out", size)
            };
        }
        if self.replacing.is_some() && !self.own_reply {
            return self.replaced_body(size, end_of_stream);
        }
        if self.stream.is_none() || self.own_reply {
            return Action::Continue;
        }
        let settled = match self.read(size, end_of_stream) {
            Ok(settled) => settled,
            Err(why) => return self.broken(why, size),
        };
        if self.exchange.over() {
            self.done(Outcome::Blocked);
            if self.engine.enforces() {
                return self.fail(BLOCKED, size);
            }
        }
        if let Some(action) = self.heed(size) {
            return action;
        }
        if !settled && self.stream.as_ref().is_some_and(|s| s.may_pause(size)) {
            return Action::Pause;
        }
        match self.release(size) {
            Ok(()) => Action::Continue,
            Err(why) => self.broken(why, size),
        }
    }

    /// The response's trailers.
    pub(super) fn response_trailers(&mut self, count: usize) -> Action {
        if self.failed {
            return self.fail("", 0);
        }
        if self.own_reply || self.ended {
            return Action::Continue;
        }
        if let Some(paused) = self.stream.as_ref().map(|s| s.read) {
            let settled = self.read(paused, true);
            if self.exchange.over() {
                self.done(Outcome::Blocked);
                if self.engine.enforces() {
                    return self.fail(BLOCKED, paused);
                }
            }
            if let Some(action) = self.heed(paused) {
                return action;
            }
            let has_tail = self
                .stream
                .as_ref()
                .is_some_and(|s| s.out.as_ref().is_some_and(|o| !o.is_empty()));
            if paused == 0 && has_tail && self.engine.enforces() {
                return self.fail("trailers came while the end of a chunk was being held", 0);
            }
            if let Err(why) = settled.and_then(|_| self.release(paused)) {
                return self.broken(why, paused);
            }
        }
        let digests = self.stream.is_some() && self.engine.enforces();
        let looks = self.engine.scans_trailers() || self.engine.errors().is_some() || self.error.is_some();
        if (looks || digests) && count > 0 {
            let Some(mut list) = Headers::get(Map::ResponseTrailers) else {
                return self.broken("the trailers could not be read", 0);
            };
            if digests {
                body::without_digests(&mut list, true);
            }
            let grpc = list.first(b"grpc-status").is_some();
            self.enter_error(&mut list, grpc);
            if let Some(error) = self.error.as_ref().filter(|_| self.replacing.is_some()) {
                keep_only(&error.profile, &mut list);
            }
            let scans = self.engine.scans_trailers();
            let read = if scans {
                self.values(&mut list, "trailer")
            } else {
                Ok(())
            };
            if self.exchange.over() {
                self.done(Outcome::Blocked);
                if self.engine.enforces() {
                    return self.fail(BLOCKED, 0);
                }
            }
            if read.is_err() || (self.engine.enforces() && list.put(Map::ResponseTrailers).is_err()) {
                return self.broken("the trailers could not be rewritten", 0);
            }
        }
        Action::Continue
    }
}

impl Stream {
    /// One of which nothing is known but what must be.
    pub(super) fn new(engine: Arc<Engine>, buffer: Buffer, kind: BodyKind) -> Stream {
        Stream {
            room: engine.bounds().body_bytes,
            engine,
            buffer,
            body: Body::new(kind),
            left: None,
            trailers: false,
            events: false,
            messages: None,
            read: 0,
            out: None,
            size: 0,
            flushed: false,
            coded: None,
            keep_length: kind.keep_length,
            came: 0,
            over: None,
            told: false,
            unread: None,
            all_unread: false,
        }
    }

    /// Whether a tail may stay in the proxy's buffer of this size. Of a body that is decoded only where its coding may end: what
    /// comes out of another chunk could be more than a buffer that was paused may become. Of events only as long as none could leave.
    pub(super) fn may_pause(&self, size: usize) -> bool {
        let small = |out: &Vec<u8>| out.len() <= PAUSE_BYTES;
        let may = |c: &Coded| c.at_end() && self.out.as_ref().is_none_or(small);
        let nothing_leaves = || self.out.as_ref().is_some_and(Vec::is_empty);
        let stays = !self.events || nothing_leaves();
        self.trailers && stays && size <= PAUSE_BYTES && self.coded.as_ref().is_none_or(may) && self.engine.enforces()
    }

    /// Takes what is new in the proxy's buffer through the engine. `true`: the tail is settled.
    pub(super) fn read(
        &mut self,
        shared: &Shared,
        exchange: &mut Exchange,
        size: usize,
        last: bool,
    ) -> Result<bool, &'static str> {
        let s = self;
        let mut work = shared.work.try_borrow_mut().map_err(|_| "the engine is busy")?;
        let mut at = s.read;
        s.size = size;
        if s.engine.enforces() && s.rewrites_all() {
            s.out.get_or_insert_default();
        }
        while at < size {
            // What comes out of a decoder may take the buffer's place before all of it has gone in.
            let most = if s.coded.is_some() { size } else { PIECE };
            let piece = host::buffer(s.buffer, at, most.min(size - at)).unwrap_or_default();
            if piece.is_empty() || (s.coded.is_some() && piece.len() < size - at) {
                return Err("the body could not be read");
            }
            s.take(&mut work, exchange, &piece, at)?;
            at += piece.len();
            if let Some(left) = &mut s.left {
                *left = left.saturating_sub(piece.len() as u64);
            }
        }
        s.read = at;
        s.heed_parts(shared, exchange);
        let last = last || s.left == Some(0);
        if !last {
            return Ok(s.body.held() == 0 && s.messages.as_ref().is_none_or(|m| m.held() == 0));
        }
        s.end_coded(&mut work, exchange)?;
        s.end(&mut work, exchange, at)?;
        s.heed_parts(shared, exchange);
        Ok(true)
    }

    /// What is held of the text is settled, behind so many bytes of the proxy's buffer if it is not decoded.
    pub(super) fn end(&mut self, work: &mut Workspace, exchange: &mut Exchange, at: usize) -> Result<(), &'static str> {
        if self.stopped() {
            return Ok(());
        }
        match self.messages.take() {
            Some(mut messages) => self.end_messages(work, exchange, &mut messages, at),
            None => self.end_plain(work, exchange, at),
        }
    }

    /// The same of a text that is no body of messages, or of one of these.
    pub(super) fn end_plain(
        &mut self,
        work: &mut Workspace,
        exchange: &mut Exchange,
        at: usize,
    ) -> Result<(), &'static str> {
        let mut tail = Vec::new();
        if self.body.finish(&self.engine, work, exchange, &mut tail) == Flow::Out {
            self.say_again(at)?.extend_from_slice(&tail);
        }
        Ok(())
    }

    /// The next text, which stands `at` so many bytes in the proxy's buffer if it is not decoded.
    pub(super) fn text(
        &mut self,
        work: &mut Workspace,
        exchange: &mut Exchange,
        text: &[u8],
        at: usize,
    ) -> Result<(), &'static str> {
        let Some(mut messages) = self.messages.take() else {
            return self.plain(work, exchange, text, at);
        };
        let done = self.enveloped(work, exchange, &mut messages, text, at);
        self.messages = Some(messages).filter(|_| self.over.is_none());
        done
    }

    /// The same of text that is no body of messages, or of one of these.
    pub(super) fn plain(
        &mut self,
        work: &mut Workspace,
        exchange: &mut Exchange,
        text: &[u8],
        at: usize,
    ) -> Result<(), &'static str> {
        let mut new = Vec::new();
        let flow = self.body.push(&self.engine, work, exchange, text, &mut new);
        match (&mut self.out, flow) {
            (None, Flow::Pass) => Ok(()),
            (Some(out), Flow::Pass) => add(out, text),
            (Some(out), Flow::Out) => add(out, &new),
            // The first change: what passed before it has to be said again.
            (None, Flow::Out) => add(self.say_again(at)?, &new),
        }
    }

    /// From here on the output is our own: what stands in the proxy's buffer before that is its beginning.
    pub(super) fn say_again(&mut self, at: usize) -> Result<&mut Vec<u8>, &'static str> {
        if self.out.is_none() {
            let mut out = Vec::new();
            while out.len() < at {
                let piece = host::buffer(self.buffer, out.len(), PIECE.min(at - out.len())).unwrap_or_default();
                if piece.is_empty() {
                    return Err("the body could not be read again");
                }
                add(&mut out, &piece)?;
            }
            self.out = Some(out);
        }
        Ok(self.out.get_or_insert_default())
    }

    /// Lets the proxy's buffer of `size` bytes go, as it is or rewritten.
    pub(super) fn release(&mut self, size: usize) -> Result<(), &'static str> {
        self.read = 0;
        let flushed = std::mem::take(&mut self.flushed);
        let Some(out) = self.out.take() else { return Ok(()) };
        if flushed {
            return host::append_buffer(self.buffer, &out).map_err(|_| "the body could not be rewritten");
        }
        let as_read =
            |(at, piece): (usize, &[u8])| host::buffer(self.buffer, at, piece.len()).is_ok_and(|now| now == piece);
        let same = || out.len() == size && (0..size).step_by(PIECE).zip(out.chunks(PIECE)).all(as_read);
        if !self.engine.enforces() || (size == 0 && out.is_empty()) || same() {
            return Ok(());
        }
        host::replace_buffer(self.buffer, size, &out).map_err(|_| "the body could not be rewritten")
    }
}

/// Memory that a body sizes may be refused, and a trap would take the worker's other streams down.
fn add(out: &mut Vec<u8>, text: &[u8]) -> Result<(), &'static str> {
    out.try_reserve(text.len())
        .map_err(|_| "there is no memory for the body")?;
    out.extend_from_slice(text);
    Ok(())
}
