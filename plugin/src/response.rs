//! One exchange: what is known of the request, and the response on its way to the client.
//!
//! The proxy's callbacks in their order, each handed on to the file of its phase: `response/head.rs` (headers, both ways),
//! `response/stream.rs` (body and trailers), `response/reply.rs` (what the client gets in place of a response).

use std::rc::Rc;
use std::sync::Arc;

use keepmum_engine::{Engine, Exchange, Routed};
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;

use crate::audit::Report;
use crate::request::Request;
use crate::root::Shared;

mod head;
mod reply;
mod stream;

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
}

impl Context for Response {}

impl HttpContext for Response {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        self.request_headers()
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
