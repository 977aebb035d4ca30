//! Zstandard (RFC 8878): frames one behind the other, each of blocks of 128 KiB at most.
//!
//! Why not the crate `ruzstd`: it gives nothing out before a whole window has come in, so that an event stream would stand
//! still; it grows its window without asking for memory; and it asserts. Why not zstd itself: it is C. What is here does
//! less than either: no dictionaries, and the frame's checksum is not looked at.

use alloc::boxed::Box;
use alloc::vec::Vec;

use self::block::Tables;
use crate::{Broken, Sink};

mod bits;
mod block;
mod fse;
mod huffman;

const MAGIC: u32 = 0xfd2f_b528;
const SKIPPED: core::ops::RangeInclusive<u32> = 0x184d_2a50..=0x184d_2a5f;

/// Bytes of one block, before and after.
const BLOCK: usize = 128 * 1024;

/// Bytes that come out at a time.
const PIECE: usize = 32 * 1024;

/// What the next bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Magic,
    Descriptor,
    /// The rest of a frame's header, behind this descriptor.
    Header(u8),
    BlockHeader,
    Block {
        kind: Kind,
        size: usize,
        last: bool,
    },
    Checksum,
    SkippedSize,
    /// So many bytes that mean nothing.
    Skipped(u32),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Raw,
    Repeated,
    Compressed,
}

/// A file on its way.
pub(crate) struct Zstd {
    /// Bytes that it may look back, and bytes that it may hold.
    most: usize,
    allowed: usize,
    at: At,
    /// Bytes of what is next, as many of them as have come.
    have: Vec<u8>,
    need: usize,
    /// A frame has ended.
    whole: bool,
    begun: bool,
    frame: Frame,
    /// What can be looked back at, and the block that is decoded.
    window: Vec<u8>,
    tables: Option<Box<Tables>>,
}

/// What a frame's header says.
#[derive(Clone, Copy, Default)]
struct Frame {
    window: usize,
    checksum: bool,
    /// Bytes that are still to come out, if it is told.
    left: Option<u64>,
}

impl Zstd {
    pub(crate) fn new(most: usize) -> Zstd {
        Zstd {
            most,
            allowed: usize::MAX,
            at: At::Magic,
            have: Vec::new(),
            need: 4,
            whole: false,
            begun: false,
            frame: Frame::default(),
            window: Vec::new(),
            tables: None,
        }
    }

    /// It may hold so many bytes from now on.
    pub(crate) fn allow(&mut self, bytes: usize) {
        self.allowed = bytes;
    }

    pub(crate) fn push(&mut self, mut input: &[u8], sink: Sink<'_>) -> Result<(), Broken> {
        self.begun |= !input.is_empty();
        while !input.is_empty() {
            if let At::Skipped(n) = self.at {
                let skipped = input.len().min(usize::try_from(n).unwrap_or(usize::MAX));
                input = input.get(skipped..).unwrap_or_default();
                let left = n - u32::try_from(skipped).unwrap_or(n);
                self.at = At::Skipped(left);
                if left == 0 {
                    self.next(At::Magic, 4);
                }
                continue;
            }
            let (new, rest) = input.split_at(input.len().min(self.need - self.have.len()));
            if self.have.capacity() < self.need {
                self.reserve(self.need - self.have.capacity())?;
                let more = self.need - self.have.len();
                self.have.try_reserve_exact(more).map_err(|_| Broken::Memory)?;
            }
            self.have.extend_from_slice(new);
            input = rest;
            // A block of no bytes needs none to be whole.
            while self.have.len() >= self.need && !matches!(self.at, At::Skipped(_)) {
                let have = core::mem::take(&mut self.have);
                self.step(&have, sink)?;
                self.have = have;
                self.have.clear();
                if self.need > 0 {
                    break;
                }
            }
        }
        Ok(())
    }

    fn next(&mut self, at: At, need: usize) {
        (self.at, self.need) = (at, need);
    }

    /// More memory, if it may be.
    fn reserve(&self, bytes: usize) -> Result<(), Broken> {
        if self.memory().saturating_add(bytes) > self.allowed {
            Err(Broken::Memory)
        } else {
            Ok(())
        }
    }

