//! Drives one stream through the module as Envoy's filter manager does with a single filter in the chain:
//! what a returned code stops, what is held, what goes on, and what the proxy answers by itself.
//!
//! The functions mirror the filter manager's own steps (headers, data, trailers, continue, local reply).
//! A simpler loop (call, look at the code, forward) gets the corners wrong that modules trip over: a
//! continue inside a callback that pauses, trailers after a given-away chunk, a reply while data is held.

use super::ask::BodyAction;
use super::headers::HeaderMap;
use super::state::Deferred;
use super::stream::{Direction, Half, Iteration, LocalReply, Stream};
use super::vm::Vm;

use Direction::{Request, Response};

impl Vm {
    pub(super) fn stream(&mut self, id: u32) -> Option<&mut Stream> {
        self.instance.host_mut().lasting.streams.get_mut(&id)
    }

    pub(super) fn half(&mut self, id: u32, direction: Direction) -> Option<&mut Half> {
        Some(self.stream(id)?.half_mut(direction))
    }

    /// May this half still move?
    pub(super) fn running(&mut self, id: u32, direction: Direction) -> bool {
        self.stream(id)
            .is_some_and(|s| s.over.is_none() && !s.half(direction).aborted)
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
        let Some(half) = self.half(id, direction) else {
            return false;
        };
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

    pub(super) fn hold_at(
        &mut self,
        id: u32,
        direction: Direction,
        chunk: Vec<u8>,
        watermark: bool,
        during_callback: bool,
    ) {
        let limit = self.options.limit();
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
}
