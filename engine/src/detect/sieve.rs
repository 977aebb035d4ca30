//! The first look at every byte: sixteen places at once, could three bytes of an anchor stand there?
//!
//! For each of the three bytes, and for either half of it, a table of sixteen entries says which buckets have an anchor
//! with that half there; a place is left where one bucket remains in all six. Such a look-up in sixteen lanes is one
//! instruction of wasm's simd128 and of SSSE3. Sixteen buckets, because with eight a third more places pass. What is
//! left is looked at byte by byte in [`super::anchors`], which is also all that happens where neither is to be had: the
//! sieve only skips what would be refused there, so that the result is the same.
//!
//! Unsafe, because the vector instructions ask for it, in three places. `load` reads sixteen bytes through a reference
//! to an array of sixteen bytes, without regard to alignment. On x86-64 the function that is compiled for SSSE3 is
//! called only after the processor was asked whether it has it. On wasm32 there is nothing to ask: a host without
//! simd128 refuses the whole module.

#![allow(unsafe_code)]

/// Buckets of anchors: the more, the fewer places pass.
pub(super) const BUCKETS: usize = 16;

/// One bit for each of eight buckets by the half of a byte.
type Table = [u8; 16];

/// Tables for the buckets 0 to 7 and 8 to 15, the three bytes, and the lower and the upper half.
#[derive(Clone, Debug, Default)]
pub(super) struct Sieve {
    tables: [[[Table; 2]; 3]; 2],
}

impl Sieve {
    /// Lets a run through, of which bytes may be unknown.
    pub(super) fn add(&mut self, bucket: usize, run: [Option<u8>; 3]) {
        let bit = 1 << (bucket & 7);
        for (tables, byte) in self.tables[bucket >> 3 & 1].iter_mut().zip(run) {
            for (half, table) in tables.iter_mut().enumerate() {
                match byte {
                    Some(b) => table[usize::from(b >> (4 * half) & 15)] |= bit,
                    None => table.iter_mut().for_each(|t| *t |= bit),
                }
            }
        }
    }

    /// Calls `found` with the places in `text` that are left, and once more, with `true`, with those that the last bucket
    /// leaves; returns how far it has come: what lies behind that is for the caller to look at.
    #[inline]
    pub(super) fn places(&self, text: &[u8], found: impl FnMut(usize, bool)) -> usize {
        #[cfg(target_arch = "wasm32")]
        return simd128::places(&self.tables, text, found);
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("ssse3") {
            // SAFETY: this processor has SSSE3.
            return unsafe { ssse3::places(&self.tables, text, found) };
        }
        #[cfg(not(target_arch = "wasm32"))]
        {
            let _ = (text, found);
            0
        }
    }
}

/// The search, the same for every instruction set: `load`, `and`, `or`, `swizzle`, `halves`, `lanes` and `upper`
/// are in scope.
#[cfg(any(target_arch = "wasm32", target_arch = "x86_64"))]
macro_rules! places {
    ($feature:literal, $vector:ty) => {
        /// See [`super::Sieve::places`].
        #[target_feature(enable = $feature)]
        pub(super) fn places(tables: &[[[Table; 2]; 3]; 2], text: &[u8], mut found: impl FnMut(usize, bool)) -> usize {
            let [[a, b, c], [d, e, f]] = tables;
            let (a, b, c) = (both(a), both(b), both(c));
            let (d, e, f) = (both(d), both(e), both(f));
            let mut at = 0;
            let mut rest = text;
            while let (Some(first), Some(second), Some(third)) = (
                rest.first_chunk(),
                rest.get(1..).and_then(|r| r.first_chunk()),
                rest.get(2..).and_then(|r| r.first_chunk()),
            ) {
                let (first, second, third) = (halves(load(first)), halves(load(second)), halves(load(third)));
                let low = and(and(pick(a, first), pick(b, second)), pick(c, third));
                let high = and(and(pick(d, first), pick(e, second)), pick(f, third));
                let mut left = lanes(or(low, high));
                if left != 0 {
                    let mut of_last = upper(high);
                    while of_last != 0 {
                        found(at + of_last.trailing_zeros() as usize, true);
                        of_last &= of_last - 1;
                    }
                }
                while left != 0 {
                    found(at + left.trailing_zeros() as usize, false);
                    left &= left - 1;
                }
                at += 16;
                rest = rest.get(16..).unwrap_or_default();
            }
            at
        }

        #[target_feature(enable = $feature)]
        fn both([low, high]: &[Table; 2]) -> ($vector, $vector) {
            (load(low), load(high))
        }

        /// The buckets that each lane's byte leaves.
        #[target_feature(enable = $feature)]
        fn pick(tables: ($vector, $vector), halves: ($vector, $vector)) -> $vector {
            and(swizzle(tables.0, halves.0), swizzle(tables.1, halves.1))
        }
    };
}

