//! One exchange: what is known of the request, and the response on its way to the client.
//!
//! The body is redacted as it streams. When a candidate is open at the end of a chunk, the tail is left in the
//! proxy's buffer (`Pause`) while little is buffered, so that the trailers callback can still rewrite it; past that it
//! goes into the engine's memory, since a paused buffer overflows at the proxy's limit. Where no trailers can come, or
//! Content-Length says which byte is the last, nothing needs to be paused at all.

use std::rc::Rc;
use std::sync::Arc;

use keepmum_engine::{Body, BodyKind, Engine, Exchange, Flow, OnEncoded, ResponseFacts, Routed, Workspace};
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;

use crate::audit::Report;
use crate::body;
use crate::frames::Frames;
use crate::headers::{self, Headers};
use crate::host::{self, Buffer, Level, Map};
use crate::problem;
use crate::request::{Request, facts};
use crate::root::Shared;

/// A body is read from the proxy in pieces of this size: what a stream can need at a time does not depend on the
/// proxy's chunks, which can be as large as its buffer limit.
const PIECE: usize = 64 * 1024;

/// While no more than this is buffered, an open tail stays with the proxy: the next chunk (16 KiB as a rule) comes on
/// top, and both together must stay below the smallest buffer limit in use, 32 KiB.
const PAUSE_BYTES: usize = 8 * 1024;

/// Request headers that would keep bodies from coming whole and plain.
const NARROWED: &[&[u8]] = &[b"accept-encoding", b"grpc-accept-encoding", b"range", b"if-range"];

/// A body under redaction.
struct Stream {
    body: Body,
    /// Bytes still to come by Content-Length.
    left: Option<u64>,
    /// Trailers may follow without a last body callback: HTTP/2, or announced.
    trailers: bool,
    /// A gRPC body's messages.
    frames: Option<Frames>,
    /// Bytes of the proxy's buffer that were read before, in callbacks that paused.
    read: usize,
    /// Output since the buffer was last let go; `None`: so far it leaves as it came.
    out: Option<Vec<u8>>,
}

/// The context of one exchange.
pub(crate) struct Response {
    /// The policy.
    policy: Arc<Engine>,
    /// The routes of it that the request may be on, and the one that counts as far as is known.
    routed: Routed,
    engine: Arc<Engine>,
    shared: Rc<Shared>,
    exchange: Exchange,
    places: Vec<String>,
    request: Request,
    status: u16,
    own_reply: bool,
    failed: bool,
    stream: Option<Stream>,
}

/// Why a stream ends of which the beginning has left.
const BLOCKED: &str = "the policy blocks what was found in it";

/// `places[BODY]`
const BODY: u16 = 0;

impl Response {
    pub(crate) fn new(policy: Arc<Engine>, shared: Rc<Shared>) -> Response {
        Response {
            engine: policy.clone(),
            policy,
            routed: Routed::default(),
            shared,
            exchange: Exchange::default(),
            places: vec!["response.body".to_owned()],
            request: Request::default(),
            status: 0,
            own_reply: false,
            failed: false,
            stream: None,
        }
    }

