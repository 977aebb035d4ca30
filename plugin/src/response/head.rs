//! The headers, of the request and of the response: what is decided before the first byte of a body.
//!
//! Headers cannot wait for the body: what they say of it is taken back here, for every body that will be looked at.

use keepmum_codec::Coding;
use keepmum_engine::{Body, BodyKind, Engine, Exchange, Fate, Framing, ResponseFacts, Workspace, content};
use proxy_wasm::types::Action;

use super::coded::Coded;
use super::error::is_grpc;
use super::messages::Messages;
use super::stream::Stream;
use super::{BODY, Response};
use crate::audit::Outcome;
use crate::body;
use crate::headers::Headers;
use crate::host::{self, Buffer, Map};
use crate::known;
use crate::request::{Request, facts};

/// Request headers that would keep bodies from coming whole and plain, or ask for digests of bodies that may be changed.
const NARROWED: &[&[u8]] = &[
    b"accept-encoding",
    b"connect-accept-encoding",
    b"grpc-accept-encoding",
    b"if-range",
    b"range",
    b"sec-websocket-extensions",
    b"want-content-digest",
    b"want-digest",
    b"want-repr-digest",
];

impl Response {
    /// The request's headers.
    pub(super) fn request_headers(&mut self, end_of_stream: bool) -> Action {
        let Some(mut list) = Headers::get(Map::Request) else {
            return self.refuse();
        };
        if let Ok(mut work) = self.shared.work.try_borrow_mut() {
            self.request = Request::read(&list, &self.policy, &mut work);
        }
        self.routed = self.policy.route(&facts(&list));
        self.engine = self.routed.of_request(&self.policy).unwrap_or(&self.policy).clone();
        if let Some(denied) = self.engine.denies(list.first(b":path").unwrap_or_default()) {
            self.done_because(Outcome::Denied, denied.reason);
            self.status = denied.status;
            if self.engine.enforces() {
                return self.deny(denied.status);
            }
        }
        if self.engine.feed().is_some() && !self.engine.bypasses() {
            if known::blocks() {
                self.done_because(Outcome::Denied, "known_secrets");
                self.status = 503;
                if self.engine.enforces() {
                    return self.deny(503);
                }
            }
            if let Ok(work) = self.shared.work.try_borrow() {
                for (_, value) in &list.pairs {
                    self.exchange.sent(&work, value);
                }
            }
        }
        self.note_for_errors(&list);
        if let Some(rules) = self.engine.of_requests().cloned()
            && !self.ended
            && let Some(reply) = self.send_headers(rules, &mut list, end_of_stream)
        {
            return reply;
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

    /// The response's headers.
    pub(super) fn response_headers(&mut self, end_of_stream: bool) -> Action {
        if self.own_reply {
            return Action::Continue;
        }
        let Some(mut list) = Headers::get(Map::Response) else {
            // Which rules hold is not known then: the strictest.
            return self.refuse_if(self.may(Engine::enforces));
        };
        let status = list
            .first(b":status")
            .and_then(|s| std::str::from_utf8(s).ok())
            .and_then(|s| s.parse().ok());
        let status = status.unwrap_or(0);
        let response = ResponseFacts {
            status,
            content_type: list.first(b"content-type").unwrap_or_default(),
        };
        let settled = self.routed.settle(&self.policy, &response).unwrap_or(&self.policy);
        if self.ended {
            if !settled.enforces() {
                return Action::Continue;
            }
            // What was only reported of the request does not end what these rules enforce.
            (self.ended, self.outcome, self.reason, self.unread) = (false, Outcome::Clean, "", None);
            self.exchange.go_on();
        }
        (self.engine, self.status) = (settled.clone(), status);
        if self.engine.bypasses() {
            self.unread("route");
            return Action::Continue;
        }
        let grpc = is_grpc(&list);
        self.enter_error(&mut list, grpc);
        if self.engine.scans_headers() && self.values(&mut list, "header").is_err() {
            return self.refuse();
        }
        if self.exchange.over() {
            self.done(Outcome::Blocked);
        }
        if let Some(action) = self.exchange.blocked() {
            return self.block(action);
        }
        if self.ended {
            return Action::Continue;
        }
        if let Some(action) = self.replace_error(&mut list, grpc, end_of_stream) {
            return action;
        }
        let bodiless = self.request.head || matches!(self.status, 204 | 304);
        let mut kind = None;
        let scans = self.engine.scans_body() && (!end_of_stream || bodiless);
        if scans && !self.enter_websocket(&list) {
            match self.body_kind(&list, bodiless) {
                Ok(known) => kind = Some(known),
                Err(_) if bodiless => {}
                Err(reason) => {
                    if let Some(action) = self.unreadable(reason, &mut list) {
                        return action;
                    }
                }
            }
        }
        if let Some((kind, codings)) = kind {
            let left = body::length(&list);
            let blocks = |reason| self.engine.on_uninspectable(reason) == Fate::Block;
            let partial = self.status == 206 && !bodiless;
            if partial && blocks("partial") {
                return self.block_unread("partial");
            }
            let large = |most| codings.is_empty() && left.is_some_and(|left| left > most);
            if !bodiless && self.engine.bounds().body_bytes.is_some_and(large) && blocks("too_large") {
                return self.block_unread("too_large");
            }
            let coded = match self.coded(&codings) {
                Ok(coded) => coded,
                Err(_) if bodiless => None,
                Err(reason) => {
                    let action = self.unreadable(reason, &mut list);
                    return action.unwrap_or_else(|| self.headers_leave(list));
                }
            };
            if partial {
                self.shared.metrics.uninspected(&self.engine, "partial");
                self.outcome = self.outcome.max(Outcome::Uninspected);
            }
            let enveloped = body::enveloped(&list);
            if self.engine.enforces() {
                body::headers_of_changed(&mut list, kind);
                if !codings.is_empty() {
                    body::headers_of_decoded(&mut list);
                }
                body::headers_of_messages(&mut list, enveloped.as_ref());
            }
            if !end_of_stream && !bodiless {
                // Over HTTP/1.1 trailers come only behind chunks, and are announced (RFC 9110 section 6.6.2).
                let chunked = list.first(b"transfer-encoding").is_some();
                let trailers = left.is_none() && (!chunked || list.first(b"trailer").is_some());
                let content_type = list.first(b"content-type").unwrap_or_default();
                self.stream = Some(Stream {
                    body: Body::of_type(content_type, kind.keep_length),
                    left,
                    trailers,
                    events: Framing::of(&content::essence(content_type)).is_some(),
                    messages: enveloped.map(|e| Messages::new(e, kind, &self.shared.pool)),
                    coded,
                    ..Stream::new(self.engine.clone(), Buffer::ResponseBody, kind)
                });
                if let Some(stream) = self.stream.as_mut().filter(|_| partial) {
                    stream.all_unread("partial");
                }
            }
        }
        self.headers_leave(list)
    }

    /// What is said of the response goes to the client.
    fn headers_leave(&mut self, mut list: Headers) -> Action {
        if self.engine.enforces() {
            self.tell_client(&mut list);
            if list.put(Map::Response).is_err() {
                return self.refuse();
            }
        }
        Action::Continue
    }

    /// Redacts all values of a list in place.
    pub(super) fn values(&mut self, list: &mut Headers, kind: &str) -> Result<(), &'static str> {
        let mut work = self.shared.work.try_borrow_mut().map_err(|_| "the engine is busy")?;
        for i in 0..list.pairs.len() {
            let Some((name, value)) = list.pairs.get(i) else {
                continue;
            };
            let part = u16::try_from(self.places.len()).unwrap_or(u16::MAX);
            let place = format!("response.{kind}.{}", String::from_utf8_lossy(name));
            self.exchange.enter_place(part, &place);
            // What the policy says stays on errors is looked at as everywhere.
            let stays = self.error.as_ref().filter(|e| e.profile.leaves(name));
            let engine = stays.map_or(&self.engine, |e| &e.plain);
            let new = self.exchange.header(engine, &mut work, name, value);
            if self.exchange.counts().any(|c| c.part() == part) {
                let name = place_name(&self.engine, &mut work, name);
                self.places.push(format!("response.{kind}.{name}"));
            }
            if let Some(new) = new {
                list.set_at(i, on_one_line(new));
            }
        }
        self.exchange.enter_place(BODY, "response.body");
        Ok(())
    }

    /// What kind of body follows, or why it is not looked at.
    fn body_kind(&self, list: &Headers, bodiless: bool) -> Result<(BodyKind, Vec<Coding>), &'static str> {
        let (status, connect) = (self.status, self.request.connect);
        if status == 101 || (connect && (200..300).contains(&status)) {
            return Err("upgrade");
        }
        let content_type = content::essence(list.first(b"content-type").unwrap_or_default());
        if content::is_media(&content_type) {
            return Err("content_type");
        }
        let codings = body::codings(list).map_err(|_| "encoding")?;
        if status == 206 && !bodiless && !codings.is_empty() {
            // It does not begin where a coding begins.
            return Err("partial");
        }
        let enveloped = body::enveloped(list);
        if enveloped.as_ref().is_some_and(|e| e.codings.is_err())
            && self.engine.on_uninspectable("encoding") != Fate::Pass
        {
            return Err("encoding");
        }
        let kind = BodyKind {
            json: content::is_json(&content_type),
            keep_length: enveloped.is_some() || status == 206,
        };
        Ok((kind, codings))
    }

