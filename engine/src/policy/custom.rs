//! A policy's own detectors: what built-in ones are checked for at build and test time, these are when a policy is read.
//!
//! Their author is not here to be asked and their patterns meet live traffic, so that each thing which could hold a stream
//! back or cost time for every byte has to be asked for in so many words.

use regex_syntax::hir::{Capture, Hir, HirKind, Repetition};

use crate::Engine;
use crate::catalogue;
use crate::decide::custom::{Keyword, Terms};
use crate::decide::validate;
use crate::detect::form;
use crate::detect::program::{Program, Refusal};
use crate::engine::Detector;
use crate::error::PolicyError;
use crate::exchange::Exchange;
use crate::limits;
use crate::policy::written::Custom;
use crate::stream::{Body, BodyKind, Workspace};

/// Compiles `detectors.custom[i]`.
pub(crate) fn detector(i: usize, c: &Custom, others: &[Detector]) -> Result<Detector, PolicyError> {
    let at = |field: &str| format!("detectors.custom[{i}].{field}");
    let kebab = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if c.id.is_empty() || c.id.len() > 48 || !c.id.bytes().all(kebab) {
        return Err(PolicyError::new(
            at("id"),
            "expected kebab-case of 48 bytes at most, such as acme-session",
        ));
    }
    if catalogue::BUILT_IN.iter().any(|d| d.id == c.id) || others.iter().any(|d| d.id == c.id) {
        return Err(PolicyError::new(at("id"), "another detector has this id"));
    }
    let mut validators = Vec::new();
    for (k, name) in c.validators.iter().enumerate() {
        let named = validate::named(name).map_err(|why| PolicyError::new(at(&format!("validators[{k}]")), why))?;
        validators.push(named);
    }
    let mut keywords = Vec::new();
    for (k, word) in c.keywords.iter().enumerate() {
        let bytes = limits::KEYWORD_BYTES;
        let keyword = Keyword::new(word).filter(|_| bytes.contains(&word.len()));
        keywords.push(keyword.ok_or_else(|| {
            let why = format!(
                "expected {} to {} bytes of ASCII that begin and end with a letter or a digit",
                bytes.start(),
                bytes.end()
            );
            PolicyError::new(at(&format!("keywords[{k}]")), why)
        })?);
    }
    if keywords.len() > limits::KEYWORDS {
        let why = format!("{} are allowed", limits::KEYWORDS);
        return Err(PolicyError::new(at("keywords"), why));
    }
    if c.min_entropy.is_some_and(|bits| !(0.0..=8.0).contains(&bits)) {
        return Err(PolicyError::new(at("min_entropy"), "expected 0 to 8 bits a character"));
    }
    let most = limits::CANDIDATE_BYTES / 2;
    if c.max_length.is_some_and(|n| n == 0 || n > most) {
        return Err(PolicyError::new(
            at("max_length"),
            format!("expected 1 to {most} bytes"),
        ));
    }
    let program = program(c).map_err(|why| PolicyError::new(at("pattern"), why))?;
    let unanchored = |d: &Detector| d.program.class.is_some() && d.terms.is_some();
    if program.class.is_some() && others.iter().filter(|d| unanchored(d)).count() >= limits::UNANCHORED_DETECTORS {
        let why = format!(
            "it is the {}th without a literal or `keywords`, and each of them is asked at every byte",
            limits::UNANCHORED_DETECTORS + 1
        );
        return Err(PolicyError::new(at("pattern"), why));
    }
    Ok(Detector {
        id: c.id.clone(),
        program,
        validators,
        terms: Some(Box::new(Terms {
            keywords,
            min_entropy: c.min_entropy,
            max_length: c.max_length,
        })),
        rank: 1,
    })
}

/// Checks the examples and near misses of one. Alone, so that no other detector and no `allow` takes them away.
/// The error: a field, and why.
pub(crate) fn examples(
    c: &Custom,
    d: &Detector,
    alone: impl Fn(Detector) -> Result<Engine, PolicyError>,
) -> Result<(), (String, String)> {
    if c.examples.is_empty() && c.near_misses.is_empty() {
        return Ok(());
    }
    let compiled = |d| alone(d).map_err(|e| (e.path().to_owned(), e.why().to_owned()));
    let engine = compiled(d.clone())?;
    if let Some(k) = c.examples.iter().position(|t| !finds(&engine, t)) {
        let text = c.examples.get(k).map_or("", String::as_str);
        return Err((format!("examples[{k}]"), why_not(d, text, compiled)?));
    }
    match c.near_misses.iter().position(|t| finds(&engine, t)) {
        Some(k) => Err((
            format!("near_misses[{k}]"),
            "the pattern finds it, and should not".into(),
        )),
        None => Ok(()),
    }
}

