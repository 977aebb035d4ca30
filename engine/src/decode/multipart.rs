//! The syntax of multipart bodies (RFC 2046): the lines that part them, and what stands at a part's head.

pub(crate) mod head;
mod line;

pub(crate) use line::{Line, Step};
