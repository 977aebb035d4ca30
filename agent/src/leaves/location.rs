//! Connection URLs, and connection strings of `name=value` pairs between semicolons.

use zeroize::Zeroizing;

use super::value;
use crate::secret::Value;

/// The parts, if the text is one of the two.
pub(super) fn parts(text: &str) -> Option<Vec<(String, Value)>> {
    if text.contains(char::is_control) {
        return None;
    }
    url(text).or_else(|| pairs(text))
}

/// `scheme://user:password@host:port/path?name=value`, not by a parser of URLs: what stands there is armed as it stands.
fn url(text: &str) -> Option<Vec<(String, Value)>> {
    let (scheme, rest) = text.split_once("://")?;
    let scheme = scheme.strip_prefix("jdbc:").unwrap_or(scheme);
    let plain = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    if scheme.is_empty() || !scheme.starts_with(|c: char| c.is_ascii_alphabetic()) || !scheme.chars().all(plain) {
        return None;
    }
    let mut named = Vec::new();
    let mut add = |name: &str, text: &str| {
        let decoded = decoded(text);
        if let Some(decoded) = decoded.filter(|d| d.as_slice() != text.as_bytes()) {
            named.push((name.to_owned(), decoded));
            named.push((format!("{name}.encoded"), value(text)));
        } else {
            named.push((name.to_owned(), value(text)));
        }
    };
    // A password may hold a slash that should have been encoded: the last @ before the query ends it.
    let (before, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (user_info, place) = match before.rsplit_once('@') {
        Some((user_info, place)) => (Some(user_info), place),
        None => (None, before),
    };
    if let Some(user_info) = user_info {
        let (user, password) = user_info.split_once(':').unwrap_or((user_info, ""));
        add("username", user);
        add("password", password);
    }
    let (host, path) = place.split_once('/').unwrap_or((place, ""));
    add("host", host);
    for (i, segment) in path.split('/').filter(|s| s.len() >= 16).enumerate() {
        add(&format!("path.{i}"), segment);
    }
    for pair in query.split('#').next().unwrap_or_default().split('&') {
        if let Some((name, text)) = pair.split_once('=') {
            add(&format!("query.{name}"), text);
        }
    }
    Some(named)
}

/// `Server=db;User Id=app;Password=…;`
fn pairs(text: &str) -> Option<Vec<(String, Value)>> {
    let mut named = Vec::new();
    for pair in text.split(';').filter(|pair| !pair.trim().is_empty()) {
        let (name, text) = pair.split_once('=')?;
        let name = name.trim();
        let word = |c: char| c.is_ascii_alphanumeric() || c == ' ' || c == '_';
        if name.is_empty() || !name.starts_with(|c: char| c.is_ascii_alphabetic()) || !name.chars().all(word) {
            return None;
        }
        named.push((name.to_owned(), value(text.trim().trim_matches(['"', '\'']))));
    }
    (named.len() >= 2).then_some(named)
}

/// Percent-encoding undone; `None` where it is broken.
fn decoded(text: &str) -> Option<Value> {
    let mut out = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut bytes = text.bytes();
    while let Some(b) = bytes.next() {
        if b != b'%' {
            out.push(b);
            continue;
        }
        let mut digit = || bytes.next().and_then(|b| char::from(b).to_digit(16));
        let (high, low) = (digit()?, digit()?);
        out.push(u8::try_from(high * 16 + low).ok()?);
    }
    Some(out)
}
