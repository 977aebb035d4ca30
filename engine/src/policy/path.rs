//! The part of JSONPath (RFC 9535) that can be decided while a document streams by: names, indexes from the front,
//! wildcards, and all of these with `..`.
//!
//! What needs the rest of the document to decide (filters, negative indexes, slices with a step or from the end) or
//! chooses several by hand (unions) is refused with the reason. A path is followed as a set of positions, one bit each:
//! a step takes time in proportion to nothing but the number of words in the set.

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

/// A path that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct JsonPath(Vec<Segment>);

/// Positions in a path that the value at hand has reached, one bit each: bit 0 is `$` itself.
pub(crate) type Reached = u32;

/// Only `$`.
pub(crate) const ROOT: Reached = 1;

/// A child of a value: what stands in front of it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Child<'a> {
    Member(&'a [u8]),
    Item(u64),
}

impl JsonPath {
    /// Reads a path, or says what is wrong and what would be accepted.
    pub(crate) fn read(text: &str) -> Result<JsonPath, String> {
        let mut rest = text
            .strip_prefix('$')
            .ok_or("a path begins with `$`, such as `$.data[*].password` or `$..password`")?;
        let mut segments = Vec::new();
        while !rest.is_empty() {
            if segments.len() >= limits::PATH_SEGMENTS {
                return Err(format!("more than {} segments", limits::PATH_SEGMENTS));
            }
            let descendant = rest.starts_with("..");
            if descendant {
                rest = rest.get(2..).unwrap_or_default();
            }
            let (selector, behind) = if let Some(inner) = rest.strip_prefix('[') {
                bracket(inner)?
            } else if descendant {
                dotted(rest)?
            } else if let Some(name) = rest.strip_prefix('.') {
                dotted(name)?
            } else {
                return Err(format!(
                    "expected `.` or `[` before `{}`",
                    rest.chars().take(8).collect::<String>()
                ));
            };
            segments.push(Segment { selector, descendant });
            rest = behind;
        }
        if segments.is_empty() {
            return Err("`$` is the whole document; name a part of it".to_owned());
        }
        Ok(JsonPath(segments))
    }

    /// What a child has reached, if its parent reached this.
    pub(crate) fn step(&self, parent: Reached, child: Child) -> Reached {
        let mut reached = 0;
        for (i, segment) in self.0.iter().enumerate() {
            if parent >> i & 1 == 0 {
                continue;
            }
            if segment.descendant {
                reached |= 1 << i;
            }
            let takes = match (&segment.selector, child) {
                (Selector::Any, _) => true,
                (Selector::Name(name), Child::Member(key)) => name == key,
                (Selector::Index(at), Child::Item(i)) => *at == i,
                _ => false,
            };
            if takes {
                reached |= 1 << (i + 1);
            }
        }
        reached
    }

    /// The value that reached this is what the path asks for.
    pub(crate) fn is_whole(&self, reached: Reached) -> bool {
        reached >> self.0.len() & 1 == 1
    }
}

/// `name` or `*` behind a dot.
fn dotted(text: &str) -> Result<(Selector, &str), String> {
    if let Some(rest) = text.strip_prefix('*') {
        return Ok((Selector::Any, rest));
    }
    let is_name = |c: char| c.is_alphanumeric() || c == '_' || !c.is_ascii();
    let end = text.find(|c| !is_name(c)).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    if name.is_empty() {
        return Err("expected a name or `*` behind the dot; other names are written `['a name']`".to_owned());
    }
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(format!("a name behind a dot begins with a letter; write `['{name}']`"));
    }
    if rest.starts_with('-') {
        return Err("a name with `-` is written in brackets, such as `['api-key']`".to_owned());
    }
    Ok((Selector::Name(name.as_bytes().to_vec()), rest))
}

