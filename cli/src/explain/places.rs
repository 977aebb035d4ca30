//! The engine's steps, set against its findings: one outcome for each place where a detector looked.

use std::collections::{BTreeMap, BTreeSet};

use keepmum_engine::explain::{Verdict, What};
use keepmum_engine::{Engine, Exchange, Finding, Workspace, catalogue};
use serde::Serialize;

/// All that is told of a text.
#[derive(Serialize)]
pub struct Places {
    /// Bytes of text.
    pub bytes: usize,
    /// Detectors that were asked.
    pub detectors: usize,
    /// In order.
    pub places: Vec<Place>,
    /// What detectors of packs that are not armed would take in addition.
    pub unasked: Vec<Unasked>,
}

/// A finding that there would be with another pack.
#[derive(Serialize)]
pub struct Unasked {
    pub detector: String,
    pub pack: &'static str,
    pub secret: Stretch,
}

/// One detector at one place.
#[derive(Serialize)]
pub struct Place {
    pub detector: String,
    /// Where its anchor stands, or what was found.
    pub offset: u64,
    pub line: usize,
    /// Bytes from the beginning of the line, and one.
    pub column: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<Stretch>,
    /// Where it stands in a JSON document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// Offsets into the text.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Stretch {
    pub start: u64,
    pub end: u64,
}

/// A part of the text that may be shown.
#[derive(Serialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// It was replaced.
    Redacted {
        action: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        value: Option<String>,
    },
    /// A value that was found before, found again.
    Repeated {
        action: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        value: Option<String>,
    },
    /// A validator says that it is none, or a field of a custom detector does.
    Rejected {
        validator: &'static str,
        because: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        value: Option<String>,
    },
    /// The policy lets it stay.
    Allowed {
        #[serde(skip_serializing_if = "Option::is_none")]
        value: Option<String>,
    },
    /// The engine put it there itself.
    OwnLabel,
    /// Another finding covers it, or a part of it.
    Lost {
        to: String,
        at: Stretch,
        because: &'static str,
    },
    /// The pattern does not match.
    NoMatch,
}

impl Places {
    /// Sorts out what happened.
    pub fn of(engine: &Engine, exchange: &Exchange, text: &[u8], show: bool) -> Places {
        let mut matched: BTreeMap<(&str, u64), Vec<(Stretch, Verdict)>> = BTreeMap::new();
        let mut anchors: BTreeSet<(&str, u64)> = BTreeSet::new();
        for step in exchange.steps() {
            let at = (step.detector(engine), step.start);
            match step.what {
                What::Anchor { .. } => _ = anchors.insert(at),
                What::Matched {
                    secret: (start, end),
                    verdict,
                } => {
                    let one = (Stretch { start, end }, verdict);
                    let all = matched.entry(at).or_default();
                    if !all.contains(&one) {
                        all.push(one);
                    }
                }
            }
        }
        let value = |s: Stretch| {
            let at = |o: u64| usize::try_from(o).unwrap_or(usize::MAX);
            let value = text.get(at(s.start)..at(s.end)).unwrap_or_default();
            show.then(|| String::from_utf8_lossy(value).into_owned())
        };
        let mut found = Vec::new();
        for &(detector, offset) in anchors.iter().filter(|a| !matched.contains_key(a)) {
            found.push((detector, offset, None, Outcome::NoMatch));
        }
        for (&(detector, offset), all) in &matched {
            for &(secret, verdict) in all {
                let value = value(secret);
                let outcome = match verdict {
                    Verdict::Rejected(validator) => Outcome::Rejected {
                        validator,
                        because: rejects(validator),
                        value,
                    },
                    Verdict::Allowed => Outcome::Allowed { value },
                    Verdict::OwnLabel => Outcome::OwnLabel,
                    Verdict::Empty => Outcome::NoMatch,
                    Verdict::Secret => accepted(engine, exchange, (detector, secret), value),
                };
                found.push((detector, offset, Some(secret), outcome));
            }
        }
        let known: BTreeSet<(&str, u64)> = matched
            .iter()
            .flat_map(|((d, _), all)| all.iter().map(|(s, _)| (*d, s.start)))
            .collect();
        for f in exchange.findings() {
            let (detector, secret) = (f.detector(engine), of(f));
            if known.contains(&(detector, secret.start)) {
                continue;
            }
            let (action, value) = (action(engine, f), value(secret));
            let outcome = if detector == "field" {
                Outcome::Redacted { action, value }
            } else {
                Outcome::Repeated { action, value }
            };
            found.push((detector, secret.start, Some(secret), outcome));
        }
        found.sort_by(|a, b| (a.1, a.0).cmp(&(b.1, b.0)));
        let lines = Lines::of(text);
        let place = |(detector, offset, secret, outcome): (&str, u64, Option<Stretch>, Outcome)| {
            let (line, column) = lines.at(secret.map_or(offset, |s| s.start));
            Place {
                detector: detector.to_owned(),
                offset,
                line,
                column,
                secret,
                pointer: None,
                outcome,
            }
        };
        Places {
            bytes: text.len(),
            detectors: engine.detectors(),
            places: found.into_iter().map(place).collect(),
            unasked: Vec::new(),
        }
    }
}