    /// What is next has come.
    fn step(&mut self, have: &[u8], sink: Sink<'_>) -> Result<(), Broken> {
        let number = |bytes: &[u8]| bytes.iter().rev().fold(0u64, |n, b| n << 8 | u64::from(*b));
        let word = || u32::try_from(number(have)).unwrap_or(0);
        match self.at {
            At::Magic => match word() {
                MAGIC => self.next(At::Descriptor, 1),
                magic if SKIPPED.contains(&magic) => self.next(At::SkippedSize, 4),
                _ if self.whole => return Err(Broken::Trailing),
                _ => return Err(Broken::Lying),
            },
            At::SkippedSize => match word() {
                0 => self.next(At::Magic, 4),
                n => self.next(At::Skipped(n), 0),
            },
            At::Descriptor => {
                let d = have.first().copied().unwrap_or(0);
                let (window, id, size) = header_sizes(d);
                // Bit 3 is reserved, and without a window and a size nothing more is told.
                if d & 8 != 0 {
                    return Err(Broken::Malformed);
                }
                self.next(At::Header(d), window + id + size);
            }
            At::Header(d) => {
                let (window, id, _) = header_sizes(d);
                let size = have.get(window + id..).unwrap_or_default();
                let told = (!size.is_empty()).then(|| number(size) + if size.len() == 2 { 256 } else { 0 });
                let id = have.get(window..window + id).unwrap_or_default();
                if number(id) != 0 {
                    // A dictionary that nobody has here.
                    return Err(Broken::Malformed);
                }
                let asked = match have.first().filter(|_| window > 0) {
                    Some(b) => {
                        let base = 1u64 << (10 + (b >> 3));
                        base + base / 8 * u64::from(b & 7)
                    }
                    None => told.unwrap_or(0),
                };
                if asked > self.most as u64 {
                    return Err(Broken::Window);
                }
                self.frame = Frame {
                    window: usize::try_from(asked).unwrap_or(0),
                    checksum: d & 4 != 0,
                    left: told,
                };
                self.window.clear();
                match &mut self.tables {
                    Some(tables) => tables.restart(),
                    None => {
                        self.reserve(size_of::<Tables>())?;
                        self.tables = Some(Box::default());
                    }
                }
                self.next(At::BlockHeader, 3);
            }
            At::BlockHeader => {
                let (last, kind, size) = (word() & 1 == 1, word() >> 1 & 3, word() >> 3);
                let size = usize::try_from(size).unwrap_or(usize::MAX);
                let kind = match kind {
                    0 => Kind::Raw,
                    1 => Kind::Repeated,
                    2 => Kind::Compressed,
                    _ => return Err(Broken::Malformed),
                };
                if size > self.block_bytes() {
                    return Err(Broken::Malformed);
                }
                let need = if kind == Kind::Repeated { 1 } else { size };
                self.next(At::Block { kind, size, last }, need);
            }
            At::Block { kind, size, last } => {
                self.block(kind, size, have, sink)?;
                match (last, self.frame.checksum) {
                    (false, _) => self.next(At::BlockHeader, 3),
                    (true, true) => self.next(At::Checksum, 4),
                    (true, false) => self.frame_ends()?,
                }
            }
            At::Checksum => self.frame_ends()?,
            At::Skipped(_) => {}
        }
        Ok(())
    }

    fn frame_ends(&mut self) -> Result<(), Broken> {
        self.whole = true;
        self.next(At::Magic, 4);
        if self.frame.left.is_some_and(|left| left > 0) {
            Err(Broken::Malformed)
        } else {
            Ok(())
        }
    }

    /// The most that a block may be.
    fn block_bytes(&self) -> usize {
        self.frame.window.min(BLOCK)
    }

    /// Decodes a block behind the window, and gives it out.
    fn block(&mut self, kind: Kind, size: usize, have: &[u8], sink: Sink<'_>) -> Result<(), Broken> {
        let slack = self.frame.window / 4 + BLOCK;
        if self.window.len() > self.frame.window + slack {
            self.window.drain(..self.window.len() - self.frame.window);
        }
        let most = self.block_bytes();
        let needed = self.window.len() + most;
        if self.window.capacity() < needed {
            let whole = self.frame.window + slack + BLOCK;
            let wanted = needed.max(self.window.capacity().saturating_mul(2)).min(whole);
            self.reserve(wanted - self.window.capacity())?;
            let more = wanted - self.window.len();
            self.window.try_reserve_exact(more).map_err(|_| Broken::Memory)?;
        }
        let begin = self.window.len();
        match (kind, &mut self.tables) {
            (Kind::Raw, _) => self.window.extend_from_slice(have),
            (Kind::Repeated, _) => self.window.resize(begin + size, have.first().copied().unwrap_or(0)),
            (Kind::Compressed, Some(tables)) => {
                let looks_back = self.frame.window;
                block::decode(tables, have, &mut self.window, looks_back, most).ok_or(Broken::Malformed)?;
            }
            (Kind::Compressed, None) => return Err(Broken::Malformed),
        }
        let new = self.window.get(begin..).unwrap_or_default();
        if let Some(left) = &mut self.frame.left {
            *left = left.checked_sub(new.len() as u64).ok_or(Broken::Malformed)?;
        }
        new.chunks(PIECE).try_for_each(sink)
    }

    pub(crate) fn finish(&self) -> Result<(), Broken> {
        match (self.at, self.have.is_empty()) {
            // An empty body is an empty message, whatever it is said to be.
            (At::Magic, true) => Ok(()),
            (At::Magic, false) if self.whole => Err(Broken::Trailing),
            _ => Err(Broken::Truncated),
        }
    }

    pub(crate) fn at_end(&self) -> bool {
        self.begun && self.at == At::Magic && self.have.is_empty()
    }

    pub(crate) fn memory(&self) -> usize {
        let tables = self.tables.as_ref().map_or(0, |t| size_of::<Tables>() + t.memory());
        self.have.capacity() + self.window.capacity() + tables
    }
}

/// Bytes of the window's descriptor, the dictionary's id and the content's size.
fn header_sizes(descriptor: u8) -> (usize, usize, usize) {
    let single = descriptor & 0x20 != 0;
    let id = [0, 1, 2, 4].get(usize::from(descriptor & 3)).copied().unwrap_or(0);
    let size = match descriptor >> 6 {
        0 => usize::from(single),
        n => 1 << n,
    };
    (usize::from(!single), id, size)
}
