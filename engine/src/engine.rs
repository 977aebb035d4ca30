//! A compiled policy: everything that streams share, and nothing that changes.

use std::collections::BTreeMap;

use crate::catalogue;
use crate::decide::custom::Terms;
use crate::decide::own;
use crate::decide::validate::{Seen, Validator};
use crate::decode::{Decode, Reading};
use crate::detect::anchors::Anchors;
use crate::detect::classes::Classes;
use crate::detect::front::Fronts;
use crate::detect::program::Program;
use crate::error::PolicyError;
use crate::explain::Verdict;
use crate::policy::{ErrorRule, OnEncoded, compile};
use crate::rewrite::{Action, Source};

#[derive(Clone, Debug)]
pub(crate) struct Detector {
    pub(crate) id: String,
    pub(crate) program: Program,
    pub(crate) validators: Vec<&'static Validator>,
    /// What a custom one asks beyond that.
    pub(crate) terms: Option<Box<Terms>>,
    /// Lower is surer: what a stretch is called when two detectors find it.
    pub(crate) rank: u8,
}

#[derive(Clone, Debug)]
pub(crate) struct FieldRule {
    pub(crate) action: Action,
}

/// A compiled policy.
#[derive(Clone, Debug)]
pub struct Engine {
    pub(crate) detectors: Vec<Detector>,
    pub(crate) anchors: Anchors,
    pub(crate) classes: Classes,
    pub(crate) fronts: Fronts,
    pub(crate) fields: Vec<FieldRule>,
    /// Lower-case name → rule.
    pub(crate) field_names: BTreeMap<Vec<u8>, u16>,
    pub(crate) allow: Vec<Vec<u8>>,
    pub(crate) decode: Decode,
    pub(crate) action: Action,
    pub(crate) enforce: bool,
    pub(crate) numbers: bool,
    pub(crate) scan_headers: bool,
    pub(crate) scan_body: bool,
    pub(crate) scan_trailers: bool,
    pub(crate) errors: Option<ErrorRule>,
    pub(crate) on_encoded: OnEncoded,
    pub(crate) audit_log: bool,
}

impl Engine {
    /// Reads and compiles a policy (JSON; empty text is the default policy).
    pub fn new(policy: &[u8]) -> Result<Engine, PolicyError> {
        compile::compile(policy)
    }

    /// Whether findings are replaced (`mode: enforce`), or only reported.
    pub fn enforces(&self) -> bool {
        self.enforce
    }

    /// Whether response headers are looked at.
    pub fn scans_headers(&self) -> bool {
        self.scan_headers
    }

    /// Whether response bodies are looked at.
    pub fn scans_body(&self) -> bool {
        self.scan_body
    }

    /// Whether response trailers are looked at.
    pub fn scans_trailers(&self) -> bool {
        self.scan_trailers
    }

    /// Whether an exchange with findings gets an audit line.
    pub fn audits(&self) -> bool {
        self.audit_log
    }

    /// What happens to a compressed body.
    pub fn on_encoded(&self) -> OnEncoded {
        self.on_encoded
    }

    /// The rule for error responses with this status.
    pub fn error_rule(&self, status: u16) -> Option<&ErrorRule> {
        self.errors
            .as_ref()
            .filter(|e| e.status.iter().any(|s| s.covers(status)))
    }

    /// How many detectors are armed.
    pub fn detectors(&self) -> usize {
        self.detectors.len()
    }

    /// Their ids.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.detectors.iter().map(|d| d.id.as_str())
    }

    /// The action for detectors.
    pub fn action(&self) -> Action {
        self.action
    }

    /// The literals at which detectors start, for the benchmark's baseline: another search for the same ones.
    #[doc(hidden)]
    pub fn anchors(&self) -> impl Iterator<Item = &[u8]> {
        self.anchors.literals()
    }

    /// How text reads as it stands.
    pub(crate) fn reading(&self) -> Reading {
        Reading {
            percent: 0,
            references: self.decode.entities,
        }
    }

    /// What a finding is called.
    pub(crate) fn id_of(&self, source: Source) -> &str {
        match source {
            Source::Field(_) => "field",
            Source::Detector(d) => self.detectors.get(usize::from(d)).map_or("", |d| &d.id),
        }
    }

    pub(crate) fn rank(&self, source: Source) -> u8 {
        match source {
            Source::Field(_) => 0,
            Source::Detector(d) => self.detectors.get(usize::from(d)).map_or(u8::MAX, |d| d.rank),
        }
    }

    /// Whether what it finds is looked for in the rest of the exchange. Personal data and paths are known by their
    /// form wherever they stand, and would take the room of a password that is known only by its place.
    pub(crate) fn remembers(&self, detector: u16) -> bool {
        let rank = self.detectors.get(usize::from(detector)).map_or(u8::MAX, |d| d.rank);
        let packs = catalogue::PACKS.iter().zip(1..);
        let by_form = |(pack, r): (&&str, u8)| r == rank && matches!(*pack, "pii" | "error-leaks");
        !packs.into_iter().any(by_form)
    }

    /// Step three: is this value a secret that must go?
    pub(crate) fn judge(&self, detector: u16, seen: &Seen) -> Verdict {
        if own::already_redacted(seen.value) {
            return Verdict::OwnLabel;
        }
        let Some(d) = self.detectors.get(usize::from(detector)) else {
            return Verdict::Empty;
        };
        if let Some(term) = d.terms.as_ref().and_then(|t| t.broken(seen)) {
            return Verdict::Rejected(term);
        }
        match d.validators.iter().find(|v| !(v.accepts)(seen)) {
            Some(v) => Verdict::Rejected(v.name),
            None if self.allow.iter().any(|a| a == seen.value) => Verdict::Allowed,
            None => Verdict::Secret,
        }
    }
}
