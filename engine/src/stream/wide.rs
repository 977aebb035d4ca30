//! Bodies in UTF-16: a [`Body`] inside reads them as UTF-8, and what it lets go is turned back.
//!
//! Detectors that could read units of two bytes would need every pattern twice. A body that is none of these costs a
//! look at its first four bytes. One that is goes through the ordinary pipeline as well, behind this one: otherwise two
//! bytes in front would be enough to get everything else past.

use super::events::Events;
use super::{Body, BodyKind, Flow, Workspace};
use crate::Engine;
use crate::decode::utf16::{self, Decoder, Encoder, Guess};
use crate::exchange::Exchange;
use crate::limits;

/// What a body is written in.
#[derive(Clone, Debug)]
pub(super) enum Form {
    /// Not known yet: the first bytes, up to three.
    Unknown(Vec<u8>),
    /// Bytes of which ASCII stands for itself.
    Bytes,
    Wide(Box<Wide>),
    /// Parts behind each other, each with a form of its own.
    Parts(Box<super::parts::Parts>),
    /// One way of a WebSocket.
    Socket(Box<super::socket::Socket>),
    /// Events or lines, each of which is settled by itself.
    Events(Box<Events>),
}

impl Default for Form {
    fn default() -> Form {
        Form::Unknown(Vec::new())
    }
}

/// A body in UTF-16 on its way.
#[derive(Clone, Debug)]
pub(super) struct Wide {
    decoder: Decoder,
    encoder: Encoder,
    inner: Body,
    /// Where in the input that stands which the inner body has not let go.
    at: u64,
    /// Where the value of a field began that is still open: inside, and in the input.
    field: (u64, u64),
    /// What is found in its bytes, apart: what the inner body remembers must not be looked for in them, since that would
    /// depend on how far either had come.
    apart: Exchange,
}

impl Form {
    /// Bytes that are held back.
    pub(super) fn held(&self) -> usize {
        match self {
            Form::Unknown(front) => front.len(),
            Form::Bytes => 0,
            Form::Parts(p) => p.held(),
            Form::Socket(s) => s.held(),
            Form::Wide(w) => w.decoder.held() + usize::from(w.encoder.is_inside()) + w.inner.held(),
            Form::Events(e) => e.held(),
        }
    }

    pub(super) fn memory(&self) -> usize {
        match self {
            Form::Unknown(front) => front.capacity(),
            Form::Bytes => 0,
            Form::Parts(p) => p.memory(),
            Form::Socket(s) => s.memory(),
            Form::Wide(w) => size_of::<Wide>() - size_of::<Body>() + w.inner.memory() + w.apart.memory(),
            Form::Events(e) => e.memory(),
        }
    }
}

impl Body {
    /// One block of a body of which the form is not known, or is UTF-16.
    pub(super) fn block_by_form(
        &mut self,
        engine: &Engine,
        work: &mut Workspace,
        exchange: &mut Exchange,
        new: &[u8],
        out: &mut Vec<u8>,
    ) -> Flow {
        let mut front = match &mut self.form {
            Form::Bytes => return self.block(engine, work, exchange, new, false, out),
            Form::Wide(_) => return self.wide_block(engine, work, exchange, (new, false), out),
            Form::Parts(parts) => return parts.block(engine, work, exchange, (new, false), out),
            Form::Socket(socket) => return socket.block(engine, work, exchange, (new, false), out),
            Form::Events(_) => return self.events_block(engine, work, exchange, (new, false), out),
            Form::Unknown(front) => std::mem::take(front),
        };
        let was_held = front.len();
        front.extend_from_slice(new.get(..new.len().min(4)).unwrap_or_default());
        // In base64 there is no room for other lengths, nor in a body that must keep its own.
        let guess = if engine.decode.utf16 && !self.kind.keep_length && self.depth == 0 {
            utf16::guess(&front)
        } else {
            Guess::Bytes
        };
        self.form = match guess {
            Guess::Wide(order) => Form::Wide(Box::new(Wide {
                decoder: Decoder::new(order),
                encoder: Encoder::new(order),
                inner: Body::of_bytes(self.kind),
                at: 0,
                field: (0, 0),
                apart: Exchange::listing_all(),
            })),
            Guess::Bytes => Form::Bytes,
            Guess::Unknown => {
                self.form = Form::Unknown(front);
                return Flow::Out;
            }
        };
        if was_held == 0 {
            return self.block_by_form(engine, work, exchange, new, out);
        }
        front.truncate(was_held);
        for piece in [front.as_slice(), new] {
            if self.block_by_form(engine, work, exchange, piece, out) == Flow::Pass {
                out.extend_from_slice(piece);
            }
        }
        Flow::Out
    }

