//! A compiled policy: everything that streams share, and nothing that changes.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::catalogue;
use crate::decide::custom::Terms;
use crate::decide::own;
use crate::decide::validate::{Seen, Validator};
use crate::decide::whole::Whole;
use crate::decode::deltas::Shapes;
use crate::decode::paths::Paths;
use crate::decode::zones::{Kept, Rules};
use crate::decode::{Decode, Reading};
use crate::deny::Denied;
use crate::detect::anchors::Anchors;
use crate::detect::classes::Classes;
use crate::detect::front::Fronts;
use crate::detect::program::Program;
use crate::error::PolicyError;
use crate::errors::ErrorProfile;
use crate::exchange::Exchange;
use crate::explain::Verdict;
use crate::policy::action::Environment;
use crate::policy::deny;
use crate::policy::glob::matches;
use crate::policy::routes::{RequestFacts, Routed, Routes};
use crate::policy::unread::OnUnread;
use crate::policy::{AuditRules, Bounds, Fate, Feed, compile};
use crate::rewrite::{self, Action, Defang, Means, Reply, Source, Template};
use crate::stream::{Body, BodyKind, Workspace};

#[derive(Clone, Debug)]
pub(crate) struct Detector {
    pub(crate) id: String,
    pub(crate) program: Program,
    pub(crate) validators: Vec<&'static Validator>,
    /// What a custom one asks beyond that.
    pub(crate) terms: Option<Box<Terms>>,
    /// What its values are where they are not to go as a whole.
    pub(crate) defang: Option<Defang>,
    /// Lower is surer: what a stretch is called when two detectors find it.
    pub(crate) rank: u8,
}

#[derive(Clone, Debug)]
pub(crate) struct FieldRule {
    pub(crate) action: Action,
    /// It is the field's own, and not what the direction does.
    pub(crate) own: bool,
}

/// What may stay: what all of these hold for, as far as they are asked for.
#[derive(Clone, Debug)]
pub(crate) struct Allowed {
    pub(crate) value: Option<Vec<u8>>,
    pub(crate) pattern: Option<Whole>,
    pub(crate) place: Option<String>,
    /// Its bit, if it names fields.
    pub(crate) fields: Option<Rules>,
}

/// Where a value was found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spot<'p> {
    pub(crate) place: &'p str,
    /// The items of `allow` in whose fields it stands.
    pub(crate) fields: Rules,
    /// It is all there; otherwise only its beginning is known.
    pub(crate) is_whole: bool,
}

impl Allowed {
    fn allows(&self, value: &[u8], spot: Spot) -> bool {
        let is = |own: &Vec<u8>| spot.is_whole && own == value;
        self.fields.is_none_or(|own| own & spot.fields != 0)
            && (self.place.as_deref()).is_none_or(|p| matches(p.as_bytes(), spot.place.as_bytes()))
            && self.value.as_ref().is_none_or(is)
            && (self.pattern.as_ref()).is_none_or(|p| spot.is_whole && p.matches(value))
    }
}

/// Lower-case name → rule.
pub(crate) type FieldNames = BTreeMap<Vec<u8>, u16>;

/// A compiled policy: the defaults, or one of its routes. Routes share what they have in common.
#[derive(Clone, Debug)]
pub struct Engine {
    /// Those that any route arms: an index means the same on all of them.
    pub(crate) detectors: Arc<[Detector]>,
    /// Which of them are armed here.
    pub(crate) armed: Arc<Armed>,
    pub(crate) fields: Arc<[FieldRule]>,
    pub(crate) field_names: Arc<FieldNames>,
    pub(crate) field_paths: Arc<Paths>,
    pub(crate) allow: Arc<[Allowed]>,
    /// The fields that its items name.
    pub(crate) kept: Arc<Kept>,
    pub(crate) decode: Decode,
    /// Where streams of events spell texts.
    pub(crate) streams: Arc<Shapes>,
    pub(crate) action: Action,
    /// Actions of single detectors.
    pub(crate) actions: Arc<BTreeMap<u16, Action>>,
    /// What actions need.
    pub(crate) means: Arc<Means>,
    /// Actions differ, or leave parts: where findings overlap, all of them have to be known before one is settled.
    pub(crate) careful: bool,
    /// What is done with exact secrets.
    pub(crate) known: Option<Action>,
    /// Where the set of their fingerprints comes from.
    pub(crate) feed: Option<Arc<Feed>>,
    pub(crate) enforce: bool,
    pub(crate) scan_headers: bool,
    pub(crate) scan_body: bool,
    pub(crate) scan_trailers: bool,
    /// Of requests only.
    pub(crate) scan_query: bool,
    pub(crate) scan_path: bool,
    pub(crate) scan_cookies: bool,
    /// What is done with requests; `None`: nothing.
    pub(crate) request: Option<Arc<Engine>>,
    pub(crate) errors: Option<Arc<ErrorProfile>>,
    pub(crate) deny: Option<Arc<deny::Rules>>,
    pub(crate) on_unread: OnUnread,
    pub(crate) bounds: Bounds,
    pub(crate) audit: Arc<AuditRules>,
    /// The number by which the policy is known.
    pub(crate) version: u64,
    pub(crate) bypass: bool,
    /// The route's name; empty for the defaults.
    pub(crate) name: String,
    /// The same as metrics have it.
    pub(crate) metric_name: String,
    /// The exceptions to the defaults.
    pub(crate) routes: Option<Arc<Routes>>,
}