    /// A decoder for these codings, if there are any.
    pub(super) fn coded(&self, codings: &[Coding]) -> Result<Option<Coded>, &'static str> {
        if codings.is_empty() {
            return Ok(None);
        }
        let coded = Coded::new(codings, self.engine.bounds(), &self.shared.pool);
        coded.ok_or("limit").map(Some)
    }

    /// Whether the body may be rewritten on any route that the request may turn out to be on.
    fn may_rewrite_body(&self) -> bool {
        self.may(|e| e.scans_body() && e.enforces())
    }

    /// Whether this is so on any route that the request may turn out to be on.
    fn may(&self, is: impl Fn(&Engine) -> bool) -> bool {
        let by_default = self.routed.may_be_default() && is(&self.policy);
        by_default || self.routed.possible(&self.policy).any(|e| is(e))
    }
}

/// The proxy would send a line end on as it is, and with it a header of somebody's choice.
pub(super) fn on_one_line(mut value: Vec<u8>) -> Vec<u8> {
    let breaks = |b: &&mut u8| (**b < b' ' && **b != b'\t') || **b == 0x7f;
    value.iter_mut().filter(breaks).for_each(|b| *b = b' ');
    value
}

/// A header's name as it may stand in a log line: somebody can have put a secret there too.
pub(super) fn place_name(engine: &Engine, work: &mut Workspace, name: &[u8]) -> String {
    let mut apart = Exchange::default();
    let redacted = apart.value(engine, work, name).is_some() || apart.counts().next().is_some();
    let plain = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    if redacted || name.len() > 64 || !name.iter().all(plain) {
        return "?".to_owned();
    }
    String::from_utf8_lossy(name).into_owned()
}
