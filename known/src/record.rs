//! One form of one secret, as it travels and as it is searched for: the same 36 bytes.
//!
//! | bytes | what |
//! | --- | --- |
//! | 0–3 | little-endian: the gate of three bytes (18 bits), [`WIDE`], [`ANYWHERE`] |
//! | 4–7 | the gate of five bytes, if it has one; of base64 the gate of the core itself (18 bits), where it begins ([`Shift`]), [`CORE`] |
//! | 8 | how far behind the beginning of the form the gates' bytes stand, as [`Walk`] counts |
//! | 9 | the lower half: its alphabet; the upper: how its end is found ([`Walk`]) |
//! | 10–11 | its length: bytes, or what else [`Walk`] counts |
//! | 12–15 | its tag |
//! | 16–31 | its digest |
//! | 32–34 | the number of its secret |
//! | 35 | the number of its form |

use crate::alphabet::Alphabet;
use crate::core64::Shift;
use crate::key::{NARROW_BITS, WIDE_BITS};
use crate::walk::Walk;

/// Bytes of a record.
pub(crate) const RECORD: usize = 36;

/// It has a gate of five bytes, too: three of hexadecimal digits say little.
const WIDE: u32 = 1 << 24;
/// Its gates can stand anywhere, and not only where characters of two kinds meet ([`crate::places`]).
const ANYWHERE: u32 = 1 << 25;
/// The core can be read from the characters around its gate.
const CORE: u32 = 1 << 31;
/// Where the shift stands.
const SHIFT: u32 = 24;

/// The bits of a gate of three bytes.
const NARROW: u32 = (1 << NARROW_BITS) - 1;

/// What is asked for last, before a form is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Gate {
    /// Three bytes.
    Narrow,
    /// Five.
    Wide,
    /// The core that base64 spells there.
    Core,
}

/// See above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) narrow: u32,
    pub(crate) wide: Option<u32>,
    /// Of base64: the gate of the core, and where it begins.
    pub(crate) core: Option<(u32, Shift)>,
    pub(crate) anywhere: bool,
    pub(crate) offset: u8,
    pub(crate) alphabet: Alphabet,
    pub(crate) walk: Walk,
    pub(crate) len: u16,
    pub(crate) tag: u32,
    pub(crate) digest: [u8; 16],
    pub(crate) secret: u32,
    pub(crate) form: u8,
}

impl Record {
    /// `None`: it is none.
    pub(crate) fn read(bytes: &[u8; RECORD]) -> Option<Record> {
        let word = |at: usize| Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk::<4>()?));
        let gate = word(0)?;
        let wide = word(4)?;
        let narrow = gate & NARROW;
        let [offset, kinds, low, high] = *bytes.get(8..)?.first_chunk::<4>()?;
        let record = Record {
            narrow,
            wide: (gate & WIDE != 0).then_some(wide),
            core: (gate & WIDE == 0 && wide & CORE != 0).then(|| (wide & NARROW, Shift::of_number(wide >> SHIFT))),
            anywhere: gate & ANYWHERE != 0,
            offset,
            alphabet: Alphabet::of_number(kinds & 15)?,
            walk: Walk::of_number(kinds >> 4)?,
            len: u16::from_le_bytes([low, high]),
            tag: word(12)?,
            digest: *bytes.get(16..)?.first_chunk::<16>()?,
            secret: word(32)? & 0xff_ffff,
            form: *bytes.get(35)?,
        };
        let bounded = gate & !(WIDE | ANYWHERE) == narrow
            && match (gate & WIDE != 0, wide & CORE != 0) {
                (true, _) => wide < 1 << WIDE_BITS,
                (false, true) => wide & !(CORE | 3 << SHIFT) == wide & NARROW && offset > 0,
                (false, false) => wide == 0,
            };
        let inside = usize::from(record.len) >= crate::FORM_MIN_BYTES
            && usize::from(record.len) <= crate::FORM_BYTES
            && (record.walk != Walk::Bytes
                || usize::from(offset) + if record.wide.is_some() { 5 } else { 3 } <= usize::from(record.len));
        (bounded && inside).then_some(record)
    }

    /// By what it is found: which kind of gate, and its bits.
    pub(crate) fn gate(&self) -> (Gate, u32) {
        match (self.wide, self.core) {
            (Some(gate), _) => (Gate::Wide, gate),
            (_, Some((core, shift))) => (Gate::Core, shift.gate(core)),
            (None, None) => (Gate::Narrow, self.narrow),
        }
    }

    /// Records travel in this order, by which they are found.
    pub(crate) fn order(&self) -> (Gate, u32, u8, u16, u8) {
        let (kind, gate) = self.gate();
        (kind, gate, self.offset, self.len, self.form)
    }

    #[cfg(feature = "publish")]
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let flags = self.wide.map_or(0, |_| WIDE) | if self.anywhere { ANYWHERE } else { 0 };
        out.extend((self.narrow | flags).to_le_bytes());
        let core = self.core.map(|(gate, shift)| CORE | shift.number() << SHIFT | gate);
        out.extend(self.wide.or(core).unwrap_or(0).to_le_bytes());
        out.extend([self.offset, self.alphabet.number() | self.walk.number() << 4]);
        out.extend(self.len.to_le_bytes());
        out.extend(self.tag.to_le_bytes());
        out.extend(self.digest);
        out.extend((self.secret & 0xff_ffff | u32::from(self.form) << 24).to_le_bytes());
    }
}
