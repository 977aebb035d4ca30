//! Bodies that are decoded before they are looked at, and how much of any body is.
//!
//! A decoder takes its memory from what all of a VM have together (`limits.decoder_bytes`). What comes out of it goes through the
//! engine piece by piece, and into the proxy's buffer as soon as it is much: what a stream holds does not grow with it.

use std::cell::Cell;
use std::rc::Rc;

use keepmum_codec::{Broken, Coding, Decoder, Limits, Sink};
use keepmum_engine::{Bounds, Exchange, Fate, Workspace};

use super::messages::Messages;
use super::stream::Stream;
use super::unread::Then;
use crate::host;

/// Bytes that all decoders of a VM take.
pub(crate) type Pool = Rc<Cell<usize>>;

/// What somebody takes of the pool.
pub(super) struct Share {
    most: usize,
    pool: Pool,
    taken: usize,
}

impl Share {
    /// Nothing yet, of a pool of so many bytes.
    pub(super) fn new(most: usize, pool: &Pool) -> Share {
        Share {
            most,
            pool: pool.clone(),
            taken: 0,
        }
    }

    fn others(&self) -> usize {
        self.pool.get().saturating_sub(self.taken)
    }

    /// Bytes that it may take at most.
    fn room(&self) -> usize {
        self.most.saturating_sub(self.others())
    }

    fn take(&mut self, bytes: usize) {
        self.pool.set(self.others().saturating_add(bytes));
        self.taken = bytes;
    }

    /// From now on it is so much. `false`: there is not as much left, and it stays as it is.
    pub(super) fn set(&mut self, bytes: usize) -> bool {
        let fits = bytes <= self.room();
        if fits {
            self.take(bytes);
        }
        fits
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.take(0);
    }
}

/// A body on its way through a decoder.
pub(super) struct Coded {
    decoder: Decoder,
    share: Share,
}

impl Coded {
    /// A decoder for these codings; `None`: there is no memory for it.
    pub(super) fn new(codings: &[Coding], bounds: Bounds, pool: &Pool) -> Option<Coded> {
        let limits = Limits {
            ratio: bounds.decompression_ratio,
            window: bounds.window_bytes,
        };
        let mut coded = Coded {
            decoder: Decoder::new(codings, limits),
            share: Share::new(bounds.decoder_bytes, pool),
        };
        let least = coded.decoder.least();
        coded.share.set(least).then_some(coded)
    }

    pub(super) fn push(&mut self, input: &[u8], sink: Sink<'_>) -> Result<(), Broken> {
        self.decoder.allow(self.share.room());
        let done = self.decoder.push(input, sink);
        self.share.take(self.decoder.least().max(self.decoder.memory()));
        done
    }

    pub(super) fn finish(&mut self, sink: Sink<'_>) -> Result<(), Broken> {
        self.decoder.finish(sink)
    }

    /// See [`Decoder::at_end`].
    pub(super) fn at_end(&self) -> bool {
        self.decoder.at_end()
    }

    /// See [`Decoder::swallowed`].
    pub(super) fn swallowed(&self) -> &[u8] {
        self.decoder.swallowed()
    }

    /// See [`Decoder::sound`].
    pub(super) fn sound(&self) -> u64 {
        self.decoder.sound()
    }
}

/// Output that is kept before it goes into the proxy's buffer.
const FLUSHED: usize = 64 * 1024;

impl Stream {
    /// Nothing of it leaves as it stands in the proxy's buffer.
    pub(super) fn rewrites_all(&self) -> bool {
        self.coded.is_some()
            || self.messages.as_ref().is_some_and(Messages::are_text)
            || self.over.is_some_and(|o| o.then == Then::Drop)
    }

    /// All of it counts as not inspected, though it is read.
    pub(super) fn all_unread(&mut self, reason: &'static str) {
        self.unread = Some((reason, 0));
        self.all_unread = true;
    }

