//! Step one, Chunk → Text: what the bytes spell, with the place of every character in the input.

pub(crate) mod base64;
pub(crate) mod binary;
pub(crate) mod deltas;
pub(crate) mod escape;
pub(crate) mod json;
pub(crate) mod multipart;
pub(crate) mod pairs;
pub(crate) mod paths;
pub(crate) mod pointer;
pub(crate) mod reference;
pub(crate) mod scan;
pub(crate) mod utf16;
pub(crate) mod websocket;
pub(crate) mod zones;

pub(crate) use escape::{Escape, Reading, Unit};

/// Which layers of encoding are undone, besides JSON's escapes, which always are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decode {
    /// `%3A`, and `%253A`.
    pub(crate) percent: bool,
    /// `&colon;`, `&#58;` and `&#x3a;`.
    pub(crate) entities: bool,
    /// base64 and base64url inside a string.
    pub(crate) base64: bool,
    /// Bodies in UTF-16.
    pub(crate) utf16: bool,
}

impl Default for Decode {
    fn default() -> Decode {
        Decode {
            percent: true,
            entities: true,
            base64: true,
            utf16: true,
        }
    }
}
