//! See ARCHITECTURE.md.
#![allow(missing_docs)]
pub mod exchange;
