//! The state of one stream: both directions as the filter manager and the wasm context keep them.

use std::collections::BTreeMap;

use super::headers::{HeaderMap, Kind};
use crate::exchange::{End, Headers, Message};

/// Which half of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the client to the upstream.
    Request,
    /// From the upstream to the client.
    Response,
}

impl Direction {
    pub(super) fn kind(self) -> Kind {
        match self {
            Self::Request => Kind::Request,
            Self::Response => Kind::Response,
        }
    }
}

/// Where the filter has stopped the half, if it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) enum Iteration {
    #[default]
    Continue,
    /// Body and trailers callbacks still come.
    StopSingle,
    /// No callback comes; what arrives is kept, up to the limit.
    StopAllBuffer,
    /// No callback comes; at the limit the sender is held back.
    StopAllWatermark,
}

impl Iteration {
    pub(super) fn stopped_all(self) -> bool {
        matches!(self, Self::StopAllBuffer | Self::StopAllWatermark)
    }
}

/// What a body host call reaches outside the buffering case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) enum Body {
    /// Nothing: reads are empty, writes are refused.
    #[default]
    Absent,
    /// The chunk of the current callback.
    Chunk,
    /// A chunk that was given away already: writes succeed and are lost.
    Spent,
}

/// One half of a stream.
#[derive(Debug, Default)]
pub(super) struct Half {
    pub(super) headers: Option<HeaderMap>,
    pub(super) headers_live: bool,
    pub(super) trailers: Option<HeaderMap>,
    pub(super) trailers_live: bool,
    /// The chunk of the current body callback.
    pub(super) chunk: Vec<u8>,
    pub(super) body: Body,
    /// The last body callback asked to buffer: host calls see `held`, and it grows before the next callback.
    pub(super) buffering: bool,
    /// Envoy's own buffer for this half.
    pub(super) held: Option<Vec<u8>>,
    pub(super) peak_held: usize,
    pub(super) iteration: Iteration,
    pub(super) headers_continued: bool,
    /// The filter has seen the end; nothing more is given to it.
    pub(super) filter_ended: bool,
    /// The end (or trailers) has arrived from the sender.
    pub(super) end_seen: bool,
    /// A local reply or a reset has cut this half off.
    pub(super) aborted: bool,
    /// The limit was passed before a request callback: the answer to send after it.
    pub(super) too_large: Option<LocalReply>,
    /// The sender is held back for good.
    pub(super) stalled: bool,
    pub(super) out: Message,
    pub(super) out_started: bool,
    pub(super) out_ended: bool,
}

/// How a stream stands, seen from the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Over {
    Complete,
    Reset,
}

/// One stream.
#[derive(Debug, Default)]
pub(super) struct Stream {
    pub(super) request: Half,
    pub(super) response: Half,
    /// `end_of_stream` of the last headers or body callback, of either half: Envoy keeps one for both.
    pub(super) end_of_stream: bool,
    pub(super) in_log: bool,
    /// The module knows this stream.
    pub(super) created: bool,
    /// The module is never asked (FAIL_OPEN after a trap).
    pub(super) bypass: bool,
    /// A trap has already been answered with 503: the response callbacks are skipped.
    pub(super) failure_answered: bool,
    /// The VM that this stream belongs to: a reloaded one does not know it.
    pub(super) generation: u32,
    pub(super) over: Option<Over>,
    /// The response was made by the proxy.
    pub(super) local_reply: bool,
    pub(super) code_details: &'static str,
    pub(super) request_bytes: u64,
    pub(super) response_bytes: u64,
    /// Set by `proxy_set_property`.
    pub(super) filter_state: BTreeMap<Vec<u8>, Vec<u8>>,
    pub(super) started_at: u64,
}

impl Stream {
    pub(super) fn half(&self, direction: Direction) -> &Half {
        match direction {
            Direction::Request => &self.request,
            Direction::Response => &self.response,
        }
    }

    pub(super) fn half_mut(&mut self, direction: Direction) -> &mut Half {
        match direction {
            Direction::Request => &mut self.request,
            Direction::Response => &mut self.response,
        }
    }

    pub(super) fn is_head(&self) -> bool {
        self.request.headers.as_ref().and_then(|h| h.first(b":method")) == Some(b"HEAD")
    }
}

impl Half {
    /// The buffer that a host call reads, if any.
    pub(super) fn readable(&self) -> Option<&[u8]> {
        if self.buffering {
            return self.held.as_deref();
        }
        match self.body {
            Body::Absent => None,
            Body::Chunk => Some(&self.chunk),
            Body::Spent => Some(&[]),
        }
    }

    /// The buffer that a host call writes; `Err` is one whose content is lost.
    pub(super) fn writable(&mut self) -> Option<Result<&mut Vec<u8>, Lost>> {
        if self.buffering {
            return self.held.as_mut().map(Ok);
        }
        match self.body {
            Body::Absent => None,
            Body::Chunk => Some(Ok(&mut self.chunk)),
            Body::Spent => Some(Err(Lost)),
        }
    }

    pub(super) fn note_held(&mut self) {
        let held = self.held.as_ref().map_or(0, Vec::len);
        self.peak_held = self.peak_held.max(held);
    }
}

/// A write that goes nowhere.
#[derive(Debug)]
pub(super) struct Lost;

/// A reply that the proxy makes itself.
#[derive(Debug, Clone)]
pub(super) struct LocalReply {
    pub(super) status: u32,
    pub(super) body: Vec<u8>,
    pub(super) headers: Headers,
    pub(super) details: &'static str,
    pub(super) grpc_status: Option<u32>,
}

/// A complete message that replaces whatever was on its way.
pub(super) fn direct(headers: Headers, body: Vec<u8>) -> Message {
    let body = if body.is_empty() { Vec::new() } else { vec![body] };
    Message {
        headers,
        body,
        trailers: None,
        end: End::Complete,
    }
}
