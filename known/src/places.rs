//! The first look at every byte: where do characters of two kinds meet?
//!
//! A form is looked for where its core begins, and the agent chooses cores in which a letter and a digit, letters of two cases, two
//! capitals, or a letter and a zero byte stand side by side; or a digit behind `3` or `6`, since in hexadecimal digits text is `61` and `33`. In ordinary text that is one place in ten or twenty, which a few
//! vector instructions find; in what secrets are made of it is nearly every place, so that there is a choice.
//!
//! The kind of a byte is the product of two look-ups, by its halves; what is told of some signs behind the small letters is wrong,
//! and is part of the definition: the agent asks [`meet`], which is the same.
//!
//! Unsafe, because the vector instructions ask for it, in two places. `load` reads sixteen bytes through a reference to an array of
//! sixteen bytes, without regard to alignment. On x86-64 the function that is compiled for SSSE3 is called only after the processor
//! was asked whether it has it; on wasm32 a host without simd128 refuses the whole module.

#![allow(unsafe_code)]

/// Digits; capitals in two rows; small letters (and ``` `{|}~ ```); `3` and `6`; zero.
const LOW: [u8; 16] = [45, 15, 15, 31, 15, 15, 31, 15, 15, 15, 14, 10, 10, 10, 10, 10];
const HIGH: [u8; 16] = [32, 0, 0, 17, 2, 4, 8, 8, 0, 0, 0, 0, 0, 0, 0, 0];

/// Kinds that do not meet themselves.
const SAME: u8 = DIGIT | 8 | 32;

const DIGIT: u8 = 1;

/// Places in a block.
pub(crate) const BLOCK: usize = 64;

/// Bytes that are read for a block: what stands behind it decides its last place.
pub(crate) const READ: usize = BLOCK + 16;

fn kind(b: u8) -> u8 {
    LOW[usize::from(b & 15)] & HIGH[usize::from(b >> 4)]
}

/// Whether two neighbours are of kinds that meet.
pub(crate) fn meet(a: u8, b: u8) -> bool {
    let (a, b) = (kind(a), kind(b));
    // The second bit of `3` and `6`, moved to that of digits.
    a != 0 && b != 0 && (a & b & SAME == 0 || a >> 4 & b & DIGIT != 0)
}

/// The places of as many blocks as `out` has, one bit for each byte that meets the next.
pub(crate) fn blocks(text: &[u8], out: &mut [u64]) {
    #[cfg(target_arch = "wasm32")]
    return simd128::blocks(text, out);
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("ssse3") {
        // SAFETY: this processor has SSSE3.
        return unsafe { ssse3::blocks(text, out) };
    }
    #[cfg(not(target_arch = "wasm32"))]
    for (i, places) in out.iter_mut().enumerate() {
        *places = one_by_one(text.get(i * BLOCK..).unwrap_or_default());
    }
}

/// A block, wherever there are no vectors, and at the end of a text.
pub(crate) fn one_by_one(text: &[u8]) -> u64 {
    let pairs = text.iter().zip(text.iter().skip(1)).take(BLOCK);
    pairs
        .enumerate()
        .fold(0, |places, (i, (a, b))| places | u64::from(meet(*a, *b)) << i)
}

/// The look, the same for every instruction set: `load`, `and`, `or`, `swizzle`, `upper`, `shifted`, `next`, `equal` and `splat`
/// are in scope.
#[cfg(any(target_arch = "wasm32", target_arch = "x86_64"))]
macro_rules! places {
    ($feature:literal, $vector:ty) => {
        /// See [`super::blocks`].
        #[target_feature(enable = $feature)]
        pub(super) fn blocks(text: &[u8], out: &mut [u64]) {
            let tables = (load(&LOW), load(&HIGH));
            for (i, places) in out.iter_mut().enumerate() {
                *places = match text.get(i * BLOCK..).and_then(|t| t.first_chunk::<READ>()) {
                    Some(text) => block(tables, text),
                    None => super::one_by_one(text.get(i * BLOCK..).unwrap_or_default()),
                };
            }
        }

        #[target_feature(enable = $feature)]
        fn block((low, high): ($vector, $vector), text: &[u8; READ]) -> u64 {
            let kinds = |at: usize| {
                let bytes = match text.get(at..).and_then(|t| t.first_chunk()) {
                    Some(bytes) => load(bytes),
                    None => splat(0x80),
                };
                and(swizzle(low, and(bytes, splat(15))), swizzle(high, upper(bytes)))
            };
            let (mut here, mut places) = (kinds(0), 0);
            for at in [0, 16, 32, 48] {
                let behind = kinds(at + 16);
                let next = next(here, behind);
                let zero = splat(0);
                let apart = equal(and(and(here, next), splat(SAME)), zero);
                let begins = equal(and(and(upper(here), next), splat(DIGIT)), splat(DIGIT));
                let none = or(equal(here, zero), equal(next, zero));
                places |= u64::from(mask(or(apart, begins)) & !mask(none)) << at;
                here = behind;
            }
            places
        }
    };
}

