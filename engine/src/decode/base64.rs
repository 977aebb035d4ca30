//! Where base64 stands in a text, and whether what it holds is text.
//!
//! A run is a maximal stretch of the characters of both alphabets (RFC 4648 sections 4 and 5), in which a slash may be
//! escaped as JSON does it. Nearly all long runs are no base64 but ids, digests and paths, or pictures: two things must
//! be cheap, to see that no run is there, and to see that a run holds no text. For the first, the search for anchors says
//! where a word begins behind which no delimiter follows for as long as a run is ([`Long`]): it knows that for next to
//! nothing. A run is one that has such a word at its front, and a capital among its first characters: digests, ids and
//! paths have none. (Bits for all characters from the vectors of `detect/sieve.rs` were tried: three times the cost; eight
//! bytes at every sixteenth offset, where no delimiter is near, twice.) For the
//! second, three bytes tell most. A decoder from a crate would answer neither, and the rest of it is four lines.

use crate::detect::sieve::{LONGEST, begins_a_word};
use crate::limits;

/// Not in the alphabet.
const OTHER: u8 = 0x80;

/// Not in the alphabet either, but it may stand before a slash.
const BACKSLASH: u8 = 0x40;

static VALUES: [u8; 256] = {
    let mut values = [OTHER; 256];
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut i = 0;
    while i < 64 {
        values[alphabet[i] as usize] = i as u8;
        i += 1;
    }
    values[b'-' as usize] = 62;
    values[b'_' as usize] = 63;
    values[b'\\' as usize] = BACKSLASH;
    values
};

/// The six bits of a character.
pub(crate) fn value(b: u8) -> Option<u8> {
    Some(VALUES[usize::from(b)]).filter(|v| *v < BACKSLASH)
}

/// The character of six bits.
pub(crate) fn character(value: u8) -> u8 {
    let at = |from: u8, first: u8| first + (value & 63) - from;
    match value & 63 {
        0..26 => at(0, b'A'),
        26..52 => at(26, b'a'),
        52..62 => at(52, b'0'),
        62 => b'+',
        _ => b'/',
    }
}

/// The three bytes of four characters; fewer characters count as if zeros followed.
pub(crate) fn bytes(values: [u8; 4]) -> [u8; 3] {
    let [a, b, c, d] = values;
    [a << 2 | b >> 4, b << 4 | c >> 2, c << 6 | d]
}

/// The six bits of each of the four characters for three bytes.
pub(crate) fn values([a, b, c]: [u8; 3]) -> [u8; 4] {
    [a >> 2, (a & 3) << 4 | b >> 4, (b & 15) << 2 | c >> 6, c & 63]
}

/// Backslashes that may stand before a slash: JSON inside JSON has three.
pub(crate) const SLASH_ESCAPES: u8 = 4;

/// A run has a capital among as many characters at its front, as they are spelt.
pub(crate) const CAPITAL_WITHIN: usize = 64;

/// Where a word begins behind which no delimiter follows for as many bytes as a run has at least.
#[derive(Clone, Debug, Default)]
pub(crate) struct Long {
    /// What has been looked at, counted from the beginning of the body.
    from: u64,
    to: u64,
    /// A bit for each byte; words without one are left out. Behind `len` stands what is no use any more.
    words: Vec<(u64, u64)>,
    len: usize,
}

/// Bytes that a word of [`Long`] is about.
const WORD: u64 = 64;

impl Long {
    /// Forgets all, and begins anew at this offset.
    pub(crate) fn begin_at(&mut self, from: u64) -> &mut Long {
        (self.from, self.to, self.len) = (from, from, 0);
        self
    }

    /// So many words follow.
    pub(crate) fn reserve(&mut self, words: usize) {
        let len = self.len + words;
        if self.words.len() < len {
            self.words.resize(len, (0, 0));
        }
    }

    /// Takes the next word, without a branch on what a processor cannot foretell.
    pub(crate) fn push(&mut self, word: u64) {
        if let Some(free) = self.words.get_mut(self.len) {
            *free = (self.to, word);
            self.len += usize::from(word != 0);
        }
        self.to += WORD;
    }