    /// Redacts all values of a list in place.
    fn values(&mut self, list: &mut Headers, kind: &str) -> Result<(), &'static str> {
        let mut work = self.shared.work.try_borrow_mut().map_err(|_| "the engine is busy")?;
        for i in 0..list.pairs.len() {
            let Some((name, value)) = list.pairs.get(i) else {
                continue;
            };
            let part = u16::try_from(self.places.len()).unwrap_or(u16::MAX);
            self.exchange.enter(part);
            let new = self.exchange.value(&self.engine, &mut work, value);
            if self.exchange.counts().any(|c| c.part() == part) {
                let name = place_name(&self.engine, &mut work, name);
                self.places.push(format!("response.{kind}.{name}"));
            }
            if let Some(mut new) = new {
                // The proxy would send a line end on as it is, and with it a header of somebody's choice.
                new.iter_mut()
                    .filter(|b| (**b < b' ' && **b != b'\t') || **b == 0x7f)
                    .for_each(|b| *b = b' ');
                list.set_at(i, new);
            }
        }
        self.exchange.enter(BODY);
        Ok(())
    }

    /// What kind of body follows; `None`: it is not looked at, for a reason that has been counted.
    fn body_kind(&self, list: &Headers, bodiless: bool) -> Option<BodyKind> {
        let uninspected = |reason: &str| {
            if !bodiless {
                self.shared.metrics.uninspected(reason);
            }
            None
        };
        if self.status == 101 || (self.request.connect && (200..300).contains(&self.status)) {
            return uninspected("upgrade");
        }
        let essence = |v: &[u8]| {
            let end = v.iter().position(|b| matches!(b, b';' | b' ')).unwrap_or(v.len());
            v.get(..end).unwrap_or_default().to_ascii_lowercase()
        };
        let content_type = list.first(b"content-type").map(essence).unwrap_or_default();
        if body::is_media(&content_type) {
            return uninspected("content_type");
        }
        if body::is_encoded(list) {
            return uninspected("encoding");
        }
        let grpc = content_type.starts_with(b"application/grpc");
        let json = content_type.ends_with(b"/json") || content_type.ends_with(b"+json");
        Some(BodyKind {
            json,
            keep_length: grpc || self.status == 206,
        })
    }

    /// Answers in place of the upstream. `true`: the reply is on its way.
    fn reply(&mut self, status: u16, pairs: &[(Vec<u8>, Vec<u8>)], body: &[u8]) -> bool {
        self.own_reply = host::reply(status, "keepmum", &headers::write(pairs), body).is_ok();
        self.own_reply
    }

    /// Takes what is new in the proxy's buffer through the engine. `true`: the tail is settled.
    fn read(&mut self, size: usize, last: bool) -> Result<bool, &'static str> {
        let Some(s) = &mut self.stream else { return Ok(true) };
        let mut work = self.shared.work.try_borrow_mut().map_err(|_| "the engine is busy")?;
        let mut at = s.read;
        let mut piece_out = Vec::new();
        let mut message_ends = false;
        while at < size {
            let piece = host::buffer(Buffer::ResponseBody, at, PIECE.min(size - at)).unwrap_or_default();
            if piece.is_empty() {
                return Err("the body could not be read");
            }
            piece_out.clear();
            let exchange = &mut self.exchange;
            let flow = s.body.push(&self.engine, &mut work, exchange, &piece, &mut piece_out);
            match (&mut s.out, flow) {
                (None, Flow::Pass) => {}
                (Some(out), Flow::Pass) => out.extend_from_slice(&piece),
                (Some(out), Flow::Out) => out.extend_from_slice(&piece_out),
                (None, Flow::Out) => {
                    // The first change: what passed before it has to be said again.
                    let mut out = host::buffer(Buffer::ResponseBody, 0, at).unwrap_or_default();
                    if out.len() != at {
                        return Err("the body could not be read again");
                    }
                    out.extend_from_slice(&piece_out);
                    s.out = Some(out);
                }
            }
            at += piece.len();
            message_ends = s.frames.as_mut().is_some_and(|f| f.feed(&piece));
            if let Some(left) = &mut s.left {
                *left = left.saturating_sub(piece.len() as u64);
            }
        }
        s.read = at;
        if !last && s.left != Some(0) && !message_ends {
            return Ok(s.body.held() == 0);
        }
        piece_out.clear();
        let exchange = &mut self.exchange;
        if s.body.finish(&self.engine, &mut work, exchange, &mut piece_out) == Flow::Out {
            s.out.get_or_insert_with(Vec::new).extend_from_slice(&piece_out);
        }
        Ok(true)
    }

    /// Lets the proxy's buffer of `size` bytes go, as it is or rewritten.
    fn release(&mut self, size: usize) -> Result<(), &'static str> {
        let Some(s) = &mut self.stream else { return Ok(()) };
        s.read = 0;
        let Some(out) = s.out.take() else { return Ok(()) };
        let same = || out.len() == size && host::buffer(Buffer::ResponseBody, 0, size).is_ok_and(|now| now == out);
        if !self.engine.enforces() || (size == 0 && out.is_empty()) || same() {
            return Ok(());
        }
        host::replace_buffer(Buffer::ResponseBody, size, &out).map_err(|_| "the body could not be rewritten")
    }

    /// Something that must not be passed on cannot be taken out either: the stream ends here, and what is in the
    /// proxy's buffer goes no further.
    fn fail(&mut self, why: &str, size: usize) -> Action {
        if !self.failed {
            self.failed = true;
            self.shared.metrics.event("stream_reset");
            host::log(Level::Warn, &format!("keepmum reset a stream: {why}"));
        }
        if size > 0 {
            let _ = host::replace_buffer(Buffer::ResponseBody, size, b"");
        }
        let _ = host::reset_response();
        Action::Pause
    }

    /// Whether the body may be rewritten on any route that the request may turn out to be on.
    fn may_rewrite_body(&self) -> bool {
        let rewrites = |e: &Engine| e.scans_body() && e.enforces();
        let by_default = self.routed.may_be_default() && rewrites(&self.policy);
        by_default || self.routed.possible(&self.policy).any(|e| rewrites(e))
    }

    /// The request does not reach the upstream, not even if there can be no answer.
    fn deny(&mut self, status: u16) -> Action {
        let (content_type, body) = problem::body(keepmum_engine::ErrorBody::ProblemJson, status, &self.request.id);
        let pairs = [(b"content-type".to_vec(), content_type.as_bytes().to_vec())];
        if !self.reply(status, &pairs, &body) {
            return self.fail("a denied request could not be answered", 0);
        }
        Action::Pause
    }

    /// Something was found that the policy blocks, and nothing has left yet: the policy's reply takes its place.
    fn block(&mut self, found: keepmum_engine::Action) -> Action {
        self.shared.metrics.event("blocked");
        let reply = self.engine.reply(found);
        let (content_type, body) = match reply.body {
            Some(body) => (reply.content_type, body.into_bytes()),
            None => {
                let problem = keepmum_engine::ErrorBody::ProblemJson;
                let (content_type, body) = problem::body(problem, reply.status, &self.request.id);
                (content_type.to_owned(), body)
            }
        };
        let pairs = [(b"content-type".to_vec(), content_type.into_bytes())];
        if !self.reply(reply.status, &pairs, &body) {
            return self.fail(BLOCKED, 0);
        }
        self.stream = None;
        Action::Pause
    }

    /// Headers that could not be read or redacted must not go out.
    fn refuse(&mut self) -> Action {
        self.shared.metrics.event("host_errors");
        if !self.reply(502, &[], b"") {
            return self.fail("the headers could not be rewritten", 0);
        }
        Action::Pause
    }
}