#[cfg(target_arch = "wasm32")]
mod simd128 {
    use std::arch::wasm32::{
        i8x16_bitmask, i8x16_shuffle, u8x16_eq as equal, u8x16_shr, u8x16_splat as splat, u8x16_swizzle as swizzle,
        v128, v128_and as and, v128_load, v128_or as or,
    };

    use super::{BLOCK, DIGIT, HIGH, LOW, READ, SAME};

    places!("simd128", v128);

    #[target_feature(enable = "simd128")]
    fn load(bytes: &[u8; 16]) -> v128 {
        // SAFETY: sixteen bytes can be read there, and any alignment will do.
        unsafe { v128_load(bytes.as_ptr().cast()) }
    }

    #[target_feature(enable = "simd128")]
    fn upper(bytes: v128) -> v128 {
        u8x16_shr(bytes, 4)
    }

    #[target_feature(enable = "simd128")]
    fn mask(lanes: v128) -> u32 {
        u32::from(i8x16_bitmask(lanes))
    }

    /// Each lane's neighbour.
    #[target_feature(enable = "simd128")]
    fn next(here: v128, behind: v128) -> v128 {
        i8x16_shuffle::<1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16>(here, behind)
    }
}

#[cfg(target_arch = "x86_64")]
mod ssse3 {
    use std::arch::x86_64::{
        __m128i, _mm_alignr_epi8, _mm_and_si128 as and, _mm_cmpeq_epi8 as equal, _mm_loadu_si128, _mm_movemask_epi8,
        _mm_or_si128 as or, _mm_set1_epi8, _mm_shuffle_epi8 as swizzle, _mm_srli_epi16,
    };

    use super::{BLOCK, DIGIT, HIGH, LOW, READ, SAME};

    places!("ssse3", __m128i);

    #[target_feature(enable = "ssse3")]
    fn splat(byte: u8) -> __m128i {
        _mm_set1_epi8(byte.cast_signed())
    }

    #[target_feature(enable = "ssse3")]
    fn load(bytes: &[u8; 16]) -> __m128i {
        // SAFETY: sixteen bytes can be read there, and any alignment will do.
        unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
    }

    #[target_feature(enable = "ssse3")]
    fn upper(bytes: __m128i) -> __m128i {
        and(_mm_srli_epi16::<4>(bytes), splat(15))
    }

    #[target_feature(enable = "ssse3")]
    fn mask(lanes: __m128i) -> u32 {
        _mm_movemask_epi8(lanes).cast_unsigned()
    }

    /// Each lane's neighbour.
    #[target_feature(enable = "ssse3")]
    fn next(here: __m128i, behind: __m128i) -> __m128i {
        _mm_alignr_epi8::<1>(behind, here)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::type_complexity)]
mod tests {
    use super::{BLOCK, READ, blocks, meet, one_by_one};

    #[test]
    fn characters_of_two_kinds_meet() {
        for pair in ["32", "6a", "a1", "1a", "aB", "Ba", "AB", "Z9", "a\0", "\0Z"] {
            let [a, b] = pair.as_bytes() else { panic!() };
            assert!(meet(*a, *b), "{pair:?}");
        }
        for pair in ["ab", "12", "\0\0", "a ", " B", "-a", "1.", "a_", "\u{fffd}"] {
            let [a, b, ..] = pair.as_bytes() else { panic!() };
            assert!(!meet(*a, *b), "{pair:?}");
        }
    }

    #[test]
    fn vectors_see_what_single_bytes_show() {
        let mut x = 1u32;
        let text: Vec<u8> = (0..BLOCK * 40 + READ)
            .map(|i| {
                x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let [.., b] = x.to_be_bytes().map(|b| b.rotate_left(3));
                if i % 3 == 0 {
                    b
                } else {
                    b"aB1_ x\0Zz90"[usize::from(b) % 11]
                }
            })
            .collect();
        let mut out = [0; 41];
        blocks(&text, &mut out);
        for (i, places) in out.iter().enumerate() {
            assert_eq!(*places, one_by_one(&text[i * BLOCK..]), "{i}");
        }
    }
}