    /// The body has ended.
    pub(super) fn finish_by_form(
        &mut self,
        engine: &Engine,
        work: &mut Workspace,
        exchange: &mut Exchange,
        out: &mut Vec<u8>,
    ) -> Flow {
        match &mut self.form {
            Form::Wide(_) => return self.wide_block(engine, work, exchange, (&[], true), out),
            Form::Parts(parts) => return parts.block(engine, work, exchange, (&[], true), out),
            Form::Socket(socket) => return socket.block(engine, work, exchange, (&[], true), out),
            Form::Events(_) => return self.events_block(engine, work, exchange, (&[], true), out),
            Form::Bytes | Form::Unknown(_) => {}
        }
        match std::mem::replace(&mut self.form, Form::Bytes) {
            Form::Bytes | Form::Wide(_) | Form::Parts(_) | Form::Socket(_) | Form::Events(_) => Flow::Pass,
            Form::Unknown(front) => {
                if self.block(engine, work, exchange, &front, false, out) == Flow::Pass {
                    out.extend_from_slice(&front);
                }
                self.end_enforced(engine, work, exchange, out);
                if front.is_empty() { Flow::Pass } else { Flow::Out }
            }
        }
    }

    /// One block of a body in UTF-16: as text, and what comes of that as bytes.
    fn wide_block(
        &mut self,
        engine: &Engine,
        work: &mut Workspace,
        exchange: &mut Exchange,
        (new, last): (&[u8], bool),
        out: &mut Vec<u8>,
    ) -> Flow {
        let Form::Wide(mut wide) = std::mem::replace(&mut self.form, Form::Bytes) else {
            return Flow::Pass;
        };
        let mut text = Vec::new();
        let changed = wide.block(engine, work, exchange, new, last, &mut text) == Flow::Out;
        let seen = if changed { text.as_slice() } else { new };
        let apart = &mut wide.apart;
        let mut flow = Flow::Pass;
        for block in seen.chunks(limits::BLOCK_BYTES) {
            match self.block(engine, work, apart, block, false, out) {
                Flow::Pass if changed => out.extend_from_slice(block),
                Flow::Pass => {}
                Flow::Out => flow = Flow::Out,
            }
        }
        if last || exchange.over() {
            self.end_enforced(engine, work, apart, out);
        }
        exchange.given_up += std::mem::take(&mut apart.given_up);
        exchange.block_with(apart);
        for f in apart.take_findings() {
            exchange.found(f.source, f.action, f.start, f.end);
        }
        self.form = Form::Wide(wide);
        if changed { Flow::Out } else { flow }
    }

    /// A body that is no UTF-16.
    pub(crate) fn of_bytes(kind: BodyKind) -> Body {
        Body {
            form: Form::Bytes,
            whole: super::whole::Whole::Text,
            ..Body::new(kind)
        }
    }
}

impl Wide {
    fn block(
        &mut self,
        engine: &Engine,
        work: &mut Workspace,
        exchange: &mut Exchange,
        new: &[u8],
        last: bool,
        out: &mut Vec<u8>,
    ) -> Flow {
        let held = self.decoder.held() + usize::from(self.encoder.is_inside());
        let (mut text, mut changed) = (Vec::with_capacity(new.len()), Vec::new());
        self.decoder.feed(new, &mut text);
        let odd = if last { self.decoder.finish(&mut text) } else { None };
        let (told, stepped) = (exchange.findings().len(), exchange.trace.len());
        let base = self.inner.base;
        let mut window = self.inner.held.clone();
        let mut flow = self.inner.enforced(engine, work, exchange, &text, &mut changed);
        if flow == Flow::Pass && (last || held > 0 || self.decoder.held() > 0) {
            changed.extend_from_slice(&text);
            flow = Flow::Out;
        }
        if last && !exchange.over() {
            self.inner.end_enforced(engine, work, exchange, &mut changed);
        }
        window.extend_from_slice(&text);
        let (at, field) = (self.at, self.field);
        let place = |o: u64| {
            let Some(front) = o.checked_sub(base) else {
                // Only the value of a field is told of so late.
                return if o == field.0 {
                    field.1
                } else {
                    at.saturating_sub(2 * (base - o))
                };
            };
            let front = window
                .get(..usize::try_from(front).unwrap_or(usize::MAX))
                .unwrap_or(&window);
            at + 2 * utf16::units(front)
        };
        exchange.move_findings(told, place);
        exchange.trace.move_from(stepped, place);
        if let Some((from, ..)) = self.inner.field {
            self.field = (from, place(from));
        }
        self.at = place(self.inner.base);
        if flow == Flow::Pass {
            return Flow::Pass;
        }
        self.encoder.feed(&changed, out);
        if last || exchange.over() {
            self.encoder.finish(out);
        }
        if !exchange.over() {
            out.extend(odd);
        }
        Flow::Out
    }
}
