//! The one pass over everything: where does an anchor of any detector begin?
//!
//! Every anchor is noticed by three neighbouring bytes chosen for rarity. Sixteen places at a time go through a sieve of
//! vector instructions; for those that it leaves, one bit in a table of 8 KiB says whether the three bytes belong to an
//! anchor. What passes is compared by its first four bytes, and then in full. Why not Aho-Corasick: it takes one
//! dependent memory access a byte and cannot skip; the crate's vector search does not exist on wasm32.
//! `cargo xtask bench` prints the ratio.

use crate::decode::base64::Long;
use crate::decode::{Decode, Reading};
use crate::detect::glance;
use crate::detect::rarity::Chosen;
use crate::detect::shortcuts::Need;
use crate::detect::sieve::{self, BLOCK, Sieve, Walk};
use crate::limits;

mod encoded;
mod tables;

pub(super) use tables::slot;
use tables::{cells, has, ones, set, shorter, slashes, spread};

/// A literal with which matches begin.
#[derive(Clone, Debug)]
pub(crate) struct Anchor {
    pub(crate) bytes: Vec<u8>,
    /// The detectors to start there, and which of their own anchors it is.
    pub(crate) detectors: Vec<(u16, u16)>,
    /// All of them ask for a word border in front.
    pub(crate) at_border: bool,
    /// Characters from the beginning on that are certainly no delimiters, whichever of them matches.
    pub(crate) run: u16,
    /// What all of them need.
    pub(crate) need: Option<Need>,
}

impl Anchor {
    /// No detector can match with it at the beginning of `text`, as it stands there.
    pub(crate) fn is_ruled_out(&self, text: &[u8]) -> bool {
        let behind = || text.get(glance::behind(text, &self.bytes)?..);
        self.need
            .is_some_and(|need| behind().is_some_and(|t| need.rules_out(t)))
    }

    /// The sieve finds it as the beginning of a long word.
    pub(super) fn begins_a_word(&self) -> bool {
        let first = self.bytes.first().is_some_and(|b| sieve::begins_a_word(*b));
        first && self.at_border && self.run >= sieve::LONGER
    }
}

/// Where a run of three bytes stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spot {
    /// So far behind the beginning of an anchor of four bytes or more.
    Anchor(i8),
    /// So far behind the beginning of an anchor of three bytes.
    Short(i8),
    /// So far behind the backslash of an escape that may hide one of an anchor's characters.
    Escape(i8),
}

/// What a run of three bytes may belong to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) spot: Spot,
    /// The lower five bits of what can stand before the run, one bit each.
    pub(super) before: u32,
    /// The same of what can stand behind it.
    pub(super) behind: u32,
}

/// An anchor in the data: `(offset, anchor, how often percent-encoding must be undone to see it)`.
pub(crate) type Hit = (usize, u16, u8);

/// The longest ways in which a character of an anchor is written: `\u003a` and `\u0026lowbar;`.
const UNICODE: usize = 6;
const REFERENCE: usize = 13;

/// No anchor.
const NONE: u16 = u16::MAX;

/// The compiled pass.
#[derive(Clone, Debug)]
pub(crate) struct Anchors {
    /// Sorted by bytes.
    all: Vec<Anchor>,
    /// For each, the longest other one with which it begins.
    shorter: Vec<u16>,
    sieve: Sieve,
    /// One bit a slot: with these three bytes anchors begin.
    heads: Box<[u64; 1024]>,
    /// One bit a slot: with these three bytes the anchors begin that begin a word.
    words: Box<[u64; 1024]>,
    /// One bit a slot: these three bytes are a run of the others.
    slots: Box<[u64; 1024]>,
    /// The bits of both.
    either: Box<[u64; 1024]>,
    /// How many bits are set before each word of `slots`.
    ranks: Box<[u16; 1024]>,
    /// Where in `places` those of each set bit begin.
    by_slot: Vec<u32>,
    places: Vec<Place>,
    /// `(key, first anchor with it, behind the last)` by the hash of the key; an end of 0 is an empty cell.
    cells: Vec<(u32, u16, u16)>,
    /// Where in `all` the anchors with each first byte begin.
    by_first: Vec<u16>,
    longest: usize,
    /// For each character, the offsets at which it stands in anchors, one bit each.
    stands: Box<[u32; 256]>,
    /// The characters that stand before a slash in an anchor.
    before_slash: [bool; 256],
    /// The slashes in anchors: `(the four characters before it, anchor, offset)`, in order.
    slashes: Vec<(u32, u16, u8)>,
    /// Pairs of characters that stand before a slash in an anchor, one bit each: `https:\/\/` is in every other link, and
    /// nearly every path has other slashes.
    pairs: Box<[u64; 1024]>,
    /// What stands behind a slash with which an anchor begins.
    behind_slash: [bool; 256],
    decode: Decode,
}

