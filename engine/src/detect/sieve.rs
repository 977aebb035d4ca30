//! The first look at every byte, sixty-four places at once: where could an anchor stand?
//!
//! Two questions are asked. The first is of anchors, and is flat in their number for those that stand at the beginning of
//! a word and are followed by a token: most formats are. So many bytes behind their beginning there is certainly no
//! delimiter ([`Order::Start`] says how many), while ordinary text is made of short words; one word in six is long enough,
//! and what it begins with is looked up in [`super::anchors`].
//!
//! The second is for the others: for each of four bytes of an anchor, and for either half of it, a table of sixteen
//! entries says which buckets have an anchor with that half there; a place is left where one bucket remains in all of
//! them. The upper half of the fourth byte is not asked for: hardly more passes, and in wasm it is a twelfth of the work.
//! Sixteen buckets, because with eight a third more places pass. Half of the buckets are for anchors that a long word
//! follows, too, and are not heard elsewhere.
//!
//! Both are one look-up in sixteen lanes for each half of a byte, which is one instruction of wasm's simd128 and of SSSE3.
//! Where neither is to be had every place is looked at in [`super::anchors`]: the sieve only skips what would be refused
//! later, so that the result is the same.
//!
//! Unsafe, because the vector instructions ask for it, in three places. `load` reads sixteen bytes through a reference
//! to an array of sixteen bytes, without regard to alignment. On x86-64 the function that is compiled for SSSE3 is
//! called only after the processor was asked whether it has it. On wasm32 there is nothing to ask: a host without
//! simd128 refuses the whole module.

#![allow(unsafe_code)]

/// Bytes of an anchor that are asked for. With three a third of what passes is left over for the slower looks.
pub(super) const RUN: usize = 4;

/// Buckets of anchors: the more, the fewer places pass.
pub(super) const BUCKETS: usize = 16;

/// The first buckets, which are heard only where no delimiter stands in [`LONG`] bytes.
pub(super) const GATED: usize = 8;

/// Bytes without a delimiter that follow an anchor of the gated buckets, from its run of four bytes on.
pub(super) const LONG: u16 = 8;

/// The same for anchors at the beginning of a word, from their beginning on.
pub(super) const LONGER: u16 = 12;

/// The same for the search for base64.
pub(crate) const LONGEST: usize = 24;

/// One bit for each of eight buckets, or kinds of bytes, by the half of a byte.
type Table = [u8; 16];

/// Tables for the buckets 0 to 7 and 8 to 15, the four bytes, and the lower and the upper half.
#[derive(Clone, Debug, Default)]
pub(super) struct Sieve {
    tables: [[[Table; 2]; RUN]; 2],
}

/// Letters and digits. Not all of them: behind one that is left out a word seems to begin, which costs time only.
const WORD: u8 = 0b11;
/// What no token holds, and what no encoded character holds but as itself.
const DELIMITER: u8 = 0b1111 << 2;
/// A word may begin some bytes behind these, where letters stand for another character: `\n`, `%2F`, a colour's `[0m`.
const SOFT: u8 = 0b11 << 6;
/// One more of these, which no bit was left for.
const SOFT_TOO: u8 = b'=';

/// The kinds of bytes, each a product of upper halves and lower ones.
const KINDS: [Table; 2] = kinds(&[
    (&[4, 6], &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]),
    (&[3, 5, 7], &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
    (&[0, 1], &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]),
    // A space, `"'(),`.
    (&[2], &[0, 2, 7, 8, 9, 12]),
    // `<>`
    (&[3], &[12, 14]),
    // `{}`
    (&[7], &[11, 13]),
    // `[\`
    (&[5], &[11, 12]),
    // `%`
    (&[2], &[5]),
]);

const fn kinds(products: &[(&[usize], &[usize]); 8]) -> [Table; 2] {
    let mut tables = [[0; 16]; 2];
    let mut kind = 0;
    while kind < 8 {
        let halves = [products[kind].1, products[kind].0];
        let mut half = 0;
        while half < 2 {
            let mut i = 0;
            while i < halves[half].len() {
                tables[half][halves[half][i]] |= 1 << kind;
                i += 1;
            }
            half += 1;
        }
        kind += 1;
    }
    tables
}

fn is(b: u8, kind: u8) -> bool {
    let [low, high] = KINDS;
    low[usize::from(b & 15)] & high[usize::from(b >> 4)] & kind != 0
}

/// See [`LONG`].
pub(crate) fn is_delimiter(b: u8) -> bool {
    is(b, DELIMITER)
}

/// A word that begins with it is seen to begin.
pub(crate) fn begins_a_word(b: u8) -> bool {
    is(b, WORD)
}

/// The kinds of sixty-four bytes, one bit each.
#[derive(Clone, Copy, Debug, Default)]
struct Bits {
    word: u64,
    delimiter: u64,
    soft: u64,
}