#[cfg(target_arch = "wasm32")]
mod simd128 {
    use std::arch::wasm32::{
        i8x16_bitmask, u8x16_ne, u8x16_shr, u8x16_splat, u8x16_swizzle as swizzle, v128, v128_and as and, v128_load,
        v128_or as or,
    };

    use super::Table;

    places!("simd128", v128);

    #[target_feature(enable = "simd128")]
    fn load(bytes: &[u8; 16]) -> v128 {
        // SAFETY: sixteen bytes can be read there, and any alignment will do.
        unsafe { v128_load(bytes.as_ptr().cast()) }
    }

    #[target_feature(enable = "simd128")]
    fn halves(bytes: v128) -> (v128, v128) {
        (and(bytes, u8x16_splat(15)), u8x16_shr(bytes, 4))
    }

    /// One bit for each lane that is not zero.
    #[target_feature(enable = "simd128")]
    fn lanes(bytes: v128) -> u32 {
        u32::from(i8x16_bitmask(u8x16_ne(bytes, u8x16_splat(0))))
    }

    /// The uppermost bit of each lane.
    #[target_feature(enable = "simd128")]
    fn upper(bytes: v128) -> u32 {
        u32::from(i8x16_bitmask(bytes))
    }
}

#[cfg(target_arch = "x86_64")]
mod ssse3 {
    use std::arch::x86_64::{
        __m128i, _mm_and_si128 as and, _mm_cmpeq_epi8, _mm_loadu_si128, _mm_movemask_epi8, _mm_or_si128 as or,
        _mm_set1_epi8, _mm_setzero_si128, _mm_shuffle_epi8 as swizzle, _mm_srli_epi16,
    };

    use super::Table;

    places!("ssse3", __m128i);

    #[target_feature(enable = "ssse3")]
    fn load(bytes: &[u8; 16]) -> __m128i {
        // SAFETY: sixteen bytes can be read there, and any alignment will do.
        unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
    }

    #[target_feature(enable = "ssse3")]
    fn halves(bytes: __m128i) -> (__m128i, __m128i) {
        let low = _mm_set1_epi8(15);
        (and(bytes, low), and(_mm_srli_epi16::<4>(bytes), low))
    }

    /// One bit for each lane that is not zero.
    #[target_feature(enable = "ssse3")]
    fn lanes(bytes: __m128i) -> u32 {
        !_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_setzero_si128())).cast_unsigned() & 0xffff
    }

    /// The uppermost bit of each lane.
    #[target_feature(enable = "ssse3")]
    fn upper(bytes: __m128i) -> u32 {
        _mm_movemask_epi8(bytes).cast_unsigned()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{BUCKETS, Sieve};

    /// What the sieve lets through, byte by byte.
    fn passes(sieve: &Sieve, run: [u8; 3]) -> bool {
        sieve.tables.iter().any(|tables| {
            let both = |([low, high], b): (&[[u8; 16]; 2], u8)| low[usize::from(b & 15)] & high[usize::from(b >> 4)];
            tables.iter().zip(run).map(both).fold(0xff, |a, b| a & b) != 0
        })
    }

    #[test]
    fn vectors_leave_the_places_that_bytes_do() {
        let mut sieve = Sieve::default();
        let runs = ["sk_", "key", "\\u0", "://", "\u{7f}\u{1}x", "AKI", "-BE"];
        for (i, run) in runs.into_iter().enumerate() {
            let run: [u8; 3] = run.as_bytes().try_into().unwrap();
            sieve.add(i * 5 % (BUCKETS - 1), run.map(Some));
        }
        sieve.add(9, [Some(b'\\'), Some(b'/'), None]);
        sieve.add(BUCKETS - 1, [Some(b'%'), Some(b'/'), None]);
        let alphabet = b"sk_ey\\u0:/%AKI-BE\x7f\x01x\xffz";
        let mut state = 7u32;
        for len in 0..200 {
            let any = |_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                alphabet[(state >> 16) as usize % alphabet.len()]
            };
            let text: Vec<u8> = (0..len).map(any).collect();
            let mut places = Vec::new();
            let mut last = Vec::new();
            let end = sieve.places(&text, |at, of_last| match of_last {
                true => last.push(at),
                false => places.push(at),
            });
            let percent = (0..end).filter(|at| text[*at] == b'%' && text[at + 1] == b'/');
            assert_eq!(last, percent.collect::<Vec<_>>());
            let all = (0..end).filter(|at| passes(&sieve, text[*at..at + 3].try_into().unwrap()));
            assert_eq!(places, all.collect::<Vec<_>>());
            assert!(end == 0 || end + 18 > len, "{end} of {len}");
        }
    }
}
