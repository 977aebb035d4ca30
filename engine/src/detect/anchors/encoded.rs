//! Anchors of which characters are encoded, and anchors that are not whole yet: what the sieve cannot compare at once.

use super::tables::{has, slot};
use super::{Anchors, Hit, REFERENCE, UNICODE};
use crate::decode::{Decode, Reading, escape, reference};
use crate::detect::program::is_word;
use crate::detect::track::DEPTHS;
use crate::limits;

impl Anchors {
    #[inline(never)]
    /// Anchors whose first encoded character begins at `at`, or, after a run of backslashes, with the last of them.
    pub(super) fn look_escaped(&self, data: &[u8], at: usize, within: (usize, usize), hits: &mut Vec<Hit>) {
        let Some(rest) = data.get(at..) else { return };
        let plain = self.reading(0);
        match rest {
            [b'\\', b'u', a, b, c, d, ..] => {
                let first = [*a, *b, *c, *d]
                    .iter()
                    .try_fold(0u32, |v, h| Some(v << 4 | char::from(*h).to_digit(16)?));
                let first = if first == Some(u32::from(b'&')) {
                    escape::encoded(rest, plain).map(|(c, _)| u32::from(c))
                } else {
                    first
                };
                self.look_decoded(data, (at, first), plain, within, hits);
            }
            [b'\\', b'/', ..] if self.look_slash(data, at, within, hits) => {}
            [b'\\', b'/', ..] => self.look_decoded(data, (at, Some(u32::from(b'/'))), plain, within, hits),
            [b'%', b'2'..=b'7', ..] if self.decode.percent => {
                let mut last = None;
                for percent in 1..=DEPTHS {
                    let reading = self.reading(percent);
                    let found = escape::encoded(rest, reading);
                    if found != last {
                        let first = found.map(|(c, _)| u32::from(c));
                        self.look_decoded(data, (at, first), reading, within, hits);
                    }
                    last = found;
                }
            }
            // Most are `&nbsp;` and the like, or none at all.
            [b'&', behind @ ..]
                if self.decode.entities && reference::may_be(behind, self.stands[usize::from(b'&')] != 0) =>
            {
                let first = escape::encoded(rest, plain).map(|(c, _)| u32::from(c));
                self.look_decoded(data, (at, first), plain, within, hits);
            }
            _ => {}
        }
    }

    /// Anchors whose first encoded character is the slash at `at`, as in most links in JSON. False: more is encoded than
    /// slashes, or otherwise, and it was not looked.
    fn look_slash(&self, data: &[u8], at: usize, (from, to): (usize, usize), hits: &mut Vec<Hit>) -> bool {
        let front = data.get(..at).unwrap_or_default();
        let behind = data.get(at + 2).is_none_or(|b| self.behind_slash[usize::from(*b)]);
        if front.last() == Some(&b'\\') || behind {
            return false;
        }
        if !front.last().is_some_and(|b| self.stands_before_slash(data, at, *b)) {
            return true;
        }
        let found = hits.len();
        let with_four = front.last_chunk().map_or(&[][..], |four| {
            let four = u32::from_be_bytes(*four);
            let low = self.slashes.partition_point(|s| s.0 < four);
            let rest = self.slashes.get(low..).unwrap_or_default();
            rest.get(..rest.iter().take_while(|s| s.0 == four).count())
                .unwrap_or_default()
        });
        let with_fewer = self.slashes.iter().take_while(|s| s.0 < 4);
        for (_, anchor, offset) in with_four.iter().chain(with_fewer) {
            let Some(a) = self.get(*anchor) else { continue };
            let (before, behind) = a.bytes.split_at(a.bytes.len().min(usize::from(*offset)));
            let start = at - before.len().min(at);
            if start < from || start >= to || !front.ends_with(before) {
                continue;
            }
            match starts_with_slashes(data.get(at..).unwrap_or_default(), behind) {
                Some(true) => hits.push((start, *anchor, 0)),
                Some(false) => {}
                None => {
                    hits.truncate(found);
                    return false;
                }
            }
        }
        true
    }