/// A set of detectors, and the tables that find their beginnings. Routes with the same set share it.
#[derive(Clone, Debug)]
pub(crate) struct Armed {
    pub(crate) set: Vec<bool>,
    pub(crate) anchors: Anchors,
    pub(crate) classes: Classes,
    pub(crate) fronts: Fronts,
    pub(crate) numbers: bool,
}

impl Engine {
    /// Reads and compiles a policy: JSON, YAML 1.2 or the binary form of a `google.protobuf.Struct`. No text at all is the
    /// default policy. Which of them it is, the bytes say: a Struct begins with 0x0A (and is one to its last byte), JSON
    /// with `{` behind white space, and everything else is YAML.
    pub fn new(policy: &[u8]) -> Result<Engine, PolicyError> {
        compile::compile(policy, None, &|_| None)
    }

    /// The same with an environment: where a policy names a variable (the key of `hash`), the caller says what is in it.
    pub fn with_environment(policy: &[u8], environment: Environment) -> Result<Engine, PolicyError> {
        compile::compile(policy, None, environment)
    }

    /// The same with these packs in place of the policy's (but for what its routes say).
    pub fn with_packs(policy: &[u8], packs: &[String], environment: Environment) -> Result<Engine, PolicyError> {
        compile::compile(policy, Some(packs), environment)
    }

    /// The routes of the policy that a request may be on; which one it is can depend on the response.
    pub fn route(&self, request: &RequestFacts) -> Routed {
        self.routes.as_ref().map_or_else(Routed::default, |r| r.route(request))
    }

    /// Name of the route, or `default`.
    pub fn name(&self) -> &str {
        if self.name.is_empty() { "default" } else { &self.name }
    }

    /// Whether nothing is looked at.
    pub fn bypasses(&self) -> bool {
        self.bypass
    }

    /// Whether a request for this path (`:path`, as it came) is answered in place of the upstream.
    pub fn denies(&self, path: &[u8]) -> Option<Denied> {
        self.deny.as_deref()?.denies(path)
    }

    /// Where the fingerprints of exact secrets come from, if the policy has them.
    pub fn feed(&self) -> Option<&Arc<Feed>> {
        self.feed.as_ref()
    }

    /// Exact secrets are looked for, with no feed that the policy names: the caller brings the set (`Workspace::know`). The policy's
    /// action for them stays, if it has one.
    pub fn arm_known(&mut self) {
        self.known.get_or_insert(Action::default());
    }

    /// What is done with exact secrets; `None`: they are not looked for.
    pub(crate) fn known_action(&self) -> Option<Action> {
        self.known
    }

    /// What is done with bodies that are files of secrets as a whole.
    pub(crate) fn on_file(&self) -> Option<Action> {
        self.deny.as_deref()?.on_file
    }

    /// What is done with what a detector finds.
    pub(crate) fn action_of(&self, detector: u16) -> Action {
        *self.actions.get(&detector).unwrap_or(&self.action)
    }

    /// What the client gets in place of a message that was blocked (`Exchange::blocked`).
    pub fn reply(&self, blocked: Action) -> Reply {
        match blocked {
            Action::Block(n) => self.means.replies.get(usize::from(n)).cloned().unwrap_or_default(),
            _ => Reply::default(),
        }
    }

    /// Labels by a template of the policy's own must not read like secrets, or a second pass would find them. The detector
    /// that finds one.
    pub(crate) fn finds_labels_of(&self, template: &Template) -> Option<String> {
        let mut labels = Vec::new();
        for id in self.ids().chain(["field"]) {
            template.write(id, &mut labels);
            labels.push(b'\n');
        }
        let (mut work, mut exchange) = (Workspace::default(), Exchange::default());
        let mut body = Body::new(BodyKind::default());
        let mut out = Vec::new();
        body.push(self, &mut work, &mut exchange, &labels, &mut out);
        body.finish(self, &mut work, &mut exchange, &mut out);
        exchange.findings().first().map(|f| f.detector(self).to_owned())
    }