impl Bits {
    /// Where a longer word begins, where no delimiter follows for long, and where a longest word begins; `last` are the
    /// bytes before these, and `next` the delimiters behind them.
    fn places(self, last: Bits, next: u64) -> (u64, u64, u64) {
        // Delimiters among as many bytes from each place on.
        let within = |(here, next): (u64, u64), n: u32| (here | here >> n | next << (64 - n), next | next >> n);
        let eight = within(within(within((self.delimiter, next), 1), 2), 4);
        let twelve = within(eight, 4);
        let mut soft = self.soft << 2;
        soft |= soft << 1;
        soft |= soft << 2;
        soft |= soft << 4 | self.soft << 10;
        if last.soft >> 54 != 0 {
            soft |= 0x3ff;
        }
        let first = self.word & !(self.word << 1 | last.word >> 63);
        let start = first | (self.word & soft);
        let longest = within(twelve, 12);
        (start & !twelve.0, !eight.0, first & !longest.0)
    }
}

impl Sieve {
    /// Lets a run through, of which bytes may be unknown.
    pub(super) fn add(&mut self, bucket: usize, run: [Option<u8>; RUN]) {
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

    /// Goes through the next blocks of `text`, of which those before have been gone through, and returns what is left of
    /// them. What follows the end is unknown.
    #[inline]
    pub(super) fn next<'a>(&self, text: &[u8], walk: &'a mut Walk) -> &'a [Places] {
        let rest = text.get(walk.at..).unwrap_or_default();
        let whole = (rest.len().saturating_sub(AHEAD) / BLOCK).saturating_sub(1).min(BATCH);
        // The end: what is unknown is no word and no delimiter.
        let mut padded = [0xff; 3 * BLOCK + AHEAD];
        let (rest, n) = match (whole, padded.get_mut(..rest.len())) {
            (0, Some(known)) => {
                known.copy_from_slice(rest);
                (padded.as_slice(), rest.len().div_ceil(BLOCK))
            }
            _ => (rest, whole),
        };
        walk.at += n * BLOCK;
        let batch = walk.batch.get_mut(..n).unwrap_or_default();
        walk.last = self.blocks(rest, walk.last, batch);
        batch
    }

    /// The places in as many blocks of `text`, which is one block and [`AHEAD`] longer; `last` is the one before them.
    #[inline]
    fn blocks(&self, text: &[u8], last: Bits, out: &mut [Places]) -> Bits {
        #[cfg(target_arch = "wasm32")]
        return simd128::blocks(&self.tables, text, last, out);
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("ssse3") {
            // SAFETY: this processor has SSSE3.
            return unsafe { ssse3::blocks(&self.tables, text, last, out) };
        }
        #[cfg(not(target_arch = "wasm32"))]
        {
            let _ = text;
            out.fill(Places {
                runs: u64::MAX,
                starts: u64::MAX,
                encoded: u64::MAX,
                longest: u64::MAX,
            });
            last
        }
    }
}

/// Bytes that are worked through together: as many as a number has bits.
pub(super) const BLOCK: usize = 64;

/// Bytes behind a block that runs reach into.
const AHEAD: usize = RUN - 1;

/// Blocks that are gone through before what they leave is looked at.
const BATCH: usize = 16;

/// What the buckets leave of a block.
#[derive(Clone, Copy, Debug, Default)]
struct Left {
    low: u64,
    high: u64,
    encoded: u64,
}

/// What is left of a block, one bit for each byte.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Places {
    /// Runs of four bytes.
    pub(super) runs: u64,
    /// Beginnings of long words.
    pub(super) starts: u64,
    /// Characters that are encoded otherwise than by a backslash.
    pub(super) encoded: u64,
    /// Beginnings of words in which no delimiter follows in [`LONGEST`] bytes.
    pub(super) longest: u64,
}

/// How far a text has been gone through.
#[derive(Clone, Debug)]
pub(super) struct Walk {
    at: usize,
    last: Bits,
    batch: [Places; BATCH],
}

impl Walk {
    /// From the beginning on. What stands before it is unknown: letters there may have stood for another character.
    pub(super) fn new() -> Walk {
        Walk {
            at: 0,
            last: Bits {
                soft: u64::MAX,
                ..Bits::default()
            },
            batch: [Places::default(); BATCH],
        }
    }
}

