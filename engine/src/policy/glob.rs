//! Hosts and paths as operators write them: `*.example.com`, `/api/**`, `/users/*/keys`, `/**/*.sql`.
//!
//! In a path `*` is any run of characters but `/`, `**` any run at all when it stands for whole segments, `?` one
//! character but `/`; everything else is itself. Paths are compared as they come, without the query, percent-decoded once
//! for unreserved characters only (RFC 3986, 6.2.2.2), so that `/%61pi` does not get round a rule for `/api`. Matching goes
//! back to the last star only, which is enough for one kind of star; `**` is decided segment by segment.

use std::borrow::Cow;

/// A host pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Host {
    Any,
    /// Lower case, without a port.
    Exactly(String),
    /// `*.example.com`: with the dot, lower case.
    Below(String),
}

impl Host {
    pub(crate) fn read(text: &str) -> Result<Host, String> {
        let lower = text.to_ascii_lowercase();
        if lower == "*" {
            return Ok(Host::Any);
        }
        let name = lower.strip_prefix("*.");
        let checked = name.unwrap_or(&lower);
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':' | '[' | ']');
        if checked.is_empty() || !checked.chars().all(is_part) {
            return Err("expected a host such as api.example.com, *.example.com or *".to_owned());
        }
        let port = checked
            .rsplit_once(':')
            .map(|(host, port)| (host, port.parse::<u16>().is_ok()));
        if let Some((host, true)) = port
            && (!host.contains(':') || host.ends_with(']'))
        {
            return Err("expected a host without a port: a route holds for all ports".to_owned());
        }
        Ok(match name {
            Some(name) => Host::Below(format!(".{name}")),
            None => Host::Exactly(lower),
        })
    }
}

/// The host of an `:authority` or `Host`: lower case, without port and without the dot at the end.
pub(crate) fn authority(value: &[u8]) -> Option<Cow<'_, str>> {
    let text = std::str::from_utf8(value).ok()?;
    let host = match text.rsplit_once(':') {
        Some((host, port))
            if port.bytes().all(|b| b.is_ascii_digit()) && (!host.contains(':') || host.ends_with(']')) =>
        {
            host
        }
        _ => text,
    };
    let host = host.strip_suffix('.').unwrap_or(host);
    Some(if host.bytes().any(|b| b.is_ascii_uppercase()) {
        host.to_ascii_lowercase().into()
    } else {
        host.into()
    })
}

/// A path pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Glob {
    /// What stands before the first star: compared first, since most paths differ there.
    literal: Vec<u8>,
    segments: Vec<Part>,
}

