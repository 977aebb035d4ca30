//! The policy in its forms: as written (`written.rs`), and compiled into an [`crate::Engine`] (`compile.rs`).

pub(crate) mod compile;
pub(crate) mod written;

pub use written::{ErrorBody, ErrorRule, Mode, OnEncoded, StatusPattern};
