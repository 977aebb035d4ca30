//! Reads secrets where they live and publishes fingerprints of them, never the secrets.
//!
//! ```text
//! source → Secret → leaves → admission → store → publish → service
//! ```
//!
//! Each [`source`](Config) is a task that tells what it has; the store keeps what was armed before for a grace period, and what a
//! source that is down had last. `keepmum agent` is this crate's program. Without the feature `agent` it is empty, so that a build
//! of the workspace needs no HTTP stack.

#![cfg(feature = "agent")]
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

pub use admission::Refusal;
pub use config::{Config, ConfigError, Listen, Mistake};
pub use probe::{ProbeError, Probed, probe};
pub use report::Report;
pub use run::{StartError, dry_run, run};
pub use secret::{Secret, Stage};

mod admission;
pub mod config;
mod hits;
mod json;
mod leaves;
mod log;
mod memory;
mod metrics;
mod probe;
mod publish;
mod random;
mod report;
mod run;
mod secret;
mod service;
mod source;
mod store;

use random::random;
