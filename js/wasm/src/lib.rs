//! The engine behind the npm package: what JavaScript calls, and nothing that JavaScript can do itself.
//!
//! Texts do not go through the bindings' own conversions, which copy each twice: JavaScript writes into [`Machine::input`] and
//! reads from the output in place, and a text in which nothing changed never comes back at all.

mod machine;
mod stream;

#[cfg(target_family = "wasm")]
mod exports;

pub use machine::{Machine, Refused};
pub use stream::Stream;