    /// How many words say nothing of what stands at `at` and behind it.
    fn before(&self, at: u64) -> usize {
        let words = self.words.get(..self.len).unwrap_or_default();
        words.partition_point(|(begin, _)| begin + WORD <= at)
    }

    /// A place in the first run of `text`, from `at` on, that passes a first look; `seen` are words that are done with.
    fn next(&self, seen: &mut usize, (text, base): (&[u8], u64), at: usize) -> Option<usize> {
        const { assert!(limits::VIEW_CHARS == LONGEST && LONGEST >= STEP + 7 && STEP == 16) };
        const LAST: u64 = 0x8000_8000_8000_8000;
        let offset = |at: u64| usize::try_from(at.saturating_sub(base)).unwrap_or(usize::MAX);
        let all = |from: usize, to: usize| {
            let mut places = (from.next_multiple_of(STEP)..to.min(text.len())).step_by(STEP);
            places.find(|at| passes(text, *at))
        };
        let from = offset(self.from).saturating_add(STEP);
        if at < from
            && let Some(found) = all(at, from)
        {
            return Some(found);
        }
        for (begin, word) in self.words.get(*seen..self.len).unwrap_or_default() {
            // Sixteen bits for each window: a run that begins behind the one before it has this one as its first.
            let first = offset(*begin);
            let back = first.wrapping_sub(1) % STEP;
            let bits = word << back;
            let mut marks = (bits | ((bits & !LAST) + !LAST)) & LAST;
            let first = first + STEP - 1 - back;
            let over = (word >> 1) >> (63 - back) != 0;
            // All windows at once and without a branch: which of them are marked is what a processor cannot foretell.
            if let Some(text) = text
                .get(first..)
                .and_then(|t| t.first_chunk::<{ WINDOWS * STEP - 8 }>())
            {
                let eight = |i: usize| {
                    text.get(i * STEP..)
                        .and_then(|t| t.first_chunk())
                        .is_some_and(eight_pass)
                };
                let passed = (0..WINDOWS - 1).fold(0, |all, i| all | (u64::from(eight(i)) << (i * STEP + STEP - 1)));
                if passed & marks == 0 && !(over & eight(WINDOWS - 1)) {
                    *seen += 1;
                    continue;
                }
            }
            while marks != 0 {
                let window = first + (marks.trailing_zeros() as usize & !15);
                marks &= marks - 1;
                if passes(text, window) && window >= at {
                    return Some(window);
                }
            }
            let window = first + WORD as usize;
            if over && passes(text, window) && window >= at {
                return Some(window);
            }
            *seen += 1;
        }
        all(at.max(offset(self.to)), usize::MAX)
    }
}

/// Eight bytes at each sixteenth of a text are looked at: the first of them behind a run's first word stand in it.
const STEP: usize = 16;

/// Windows that a word of [`Long`] may mark.
const WINDOWS: usize = WORD as usize / STEP + 1;

/// Eight bytes are of the alphabet, and eight before or behind them: a window stands in the sixteen bytes behind the
/// beginning of a run's first word.
fn passes(text: &[u8], at: usize) -> bool {
    let all = |at: usize| {
        let eight = text.get(at..).and_then(|t| t.first_chunk::<8>());
        eight.is_some_and(|e| e.iter().fold(0, |all, b| all | VALUES[usize::from(*b)]) < OTHER)
    };
    all(at) && (all(at + 8) || at.checked_sub(8).is_some_and(all))
}

/// A first look at eight bytes: none is a dot, by which most long words are joined, or beyond ASCII.
#[inline]
fn eight_pass(bytes: &[u8; 8]) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let x = u64::from_le_bytes(*bytes);
    let dot = (x ^ (ONES * b'.' as u64)).wrapping_sub(ONES) & !x;
    (x | dot) & (ONES << 7) == 0
}

