//! Leaks that are whole responses: requests for paths that nobody should ask for, and the lists of them that come along.
//!
//! A rule that lets something through must not believe a path that others may read otherwise; one that denies believes the
//! worst of it. So a path is compared in every reading that a server behind the proxy may give it (`reading.rs`).

pub(crate) mod file;
mod lists;
mod paths;
mod reading;

pub use lists::{DENY_LISTS, DenyList};
pub(crate) use paths::Paths;

/// A request that is answered in place of the upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Denied {
    /// The answer's status.
    pub status: u16,
    /// The list that the path is on; `path`: the policy's own.
    pub reason: &'static str,
}
