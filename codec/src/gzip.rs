//! gzip (RFC 1952): members one behind the other, each a header, a deflate stream, its CRC-32 and its length.

use crate::crc::crc32;
use crate::inflate::{Inflate, MEMORY};
use crate::{Broken, Sink};

/// What the next byte belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// The ten bytes of the header that are always there, by their number.
    Fixed(u8),
    /// The two bytes of the extra field's length.
    ExtraLength(u8, u16),
    Extra(u16),
    Name,
    Comment,
    HeaderSum(u8),
    Data,
    /// CRC and length, by their number.
    Trailer(u8),
}

const EXTRA: u8 = 4;
const NAME: u8 = 8;
const COMMENT: u8 = 16;
const HEADER_SUM: u8 = 2;
const RESERVED: u8 = 0xe0;

/// A gzip file on its way.
pub(crate) struct Gzip {
    at: At,
    flags: u8,
    stream: Option<Inflate>,
    crc: u32,
    length: u32,
    trailer: [u8; 8],
    /// A member has ended.
    whole: bool,
}

impl Gzip {
    pub(crate) fn new() -> Gzip {
        Gzip {
            at: At::Fixed(0),
            flags: 0,
            stream: None,
            crc: 0,
            length: 0,
            trailer: [0; 8],
            whole: false,
        }
    }

    /// The next of the header's parts that is there, from this one on.
    fn next(&self, from: At) -> At {
        let has = |flag| self.flags & flag != 0;
        match from {
            At::ExtraLength(..) if has(EXTRA) => from,
            At::ExtraLength(..) => self.next(At::Name),
            At::Name if has(NAME) => from,
            At::Name => self.next(At::Comment),
            At::Comment if has(COMMENT) => from,
            At::Comment => self.next(At::HeaderSum(0)),
            At::HeaderSum(_) if has(HEADER_SUM) => from,
            _ => At::Data,
        }
    }

    /// One byte of a header or trailer.
    fn byte(&mut self, b: u8) -> Result<At, Broken> {
        let sound = match (self.at, b) {
            (At::Fixed(0), _) => b == 0x1f,
            (At::Fixed(1), _) => b == 0x8b,
            (At::Fixed(2), _) => b == 8,
            (At::Fixed(3), _) => b & RESERVED == 0,
            _ => true,
        };
        if !sound {
            return Err(match (self.whole, self.at) {
                (true, _) => Broken::Trailing,
                (false, At::Fixed(0..=2)) => Broken::Lying,
                _ => Broken::Malformed,
            });
        }
        Ok(match self.at {
            At::Fixed(3) => {
                self.flags = b;
                At::Fixed(4)
            }
            At::Fixed(9) => self.next(At::ExtraLength(0, 0)),
            At::Fixed(n) => At::Fixed(n + 1),
            At::ExtraLength(0, _) => At::ExtraLength(1, b.into()),
            At::ExtraLength(_, low) => match low | u16::from(b) << 8 {
                0 => self.next(At::Name),
                length => At::Extra(length),
            },
            At::Extra(1) => self.next(At::Name),
            At::Extra(n) => At::Extra(n - 1),
            At::Name if b == 0 => self.next(At::Comment),
            At::Comment if b == 0 => self.next(At::HeaderSum(0)),
            At::HeaderSum(0) => At::HeaderSum(1),
            At::HeaderSum(_) => At::Data,
            At::Trailer(n) => {
                if let Some(slot) = self.trailer.get_mut(usize::from(n)) {
                    *slot = b;
                }
                if n < 7 { At::Trailer(n + 1) } else { self.member_ends()? }
            }
            at => at,
        })
    }

    fn member_ends(&mut self) -> Result<At, Broken> {
        let [a, b, c, d, e, f, g, h] = self.trailer;
        if u32::from_le_bytes([a, b, c, d]) != self.crc || u32::from_le_bytes([e, f, g, h]) != self.length {
            return Err(Broken::Malformed);
        }
        self.whole = true;
        (self.crc, self.length) = (0, 0);
        if let Some(stream) = &mut self.stream {
            stream.restart();
        }
        Ok(At::Fixed(0))
    }

    pub(crate) fn push(&mut self, mut input: &[u8], sink: Sink<'_>) -> Result<(), Broken> {
        while let Some((first, rest)) = input.split_first() {
            if self.at != At::Data {
                self.at = self.byte(*first)?;
                input = rest;
                continue;
            }
            if self.stream.is_none() {
                self.stream = Some(Inflate::new(false)?);
            }
            let Some(stream) = &mut self.stream else { continue };
            let (crc, length) = (&mut self.crc, &mut self.length);
            let (used, done) = stream.push(input, &mut |piece| {
                *crc = crc32(*crc, piece);
                // Modulo 2³², as the format says.
                *length = length.wrapping_add(u32::try_from(piece.len()).unwrap_or(0));
                sink(piece)
            })?;
            input = input.get(used..).unwrap_or_default();
            if done {
                self.at = At::Trailer(0);
            }
        }
        Ok(())
    }

    pub(crate) fn finish(&mut self) -> Result<(), Broken> {
        match (self.at, self.whole) {
            // An empty body is an empty message, whatever it is said to be.
            (At::Fixed(0), _) => Ok(()),
            (At::Fixed(_), true) => Err(Broken::Trailing),
            _ => Err(Broken::Truncated),
        }
    }

    pub(crate) fn at_end(&self) -> bool {
        self.whole && self.at == At::Fixed(0)
    }

    pub(crate) fn memory(&self) -> usize {
        if self.stream.is_some() { MEMORY } else { 0 }
    }
}
