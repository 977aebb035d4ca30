//! What the client gets in place of a response: a reply of our own while nothing has left, or else the end of the stream.

use keepmum_engine::Count;
use keepmum_engine::errors::problem;
use proxy_wasm::types::Action;

use super::{BLOCKED, Response};
use crate::audit::Outcome;
use crate::headers::{self, Headers};
use crate::host::{self, Buffer, Level};

impl Response {
    /// Answers in place of the upstream. `true`: the reply is on its way.
    pub(super) fn reply(&mut self, status: u16, pairs: &[(Vec<u8>, Vec<u8>)], body: &[u8]) -> bool {
        let mut list = Headers::of(pairs.to_vec());
        self.tell_client(&mut list);
        self.own_reply = host::reply(status, "keepmum", &headers::write(&list.pairs), body).is_ok();
        if !self.own_reply {
            self.shared.metrics.event("host_errors");
        }
        self.own_reply
    }

    /// Sets the header that says what was done, if the policy asks for one (`audit.response_header`). The upstream's own
    /// header of that name goes, so that nobody can say it in our place.
    pub(super) fn tell_client(&self, list: &mut Headers) {
        let Some(name) = &self.engine.audit().response_header else {
            return;
        };
        // What was found in the request is no matter of this message.
        let place = |c: &Count| self.places.get(usize::from(c.part()));
        let of_response = |c: &&Count| place(c).is_some_and(|p| p.starts_with("response."));
        let counts = || self.exchange.counts().filter(of_response);
        let found: u64 = counts().map(Count::times).sum();
        let body = match (&self.stream, &self.unread) {
            _ if self.dropping => "dropped",
            (Some(_), _) => "read",
            (None, Some(_)) => "unread",
            (None, None) => "none",
        };
        let outcome = counts().map(Outcome::found).fold(self.outcome, Outcome::max).name();
        let route = self.engine.metric_name();
        // A dictionary of RFC 9651.
        let value = format!("outcome={outcome}, route=\"{route}\", headers={found}, body={body}");
        list.set(name.as_bytes(), value.as_bytes());
    }

    /// The same with the status and the request's id, as `problem+json`.
    pub(super) fn reply_problem(&mut self, status: u16) -> bool {
        let page = problem(status, &self.request.id);
        let pairs = [(b"content-type".to_vec(), page.content_type.as_bytes().to_vec())];
        self.reply(status, &pairs, &page.body)
    }

    /// Something that must not be passed on cannot be taken out either: the stream ends here, and what is in the
    /// proxy's buffer goes no further.
    pub(super) fn fail(&mut self, why: &str, size: usize) -> Action {
        self.outcome = self.outcome.max(Outcome::Failed);
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

    /// The request does not reach the upstream, not even if there can be no answer.
    pub(super) fn deny(&mut self, status: u16) -> Action {
        if !self.reply_problem(status) {
            return self.fail("a denied request could not be answered", 0);
        }
        Action::Pause
    }

    /// Something was found that the policy blocks, and nothing has left yet: the policy's reply takes its place.
    pub(super) fn block(&mut self, found: keepmum_engine::Action) -> Action {
        let reply = self.engine.reply(found);
        let (content_type, body) = match reply.body {
            Some(body) => (reply.content_type, body.into_bytes()),
            None => {
                let page = problem(reply.status, &self.request.id);
                (page.content_type.to_owned(), page.body)
            }
        };
        let pairs = [(b"content-type".to_vec(), content_type.into_bytes())];
        if !self.reply(reply.status, &pairs, &body) {
            return self.fail(BLOCKED, 0);
        }
        self.stream = None;
        Action::Pause
    }

    /// A call of the proxy failed without which nothing can be taken out of a body or of trailers.
    pub(super) fn broken(&mut self, why: &str, size: usize) -> Action {
        self.shared.metrics.event("host_errors");
        if !self.engine.enforces() {
            return self.let_go();
        }
        self.fail(why, size)
    }

    /// In mode `report` nothing is changed, not even when nothing more can be read.
    fn let_go(&mut self) -> Action {
        (self.stream, self.sent, self.sending) = (None, None, None);
        self.ended = true;
        self.unread("error");
        Action::Continue
    }

    /// Headers that could not be read or redacted must not go out.
    pub(super) fn refuse(&mut self) -> Action {
        self.refuse_if(self.engine.enforces())
    }

    pub(super) fn refuse_if(&mut self, enforces: bool) -> Action {
        self.shared.metrics.event("host_errors");
        if !enforces {
            return self.let_go();
        }
        self.outcome = self.outcome.max(Outcome::Failed);
        if !self.reply(502, &[], b"") {
            return self.fail("the headers could not be rewritten", 0);
        }
        Action::Pause
    }
}
