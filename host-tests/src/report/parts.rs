//! A message before and after, part by part: each header value, the body, each trailer value, and which of its
//! bytes became which.
//!
//! Findings say where something was in the INPUT. What stands in its place in the OUTPUT is read from the output,
//! not derived from the action: a report that repeats what the module claims would show what it does not do as done.

use std::ops::Range;

use crate::exchange::Message;
use crate::replay::{Finding, Replay};

/// How much of the text after a finding must be found again to fix its place in the output.
const LANDMARK: usize = 64;

/// A name and a value, as in [`crate::exchange::Headers`].
type Field = (Vec<u8>, Vec<u8>);

/// A value before and after.
#[derive(Debug)]
pub(super) struct Part<'a> {
    /// `response.body`, `response.header.location`, …
    pub(super) place: String,
    /// The header's or trailer's name; empty for the body.
    pub(super) name: String,
    /// `None`: it was added.
    pub(super) before: Option<&'a [u8]>,
    /// `None`: it was taken out.
    pub(super) after: Option<&'a [u8]>,
    /// The whole of both, in order; `None` if the output cannot be matched with the input.
    pub(super) pieces: Option<Vec<Piece<'a>>>,
}

/// A stretch of the input, and the stretch of the output that came of it.
#[derive(Debug)]
pub(super) struct Piece<'a> {
    pub(super) before: &'a [u8],
    pub(super) after: &'a [u8],
    /// What was found here; `None`: text between findings, the same on both sides.
    pub(super) finding: Option<&'a Finding>,
    /// `false`: the stream was reset before the output came to this.
    pub(super) sent: bool,
}

/// Both bodies joined: parts borrow from it.
pub(super) struct Bodies {
    before: Vec<u8>,
    after: Vec<u8>,
}

impl Bodies {
    pub(super) fn of(before: &Message, replay: &Replay) -> Self {
        Self {
            before: before.body_bytes(),
            after: replay.client.message.body_bytes(),
        }
    }
}

/// The parts of a response: headers, body, trailers.
pub(super) fn parts<'a>(before: &'a Message, replay: &'a Replay, bodies: &'a Bodies) -> Vec<Part<'a>> {
    let after = &replay.client.message;
    let mut parts = fields("header", &before.headers, &after.headers, &replay.findings);
    parts.push(Part::new(
        "response.body".to_owned(),
        String::new(),
        Some(&bodies.before),
        Some(&bodies.after),
        find(&replay.findings, "response.body"),
    ));
    let trailers = |message: &'a Message| message.trailers.as_deref().unwrap_or_default();
    parts.extend(fields("trailer", trailers(before), trailers(after), &replay.findings));
    parts
}

fn find<'a>(findings: &'a [Finding], place: &str) -> Vec<&'a Finding> {
    findings
        .iter()
        .filter(|f| f.place.eq_ignore_ascii_case(place))
        .collect()
}

/// Pairs the values of equal names in their order; a finding of a name goes to the first value that it fits.
fn fields<'a>(kind: &str, before: &'a [Field], after: &'a [Field], findings: &'a [Finding]) -> Vec<Part<'a>> {
    let mut parts = Vec::new();
    let mut names: Vec<&[u8]> = Vec::new();
    for (name, _) in before.iter().chain(after) {
        if !names.iter().any(|n| n.eq_ignore_ascii_case(name)) {
            names.push(name);
        }
    }
    for name in names {
        let values = |all: &'a [Field]| -> Vec<&'a [u8]> {
            let same = all.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name));
            same.map(|(_, value)| value.as_slice()).collect()
        };
        let (old, new) = (values(before), values(after));
        let shown = String::from_utf8_lossy(name).into_owned();
        let place = format!("response.{kind}.{shown}");
        let mut pending = find(findings, &place).into_iter().peekable();
        for index in 0..old.len().max(new.len()) {
            let (old, new) = (old.get(index).copied(), new.get(index).copied());
            let mut mine: Vec<&Finding> = Vec::new();
            // Where a value did not change there is nothing to explain, unless the policy only reports.
            while let Some(next) = pending.peek() {
                let fits = old.is_some_and(|old| span(next).end <= old.len());
                let explains = old != new || next.action == "report";
                let follows = mine.last().is_none_or(|last| last.end <= next.start);
                if !(fits && explains && follows) {
                    break;
                }
                mine.extend(pending.next());
            }
            parts.push(Part::new(place.clone(), shown.clone(), old, new, mine));
        }
    }
    parts
}

