//! Findings under two policies, set against each other.
//!
//! One that is the same under both is no difference. Of the others, two that overlap in one place are one that moved: found by
//! another detector, dealt with by another action, or with other ends. What is only reported does not count as redacted, so that
//! what goes from `enforce` to `report` is lost, and says what it became; under two reporting policies what they report is
//! compared. What happens to a whole message (denied, blocked, replaced, looked at) is compared with the findings: it hides values as they do.

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

impl Found {
    /// Takes out of the list what overlaps with it. `same`: and is only told, or not, as this is.
    fn take_other(&self, list: &mut Vec<Found>, same: bool) -> Option<Found> {
        let (a, told) = (&self.finding, self.only_told);
        let overlaps = |Found { finding: b, only_told }: &Found| {
            a.place == b.place && b.start < a.end && a.start < b.end && (*only_told == told) == same
        };
        let at = list.iter().position(overlaps)?;
        Some(list.remove(at))
    }

    fn place(&self) -> String {
        visible(self.finding.place.as_bytes())
    }

    fn side(&self) -> Side {
        let action = visible(self.finding.action.as_bytes());
        Side {
            detector: visible(self.finding.detector.as_bytes()),
            action: match self.only_told && action != "report" {
                true => format!("report ({action})"),
                false => action,
            },
            start: self.finding.start,
            end: self.finding.end,
        }
    }
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
        let kind = match (&old, &new) {
            (Some(_), None) => Kind::Lost,
            (None, _) => Kind::Gained,
            _ => Kind::Moved,
        };
        self.add_as(kind, place, old, new);
    }

    fn add_as(&mut self, kind: Kind, place: &str, old: Option<Side>, new: Option<Side>) {
        let route = match kind {
            Kind::Lost => self.old_route,
            Kind::Gained | Kind::Moved => self.new_route,
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
        // What overlaps and is dealt with in the same way has moved; what is only told on one side was lost, or is gained.
        let mut alone = Vec::new();
        for found in old {
            match found.take_other(&mut new, true) {
                Some(other) => self.pair(Kind::Moved, &found, &other),
                None => alone.push(found),
            }
        }
        for found in alone {
            let kind = if found.only_told { Kind::Gained } else { Kind::Lost };
            match found.take_other(&mut new, false) {
                Some(other) => self.pair(kind, &found, &other),
                None => self.add(&found.place(), Some(found.side()), None),
            }
        }
        for found in new {
            self.add(&found.place(), None, Some(found.side()));
        }
    }

    fn pair(&mut self, kind: Kind, old: &Found, new: &Found) {
        self.add_as(kind, &old.place(), Some(old.side()), Some(new.side()));
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
            (&["b x label 1 9"], &["?b x label 1 9"], "lost"),
            (&["b x label 1 9"], &["?b x report 1 9"], "lost"),
            (&["?b x label 1 9"], &["b x label 1 9"], "gained"),
            (
                &["b x label 1 9", "b y label 20 30"],
                &["?b x label 1 9", "b y mask 20 30"],
                "lost moved",
            ),
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
