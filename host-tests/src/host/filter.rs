//! Drives one stream through the module as Envoy's filter manager does with a single filter in the chain:
//! what a returned code stops, what is held, what goes on, and what the proxy answers by itself.
//!
//! The functions mirror the filter manager's own steps (headers, data, trailers, continue, local reply).
//! A simpler loop (call, look at the code, forward) gets the corners wrong that modules trip over: a
//! continue inside a callback that pauses, trailers after a given-away chunk, a reply while data is held.

use super::headers::{HeaderMap, Kind};
use super::options::FailurePolicy;
use super::state::{Abi, Deferred};
use super::stream::{Body, Direction, Half, Iteration, LocalReply, Over, Stream, direct};
use super::vm::Vm;
use crate::exchange::Headers;

use Direction::{Request, Response};

/// A body callback's answer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum BodyAction {
    Continue,
    Buffer,
    Watermark,
    NoBuffer,
}

impl Vm {
    fn stream(&mut self, id: u32) -> Option<&mut Stream> {
        self.instance.host_mut().lasting.streams.get_mut(&id)
    }

    fn half(&mut self, id: u32, direction: Direction) -> Option<&mut Half> {
        Some(self.stream(id)?.half_mut(direction))
    }

    /// May this half still move?
    fn running(&mut self, id: u32, direction: Direction) -> bool {
        self.stream(id).is_some_and(|s| s.over.is_none() && !s.half(direction).aborted)
    }

    /// Headers arrive.
    pub(super) fn headers(&mut self, id: u32, direction: Direction, headers: HeaderMap, end: bool) {
        if !self.running(id, direction) {
            return;
        }
        let count = headers.len();
        let Some(stream) = self.stream(id) else { return };
        stream.end_of_stream = end;
        let half = stream.half_mut(direction);
        half.headers = Some(headers);
        half.headers_live = true;
        half.end_seen |= end;
        half.filter_ended = end;
        let iteration = self.ask_headers(id, direction, count as u32, end);
        if !self.running(id, direction) {
            return;
        }
        let Some(half) = self.half(id, direction) else { return };
        if iteration == Iteration::Continue {
            half.headers_live = false;
            half.headers_continued = true;
            self.pass_headers(id, direction, end);
        } else {
            half.iteration = iteration;
        }
    }

    /// A piece of body arrives, or is given again after a full stop.
    pub(super) fn data(&mut self, id: u32, direction: Direction, mut chunk: Vec<u8>, end: bool) {
        if !self.running(id, direction) {
            return;
        }
        let Some(half) = self.half(id, direction) else { return };
        half.end_seen |= end;
        if half.iteration.stopped_all() {
            let watermark = half.iteration == Iteration::StopAllWatermark;
            self.hold(id, direction, chunk, watermark);
            return;
        }
        if half.filter_ended {
            return;
        }
        let had_trailers = half.trailers.is_some();
        let end_for_filter = end && !had_trailers;
        half.filter_ended = end_for_filter;
        let action = self.ask_body(id, direction, &mut chunk, end_for_filter);
        if !self.running(id, direction) || !self.after_body(id, direction, action, &mut chunk) {
            return;
        }
        let added = !had_trailers && self.half(id, direction).is_some_and(|half| half.trailers.is_some());
        self.pass_data(id, direction, chunk, end && !added);
        if added {
            self.pass_trailers(id, direction);
        }
    }

    /// Trailers arrive: the body callback has not been told of an end, and will not be.
    pub(super) fn trailers(&mut self, id: u32, direction: Direction, trailers: HeaderMap) {
        if !self.running(id, direction) {
            return;
        }
        let Some(half) = self.half(id, direction) else { return };
        half.trailers = Some(trailers);
        half.end_seen = true;
        if !half.iteration.stopped_all() {
            self.offer_trailers(id, direction);
        }
    }

    fn offer_trailers(&mut self, id: u32, direction: Direction) {
        let Some(half) = self.half(id, direction) else { return };
        half.trailers_live = true;
        half.filter_ended = true;
        let count = half.trailers.as_ref().map_or(0, HeaderMap::len);
        let go_on = self.ask_trailers(id, direction, count as u32);
        if !self.running(id, direction) {
            return;
        }
        let Some(half) = self.half(id, direction) else { return };
        if !go_on {
            if half.iteration == Iteration::Continue {
                half.iteration = Iteration::StopSingle;
            }
            return;
        }
        half.trailers_live = false;
        if half.iteration == Iteration::StopSingle {
            self.resume(id, direction);
        } else {
            self.pass_trailers(id, direction);
        }
    }

