//! A first look behind an anchor: most anchors in ordinary text (`https://` in any link) are ruled out within a few
//! bytes, and a lane need not be set up for them.
//!
//! It follows the pattern only where there is one way to go, and says "perhaps" where there are two, at any but the
//! plainest escapes, at the end of what is there, and after `BYTES`. So it can cost time, but never a finding; only
//! `Lane` says yes.

use crate::decode::Reading;
use crate::decode::escape::{self, Front};
use crate::detect::program::{Op, Program};

/// How far it looks.
const BYTES: usize = 80;

/// Ways that it tries before it says "perhaps".
const WAYS: u8 = 16;

/// What is looked at.
#[derive(Clone, Copy)]
struct Sight<'t> {
    text: &'t [u8],
    reading: Reading,
    /// The characters around the beginning.
    around: (Option<u8>, u8),
}

impl Program {
    /// Whether a match may begin where `text` does; `before` and `first` are the characters around that place, and
    /// `anchor` is the literal that was found there, by its number.
    pub(crate) fn may_match(&self, text: (&[u8], Reading), before: Option<u8>, first: u8, anchor: Option<u16>) -> bool {
        let mut ways = WAYS;
        let sight = Sight {
            text: text.0,
            reading: text.1,
            around: (before, first),
        };
        // Behind an anchor that stands there, the pattern need not be gone through from its beginning.
        let known = |anchor: u16| {
            let anchor = usize::from(anchor);
            let pc = self.shortcuts.behind_anchor(anchor)?;
            Some((anchor, usize::from(pc), behind(text.0, self.anchors.get(anchor)?)?))
        };
        let from = match anchor.and_then(known) {
            Some((anchor, pc, at)) => {
                let rest = text.0.get(at..).unwrap_or_default();
                if self.shortcuts.need(anchor).is_some_and(|n| n.rules_out(rest)) {
                    return false;
                }
                (pc, at)
            }
            None => (0, 0),
        };
        self.may_go_on(from, &sight, &mut ways)
    }

    /// The same from an anchor on that has a `front` before it.
    pub(crate) fn may_match_behind_front(&self, text: (&[u8], Reading)) -> bool {
        let front = self.ops.iter().position(|op| matches!(op, Op::Repeat { .. }));
        let sight = Sight {
            text: text.0,
            reading: text.1,
            around: (None, text.0.first().copied().unwrap_or(0)),
        };
        front.is_none_or(|pc| self.may_go_on((pc + 1, 0), &sight, &mut WAYS.clone()))
    }

    fn may_go_on(&self, from: (usize, usize), sight: &Sight, ways: &mut u8) -> bool {
        let (mut pc, mut at) = from;
        loop {
            match self.ops.get(pc) {
                Some(Op::SecretStart | Op::SecretEnd) => pc += 1,
                Some(Op::Border(border)) => {
                    let (before, after) = match at.checked_sub(1).and_then(|i| sight.text.get(i)) {
                        None => (sight.around.0, Some(sight.around.1)),
                        // What was encoded was another character than its last byte.
                        Some(b) if sight.reading.percent > 0 || *b == b';' => {
                            pc += 1;
                            continue;
                        }
                        // Only plain characters have been passed, or escapes that end in what they stand for.
                        Some(before) => match sight.char_at(at) {
                            Some((after, _)) => (Some(*before), Some(after)),
                            None => return true,
                        },
                    };
                    if !border.holds(before, after) {
                        return false;
                    }
                    pc += 1;
                }
                Some(&Op::Jump(to)) => {
                    *ways = ways.saturating_sub(1);
                    if *ways == 0 {
                        return true;
                    }
                    pc = usize::from(to);
                }
                Some(&Op::Split(a, b)) => {
                    *ways = ways.saturating_sub(1);
                    if *ways == 0 || self.may_go_on((usize::from(a), at), sight, ways) {
                        return true;
                    }
                    pc = usize::from(b);
                }
                Some(Op::Byte(want)) => match sight.char_at(at) {
                    Some((c, next)) if c == *want => (pc, at) = (pc + 1, next),
                    Some(_) => return false,
                    None => return true,
                },
                Some(Op::Set(set)) => match (sight.char_at(at), self.sets.get(usize::from(*set))) {
                    (Some((c, next)), Some(set)) if set.contains(c) => (pc, at) = (pc + 1, next),
                    (Some(_), Some(_)) => return false,
                    _ => return true,
                },
                Some(&Op::Repeat { set, min, max }) => {
                    let Some(set) = self.sets.get(usize::from(set)) else {
                        return true;
                    };
                    let mut run = 0;
                    while run < max && at < BYTES {
                        // Characters that stand there as they are, in a loop that does nothing else.
                        let rest = sight.text.get(at..BYTES.min(sight.text.len())).unwrap_or_default();
                        let plain = |b: &&u8| set.contains(**b) && !matches!(b, b'\\' | b'%' | b'&');
                        let passed = rest.iter().take(usize::from(max - run)).take_while(plain).count();
                        // At most `BYTES`, and no more than `max`.
                        (run, at) = (run + passed as u16, at + passed);
                        if run >= max || at >= BYTES {
                            break;
                        }
                        match sight.char_at(at) {
                            Some((c, next)) if set.contains(c) => (run, at) = (run + 1, next),
                            Some(_) => break,
                            // It may go on.
                            None => return true,
                        }
                    }
                    if at >= BYTES {
                        return true;
                    }
                    if run < min {
                        return false;
                    }
                    // What follows begins behind the whole run only if it cannot begin inside.
                    if !self.shortcuts.run_ends_itself(pc) {
                        return true;
                    }
                    pc += 1;
                }
                Some(Op::Match) | None => return true,
            }
            if at >= BYTES {
                return true;
            }
        }
    }
}

