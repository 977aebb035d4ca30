//! The one pass over everything: where does an anchor of any detector begin?
//!
//! Every anchor has three neighbouring bytes chosen for rarity. Of any two neighbouring pairs in those three, one
//! begins at an even offset, so it is enough to look at every second offset, and to ask of the two bytes there
//! whether they are such a pair: one bit in a table of 8 KiB that stays in the first-level cache. What passes is
//! compared in full. Why not Aho-Corasick: it takes one dependent memory access a byte and cannot skip; the crate's
//! vector search does not exist on wasm32. `cargo xtask bench` prints the ratio of the two.

use crate::decode::escape;
use crate::detect::program::is_word;
use crate::limits;

/// A literal with which matches begin.
#[derive(Clone, Debug)]
pub(crate) struct Anchor {
    pub(crate) bytes: Vec<u8>,
    /// The detectors to start there.
    pub(crate) detectors: Vec<u16>,
    /// All of them ask for a word border in front.
    pub(crate) at_border: bool,
}

/// Where a pair stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    /// So far behind the beginning of some anchor.
    Anchor(u8),
    /// So far behind the backslash of an escape that may hide one of an anchor's characters.
    Escape(i8),
}

/// An anchor in the data: `(offset, anchor)`.
pub(crate) type Hit = (usize, u16);

/// The compiled pass.
#[derive(Clone, Debug)]
pub(crate) struct Anchors {
    /// Sorted by bytes.
    all: Vec<Anchor>,
    /// The first four bytes of each, to be compared as numbers; a NUL where there are only three.
    keys: Vec<u32>,
    /// One bit a pair.
    pairs: Box<[u64; 1024]>,
    /// `(pair, place)`, sorted by pair, each once.
    places: Vec<(u16, Place)>,
    /// Where in `places` each first byte of a pair begins.
    by_first: Vec<u32>,
    longest: usize,
    /// One bit for a hash of the first three bytes: most places where a pair fits are no anchor.
    firsts: Box<[u64; 1024]>,
    /// The characters of which anchors consist.
    alphabet: [bool; 256],
}

impl Anchors {
    pub(crate) fn new(mut all: Vec<Anchor>) -> Anchors {
        all.sort_by(|a, b| a.bytes.cmp(&b.bytes));
        let mut places: Vec<(u16, Place)> = Vec::new();
        let mut window = |bytes: &[u8], at: usize, place: &dyn Fn(usize) -> Place| {
            for offset in [at, at + 1] {
                if let Some(&[a, b]) = bytes.get(offset..offset + 2) {
                    places.push((u16::from_le_bytes([a, b]), place(offset)));
                }
            }
        };
        let mut before_slash = [false; 256];
        let mut alphabet = [false; 256];
        for a in &all {
            // The window whose two pairs are rarest.
            let rarity = |at: &usize| match a.bytes.get(*at..at + 3) {
                Some(&[a, b, c]) => commonness(a, b) + commonness(b, c),
                _ => u32::MAX,
            };
            let best = (0..a.bytes.len().saturating_sub(2)).min_by_key(rarity).unwrap_or(0);
            window(&a.bytes, best, &|offset| {
                Place::Anchor(u8::try_from(offset).unwrap_or(0))
            });
            for b in &a.bytes {
                alphabet[usize::from(*b)] = true;
            }
            for pair in a.bytes.windows(2) {
                if let [before, b'/'] = pair {
                    before_slash[usize::from(*before)] = true;
                }
            }
        }
        // An escaped character in an anchor: `\u0073` for any, `\/` (the default of several encoders) for a slash.
        window(b"\\u0", 0, &|offset| Place::Escape(i8::try_from(offset).unwrap_or(0)));
        for before in (0..=255u8).filter(|b| before_slash[usize::from(*b)] && *b != b'/') {
            window(&[before, b'\\', b'/'], 0, &|offset| {
                Place::Escape(i8::try_from(offset).unwrap_or(0) - 1)
            });
        }
        places.sort_by_key(|(pair, place)| (pair & 0xff, *pair, *place));
        places.dedup();
        let mut pairs = Box::new([0u64; 1024]);
        for (pair, _) in &places {
            pairs[usize::from(pair >> 6)] |= 1 << (pair & 63);
        }
        let mut firsts = Box::new([0u64; 1024]);
        for a in &all {
            if let Some(h) = hash_of_three(&a.bytes) {
                firsts[usize::from(h >> 6)] |= 1 << (h & 63);
            }
        }
        let by_first = (0..=256u32)
            .map(|b| u32::try_from(places.partition_point(|(pair, _)| u32::from(pair & 0xff) < b)).unwrap_or(u32::MAX))
            .collect();
        let keys = all.iter().map(|a| key(&a.bytes)).collect();
        let longest = all.iter().map(|a| a.bytes.len()).max().unwrap_or(0);
        Anchors {
            all,
            keys,
            pairs,
            places,
            by_first,
            longest,
            firsts,
            alphabet,
        }
    }