    /// Acts on a body callback's answer; true when the chunk goes on to the next in the chain.
    fn after_body(&mut self, id: u32, direction: Direction, action: BodyAction, chunk: &mut Vec<u8>) -> bool {
        let Some(half) = self.half(id, direction) else { return false };
        match action {
            BodyAction::Continue if half.iteration == Iteration::StopSingle => {
                self.hold(id, direction, std::mem::take(chunk), false);
                if self.running(id, direction) {
                    self.resume(id, direction);
                }
                false
            }
            BodyAction::Continue => true,
            BodyAction::Buffer | BodyAction::Watermark => {
                half.iteration = Iteration::StopSingle;
                self.hold(id, direction, std::mem::take(chunk), action == BodyAction::Watermark);
                false
            }
            BodyAction::NoBuffer => {
                half.iteration = Iteration::StopSingle;
                if half.end_seen && half.trailers.is_none() && half.held.is_none() {
                    half.held = Some(Vec::new());
                }
                false
            }
        }
    }

    /// Puts bytes into Envoy's buffer. Past the limit: an error, or (watermark) the sender is stopped.
    fn hold(&mut self, id: u32, direction: Direction, chunk: Vec<u8>, watermark: bool) {
        self.hold_at(id, direction, chunk, watermark, false);
    }

    fn hold_at(&mut self, id: u32, direction: Direction, chunk: Vec<u8>, watermark: bool, during_callback: bool) {
        let limit = self.options.buffer_limit;
        let Some(half) = self.half(id, direction) else { return };
        match &mut half.held {
            Some(held) => held.extend_from_slice(&chunk),
            None => half.held = Some(chunk),
        }
        half.note_held();
        if limit == 0 || half.held.as_ref().map_or(0, Vec::len) <= limit {
            return;
        }
        if watermark {
            half.stalled = true;
            return;
        }
        let (status, body, details) = match direction {
            Request => (413, "Payload Too Large", "request_payload_too_large"),
            Response => (500, "Internal Server Error", "response_payload_too_large"),
        };
        let reply = LocalReply::plain(status, body, details);
        if during_callback && direction == Request {
            // Envoy does not answer in the middle of a request callback: this one still runs.
            half.too_large = Some(reply);
        } else {
            self.local_reply(id, reply);
        }
    }

    /// Lets go of what was stopped: headers, then what is held, then trailers.
    fn resume(&mut self, id: u32, direction: Direction) {
        if !self.running(id, direction) {
            return;
        }
        let Some(half) = self.half(id, direction) else { return };
        let from_this_filter = half.iteration.stopped_all();
        half.iteration = Iteration::Continue;
        if half.headers.is_none() {
            return;
        }
        if !half.headers_continued {
            half.headers_continued = true;
            let end = half.end_seen && half.held.is_none() && half.trailers.is_none();
            self.pass_headers(id, direction, end);
            if !self.running(id, direction) {
                return;
            }
        }
        let Some(half) = self.half(id, direction) else { return };
        let had_trailers = half.trailers.is_some();
        let end = half.end_seen && !had_trailers;
        if let Some(held) = half.held.take() {
            if from_this_filter {
                self.data(id, direction, held, end);
            } else {
                self.pass_data(id, direction, held, end);
            }
        }
        if had_trailers && self.running(id, direction) {
            if from_this_filter {
                self.offer_trailers(id, direction);
            } else {
                self.pass_trailers(id, direction);
            }
        }
    }

    /// Headers leave for the router or the client, if they can be sent at all.
    fn pass_headers(&mut self, id: u32, direction: Direction, end: bool) {
        let http2 = self.options.http2;
        let Some(stream) = self.stream(id) else { return };
        let head = stream.is_head();
        let half = stream.half_mut(direction);
        let Some(headers) = &half.headers else { return };
        if half.out_started {
            self.note(format!("headers continued twice ({direction:?})"));
            return;
        }
        let missing = match direction {
            Request => [&b":path"[..], b":authority"].iter().any(|name| headers.first(name).is_none()),
            Response => headers.first(b":status").is_none(),
        };
        if missing {
            let reply = match direction {
                Request => LocalReply::plain(404, "", "route_not_found"),
                Response => LocalReply::plain(502, "missing required header: :status", "filter_removed_required_response_headers"),
            };
            self.local_reply(id, reply);
            return;
        }
        half.out.headers = headers.entries().clone();
        half.out_started = true;
        if direction == Response {
            framing(&mut half.out.headers, end && !http2 && !head);
        }
        if end {
            self.pass_end(id, direction);
        }
    }

