//! What an exchange tells the world when it is over: counters, one audit line, filter state for the proxy's access log, and
//! at debug level one line a finding. Never a value, never a piece of a body.
//!
//! In mode `report` all of it is what `enforce` would have told, but for the mode: operators decide by it.

use std::cell::RefCell;

use keepmum_engine::limits::CANDIDATE_BYTES;
use keepmum_engine::{Action, AuditRules, Count, Engine, Exchange};
use serde_json::{Value, json};

use crate::host::{self, Level};
use crate::known;
use crate::metrics::{Metrics, mode};
use crate::request::Request;

/// What became of an exchange, the strongest last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    /// Nothing was found.
    #[default]
    Clean,
    /// The body, or a part of it, went through unread.
    Uninspected,
    /// What was found stays, by the action `report`.
    Reported,
    /// An error response lost headers that leak.
    Scrubbed,
    /// What was found was replaced.
    Redacted,
    /// An error response was replaced.
    Replaced,
    /// The body, or the rest of it, could not be inspected and was left out.
    Dropped,
    /// The proxy did not let it be redacted: the client got a 502, or the stream was reset.
    Failed,
    /// The response was, or was broken off.
    Blocked,
    /// The request went no further.
    Denied,
}

impl Outcome {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Outcome::Clean => "clean",
            Outcome::Uninspected => "uninspected",
            Outcome::Reported => "reported",
            Outcome::Scrubbed => "scrubbed",
            Outcome::Redacted => "redacted",
            Outcome::Replaced => "replaced",
            Outcome::Dropped => "dropped",
            Outcome::Failed => "failed",
            Outcome::Blocked => "blocked",
            Outcome::Denied => "denied",
        }
    }

    /// By what was found so far.
    pub(crate) fn of(exchange: &Exchange) -> Outcome {
        let least = if exchange.given_up() > 0 || exchange.any_unread() {
            Outcome::Uninspected
        } else {
            Outcome::Clean
        };
        exchange.counts().map(Outcome::found).fold(least, Outcome::max)
    }

    /// By one finding.
    pub(crate) fn found(count: &Count) -> Outcome {
        match count.action() {
            Action::Report => Outcome::Reported,
            _ => Outcome::Redacted,
        }
    }

    /// What counts it.
    pub(crate) fn metric(self) -> &'static str {
        match self {
            Outcome::Replaced => "errors_replaced",
            other => other.name(),
        }
    }
}

/// An exchange that is over.
pub(crate) struct Report<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) exchange: &'a Exchange,
    /// Where things were found; `places[part]` of a finding.
    pub(crate) places: &'a [String],
    pub(crate) request: &'a Request,
    pub(crate) status: u16,
    pub(crate) outcome: Outcome,
    /// Why, if there can be more than one reason.
    pub(crate) reason: &'static str,
}

/// Bytes of the list of findings in filter state.
const LISTED_BYTES: usize = 1024;

