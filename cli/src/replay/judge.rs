//! Expectations set against what happened: one line for each that failed, in which no value stands.

use keepmum_host_tests::capture::leaked;
use keepmum_host_tests::exchange::{Exchange, Headers};
use keepmum_host_tests::report::{Case, visible};
use serde::Serialize;

use super::expect::{Expectation, Finds, Match};
use super::traffic::{Replayed, counted, happened};
use crate::glob::matches;

/// Headers that say of the body what the proxy cannot promise once it may be changed (`docs/DEPLOYMENT.md` lists them), and
/// those that are between two neighbours only.
const NOT_COMPARED: [&str; 12] = [
    "accept-ranges",
    "connection",
    "content-digest",
    "content-length",
    "content-md5",
    "digest",
    "etag",
    "keep-alive",
    "proxy-connection",
    "repr-digest",
    "trailer",
    "transfer-encoding",
];

/// An expectation that an exchange does not meet.
#[derive(Debug, Serialize)]
pub struct Failure {
    pub expectation: String,
    /// `None`: there is no such exchange.
    pub exchange: Option<String>,
    pub why: String,
}

/// Every failure, in the order of the expectations.
pub fn judge(expected: &[Expectation], all: &Replayed) -> Vec<Failure> {
    let mut failures = Vec::new();
    for e in expected {
        let mut met = 0;
        for (case, route) in all.iter().filter(|(case, _)| e.asks.takes(&case.exchange)) {
            met += 1;
            failures.extend(judge_one(e, case, route).into_iter().map(|why| Failure {
                expectation: e.title.clone(),
                exchange: Some(visible(case.exchange.name.as_bytes())),
                why,
            }));
        }
        if met == 0 {
            failures.push(Failure {
                expectation: e.title.clone(),
                exchange: None,
                why: "no exchange is as its `match` says, so that it could not fail".to_owned(),
            });
        }
    }
    failures
}

impl Match {
    fn takes(&self, exchange: &Exchange) -> bool {
        let is = |pattern: &Option<String>, text: &[u8]| {
            let text = String::from_utf8_lossy(text);
            pattern.as_ref().is_none_or(|pattern| matches(pattern, &text))
        };
        let header = |name| exchange.request.header(name).unwrap_or_default();
        let path = header(":path").split(|b| *b == b'?').next().unwrap_or_default();
        let status = exchange.response.header(":status").unwrap_or_default();
        is(&self.exchange, exchange.name.as_bytes())
            && is(&self.host, header(":authority"))
            && is(&self.path, path)
            && is(&self.method, header(":method"))
            && self.status.is_none_or(|s| s.to_string().as_bytes() == status)
    }
}

impl Finds {
    fn text(&self) -> String {
        let any = |text: &str, what: &str| match text {
            "*" => format!("any {what}"),
            text => text.to_owned(),
        };
        let (detector, place) = (any(&self.detector, "detector"), any(&self.place, "place"));
        match self.action.as_str() {
            "*" => format!("{detector} in {place}"),
            action => format!("{detector} in {place} ({action})"),
        }
    }
}

fn judge_one(e: &Expectation, case: &Case, route: &str) -> Vec<String> {
    let Some(replay) = case.replay() else {
        return vec!["the capture holds no response".to_owned()];
    };
    let mut why = Vec::new();
    if let Some(expected) = e.route.as_deref().filter(|r| *r != route) {
        why.push(format!("it is on the route {route}; expected {expected}"));
    }
    if let Some(expected) = e.status.filter(|s| *s != replay.client.status) {
        why.push(format!("the client gets {}; expected {expected}", replay.client.status));
    }
    for (expected, what, told) in [
        (e.denied, "denied", "denied"),
        (e.blocked, "blocked", "blocked"),
        (e.error_replaced, "errors_replaced", "replaced as an error"),
    ] {
        let is = happened(case, what);
        if expected.is_some_and(|expected| expected != is) {
            let not = if is { "" } else { "not " };
            why.push(format!("it is {not}{told}"));
        }
    }
    let unread: Vec<&str> = case.uninspected().into_iter().map(|(reason, _)| reason).collect();
    match e.inspected {
        Some(true) if !unread.is_empty() => why.push(format!("not inspected: {}", unread.join(", "))),
        Some(false) if unread.is_empty() => why.push("it is inspected".to_owned()),
        _ => {}
    }
    let changed = changes(case);
    match e.unchanged {
        Some(true) if !changed.is_empty() => why.push(format!("changed: {}", changed.join(", "))),
        Some(false) if changed.is_empty() => why.push("it is unchanged".to_owned()),
        _ => {}
    }
    findings(e, case, &mut why);
    for path in leaked(&e.leaks, &replay.client.message) {
        why.push(format!("the value at {path} reaches the client, or half of it"));
    }
    why
}