/// Globs of which the better part of a list consists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form<'a> {
    /// `/**/name`
    Name(&'a [u8]),
    /// `/**/name/**`
    Folder(&'a [u8]),
    /// `/**/*end`
    Ending(&'a [u8]),
    Other,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    /// `**`: any number of segments.
    Deep,
    /// One segment; `*` and `?` in it.
    One(Vec<u8>),
}

impl Glob {
    pub(crate) fn read(text: &str) -> Result<Glob, String> {
        let Some(inner) = text.strip_prefix('/') else {
            return Err("expected a path that begins with `/`, such as /api/** or /**/*.sql".to_owned());
        };
        if text.contains(['?', '#']) && text.contains('#') {
            return Err("a path has no fragment".to_owned());
        }
        if text.contains("//") {
            return Err("slashes in a row are made one before paths are compared: write one".to_owned());
        }
        let decoded = path_of(text.replace('?', "_").as_bytes())
            .iter()
            .filter(|b| **b == b'%')
            .count();
        if decoded < text.matches('%').count() {
            return Err(
                "letters, digits, `-`, `.`, `_` and `~` are decoded before paths are compared: write them as they are"
                    .to_owned(),
            );
        }
        let inner = &upper_escapes(inner);
        let mut segments = Vec::new();
        for segment in inner.split('/') {
            if segment == "**" {
                if segments.last() != Some(&Part::Deep) {
                    segments.push(Part::Deep);
                }
            } else if matches!(segment, "." | "..") {
                return Err(
                    "`.` and `..` are resolved before paths are compared: write the path that they lead to".to_owned(),
                );
            } else if segment.contains("**") {
                return Err("`**` stands for whole segments: write `/**/`".to_owned());
            } else {
                segments.push(Part::One(segment.as_bytes().to_vec()));
            }
        }
        let star = text.find(['*', '?']).unwrap_or(text.len());
        // `/api/**` covers `/api` too.
        let literal = upper_escapes(text.get(..star).unwrap_or_default());
        let literal = literal.as_str();
        let literal = if text.get(star..).is_some_and(|t| t.starts_with("**")) {
            literal.strip_suffix('/').unwrap_or(literal)
        } else {
            literal
        };
        Ok(Glob {
            literal: literal.as_bytes().to_vec(),
            segments,
        })
    }

    /// The whole segments that every path which is covered begins with, such as `/users` of `/users/*/keys`.
    pub(crate) fn beginning(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for part in &self.segments {
            match part {
                Part::One(text) if !text.contains(&b'*') && !text.contains(&b'?') => {
                    out.push(b'/');
                    out.extend_from_slice(text);
                }
                _ => break,
            }
        }
        out
    }

    /// The same in lower case.
    pub(crate) fn lower_case(&self) -> Glob {
        let lower = |part: &Part| match part {
            Part::Deep => Part::Deep,
            Part::One(text) => Part::One(text.to_ascii_lowercase()),
        };
        Glob {
            literal: self.literal.to_ascii_lowercase(),
            segments: self.segments.iter().map(lower).collect(),
        }
    }

    /// The last segment, unless it is `**`.
    pub(crate) fn last(&self) -> Option<&[u8]> {
        match self.segments.last() {
            Some(Part::One(text)) => Some(text),
            _ => None,
        }
    }

    /// What it covers, and all below.
    pub(crate) fn and_below(mut self) -> Glob {
        self.segments.push(Part::Deep);
        self
    }

    /// What can be looked up in place of a comparison.
    pub(crate) fn form(&self) -> Form<'_> {
        let is_plain = |text: &[u8]| !text.contains(&b'*') && !text.contains(&b'?');
        match self.segments.as_slice() {
            [Part::Deep, Part::One(name)] if is_plain(name) => Form::Name(name),
            [Part::Deep, Part::One(name), Part::Deep] if is_plain(name) => Form::Folder(name),
            [Part::Deep, Part::One(name)] => match name.split_first() {
                Some((b'*', end)) if is_plain(end) => Form::Ending(end),
                _ => Form::Other,
            },
            _ => Form::Other,
        }
    }

    /// Whether it is certain that every path which the other covers is covered by this one; where that is hard to tell, `false`.
    #[cfg(feature = "explain")]
    pub(crate) fn covers_all_of(&self, other: &Glob) -> bool {
        let is_plain = |part: &Part| matches!(part, Part::One(text) if !text.contains(&b'*') && !text.contains(&b'?'));
        if self == other || self.segments == [Part::Deep] {
            return true;
        }
        if other.segments.iter().all(is_plain) {
            return self.covers(&other.beginning());
        }
        match self.segments.split_last() {
            // `/folder/**` and what begins with `/folder`, in whole segments.
            Some((Part::Deep, folder)) => folder.iter().all(is_plain) && other.segments.starts_with(folder),
            _ => false,
        }
    }

    /// `path` begins with `/` and has no query: see [`path_of`].
    pub(crate) fn covers(&self, path: &[u8]) -> bool {
        if !path.starts_with(&self.literal) {
            return false;
        }
        let Some(inner) = path.strip_prefix(b"/") else {
            return false;
        };
        let mut texts = inner.split(|b| *b == b'/');
        let mut parts = self.segments.as_slice();
        // Behind the last `**`, and the text with which it was tried.
        let mut again: Option<(&[Part], std::slice::Split<'_, u8, _>)> = None;
        loop {
            match parts {
                [Part::Deep] => return true,
                [Part::Deep, rest @ ..] => {
                    parts = rest;
                    again = Some((rest, texts.clone()));
                    continue;
                }
                [Part::One(one), rest @ ..] => {
                    if texts.next().is_some_and(|text| matches(one, text)) {
                        parts = rest;
                        continue;
                    }
                }
                [] => {
                    if texts.next().is_none() {
                        return true;
                    }
                }
            }
            // One more segment goes to the last `**`.
            let Some((rest, mut from)) = again.take() else {
                return false;
            };
            if from.next().is_none() {
                return false;
            }
            parts = rest;
            texts = from.clone();
            again = Some((rest, from));
        }
    }
}

/// `*` and `?` inside a segment, or another text.
pub(crate) fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut again: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                again = Some((p + 1, t));
                p += 1;
                continue;
            }
            Some(c) if *c == b'?' || Some(c) == text.get(t) => {
                (p, t) = (p + 1, t + 1);
                continue;
            }
            _ => {}
        }
        let Some((star, from)) = again else { return false };
        again = Some((star, from + 1));
        (p, t) = (star, from + 1);
    }
    pattern.get(p..).unwrap_or_default().iter().all(|b| *b == b'*')
}

