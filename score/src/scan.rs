//! Texts through the engine, and whether what must go is gone.

use std::collections::HashSet;

use anyhow::{Result, anyhow};
use keepmum_engine::{Body, BodyKind, Engine, Exchange, Flow, Workspace};

use crate::encode::from_base64;
use crate::template::Made;

/// What came of a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scanned {
    /// What left.
    pub out: Vec<u8>,
    /// The detector, and where in the input.
    pub found: Vec<(String, usize, usize)>,
    /// How often anything was found, also beyond the findings that are listed.
    pub times: u64,
}

/// A policy's engine.
///
/// # Errors
/// The policy is wrong.
pub fn engine(packs: &[&str], more: &str) -> Result<Engine> {
    let packs = serde_json::to_string(packs)?;
    let policy = format!(r#"{{"detectors":{{"packs":{packs}}}{more}}}"#);
    Engine::new(policy.as_bytes()).map_err(|e| anyhow!("{e}"))
}

/// What the headers of a response with this text would say.
pub fn kind(text: &[u8]) -> BodyKind {
    BodyKind {
        json: is_json(text),
        keep_length: false,
    }
}

/// Whether it is one JSON document.
pub fn is_json(text: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(text).is_ok()
}

/// Takes a text through in pieces.
pub fn scan<'a>(engine: &Engine, kind: BodyKind, pieces: impl IntoIterator<Item = &'a [u8]>) -> Scanned {
    let (mut work, mut exchange) = (Workspace::default(), Exchange::default());
    let mut body = Body::new(kind);
    let (mut all, mut out) = (Vec::new(), Vec::new());
    for piece in pieces {
        out.clear();
        match body.push(engine, &mut work, &mut exchange, piece, &mut out) {
            Flow::Pass => all.extend_from_slice(piece),
            Flow::Out => all.extend_from_slice(&out),
        }
    }
    out.clear();
    body.finish(engine, &mut work, &mut exchange, &mut out);
    all.extend_from_slice(&out);
    let at = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    let mut found: Vec<_> = exchange
        .findings()
        .iter()
        .map(|f| (f.detector(engine).to_owned(), at(f.start()), at(f.end())))
        .collect();
    found.sort_by_key(|f| (f.1, f.2));
    Scanned {
        out: all,
        found,
        times: exchange.counts().map(|c| c.times()).sum(),
    }
}

/// A secret that still stands in an output, whole or as a piece of 12 characters and half its length; by its number.
///
/// What also stands in the text outside of what must go (a public key with the letters of the private one, in examples that
/// repeat a word) is no leak.
pub fn leaks(made: &Made, out: &[u8]) -> Option<usize> {
    let decoded = decoded(out);
    let rest = outside(made);
    made.spans.iter().zip(&made.plain).position(|((from, to), plain)| {
        let spelled = made.text.as_bytes().get(*from..*to).unwrap_or_default();
        // In base64 what must go is a part of what is spelled.
        let inside = from_base64(spelled)
            .windows(plain.len().max(1))
            .any(|w| w == plain.as_bytes());
        let spelled = if inside { plain.as_bytes() } else { spelled };
        [
            (spelled, out),
            (plain.as_bytes(), out),
            (plain.as_bytes(), decoded.as_slice()),
        ]
        .iter()
        .any(|(secret, text)| stands_in(secret, text, &rest))
    })
}

/// The text without what must go, and what base64 in it says around that.
fn outside(made: &Made) -> Vec<u8> {
    let mut rest = made.text.as_bytes().to_vec();
    let mut around = Vec::new();
    for ((from, to), plain) in made.spans.iter().zip(&made.plain) {
        let spelled = rest.get_mut(*from..*to).unwrap_or_default();
        let says = from_base64(spelled);
        let windows = says.windows(plain.len().max(1));
        if let Some(at) = windows.into_iter().position(|w| w == plain.as_bytes()) {
            around.push(0);
            around.extend_from_slice(says.get(..at).unwrap_or_default());
            around.push(0);
            around.extend_from_slice(says.get(at + plain.len()..).unwrap_or_default());
        }
        spelled.fill(0);
    }
    [rest, around].concat()
}

/// Whether a secret, or a piece of it of 12 characters and half its length, stands in a text and not in the rest.
fn stands_in(secret: &[u8], text: &[u8], rest: &[u8]) -> bool {
    let len = secret.len().div_ceil(2).max(12).min(secret.len());
    if len == 0 || text.len() < len {
        return false;
    }
    let mut pieces: HashSet<&[u8]> = secret.windows(len).collect();
    if text.windows(len).any(|w| pieces.contains(w)) {
        for w in rest.windows(len) {
            pieces.remove(w);
        }
        return text.windows(len).any(|w| pieces.contains(w));
    }
    false
}

/// What runs of base64 in a text say.
fn decoded(text: &[u8]) -> Vec<u8> {
    let of_base64 = |b: &u8| b.is_ascii_alphanumeric() || b"+/-_=".contains(b);
    let mut out = Vec::new();
    for run in text.split(|b| !of_base64(b)).filter(|r| r.len() >= 16) {
        // A run that was cut by a label goes on at any of the four phases.
        for phase in 0..4 {
            out.extend_from_slice(&from_base64(run.get(phase..).unwrap_or_default()));
            out.push(b'\n');
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{leaks, stands_in};
    use crate::template::Made;

    #[test]
    fn halves_of_a_secret_are_leaks() {
        let secret = b"abcdefghijklmnopqrstuvwxyz";
        assert!(stands_in(secret, b"..abcdefghijklmn..", b""));
        assert!(!stands_in(secret, b"..abcdefghijkl..", b""));
        assert!(!stands_in(secret, b"..abcdefghijklmn..", secret));
        assert!(stands_in(b"hunter2", b"xhunter2x", b"") && !stands_in(b"hunter2", b"hunter3", b""));
    }

    #[test]
    fn base64_is_no_hiding_place() {
        let made = Made {
            text: "hunter2hunter2".into(),
            spans: vec![(0, 14)],
            plain: vec!["hunter2hunter2".into()],
        };
        assert_eq!(leaks(&made, b"data: aHVudGVyMmh1bnRlcjI="), Some(0));
        assert_eq!(leaks(&made, b"data: [REDACTED:x]"), None);
    }
}