/// Where what stands behind the anchor begins, if the anchor stands there as it is or with its slashes escaped.
pub(crate) fn behind(text: &[u8], anchor: &[u8]) -> Option<usize> {
    if text.starts_with(anchor) {
        return Some(anchor.len());
    }
    let mut at = 0;
    for b in anchor {
        at = match text.get(at..)? {
            [c, ..] if c == b => at + 1,
            [b'\\', b'/', ..] if *b == b'/' => at + 2,
            _ => return None,
        };
    }
    Some(at)
}

impl Sight<'_> {
    /// The character at `at` and where the next one begins; `None` where that takes more than a glance.
    #[inline(always)]
    fn char_at(&self, at: usize) -> Option<(u8, usize)> {
        match self.text.get(at)? {
            b'\\' | b'%' | b'&' => self.encoded_at(at),
            c => Some((*c, at + 1)),
        }
    }

    #[inline(never)]
    fn encoded_at(&self, at: usize) -> Option<(u8, usize)> {
        let text = self.text.get(at..)?;
        match text {
            [b'\\', c @ (b'/' | b'"'), ..] => Some((*c, at + 2)),
            [b'\\', ..] | [] => None,
            // Encoded or not, it may begin another reading.
            [b'%', a, b, ..] if self.reading.percent == 0 => {
                (!a.is_ascii_hexdigit() || !b.is_ascii_hexdigit()).then_some((b'%', at + 1))
            }
            [b'%', ..] if self.reading.percent == 0 => None,
            [c, ..] => match escape::front(text, self.reading) {
                Front::Encoded(c, len) => Some((c, at + len)),
                Front::Plain => Some((*c, at + 1)),
                Front::Unclear => None,
            },
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use crate::detect::program::Program;

    #[test]
    fn only_what_cannot_match_is_ruled_out() {
        let url = "(?:https?|s?ftps?)://[^\\s:\"'<>@/]{0,256}:(?<secret>[^\\s@/]{1,256})@";
        let reading = crate::decode::Reading {
            percent: 0,
            references: true,
        };
        let key = r"\bpat[0-9A-Za-z]{14}\.[0-9a-f]{64}";
        for (pattern, before, text, may) in [
            (url, b' ', "https://www.example.com/a", false),
            (url, b' ', "https://www.example.com", true),
            (url, b' ', "https://user:x@", true),
            (url, b' ', "https:\\/\\/user:x@", true),
            (url, b' ', "https:\\/\\/www.example.com\\/", false),
            (url, b' ', "https:\\\\/\\\\/www.example.com\\\\/", true),
            (url, b' ', "https:\\u002f/www.example.com/", true),
            (url, b' ', "https://www.example.com&#x2F;", false),
            (url, b' ', "https:&sol;&sol;www.example.com?a=1&amp;b=2/", false),
            (url, b' ', "https://www.example.com%2F", true),
            (url, b' ', "https://www.example.com%", true),
            (url, b' ', "https://www.example.com&sol", true),
            (url, b' ', "sftp://a/", false),
            (url, b' ', "httpx", false),
            (key, b' ', "patient records", false),
            (key, b' ', "patAAAAAAAAAAAAAA.", true),
            (key, b' ', "patAAAAAAAAAAAAAA,", false),
            (key, b' ', "patAAAAAAAAAAAAAAAAA.", false),
            (key, b' ', "patAAA", true),
            (key, b'x', "patAAAAAAAAAAAAAA.", false),
            (r"abc[a-z]{2,4}z[0-9]", b' ', "abcaaz1", true),
            (r"abc(?:x|yy){1,60}z", b' ', "abcyyxyyxyyxyyxyyxyyxyyxyyx", true),
            (r"abc(?:x|yy)z", b' ', "abcyyx", false),
        ] {
            let program = Program::compile(pattern).unwrap();
            let first = text.as_bytes()[0];
            assert_eq!(
                program.may_match((text.as_bytes(), reading), Some(before), first, None),
                may,
                "{pattern} on {text}"
            );
        }
    }
}
