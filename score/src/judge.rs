//! What a set of packs does on the corpus: recall, precision, changed negatives, and which texts are wrong.

use std::collections::BTreeMap;

use anyhow::Result;
use keepmum_engine::{Engine, catalogue};
use serde_json::{Value, json};

use crate::corpus::{Corpus, Text};
use crate::scan::{Scanned, is_json, kind, leaks, scan};

/// A part of a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// The part.
    pub of: usize,
    /// The whole.
    pub all: usize,
}

impl Share {
    /// Counts one more.
    pub fn count(&mut self, yes: bool) {
        self.of += usize::from(yes);
        self.all += 1;
    }

    /// As a number from 0 to 1; the part of nothing is `of_nothing`.
    pub fn value(self, of_nothing: f64) -> f64 {
        if self.all == 0 {
            of_nothing
        } else {
            self.of as f64 / self.all as f64
        }
    }
}

/// What was seen.
#[derive(Clone, Debug, Default)]
pub struct Score {
    /// The packs.
    pub packs: Vec<String>,
    /// Positives in which all is gone.
    pub caught: Share,
    /// Findings that cover something that must go.
    pub right: Share,
    /// Negatives that were changed.
    pub changed: Share,
    /// Positives of a detector, and of an encoding.
    pub by_detector: BTreeMap<String, Share>,
    /// By encoding; `plain` for none.
    pub by_layer: BTreeMap<String, Share>,
    /// Names of positives in which something is left, of negatives that were changed, and of JSON that is none any more.
    pub missed: Vec<String>,
    /// Changed negatives, with the detector.
    pub wrong: Vec<String>,
    /// Documents that were valid JSON, and are not.
    pub broken: Vec<String>,
}

/// Takes the corpus through an engine with these packs.
///
/// # Errors
/// None today; a corpus without texts is the caller's to notice.
pub fn judge(corpus: &Corpus, packs: &[&str], engine: &Engine) -> Result<Score> {
    let mut score = Score {
        packs: packs.iter().map(|p| (*p).to_owned()).collect(),
        ..Score::default()
    };
    for text in corpus.positives.iter().filter(|t| packs.contains(&t.pack.as_str())) {
        let got = run(engine, text, &mut score);
        score.positive(text, &got);
    }
    let judged = |t: &&Text| packs.iter().all(|p| t.packs.iter().any(|q| q == p));
    for text in corpus.negatives.iter().filter(judged) {
        let got = run(engine, text, &mut score);
        score.negative(text, &got);
    }
    Ok(score)
}

fn run(engine: &Engine, text: &Text, score: &mut Score) -> Scanned {
    let bytes = text.made.text.as_bytes();
    let got = scan(engine, kind(bytes), [bytes]);
    if kind(bytes).json && !is_json(&got.out) {
        score.broken.push(text.name.clone());
    }
    got
}

fn pack_of(id: &str) -> &'static str {
    let one = catalogue::BUILT_IN.iter().find(|d| d.id == id);
    one.map_or("", |d| d.pack)
}

impl Score {
    fn positive(&mut self, text: &Text, got: &Scanned) {
        let covers = |(from, to): (usize, usize)| got.found.iter().any(|f| f.1 < to && from < f.2);
        let gone = if text.touch {
            text.made.spans.iter().all(|s| covers(*s))
        } else {
            leaks(&text.made, &got.out).is_none()
        };
        self.caught.count(gone);
        let layer = text.layer.as_deref().unwrap_or("plain");
        self.by_layer.entry(layer.to_owned()).or_default().count(gone);
        if let Some(d) = &text.detector {
            self.by_detector.entry(d.clone()).or_default().count(gone);
        }
        if !gone {
            self.missed.push(text.name.clone());
        }
        for (id, from, to) in &got.found {
            // A value that comes again is found again: that is right wherever it is.
            let again = || {
                let bytes = text.made.text.as_bytes().get(*from..*to).unwrap_or_default();
                text.made.plain.iter().any(|p| p.as_bytes() == bytes)
            };
            let right = text.made.spans.iter().any(|s| s.0 < *to && *from < s.1) || again();
            // Another pack may know better: a host of the inside in a connection string is one.
            if !right && pack_of(id) != text.pack {
                continue;
            }
            self.right.count(right);
        }
    }

    fn negative(&mut self, text: &Text, got: &Scanned) {
        let wrong: Vec<&str> = got
            .found
            .iter()
            .map(|f| f.0.as_str())
            .filter(|d| text.detector.as_deref().is_none_or(|own| own == *d))
            .collect();
        self.changed.count(!wrong.is_empty());
        for d in &wrong {
            self.right.count(false);
            self.wrong.push(format!("{} by {d}", text.name));
        }
    }

    /// For the JSON file.
    pub fn json(&self) -> Value {
        let shares = |m: &BTreeMap<String, Share>| -> Value {
            m.iter()
                .map(|(k, s)| (k.clone(), json!([s.of, s.all])))
                .collect::<serde_json::Map<_, _>>()
                .into()
        };
        json!({
            "packs": self.packs,
            "positives": [self.caught.of, self.caught.all], "recall": self.caught.value(1.0),
            "findings": [self.right.of, self.right.all], "precision": self.right.value(1.0),
            "negatives_changed": [self.changed.of, self.changed.all],
            "by_layer": shares(&self.by_layer), "by_detector": shares(&self.by_detector),
            "missed": self.missed, "changed": self.wrong, "broken_json": self.broken,
        })
    }
}
