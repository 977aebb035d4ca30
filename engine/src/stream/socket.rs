//! What runs over a WebSocket, one way: each text message goes through a [`Body`] of its own that keeps lengths, so that
//! every frame stays as long as its head says, and so does text as UTF-8, since masks are ASCII.
//!
//! A message can stand in several frames, and a secret in two of them. What is held of one frame must leave before the head of
//! the next one does, and before a ping between them: they wait in a queue. To read the frames apart would need no queue, and would
//! let a server that writes in small pieces send anything. Text from a client is combined with a key, which is taken off and put
//! on again. What is no text passes and is counted.

use std::collections::VecDeque;

use super::{Body, BodyKind, Flow, Workspace};
use crate::Engine;
use crate::decode::websocket::{self, Frame, Head, Kind};
use crate::exchange::Exchange;
use crate::limits;

/// What waits for text before it.
#[derive(Clone, Debug)]
enum Wait {
    /// Text of a frame: so many bytes, and the number of the first.
    Text { left: u64, at: u64, key: Option<[u8; 4]> },
    /// As it stands.
    Raw(Vec<u8>),
}

/// The message under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Message {
    #[default]
    None,
    Text,
    Unread,
}

/// One way of a WebSocket. Offsets point into its INPUT.
#[derive(Clone, Debug, Default)]
pub(super) struct Socket {
    head: Head,
    /// The frame under way, and how many of its bytes have come.
    frame: Option<(Frame, u64)>,
    message: Message,
    /// Text of the message, once there is some, and where it began. In several frames places are reckoned as if their heads
    /// were not there.
    inner: Option<Box<Body>>,
    from: u64,
    at: u64,
    queue: VecDeque<Wait>,
    /// About what the queue takes.
    queued: usize,
}

impl Body {
    /// One direction of a WebSocket, from the first byte behind the upgrade on.
    pub fn of_websocket() -> Body {
        Body {
            form: super::wide::Form::Socket(Box::default()),
            ..Body::of_bytes(BodyKind {
                json: false,
                keep_length: true,
            })
        }
    }
}

impl Socket {
    /// Bytes that are held back.
    pub(super) fn held(&self) -> usize {
        let raw = |w: &Wait| match w {
            Wait::Raw(bytes) => bytes.len(),
            Wait::Text { .. } => 0,
        };
        self.inner.as_deref().map_or(0, Body::held) + self.queue.iter().map(raw).sum::<usize>()
    }

    pub(super) fn memory(&self) -> usize {
        size_of::<Socket>()
            + self.inner.as_deref().map_or(0, Body::memory)
            + self.queue.capacity() * size_of::<Wait>()
            + self.queued
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
        let mut rest = new;
        while let Some((&b, behind)) = rest.split_first() {
            if exchange.over() {
                return Flow::Out;
            }
            let read = match self.frame {
                None => {
                    self.raw(&[b], out);
                    if let Some(frame) = self.head.step(b) {
                        self.begin(engine, work, exchange, frame, out);
                    }
                    rest = behind;
                    1
                }
                Some((frame, came)) => {
                    let most = usize::try_from(frame.len - came).unwrap_or(usize::MAX);
                    // The code in front of a reason is none of it.
                    let code = usize::from(frame.kind == Kind::Close && came < 2) * 2;
                    let most = if code > 0 { most.min(code - came as usize) } else { most };
                    let (piece, behind) = rest.split_at(rest.len().min(most));
                    if code > 0 || frame.kind == Kind::Control || self.message != Message::Text {
                        self.raw(piece, out);
                        if self.message == Message::Unread && !matches!(frame.kind, Kind::Control | Kind::Close) {
                            exchange.pass_unread("upgrade", 0, piece.len() as u64);
                        }
                    } else {
                        self.text(engine, work, exchange, (piece, came, frame.key), out);
                    }
                    self.frame = Some((frame, came + piece.len() as u64));
                    rest = behind;
                    piece.len()
                }
            };
            self.at += read as u64;
            if let Some((frame, came)) = self.frame.filter(|(frame, came)| *came >= frame.len) {
                debug_assert_eq!(came, frame.len);
                self.frame = None;
                let ends = frame.last && frame.kind != Kind::Control;
                if ends {
                    self.settle(engine, work, exchange, out);
                    self.message = Message::None;
                }
            }
        }
        if last {
            self.settle(engine, work, exchange, out);
        }
        if exchange.over() {
            return Flow::Out;
        }
        if out.get(before..) == Some(new) {
            out.truncate(before);
            return Flow::Pass;
        }
        Flow::Out
    }