    /// The literals, for comparison with other ways of finding them (`cargo xtask bench`).
    pub(crate) fn literals(&self) -> impl Iterator<Item = &[u8]> {
        self.all.iter().map(|a| a.bytes.as_slice())
    }

    pub(crate) fn get(&self, anchor: u16) -> Option<&Anchor> {
        self.all.get(usize::from(anchor))
    }

    /// All anchors that begin in `data[from..to]`, in order of their beginning.
    pub(crate) fn scan(&self, data: &[u8], from: usize, to: usize, hits: &mut Vec<Hit>) {
        hits.clear();
        let end = data.len().min(to.saturating_add(self.longest * 6 + 6));
        let Some(window) = data.get(from..end) else { return };
        let mut words = window.chunks_exact(8);
        let mut at = from;
        for word in &mut words {
            let mut bytes = [0u8; 8];
            bytes.copy_from_slice(word);
            let w = u64::from_le_bytes(bytes);
            let bit = |pair: u64| {
                let pair = pair as u16;
                self.pairs[usize::from(pair >> 6)] >> (pair & 63)
            };
            let (a, b, c, d) = (bit(w), bit(w >> 16), bit(w >> 32), bit(w >> 48));
            if (a | b | c | d) & 1 == 1 {
                for (i, hit) in [a, b, c, d].into_iter().enumerate() {
                    if hit & 1 == 1 {
                        self.look(data, at + 2 * i, (from, to), hits);
                    }
                }
            }
            at += 8;
        }
        while at + 1 < end {
            self.look(data, at, (from, to), hits);
            at += 2;
        }
        hits.sort_unstable();
        hits.dedup();
    }

    /// Compares in full at one pair.
    fn look(&self, data: &[u8], at: usize, (from, to): (usize, usize), hits: &mut Vec<Hit>) {
        let Some(&[first, second]) = data.get(at..at + 2) else {
            return;
        };
        let pair = u16::from_le_bytes([first, second]);
        let (Some(&lo), Some(&hi)) = (
            self.by_first.get(usize::from(first)),
            self.by_first.get(usize::from(first) + 1),
        ) else {
            return;
        };
        for (p, place) in self.places.get(lo as usize..hi as usize).unwrap_or_default() {
            if *p != pair {
                continue;
            }
            match *place {
                Place::Escape(offset) => {
                    if let Some(slash) = at.checked_add_signed(-isize::from(offset)) {
                        self.look_escaped(data, slash, (from, to), hits);
                    }
                }
                Place::Anchor(offset) => {
                    let Some(start) = at.checked_sub(usize::from(offset)) else {
                        continue;
                    };
                    if start >= from && start < to {
                        self.beginning(data.get(start..).unwrap_or_default(), |a| hits.push((start, a)));
                    }
                }
            }
        }
    }

    /// All anchors with which `text` begins.
    fn beginning(&self, text: &[u8], mut found: impl FnMut(u16)) {
        let (Some(three), four, Some(h)) = (text.get(..3), text.get(..4), hash_of_three(text)) else {
            return;
        };
        if self.firsts[usize::from(h >> 6)] >> (h & 63) & 1 == 0 {
            return;
        }
        // Sorted, the one of three bytes stands before all that share its first three and have a fourth.
        let mut at = self.keys.partition_point(|k| *k < key(three));
        if self.keys.get(at) == Some(&key(three)) {
            found(u16::try_from(at).unwrap_or(u16::MAX));
        }
        let Some(four) = four else { return };
        at += self
            .keys
            .get(at..)
            .unwrap_or_default()
            .partition_point(|k| *k < key(four));
        while self.keys.get(at) == Some(&key(four)) {
            if self
                .all
                .get(at)
                .is_some_and(|a| a.bytes.len() > 3 && text.starts_with(&a.bytes))
            {
                found(u16::try_from(at).unwrap_or(u16::MAX));
            }
            at += 1;
        }
    }