impl Context for Response {}

impl HttpContext for Response {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        let Some(list) = Headers::get(Map::Request) else {
            return Action::Continue;
        };
        if let Ok(mut work) = self.shared.work.try_borrow_mut() {
            self.request = Request::read(&list, &self.policy, &mut work);
        }
        self.routed = self.policy.route(&facts(&list));
        self.engine = self.routed.of_request(&self.policy).unwrap_or(&self.policy).clone();
        if let Some(status) = self.engine.denies(list.first(b":path").unwrap_or_default()) {
            self.shared.metrics.event("denied");
            if self.engine.enforces() {
                return self.deny(status);
            }
        }
        if self.may_rewrite_body() && !self.request.connect {
            for name in NARROWED {
                if list.first(name).is_some() && host::remove(Map::Request, name).is_err() {
                    self.shared.metrics.event("host_errors");
                }
            }
        }
        Action::Continue
    }

    fn on_http_response_headers(&mut self, _: usize, end_of_stream: bool) -> Action {
        if self.own_reply {
            return Action::Continue;
        }
        let Some(mut list) = Headers::get(Map::Response) else {
            return self.refuse();
        };
        let status = list
            .first(b":status")
            .and_then(|s| std::str::from_utf8(s).ok())
            .and_then(|s| s.parse().ok());
        self.status = status.unwrap_or(0);
        let response = ResponseFacts {
            status: self.status,
            content_type: list.first(b"content-type").unwrap_or_default(),
        };
        self.engine = self
            .routed
            .settle(&self.policy, &response)
            .unwrap_or(&self.policy)
            .clone();
        if self.engine.bypasses() {
            self.shared.metrics.uninspected("route");
            return Action::Continue;
        }
        if self.engine.scans_headers() && self.values(&mut list, "header").is_err() {
            return self.refuse();
        }
        if let Some(action) = self.exchange.blocked() {
            return self.block(action);
        }
        let grpc = list
            .first(b"content-type")
            .is_some_and(|t| t.starts_with(b"application/grpc"));
        let replace = self
            .engine
            .error_rule(self.status)
            .and_then(|r| r.replace)
            .filter(|_| self.engine.enforces() && !grpc);
        if let Some(kind) = replace {
            let (content_type, body) = problem::body(kind, self.status, &self.request.id);
            let mut pairs: Vec<_> = list.pairs.iter().filter(|(n, _)| problem::keeps(n)).cloned().collect();
            pairs.push((b"content-type".to_vec(), content_type.as_bytes().to_vec()));
            if self.reply(self.status, &pairs, &body) {
                self.shared.metrics.event("errors_replaced");
                return Action::Pause;
            }
        }
        let bodiless = self.request.head || matches!(self.status, 204 | 304);
        let kind = if self.engine.scans_body() && (!end_of_stream || bodiless) {
            self.body_kind(&list, bodiless)
        } else {
            None
        };
        if kind.is_none()
            && !bodiless
            && !end_of_stream
            && self.engine.enforces()
            && self.engine.scans_body()
            && self.engine.on_encoded() == OnEncoded::Block
            && body::is_encoded(&list)
        {
            let (content_type, body) = problem::body(keepmum_engine::ErrorBody::ProblemJson, 502, &self.request.id);
            if self.reply(
                502,
                &[(b"content-type".to_vec(), content_type.as_bytes().to_vec())],
                &body,
            ) {
                return Action::Pause;
            }
        }
        if let Some(kind) = kind {
            let left = list
                .first(b"content-length")
                .and_then(|v| std::str::from_utf8(v).ok())
                .and_then(|v| v.parse().ok());
            if self.engine.enforces() {
                body::headers_of_changed(&mut list, kind);
            }
            if !end_of_stream && !bodiless {
                // Over HTTP/1.1 trailers come only behind chunks, and are announced (RFC 9110 section 6.6.2).
                let chunked = list.first(b"transfer-encoding").is_some();
                let trailers = left.is_none() && (!chunked || list.first(b"trailer").is_some());
                self.stream = Some(Stream {
                    body: Body::new(kind),
                    left,
                    trailers,
                    frames: grpc.then(Frames::default),
                    read: 0,
                    out: None,
                });
            }
        }
        if self.engine.enforces() && list.put(Map::Response).is_err() {
            return self.refuse();
        }
        Action::Continue
    }

    fn on_http_response_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        if self.failed {
            return self.fail("", size);
        }
        if self.stream.is_none() || self.own_reply {
            return Action::Continue;
        }
        let settled = match self.read(size, end_of_stream) {
            Ok(settled) => settled,
            Err(why) => return self.fail(why, size),
        };
        if self.exchange.blocked().is_some() {
            self.shared.metrics.event("blocked");
            return self.fail(BLOCKED, size);
        }
        let trailers = self.stream.as_ref().is_some_and(|s| s.trailers);
        if !settled && trailers && size <= PAUSE_BYTES && self.engine.enforces() {
            return Action::Pause;
        }
        match self.release(size) {
            Ok(()) => Action::Continue,
            Err(why) => self.fail(why, size),
        }
    }

    fn on_http_response_trailers(&mut self, count: usize) -> Action {
        if self.failed {
            return self.fail("", 0);
        }
        if self.own_reply {
            return Action::Continue;
        }
        if let Some(paused) = self.stream.as_ref().map(|s| s.read) {
            let settled = self.read(paused, true);
            if self.exchange.blocked().is_some() {
                self.shared.metrics.event("blocked");
                return self.fail(BLOCKED, paused);
            }
            let has_tail = self
                .stream
                .as_ref()
                .is_some_and(|s| s.out.as_ref().is_some_and(|o| !o.is_empty()));
            if paused == 0 && has_tail && self.engine.enforces() {
                return self.fail("trailers came while the end of a chunk was being held", 0);
            }
            if let Err(why) = settled.and_then(|_| self.release(paused)) {
                return self.fail(why, paused);
            }
        }
        if self.engine.scans_trailers() && count > 0 {
            let Some(mut list) = Headers::get(Map::ResponseTrailers) else {
                return self.fail("the trailers could not be read", 0);
            };
            let read = self.values(&mut list, "trailer");
            if self.exchange.blocked().is_some() {
                self.shared.metrics.event("blocked");
                return self.fail(BLOCKED, 0);
            }
            if read.is_err() || (self.engine.enforces() && list.put(Map::ResponseTrailers).is_err()) {
                return self.fail("the trailers could not be rewritten", 0);
            }
        }
        Action::Continue
    }

    fn on_log(&mut self) {
        let report = Report {
            engine: &self.engine,
            exchange: &self.exchange,
            places: &self.places,
            request: &self.request,
            status: self.status,
        };
        report.tell(&self.shared.metrics);
    }
}

/// A header's name as it may stand in a log line: somebody can have put a secret there too.
fn place_name(engine: &Engine, work: &mut Workspace, name: &[u8]) -> String {
    let mut apart = Exchange::default();
    let redacted = apart.value(engine, work, name).is_some() || apart.counts().next().is_some();
    let plain = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    if redacted || name.len() > 64 || !name.iter().all(plain) {
        return "?".to_owned();
    }
    String::from_utf8_lossy(name).into_owned()
}
