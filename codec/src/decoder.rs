//! A body's codings, undone one after the other, and the bounds on what comes of it.

use alloc::boxed::Box;
use alloc::vec::Vec;

#[cfg(feature = "brotli")]
use crate::brotli::Brotli;
use crate::gzip::Gzip;
use crate::inflate::Deflate;
#[cfg(feature = "zstd")]
use crate::zstd::Zstd;
use crate::{Broken, Coding, Sink};

/// What a body may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// So many times its bytes may come out of it.
    pub ratio: u64,
    /// Bytes that it may look back, in `br` and `zstd`; gzip has 32 KiB.
    pub window: usize,
}

/// Bytes that may come out whatever the ratio: a small text that repeats itself is no attack.
pub const FREE_BYTES: u64 = 1024 * 1024;

/// What comes out is held against what went in by blocks of this size, so that the point where it is too much does not depend
/// on how the input was cut.
const BLOCK: u64 = 4 * 1024;

/// Bytes that a stage holds at least.
const LEAST: usize = 48 * 1024;

/// The most bytes by which a coding can be told.
const HEAD: usize = 4;

/// A body on its way.
pub struct Decoder {
    /// The last that was applied first.
    stages: Vec<Stage>,
    limits: Limits,
    read: u64,
    head: Vec<u8>,
    broken: Option<Broken>,
}

struct Stage {
    kind: Kind,
    /// Bytes that came out of it.
    written: u64,
}

enum Kind {
    Gzip(Gzip),
    Deflate(Deflate),
    #[cfg(feature = "brotli")]
    Brotli(Box<Brotli>),
    #[cfg(feature = "zstd")]
    Zstd(Box<Zstd>),
}

impl Kind {
    fn push(&mut self, input: &[u8], sink: Sink<'_>) -> Result<(), Broken> {
        match self {
            Kind::Gzip(s) => s.push(input, sink),
            Kind::Deflate(s) => s.push(input, sink),
            #[cfg(feature = "brotli")]
            Kind::Brotli(s) => s.push(input, sink),
            #[cfg(feature = "zstd")]
            Kind::Zstd(s) => s.push(input, sink),
        }
    }

    /// It may hold so many bytes. The others hold what they hold.
    fn allow(&mut self, _bytes: usize) {
        match self {
            #[cfg(feature = "brotli")]
            Kind::Brotli(s) => s.allow(_bytes),
            #[cfg(feature = "zstd")]
            Kind::Zstd(s) => s.allow(_bytes),
            _ => {}
        }
    }

    fn finish(&mut self, sink: Sink<'_>) -> Result<(), Broken> {
        match self {
            Kind::Gzip(s) => s.finish(),
            Kind::Deflate(s) => s.finish(sink),
            #[cfg(feature = "brotli")]
            Kind::Brotli(s) => s.finish(),
            #[cfg(feature = "zstd")]
            Kind::Zstd(s) => s.finish(),
        }
    }

    fn at_end(&self) -> bool {
        match self {
            Kind::Gzip(s) => s.at_end(),
            Kind::Deflate(s) => s.at_end(),
            #[cfg(feature = "brotli")]
            Kind::Brotli(s) => s.at_end(),
            #[cfg(feature = "zstd")]
            Kind::Zstd(s) => s.at_end(),
        }
    }

    fn memory(&self) -> usize {
        match self {
            Kind::Gzip(s) => s.memory(),
            Kind::Deflate(s) => s.memory(),
            #[cfg(feature = "brotli")]
            Kind::Brotli(s) => s.memory(),
            #[cfg(feature = "zstd")]
            Kind::Zstd(s) => s.memory(),
        }
    }
}

/// Takes bytes through the stages that are left, of which none may give more than `most`.
fn through(stages: &mut [Stage], input: &[u8], most: u64, sink: Sink<'_>) -> Result<(), Broken> {
    let Some((first, rest)) = stages.split_first_mut() else {
        return sink(input);
    };
    let written = &mut first.written;
    first.kind.push(input, &mut |piece| {
        let room = usize::try_from(most.saturating_sub(*written)).unwrap_or(usize::MAX);
        let fits = piece.get(..room.min(piece.len())).unwrap_or_default();
        *written += fits.len() as u64;
        if !fits.is_empty() {
            through(rest, fits, most, sink)?;
        }
        if fits.len() < piece.len() {
            Err(Broken::Ratio)
        } else {
            Ok(())
        }
    })
}