/// The first run that begins at `from` or behind it and that either is one, or reaches the end of `text`, which stands at
/// `base`, and may be one.
pub(crate) fn next_run((text, base): (&[u8], u64), from: usize, escapes: bool, long: &Long) -> Option<(usize, usize)> {
    let mut low = from;
    let mut at = low;
    let mut seen = long.before(base + low as u64);
    while let Some(window) = long.next(&mut seen, (text, base), at) {
        at = window + STEP;
        let (start, end) = around(text, low, window, escapes);
        if end == text.len() || is_run(text.get(start..end).unwrap_or_default()) {
            return Some((start, end));
        }
        (low, at) = (end, at.max(end));
    }
    let slashes = text.iter().rev().take_while(|b| escapes && **b == b'\\').count();
    let inside = text.len().checked_sub(slashes + 1).filter(|i| *i >= low)?;
    let open = slashes <= usize::from(SLASH_ESCAPES) && text.get(inside).is_some_and(is_plain);
    open.then(|| (run_start(text, low, inside, escapes), text.len()))
}

/// From its first word on it is long enough, and it has a capital early.
fn is_run(run: &[u8]) -> bool {
    let word = run.iter().position(|b| begins_a_word(*b));
    let front = run.get(..CAPITAL_WITHIN).unwrap_or(run);
    word.is_some_and(|word| run.len() - word >= limits::VIEW_CHARS) && front.iter().any(u8::is_ascii_uppercase)
}

fn is_plain(b: &u8) -> bool {
    VALUES[usize::from(*b)] < BACKSLASH
}

/// The run in which the character at `inside` stands, from `low` on.
#[inline(never)]
fn around(text: &[u8], low: usize, inside: usize, escapes: bool) -> (usize, usize) {
    let front = text.get(low..inside).unwrap_or_default();
    let left = front.iter().rev().take_while(|b| is_plain(b)).count();
    let right = inside + plain(text.get(inside..).unwrap_or_default());
    let slash = |b: Option<&u8>| escapes && b == Some(&b'\\');
    if !slash(text.get(right)) && !slash(front.iter().nth_back(left)) {
        return (inside - left, right);
    }
    (run_start(text, low, inside, escapes), run_end(text, inside, escapes))
}

/// Where the run around `inside` begins, not before `low`.
fn run_start(text: &[u8], low: usize, inside: usize, escapes: bool) -> usize {
    let is = |i: usize| text.get(i).is_some_and(|b| value(*b).is_some());
    let mut start = inside;
    while start > low {
        if is(start - 1) {
            start -= 1;
            continue;
        }
        if !escapes || text.get(start) != Some(&b'/') {
            break;
        }
        let front = text.get(low..start).unwrap_or_default();
        let slashes = front.iter().rev().take_while(|b| **b == b'\\').count();
        let before = start - slashes;
        if slashes == 0 || slashes > usize::from(SLASH_ESCAPES) || before <= low || !is(before - 1) {
            break;
        }
        start = before - 1;
    }
    start
}

/// How many characters of the alphabets stand at the front of `text`.
pub(crate) fn plain(text: &[u8]) -> usize {
    let eights = text.as_chunks::<8>().0;
    let all = |e: &&[u8; 8]| e.iter().fold(0, |all, b| all | VALUES[usize::from(*b)]) < BACKSLASH;
    let whole = eights.iter().take_while(all).count() * 8;
    let rest = text.get(whole..).unwrap_or_default();
    whole + rest.iter().take_while(|b| VALUES[usize::from(**b)] < BACKSLASH).count()
}

/// Where the run that has reached `from` ends; the end of `text` if it may go on there.
fn run_end(text: &[u8], from: usize, escapes: bool) -> usize {
    let mut at = from;
    loop {
        let rest = text.get(at..).unwrap_or_default();
        at += plain(rest);
        let rest = text.get(at..).unwrap_or_default();
        let slashes = rest.iter().take_while(|b| escapes && **b == b'\\').count();
        match rest.get(slashes) {
            _ if slashes > usize::from(SLASH_ESCAPES) => return at,
            Some(b'/') => at += slashes,
            None => return text.len(),
            Some(_) => return at,
        }
    }
}

/// Whether the bytes of a run are text, told as they come.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Judge {
    seen: u8,
    bad: u8,
    /// Bytes that the UTF-8 character under way still needs.
    more: u8,
    pdf: bool,
}

