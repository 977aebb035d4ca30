//! Where base64 stands in a text, and whether what it holds is text.
//!
//! A run is a maximal stretch of the characters of both alphabets (RFC 4648 sections 4 and 5), in which a slash may be
//! escaped as JSON does it. Nearly all long runs are no base64 but ids, digests and paths, or pictures: two things must
//! be cheap, to see that no run is there, and to see that a run holds no text. For the first, eight bytes at every
//! sixteenth offset of the body are looked at together, since a run of `limits::VIEW_CHARS` has such eight inside, and one
//! of them must be a capital: digests, ids and paths have none, while of eight characters of base64 hardly ever all are
//! none. Where the search for anchors has seen a delimiter in every stretch of that length, nothing is looked at at all
//! ([`Long`]). (Bits for all characters from the vectors of `detect/sieve.rs` were tried: three times the cost.) For the
//! second, three bytes tell most. A decoder from a crate would answer neither, and the rest of it is four lines.

use crate::detect::sieve::LONGEST;
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

/// Eight bytes are looked at in each sixteen, counted from the beginning of the body.
const STEP: usize = 16;

/// Where the eight bytes stand in which a capital at this offset counts.
pub(crate) fn window(capital: u64) -> Option<u64> {
    let step = STEP as u64;
    (capital % step < 8).then_some(capital - capital % step)
}

/// Where no delimiter follows for as many bytes as a run has at least, as far as the search for anchors has seen. It costs
/// hardly anything more there, and says of most text that it holds no run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Long {
    /// Where the first bit belongs, counted from the beginning of the body.
    from: u64,
    bits: Vec<u64>,
}

impl Long {
    /// The bits from this offset on, to be filled in.
    pub(crate) fn begin_at(&mut self, from: u64) -> &mut Vec<u64> {
        self.from = from;
        &mut self.bits
    }

    /// The first window, from the one at `at` on, that may stand in a run that is long enough, and where such windows end.
    fn next(&self, at: u64) -> (u64, u64) {
        const { assert!(limits::VIEW_CHARS >= LONGEST && LONGEST >= STEP + 7) };
        let step = STEP as u64;
        // A run begins one step before a window at most, or was in the window before it.
        let Some(bit) = at.checked_sub(self.from + step) else {
            return (at, self.from + step);
        };
        let mut words = self.bits.get((bit / 64) as usize..).unwrap_or_default().iter();
        let Some(first) = words.next() else {
            return (at, u64::MAX);
        };
        let mut word = first & u64::MAX << (bit % 64);
        let mut begin = self.from + (bit - bit % 64);
        while word == 0 {
            begin += 64;
            match words.next() {
                Some(w) => word = *w,
                None => return (at.max(begin.next_multiple_of(step)), u64::MAX),
            }
        }
        begin += u64::from(word.trailing_zeros());
        let ones = u64::from((word >> word.trailing_zeros()).trailing_ones());
        (at.max(begin.next_multiple_of(step)), begin + ones + step)
    }
}

/// The first run that begins at `from` or behind it and that either is long enough, with a capital where one is looked
/// for, or reaches the end of `text`, which stands at `base`.
pub(crate) fn next_run((text, base): (&[u8], u64), from: usize, escapes: bool, long: &Long) -> Option<(usize, usize)> {
    let to_window = |at: usize| at + (STEP - 1) - (base + (at + STEP - 1) as u64) as usize % STEP;
    let (mut low, mut probe, mut until) = (from, to_window(from), 0);
    loop {
        if probe >= until {
            let next = long.next(base + probe as u64);
            probe = (next.0 - base) as usize;
            until = usize::try_from(next.1 - base).unwrap_or(usize::MAX);
        }
        let Some(window) = text.get(probe..probe + 8).and_then(|t| t.first_chunk()) else {
            break;
        };
        if !plausible(window) {
            probe += STEP;
            continue;
        }
        let Some((start, end)) = around(text, low, probe, escapes) else {
            probe += STEP;
            continue;
        };
        if end - start >= limits::VIEW_CHARS || end == text.len() {
            return Some((start, end));
        }
        low = end;
        probe = to_window(low);
    }
    let slashes = text.iter().rev().take_while(|b| escapes && **b == b'\\').count();
    let inside = text.len().checked_sub(slashes + 1).filter(|i| *i >= low)?;
    let open = slashes <= usize::from(SLASH_ESCAPES) && text.get(inside).is_some_and(is_plain);
    open.then(|| (run_start(text, low, inside, escapes), text.len()))
}

fn is_plain(b: &u8) -> bool {
    VALUES[usize::from(*b)] < BACKSLASH
}

/// The run in which the eight bytes from `probe` on stand, from `low` on.
#[inline(never)]
fn around(text: &[u8], low: usize, probe: usize, escapes: bool) -> Option<(usize, usize)> {
    let (window, rest) = text.get(probe..)?.split_first_chunk::<8>()?;
    let all = window.iter().fold(0, |all, b| all | VALUES[usize::from(*b)]);
    if all >= OTHER || (all >= BACKSLASH && !escapes) {
        return None;
    }
    let front = text.get(low..probe)?;
    let left = front.iter().rev().take_while(|b| is_plain(b)).count();
    let right = plain(rest);
    let slash = |b: Option<&u8>| escapes && b == Some(&b'\\');
    if all < BACKSLASH && !slash(rest.get(right)) && !slash(front.iter().nth_back(left)) {
        return Some((probe - left, probe + 8 + right));
    }
    let inside = probe + window.iter().position(is_plain)?;
    Some((run_start(text, low, inside, escapes), run_end(text, inside, escapes)))
}

/// A first look: no byte is below `+`, the first of the alphabet in ASCII, or beyond ASCII, and one is a capital.
fn plausible(window: &[u8; 8]) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let x = u64::from_le_bytes(*window);
    if (x.wrapping_sub(ONES * b'+' as u64) | x) & (ONES << 7) != 0 {
        return false;
    }
    // No sum carries into the next byte, since all are ASCII.
    let from_a = x + ONES * (0x80 - b'A' as u64);
    let behind_z = x + ONES * (0x7f - b'Z' as u64);
    from_a & !behind_z & (ONES << 7) != 0
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
                let long_at = |i: usize| !text[i..].iter().take(LONGEST).any(|b| is_delimiter(*b));
                let mut long = Long::default();
                let bits = long.begin_at(base + seen as u64);
                bits.resize((text.len() - seen).div_ceil(64), 0);
                for i in (seen..text.len()).filter(|i| long_at(*i)) {
                    bits[(i - seen) / 64] |= 1 << ((i - seen) % 64);
                }
                for end in [text.len(), text.len() - 30] {
                    for from in 0..end {
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
