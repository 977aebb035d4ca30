//! Differences as lines, grouped by route and detector, or as JSON. Offsets are those of the input; values are nowhere.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::compare::{Difference, Kind, Side};
use crate::replay::count;
use crate::replay::traffic::Replayed;

/// Places that are listed for a route and a detector.
const LISTED: usize = 10;

/// One document.
pub fn json(all: &Replayed, found: &[Difference]) -> Value {
    let mut groups: BTreeMap<(&str, &str), [usize; 3]> = BTreeMap::new();
    for d in found {
        let group = groups.entry((&d.route, &d.detector)).or_default();
        group[d.kind as usize] += 1;
    }
    let groups: Vec<Value> = groups
        .iter()
        .map(|((route, detector), [lost, moved, gained])| {
            json!({"route": route, "detector": detector, "lost": lost, "moved": moved, "gained": gained})
        })
        .collect();
    let sum = |kind| found.iter().filter(|d| d.kind == kind).count();
    json!({
        "exchanges": all.cases.len(),
        "lost": sum(Kind::Lost), "moved": sum(Kind::Moved), "gained": sum(Kind::Gained),
        "by_route_and_detector": groups,
        "differences": found,
    })
}

/// A line for each group, with the places below it; then the sum.
pub fn lines(all: &Replayed, found: &[Difference]) -> String {
    let mut groups: BTreeMap<(Kind, &str, &str), Vec<&Difference>> = BTreeMap::new();
    for d in found {
        groups.entry((d.kind, &d.route, &d.detector)).or_default().push(d);
    }
    let mut out = String::new();
    // Writing to a String does not fail.
    for ((kind, route, detector), members) in &groups {
        let sign = match kind {
            Kind::Lost => "- lost  ",
            Kind::Moved => "~ moved ",
            Kind::Gained => "+ gained",
        };
        let _ = writeln!(out, "{sign} {} on route {route}: {detector}", members.len());
        for d in members.iter().take(LISTED) {
            let how = match (&d.old, &d.new) {
                (Some(old), Some(new)) => format!("{} -> {}", shown(old, true), shown(new, true)),
                (Some(side), None) | (None, Some(side)) => shown(side, false),
                (None, None) => String::new(),
            };
            let at = d.pointer.as_deref().map_or_else(String::new, |p| format!(" {p}"));
            let _ = writeln!(out, "           {} {}{at} {how}", d.exchange, d.place);
        }
        if members.len() > LISTED {
            let _ = writeln!(out, "           and {} more", members.len() - LISTED);
        }
    }
    let sum = |kind| found.iter().filter(|d| d.kind == kind).count();
    if !found.is_empty() {
        out.push('\n');
    }
    let told = found.iter().filter(|d| d.kind == Kind::Lost && d.new.is_some()).count();
    let only_told = match told {
        0 => String::new(),
        n => format!(" ({n} of them only reported now)"),
    };
    let _ = writeln!(
        out,
        "{}: {} lost{only_told}, {} moved, {} gained",
        count(all.cases.len(), "exchange"),
        sum(Kind::Lost),
        sum(Kind::Moved),
        sum(Kind::Gained)
    );
    out
}

fn shown(side: &Side, with_detector: bool) -> String {
    let detector = if with_detector { side.detector.as_str() } else { "" };
    let at = if side.end > 0 {
        format!("{}..{}", side.start, side.end)
    } else {
        String::new()
    };
    let parts = [detector, side.action.as_str(), at.as_str()];
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join(" ")
}