/// The search, the same for every instruction set: `load`, `and`, `or`, `swizzle`, `halves`, `lanes`, `upper`, `equal`
/// and `splat` are in scope.
#[cfg(any(target_arch = "wasm32", target_arch = "x86_64"))]
macro_rules! places {
    ($feature:literal, $vector:ty) => {
        /// See [`super::Sieve::blocks`].
        #[target_feature(enable = $feature)]
        pub(super) fn blocks(tables: &[[[Table; 2]; RUN]; 2], text: &[u8], mut last: Bits, out: &mut [Places]) -> Bits {
            let tables = tables
                .each_ref()
                .map(|bytes| bytes.each_ref().map(|byte| both(byte)));
            let kinds = both(&KINDS);
            let mut at = 0;
            let (mut here, mut left) = pass(&tables, kinds, text);
            for places in out {
                at += BLOCK;
                let (next, behind) = pass(&tables, kinds, text.get(at..).unwrap_or_default());
                let (starts, long, longest) = here.places(last, next.delimiter);
                *places = Places {
                    runs: left.low & long | left.high,
                    starts,
                    encoded: left.encoded,
                    longest,
                };
                (last, here, left) = (here, next, behind);
            }
            last
        }

        /// The kinds of the bytes of a block, and what the buckets leave of it.
        #[target_feature(enable = $feature)]
        fn pass(tables: &[[($vector, $vector); RUN]; 2], kinds: ($vector, $vector), text: &[u8]) -> (Bits, Left) {
            let (mut bits, mut left) = (Bits::default(), Left::default());
            let Some(text) = text.first_chunk::<{ BLOCK + AHEAD }>() else {
                return (bits, left);
            };
            let [[a, b, c, d], [e, f, g, h]] = *tables;
            for quarter in 0..4 {
                let at = quarter * 16;
                let part = |ahead: usize| text.get(at + ahead..).and_then(|t| t.first_chunk());
                let (Some(first), Some(second), Some(third), Some(fourth)) = (part(0), part(1), part(2), part(3))
                else {
                    continue;
                };
                let bytes = load(first);
                let (first, second) = (halves(bytes), halves(load(second)));
                let (third, fourth) = (halves(load(third)), lower(load(fourth)));
                let kinds = pick(kinds, first);
                bits.word |= zeros(and(kinds, splat(WORD))) << at;
                bits.delimiter |= zeros(and(kinds, splat(DELIMITER))) << at;
                let soft = or(and(kinds, splat(SOFT)), equal(bytes, splat(SOFT_TOO)));
                bits.soft |= zeros(soft) << at;
                let low = and(
                    and(pick(a, first), pick(b, second)),
                    and(pick(c, third), swizzle(d.0, fourth)),
                );
                let high = and(
                    and(pick(e, first), pick(f, second)),
                    and(pick(g, third), swizzle(h.0, fourth)),
                );
                left.low |= zeros(low) << at;
                left.high |= zeros(high) << at;
                left.encoded |= u64::from(upper(high)) << at;
            }
            for zeros in [
                &mut bits.word,
                &mut bits.delimiter,
                &mut bits.soft,
                &mut left.low,
                &mut left.high,
            ] {
                *zeros = !*zeros;
            }
            (bits, left)
        }

        /// One bit for each lane that is zero.
        #[target_feature(enable = $feature)]
        fn zeros(bytes: $vector) -> u64 {
            u64::from(upper(equal(bytes, splat(0))))
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
        i8x16_bitmask, u8x16_eq as equal, u8x16_shr, u8x16_splat as splat, u8x16_swizzle as swizzle, v128,
        v128_and as and, v128_load, v128_or as or,
    };

    use super::{AHEAD, BLOCK, Bits, DELIMITER, KINDS, Left, Places, RUN, SOFT, SOFT_TOO, Table, WORD};

    places!("simd128", v128);

    #[target_feature(enable = "simd128")]
    fn load(bytes: &[u8; 16]) -> v128 {
        // SAFETY: sixteen bytes can be read there, and any alignment will do.
        unsafe { v128_load(bytes.as_ptr().cast()) }
    }

    #[target_feature(enable = "simd128")]
    fn halves(bytes: v128) -> (v128, v128) {
        (and(bytes, splat(15)), u8x16_shr(bytes, 4))
    }

    #[target_feature(enable = "simd128")]
    fn lower(bytes: v128) -> v128 {
        and(bytes, splat(15))
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
        __m128i, _mm_and_si128 as and, _mm_cmpeq_epi8 as equal, _mm_loadu_si128, _mm_movemask_epi8, _mm_or_si128 as or,
        _mm_set1_epi8, _mm_shuffle_epi8 as swizzle, _mm_srli_epi16,
    };

    use super::{AHEAD, BLOCK, Bits, DELIMITER, KINDS, Left, Places, RUN, SOFT, SOFT_TOO, Table, WORD};

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
    fn lower(bytes: __m128i) -> __m128i {
        and(bytes, splat(15))
    }

    #[target_feature(enable = "ssse3")]
    fn halves(bytes: __m128i) -> (__m128i, __m128i) {
        let low = splat(15);
        (and(bytes, low), and(_mm_srli_epi16::<4>(bytes), low))
    }

    /// The uppermost bit of each lane.
    #[target_feature(enable = "ssse3")]
    fn upper(bytes: __m128i) -> u32 {
        _mm_movemask_epi8(bytes).cast_unsigned()
    }
}

#[cfg(test)]
mod tests;
