//! What is done with messages that cannot be inspected (`on_uninspectable`): before their headers leave, and when it turns out
//! on the way. By then the headers have said that the body is plain: nothing can be passed on then that is not.

use keepmum_engine::{Exchange, Fate};
use proxy_wasm::types::Action;

use super::Response;
use super::stream::Stream;
use crate::audit::Outcome;
use crate::body;
use crate::headers::Headers;
use crate::root::Shared;

/// What becomes of the rest of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// It goes through.
    Pass,
    /// It is left out, and the message ends as if that were all.
    Drop,
    /// The policy breaks the message off.
    Block,
    /// It cannot be passed on, though the policy would.
    Reset,
}

/// Why the rest of a body is not looked at, and what becomes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Over {
    pub(super) reason: &'static str,
    pub(super) why: &'static str,
    pub(super) then: Then,
}

/// The status for a request that is not let through.
pub(super) fn refusal(reason: &str) -> u16 {
    match reason {
        "encoding" | "content_type" => 415,
        "too_large" | "limit" => 413,
        _ => 403,
    }
}

impl Response {
    /// The response's body cannot be looked at, and nothing has left yet. `Some`: it does not.
    pub(super) fn unreadable(&mut self, reason: &'static str, list: &mut Headers) -> Option<Action> {
        match self.engine.on_uninspectable(reason) {
            Fate::Pass => self.unread(reason),
            Fate::Drop => {
                self.unread(reason);
                self.outcome = self.outcome.max(Outcome::Dropped);
                if self.engine.enforces() {
                    self.dropping = true;
                    body::headers_of_dropped(list);
                }
            }
            Fate::Block => return Some(self.block_unread(reason)),
        }
        None
    }

    /// The client is told that it does not get it.
    pub(super) fn block_unread(&mut self, reason: &'static str) -> Action {
        self.done_because(Outcome::Blocked, reason);
        if !self.engine.enforces() {
            return Action::Continue;
        }
        if !self.reply_problem(502) {
            return self.fail("a body that is not inspected could not be answered for", 0);
        }
        Action::Pause
    }

    /// What turned out of the response's body on its way. `Some`: nothing more of it leaves.
    pub(super) fn heed(&mut self, size: usize) -> Option<Action> {
        let given_up = self.exchange.given_up() > 0;
        let over = self.stream.as_mut().and_then(|s| s.news(given_up))?;
        match self.count_over(&over) {
            Then::Reset => Some(self.fail(over.why, size)),
            Then::Block => {
                self.done_because(Outcome::Blocked, over.reason);
                self.engine.enforces().then(|| self.fail(over.why, size))
            }
            _ => None,
        }
    }

    /// The same for the request's, which is answered as long as it can be.
    pub(super) fn heed_sent(&mut self) -> Option<Action> {
        let given_up = self.exchange.given_up() > 0;
        let over = self.sent.as_mut().and_then(|(s, _)| s.news(given_up))?;
        let then = self.count_over(&over);
        if then == Then::Block {
            self.done_because(Outcome::Blocked, over.reason);
        }
        if !matches!(then, Then::Block | Then::Reset) || !self.engine.enforces() {
            return None;
        }
        self.count_unread();
        self.sent = None;
        Some(self.deny(refusal(over.reason)))
    }

    fn count_over(&mut self, over: &Over) -> Then {
        // Parts have been counted, and candidates that were given up are when the exchange is over.
        if !matches!(over.why, GIVEN_UP | UNREAD_PART) {
            self.shared.metrics.uninspected(&self.engine, over.reason);
        }
        let outcome = match over.then {
            Then::Drop => Outcome::Dropped,
            _ => Outcome::Uninspected,
        };
        self.outcome = self.outcome.max(outcome);
        match over.then {
            Then::Reset if !self.engine.enforces() => Then::Pass,
            then => then,
        }
    }
}

/// Why a body ends in which a candidate was given up.
pub(super) const GIVEN_UP: &str = "a candidate in it grew too long to be judged";

/// Why it ends if a part of it, or a message on a WebSocket, is not read.
const UNREAD_PART: &str = "a part of it is not inspected";

impl Stream {
    /// Counts the parts that went by unread, and does what the policy wants of the body then.
    pub(super) fn heed_parts(&mut self, shared: &Shared, exchange: &mut Exchange) {
        for unread in exchange.take_unread() {
            let metrics = shared.metrics;
            metrics.uninspected_times(&self.engine, unread.reason, unread.parts);
            metrics.uninspected_bytes(&self.engine, unread.reason, unread.bytes);
            let then = match self.engine.on_uninspectable(unread.reason) {
                Fate::Pass => continue,
                Fate::Block => Then::Block,
                Fate::Drop => self.droppable(),
            };
            self.stop(unread.reason, UNREAD_PART, then);
            self.unread.get_or_insert((unread.reason, 0));
            if self.engine.enforces() {
                self.out = Some(Vec::new());
            }
        }
    }

    /// What has turned out since this was last asked.
    fn news(&mut self, given_up: bool) -> Option<Over> {
        if given_up && self.over.is_none() {
            let then = match self.engine.on_uninspectable("limit") {
                Fate::Pass => return None,
                Fate::Block => Then::Block,
                Fate::Drop => self.droppable(),
            };
            self.stop("limit", GIVEN_UP, then);
            if self.engine.enforces() {
                self.out = Some(Vec::new());
            }
        }
        if std::mem::replace(&mut self.told, self.over.is_some()) {
            return None;
        }
        self.over
    }

    /// A part of a range or a gRPC message is not one any more when something is left out.
    pub(super) fn droppable(&self) -> Then {
        if self.keep_length { Then::Reset } else { Then::Drop }
    }

    /// The rest is not looked at.
    pub(super) fn stop(&mut self, reason: &'static str, why: &'static str, then: Then) {
        self.over.get_or_insert(Over { reason, why, then });
    }
}
