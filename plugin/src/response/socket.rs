//! WebSockets: what runs over one behind its upgrade, either way.
//!
//! The proxy hands over the bytes of a connection that was upgraded as a body. Frames of text are looked at where the policy looks at
//! bodies, and keep their lengths; what is no plain text is counted. Any other upgrade goes through unread.

use std::sync::Arc;

use keepmum_engine::{Body, BodyKind, Engine};

use super::Response;
use super::stream::Stream;
use crate::headers::Headers;
use crate::host::Buffer;

/// What a client offers that would have text come compressed.
const EXTENSIONS: &[u8] = b"sec-websocket-extensions";

impl Response {
    /// `true`: the response is an upgrade to WebSocket, and what the server sends will be looked at.
    pub(super) fn enter_websocket(&mut self, list: &Headers) -> bool {
        let enters = self.status == 101 && is_websocket(list);
        if enters {
            self.stream = Some(stream(&self.engine, Buffer::ResponseBody));
        }
        enters
    }

    /// `true`: the request asks for an upgrade to WebSocket, and what the client sends will be looked at.
    pub(super) fn send_websocket(&mut self, rules: &Arc<Engine>, list: &mut Headers) -> bool {
        if self.request.connect || !is_websocket(list) {
            return false;
        }
        if rules.enforces() {
            list.remove(EXTENSIONS);
        }
        let part = self.new_part("request.body");
        self.sent = Some((stream(rules, Buffer::RequestBody), part));
        true
    }
}

fn is_websocket(list: &Headers) -> bool {
    list.first(b"upgrade")
        .is_some_and(|u| u.eq_ignore_ascii_case(b"websocket"))
}

fn stream(engine: &Arc<Engine>, buffer: Buffer) -> Stream {
    let kind = BodyKind {
        json: false,
        keep_length: true,
    };
    Stream {
        body: Body::of_websocket(),
        ..Stream::new(engine.clone(), buffer, kind)
    }
}