/// Ends the stages, the outermost first.
fn end(stages: &mut [Stage], sink: Sink<'_>) -> Result<(), Broken> {
    let Some((first, rest)) = stages.split_first_mut() else {
        return Ok(());
    };
    let ended = first.kind.finish(&mut |piece| through(rest, piece, u64::MAX, sink));
    // What is wrong outside is the reason for what is wrong inside.
    ended.and(end(rest, sink))
}

impl Decoder {
    /// For these codings, in the order in which they were applied.
    pub fn new(codings: &[Coding], limits: Limits) -> Decoder {
        let kind = |coding: &Coding| match coding {
            Coding::Gzip => Kind::Gzip(Gzip::new()),
            Coding::Deflate => Kind::Deflate(Deflate::default()),
            #[cfg(feature = "brotli")]
            Coding::Brotli => Kind::Brotli(Box::new(Brotli::new(limits.window))),
            #[cfg(feature = "zstd")]
            Coding::Zstd => Kind::Zstd(Box::new(Zstd::new(limits.window))),
        };
        let stage = |coding| Stage {
            kind: kind(coding),
            written: 0,
        };
        Decoder {
            stages: codings.iter().rev().map(stage).collect(),
            limits,
            read: 0,
            head: Vec::new(),
            broken: None,
        }
    }

    /// Takes input. What comes out goes to the sink in pieces of 64 KiB at most. An error is for good.
    pub fn push(&mut self, mut input: &[u8], sink: Sink<'_>) -> Result<(), Broken> {
        if let Some(broken) = self.broken {
            return Err(broken);
        }
        let before = self.read;
        let all = input;
        while !input.is_empty() {
            let block = usize::try_from(BLOCK - self.read % BLOCK).unwrap_or(usize::MAX);
            let (part, rest) = input.split_at(block.min(input.len()));
            let most = (self.read - self.read % BLOCK + BLOCK).saturating_mul(self.limits.ratio);
            let most = most.max(FREE_BYTES);
            let done = through(&mut self.stages, part, most, sink);
            if let Err(broken) = done {
                self.broken = Some(broken);
                return Err(broken);
            }
            self.read += part.len() as u64;
            input = rest;
        }
        if before < HEAD as u64 {
            self.head.extend(all.iter().take(HEAD - self.head.len()));
        }
        Ok(())
    }

    /// The body has ended.
    pub fn finish(&mut self, sink: Sink<'_>) -> Result<(), Broken> {
        match self.broken {
            Some(broken) => Err(broken),
            None => end(&mut self.stages, sink),
        }
    }

    /// Whether what came may be all.
    pub fn at_end(&self) -> bool {
        self.broken.is_none() && self.stages.iter().all(|s| s.kind.at_end())
    }

    /// If it was [`Broken::Lying`]: what came before the last push. With that, and from there on, the body can be taken as it is.
    pub fn swallowed(&self) -> &[u8] {
        &self.head
    }

    /// Bytes that it holds at least once it has begun.
    pub fn least(&self) -> usize {
        size_of::<Decoder>() + self.stages.len() * LEAST
    }

    /// It may hold so many bytes from now on. One of [`Decoder::least`] is never too few.
    pub fn allow(&mut self, bytes: usize) {
        let all = self.memory();
        for stage in &mut self.stages {
            let others = all - stage.kind.memory();
            stage.kind.allow(bytes.saturating_sub(others));
        }
    }

    /// Bytes of input before the block in which it broke.
    pub fn sound(&self) -> u64 {
        self.read - self.read % BLOCK
    }

    /// Bytes that came out.
    pub fn written(&self) -> u64 {
        self.stages.last().map_or(self.read, |s| s.written)
    }

    /// Bytes that it holds.
    pub fn memory(&self) -> usize {
        size_of::<Decoder>()
            + self
                .stages
                .iter()
                .map(|s| size_of::<Stage>() + s.kind.memory())
                .sum::<usize>()
    }
}
