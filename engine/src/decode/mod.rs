//! Step one, Chunk → Text: what the bytes spell, with the place of every character in the input.

pub(crate) mod escape;
pub(crate) mod json;

pub(crate) use escape::{Escape, Unit};
