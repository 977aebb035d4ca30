//! Where a stream's halves leave the filter chain: to the upstream, to the client, or into a reset; and the
//! replies that the proxy makes instead.

use super::headers::{HeaderMap, Kind};
use super::stream::{Direction, LocalReply, Over, direct};
use super::vm::Vm;
use crate::exchange::Headers;

use Direction::{Request, Response};

impl Vm {
    /// Headers leave for the router or the client, if they can be sent at all.
    pub(super) fn pass_headers(&mut self, id: u32, direction: Direction, end: bool) {
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
            Request => [&b":path"[..], b":authority"]
                .iter()
                .any(|name| headers.first(name).is_none()),
            Response => headers.first(b":status").is_none(),
        };
        if missing {
            let reply = match direction {
                Request => LocalReply::plain(404, "", "route_not_found"),
                Response => LocalReply::plain(
                    502,
                    "missing required header: :status",
                    "filter_removed_required_response_headers",
                ),
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

    pub(super) fn pass_data(&mut self, id: u32, direction: Direction, chunk: Vec<u8>, end: bool) {
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

    pub(super) fn pass_trailers(&mut self, id: u32, direction: Direction) {
        let Some(half) = self.half(id, direction) else { return };
        half.out.trailers = half
            .trailers
            .as_ref()
            .map(|t| t.entries().clone())
            .filter(|t| !t.is_empty());
        self.pass_end(id, direction);
    }

    /// The half is complete; a complete response ends the stream.
    pub(super) fn pass_end(&mut self, id: u32, direction: Direction) {
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
}

/// What the connection does to a response's headers: hop-by-hop ones go, and an HTTP/1 response that has no
/// body says so. (`transfer-encoding: chunked` is the codec's, and not shown.)
fn framing(headers: &mut Headers, bare: bool) {
    let upgrade = headers
        .iter()
        .any(|(name, value)| name == b":status" && value == b"101");
    if !upgrade {
        let hop_by_hop = [
            &b"connection"[..],
            b"transfer-encoding",
            b"keep-alive",
            b"proxy-connection",
        ];
        headers.retain(|(name, _)| !hop_by_hop.contains(&name.as_slice()));
    }
    let bodiless = headers
        .iter()
        .any(|(name, value)| name == b":status" && (value.starts_with(b"1") || value == b"204" || value == b"304"));
    let has_length = headers.iter().any(|(name, _)| name == b"content-length");
    if bare && !bodiless && !has_length {
        headers.push((b"content-length".to_vec(), b"0".to_vec()));
    }
}
