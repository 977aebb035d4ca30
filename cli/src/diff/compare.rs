//! Findings under two policies, set against each other.
//!
//! One that is the same under both is no difference. Of the others, two that overlap in one place are one that moved: found by
//! another detector, dealt with by another action, or with other ends. What is only reported does not count as redacted, so that
//! going from `enforce` to `report` loses everything; under two reporting policies what they report is compared. What happens to
//! a whole message (denied, blocked, replaced, looked at) is compared with the findings: it hides values as they do.

use std::collections::BTreeMap;

use keepmum_host_tests::replay::Finding;
use keepmum_host_tests::report::{Case, visible};
use serde::Serialize;

use crate::replay::listed;
use crate::replay::traffic::{Replayed, happened};

/// What happened to a redaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    Lost,
    Moved,
    Gained,
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Difference {
    pub kind: Kind,
    /// Under the policy that redacts: of what moved, the new one.
    pub route: String,
    /// What redacts: a detector, or in brackets what happens to the whole message.
    pub detector: String,
    pub exchange: String,
    pub place: String,
    /// Where it stands in a JSON body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old: Option<Side>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new: Option<Side>,
}

/// A finding under one policy.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Side {
    pub detector: String,
    pub action: String,
    pub start: u64,
    pub end: u64,
}

/// What can become of a whole message, and what it is called.
const EVENTS: [(&str, &str); 3] = [
    ("denied", "(denied)"),
    ("blocked", "(blocked)"),
    ("errors_replaced", "(error replaced)"),
];

/// Every difference, what was lost first.
pub fn compare(before: &Replayed, after: &Replayed) -> Vec<Difference> {
    let mut all = Vec::new();
    let told = before.pointers.iter().zip(&after.pointers);
    for (((old, old_route), (new, new_route)), told) in before.iter().zip(after.iter()).zip(told) {
        let pointers = pointers(old, told.0).chain(pointers(new, told.1)).collect();
        let mut one = One {
            exchange: visible(old.exchange.name.as_bytes()),
            old_route,
            new_route,
            pointers,
            found: &mut all,
        };
        one.findings(findings(old), findings(new));
        one.beyond(listed(old).1, listed(new).1);
        one.messages(old, new);
    }
    all.sort();
    all
}

/// A finding, and whether it is only told: under a policy (or by an action) that reports.
#[derive(Clone, PartialEq)]
struct Found {
    finding: Finding,
    only_told: bool,
}

fn findings(case: &Case) -> Vec<Found> {
    let Some(replay) = case.replay() else {
        return Vec::new();
    };
    let found = |finding: &Finding| Found {
        only_told: replay.only_reports() || finding.action == "report",
        finding: finding.clone(),
    };
    replay.findings.iter().map(found).collect()
}

/// Where findings stand in JSON bodies, by place and offset.
fn pointers<'c>(case: &'c Case, told: &'c [Option<String>]) -> impl Iterator<Item = ((&'c str, u64), &'c str)> {
    let findings = case.replay().into_iter().flat_map(|replay| &replay.findings);
    let each = findings.zip(told);
    each.filter_map(|(f, pointer)| Some(((f.place.as_str(), f.start), pointer.as_deref()?)))
}

struct One<'a> {
    exchange: String,
    pointers: BTreeMap<(&'a str, u64), &'a str>,
    old_route: &'a str,
    new_route: &'a str,
    found: &'a mut Vec<Difference>,
}