    /// Anchors whose first encoded character is `first`, in this reading.
    fn look_decoded(
        &self,
        data: &[u8],
        (slash, first): (usize, Option<u32>),
        reading: Reading,
        (from, to): (usize, usize),
        hits: &mut Vec<Hit>,
    ) {
        let Some(first) = first else { return };
        let offsets = self.stands.get(first as usize).copied().unwrap_or(0);
        if offsets == 0 {
            return;
        }
        // A run of backslashes is one escape: begin at its first.
        let mut run = slash;
        while data.get(slash) == Some(&b'\\')
            && run > 0
            && slash - run < usize::from(limits::ESCAPE_SLASHES)
            && data.get(run - 1) == Some(&b'\\')
        {
            run -= 1;
        }
        let before = run.checked_sub(1).and_then(|i| data.get(i));
        let in_front = |b: &u8| self.stands_before_slash(data, run, *b);
        // What stands behind an escaped slash may be encoded as well, or not be here yet.
        let open = |b: &u8| matches!(b, b'\\' | b'%' | b'&') || self.behind_slash[usize::from(*b)];
        let behind = match data.get(slash..) {
            Some([b'\\', b'/', rest @ ..]) => rest.first().is_none_or(open),
            _ => true,
        };
        if first == u32::from(b'/') && !behind && !before.is_some_and(in_front) {
            return;
        }
        // How many plain characters of the anchor stand in front is not known: they and the escaped ones are written
        // into one line, and each beginning in it is tried.
        let plain = |n: &usize| {
            let b = run.checked_sub(*n).filter(|s| *s >= from).and_then(|s| data.get(s));
            b.is_some_and(|b| self.stands[usize::from(*b)] != 0)
        };
        let front = (1..limits::ANCHOR_BYTES).take_while(plain).count();
        // Few escapes are part of an anchor, and the plain characters in front say so of most that are not.
        let mut may = offsets & ((2 << front) - 1);
        for (back, b) in data
            .get(..run)
            .unwrap_or_default()
            .iter()
            .rev()
            .take(front.min(5))
            .enumerate()
        {
            let behind = (1 << (back + 1)) - 1;
            may &= self.stands[usize::from(*b)] << (back + 1) | behind;
        }
        let near = |offset: usize| {
            let plain = data.get(run - offset..run).unwrap_or_default();
            match (plain, u8::try_from(first)) {
                ([a, b, c, d, ..], _) => self.cell(u32::from_be_bytes([*a, *b, *c, *d])).is_some(),
                ([a, b, c], Ok(first)) => self.cell(u32::from_be_bytes([*a, *b, *c, first])).is_some(),
                ([a, b], Ok(first)) => self.may_begin(&[*a, *b, first], || None) || self.short_begins(&[*a, *b, first]),
                ([a], Ok(first)) => self.may_begin(&[*a, first], || None),
                ([], Ok(first)) => self.may_begin(&[first], || None),
                _ => false,
            }
        };
        let mut begins = 0u32;
        while may != 0 {
            if near(may.trailing_zeros() as usize) {
                begins |= may & may.wrapping_neg();
            }
            may &= may - 1;
        }
        if begins == 0 {
            return;
        }
        let mut line = [0u8; 2 * limits::ANCHOR_BYTES];
        for (to, b) in line.iter_mut().zip(data.get(run - front..run).unwrap_or_default()) {
            *to = *b;
        }
        // Few characters behind an escape are escaped too: a short stretch does for most.
        let glimpse = usize::from(limits::ESCAPE_SLASHES) + 6;
        for most in [glimpse, self.reach()] {
            let window = data.get(run..data.len().min(run + most)).unwrap_or_default();
            let mut len = front;
            escape::for_each_char(window, reading, |c, _, _| {
                for b in c {
                    if let Some(to) = line.get_mut(len) {
                        *to = *b;
                        len += 1;
                    }
                }
            });
            let line = line.get(..len).unwrap_or_default();
            if most == glimpse && len < front + self.longest {
                continue;
            }
            for offset in 0..=front {
                let start = run - offset;
                if start < from || start >= to || begins >> offset & 1 == 0 {
                    continue;
                }
                let text = line.get(front - offset..).unwrap_or_default();
                let mut found = |a| {
                    if self.get(a).is_some_and(|a| a.bytes.len() > offset) {
                        hits.push((start, a, reading.percent));
                    }
                };
                self.long(text, &mut found);
                self.short(text, &mut found);
            }
            return;
        }
    }

    /// `before` stands in front of `data[at]`, and may in front of a slash in an anchor.
    fn stands_before_slash(&self, data: &[u8], at: usize, before: u8) -> bool {
        let first = at.checked_sub(2).and_then(|i| data.get(i)).copied().unwrap_or(0);
        let pair = usize::from(first) << 8 | usize::from(before);
        // At the very front one character may be all that there is.
        self.before_slash[usize::from(before)] && (at < 2 || self.pairs[pair >> 6] >> (pair & 63) & 1 == 1)
    }