/// `'name']`, `"name"]`, `3]` or `*]`.
fn bracket(text: &str) -> Result<(Selector, &str), String> {
    let text = text.trim_start();
    let (selector, rest) = match text.chars().next() {
        Some('*') => (Selector::Any, text.get(1..).unwrap_or_default()),
        Some(quote @ ('\'' | '"')) => {
            let (name, rest) = quoted(text.get(1..).unwrap_or_default(), quote)?;
            (Selector::Name(name.into_bytes()), rest)
        }
        Some('?') => return Err("filters (`[?…]`) need the whole value; name the fields instead".to_owned()),
        Some('-') => {
            return Err("an index from the end needs the whole list; count from the front, or use `[*]`".to_owned());
        }
        Some('0'..='9') => {
            let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
            let (digits, rest) = text.split_at(end);
            if digits.len() > 1 && digits.starts_with('0') {
                return Err("an index has no leading zero".to_owned());
            }
            let index = digits.parse().map_err(|_| "the index is too large".to_owned())?;
            (Selector::Index(index), rest)
        }
        Some(':') => return Err("slices (`[a:b]`) are not accepted; use `[*]` or single indexes".to_owned()),
        _ => return Err("expected a quoted name, an index or `*` in the brackets".to_owned()),
    };
    let rest = rest.trim_start();
    match rest.chars().next() {
        Some(']') => Ok((selector, rest.get(1..).unwrap_or_default())),
        Some(',') => {
            Err("several selectors in one pair of brackets are not accepted; write one path for each".to_owned())
        }
        Some(':') => Err("slices (`[a:b]`) are not accepted; use `[*]` or single indexes".to_owned()),
        _ => Err("the brackets are not closed".to_owned()),
    }
}

/// A quoted name and what stands behind it.
fn quoted(text: &str, quote: char) -> Result<(String, &str), String> {
    let mut name = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            c if c == quote => return Ok((name, text.get(at + 1..).unwrap_or_default())),
            '\\' => match chars.next() {
                Some((_, c @ ('\'' | '"' | '\\' | '/'))) => name.push(c),
                _ => return Err("in a quoted name only quotes, `\\` and `/` are escaped".to_owned()),
            },
            c => name.push(c),
        }
    }
    Err("the quoted name has no end".to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{Child, JsonPath, ROOT};

    fn takes(path: &str, children: &[Child]) -> bool {
        let path = JsonPath::read(path).unwrap();
        path.is_whole(children.iter().fold(ROOT, |reached, child| path.step(reached, *child)))
    }

    #[test]
    fn a_path_takes_what_it_describes() {
        let name = |n: &'static str| Child::Member(n.as_bytes());
        let item = Child::Item;
        for (path, children, is) in [
            ("$.a", vec![name("a")], true),
            ("$.a", vec![name("b")], false),
            ("$.a", vec![name("a"), name("a")], false),
            ("$['a b'].c", vec![name("a b"), name("c")], true),
            ("$[\"a\"][2]", vec![name("a"), item(2)], true),
            ("$[\"a\"][2]", vec![name("a"), item(1)], false),
            ("$.data[*].key", vec![name("data"), item(7), name("key")], true),
            ("$.data[*].key", vec![name("data"), name("x"), name("key")], true),
            ("$.*.key", vec![name("x"), name("key")], true),
            ("$..key", vec![name("key")], true),
            ("$..key", vec![name("a"), item(3), name("key")], true),
            ("$..key", vec![name("a"), name("key"), name("b")], false),
            ("$..a..b", vec![name("a"), name("x"), name("b")], true),
            ("$..a.b", vec![name("a"), name("a"), name("b")], true),
            ("$..[0]", vec![name("a"), item(0)], true),
            ("$..*", vec![name("a"), item(9), name("z")], true),
        ] {
            assert_eq!(takes(path, &children), is, "{path} on {children:?}");
        }
    }

    #[test]
    fn what_cannot_stream_is_refused_with_the_reason() {
        for (path, part) in [
            ("a.b", "begins with `$`"),
            ("$", "whole document"),
            ("$.a[?@.b == 1]", "filters"),
            ("$.a[-1]", "from the end"),
            ("$.a[1:3]", "slices"),
            ("$.a[:2]", "slices"),
            ("$.a['b','c']", "one path for each"),
            ("$.a['b'", "not closed"),
            ("$.a['b", "no end"),
            ("$.api-key", "['api-key']"),
            ("$.1a", "begins with a letter"),
            ("$.a.", "a name or `*`"),
            ("$a", "expected `.` or `[`"),
            ("$[01]", "leading zero"),
        ] {
            let why = JsonPath::read(path).unwrap_err();
            assert!(why.contains(part), "{path}: {why}");
        }
        assert!(JsonPath::read(&format!("${}", ".a".repeat(40))).is_err());
    }
}
