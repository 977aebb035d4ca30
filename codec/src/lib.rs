//! Content encodings, undone as they stream: bytes in, bounded pieces of plain bytes out.
//!
//! A crate of its own and no part of the engine, which is about text. Nothing here does I/O or knows a proxy. What a stream
//! holds is its window and its tables; what comes out goes to the caller piece by piece and is kept nowhere. How the input was
//! cut makes no difference to what comes out, neither of sound input nor of broken one (but for the last bytes before damage in br).
#![cfg_attr(not(test), no_std)]

extern crate alloc;

#[cfg(feature = "brotli")]
mod brotli;
mod coding;
mod crc;
mod decoder;
mod frames;
mod gzip;
mod inflate;
mod text;
#[cfg(feature = "zstd")]
mod zstd;

pub use coding::{Coding, Unknown, codings};
pub use decoder::{Decoder, FREE_BYTES, Limits};
pub use frames::{COMPRESSED, Frames, Head, Step};
pub use text::Text64;

/// Why a body cannot be decoded, or not any further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// Its first bytes are not those of the coding that it is said to have: nothing has been decoded.
    Lying,
    /// It is damaged from here on.
    Malformed,
    /// It has ended too soon; all that came has been decoded.
    Truncated,
    /// Something follows behind its end.
    Trailing,
    /// It has become too much larger than it was.
    Ratio,
    /// It asks for a larger window than is allowed.
    Window,
    /// There is no memory left for it.
    Memory,
}

impl Broken {
    /// The same in words.
    pub fn name(self) -> &'static str {
        match self {
            Broken::Lying => "its content encoding is not what it is said to be",
            Broken::Malformed => "its content encoding is damaged",
            Broken::Truncated => "its content encoding is cut off",
            Broken::Trailing => "something stands behind the end of its content encoding",
            Broken::Ratio => "it grows beyond limits.decompression_ratio",
            Broken::Window => "it asks for more than limits.window_bytes",
            Broken::Memory => "limits.decoder_bytes are in use",
        }
    }

    /// Whether a limit of the policy was reached, and nothing is wrong with the bytes.
    pub fn is_limit(self) -> bool {
        matches!(self, Broken::Ratio | Broken::Window | Broken::Memory)
    }
}

/// Takes what was decoded. The slice is only lent; an error ends the decoding and is given back.
pub type Sink<'s> = &'s mut dyn FnMut(&[u8]) -> Result<(), Broken>;
