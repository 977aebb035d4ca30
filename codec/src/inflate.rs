//! A deflate stream (RFC 1951), with zlib's wrapper or without (RFC 1950), through `miniz_oxide`. Its window is the buffer that
//! it writes into, so that what comes out is lent from there and nothing is copied.

use alloc::boxed::Box;
use alloc::vec::Vec;

use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::{
    TINFL_FLAG_COMPUTE_ADLER32, TINFL_FLAG_HAS_MORE_INPUT, TINFL_FLAG_PARSE_ZLIB_HEADER,
};
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};

use crate::{Broken, Sink};

/// The farthest that deflate looks back.
const WINDOW: usize = 32 * 1024;

/// Bytes that one stream takes.
pub(crate) const MEMORY: usize = WINDOW + size_of::<DecompressorOxide>();

/// One stream on its way.
pub(crate) struct Inflate {
    state: Box<DecompressorOxide>,
    window: Vec<u8>,
    at: usize,
    flags: u32,
}

impl Inflate {
    pub(crate) fn new(zlib: bool) -> Result<Inflate, Broken> {
        let mut window = Vec::new();
        window.try_reserve_exact(WINDOW).map_err(|_| Broken::Memory)?;
        window.resize(WINDOW, 0);
        let wrapper = TINFL_FLAG_PARSE_ZLIB_HEADER | TINFL_FLAG_COMPUTE_ADLER32;
        Ok(Inflate {
            state: Box::default(),
            window,
            at: 0,
            flags: TINFL_FLAG_HAS_MORE_INPUT | if zlib { wrapper } else { 0 },
        })
    }

    /// For the next stream.
    pub(crate) fn restart(&mut self) {
        self.state.init();
        self.at = 0;
    }

    /// Takes input; says how much of it was the stream's, and whether the stream has ended there.
    pub(crate) fn push(&mut self, input: &[u8], sink: Sink<'_>) -> Result<(usize, bool), Broken> {
        let mut used = 0;
        loop {
            let rest = input.get(used..).unwrap_or_default();
            let (status, read, wrote) = decompress(&mut self.state, rest, &mut self.window, self.at, self.flags);
            used += read;
            if wrote > 0 {
                sink(self.window.get(self.at..self.at + wrote).unwrap_or_default())?;
            }
            self.at = (self.at + wrote) % WINDOW;
            match status {
                TINFLStatus::Done => return Ok((used, true)),
                TINFLStatus::NeedsMoreInput => return Ok((used, false)),
                TINFLStatus::HasMoreOutput if read > 0 || wrote > 0 => {}
                _ => return Err(Broken::Malformed),
            }
        }
    }
}

/// The content coding `deflate`: senders disagree about what that is, and the first two bytes tell.
#[derive(Default)]
pub(crate) struct Deflate {
    first: Option<u8>,
    stream: Option<Inflate>,
    done: bool,
}

impl Deflate {
    pub(crate) fn push(&mut self, mut input: &[u8], sink: Sink<'_>) -> Result<(), Broken> {
        if input.is_empty() {
            return Ok(());
        }
        if self.done {
            return Err(Broken::Trailing);
        }
        if self.stream.is_none() {
            let first = match (self.first, input) {
                (Some(first), _) => first,
                (None, [first, rest @ ..]) => {
                    (self.first, input) = (Some(*first), rest);
                    *first
                }
                (None, []) => return Ok(()),
            };
            let Some(second) = input.first() else { return Ok(()) };
            // RFC 1950 section 2.2: the method is 8, the window not too large, and both bytes a multiple of 31.
            let both = u16::from_be_bytes([first, *second]);
            let mut stream = Inflate::new(first & 0x0f == 8 && first >> 4 <= 7 && both % 31 == 0)?;
            let (_, done) = stream.push(&[first], sink)?;
            self.stream = Some(stream);
            self.done = done;
        }
        let Some(stream) = self.stream.as_mut().filter(|_| !self.done) else {
            return Err(Broken::Trailing);
        };
        let (used, done) = stream.push(input, sink)?;
        self.done = done;
        if used < input.len() {
            Err(Broken::Trailing)
        } else {
            Ok(())
        }
    }

    pub(crate) fn finish(&mut self, sink: Sink<'_>) -> Result<(), Broken> {
        match (self.first, &self.stream) {
            // An empty body is an empty message, whatever it is said to be.
            (None, _) => return Ok(()),
            // One byte is a whole stream at best if it is raw.
            (Some(first), None) => self.done = Inflate::new(false)?.push(&[first], sink)?.1,
            _ => {}
        }
        if self.done { Ok(()) } else { Err(Broken::Truncated) }
    }

    pub(crate) fn at_end(&self) -> bool {
        self.done
    }

    pub(crate) fn memory(&self) -> usize {
        if self.stream.is_some() { MEMORY } else { 0 }
    }
}
