//! See ARCHITECTURE.md.
#![allow(missing_docs)]
pub mod capture;
pub mod exchange;
pub mod host;
pub mod replay;
pub mod report;
