//! The part of JSONPath (RFC 9535) that can be decided while a document streams by: names, indexes from the front,
//! wildcards, and all of these with `..`.
//!
//! What needs the rest of the document to decide (filters, negative indexes, slices) or chooses several by hand (unions) is
//! refused with the reason and the place. How paths are followed: `decode/paths.rs`. Why no crate: those that there are evaluate a
//! whole document in memory, and accept what could not be decided here.

use crate::limits;

/// What one segment selects among the children of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Selector {
    Name(Vec<u8>),
    Index(u64),
    Any,
}

/// One segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) selector: Selector,
    /// `..`: at any depth below.
    pub(crate) descendant: bool,
}

/// A path that was read: at least one segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct JsonPath(pub(crate) Vec<Segment>);

/// The largest index that there is (RFC 9535, section 2.1).
const LARGEST: u64 = (1 << 53) - 1;

impl JsonPath {
    /// Reads a path, or says what is wrong and what would be accepted.
    pub(crate) fn read(text: &str) -> Result<JsonPath, String> {
        let mut rest = text;
        segments(&mut rest).map(JsonPath).map_err(|why| {
            let at = text.get(..text.len() - rest.len()).unwrap_or_default();
            format!("at character {}: {why}", at.chars().count() + 1)
        })
    }
}

/// All segments behind `$`. Where something is wrong, `rest` is left there.
fn segments(rest: &mut &str) -> Result<Vec<Segment>, &'static str> {
    if !take(rest, "$") {
        return Err("a path begins with `$`, such as `$.data[*].password` or `$..password`");
    }
    let mut segments = Vec::new();
    while !rest.is_empty() {
        if segments.len() >= limits::PATH_SEGMENTS {
            return Err("a path has 16 segments at most");
        }
        blanks(rest);
        let descendant = take(rest, "..");
        let selector = if take(rest, "[") {
            bracket(rest)?
        } else if descendant || take(rest, ".") {
            dotted(rest)?
        } else {
            return Err("expected `.`, `..` or `[`");
        };
        segments.push(Segment { selector, descendant });
    }
    if segments.is_empty() {
        return Err("`$` is the whole document; name a part of it");
    }
    Ok(segments)
}

fn take(rest: &mut &str, what: &str) -> bool {
    let behind = rest.strip_prefix(what);
    *rest = behind.unwrap_or(rest);
    behind.is_some()
}

fn blanks(rest: &mut &str) {
    *rest = rest.trim_start_matches([' ', '\t', '\n', '\r']);
}

/// `name` or `*` behind a dot.
fn dotted(rest: &mut &str) -> Result<Selector, &'static str> {
    if take(rest, "*") {
        return Ok(Selector::Any);
    }
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || !c.is_ascii();
    let end = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
    let (name, behind) = rest.split_at(end);
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        return Err("expected `*`, or a name that begins with a letter; others are written `['a name']`");
    }
    if name.len() > limits::FIELD_NAME_BYTES {
        return Err("a name has 128 bytes at most");
    }
    *rest = behind;
    if rest.starts_with('-') {
        return Err("a name with `-` is written in brackets, such as `['api-key']`");
    }
    Ok(Selector::Name(name.as_bytes().to_vec()))
}

/// `'name']`, `"name"]`, `3]` or `*]`.
fn bracket(rest: &mut &str) -> Result<Selector, &'static str> {
    const SLICE: &str = "slices (`[a:b]`) are not accepted; use `[*]` or single indexes";
    blanks(rest);
    let selector = match rest.chars().next() {
        Some('*') => {
            take(rest, "*");
            Selector::Any
        }
        Some('\'') => Selector::Name(quoted(rest, '\'')?),
        Some('"') => Selector::Name(quoted(rest, '"')?),
        Some('?') => return Err("filters (`[?…]`) need the whole value; name the fields instead"),
        Some('-') => return Err("an index from the end needs the whole list; count from the front, or use `[*]`"),
        Some('0'..='9') => Selector::Index(index(rest)?),
        Some(':') => return Err(SLICE),
        _ => return Err("expected a quoted name, an index or `*` in the brackets"),
    };
    blanks(rest);
    match rest.chars().next() {
        Some(']') => {
            take(rest, "]");
            Ok(selector)
        }
        Some(',') => Err("several selectors in one pair of brackets are not accepted; write one path for each"),
        Some(':') => Err(SLICE),
        _ => Err("the brackets are not closed"),
    }
}

fn index(rest: &mut &str) -> Result<u64, &'static str> {
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (digits, behind) = rest.split_at(end);
    if digits.len() > 1 && digits.starts_with('0') {
        return Err("an index has no leading zero");
    }
    let index = digits.parse().ok().filter(|i| *i <= LARGEST);
    let index = index.ok_or("the index is too large")?;
    *rest = behind;
    Ok(index)
}