impl Anchors {
    pub(crate) fn new(mut all: Vec<Anchor>, decode: Decode) -> Anchors {
        all.sort_by(|a, b| a.bytes.cmp(&b.bytes));
        let mut stands = Box::new([0u32; 256]);
        let mut before_slash = [false; 256];
        let mut pairs = Box::new([0u64; 1024]);
        for a in &all {
            for (offset, b) in a.bytes.iter().enumerate() {
                stands[usize::from(*b)] |= 1 << (offset & 31);
            }
            for (at, _) in a.bytes.iter().enumerate().filter(|(_, b)| **b == b'/') {
                let front = a.bytes.get(..at).unwrap_or_default();
                let Some(&before) = front.last() else { continue };
                before_slash[usize::from(before)] = true;
                let known = front.len().checked_sub(2).and_then(|i| front.get(i)).copied();
                for first in known.map_or(0..=u8::MAX, |b| b..=b) {
                    let pair = usize::from(first) << 8 | usize::from(before);
                    pairs[pair >> 6] |= 1 << (pair & 63);
                }
            }
        }
        let mut behind_slash = [false; 256];
        for a in &all {
            if let [b'/', behind, ..] = a.bytes.as_slice() {
                behind_slash[usize::from(*behind)] = true;
            }
        }
        let slash_first = behind_slash.contains(&true);
        let (mut heads, mut words) = (Box::new([0u64; 1024]), Box::new([0u64; 1024]));
        for (a, run) in all.iter().filter_map(|a| Some((a, a.bytes.first_chunk()?))) {
            set(&mut heads, slot(*run));
            if a.begins_a_word() {
                set(&mut words, slot(*run));
            }
        }
        let chosen = Chosen::of(&all, &before_slash, slash_first, decode);
        let sieve = chosen.sieve.clone();
        let (slots, places) = chosen.sorted();
        let mut either = words.clone();
        for (both, slots) in either.iter_mut().zip(slots.iter()) {
            *both |= slots;
        }
        let mut ranks = Box::new([0u16; 1024]);
        let mut set = 0;
        for (rank, word) in ranks.iter_mut().zip(slots.iter()) {
            *rank = u16::try_from(set).unwrap_or(u16::MAX);
            set += word.count_ones();
        }
        let mut by_slot = Vec::new();
        let mut last = None;
        for (i, (slot, _)) in places.iter().enumerate() {
            if last != Some(*slot) {
                by_slot.push(u32::try_from(i).unwrap_or(u32::MAX));
                last = Some(*slot);
            }
        }
        by_slot.push(u32::try_from(places.len()).unwrap_or(u32::MAX));
        let slashes = slashes(&all);
        let first = |b: usize| all.partition_point(|a| a.bytes.first().is_some_and(|f| usize::from(*f) < b));
        Anchors {
            shorter: shorter(&all),
            sieve,
            heads,
            either,
            words,
            slots,
            ranks,
            by_slot,
            places: places.into_iter().map(|(_, place)| place).collect(),
            cells: cells(&all),
            by_first: (0..=256).map(|b| u16::try_from(first(b)).unwrap_or(u16::MAX)).collect(),
            longest: all.iter().map(|a| a.bytes.len()).max().unwrap_or(0),
            all,
            stands,
            slashes,
            before_slash,
            pairs,
            behind_slash,
            decode,
        }
    }

    /// The literals, for comparison with other ways of finding them (`cargo xtask bench`).
    pub(crate) fn literals(&self) -> impl Iterator<Item = &[u8]> {
        self.all.iter().map(|a| a.bytes.as_slice())
    }

    pub(crate) fn get(&self, anchor: u16) -> Option<&Anchor> {
        self.all.get(usize::from(anchor))
    }

