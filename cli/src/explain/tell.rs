//! What was found out, as lines for people or JSON for programs. Values are in it only if they were asked for.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::places::{Outcome, Place, Places};

/// Offsets that are listed for a detector that did not match.
const LISTED: usize = 6;

/// Findings of other packs that are listed.
const UNASKED: usize = 20;

/// One JSON document.
pub fn json(places: &Places, to: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *to, places)?;
    writeln!(to)
}

/// Matches line by line, then the detectors that looked and did not match, then the sum.
pub fn lines(places: &Places, to: &mut impl Write) -> io::Result<()> {
    let mut looked: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    let (mut matches, mut gone) = (0, 0);
    for p in &places.places {
        if let (Outcome::NoMatch, None) = (&p.outcome, &p.secret) {
            looked.entry(&p.detector).or_default().push(p.offset);
        } else {
            matches += 1;
            gone += usize::from(matches!(p.outcome, Outcome::Redacted { .. } | Outcome::Repeated { .. }));
            one(p, to)?;
        }
    }
    if matches > 0 && !looked.is_empty() {
        writeln!(to)?;
    }
    for (detector, at) in &looked {
        let list: Vec<String> = at.iter().take(LISTED).map(u64::to_string).collect();
        let more = at.len().saturating_sub(LISTED);
        let more = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        writeln!(to, "{detector}: an anchor at {}{more}; no match there", list.join(", "))?;
    }
    for u in places.unasked.iter().take(UNASKED) {
        let (at, bytes) = (u.secret.start, u.secret.end - u.secret.start);
        writeln!(
            to,
            "{bytes} bytes at {at} would go with pack {}: {}",
            u.pack, u.detector
        )?;
    }
    let more = places.unasked.len().saturating_sub(UNASKED);
    if more > 0 {
        writeln!(to, "{more} more would go with other packs")?;
    }
    if !places.places.is_empty() || !places.unasked.is_empty() {
        writeln!(to)?;
    }
    let (bytes, detectors) = (places.bytes, places.detectors);
    writeln!(
        to,
        "{bytes} bytes, {detectors} detectors: {} looked without a match; {matches} matches, {gone} redacted",
        looked.len()
    )
}

fn one(p: &Place, to: &mut impl Write) -> io::Result<()> {
    let (line, column, detector) = (p.line, p.column, &p.detector);
    write!(to, "{line}:{column}")?;
    let mut shown = None;
    if let Some(s) = p.secret {
        write!(to, " ({}..{}, {} bytes)", s.start, s.end, s.end - s.start)?;
    }
    if let Some(pointer) = p.pointer.as_deref().filter(|p| !p.is_empty()) {
        write!(to, " {pointer}")?;
    }
    write!(to, " {detector}: ")?;
    match &p.outcome {
        Outcome::Redacted { action, value } => {
            write!(to, "redacted ({action})")?;
            shown = value.as_ref();
        }
        Outcome::Repeated { action, value } => {
            write!(to, "redacted ({action}), since the same value was found before")?;
            shown = value.as_ref();
        }
        Outcome::Rejected {
            validator,
            because,
            value,
        } => {
            write!(to, "rejected by {validator}: the value is {because}")?;
            shown = value.as_ref();
        }
        Outcome::Allowed { value } => {
            write!(to, "stays: the policy's `allow` has it")?;
            shown = value.as_ref();
        }
        Outcome::OwnLabel => write!(to, "stays: it has been redacted already")?,
        Outcome::Lost {
            to: winner,
            at,
            because,
        } => {
            write!(to, "goes with {winner} at {}..{}, because {because}", at.start, at.end)?;
        }
        Outcome::NoMatch => write!(to, "no match")?,
    }
    match shown {
        Some(value) => writeln!(to, "  {}", value.escape_debug()),
        None => writeln!(to),
    }
}
