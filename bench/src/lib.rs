//! What is measured.
#![allow(missing_docs)]
