//! One exchange: what is known of the request, and the response on its way to the client.
//!
//! The proxy's callbacks in their order, each handed on to the file of its phase: `response/head.rs` (headers, both ways),
//! `response/stream.rs` (body and trailers), `response/error.rs` (error responses), `response/reply.rs` (what the client gets in place of a response).

use std::rc::Rc;
use std::sync::Arc;

use keepmum_engine::{Engine, Exchange, Routed};
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;

use crate::audit::{Outcome, Report};
use crate::request::Request;
use crate::root::Shared;

mod coded;
mod error;
mod head;
mod messages;
mod reply;
mod sent;
mod socket;
mod stream;
mod unread;

pub(crate) use coded::Pool;

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
    stream: Option<stream::Stream>,
    /// The request's body, if it is looked at, and its place.
    sent: Option<(stream::Stream, u16)>,
    /// The rules for the request.
    sending: Option<Arc<Engine>>,
    /// What was done with the whole message, or in mode `report` would have been.
    outcome: Outcome,
    /// Why, if there can be more than one reason.
    reason: &'static str,
    /// In mode `report`: what follows would never have come, so it is not looked at.
    ended: bool,
    /// Why the body goes through unread, and how much of it has since that was last counted.
    unread: Option<(&'static str, u64)>,
    /// It is left out.
    dropping: bool,
    /// The same two of the request.
    sent_unread: Option<(&'static str, u64)>,
    sent_dropping: bool,
    /// Correlation ids of the request by their headers, and its Accept, as far as an error may need them.
    ids: Vec<(String, String)>,
    accept: Vec<u8>,
    error: Option<error::OnError>,
    replacing: Option<error::Replacing>,
}

/// Why a stream ends of which the beginning has left.
const BLOCKED: &str = "the policy blocks what was found in it";

/// `places[BODY]`
const BODY: u16 = 0;

impl Response {
    pub(crate) fn new(policy: Arc<Engine>, shared: Rc<Shared>) -> Response {
        let mut exchange = Exchange::default();
        exchange.enter_place(BODY, "response.body");
        Response {
            engine: policy.clone(),
            policy,
            routed: Routed::default(),
            shared,
            exchange,
            places: vec!["response.body".to_owned()],
            request: Request::default(),
            status: 0,
            own_reply: false,
            failed: false,
            stream: None,
            sent: None,
            sending: None,
            outcome: Outcome::Clean,
            reason: "",
            ended: false,
            unread: None,
            dropping: false,
            sent_unread: None,
            sent_dropping: false,
            ids: Vec::new(),
            accept: Vec::new(),
            error: None,
            replacing: None,
        }
    }
}

impl Response {
    /// Something is done with the whole message: told once. In mode `report` it would be, and what would never have come
    /// is not looked at.
    fn done(&mut self, outcome: Outcome) {
        self.done_because(outcome, "");
    }

    fn done_because(&mut self, outcome: Outcome, reason: &'static str) {
        if self.outcome < outcome {
            (self.outcome, self.reason) = (outcome, reason);
            // What is blocked has one name, whatever the reason.
            let label = if outcome == Outcome::Denied { reason } else { "" };
            self.shared.metrics.done(&self.engine, outcome.metric(), label);
        }
        self.ended |= !self.engine.enforces();
    }

    /// The body, or what is known of it, goes through unread.
    fn unread(&mut self, reason: &'static str) {
        self.shared.metrics.uninspected(&self.engine, reason);
        self.outcome = self.outcome.max(Outcome::Uninspected);
        self.unread = Some((reason, 0));
    }

    fn count_unread(&mut self) {
        let stream = self.stream.as_mut().and_then(|s| s.unread.as_mut());
        let sent = self.sent.as_mut().and_then(|(s, _)| s.unread.as_mut());
        for (reason, bytes) in [self.unread.as_mut(), stream, self.sent_unread.as_mut(), sent]
            .into_iter()
            .flatten()
        {
            let bytes = std::mem::take(bytes);
            self.shared.metrics.uninspected_bytes(&self.engine, reason, bytes);
        }
    }
}

impl Context for Response {}

impl HttpContext for Response {
    fn on_http_request_headers(&mut self, _: usize, end_of_stream: bool) -> Action {
        self.request_headers(end_of_stream)
    }

    fn on_http_request_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        self.request_body(size, end_of_stream)
    }

    fn on_http_request_trailers(&mut self, count: usize) -> Action {
        self.request_trailers(count)
    }

    fn on_http_response_headers(&mut self, _: usize, end_of_stream: bool) -> Action {
        self.response_headers(end_of_stream)
    }

    fn on_http_response_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        self.response_body(size, end_of_stream)
    }

    fn on_http_response_trailers(&mut self, count: usize) -> Action {
        self.response_trailers(count)
    }

    fn on_log(&mut self) {
        self.count_unread();
        let report = Report {
            engine: &self.engine,
            exchange: &self.exchange,
            places: &self.places,
            request: &self.request,
            status: self.status,
            outcome: self.outcome,
            reason: self.reason,
        };
        report.tell(self.shared.metrics, &self.shared.limiter);
    }
}