    /// A frame's head has come.
    fn begin(
        &mut self,
        engine: &Engine,
        work: &mut Workspace,
        exchange: &mut Exchange,
        frame: Frame,
        out: &mut Vec<u8>,
    ) {
        self.frame = Some((frame, 0));
        match (frame.kind, self.message) {
            (Kind::Control, _) | (Kind::More, Message::Text | Message::Unread) => {}
            (Kind::Other, _) => {
                self.settle(engine, work, exchange, out);
                self.message = Message::Unread;
                exchange.pass_unread("upgrade", 1, 0);
            }
            // What continues nothing is read: some reader may take it.
            (Kind::Text | Kind::Close | Kind::More, _) => {
                self.settle(engine, work, exchange, out);
                self.message = Message::Text;
            }
        }
        if self.queued > limits::SOCKET_QUEUE_BYTES {
            exchange.given_up += 1;
            self.settle(engine, work, exchange, out);
        }
    }

    /// Text of the message.
    fn text(
        &mut self,
        engine: &Engine,
        work: &mut Workspace,
        exchange: &mut Exchange,
        (piece, at, key): (&[u8], u64, Option<[u8; 4]>),
        out: &mut Vec<u8>,
    ) {
        let mut plain = piece.to_vec();
        websocket::apply(key, at, &mut plain);
        let body = self.inner.get_or_insert_with(|| {
            self.from = self.at;
            Box::new(Body::new(BodyKind {
                json: matches!(plain.first(), Some(b'{' | b'[')),
                keep_length: true,
            }))
        });
        match self.queue.back_mut() {
            Some(Wait::Text { left, at: begun, .. }) if *begun + *left == at => *left += piece.len() as u64,
            _ => {
                let left = piece.len() as u64;
                self.queue.push_back(Wait::Text { left, at, key });
                self.queued += size_of::<Wait>();
            }
        }
        let (told, stepped) = (exchange.findings().len(), exchange.trace.len());
        let mut new = Vec::new();
        if body.push_whole(engine, work, exchange, &plain, &mut new) == Flow::Pass {
            new = plain;
        }
        self.place(exchange, told, stepped);
        self.let_go(new, out);
    }

    /// The message, or what is read of it as one, has ended.
    fn settle(&mut self, engine: &Engine, work: &mut Workspace, exchange: &mut Exchange, out: &mut Vec<u8>) {
        let Some(mut body) = self.inner.take().filter(|_| !exchange.over()) else {
            return;
        };
        let (told, stepped) = (exchange.findings().len(), exchange.trace.len());
        let mut new = Vec::new();
        body.finish_whole(engine, work, exchange, &mut new);
        self.place(exchange, told, stepped);
        if exchange.over() {
            return;
        }
        // A body that keeps its length has let go of all that it took; a frame that were shorter than it says would be the worst.
        let owed = self.queue.iter().map(|w| match w {
            Wait::Text { left, .. } => *left,
            Wait::Raw(_) => 0,
        });
        new.resize(usize::try_from(owed.sum::<u64>()).unwrap_or(new.len()), b'*');
        self.let_go(new, out);
    }

    /// Findings stand as far into the input as their message began.
    fn place(&self, exchange: &mut Exchange, told: usize, stepped: usize) {
        let from = self.from;
        exchange.move_findings(told, |o| from + o);
        exchange.trace.move_from(stepped, |o| from + o);
    }

    /// What is no text leaves, or waits for the text before it.
    fn raw(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        if self.queue.is_empty() {
            out.extend_from_slice(bytes);
            return;
        }
        self.queued += bytes.len();
        match self.queue.back_mut() {
            Some(Wait::Raw(waiting)) => waiting.extend_from_slice(bytes),
            _ => {
                self.queue.push_back(Wait::Raw(bytes.to_vec()));
                self.queued += size_of::<Wait>();
            }
        }
    }

    /// Text has come out, and what waited for it may leave behind it.
    fn let_go(&mut self, mut text: Vec<u8>, out: &mut Vec<u8>) {
        let mut done = 0;
        while let Some(wait) = self.queue.front_mut() {
            match wait {
                Wait::Raw(bytes) => {
                    self.queued = self.queued.saturating_sub(bytes.len());
                    out.append(bytes);
                }
                Wait::Text { left, at, key } => {
                    let n = usize::try_from(*left).unwrap_or(usize::MAX).min(text.len() - done);
                    let piece = text.get_mut(done..done + n).unwrap_or_default();
                    websocket::apply(*key, *at, piece);
                    out.extend_from_slice(piece);
                    done += n;
                    (*left, *at) = (*left - n as u64, *at + n as u64);
                    if *left > 0 {
                        return;
                    }
                }
            }
            self.queue.pop_front();
            self.queued = self.queued.saturating_sub(size_of::<Wait>());
        }
        if self.queue.capacity() > 64 {
            // A flood has passed.
            self.queue = VecDeque::new();
        }
    }
}