impl<'a> Part<'a> {
    fn new(
        place: String,
        name: String,
        before: Option<&'a [u8]>,
        after: Option<&'a [u8]>,
        findings: Vec<&'a Finding>,
    ) -> Self {
        let pieces = match (before, after) {
            (Some(before), Some(after)) => align(before, after, findings),
            _ => None,
        };
        Self {
            place,
            name,
            before,
            after,
            pieces,
        }
    }

    pub(super) fn is_changed(&self) -> bool {
        self.before != self.after
    }

    pub(super) fn findings(&self) -> impl Iterator<Item = &Piece<'a>> {
        self.pieces.iter().flatten().filter(|piece| piece.finding.is_some())
    }
}

fn span(finding: &Finding) -> Range<usize> {
    let at = |offset| usize::try_from(offset).unwrap_or(usize::MAX);
    at(finding.start)..at(finding.end)
}

/// Walks both texts: what lies between findings must be the same in both. A reset takes the end with it, so the
/// output may end early.
fn align<'a>(before: &'a [u8], after: &'a [u8], mut findings: Vec<&'a Finding>) -> Option<Vec<Piece<'a>>> {
    findings.sort_by_key(|finding| finding.start);
    let mut pieces = Vec::new();
    let mut put = |before: &'a [u8], after: &'a [u8], finding: Option<&'a Finding>, sent: bool| {
        if finding.is_some() || !before.is_empty() {
            pieces.push(Piece {
                before,
                after,
                finding,
                sent,
            });
        }
    };
    let (mut from, mut rest) = (0, after);
    for (index, finding) in findings.iter().enumerate() {
        let found = span(finding);
        let Some(gap) = before.get(from..found.start) else {
            // Overlaps the one before it: that one's replacement stands for both.
            continue;
        };
        let secret = before.get(found.clone())?;
        let (same, left) = rest.split_at(gap.len().min(rest.len()));
        if !gap.starts_with(same) {
            return None;
        }
        put(gap, same, None, true);
        let ended = same.len() < gap.len() || (left.is_empty() && before.len() > found.end);
        let next = findings
            .get(index + 1)
            .map_or(before.len(), |next| span(next).start.max(found.end));
        let landmark = before.get(found.end..next)?;
        let length = if ended {
            0
        } else if next == before.len() && left.ends_with(landmark) {
            left.len() - landmark.len()
        } else {
            replaced(finding, secret, left, landmark)?
        };
        let (new, left) = left.split_at_checked(length)?;
        put(secret, new, Some(*finding), !ended);
        from = found.end;
        rest = left;
    }
    let tail = before.get(from..)?;
    if !tail.starts_with(rest) {
        return None;
    }
    put(tail, rest, None, true);
    Some(pieces)
}