/// Whether somebody behind the proxy may read another path from it than `path_of` does: a step upwards behind a slash that
/// is encoded or turned round, or with a parameter. A rule that takes the guard away must not believe such a path.
pub(crate) fn is_ambiguous(path: &[u8]) -> bool {
    let steps_up = |at: &[u8]| {
        let rest = at.strip_prefix(b"..");
        rest.is_some_and(|r| r.first().is_none_or(|b| matches!(b, b'/' | b'\\' | b';' | b'%')))
    };
    let behind = |i: usize| path.get(i..).unwrap_or_default();
    path.iter().enumerate().any(|(i, b)| match b {
        b'/' | b'\\' => steps_up(behind(i + 1)),
        // Of an encoded slash or backslash, and of what may be encoded twice.
        b'%' => match behind(i + 1).first_chunk::<2>().map(|two| two.to_ascii_lowercase()) {
            Some(two) if matches!(two.as_slice(), b"2f" | b"5c") => steps_up(behind(i + 3)),
            Some(two) => two.as_slice() == b"25",
            None => true,
        },
        _ => false,
    })
}

/// `path_of` took segments out of it: who stands behind the proxy may not.
pub(crate) fn is_resolved(target: &[u8], path: &[u8]) -> bool {
    let end = target.iter().position(|b| matches!(b, b'?' | b'#'));
    let slashes = |text: &[u8]| text.iter().filter(|b| **b == b'/').count();
    slashes(target.get(..end.unwrap_or(target.len())).unwrap_or_default()) != slashes(path)
}

/// The path of a `:path`, as RFC 3986 section 6.2.2 makes it comparable: without query and fragment, unreserved characters
/// decoded, `.` and `..` resolved; and slashes in a row as one.
pub(crate) fn path_of(target: &[u8]) -> Cow<'_, [u8]> {
    let end = target
        .iter()
        .position(|b| matches!(b, b'?' | b'#'))
        .unwrap_or(target.len());
    let path = target.get(..end).unwrap_or_default();
    if !path.contains(&b'%') && !path.windows(2).any(|w| matches!(w, b"//" | b"/.")) {
        return path.into();
    }
    let hex = |b: Option<&u8>| {
        b.and_then(|b| char::from(*b).to_digit(16))
            .and_then(|d| u8::try_from(d).ok())
    };
    let mut out = Vec::with_capacity(path.len());
    let mut i = 0;
    while let Some(&b) = path.get(i) {
        if b == b'%'
            && let (Some(high), Some(low)) = (hex(path.get(i + 1)), hex(path.get(i + 2)))
            && let c = high << 4 | low
            && (c.is_ascii_alphanumeric() || matches!(c, b'-' | b'.' | b'_' | b'~'))
        {
            out.push(c);
            i += 3;
            continue;
        }
        // An escape that stays: `%2f` and `%2F` are the same.
        if b == b'%'
            && let Some(digits) = path.get(i + 1..i + 3).filter(|d| d.iter().all(u8::is_ascii_hexdigit))
        {
            out.push(b'%');
            out.extend(digits.iter().map(u8::to_ascii_uppercase));
            i += 3;
            continue;
        }
        if b != b'/' || out.last() != Some(&b'/') {
            out.push(b);
        }
        i += 1;
    }
    resolved(&out).into()
}

/// The digits of escapes in capitals, as `path_of` has them.
fn upper_escapes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('%') {
        out.push_str(before);
        out.push('%');
        let digits = behind.get(..2).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
        out.push_str(&digits.unwrap_or_default().to_ascii_uppercase());
        rest = behind.get(digits.map_or(0, str::len)..).unwrap_or_default();
    }
    out + rest
}

/// Without the segments `.` and `..` (RFC 3986, 5.2.4).
fn resolved(path: &[u8]) -> Vec<u8> {
    let Some(inner) = path.strip_prefix(b"/") else {
        return path.to_vec();
    };
    let mut out: Vec<u8> = Vec::with_capacity(path.len());
    let mut ends_in_dots = false;
    for segment in inner.split(|b| *b == b'/') {
        ends_in_dots = matches!(segment, b"." | b"..");
        if segment == b".." {
            out.truncate(out.iter().rposition(|b| *b == b'/').unwrap_or(0));
        } else if segment != b"." {
            out.push(b'/');
            out.extend_from_slice(segment);
        }
    }
    if ends_in_dots || out.is_empty() {
        out.push(b'/');
    }
    out
}

#[cfg(test)]
mod tests;
