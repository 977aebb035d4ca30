//! Error responses: what a policy puts in place of them, what their headers may still say, and how gRPC tells an error.
//!
//! A proxy has to answer before it has seen a body, so that everything here is decided from the status and the headers; only an
//! error code is taken out of the body as it comes (`code.rs`), and that is checked like a header of an unknown hand.

use std::sync::Arc;

mod accept;
mod code;
mod grpc;
mod headers;
mod page;

pub use code::CodeFinder;
pub(crate) use code::Step;
pub use grpc::{percent_encoded, status_of as grpc_status};
pub use headers::{DROPPED, KEPT};
pub(crate) use headers::{Names, is_name};
pub use page::{Page, problem};
pub(crate) use page::{Text, Texts};

use crate::Engine;
use crate::policy::{ErrorBody, StatusPattern};
use page::Facts;

/// What a policy does with error responses of some statuses.
#[derive(Clone, Debug)]
pub struct ErrorProfile {
    pub(crate) status: Vec<StatusPattern>,
    /// What the body becomes; `None`: it stays, and is looked through for what errors leak.
    pub(crate) replace: Option<ErrorBody>,
    /// In lower case.
    pub(crate) correlation: String,
    pub(crate) code: Option<Arc<[code::Step]>>,
    pub(crate) texts: Texts,
    pub(crate) drop: Names,
    pub(crate) keep: Names,
    /// The same rules with the pack `error-leaks`.
    pub(crate) engine: Arc<Engine>,
}

impl ErrorProfile {
    pub(crate) fn covers(&self, status: u16) -> bool {
        self.status.iter().any(|s| s.covers(status))
    }

    /// The rules for these responses: those of the route, and the pack `error-leaks`.
    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// Whether the body is replaced; otherwise it is looked through.
    pub fn replaces(&self) -> bool {
        self.replace.is_some()
    }

    /// The header that holds the correlation id.
    pub fn correlation(&self) -> &str {
        &self.correlation
    }

    /// What takes the error code out of a body, if the policy wants it.
    pub fn code(&self) -> Option<CodeFinder> {
        self.code.clone().map(CodeFinder::new)
    }

    /// Whether the client decides what the body is, so that caches have to be told.
    pub fn negotiates(&self) -> bool {
        self.replace == Some(ErrorBody::Auto)
    }

    /// The body in place of the response's own. `accept`: the request's header, `id` and `code` as they may be shown.
    pub fn page(&self, accept: &[u8], status: u16, id: &str, code: Option<&str>) -> Page {
        let kind = match self.replace {
            Some(ErrorBody::Auto) => accept::choose(accept),
            Some(kind) => kind,
            None => ErrorBody::ProblemJson,
        };
        let text = self.texts.of(status);
        let facts = Facts { status, id, code, text };
        page::write(kind, &facts)
    }

    /// What `grpc-message` becomes when the error is replaced.
    pub fn message(&self, status: u16) -> String {
        let text = self.texts.of(status);
        percent_encoded(text.detail.or(text.title).unwrap_or_else(|| page::reason(status)))
    }

    /// Whether a response whose body is replaced keeps this header.
    pub fn keeps(&self, name: &[u8]) -> bool {
        let kept = name == self.correlation.as_bytes() || headers::is_kept(name);
        self.keep.has(name) || (kept && !self.drop.has(name))
    }

    /// Whether a response whose body stays loses this header.
    pub fn drops(&self, name: &[u8]) -> bool {
        let dropped = headers::is_dropped(name) || self.drop.has(name);
        dropped && !self.keep.has(name) && name != self.correlation.as_bytes()
    }

    /// Whether the policy names this header as one that stays: it is looked at as on any other response.
    pub fn leaves(&self, name: &[u8]) -> bool {
        self.keep.has(name)
    }
}