    /// All anchors that begin in `data[from..to]`, in order of their beginning; and of the words that begin at `from`, where
    /// `long` begins, and behind it, those in which no delimiter follows in [`sieve::LONGEST`] bytes.
    pub(crate) fn scan(&self, data: &[u8], from: usize, to: usize, hits: &mut Vec<Hit>, long: &mut Long) {
        hits.clear();
        let end = data
            .len()
            .min(to.saturating_add(self.longest * 6 + limits::ESCAPE_BYTES));
        let Some(text) = data.get(from..end) else { return };
        let slot_at = |at: usize| {
            slot(match text.get(at..).and_then(|t| t.first_chunk()) {
                Some(run) => *run,
                // What follows the end is unknown, and a run with an unknown byte has all its slots set.
                None => [0, 1, 2].map(|i| text.get(at + i).copied().unwrap_or(0)),
            })
        };
        let mut walk = Walk::new();
        let mut block = 0;
        loop {
            let blocks = self.sieve.next(text, &mut walk);
            if blocks.is_empty() {
                break;
            }
            long.reserve(blocks.len());
            for places in blocks {
                long.push(places.longest);
                // One loop for both: how often it goes round is what a processor cannot foretell.
                for at in ones(places.runs | places.starts) {
                    let slot = slot_at(block + at);
                    if !has(&self.either, slot) {
                        continue;
                    }
                    let start = from + block + at;
                    if places.runs >> at & 1 == 1 && has(&self.slots, slot) {
                        self.look(data, start, slot, (from, to), hits);
                    }
                    if places.starts >> at & 1 == 1 && has(&self.words, slot) && start < to {
                        let text = data.get(start..).unwrap_or_default();
                        self.long(text, |a| hits.push((start, a, 0)));
                        self.short(text, |a| hits.push((start, a, 0)));
                    }
                }
                for at in ones(places.encoded) {
                    if matches!(text.get(block + at), Some(b'%' | b'&')) {
                        self.look_escaped(data, from + block + at, (from, to), hits);
                    }
                }
                block += BLOCK;
            }
        }
        hits.sort_unstable();
        hits.dedup();
    }

    /// Takes what a run whose slot is set may belong to.
    fn look(&self, data: &[u8], at: usize, slot: u16, (from, to): (usize, usize), hits: &mut Vec<Hit>) {
        let word = usize::from(slot >> 6);
        let before = self.slots[word] & ((1 << (slot & 63)) - 1);
        let rank = usize::from(self.ranks[word]) + before.count_ones() as usize;
        let (Some(lo), Some(hi)) = (self.by_slot.get(rank), self.by_slot.get(rank + 1)) else {
            return;
        };
        let bit = |i: Option<usize>| i.and_then(|i| data.get(i)).map_or(0, |b| b & 31);
        let (before, behind) = (bit(at.checked_sub(1)), bit(Some(at + 3)));
        for place in self.places.get(*lo as usize..*hi as usize).unwrap_or_default() {
            if (place.before >> before) & (place.behind >> behind) & 1 == 1 {
                self.compare(data, at, place.spot, (from, to), hits);
            }
        }
    }

    /// Compares in full.
    fn compare(&self, data: &[u8], at: usize, spot: Spot, (from, to): (usize, usize), hits: &mut Vec<Hit>) {
        let (Spot::Anchor(offset) | Spot::Short(offset) | Spot::Escape(offset)) = spot;
        let Some(start) = at.checked_add_signed(-isize::from(offset)) else {
            return;
        };
        if let Spot::Escape(_) = spot {
            self.look_escaped(data, start, (from, to), hits);
        } else if start >= from && start < to {
            let text = data.get(start..).unwrap_or_default();
            if let Spot::Anchor(_) = spot {
                self.long(text, |a| hits.push((start, a, 0)));
            } else {
                self.short(text, |a| hits.push((start, a, 0)));
            }
        }
    }

    /// The anchors of four bytes or more with which `text` begins.
    fn long(&self, text: &[u8], mut found: impl FnMut(u16)) {
        let Some(four) = text.first_chunk::<4>() else { return };
        let Some((lo, hi)) = self.cell(u32::from_be_bytes(*four)) else {
            return;
        };
        // Whatever `text` begins with stands before it in order; the nearest such one, and what that one begins with.
        let group = self.all.get(usize::from(lo)..usize::from(hi)).unwrap_or_default();
        let behind = group.partition_point(|a| a.bytes.as_slice() <= text);
        let Some(nearest) = behind.checked_sub(1) else { return };
        let mut at = lo.saturating_add(u16::try_from(nearest).unwrap_or(NONE));
        while let Some(a) = self.get(at).filter(|a| a.bytes.len() > 3) {
            if text.starts_with(&a.bytes) {
                found(at);
            }
            at = self.shorter.get(usize::from(at)).copied().unwrap_or(NONE);
        }
    }

    /// The anchor of three bytes with which `text` begins.
    fn short(&self, text: &[u8], mut found: impl FnMut(u16)) {
        let Some(&[a, b, c]) = text.first_chunk::<3>() else {
            return;
        };
        if let Some((lo, _)) = self.cell(u32::from_be_bytes([a, b, c, 0]))
            && self.get(lo).is_some_and(|a| a.bytes.len() == 3)
        {
            found(lo);
        }
    }