    fn pass_data(&mut self, id: u32, direction: Direction, chunk: Vec<u8>, end: bool) {
        let Some(stream) = self.stream(id) else { return };
        let bodiless = direction == Response && stream.is_head();
        let half = stream.half_mut(direction);
        if !chunk.is_empty() && !bodiless {
            half.out.body.push(chunk);
        }
        if end {
            self.pass_end(id, direction);
        }
    }

    fn pass_trailers(&mut self, id: u32, direction: Direction) {
        let Some(half) = self.half(id, direction) else { return };
        half.out.trailers = half.trailers.as_ref().map(|t| t.entries().clone()).filter(|t| !t.is_empty());
        self.pass_end(id, direction);
    }

    /// The half is complete; a complete response ends the stream.
    fn pass_end(&mut self, id: u32, direction: Direction) {
        let Some(stream) = self.stream(id) else { return };
        stream.half_mut(direction).out_ended = true;
        if direction == Response && stream.over.is_none() {
            stream.over = Some(Over::Complete);
            self.ended.push(id);
        }
    }

    /// The stream is cut.
    pub(super) fn cut(&mut self, id: u32) {
        let Some(stream) = self.stream(id) else { return };
        if stream.over.is_none() {
            stream.over = Some(Over::Reset);
            self.ended.push(id);
        }
    }

    /// The proxy answers by itself. Before any response: through the module's response callbacks. Instead
    /// of a response that is on its way but not sent: straight to the client. After that: a reset.
    pub(super) fn local_reply(&mut self, id: u32, reply: LocalReply) {
        let http2 = self.options.http2;
        let Some(stream) = self.stream(id) else { return };
        if stream.over.is_some() {
            return;
        }
        let grpc = stream.request.headers.as_ref().and_then(|h| h.first(b"content-type"));
        let grpc = grpc.is_some_and(|t| t == b"application/grpc" || t.starts_with(b"application/grpc+"));
        let head = stream.is_head();
        stream.request.aborted = true;
        stream.code_details = reply.details;
        let (headers, body) = reply.build(grpc);
        if stream.response.headers.is_none() {
            stream.local_reply = true;
            let end = body.is_empty() || head;
            self.headers(id, Response, HeaderMap::from_wire(Kind::Response, &headers), end);
            if !end {
                self.data(id, Response, body, true);
            }
        } else if !stream.response.out_started {
            stream.response.out = direct(headers, if head { Vec::new() } else { body });
            stream.response.out_started = true;
            let bare = stream.response.out.body.is_empty() && !head;
            framing(&mut stream.response.out.headers, bare && !http2);
            self.pass_end(id, Response);
        } else {
            self.cut(id);
        }
    }

    /// What the module asked for during the callback that has just returned.
    pub(super) fn run_deferred(&mut self) {
        for action in std::mem::take(&mut self.instance.host_mut().deferred) {
            match action {
                Deferred::Continue(id, direction) => self.resume(id, direction),
                Deferred::Close(id) => self.cut(id),
                Deferred::Reply(id, reply) => self.local_reply(id, reply),
            }
        }
    }

    /// Whether the module is asked at all: `Some(true)` yes, `Some(false)` pass by, `None` stop (it has failed).
    fn admit(&mut self, id: u32, direction: Direction) -> Option<bool> {
        let generation = self.generation;
        let dead = self.instance.failed.is_some();
        let Some(stream) = self.stream(id) else { return Some(false) };
        if stream.bypass || (direction == Response && stream.failure_answered) {
            return Some(false);
        }
        if !dead && stream.generation == generation {
            return Some(true);
        }
        if self.options.failure_policy == FailurePolicy::LegacyFailOpen {
            return Some(false);
        }
        let Some(stream) = self.stream(id) else { return Some(false) };
        if !stream.failure_answered {
            stream.failure_answered = true;
            self.local_reply(id, LocalReply::plain(503, "", "wasm_fail_stream"));
        }
        None
    }

    /// Does what was put off until the callback's end; a trap in it counts now.
    fn finish_callback(&mut self, id: u32, direction: Direction) -> Option<bool> {
        let answer = self.admit(id, direction);
        self.run_deferred();
        answer
    }