/// Why a detector does not find an example: its pattern, its terms, or which validator.
fn why_not<E>(d: &Detector, text: &str, compiled: impl Fn(Detector) -> Result<Engine, E>) -> Result<String, E> {
    let plain = Detector {
        terms: None,
        validators: Vec::new(),
        ..d.clone()
    };
    if !finds(&compiled(plain.clone())?, text) {
        return Ok("the pattern does not find it".into());
    }
    let terms = Detector {
        terms: d.terms.clone(),
        ..plain.clone()
    };
    if !finds(&compiled(terms)?, text) {
        return Ok("the pattern finds it, but not as `keywords`, `min_entropy` and `max_length` ask".into());
    }
    for v in &d.validators {
        let with = Detector {
            validators: vec![v],
            ..plain.clone()
        };
        if !finds(&compiled(with)?, text) {
            return Ok(format!("the pattern finds it, and the validator {} rejects it", v.name));
        }
    }
    Ok("the pattern finds it, but it is rejected".into())
}

fn finds(engine: &Engine, text: &str) -> bool {
    let (mut work, mut exchange) = (Workspace::default(), Exchange::default());
    let mut body = Body::new(BodyKind::default());
    let mut out = Vec::new();
    body.push(engine, &mut work, &mut exchange, text.as_bytes(), &mut out);
    body.finish(engine, &mut work, &mut exchange, &mut out);
    !exchange.findings().is_empty()
}

/// The pattern, with its keywords in front and its open ends closed.
fn program(c: &Custom) -> Result<Program, Refusal> {
    let mut hir = form::parse(&c.pattern)?;
    if hir.properties().maximum_len().is_none() && c.max_length.is_none() {
        return Err(
            "an open-ended repetition in it has no upper bound; give it one, as in {1,200}, or say \
                    `max_length`, the most bytes that a match can have"
                .to_owned(),
        );
    }
    if let (None, Some(most)) = (form::certain_after(&hir), c.max_length) {
        hir = closed(&hir, u32::try_from(most).unwrap_or(u32::MAX));
    }
    let announced = form::is_announced(&hir);
    if !c.keywords.is_empty() {
        hir = behind_keywords(&c.keywords, hir, announced)?;
    }
    let alone = !announced && c.keywords.is_empty();
    let most = match (alone, c.max_length) {
        (true, None) => {
            let why = form::anchors(&hir).err().unwrap_or_default();
            return Err(format!(
                "{why}; or give `keywords` that stand before it, or `max_length`, with which it is tried at every byte"
            ));
        }
        (true, Some(_)) => limits::UNANCHORED_PATTERN_OPS,
        (false, _) => limits::CUSTOM_PATTERN_OPS,
    };
    let program = Program::of(&hir, alone)?;
    let ops = program.ops.len();
    if ops > most {
        let of = if alone { " without a literal or `keywords`" } else { "" };
        return Err(format!(
            "it compiles to {ops} instructions and {most} are allowed{of}; repeat classes, not groups"
        ));
    }
    Ok(program)
}

/// The same with an upper bound for each repetition of one byte that has none.
fn closed(hir: &Hir, most: u32) -> Hir {
    match hir.kind() {
        HirKind::Repetition(r) => {
            let one = r.sub.properties().maximum_len() == Some(1);
            Hir::repetition(Repetition {
                max: r.max.or_else(|| one.then(|| most.max(r.min))),
                sub: Box::new(closed(&r.sub, most)),
                ..r.clone()
            })
        }
        HirKind::Capture(c) => Hir::capture(Capture {
            sub: Box::new(closed(&c.sub, most)),
            ..c.clone()
        }),
        HirKind::Concat(parts) => Hir::concat(parts.iter().map(|p| closed(p, most)).collect()),
        HirKind::Alternation(parts) => Hir::alternation(parts.iter().map(|p| closed(p, most)).collect()),
        _ => hir.clone(),
    }
}

/// A keyword and what may stand between it and the pattern. It may be left out where the pattern announces itself: then
/// the keyword may stand in the match.
fn behind_keywords(keywords: &[String], pattern: Hir, announced: bool) -> Result<Hir, Refusal> {
    let words: Vec<_> = keywords.iter().map(|k| regex_syntax::escape(k)).collect();
    let gap = limits::KEYWORD_DISTANCE;
    let front = form::parse(&format!("(?i:{})[^\\n\\r]{{0,{gap}}}", words.join("|")))?;
    let front = Hir::repetition(Repetition {
        min: u32::from(!announced),
        max: Some(1),
        greedy: true,
        sub: Box::new(front),
    });
    let has_secret = form::has_secret(&pattern);
    let secret = |sub| {
        Hir::capture(Capture {
            index: 1,
            name: Some("secret".into()),
            sub: Box::new(sub),
        })
    };
    // Without a group of its own the whole of the pattern goes, and not the keyword.
    let pattern = if has_secret { pattern } else { secret(pattern) };
    Ok(Hir::concat(vec![front, pattern]))
}