fn findings(e: &Expectation, case: &Case, why: &mut Vec<String>) {
    let (listed, more) = listed(case);
    if more > 0 && !(e.found.is_empty() && e.not_found.is_empty()) {
        why.push(format!(
            "it has {more} findings beyond the {listed} that the module lists: found and not_found cannot be judged"
        ));
    }
    for f in &e.found {
        let count = count(f, case);
        match f.count {
            None if count == 0 => why.push(format!("not found: {}", f.text())),
            Some(expected) if expected != count => {
                why.push(format!("found {count} times: {}; expected {expected}", f.text()))
            }
            _ => {}
        }
    }
    for f in &e.not_found {
        let count = count(f, case);
        if count > 0 {
            why.push(format!("found {count} times: {}; expected none", f.text()));
        }
    }
}

fn count(f: &Finds, case: &Case) -> u64 {
    let found = case.replay().into_iter().flat_map(|replay| &replay.findings);
    let is = found.filter(|one| {
        matches(&f.detector, &one.detector) && matches(&f.place, &one.place) && matches(&f.action, &one.action)
    });
    is.count() as u64
}

/// Findings that the module lists one by one, and how many more it has counted.
pub fn listed(case: &Case) -> (usize, usize) {
    let listed = case.replay().map_or(0, |replay| replay.findings.len());
    let counted = usize::try_from(counted(case, "findings")).unwrap_or(0);
    (listed, counted.saturating_sub(listed))
}

/// The parts that did not reach the client as they came.
fn changes(case: &Case) -> Vec<String> {
    let Some(replay) = case.replay() else {
        return Vec::new();
    };
    let (before, after) = (&case.exchange.response, &replay.client.message);
    let mut changed = Vec::new();
    if before.header(":status") != after.header(":status") {
        changed.push("status".to_owned());
    }
    let (told, sent) = (values(&before.headers), values(&after.headers));
    let differs = |name: &String, a: &Values, b: &Values| a.get(name) != b.get(name);
    let names = told.keys().chain(sent.keys().filter(|name| !told.contains_key(*name)));
    for name in names.filter(|name| differs(name, &told, &sent)) {
        changed.push(format!("header {}", visible(name.as_bytes())));
    }
    if !case.body_unchanged() {
        changed.push("body".to_owned());
    }
    let trailers =
        |message: &keepmum_host_tests::exchange::Message| values(message.trailers.as_ref().unwrap_or(&Headers::new()));
    if trailers(before) != trailers(after) {
        changed.push("trailers".to_owned());
    }
    changed
}

type Values = std::collections::BTreeMap<String, Vec<Vec<u8>>>;

/// Values by name, without those that speak of the body.
fn values(headers: &Headers) -> Values {
    let mut all = Values::new();
    for (name, value) in headers {
        let name = String::from_utf8_lossy(name).to_ascii_lowercase();
        if !name.starts_with(':') && !NOT_COMPARED.contains(&name.as_str()) {
            // A proxy joins values of one name, or does not.
            let parts = value.split(|b| *b == b',').map(|part| part.trim_ascii().to_vec());
            all.entry(name).or_default().extend(parts);
        }
    }
    all
}
