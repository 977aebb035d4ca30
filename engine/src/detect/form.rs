//! What a pattern's syntax tree tells before it is compiled: by which literals it is found, and how long a stream may have to
//! wait for its match.
//!
//! Asked of the tree and not of the instructions, which no longer know what was a repetition.

use regex_syntax::hir::{Hir, HirKind, Look, literal::Extractor};

use crate::detect::program::{Builder, Front, Refusal};
use crate::limits;

/// Reads a pattern.
pub(crate) fn parse(pattern: &str) -> Result<Hir, Refusal> {
    // To parse it takes many times its memory.
    if pattern.len() > limits::PATTERN_BYTES {
        return Err(format!(
            "it has {} bytes and {} are allowed",
            pattern.len(),
            limits::PATTERN_BYTES
        ));
    }
    let hir = regex_syntax::ParserBuilder::new()
        .unicode(false)
        .utf8(false)
        .nest_limit(64)
        .build()
        .parse(pattern)
        .map_err(|e| match e {
            regex_syntax::Error::Parse(e) => format!("{} at byte {}", e.kind(), e.span().start.offset),
            regex_syntax::Error::Translate(e) => format!("{} at byte {}", e.kind(), e.span().start.offset),
            _ => "not a regular expression".to_owned(),
        })?;
    if hir.properties().minimum_len().unwrap_or(0) == 0 {
        return Err("it matches the empty string; ask for at least one byte".to_owned());
    }
    Ok(hir)
}

/// A literal says where a match may be.
pub(crate) fn is_announced(hir: &Hir) -> bool {
    anchors(hir).is_ok() || behind_front(hir).is_some()
}

/// It has a group `secret`, or `secret_` and more.
pub(crate) fn has_secret(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Capture(c) => is_secret(c.name.as_deref()) || has_secret(&c.sub),
        HirKind::Repetition(r) => has_secret(&r.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().any(has_secret),
        _ => false,
    }
}

/// The name of a group that isolates what must go.
pub(super) fn is_secret(name: Option<&str>) -> bool {
    name.is_some_and(|n| n == "secret" || n.starts_with("secret_"))
}

/// Bytes after which a match, if there is one, must have been seen: the longest way to the first acceptance.
pub(crate) fn certain_after(hir: &Hir) -> Option<u64> {
    match hir.kind() {
        HirKind::Concat(parts) => {
            // Trailing parts that may be empty do not delay the acceptance, but a border does: it waits for the
            // byte behind the run, so that the run itself must end some time.
            let mut parts = parts.as_slice();
            while let Some((last, front)) = parts.split_last() {
                if last.properties().minimum_len() != Some(0) || front.is_empty() {
                    break;
                }
                if matches!(last.kind(), HirKind::Look(_)) {
                    front.iter().try_for_each(|p| p.properties().maximum_len().map(drop))?;
                }
                parts = front;
            }
            let (last, front) = parts.split_last()?;
            let mut n = 0u64;
            for p in front {
                n = n.saturating_add(p.properties().maximum_len()? as u64);
            }
            Some(n.saturating_add(certain_after(last)?))
        }
        HirKind::Repetition(r) => {
            let sub = r.sub.properties().maximum_len()? as u64;
            Some(sub.saturating_mul(u64::from(r.min.max(1))))
        }
        HirKind::Capture(c) => certain_after(&c.sub),
        HirKind::Alternation(parts) => parts.iter().map(certain_after).try_fold(0, |a, b| Some(a.max(b?))),
        _ => Some(hir.properties().maximum_len()? as u64),
    }
}

pub(super) fn first_is_border(hir: &Hir) -> bool {
    match hir.kind() {
        // `\B` is a border too, but one that asks for the opposite.
        HirKind::Look(look) => matches!(look, Look::WordAscii | Look::WordStartAscii | Look::WordStartHalfAscii),
        HirKind::Concat(parts) => parts.first().is_some_and(first_is_border),
        HirKind::Capture(c) => first_is_border(&c.sub),
        HirKind::Alternation(parts) => parts.iter().all(first_is_border),
        _ => false,
    }
}

/// The literals with which every match begins.
pub(crate) fn anchors(hir: &Hir) -> Result<Vec<Vec<u8>>, Refusal> {
    let refused = || {
        format!(
            "every match must begin with a literal of {} bytes or more (a prefix such as acme_), by which it is \
             found without running the pattern over the whole body",
            limits::ANCHOR_MIN_BYTES
        )
    };
    // The smallest classes that make every anchor long enough: a wider one multiplies anchors for nothing.
    let long_enough = |class: usize| {
        let mut extractor = Extractor::new();
        extractor
            .limit_class(class)
            .limit_literal_len(limits::ANCHOR_BYTES)
            .limit_total(limits::ANCHORS_PER_PATTERN);
        let seq = extractor.extract(hir);
        let out: Vec<Vec<u8>> = seq.literals()?.iter().map(|l| l.as_bytes().to_vec()).collect();
        (!out.is_empty() && out.iter().all(|a| a.len() >= limits::ANCHOR_MIN_BYTES)).then_some(out)
    };
    let mut out = [1, 2, 4, 10, 20]
        .into_iter()
        .find_map(long_enough)
        .ok_or_else(refused)?;
    // Inside JSON a quote has a backslash in front, so that what begins with one does not read like it.
    for a in &mut out {
        let quote = a
            .iter()
            .skip(limits::ANCHOR_MIN_BYTES)
            .position(|b| matches!(b, b'"' | b'\''));
        a.truncate(quote.map_or(a.len(), |at| at + limits::ANCHOR_MIN_BYTES));
    }
    // One that begins with another is found by the other.
    out.sort();
    out.dedup();
    let mut kept: Vec<Vec<u8>> = Vec::with_capacity(out.len());
    for a in out {
        if !kept.last().is_some_and(|k| a.starts_with(k)) {
            kept.push(a);
        }
    }
    Ok(kept)
}

/// The class that stands before the first literal, and the literals: `[0-9a-z.-]{1,250}` and `.internal`.
pub(super) fn behind_front(hir: &Hir) -> Option<(Front, Vec<Vec<u8>>)> {
    let mut parts = Vec::new();
    flatten(hir, &mut parts);
    let looks = parts
        .iter()
        .take_while(|p| matches!(p.kind(), HirKind::Look(_)))
        .count();
    let (run, behind) = parts.get(looks..)?.split_first()?;
    let HirKind::Repetition(run) = run.kind() else {
        return None;
    };
    let most = usize::try_from(run.max?).ok().filter(|n| *n <= limits::FRONT_BYTES)?;
    let set = Builder::default().single(&run.sub).ok()??;
    let anchors = anchors(&Hir::concat(behind.to_vec())).ok()?;
    Some((Front { set, most }, anchors))
}

/// The parts of a concatenation; groups do not matter.
fn flatten(hir: &Hir, out: &mut Vec<Hir>) {
    match hir.kind() {
        HirKind::Concat(parts) => parts.iter().for_each(|p| flatten(p, out)),
        HirKind::Capture(c) => flatten(&c.sub, out),
        _ => out.push(hir.clone()),
    }
}
