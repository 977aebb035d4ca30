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
use crate::error::Mistakes;
use crate::exchange::Exchange;
use crate::limits;
use crate::policy::read::List;
use crate::policy::written::Custom;
use crate::stream::{Body, BodyKind, Workspace};

/// Compiles `detectors.custom[i]`; what is wrong with it is told, all of it.
pub(crate) fn detector(i: usize, c: &Custom, others: &[Detector], to: &mut Mistakes) -> Option<Detector> {
    let before = to.count();
    let at = |field: &str| format!("detectors.custom[{i}].{field}");
    let kebab = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if c.id.is_empty() || c.id.len() > 48 || !c.id.bytes().all(kebab) {
        to.add(
            at("id"),
            "expected kebab-case of 48 bytes at most, such as acme-session",
        );
    }
    if catalogue::BUILT_IN.iter().any(|d| d.id == c.id) || others.iter().any(|d| d.id == c.id) {
        to.add(at("id"), "another detector has this id; expected one of its own");
    }
    let mut validators = Vec::new();
    for (k, name) in c.validators.iter() {
        match validate::named(name) {
            Ok(named) => validators.push(named),
            Err(why) => to.add(at(&format!("validators[{k}]")), why),
        }
    }
    let mut keywords = Vec::new();
    for (k, word) in c.keywords.iter() {
        let bytes = limits::KEYWORD_BYTES;
        match Keyword::new(word).filter(|_| bytes.contains(&word.len())) {
            Some(keyword) => keywords.push(keyword),
            None => to.add(
                at(&format!("keywords[{k}]")),
                format!(
                    "expected {} to {} bytes of ASCII that begin and end with a letter or a digit",
                    bytes.start(),
                    bytes.end()
                ),
            ),
        }
    }
    if keywords.len() > limits::KEYWORDS {
        to.add(at("keywords"), format!("{} are allowed", limits::KEYWORDS));
    }
    let program = program(c).map_err(|why| to.add(at("pattern"), why)).ok()?;
    let unanchored = |d: &Detector| d.program.class.is_some() && d.terms.is_some();
    if program.class.is_some() && others.iter().filter(|d| unanchored(d)).count() >= limits::UNANCHORED_DETECTORS {
        let why = format!(
            "it is the {}th without a literal or `keywords`, and each of them is asked at every byte",
            limits::UNANCHORED_DETECTORS + 1
        );
        to.add(at("pattern"), why);
    }
    (to.count() == before).then(|| Detector {
        id: c.id.clone(),
        program,
        validators,
        terms: Some(Box::new(Terms {
            keywords,
            min_entropy: c.min_entropy.map(|n| n.0),
            max_length: c.max_length.map(|n| n.0),
        })),
        defang: None,
        rank: 1,
    })
}

/// Checks the examples and near misses of one. Alone, so that no other detector and no `allow` takes them away.
pub(crate) fn examples(
    i: usize,
    c: &Custom,
    d: &Detector,
    alone: impl Fn(Detector) -> Option<Engine>,
    to: &mut Mistakes,
) {
    if c.examples.is_empty() && c.near_misses.is_empty() {
        return;
    }
    let Some(engine) = alone(d.clone()) else { return };
    for (k, text) in c.examples.iter().filter(|(_, t)| !finds(&engine, &t.0)) {
        to.add(
            format!("detectors.custom[{i}].examples[{k}]"),
            why_not(d, &text.0, &alone),
        );
    }
    for (k, _) in c.near_misses.iter().filter(|(_, t)| finds(&engine, &t.0)) {
        let place = format!("detectors.custom[{i}].near_misses[{k}]");
        to.add(place, "the pattern finds it, and should not");
    }
}

/// Why a detector does not find an example: its pattern, its terms, or which validator.
fn why_not(d: &Detector, text: &str, alone: impl Fn(Detector) -> Option<Engine>) -> String {
    let finds = |d| alone(d).is_some_and(|engine| finds(&engine, text));
    let plain = Detector {
        terms: None,
        validators: Vec::new(),
        ..d.clone()
    };
    if !finds(plain.clone()) {
        return "the pattern does not find it".into();
    }
    let terms = Detector {
        terms: d.terms.clone(),
        ..plain.clone()
    };
    if !finds(terms) {
        return "the pattern finds it, but not as `keywords`, `min_entropy` and `max_length` ask".into();
    }
    for v in &d.validators {
        let with = Detector {
            validators: vec![v],
            ..plain.clone()
        };
        if !finds(with) {
            return format!("the pattern finds it, and the validator {} rejects it", v.name);
        }
    }
    "the pattern finds it, but it is rejected".into()
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
    let max_length = c.max_length.map(|n| n.0);
    if hir.properties().maximum_len().is_none() && max_length.is_none() {
        return Err(
            "an open-ended repetition in it has no upper bound; give it one, as in {1,200}, or say \
                    `max_length`, the most bytes that a match can have"
                .to_owned(),
        );
    }
    // What no match can be would be a rule that does nothing.
    let least = hir.properties().minimum_len().unwrap_or(0);
    if !form::has_secret(&hir) && max_length.is_some_and(|most| most < least as u64) {
        return Err(format!(
            "its shortest match has {least} bytes, which is more than `max_length`"
        ));
    }
    let longest = hir.properties().maximum_len().unwrap_or(usize::MAX).min(256);
    if c.min_entropy
        .as_ref()
        .is_some_and(|bits| bits.0 > (longest as f64).log2())
    {
        return Err(format!(
            "its longest match has {longest} bytes, which hold {:.1} bits each at most; `min_entropy` asks for more",
            (longest as f64).log2()
        ));
    }
    if let (None, Some(most)) = (form::certain_after(&hir), max_length) {
        hir = closed(&hir, u32::try_from(most).unwrap_or(u32::MAX));
    }
    let announced = form::is_announced(&hir);
    if !c.keywords.is_empty() {
        hir = behind_keywords(&c.keywords, hir, announced)?;
    }
    let alone = !announced && c.keywords.is_empty();
    let most = match (alone, max_length) {
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
fn behind_keywords(keywords: &List<String>, pattern: Hir, announced: bool) -> Result<Hir, Refusal> {
    let words: Vec<_> = keywords.iter().map(|(_, k)| regex_syntax::escape(k)).collect();
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