    /// Whether findings are replaced (`mode: enforce`), or only reported.
    pub fn enforces(&self) -> bool {
        self.enforce
    }

    /// The rules for requests; `None`: they are not looked at.
    pub fn of_requests(&self) -> Option<&Arc<Engine>> {
        self.request.as_ref()
    }

    /// Whether the query of a request's path is looked at.
    pub fn scans_query(&self) -> bool {
        self.scan_query
    }

    /// Whether a request's path is looked at, up to its query.
    pub fn scans_path(&self) -> bool {
        self.scan_path
    }

    /// Whether a request's cookies are looked at.
    pub fn scans_cookies(&self) -> bool {
        self.scan_cookies
    }

    /// Whether headers are looked at.
    pub fn scans_headers(&self) -> bool {
        self.scan_headers
    }

    /// Whether bodies are looked at.
    pub fn scans_body(&self) -> bool {
        self.scan_body
    }

    /// Whether trailers are looked at.
    pub fn scans_trailers(&self) -> bool {
        self.scan_trailers
    }

    /// The name as it stands in the names of metrics: letters, digits, `-` and `_`.
    pub fn metric_name(&self) -> &str {
        &self.metric_name
    }

    /// What is told of exchanges, and how often.
    pub fn audit(&self) -> &AuditRules {
        &self.audit
    }

    /// The number by which the policy is known: its `revision`, or else one made of what it says.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// What happens to a message that cannot be inspected, by the reason as metrics have it.
    pub fn on_uninspectable(&self, reason: &str) -> Fate {
        self.on_unread.by(reason)
    }

    /// The policy's `limits`.
    pub fn bounds(&self) -> Bounds {
        self.bounds
    }

    /// What is done with error responses of this status.
    pub fn on_error(&self, status: u16) -> Option<&Arc<ErrorProfile>> {
        self.errors.as_ref().filter(|e| e.covers(status))
    }

    /// What is done with error responses of some status.
    pub fn errors(&self) -> Option<&ErrorProfile> {
        self.errors.as_deref()
    }

    /// The rules for errors.
    pub(crate) fn on_errors(&self) -> Option<&Engine> {
        self.errors.as_deref().map(|e| &*e.engine)
    }

    /// What all routes have in common, for the rules for errors too: while it is compiled, and nobody shares it.
    pub(crate) fn share(&mut self, means: &Arc<Means>, audit: &Arc<AuditRules>, version: u64) {
        (self.means, self.audit, self.version) = (means.clone(), audit.clone(), version);
        if let Some(engine) = self.request.as_mut().and_then(Arc::get_mut) {
            (engine.means, engine.audit, engine.version) = (means.clone(), audit.clone(), version);
        }
        let errors = self.errors.as_mut().and_then(Arc::get_mut);
        if let Some(engine) = errors.and_then(|e| Arc::get_mut(&mut e.engine)) {
            (engine.means, engine.audit, engine.version) = (means.clone(), audit.clone(), version);
        }
    }

    /// How many detectors are armed.
    pub fn detectors(&self) -> usize {
        self.ids().count()
    }

    /// Their ids.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        let armed = self.detectors.iter().zip(&self.armed.set).filter(|(_, armed)| **armed);
        armed.map(|(d, _)| d.id.as_str())
    }

    /// The action for detectors.
    pub fn action(&self) -> Action {
        self.action
    }

    /// The literals at which detectors start, for the benchmark's baseline: another search for the same ones.
    #[doc(hidden)]
    pub fn anchors(&self) -> impl Iterator<Item = &[u8]> {
        self.armed.anchors.literals()
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
            Source::File(kind) => kind.id(),
            Source::Known(kind) => kind.id(),
            Source::Detector(d) => self.detectors.get(usize::from(d)).map_or("", |d| &d.id),
        }
    }

    pub(crate) fn rank(&self, source: Source) -> u8 {
        match source {
            Source::Field(_) | Source::File(_) | Source::Known(_) => 0,
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

    /// Whether a value may stay that a detector found there.
    pub(crate) fn allows(&self, value: &[u8], spot: Spot) -> bool {
        self.allow.iter().any(|a| a.allows(value, spot))
    }

    /// Step three: is this value a secret that must go?
    pub(crate) fn judge(&self, detector: u16, seen: &Seen, spot: Spot) -> Verdict {
        let before = if seen.lead.is_empty() { seen.front } else { seen.lead }
            .last()
            .copied();
        if own::already_redacted(seen.value, &self.means)
            || rewrite::is_kept(seen.value, before, seen.after, self.means.kept)
        {
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
            None if self.allows(seen.value, spot) => Verdict::Allowed,
            None => Verdict::Secret,
        }
    }
}