impl Judge {
    /// Bytes after which the verdict stands.
    const BYTES: u8 = 96;

    /// Whether the run may hold text after its first character.
    pub(crate) fn may_begin(value: u8) -> bool {
        // The upper six bits of a tab, a line end, a printable character, or the first byte of a longer one.
        matches!(value, 2 | 3 | 8..32 | 48..62)
    }

    /// Takes three bytes more. `false`: this is no text.
    pub(crate) fn goes_on(&mut self, group: [u8; 3]) -> bool {
        if self.is_done() {
            return true;
        }
        for b in group {
            let good = match (self.more, b) {
                (0, b'\t' | b'\n' | b'\r' | 0x20..=0x7e) => true,
                (0, 0xc2..=0xf4) => {
                    self.more = if b < 0xe0 { 1 } else { 2 + u8::from(b >= 0xf0) };
                    true
                }
                (0, _) => false,
                (_, 0x80..=0xbf) => {
                    self.more -= 1;
                    true
                }
                _ => {
                    self.more = 0;
                    false
                }
            };
            self.bad += u8::from(!good);
        }
        self.seen += 3;
        match self.seen {
            3 => {
                self.pdf = group == *b"%PD";
                self.bad == 0
            }
            6 if self.pdf && group.starts_with(b"F-") => false,
            // Text may have been cut off somewhere, or hold a few bytes that are none.
            _ => self.bad <= self.seen / 4,
        }
    }

    /// Whether the verdict stands.
    pub(crate) fn is_done(&self) -> bool {
        self.seen >= Judge::BYTES
    }
}

