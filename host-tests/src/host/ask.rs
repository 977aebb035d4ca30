//! Asks the module, and reads its answers: codes, a trap, a local response that overrules the code.

use super::options::FailurePolicy;
use super::state::{Abi, Deferred};
use super::stream::{Body, Direction, Iteration, LocalReply};
use super::vm::Vm;

use Direction::Response;

/// A body callback's answer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyAction {
    Continue,
    Buffer,
    Watermark,
    NoBuffer,
}

impl Vm {
    /// Whether the module is asked at all: `Some(true)` yes, `Some(false)` pass by, `None` stop (it has failed).
    fn admit(&mut self, id: u32, direction: Direction) -> Option<bool> {
        let generation = self.generation;
        let dead = self.instance.failed.is_some();
        let Some(stream) = self.stream(id) else {
            return Some(false);
        };
        if stream.bypass || (direction == Response && stream.failure_answered) {
            return Some(false);
        }
        if !dead && stream.generation == generation {
            return Some(true);
        }
        if self.options.failure_policy == FailurePolicy::LegacyFailOpen {
            return Some(false);
        }
        let Some(stream) = self.stream(id) else {
            return Some(false);
        };
        if !stream.failure_answered {
            stream.failure_answered = true;
            self.local_reply(id, LocalReply::plain(503, "", "wasm_fail_stream"));
        }
        None
    }

    /// Does what was put off until the callback's end; a trap in it counts now.
    fn finish_callback(&mut self, id: u32, direction: Direction) -> Option<bool> {
        let answer = self.admit(id, direction);
        if let Some(too_large) = self.half(id, direction).and_then(|half| half.too_large.take()) {
            // The first answer stands: what the module wanted to reply in the same callback is dropped.
            let deferred = &mut self.instance.host_mut().deferred;
            deferred.retain(|action| !matches!(action, Deferred::Reply(of, _) if *of == id));
            self.local_reply(id, too_large);
        }
        self.run_deferred();
        answer
    }

    /// After a local response every answer means stop.
    fn take_stop(&mut self) -> bool {
        std::mem::take(&mut self.instance.host_mut().stop_next)
    }

    pub(super) fn ask_headers(&mut self, id: u32, direction: Direction, count: u32, end: bool) -> Iteration {
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

    pub(super) fn ask_body(&mut self, id: u32, direction: Direction, chunk: &mut Vec<u8>, end: bool) -> BodyAction {
        if self.half(id, direction).is_some_and(|half| half.buffering) {
            self.hold_at(id, direction, std::mem::take(chunk), false, true);
            if !self.running(id, direction) {
                return BodyAction::Buffer;
            }
        }
        let Some(stream) = self.stream(id) else {
            return BodyAction::Continue;
        };
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
        let Some(half) = self.half(id, direction) else {
            return action;
        };
        half.buffering = action == BodyAction::Buffer;
        half.body = if action == BodyAction::Continue {
            Body::Absent
        } else {
            Body::Spent
        };
        action
    }

    /// True: go on.
    pub(super) fn ask_trailers(&mut self, id: u32, direction: Direction, count: u32) -> bool {
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
