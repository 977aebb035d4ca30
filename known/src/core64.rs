//! Base64 shows eighteen of a core's twenty-four bits in whole characters, and three of those stand everywhere in what base64 is made
//! of. The other six bits stand in the characters beside them.

use crate::key::NARROW_BITS;

/// Where the bits of a core begin in the five characters from the one before the gate's on: in its last, fourth, second bit, or
/// with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shift(u8);

impl Shift {
    pub(crate) fn of_number(number: u32) -> Shift {
        Shift(u8::try_from(number & 3).unwrap_or(0))
    }

    #[cfg(feature = "publish")]
    pub(crate) fn number(self) -> u32 {
        u32::from(self.0)
    }

    /// By how many bits of a value stand in front of the gate's first character.
    #[cfg(feature = "publish")]
    pub(crate) fn of_bits(before: usize) -> Option<Shift> {
        let number = u8::try_from(before / 2).ok()?;
        (before.is_multiple_of(2) && number < 4).then_some(Shift(number))
    }

    pub(crate) fn index(self) -> u8 {
        self.0
    }

    /// The gate of a core that begins so.
    pub(crate) fn gate(self, core: u32) -> u32 {
        core | u32::from(self.0) << NARROW_BITS
    }

    /// The core, of five characters' thirty bits.
    pub(crate) fn core(self, bits: u32) -> u32 {
        bits >> (2 * self.0) & 0xff_ffff
    }
}

/// The bits of five characters, of either alphabet; what is none has no bits.
#[inline]
pub(crate) fn bits(text: &[u8; 5]) -> u32 {
    text.iter()
        .fold(0, |bits, b| bits << 6 | u32::from(VALUES[usize::from(*b)]))
}

static VALUES: [u8; 256] = values();

const fn values() -> [u8; 256] {
    let mut values = [0; 256];
    let mut i = 0u8;
    while i < 26 {
        values[(b'A' + i) as usize] = i;
        values[(b'a' + i) as usize] = 26 + i;
        i += 1;
    }
    i = 0;
    while i < 10 {
        values[(b'0' + i) as usize] = 52 + i;
        i += 1;
    }
    values[b'+' as usize] = 62;
    values[b'-' as usize] = 62;
    values[b'/' as usize] = 63;
    values[b'_' as usize] = 63;
    values
}

#[cfg(all(test, feature = "publish"))]
mod tests {
    use super::{Shift, bits};

    #[test]
    fn a_core_is_read_wherever_its_bits_begin() {
        // 0xabcdef as bits, in front of and behind others.
        for before in [0usize, 2, 4, 6] {
            let all = 0xab_cdefu32 << before | if before == 0 { 0x15 << 24 } else { 0 };
            let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
            let text: [u8; 5] = std::array::from_fn(|i| alphabet[(all >> (24 - 6 * i) & 63) as usize]);
            let shift = Shift::of_bits(before).map(|s| s.core(bits(&text)));
            assert_eq!(shift, Some(0xab_cdef), "{before}");
        }
        assert_eq!(Shift::of_bits(3), None);
        assert_eq!(Shift::of_bits(8), None);
    }
}
