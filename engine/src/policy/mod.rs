//! The policy in its forms: as written (`written.rs`), and compiled into an [`crate::Engine`] (`compile.rs`; `custom.rs` for
//! the policy's own detectors).

pub(crate) mod action;
pub(crate) mod audit;
mod built_in;
mod chosen;
pub(crate) mod compile;
mod custom;
pub(crate) mod deny;
pub(crate) mod document;
pub(crate) mod errors;
mod given;
pub(crate) mod glob;
mod known;
mod lists;
pub(crate) mod path;
pub(crate) mod read;
pub(crate) mod routes;
mod schema;
mod shown;
mod streams;
mod strength;
mod tables;
pub(crate) mod unread;
mod version;
pub(crate) mod written;

pub use audit::AuditRules;
#[cfg(feature = "explain")]
pub use document::tree;
pub use errors::ErrorBody;
pub use known::{Feed, OnStale};
#[cfg(feature = "explain")]
pub use read::nearest;
#[cfg(feature = "explain")]
pub use routes::Tried;
pub use routes::{RequestFacts, ResponseFacts, Routed};
pub use schema::policy_schema;
#[cfg(feature = "explain")]
pub use shown::shown;
pub use unread::{Bounds, Fate};
pub use written::{Mode, StatusPattern};