    /// The anchors with this key.
    fn cell(&self, key: u32) -> Option<(u16, u16)> {
        let mut at = spread(key, self.cells.len());
        loop {
            let &(k, lo, hi) = self.cells.get(at)?;
            if hi == 0 {
                return None;
            }
            if k == key {
                return Some((lo, hi));
            }
            at = (at + 1) & (self.cells.len() - 1);
        }
    }

    fn reading(&self, percent: u8) -> Reading {
        Reading {
            percent,
            references: self.decode.entities,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{Anchor, Anchors, Hit};
    use crate::decode::Decode;
    use crate::decode::base64::Long;
    use crate::detect::program::is_word;
    use crate::detect::sieve::is_delimiter;

    fn anchors(literals: &[&str]) -> Anchors {
        let one = |(i, text): (usize, &&str)| Anchor {
            bytes: text.as_bytes().to_vec(),
            detectors: vec![(u16::try_from(i).unwrap(), 0)],
            at_border: i % 2 == 0,
            run: [0, 9, 30][i % 3],
            need: None,
        };
        Anchors::new(literals.iter().enumerate().map(one).collect(), Decode::default())
    }

    fn plain(anchors: &Anchors, data: &[u8], from: usize, to: usize, all: bool) -> Vec<Hit> {
        let mut hits = Vec::new();
        for start in from..to {
            for (i, a) in anchors.all.iter().enumerate() {
                let inside = start > 0 && is_word(data[start - 1]) && is_word(data[start]);
                let run = data[start..].iter().take(usize::from(a.run));
                let ruled_out = a.at_border && inside || run.into_iter().any(|b| is_delimiter(*b));
                if data[start..].starts_with(&a.bytes) && (all || !ruled_out) {
                    hits.push((start, u16::try_from(i).unwrap(), 0));
                }
            }
        }
        hits
    }

    /// Anchors inside each other, with common prefixes, of every length from three, and next to either end.
    #[test]
    fn what_a_plain_search_finds_is_found() {
        let literals = [
            "sk-",
            "sk_",
            "sk_live_",
            "sk_live_0",
            "sk_li",
            "pat",
            "key-",
            "\"key-",
            "https:",
            "//user",
            "AKIA",
            "zzz",
            "$1$",
            "-----BEGIN ",
            "\u{7f}\u{1}x",
        ];
        let anchors = anchors(&literals);
        let fillers = [
            "",
            "a",
            "sk",
            "sk_",
            "sk_live",
            "\"ke",
            "\\u0",
            "\\/",
            "/",
            "patpa",
            "z",
            "$1",
            "\0\0\0\0\0\0\0\0\0",
            "sk_live_0sk_live_0\"sk_live_0sk_live_0 sk_live_0-0123456789 _sk_live_012345678 key-0123456789abcdef012345\n",
        ];
        let (mut hits, mut long) = (Vec::new(), Long::default());
        for front in fillers {
            for literal in literals {
                for back in fillers {
                    let text = [front, literal, back].concat();
                    let data = text.as_bytes();
                    for from in 0..2.min(data.len()) {
                        for to in [data.len(), front.len() + 1] {
                            anchors.scan(data, from, to, &mut hits, &mut long);
                            let least = plain(&anchors, data, from, to, false);
                            let most = plain(&anchors, data, from, to, true);
                            let place = format!("{text:?} from {from} to {to}");
                            assert!(least.iter().all(|h| hits.contains(h)), "{place}");
                            assert!(hits.iter().all(|h| most.contains(h)), "{place}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn an_escaped_character_does_not_hide_an_anchor() {
        let anchors = anchors(&["sk_live_", "https://", "pat", "/etc/"]);
        let (mut hits, mut long) = (Vec::new(), Long::default());
        for (text, start) in [
            ("x\\u0073k_live_", 1),
            ("sk\\u005flive_", 0),
            ("..sk_live\\u005f", 2),
            ("https:\\/\\/", 0),
            (" https:\\\\/\\\\/", 1),
            ("pa\\u0074", 0),
            ("1\\u0070at", 1),
            ("a\\/etc\\/", 1),
            ("\\/etc/", 0),
        ] {
            anchors.scan(text.as_bytes(), 0, text.len(), &mut hits, &mut long);
            assert!(hits.iter().any(|h| h.0 == start), "{text}: {hits:?}");
        }
    }
}