impl Report<'_> {
    fn place(&self, part: u16) -> &str {
        self.places.get(usize::from(part)).map_or("", String::as_str)
    }

    /// What became of it, by what was found too.
    fn outcome(&self) -> Outcome {
        self.outcome.max(Outcome::of(self.exchange))
    }

    /// Counts, and writes the lines.
    pub(crate) fn tell(&self, metrics: Metrics, limiter: &RefCell<Limiter>) {
        if self.exchange.given_up() > 0 {
            metrics.uninspected(self.engine, "limit");
            let bytes = self.exchange.given_up().saturating_mul(CANDIDATE_BYTES);
            metrics.uninspected_bytes(self.engine, "limit", bytes);
        }
        for c in self.exchange.counts() {
            let place = kind(self.place(c.part()));
            metrics.finding(
                self.engine,
                c.detector(self.engine),
                &place,
                c.action().name(),
                c.times(),
            );
            if c.is_file() {
                metrics.done(self.engine, "denied", "body");
            }
        }
        let outcome = self.outcome();
        let client_hits = self.count_client();
        self.leave(outcome);
        if outcome > Outcome::Uninspected && self.engine.audit().log {
            let taken = limiter.try_borrow_mut().map(|mut l| l.take(self.engine.audit()));
            match taken.unwrap_or(Err("rate")) {
                Ok(()) => host::log(
                    Level::Info,
                    &format!("keepmum audit {}", self.line(outcome, client_hits)),
                ),
                Err(why) => metrics.audit_dropped(why),
            }
        }
        if host::logs(Level::Debug) {
            for f in self.exchange.findings() {
                let line = json!({
                    "detector": f.detector(self.engine),
                    "place": self.place(f.part()),
                    "action": f.action().name(),
                    "start": f.start(),
                    "end": f.end(),
                });
                host::log(Level::Debug, &format!("keepmum finding {line}"));
            }
        }
    }

    /// How often exact secrets were found for this client, now and before.
    fn count_client(&self) -> u64 {
        let times = self.exchange.known_hits().map(|h| h.times).sum::<u64>();
        if times == 0 {
            return 0;
        }
        let mut client = host::property(&["source", "address"]).unwrap_or_default();
        if let Some(port) = client.iter().rposition(|b| *b == b':') {
            client.truncate(port);
        }
        known::count_client(&client, times)
    }

    /// The audit line.
    fn line(&self, outcome: Outcome, client_hits: u64) -> Value {
        let finding = |(i, c): (usize, &Count)| {
            let mut finding = json!({
                "detector": c.detector(self.engine),
                "place": self.place(c.part()),
                "action": c.action().name(),
                "count": c.times(),
            });
            if let (Some(rule), Some(map)) = (c.rule(), finding.as_object_mut()) {
                map.insert("rule".to_owned(), format!("fields[{rule}]").into());
            }
            let pointers = self.exchange.pointers(i);
            if let (false, Some(map)) = (pointers.is_empty(), finding.as_object_mut()) {
                map.insert("pointers".to_owned(), pointers.into());
            }
            finding
        };
        let findings: Vec<Value> = self.exchange.counts().enumerate().map(finding).collect();
        let mut line = json!({
            "request_id": self.request.id,
            "trace_id": self.request.trace,
            "method": self.request.method,
            "host": self.request.host,
            "route": self.engine.name(),
            "policy": self.engine.version(),
            "mode": mode(self.engine),
            "outcome": outcome.name(),
            "status": self.status,
            "findings": findings,
        });
        if let (false, Some(map)) = (self.reason.is_empty(), line.as_object_mut()) {
            map.insert("reason".to_owned(), self.reason.into());
        }
        let known: Vec<Value> = self
            .exchange
            .known_hits()
            .map(|h| {
                json!({
                    "id": h.secret.id,
                    "version": h.secret.version,
                    "stage": h.secret.stage.name(),
                    "reflected": h.reflected,
                    "count": h.times,
                })
            })
            .collect();
        if let (false, Some(map)) = (known.is_empty(), line.as_object_mut()) {
            map.insert("known".to_owned(), known.into());
            map.insert("client_hits".to_owned(), client_hits.into());
        }
        line
    }

    /// Leaves filter state for the access log: `%FILTER_STATE(wasm.keepmum.outcome:PLAIN)%`. Of an exchange in which nothing
    /// was found only the outcome, since most are such.
    fn leave(&self, outcome: Outcome) {
        let set = |name: &str, value: &str| {
            // An access log that cannot be told is not worth more than the request.
            let _ = host::set_property(name, value.as_bytes());
        };
        set("keepmum.outcome", outcome.name());
        if outcome == Outcome::Clean {
            return;
        }
        set("keepmum.mode", mode(self.engine));
        set("keepmum.route", self.engine.metric_name());
        set("keepmum.policy", &self.engine.version().to_string());
        let mut list = String::new();
        for c in self.exchange.counts() {
            let (detector, place) = (c.detector(self.engine), self.place(c.part()));
            let item = format!("{detector}@{place}={}*{}", c.action().name(), c.times());
            if list.len() + item.len() > LISTED_BYTES {
                list.push_str(";...");
                break;
            }
            if !list.is_empty() {
                list.push(';');
            }
            list.push_str(&item);
        }
        if !list.is_empty() {
            set("keepmum.findings", &list);
        }
    }
}

/// What metrics call a place: `header` for `response.header.x-note`, `request_header` for `request.header.x-note`.
fn kind(place: &str) -> String {
    let mut steps = place.split('.');
    match (steps.next(), steps.next()) {
        (Some("request"), Some(kind)) => format!("request_{kind}"),
        (_, kind) => kind.unwrap_or("body").to_owned(),
    }
}

/// Which audit lines are written: a share of them, and no more than so many a second.
#[derive(Default)]
pub(crate) struct Limiter {
    /// Lines that the share has earned.
    share: f64,
    /// Lines that may be written at once.
    left: f64,
    /// When that was so, in nanoseconds.
    at: u64,
}

impl Limiter {
    /// Whether the next line is written; if not, why.
    fn take(&mut self, rules: &AuditRules) -> Result<(), &'static str> {
        self.share += rules.sample;
        if self.share < 1.0 {
            return Err("sample");
        }
        self.share -= 1.0;
        let now = host::now();
        let rate = f64::from(rules.rate);
        if self.at == 0 {
            self.left = rate;
        }
        let seconds = now.saturating_sub(self.at) as f64 / 1e9;
        self.at = now;
        self.left = (self.left + seconds * rate).min(rate);
        if self.left < 1.0 {
            return Err("rate");
        }
        self.left -= 1.0;
        Ok(())
    }
}
