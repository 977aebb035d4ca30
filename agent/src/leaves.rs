//! Composite secrets taken apart: a JSON document, a dotenv file, a PEM file or a connection URL leaks in parts.
//!
//! The whole stays a secret of its own. Parts of parts are taken too (a URL in JSON), to a fixed depth. What a part is good
//! for is not judged here: a host name is a part, and admission refuses it.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::json::Json;
use crate::secret::{Secret, Value};

mod lines;
mod location;

/// Parts of parts of parts are looked for.
const DEPTH: usize = 4;
/// More parts of one secret are not taken.
const MOST: usize = 1_000;

/// A secret with its parts behind it.
#[derive(Debug)]
pub struct Taken {
    /// The secret, then its parts.
    pub all: Vec<Secret>,
    /// It has parts, so that it is a secret only if one of them is.
    pub composite: bool,
}

/// Takes a secret apart.
pub fn take(secret: Secret) -> Taken {
    let mut all = vec![secret];
    let mut next = 0;
    let mut end_of_level = 1;
    for _ in 0..DEPTH {
        while next < end_of_level && all.len() < MOST {
            let parts = all.get(next).map(parts).unwrap_or_default();
            let room = MOST - all.len();
            all.extend(parts.into_iter().take(room));
            next += 1;
        }
        if end_of_level == all.len() {
            break;
        }
        end_of_level = all.len();
    }
    let composite = all.len() > 1;
    Taken { all, composite }
}

fn parts(secret: &Secret) -> Vec<Secret> {
    let Ok(text) = std::str::from_utf8(&secret.value) else {
        return Vec::new();
    };
    let mut named: Vec<(String, Value)> = Vec::new();
    let text = text.trim();
    if text.starts_with(['{', '[']) {
        if let Ok(tree) = serde_json::from_str::<Json>(text) {
            walk(&tree, "", &mut named);
        }
    } else if text.starts_with("-----BEGIN ") {
        pem(text, &mut named);
    } else if let Some(parts) = location::parts(text) {
        named = parts;
    } else if let Some(parts) = lines::parts(text) {
        named = parts;
    }
    pairs(&mut named);
    named.retain(|(_, value)| !value.is_empty() && value.as_slice() != secret.value.as_slice());
    named
        .into_iter()
        .map(|(name, value)| secret.part(&name, value))
        .collect()
}

/// The parts of a document that is no text by itself.
pub(crate) fn of_tree(tree: &Json) -> Vec<(String, Value)> {
    let mut named = Vec::new();
    walk(tree, "", &mut named);
    pairs(&mut named);
    named.retain(|(_, value)| !value.is_empty());
    named
}

pub(crate) fn value(text: &str) -> Value {
    Zeroizing::new(text.as_bytes().to_vec())
}

fn walk(tree: &Json, path: &str, named: &mut Vec<(String, Value)>) {
    if named.len() >= MOST {
        return;
    }
    let below = |name: &str| {
        if path.is_empty() {
            name.to_owned()
        } else {
            format!("{path}.{name}")
        }
    };
    match tree {
        Json::Null | Json::Flag(_) => {}
        Json::Number(text) | Json::Text(text) => named.push((path.to_owned(), value(text))),
        Json::List(items) => {
            for (i, item) in items.iter().enumerate() {
                walk(item, &below(&i.to_string()), named);
            }
        }
        Json::Object(fields) => {
            for (i, (key, field)) in fields.iter().enumerate() {
                // A table from tokens to something: ids are public, and this is none.
                if crate::admission::is_random(key) {
                    named.push((below(&format!("key{i}")), value(key)));
                    walk(field, &below(&format!("value{i}")), named);
                } else {
                    walk(field, &below(key), named);
                }
            }
        }
    }
}

