//! The project's own corpus, and how well the engine does on it and on benign text: `cargo xtask score`.
//!
//! A crate of its own and not tests of the engine: what is judged is numbers over thousands of texts, which a person wants to
//! read, and which say more than "failed". What holds for each text alone is a test all the same, in `tests/`.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod benign;
pub mod corpus;
pub mod draw;
pub mod encode;
pub mod flat;
pub mod floods;
pub mod judge;
pub mod line;
pub mod properties;
pub mod scan;
pub mod seeded;
pub mod template;
