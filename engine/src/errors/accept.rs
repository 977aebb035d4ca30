//! Which of our three kinds of error body a client wants: RFC 9110, section 12.5.1.
//!
//! Why no crate: those that there are parse into owned types with parameters for what is a comparison of a dozen bytes, and
//! refuse the whole header for one mistake in it. A range that is no range is left out here.

use crate::policy::ErrorBody;

/// More ranges than any client sends.
const RANGES: usize = 64;

/// `text`, `html`
type Type = (&'static [u8], &'static [u8]);

/// One of them: what it names, and its weight in thousandths.
struct Range<'a> {
    kind: &'a [u8],
    sub: &'a [u8],
    weight: u16,
}

/// The kind of body that the header asks for most; RFC 9457 if it does not care, or wants none of them.
pub(super) fn choose(accept: &[u8]) -> ErrorBody {
    let ranges: Vec<Range> = accept.split(|b| *b == b',').take(RANGES).filter_map(range).collect();
    let offers: [(ErrorBody, &[Type]); 3] = [
        (
            ErrorBody::ProblemJson,
            &[(b"application", b"problem+json"), (b"application", b"json")],
        ),
        (ErrorBody::Html, &[(b"text", b"html"), (b"application", b"xhtml+xml")]),
        (ErrorBody::Text, &[(b"text", b"plain")]),
    ];
    let mut best = (ErrorBody::ProblemJson, (0, 0));
    for (body, types) in offers {
        // Named by any of its names, or else by the ranges that take in the first.
        let named = types
            .iter()
            .filter_map(|t| weight(&ranges, *t))
            .find(|(_, how)| *how == 2);
        let found = named.or_else(|| types.first().and_then(|t| weight(&ranges, *t)));
        if let Some(found) = found.filter(|(w, _)| *w > 0)
            && found > best.1
        {
            best = (body, found);
        }
    }
    best.0
}

/// The weight of a type, and how exactly the range names it that counts: 2, 1 for `text/*`, 0 for `*/*`.
fn weight(ranges: &[Range], (kind, sub): Type) -> Option<(u16, u8)> {
    let exactness = |r: &Range| match (r.kind, r.sub) {
        (b"*", b"*") => Some(0),
        (k, b"*") if k.eq_ignore_ascii_case(kind) => Some(1),
        (k, s) if k.eq_ignore_ascii_case(kind) && s.eq_ignore_ascii_case(sub) => Some(2),
        _ => None,
    };
    let all = ranges.iter().filter_map(|r| Some((exactness(r)?, r.weight)));
    // Of two that say the same the first counts.
    let best = all.reduce(|a, b| if b.0 > a.0 { b } else { a })?;
    Some((best.1, best.0))
}

fn range(text: &[u8]) -> Option<Range<'_>> {
    let mut parts = text.split(|b| *b == b';').map(<[u8]>::trim_ascii);
    let name = parts.next()?;
    let slash = name.iter().position(|b| *b == b'/')?;
    let (kind, sub) = (name.get(..slash)?, name.get(slash + 1..)?);
    let weight = parts.find_map(|p| p.strip_prefix(b"q=").or_else(|| p.strip_prefix(b"Q=")));
    Some(Range {
        kind,
        sub,
        weight: weight.map_or(Some(1000), thousandths)?,
    })
}

/// `0.8` is 800; three digits behind the point at most.
fn thousandths(text: &[u8]) -> Option<u16> {
    let (whole, rest) = text.split_first()?;
    let digits = match rest.split_first() {
        None => &[][..],
        Some((b'.', digits)) if digits.len() <= 3 => digits,
        _ => return None,
    };
    let mut value = match whole {
        b'0' => 0,
        b'1' => 1000,
        _ => return None,
    };
    for (digit, unit) in digits.iter().zip([100, 10, 1]) {
        value += u16::try_from(char::from(*digit).to_digit(10)?).ok()? * unit;
    }
    (value <= 1000).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::choose;
    use crate::policy::ErrorBody::{Html, ProblemJson, Text};

    #[test]
    fn clients() {
        for (accept, body) in [
            ("", ProblemJson),
            ("*/*", ProblemJson),
            (
                "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8",
                Html,
            ),
            ("text/html, */*", Html),
            ("text/html, */*; q=0.01", Html),
            ("*/*; q=0.01, application/json, text/javascript", ProblemJson),
            ("application/json;q=0.9, text/html", Html),
            ("application/json, text/html;q=0.9", ProblemJson),
            ("application/problem+json;q=0, */*", Html),
            ("application/problem+json;q=0.2, text/plain;q=0.3", Text),
            ("text/plain", Text),
            ("text/*", Html),
            ("text/*, text/html;q=0", Text),
            ("TEXT/HTML;level=1;Q=1.000", Html),
            ("application/*", ProblemJson),
            ("image/png", ProblemJson),
            ("text/html;q=2, text/plain;q=0.1", Text),
            ("text/html;q=0.1234, text/plain;q=0.1", Text),
            ("text/html;q=, nonsense, /, ;;q=1, text/plain;q=0.5", Text),
            ("\u{0}\u{ff},,,,text/html", Html),
        ] {
            assert_eq!(choose(accept.as_bytes()), body, "{accept:?}");
        }
    }
}