/// A name in quotes, with JSON's escapes.
fn quoted(rest: &mut &str, quote: char) -> Result<Vec<u8>, &'static str> {
    let mut name = String::new();
    let mut chars = rest.chars();
    chars.next();
    loop {
        *rest = chars.as_str();
        let c = match chars.next().ok_or("the quoted name has no end")? {
            c if c == quote => break,
            '\\' => escaped(&mut chars, quote)?,
            c if c < ' ' => return Err("a control character is written as an escape, such as `\\n`"),
            c => c,
        };
        name.push(c);
        if name.len() > limits::FIELD_NAME_BYTES {
            return Err("a name has 128 bytes at most");
        }
    }
    *rest = chars.as_str();
    Ok(name.into_bytes())
}

fn escaped(chars: &mut std::str::Chars, quote: char) -> Result<char, &'static str> {
    const PAIR: &str = "half of a surrogate pair stands for no character";
    Ok(match chars.next() {
        Some(c @ ('\\' | '/')) => c,
        Some(c) if c == quote => c,
        Some('b') => '\u{8}',
        Some('f') => '\u{c}',
        Some('n') => '\n',
        Some('r') => '\r',
        Some('t') => '\t',
        Some('u') => match unit(chars)? {
            high @ 0xd800..0xdc00 => {
                let second = (chars.next(), chars.next());
                if second != (Some('\\'), Some('u')) {
                    return Err(PAIR);
                }
                let low = unit(chars)?
                    .checked_sub(0xdc00)
                    .filter(|low| *low < 0x400)
                    .ok_or(PAIR)?;
                char::from_u32(0x1_0000 + ((high - 0xd800) << 10) + low).ok_or(PAIR)?
            }
            unit => char::from_u32(unit).ok_or(PAIR)?,
        },
        _ => return Err("no such escape; expected one of JSON's, or `\\` before the quote"),
    })
}

fn unit(chars: &mut std::str::Chars) -> Result<u32, &'static str> {
    let digit = |c: char| c.to_digit(16);
    let mut four = (0..4).map(|_| chars.next().and_then(digit));
    let unit = four.try_fold(0, |unit, digit| Some(unit << 4 | digit?));
    unit.ok_or("expected four hexadecimal digits behind `\\u`")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{JsonPath, Selector};

    #[test]
    fn names_are_read_as_the_rfc_has_them() {
        for (path, name) in [
            ("$.a", "a"),
            ("$ .a", "a"),
            ("$[ 'a' ]", "a"),
            ("$['']", ""),
            ("$[\"it's\"]", "it's"),
            ("$['it\\'s']", "it's"),
            ("$['a b.c']", "a b.c"),
            ("$['\\u0061\\n']", "a\n"),
            ("$['\\uD83D\\uDE00']", "\u{1f600}"),
            ("$.\u{fc}ber", "\u{fc}ber"),
            ("$.a1", "a1"),
        ] {
            let JsonPath(segments) = JsonPath::read(path).unwrap();
            assert_eq!(segments[0].selector, Selector::Name(name.as_bytes().to_vec()), "{path}");
        }
    }

    #[test]
    fn what_cannot_stream_is_refused_with_the_reason_and_the_place() {
        for (path, at, part) in [
            ("", 1, "begins with `$`"),
            ("a.b", 1, "begins with `$`"),
            (" $.a", 1, "begins with `$`"),
            ("$", 2, "whole document"),
            ("$.a[?@.b == 1]", 5, "filters"),
            ("$.a[-1]", 5, "from the end"),
            ("$[1:3]", 4, "slices"),
            ("$.a[:2]", 5, "slices"),
            ("$.a['b','c']", 8, "one path for each"),
            ("$.a[0, 1]", 6, "one path for each"),
            ("$.a['b'", 8, "not closed"),
            ("$.a['b", 7, "no end"),
            ("$.a['\\x']", 6, "no such escape"),
            ("$.a['\\\"']", 6, "no such escape"),
            ("$.a['\\ud800']", 6, "surrogate"),
            ("$.a['\\u00g0']", 6, "four hexadecimal"),
            ("$.a['\n']", 6, "control character"),
            ("$.api-key", 6, "['api-key']"),
            ("$.1a", 3, "begins with a letter"),
            ("$.a.", 5, "expected `*`"),
            ("$..", 4, "expected `*`"),
            ("$...a", 4, "expected `*`"),
            ("$. a", 3, "expected `*`"),
            ("$.a ", 5, "expected `.`"),
            ("$a", 2, "expected `.`"),
            ("$[]", 3, "in the brackets"),
            ("$[01]", 3, "leading zero"),
            ("$[9007199254740992]", 3, "too large"),
            ("$.a.b.length()", 13, "expected `.`"),
        ] {
            let why = JsonPath::read(path).unwrap_err();
            assert!(
                why.contains(part) && why.starts_with(&format!("at character {at}: ")),
                "{path}: {why}"
            );
        }
        assert!(JsonPath::read(&format!("${}", ".a".repeat(17))).is_err());
        assert!(JsonPath::read(&format!("$.{}", "a".repeat(129))).is_err());
    }
}
