//! What must hold for each text alone, on a sample of the corpus; `cargo xtask score` takes all of it, and every cut.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;

use keepmum_engine::catalogue::{BUILT_IN, PACKS};
use keepmum_score::corpus::{Corpus, testdata};
use keepmum_score::judge::judge;
use keepmum_score::properties::{Cuts, check, comes_again};
use keepmum_score::scan::{engine, kind, leaks, scan};
use keepmum_score::{line, template};

fn corpus() -> Corpus {
    Corpus::load(&testdata()).unwrap()
}

#[test]
fn there_are_texts_for_every_pack_and_every_detector() {
    let corpus = corpus();
    assert!(corpus.positives.len() >= line::POSITIVES && corpus.negatives.len() >= line::NEGATIVES);
    for pack in PACKS {
        let n = corpus.positives.iter().filter(|t| t.pack == *pack).count();
        assert!(n >= 20, "{pack}: {n} positives");
        let n = corpus
            .negatives
            .iter()
            .filter(|t| t.packs.iter().any(|p| p == pack))
            .count();
        assert!(n >= 500, "{pack}: {n} negatives");
    }
    let seen: BTreeSet<&str> = corpus.positives.iter().filter_map(|t| t.detector.as_deref()).collect();
    let without: Vec<&str> = BUILT_IN.iter().map(|d| d.id).filter(|id| !seen.contains(id)).collect();
    assert!(without.is_empty(), "detectors without a text: {without:?}");
    let names: BTreeSet<&str> = corpus
        .positives
        .iter()
        .chain(&corpus.negatives)
        .map(|t| t.name.as_str())
        .collect();
    assert_eq!(
        names.len(),
        corpus.positives.len() + corpus.negatives.len(),
        "two texts have one name"
    );
}

#[test]
fn the_corpus_is_the_same_each_time() {
    let (a, b) = (corpus(), corpus());
    let texts = |c: &Corpus| {
        c.positives
            .iter()
            .chain(&c.negatives)
            .map(|t| t.made.clone())
            .collect::<Vec<template::Made>>()
    };
    assert!(texts(&a) == texts(&b));
}

#[test]
fn a_sample_survives_cuts_and_a_second_pass() {
    let corpus = corpus();
    for (n, action) in ["label", "mask", "remove"].iter().enumerate() {
        let e = engine(PACKS, &format!(r#","response":{{"action":"{action}"}}"#)).unwrap();
        let all = corpus.positives.iter().chain(&corpus.negatives);
        let wrong: Vec<String> = all
            .skip(n)
            .step_by(9)
            .filter_map(|t| check(&e, t, Cuts::Some))
            .collect();
        assert!(wrong.is_empty(), "{action}: {}", wrong.join("\n"));
    }
}

#[test]
fn a_value_that_was_found_is_removed_where_it_comes_again() {
    let e = engine(PACKS, "").unwrap();
    let corpus = corpus();
    let all: Vec<_> = corpus
        .positives
        .iter()
        .filter_map(|t| Some((t, comes_again(&e, t)?)))
        .collect();
    assert!(all.len() > 1000, "{} values to try", all.len());
    let left: Vec<&str> = all
        .iter()
        .filter(|(_, gone)| !gone)
        .map(|(t, _)| t.name.as_str())
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

/// What is found goes whole: where the engine changed a text at all, no half of the secret is left.
#[test]
fn the_whole_secret_goes() {
    let corpus = corpus();
    let mut halves = Vec::new();
    for pack in PACKS {
        let e = engine(&[pack], "").unwrap();
        for t in corpus.positives.iter().filter(|t| t.pack == *pack && !t.touch) {
            let bytes = t.made.text.as_bytes();
            let got = scan(&e, kind(bytes), [bytes]);
            let touched = |s: &(usize, usize)| got.found.iter().any(|f| f.1 < s.1 && s.0 < f.2);
            if t.made.spans.iter().all(touched) && leaks(&t.made, &got.out).is_some() {
                halves.push(t.name.as_str());
            }
        }
    }
    assert!(halves.is_empty(), "{} texts: {halves:?}", halves.len());
}

#[test]
fn what_is_missed_is_told() {
    let corpus = corpus();
    let score = judge(&corpus, &["secrets"], &engine(&["tokens"], "").unwrap()).unwrap();
    assert!(score.caught.of < score.caught.all && !score.missed.is_empty());
}
