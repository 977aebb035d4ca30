//! What an exchange tells the world when it is over: counters, one audit line, and at debug level one line a finding.
//! Never a value, never a piece of a body.

use keepmum_engine::{Engine, Exchange};
use serde_json::json;

use crate::host::{self, Level};
use crate::metrics::Metrics;
use crate::request::Request;

/// Where things were found; `places[part]` of a finding.
pub(crate) struct Report<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) exchange: &'a Exchange,
    pub(crate) places: &'a [String],
    pub(crate) request: &'a Request,
    pub(crate) status: u16,
}

impl Report<'_> {
    fn place(&self, part: u16) -> &str {
        self.places.get(usize::from(part)).map_or("", String::as_str)
    }

    fn action(&self, name: &'static str) -> &'static str {
        if self.engine.enforces() { name } else { "report" }
    }

    /// Counts, and writes the lines.
    pub(crate) fn tell(&self, metrics: &Metrics) {
        if self.exchange.given_up() > 0 {
            metrics.uninspected("limit");
        }
        let mut findings = Vec::new();
        for c in self.exchange.counts() {
            let (detector, place, action) = (
                c.detector(self.engine),
                self.place(c.part()),
                self.action(c.action().name()),
            );
            let kind = place.split('.').nth(1).unwrap_or("body");
            metrics.finding(detector, kind, action, c.times());
            findings.push(json!({"detector": detector, "place": place, "action": action, "count": c.times()}));
        }
        if findings.is_empty() {
            return;
        }
        if self.engine.audits() {
            let line = json!({
                "request_id": self.request.id,
                "method": self.request.method,
                "host": self.request.host,
                "route": self.engine.name(),
                "status": self.status,
                "findings": findings,
            });
            host::log(Level::Info, &format!("keepmum audit {line}"));
        }
        if host::logs(Level::Debug) {
            for f in self.exchange.findings() {
                let line = json!({
                    "detector": f.detector(self.engine),
                    "place": self.place(f.part()),
                    "action": self.action(f.action().name()),
                    "start": f.start(),
                    "end": f.end(),
                });
                host::log(Level::Debug, &format!("keepmum finding {line}"));
            }
        }
    }
}
