//! What came of a replay, as JSON or as the lines below the table. No value of any message is in either.

use keepmum_host_tests::report::{Outcome, visible};
use serde_json::{Value, json};

use super::judge::Failure;
use super::traffic::{Replayed, happened};

/// What is counted of an exchange beside findings, as the metrics call it.
pub const EVENTS: [&str; 4] = ["denied", "blocked", "errors_replaced", "stream_reset"];

/// One document.
pub fn json(all: &Replayed, expected: usize, failures: &[Failure]) -> Value {
    let cases = all.iter().zip(&all.pointers).map(|((case, route), pointers)| {
        let replay = case.replay();
        let findings = replay.into_iter().flat_map(|replay| &replay.findings).zip(pointers);
        let findings = findings.map(|(finding, pointer)| {
            json!({
                "detector": finding.detector, "place": finding.place, "action": finding.action,
                "start": finding.start, "end": finding.end, "pointer": pointer,
            })
        });
        let uninspected = case.uninspected().into_iter().map(|(reason, _)| reason);
        let events = EVENTS.iter().filter(|what| happened(case, what));
        json!({
            "exchange": case.exchange.name,
            "route": route,
            "mode": replay.and_then(|replay| replay.told.get("mode")),
            "outcome": replay.and_then(|replay| replay.told.get("outcome")),
            "status": replay.map(|replay| replay.client.status),
            "ended": replay.map(|replay| format!("{:?}", replay.client.ended).to_lowercase()),
            "body_unchanged": case.body_unchanged(),
            "findings": findings.collect::<Vec<_>>(),
            "events": events.collect::<Vec<_>>(),
            "uninspected": uninspected.collect::<Vec<_>>(),
            "faults": case.faults(),
            "not_replayed": match &case.outcome {
                Outcome::NotReplayed(why) => Some(why),
                Outcome::Replayed(_) => None,
            },
        })
    });
    let cases: Vec<Value> = cases.collect();
    json!({"exchanges": cases, "expectations": {"checked": expected, "failed": failures}})
}

/// The sum, and a line for each expectation that failed.
pub fn summary(all: &Replayed, expected: usize, failures: &[Failure]) -> String {
    let cases = &all.cases;
    let replays = || cases.iter().filter_map(|case| case.replay());
    let found: usize = replays().map(|replay| replay.findings.len()).sum();
    let planted: usize = cases.iter().map(|case| case.exchange.planted.len()).sum();
    let leaked: usize = cases.iter().map(|case| case.leaked().len()).sum();
    let faults: usize = cases.iter().map(|case| case.faults().len()).sum();
    let uninspected = cases.iter().filter(|case| !case.uninspected().is_empty()).count();
    let mut out = format!("\n{}, {}; ", count(cases.len(), "exchange"), count(found, "finding"));
    if planted > 0 {
        out += &format!("{leaked} of {} reached a client; ", count(planted, "planted secret"));
    }
    out += &format!(
        "{} with a part not inspected; {}\n",
        count(uninspected, "exchange"),
        count(faults, "fault")
    );
    if expected > 0 {
        let failed = count(failures.len(), "failure");
        out += &format!("{}, {failed}\n", count(expected, "expectation"));
    }
    for f in failures {
        let title = visible(f.expectation.as_bytes());
        let exchange = f.exchange.as_deref().unwrap_or("-");
        out += &format!("FAILED {title}: {exchange}: {}\n", visible(f.why.as_bytes()));
    }
    out
}

/// `1 fault`, `2 faults`
pub fn count(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}