/// Whether a run can be told to hold no text by its first characters, as they stand.
pub(crate) fn is_hopeless(run: &[u8]) -> bool {
    let mut judge = Judge::default();
    for (i, four) in run.as_chunks::<4>().0.iter().take(8).enumerate() {
        let four = four.map(|b| VALUES[usize::from(b)]);
        if four.iter().any(|v| *v >= BACKSLASH) {
            return false;
        }
        let group = bytes(four);
        // Most runs are told by this alone.
        let none = i == 0
            && matches!(group, [0..9 | 11 | 12 | 14..32 | 0x7f..0xc2 | 0xf5..=0xff, ..] | [0xc2..=0xff, 0..0x80 | 0xc0..=0xff, _]);
        if none || !judge.goes_on(group) {
            return true;
        }
    }
    false
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::detect::sieve::is_delimiter;

    /// Plain encoding for tests.
    fn encode(text: &[u8]) -> String {
        let mut out = String::new();
        for three in text.chunks(3) {
            let at = |i: usize| three.get(i).copied().unwrap_or(0);
            let four = values([at(0), at(1), at(2)]).map(|v| char::from(character(v)));
            out.extend(&four[..=three.len()]);
            out.push_str(&"=="[..3 - three.len()]);
        }
        out
    }

    #[test]
    fn characters_and_bytes_are_each_others_inverse() {
        assert_eq!(encode(b"hello, world?>"), "aGVsbG8sIHdvcmxkPz4=");
        for v in 0..64 {
            assert_eq!(value(character(v)), Some(v));
        }
        for group in [[0, 0, 0], [255, 255, 255], *b"abc", [1, 2, 254]] {
            assert_eq!(bytes(values(group)), group);
        }
    }

    #[test]
    fn a_run_is_found_wherever_it_stands() {
        let run = "QUJDREVGR0hJSktMTU5PUFFS";
        for front in 0..40 {
            for (before, inside) in [
                (" ", run),
                ("a. ", run),
                (" \\\\ ", "QUJDREVG\\/0hJSktMTU5\\\\\\/UFFSaa"),
            ] {
                let text = format!("{}{before}{inside} {}", "x ".repeat(front), "y ".repeat(20));
                let at = text.find(inside).unwrap();
                assert_eq!(
                    next_run((text.as_bytes(), 0), 0, true, &Long::default()),
                    Some((at, at + inside.len())),
                    "{text}"
                );
            }
        }
        for (text, want) in [
            ("short words and QUJDREVGR0hJSktMTU5PUFF and more.", None),
            ("the last word", Some((9, 13))),
            ("the last word\\", Some((9, 14))),
            ("the last word ", None),
            ("the last word\\\\\\\\\\", None),
            ("\\/abc", Some((1, 5))),
            ("QUJDREVGR0hJ\\nSktMTU5PUFFS.", None),
        ] {
            assert_eq!(
                next_run((text.as_bytes(), 0), 0, true, &Long::default()),
                want,
                "{text}"
            );
        }
        assert_eq!(
            next_run((b"Abcdefgh\\/ABCDEFGHABCDEFGH ", 0), 0, false, &Long::default()),
            None
        );
    }

    /// What the search for anchors knows of a text changes nothing but the time.
    #[test]
    fn a_run_is_found_with_and_without_the_bits() {
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_\\/.: \"";
        let mut state = 9u32;
        for round in 0..400 {
            let any = |_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                // A delimiter now and then, so that runs of every length come.
                let most = if state >> 28 == 0 { alphabet.len() } else { 68 };
                alphabet[(state >> 12) as usize % most]
            };
            let text: Vec<u8> = (0..300 + round).map(any).collect();
            for (base, seen) in [(0, 0), (7, 0), (1000, 40), (4096, 16)] {
                let begins = |i: usize| begins_a_word(text[i]) && (i == seen || !begins_a_word(text[i - 1]));
                let long_at = |i: usize| !text[i..].iter().take(LONGEST).any(|b| is_delimiter(*b));
                let mut long = Long::default();
                let words = (text.len() - seen).div_ceil(64);
                long.begin_at(base + seen as u64).reserve(words);
                for word in 0..words {
                    let at = |bit: &usize| seen + word * 64 + bit;
                    let set = (0..64).filter(|bit| at(bit) < text.len() && begins(at(bit)) && long_at(at(bit)));
                    long.push(set.map(|bit| 1u64 << bit).sum());
                }
                for end in [text.len(), text.len() - 30] {
                    // No search begins inside a run.
                    for from in (0..end).filter(|from| *from == 0 || value(text[from - 1]).is_none()) {
                        let find = |long| next_run((&text[..end], base), from, true, long);
                        assert_eq!(find(&long), find(&Long::default()), "{round} {base} {from}");
                    }
                }
            }
        }
    }

    #[test]
    fn text_is_told_from_the_rest_by_its_first_bytes() {
        for (text, hopeless) in [
            ("{\"auths\":{\"registry.internal\":{}}}".as_bytes(), false),
            ("postgres://user:fake@host/name".as_bytes(), false),
            ("größer als die Häuser, und höher".as_bytes(), false),
            ("密码保存在这里，不要告诉别人".as_bytes(), false),
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x10\0\0\0\x10", true),
            (b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01", true),
            (b"GIF89a\x10\0\x10\0\xf0\0\0\0\0\0\xff\xff\xff!\xf9\x04", true),
            (b"RIFF\x24\x12\0\0WEBPVP8 \x18\x12\0\0\x30\x01\0\x9d", true),
            (b"%PDF-1.7\n%....\n1 0 obj\n<</Type", true),
            (b"PK\x03\x04\x14\0\0\0\x08\0ABCDEFGHIJKL", true),
            (b"\x1f\x8b\x08\0\0\0\0\0\0\x03ABCDEFGH", true),
            (b"OTTO\0\x0b\0\x80\0\x03\x000CFF ", true),
            (b"wOF2\0\x01\0\0\0\0\x12\x34\0\x0a\0\0\0\0", true),
            (b"wOFF\0\x01\0\0\0\0\x12\x34\0\x0a\0\0\0\0", true),
            (b"\0\x01\0\0\0\x0b\0\x80\0\x03\x000OS/2", true),
        ] {
            assert_eq!(is_hopeless(encode(text).as_bytes()), hopeless, "{text:?}");
        }
        assert!(is_hopeless(b"0c3f5a77-9a1e-4b6e-a0d5-3f1c2b4a5968"));
    }
}