impl One<'_> {
    fn add(&mut self, place: &str, old: Option<Side>, new: Option<Side>) {
        let (kind, route) = match (&old, &new) {
            (Some(_), None) => (Kind::Lost, self.old_route),
            (None, _) => (Kind::Gained, self.new_route),
            _ => (Kind::Moved, self.new_route),
        };
        let detector = new
            .as_ref()
            .or(old.as_ref())
            .map_or_else(String::new, |side| side.detector.clone());
        let side = new.as_ref().or(old.as_ref());
        let pointer = side.and_then(|side| self.pointers.get(&(place, side.start)));
        self.found.push(Difference {
            pointer: pointer.map(|p| (*p).to_owned()),
            kind,
            route: visible(route.as_bytes()),
            detector,
            exchange: self.exchange.clone(),
            place: place.to_owned(),
            old,
            new,
        });
    }

    /// Takes out what is the same, pairs what overlaps, and tells the rest.
    fn findings(&mut self, mut old: Vec<Found>, mut new: Vec<Found>) {
        old.retain(|found| {
            let same = new.iter().position(|other| other == found);
            if let Some(at) = same {
                new.swap_remove(at);
            }
            same.is_none()
        });
        new.sort_by(|a, b| {
            let key = |f: &Found| (f.finding.place.clone(), f.finding.start, f.finding.end);
            key(a).cmp(&key(b))
        });
        for Found { finding, only_told } in old {
            let overlaps = |other: &Found| {
                other.finding.place == finding.place
                    && other.finding.start < finding.end
                    && finding.start < other.finding.end
                    && other.only_told == only_told
            };
            let other = new.iter().position(overlaps).map(|at| new.remove(at));
            let place = visible(finding.place.as_bytes());
            let other = other.map(|other| side(&other.finding, only_told));
            self.add(&place, Some(side(&finding, only_told)), other);
        }
        for Found { finding, only_told } in new {
            let place = visible(finding.place.as_bytes());
            self.add(&place, None, Some(side(&finding, only_told)));
        }
    }

    /// The module lists so many findings and counts the others: of those at least the number is compared.
    fn beyond(&mut self, old: usize, new: usize) {
        self.events(
            old.saturating_sub(new),
            new.saturating_sub(old),
            "(beyond those that are listed)",
        );
    }

    fn events(&mut self, lost: usize, gained: usize, what: &str) {
        let side = |n: usize| {
            (n > 0).then(|| Side {
                detector: what.to_owned(),
                action: if n > 1 { format!("{n} times") } else { String::new() },
                start: 0,
                end: 0,
            })
        };
        if lost + gained > 0 {
            self.add("response", side(lost), side(gained));
        }
    }

    fn messages(&mut self, old: &Case, new: &Case) {
        for (metric, what) in EVENTS {
            let (was, is) = (happened(old, metric), happened(new, metric));
            self.events(usize::from(was && !is), usize::from(is && !was), what);
        }
        let (was, is) = (old.uninspected().is_empty(), new.uninspected().is_empty());
        self.events(usize::from(was && !is), usize::from(is && !was), "(inspected)");
    }
}

fn side(finding: &Finding, only_told: bool) -> Side {
    let action = visible(finding.action.as_bytes());
    Side {
        detector: visible(finding.detector.as_bytes()),
        action: match only_told && action != "report" {
            true => format!("report ({action})"),
            false => action,
        },
        start: finding.start,
        end: finding.end,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `b` is redacted, `?b` is only told.
    fn finding(written: &str) -> Found {
        let only_told = written.starts_with('?');
        let mut parts = written.trim_start_matches('?').split(' ');
        let mut next = || parts.next().unwrap().to_owned();
        let finding = Finding {
            place: next(),
            detector: next(),
            action: next(),
            start: next().parse().unwrap(),
            end: next().parse().unwrap(),
        };
        Found { finding, only_told }
    }

    #[test]
    fn what_is_the_same_is_no_difference_and_the_rest_is_lost_moved_or_gained() {
        for (old, new, expected) in [
            (&["b x label 1 9"][..], &["b x label 1 9"][..], ""),
            (&["b x label 1 9"], &[], "lost"),
            (&[], &["b x label 1 9"], "gained"),
            (&["b x label 1 9"], &["b x mask 1 9"], "moved"),
            (&["b x label 1 9"], &["b y label 1 9"], "moved"),
            (&["b x label 1 9"], &["b x label 1 12"], "moved"),
            (&["b x label 1 9"], &["b x label 9 12"], "lost gained"),
            (&["b x label 1 9"], &["c x label 1 9"], "lost gained"),
            (&["b x label 1 9", "b x label 1 9"], &["b x label 1 9"], "lost"),
            (&["b x label 1 9"], &["?b x label 1 9"], "lost gained"),
            (&["?b x label 1 9"], &["b x label 1 9"], "lost gained"),
            (&["?b x label 1 9"], &["?b y label 1 9"], "moved"),
            (&["?b x label 1 9"], &["?b x label 1 9"], ""),
        ] {
            let mut found = Vec::new();
            let mut one = One {
                exchange: "e".to_owned(),
                old_route: "a",
                new_route: "b",
                pointers: BTreeMap::new(),
                found: &mut found,
            };
            let read = |list: &[&str]| list.iter().map(|written| finding(written)).collect();
            one.findings(read(old), read(new));
            found.sort();
            let kinds: Vec<&str> = found
                .iter()
                .map(|d| match d.kind {
                    Kind::Lost => "lost",
                    Kind::Moved => "moved",
                    Kind::Gained => "gained",
                })
                .collect();
            assert_eq!(kinds.join(" "), expected, "{old:?} {new:?}");
        }
    }
}