/// Each block of a PEM file; of a single one its base64 without line ends, and its bytes.
fn pem(text: &str, named: &mut Vec<(String, Value)>) {
    let single = text.matches("-----BEGIN ").count() == 1;
    let mut rest = text;
    while let Some((_, block)) = rest.split_once("-----BEGIN ") {
        let Some((label, body)) = block.split_once("-----") else {
            return;
        };
        let end = format!("-----END {label}-----");
        let Some((body, after)) = body.split_once(&end) else {
            return;
        };
        rest = after;
        // Public by its nature.
        if label.contains("CERTIFICATE") || label.contains("PUBLIC KEY") || label.contains("PARAMETERS") {
            continue;
        }
        if !single {
            let kind = label.to_ascii_lowercase().replace(' ', "-");
            let same = named.iter().filter(|(n, _)| n.starts_with(&kind)).count();
            let kind = if same == 0 { kind } else { format!("{kind}-{same}") };
            let block = Zeroizing::new(format!("-----BEGIN {label}-----{body}{end}"));
            named.push((kind, value(&block)));
            continue;
        }
        let base64: Zeroizing<String> = Zeroizing::new(body.split_whitespace().filter(|l| !l.contains(':')).collect());
        if let Ok(der) = STANDARD.decode(base64.as_bytes()) {
            named.push(("der".to_owned(), Zeroizing::new(der)));
        }
        named.push(("base64".to_owned(), value(&base64)));
    }
}

/// `user:password` of each user that stands beside a password: what Basic authentication sends, in base64.
fn pairs(named: &mut Vec<(String, Value)>) {
    const USERS: &[&str] = &["username", "user", "login", "client_id", "uid", "user id", "user_id"];
    const PASSWORDS: &[&str] = &["password", "pass", "passwd", "pwd", "client_secret"];
    let split = |name: &str| match name.rsplit_once('.') {
        Some((before, last)) => (before.to_owned(), last.to_ascii_lowercase()),
        None => (String::new(), name.to_ascii_lowercase()),
    };
    // `DB_USER` and `DB_PASSWORD`: what stands before has to agree.
    let stem = |last: &str, words: &[&str]| {
        let word = words.iter().filter(|w| last.ends_with(**w)).max_by_key(|w| w.len())?;
        last.strip_suffix(*word).map(str::to_owned)
    };
    let mut made = Vec::new();
    for (name, user) in named.iter().take(64) {
        let (before, last) = split(name);
        let Some(of_user) = stem(&last, USERS) else { continue };
        for (name, password) in named.iter().take(64) {
            let (beside, last) = split(name);
            if beside == before && stem(&last, PASSWORDS).as_ref() == Some(&of_user) {
                let pair = [user.as_slice(), b":", password.as_slice()].concat();
                made.push((format!("{name}.basic"), Zeroizing::new(pair)));
            }
        }
    }
    named.append(&mut made);
}

/// The same for secrets that lie beside each other: variables, files of a directory.
pub(crate) fn add_pairs(secrets: &mut Vec<Secret>) {
    let folder = |id: &str| id.rsplit_once(['/', ':', '#']).map(|(folder, _)| folder.to_owned());
    let mut folders: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (i, secret) in secrets.iter().enumerate() {
        folders
            .entry(folder(&secret.id).unwrap_or_default())
            .or_default()
            .push(i);
    }
    let mut made = Vec::new();
    for beside in folders.values() {
        let beside = beside
            .iter()
            .filter_map(|i| secrets.get(*i))
            .filter(|s| s.value.len() <= 512);
        let beside: Vec<&Secret> = beside.collect();
        let last = |s: &Secret| s.id.rsplit(['/', ':', '#']).next().unwrap_or_default().to_owned();
        let mut named: Vec<(String, Value)> = beside.iter().map(|s| (last(s), s.value.clone())).collect();
        let before = named.len();
        pairs(&mut named);
        for (name, value) in named.drain(before..) {
            let of = beside
                .iter()
                .find(|s| name.strip_suffix(".basic") == Some(last(s).as_str()));
            made.extend(of.map(|of| of.part("basic", value)));
        }
    }
    secrets.append(&mut made);
}

pub(crate) use lines::pairs as dotenv;

#[cfg(test)]
mod tests;
