//! Finds secrets in a stream of bytes and rewrites them, so that the output is as valid as the input was.
//!
//! ```
//! use keepmum_engine::{Body, BodyKind, Engine, Exchange, Workspace};
//!
//! let engine = Engine::new(b"{}")?;
//! let (mut work, mut exchange) = (Workspace::default(), Exchange::default());
//! let mut body = Body::new(BodyKind::default());
//! let mut out = Vec::new();
//! body.push(&engine, &mut work, &mut exchange, b"postgres://app:hunter2-hunter2@db/shop", &mut out);
//! body.finish(&engine, &mut work, &mut exchange, &mut out);
//! assert_eq!(out, b"postgres://app:[REDACTED:postgres-url-password]@db/shop");
//! # Ok::<(), keepmum_engine::PolicyError>(())
//! ```
//!
//! No proxy, no clock, no file: see ARCHITECTURE.md for the crates around it.

pub use deny::{DENY_LISTS, Denied, DenyList};
pub use engine::Engine;
pub use error::{Mistake, PolicyError};
pub use exchange::{Count, Exchange, Finding, Unread};
#[cfg(feature = "explain")]
pub use holds::{Holds, Longest};
pub use keepmum_known as fingerprints;
pub use known::KnownHit;
pub use policy::{
    AuditRules, Bounds, ErrorBody, Fate, Feed, Mode, OnStale, RequestFacts, ResponseFacts, Routed, StatusPattern,
    policy_schema,
};
#[cfg(feature = "explain")]
pub use policy::{Tried, nearest, shown, tree};
pub use rewrite::{Action, Mask, Reply};
pub use stream::{Body, BodyKind, Flow, Framing, Workspace};

pub mod catalogue;
pub mod content;
pub mod errors;
pub mod limits;

mod decide;
mod decode;
mod deny;
mod detect;
mod engine;
mod error;
mod exchange;
#[cfg(feature = "explain")]
pub mod explain;
#[cfg(not(feature = "explain"))]
mod explain;
#[cfg(feature = "explain")]
mod holds;
mod known;
mod policy;
mod rewrite;
mod stream;