/// How long the text is that stands for a secret at the start of `rest`, if `landmark` follows it.
fn replaced(finding: &Finding, secret: &[u8], rest: &[u8], landmark: &[u8]) -> Option<usize> {
    let landmark = landmark.get(..LANDMARK.min(landmark.len()))?;
    let label = format!("[REDACTED:{}]", finding.detector);
    // The likely lengths first: a short landmark, a quote say, may well occur inside a label.
    let likely = [label.len(), secret.len(), 0];
    // What follows may have been cut short by a reset.
    let follows = |rest: &[u8]| rest.starts_with(landmark) || landmark.starts_with(rest);
    let fits = |length: &usize| rest.get(*length..).is_some_and(follows);
    let plausible = |length: &usize| match *length {
        0 => true,
        n if n == label.len() && rest.starts_with(label.as_bytes()) => true,
        n => {
            n == secret.len()
                && rest
                    .get(..n)
                    .is_some_and(|put| put == secret || put.iter().all(|b| *b == b'*'))
        }
    };
    likely
        .into_iter()
        .find(|length| plausible(length) && fits(length))
        .or_else(|| memchr::memmem::find(rest, landmark))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may stop")]
mod tests {
    use super::*;

    fn finding(action: &str, start: u64, end: u64) -> Finding {
        Finding {
            detector: "key".into(),
            place: "response.body".into(),
            action: action.into(),
            start,
            end,
        }
    }

    #[test]
    fn what_became_of_each_finding_is_read_from_the_output() {
        // before, after, spans found, what stands for each: None if the two cannot be matched
        type Case<'a> = (&'a str, &'a str, &'a [(u64, u64)], Option<&'a [&'a str]>);
        let cases: [Case; 14] = [
            ("a SECRET b", "a [REDACTED:key] b", &[(2, 8)], Some(&["[REDACTED:key]"])),
            ("a SECRET b", "a ****** b", &[(2, 8)], Some(&["******"])),
            ("a SECRET b", "a  b", &[(2, 8)], Some(&[""])),
            ("a SECRET b", "a SECRET b", &[(2, 8)], Some(&["SECRET"])),
            ("SECRET", "x", &[(0, 6)], Some(&["x"])),
            (
                "S1:S2:",
                "[REDACTED:key]:[REDACTED:key]:",
                &[(0, 2), (3, 5)],
                Some(&["[REDACTED:key]", "[REDACTED:key]"]),
            ),
            (
                "S1S2",
                "[REDACTED:key][REDACTED:key]",
                &[(0, 2), (2, 4)],
                Some(&["[REDACTED:key]", "[REDACTED:key]"]),
            ),
            ("S1-S2", "null-0", &[(3, 5), (0, 2)], Some(&["null", "0"])),
            ("a SECRET b", "{}", &[(2, 8)], None),
            ("a SECRET b", "a x b", &[(2, 80)], None),
            // Reset before, in and after what stands for the secret.
            ("a SECRET b", "a", &[(2, 8)], Some(&[""])),
            ("a SECRET b", "", &[(2, 8)], Some(&[""])),
            ("a SECRET b", "a [REDACTED:key]", &[(2, 8)], Some(&["[REDACTED:key]"])),
            (
                "a SECRET b SECRET c",
                "a [REDACTED:key] b",
                &[(2, 8), (11, 17)],
                Some(&["[REDACTED:key]", ""]),
            ),
        ];
        for (before, after, spans, expected) in cases {
            let findings: Vec<_> = spans
                .iter()
                .map(|(start, end)| finding("label", *start, *end))
                .collect();
            let pieces = align(before.as_bytes(), after.as_bytes(), findings.iter().collect());
            let put: Option<Vec<_>> = pieces.as_ref().map(|pieces| {
                let found = pieces.iter().filter(|piece| piece.finding.is_some());
                found.map(|piece| std::str::from_utf8(piece.after).unwrap()).collect()
            });
            assert_eq!(put.as_deref(), expected, "{before} -> {after}");
            for side in [|p: &Piece| p.before.to_vec(), |p: &Piece| p.after.to_vec()] {
                let whole: Option<Vec<u8>> = pieces.as_ref().map(|pieces| pieces.iter().flat_map(side).collect());
                assert!(whole.is_none_or(|whole| whole == before.as_bytes() || whole == after.as_bytes()));
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn any_two_texts_are_matched_or_not_and_never_misquoted(
            before in "[aS:]{0,12}", after in "[aS:*]{0,12}",
            spans in proptest::collection::vec((0..14_u64, 0..14_u64), 0..4),
        ) {
            let findings: Vec<_> = spans.iter().map(|(a, b)| finding("label", *a.min(b), *a.max(b))).collect();
            if let Some(pieces) = align(before.as_bytes(), after.as_bytes(), findings.iter().collect()) {
                let of = |side: fn(&Piece) -> Vec<u8>| pieces.iter().flat_map(side).collect::<Vec<u8>>();
                proptest::prop_assert_eq!(of(|piece| piece.before.to_vec()), before.as_bytes());
                proptest::prop_assert_eq!(of(|piece| piece.after.to_vec()), after.as_bytes());
            }
        }
    }

    #[test]
    fn a_finding_goes_to_the_value_that_changed() {
        let cookie = |value: &str| (b"set-cookie".to_vec(), value.as_bytes().to_vec());
        let before = vec![cookie("theme=dark-and-long"), cookie("session=TOKEN")];
        let after = vec![
            cookie("theme=dark-and-long"),
            cookie("session=[REDACTED:key]"),
            (b"x".to_vec(), vec![]),
        ];
        let mut one = finding("label", 8, 13);
        one.place = "response.header.set-cookie".into();
        let findings = [one];
        let parts = fields("header", &before, &after, &findings);
        let found: Vec<_> = parts.iter().map(|part| part.findings().count()).collect();
        assert_eq!(found, [0, 1, 0]);
        assert!(parts[2].before.is_none() && parts[2].is_changed());
    }
}
