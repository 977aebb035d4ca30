//! The policy in its forms: as written (`written.rs`), and compiled into an [`crate::Engine`] (`compile.rs`; `custom.rs` for
//! the policy's own detectors).

pub(crate) mod compile;
mod custom;
#[allow(dead_code)]
pub(crate) mod document;
#[allow(dead_code)]
pub(crate) mod glob;
#[allow(dead_code)]
pub(crate) mod mistakes;
#[allow(dead_code)]
pub(crate) mod path;
pub(crate) mod written;

pub use written::{ErrorBody, ErrorRule, Mode, OnEncoded, StatusPattern};