    /// It is an anchor of three bytes.
    fn short_begins(&self, text: &[u8]) -> bool {
        let mut is = false;
        self.short(text, |_| is = true);
        is
    }

    /// How many bytes an anchor can take, all of it encoded, and one character more.
    fn reach(&self) -> usize {
        let each = if self.decode.entities { REFERENCE } else { UNICODE };
        self.longest * each + limits::ESCAPE_BYTES
    }

    /// Where, in `data[from..]`, the first place lies from which an anchor could still come to stand once there is
    /// more data, or an encoded character could. Everything before it has been decided.
    pub(crate) fn undecided(&self, data: &[u8], from: usize, before: impl Fn(usize) -> Option<u8>) -> usize {
        let len = data.len();
        let plain = len.saturating_sub(self.longest.saturating_sub(1)).max(from);
        let mut first = (plain..len)
            .find(|i| self.may_begin(data.get(*i..).unwrap_or_default(), || before(*i)))
            .unwrap_or(len);
        // An anchor that is cut off has something encoded near the end, or stands there as it is.
        let near = data.get(len.saturating_sub(self.longest + limits::ESCAPE_BYTES)..);
        let near = near.unwrap_or(data);
        if !near.iter().any(|b| matches!(b, b'\\' | b'%' | b'&')) {
            return first;
        }
        let low = len.saturating_sub(self.reach()).max(from);
        let tail = data.get(low..).unwrap_or_default();
        let Decode { percent, entities, .. } = self.decode;
        let with_percent = percent && memchr::memchr(b'%', tail).is_some();
        if !with_percent && memchr::memchr2(b'\\', if entities { b'&' } else { b'\\' }, tail).is_none() {
            return first;
        }
        for percent in 0..=if with_percent { DEPTHS } else { 0 } {
            first = self.undecided_in((tail, low), self.reading(percent), &before, first);
        }
        first
    }

    /// The same for one reading, if it comes before `least`.
    fn undecided_in(
        &self,
        (tail, low): (&[u8], usize),
        reading: Reading,
        before: impl Fn(usize) -> Option<u8>,
        least: usize,
    ) -> usize {
        // Both as it stands and as it reads: an anchor may begin behind an escaped backslash.
        let mut chars: Vec<u8> = Vec::with_capacity(tail.len());
        let mut starts: Vec<usize> = Vec::with_capacity(tail.len());
        let cut = escape::for_each_char(tail, reading, |c, start, _| {
            for b in c {
                chars.push(*b);
                starts.push(low + start);
            }
        });
        let near = chars.len().saturating_sub(self.longest.saturating_sub(1));
        for (i, start) in starts.iter().enumerate().skip(near) {
            if *start >= least {
                break;
            }
            if self.may_begin(chars.get(i..).unwrap_or_default(), || before(*start)) {
                return *start;
            }
        }
        cut.map_or(least, |c| least.min(low + c))
    }

    /// `text` is the beginning of an anchor, and not yet the whole of it.
    fn may_begin(&self, text: &[u8], before: impl Fn() -> Option<u8>) -> bool {
        let (lo, hi) = match text {
            [] => return false,
            [a, b, c, ..] if !has(&self.heads, slot([*a, *b, *c])) => return false,
            [a, b, c, d, ..] => match self.cell(u32::from_be_bytes([*a, *b, *c, *d])) {
                Some(range) => range,
                None => return false,
            },
            [first, ..] => {
                let first = usize::from(*first);
                match (self.by_first.get(first), self.by_first.get(first + 1)) {
                    (Some(lo), Some(hi)) if lo < hi => (*lo, *hi),
                    _ => return false,
                }
            }
        };
        let group = self.all.get(usize::from(lo)..usize::from(hi)).unwrap_or_default();
        let at = group.partition_point(|a| a.bytes.as_slice() < text);
        let rest = group.get(at..).unwrap_or_default();
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

/// Whether `text` reads as it begins with `want`, if only slashes are escaped.
fn starts_with_slashes(text: &[u8], want: &[u8]) -> Option<bool> {
    let mut text = text;
    for b in want {
        text = match text {
            [b'\\', b'/', rest @ ..] if *b == b'/' => rest,
            [b'\\', b'/', ..] => return Some(false),
            [b'\\' | b'&', ..] => return None,
            [c, rest @ ..] if c == b => rest,
            _ => return Some(false),
        };
    }
    Some(true)
}