impl Places {
    /// Says where in a JSON document each match stands.
    pub fn point(&mut self, engine: &Engine, document: &[u8]) {
        let mut at: Vec<u64> = self.places.iter().filter_map(|p| p.secret.map(|s| s.start)).collect();
        at.sort_unstable();
        at.dedup();
        let pointers = engine.pointers_in(&mut Workspace::default(), document, &at);
        let by_place: BTreeMap<u64, Option<String>> = at.into_iter().zip(pointers).collect();
        for p in &mut self.places {
            let start = p.secret.map(|s| s.start);
            p.pointer = start.and_then(|start| by_place.get(&start).cloned().flatten());
        }
    }
}

/// What is found with every pack and touches nothing that is found without.
pub fn unasked((engine, exchange): (&Engine, &Exchange), (all, others): (&Engine, &Exchange)) -> Vec<Unasked> {
    let asked: BTreeSet<&str> = engine.ids().collect();
    let found: Vec<Stretch> = exchange.findings().iter().map(of).collect();
    let free = |s: &Stretch| !found.iter().any(|f| f.start < s.end && s.start < f.end);
    let mut list = Vec::new();
    for f in others.findings() {
        let (id, secret) = (f.detector(all), of(f));
        let built_in = catalogue::BUILT_IN.iter().find(|d| d.id == id);
        if let Some(d) = built_in.filter(|d| !asked.contains(d.id) && free(&secret)) {
            let (detector, pack) = (d.id.to_owned(), d.pack);
            list.push(Unasked { detector, pack, secret });
        }
    }
    list
}

fn of(f: &Finding) -> Stretch {
    Stretch {
        start: f.start(),
        end: f.end(),
    }
}

fn action(engine: &Engine, f: &Finding) -> &'static str {
    if engine.enforces() { f.action().name() } else { "report" }
}

fn rejects(validator: &str) -> &'static str {
    match validator {
        // Fields of a custom detector.
        "keywords" => "not near one of the detector's keywords",
        "min_entropy" => "less random than the detector asks",
        "max_length" => "longer than the detector allows",
        _ => catalogue::validators()
            .find(|(name, _)| *name == validator)
            .map_or("", |(_, rejects)| rejects),
    }
}

/// A secret for one detector: did it also get the place?
fn accepted(
    engine: &Engine,
    exchange: &Exchange,
    (detector, secret): (&str, Stretch),
    value: Option<String>,
) -> Outcome {
    let findings = exchange.findings();
    let own = findings
        .iter()
        .find(|f| f.detector(engine) == detector && f.start() <= secret.start && secret.start < f.end());
    if let Some(f) = own {
        let action = action(engine, f);
        return Outcome::Redacted { action, value };
    }
    let Some(winner) = findings
        .iter()
        .find(|f| f.start() < secret.end && secret.start < f.end())
    else {
        return Outcome::NoMatch;
    };
    let because = if winner.start() < secret.start {
        "it begins earlier"
    } else if sure(winner.detector(engine)) < sure(detector) {
        "its pack is surer"
    } else if winner.end() > secret.end {
        "it is longer"
    } else {
        "it comes first in the catalogue"
    };
    Outcome::Lost {
        to: winner.detector(engine).to_owned(),
        at: of(winner),
        because,
    }
}

/// Lower is surer; custom detectors and field rules are as sure as the first pack.
fn sure(detector: &str) -> usize {
    let pack = catalogue::BUILT_IN.iter().find(|d| d.id == detector).map(|d| d.pack);
    catalogue::PACKS.iter().position(|p| Some(*p) == pack).unwrap_or(0)
}

/// Where lines begin.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &[u8]) -> Lines {
        Lines(
            std::iter::once(0)
                .chain(memchr::memchr_iter(b'\n', text).map(|i| i + 1))
                .collect(),
        )
    }

    /// Line and column, from one.
    fn at(&self, offset: u64) -> (usize, usize) {
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        let line = self.0.partition_point(|begin| *begin <= offset);
        let begin = self.0.get(line.saturating_sub(1)).copied().unwrap_or(0);
        (line, offset - begin + 1)
    }
}