    /// The next bytes, `at` so many in the proxy's buffer.
    pub(super) fn take(
        &mut self,
        work: &mut Workspace,
        exchange: &mut Exchange,
        piece: &[u8],
        at: usize,
    ) -> Result<(), &'static str> {
        self.came += piece.len() as u64;
        if let Some((_, bytes)) = self.unread.as_mut().filter(|_| self.all_unread) {
            *bytes += piece.len() as u64;
        }
        let Some(mut coded) = self.coded.take() else {
            return self.look(work, exchange, piece, at);
        };
        let mut failed = None;
        let done = coded.push(piece, &mut |text| self.decoded(work, exchange, text, &mut failed));
        if let Some(why) = failed {
            return Err(why);
        }
        match done {
            _ if self.stopped() => Ok(()),
            Ok(()) => {
                self.coded = Some(coded);
                Ok(())
            }
            Err(Broken::Lying) if self.engine.on_uninspectable("encoding") == Fate::Pass => {
                // Nothing has left yet, and the headers say that it is plain: so it is taken.
                self.stop("encoding", Broken::Lying.name(), Then::Pass);
                self.all_unread("encoding");
                self.unread = Some(("encoding", self.came));
                let before = coded.swallowed().to_vec();
                self.look(work, exchange, &before, 0)?;
                self.look(work, exchange, piece, at)
            }
            Err(broken) => self.breaks(work, exchange, &coded, broken),
        }
    }

    /// No more input comes.
    pub(super) fn end_coded(&mut self, work: &mut Workspace, exchange: &mut Exchange) -> Result<(), &'static str> {
        let Some(mut coded) = self.coded.take() else {
            return Ok(());
        };
        let mut failed = None;
        let done = coded.finish(&mut |text| self.decoded(work, exchange, text, &mut failed));
        match (failed, done) {
            (Some(why), _) => Err(why),
            (None, Err(broken)) if !self.stopped() => self.breaks(work, exchange, &coded, broken),
            _ => Ok(()),
        }
    }

    /// What came out of the decoder.
    fn decoded(
        &mut self,
        work: &mut Workspace,
        exchange: &mut Exchange,
        text: &[u8],
        failed: &mut Option<&'static str>,
    ) -> Result<(), Broken> {
        let looked = self.look(work, exchange, text, 0);
        *failed = looked.and_then(|()| self.flush()).err();
        // Which error it is does not matter: it is not looked at.
        if failed.is_some() || self.stopped() {
            Err(Broken::Malformed)
        } else {
            Ok(())
        }
    }

    /// Nothing more is to be decoded.
    pub(super) fn stopped(&self) -> bool {
        self.over.is_some_and(|o| o.then != Then::Pass)
    }

    /// Looks at text, as far as the policy has it looked at.
    fn look(
        &mut self,
        work: &mut Workspace,
        exchange: &mut Exchange,
        text: &[u8],
        at: usize,
    ) -> Result<(), &'static str> {
        let room = self
            .room
            .map_or(usize::MAX, |room| usize::try_from(room).unwrap_or(usize::MAX));
        let room = if self.stopped() { 0 } else { room };
        let (seen, rest) = text.split_at(room.min(text.len()));
        if !seen.is_empty() {
            self.text(work, exchange, seen, at)?;
        }
        if let Some(room) = &mut self.room {
            *room = room.saturating_sub(seen.len() as u64);
        }
        if rest.is_empty() {
            return Ok(());
        }
        if self.unread.is_none() {
            self.unread = Some(("too_large", 0));
        }
        if let Some((_, bytes)) = self.unread.as_mut().filter(|_| !self.all_unread) {
            *bytes += rest.len() as u64;
        }
        let before = at + seen.len();
        if self.over.is_none_or(|o| o.reason != "too_large") && !self.stopped() {
            self.end(work, exchange, before)?;
            let then = match self.engine.on_uninspectable("too_large") {
                Fate::Pass => Then::Pass,
                Fate::Block => Then::Block,
                Fate::Drop => self.droppable(),
            };
            self.over = None;
            self.told = false;
            self.stop("too_large", "it is larger than limits.body_bytes", then);
        }
        match (self.stopped(), self.engine.enforces()) {
            (true, true) => drop(self.say_again(before)?),
            (false, _) => {
                if let Some(out) = &mut self.out {
                    out.extend_from_slice(rest);
                }
            }
            (true, false) => {}
        }
        Ok(())
    }

    /// It cannot be decoded any further.
    fn breaks(
        &mut self,
        work: &mut Workspace,
        exchange: &mut Exchange,
        coded: &Coded,
        broken: Broken,
    ) -> Result<(), &'static str> {
        let reason = if broken.is_limit() { "limit" } else { "encoding" };
        let then = match (self.engine.on_uninspectable(reason), broken) {
            // All that there was has been looked at.
            (Fate::Pass, Broken::Truncated | Broken::Trailing) | (Fate::Drop, _) => Then::Drop,
            (Fate::Pass, _) => Then::Reset,
            (Fate::Block, _) => Then::Block,
        };
        self.end(work, exchange, 0)?;
        self.over = None;
        self.told = false;
        self.stop(reason, broken.name(), then);
        let rest = self.came.saturating_sub(coded.sound());
        self.unread = Some((reason, rest));
        self.all_unread = true;
        Ok(())
    }

    /// Much has come out: it goes into the proxy's buffer, from which all input was taken before.
    fn flush(&mut self) -> Result<(), &'static str> {
        let Some(out) = self.out.as_mut().filter(|o| o.len() > FLUSHED) else {
            return Ok(());
        };
        let written = if std::mem::replace(&mut self.flushed, true) {
            host::append_buffer(self.buffer, out)
        } else {
            host::replace_buffer(self.buffer, self.size, out)
        };
        out.clear();
        written.map_err(|_| "the body could not be rewritten")
    }
}