    /// After a local response every answer means stop.
    fn take_stop(&mut self) -> bool {
        std::mem::take(&mut self.instance.host_mut().stop_next)
    }

    fn ask_headers(&mut self, id: u32, direction: Direction, count: u32, end: bool) -> Iteration {
        match self.admit(id, direction) {
            Some(true) => {}
            Some(false) => return Iteration::Continue,
            None => return Iteration::StopAllWatermark,
        }
        let answer = self.instance.on_headers(id, direction == Response, count, end);
        let single = self.options.allow_on_headers_stop_iteration || self.instance.host().abi == Abi::V010;
        let iteration = match answer {
            _ if self.take_stop() => Iteration::StopAllWatermark,
            None | Some(0 | 2) => Iteration::Continue,
            Some(1) if single => Iteration::StopSingle,
            Some(3) => Iteration::StopAllBuffer,
            Some(_) => Iteration::StopAllWatermark,
        };
        match self.finish_callback(id, direction) {
            Some(true) => iteration,
            Some(false) => Iteration::Continue,
            None => Iteration::StopAllWatermark,
        }
    }

    fn ask_body(&mut self, id: u32, direction: Direction, chunk: &mut Vec<u8>, end: bool) -> BodyAction {
        if self.half(id, direction).is_some_and(|half| half.buffering) {
            self.hold_at(id, direction, std::mem::take(chunk), false, true);
            if !self.running(id, direction) {
                return BodyAction::Buffer;
            }
        }
        let Some(stream) = self.stream(id) else { return BodyAction::Continue };
        stream.end_of_stream = end;
        let half = stream.half_mut(direction);
        half.chunk = std::mem::take(chunk);
        half.body = Body::Chunk;
        let size = half.readable().map_or(0, <[u8]>::len);
        let (action, asked) = match self.admit(id, direction) {
            Some(true) => (self.instance.on_body(id, direction == Response, size as u32, end), true),
            Some(false) => (Some(0), false),
            None => (Some(3), false),
        };
        if let Some(half) = self.half(id, direction) {
            *chunk = std::mem::take(&mut half.chunk);
        }
        let mut action = match action {
            _ if self.take_stop() => BodyAction::NoBuffer,
            None | Some(0) => BodyAction::Continue,
            Some(1) => BodyAction::Buffer,
            Some(2) => BodyAction::Watermark,
            Some(_) => BodyAction::NoBuffer,
        };
        if asked {
            action = match self.finish_callback(id, direction) {
                Some(true) => action,
                Some(false) => BodyAction::Continue,
                None => BodyAction::NoBuffer,
            };
        }
        let Some(half) = self.half(id, direction) else { return action };
        half.buffering = action == BodyAction::Buffer;
        half.body = if action == BodyAction::Continue { Body::Absent } else { Body::Spent };
        if let Some(reply) = half.too_large.take() {
            self.local_reply(id, reply);
        }
        action
    }

    /// True: go on.
    fn ask_trailers(&mut self, id: u32, direction: Direction, count: u32) -> bool {
        match self.admit(id, direction) {
            Some(true) => {}
            Some(false) => return true,
            None => return false,
        }
        let answer = self.instance.on_trailers(id, direction == Response, count);
        let go_on = !self.take_stop() && matches!(answer, None | Some(0));
        match self.finish_callback(id, direction) {
            Some(true) => go_on,
            Some(false) => true,
            None => false,
        }
    }
}

/// What the connection does to a response's headers: hop-by-hop ones go, and an HTTP/1 response that has no
/// body says so. (`transfer-encoding: chunked` is the codec's, and not shown.)
fn framing(headers: &mut Headers, bare: bool) {
    let upgrade = headers.iter().any(|(name, value)| name == b":status" && value == b"101");
    if !upgrade {
        let hop_by_hop = [&b"connection"[..], b"transfer-encoding", b"keep-alive", b"proxy-connection"];
        headers.retain(|(name, _)| !hop_by_hop.contains(&name.as_slice()));
    }
    let bodiless = headers.iter().any(|(name, value)| name == b":status" && (value.starts_with(b"1") || value == b"204" || value == b"304"));
    let has_length = headers.iter().any(|(name, _)| name == b"content-length");
    if bare && !bodiless && !has_length {
        headers.push((b"content-length".to_vec(), b"0".to_vec()));
    }
}