    /// Anchors whose first escaped character is the escape at `slash`.
    fn look_escaped(&self, data: &[u8], slash: usize, (from, to): (usize, usize), hits: &mut Vec<Hit>) {
        let Some(rest) = data.get(slash..) else { return };
        // A run of backslashes is one escape: begin at its first.
        let first = match rest {
            [b'\\', b'u', a, b, c, d, ..] => {
                let Some(v) = [*a, *b, *c, *d]
                    .iter()
                    .try_fold(0u32, |v, h| Some(v << 4 | char::from(*h).to_digit(16)?))
                else {
                    return;
                };
                v
            }
            [b'\\', b'/', ..] => u32::from(b'/'),
            _ => return,
        };
        if !self.alphabet.get(first as usize).copied().unwrap_or(false) {
            return;
        }
        let mut run = slash;
        while run > 0 && slash - run < usize::from(limits::ESCAPE_SLASHES) && data.get(run - 1) == Some(&b'\\') {
            run -= 1;
        }
        let mut text: Vec<u8> = Vec::with_capacity(self.longest);
        let window = data
            .get(
                run..data
                    .len()
                    .min(run + self.longest * 6 + usize::from(limits::ESCAPE_SLASHES)),
            )
            .unwrap_or_default();
        escape::for_each_char(window, |c, _, _| {
            if text.len() < self.longest {
                text.extend_from_slice(c);
            }
        });
        // How many plain characters of the anchor stand in front is not known: try each number.
        let mut spelt = Vec::with_capacity(2 * self.longest);
        for offset in 0..self.longest {
            let Some(start) = run.checked_sub(offset).filter(|s| *s >= from) else {
                break;
            };
            let Some(front) = data.get(start..run) else { break };
            if front.first().is_some_and(|b| !self.alphabet[usize::from(*b)]) {
                break;
            }
            if start < to {
                spelt.clear();
                spelt.extend_from_slice(front);
                spelt.extend_from_slice(&text);
                self.beginning(&spelt, |a| {
                    if self.get(a).is_some_and(|a| a.bytes.len() > offset) {
                        hits.push((start, a));
                    }
                });
            }
        }
    }

    /// Where, in `data[from..]`, the first place lies from which an anchor could still come to stand once there is
    /// more data. Everything before it has been decided.
    pub(crate) fn undecided(&self, data: &[u8], from: usize, before: impl Fn(usize) -> Option<u8>) -> usize {
        let len = data.len();
        let reach = (self.longest.saturating_sub(1)) * 6 + usize::from(limits::ESCAPE_SLASHES) + 6;
        let low = len.saturating_sub(reach).max(from);
        let tail = data.get(low..).unwrap_or_default();
        if memchr::memchr(b'\\', tail).is_none() {
            let low = len.saturating_sub(self.longest.saturating_sub(1)).max(from);
            return (low..len)
                .find(|i| self.may_begin(data.get(*i..).unwrap_or_default(), || before(*i)))
                .unwrap_or(len);
        }
        let mut chars: Vec<u8> = Vec::with_capacity(tail.len());
        let mut starts: Vec<usize> = Vec::with_capacity(tail.len());
        let cut = escape::for_each_char(tail, |c, start, _| {
            for b in c {
                chars.push(*b);
                starts.push(start);
            }
        });
        let low = chars.len().saturating_sub(self.longest.saturating_sub(1));
        for i in low..chars.len() {
            let start = low_plus(starts.get(i), from, len, data.len() - tail.len());
            if self.may_begin(chars.get(i..).unwrap_or_default(), || before(start)) {
                return start;
            }
        }
        cut.map_or(len, |c| len - tail.len() + c)
    }

    /// `text` is the beginning of an anchor, and not yet the whole of it.
    fn may_begin(&self, text: &[u8], before: impl Fn() -> Option<u8>) -> bool {
        let lo = self.all.partition_point(|a| a.bytes.as_slice() < text);
        let rest = self.all.get(lo..).unwrap_or_default();
        let mut fits = rest
            .iter()
            .take_while(|a| a.bytes.starts_with(text))
            .filter(|a| a.bytes.len() > text.len())
            .peekable();
        if fits.peek().is_none() {
            return false;
        }
        let at_word = before().is_some_and(is_word) && text.first().is_some_and(|b| is_word(*b));
        fits.any(|a| !(a.at_border && at_word))
    }
}

fn low_plus(start: Option<&usize>, from: usize, len: usize, base: usize) -> usize {
    start.map_or(len, |s| (s + base).max(from))
}

fn key(bytes: &[u8]) -> u32 {
    let at = |i: usize| bytes.get(i).copied().unwrap_or(0);
    u32::from_be_bytes([at(0), at(1), at(2), at(3)])
}

/// Sixteen bits of the first three bytes (multiplication by an odd constant, the upper bits kept).
fn hash_of_three(text: &[u8]) -> Option<u16> {
    let &[a, b, c, ..] = text else { return None };
    let key = u32::from_le_bytes([a, b, c, 0]);
    Some((key.wrapping_mul(0x9e37_79b1) >> 16) as u16)
}

/// How often a pair of bytes stands in web traffic, roughly: lower is rarer. Weights from the letters of English,
/// the punctuation of JSON and HTML; only the order matters.
fn commonness(a: u8, b: u8) -> u32 {
    fn one(b: u8) -> u32 {
        match b {
            b'e' | b't' | b'a' | b'o' | b'i' | b'n' | b's' | b'r' | b' ' | b'"' => 12,
            b'h' | b'l' | b'd' | b'c' | b'u' | b'm' | b'p' => 8,
            b'f' | b'g' | b'w' | b'y' | b'b' | b'v' | b'k' | b'0' | b'1' | b':' | b',' | b'/' => 5,
            b'2'..=b'9' | b'.' | b'-' | b'_' | b'=' | b'<' | b'>' => 3,
            _ => 2,
        }
    }
    one(a) * one(b)
}
