//! The tables in which armed detectors are looked up: their anchors, their classes, and what stands in front of them.

use std::collections::BTreeMap;

use crate::decode::Decode;
use crate::detect::anchors::{Anchor, Anchors};
use crate::detect::classes::Classes;
use crate::detect::front::Fronts;
use crate::engine::{Armed, Detector};

pub(super) fn of(detectors: &[Detector], set: Vec<bool>, decode: Decode) -> Result<Armed, String> {
    let armed = || {
        let all = detectors.iter().zip(0u16..).zip(&set);
        all.filter(|(_, armed)| **armed).map(|((d, i), _)| (i, d))
    };
    Ok(Armed {
        anchors: anchors(armed(), decode)?,
        classes: Classes::new(armed().map(|(i, d)| (i, &d.program)), decode),
        fronts: Fronts::new(armed().filter_map(|(_, d)| d.program.front)),
        numbers: armed().any(|(_, d)| d.program.can_be_number),
        set,
    })
}

fn anchors<'d>(detectors: impl Iterator<Item = (u16, &'d Detector)>, decode: Decode) -> Result<Anchors, String> {
    let mut all: BTreeMap<&[u8], Anchor> = BTreeMap::new();
    for (i, d) in detectors {
        let anchors = d.program.anchors.iter().zip(d.program.shortcuts.runs());
        for (own, (a, run)) in anchors.enumerate() {
            let anchor = all.entry(a).or_insert_with(|| Anchor {
                bytes: a.clone(),
                detectors: Vec::new(),
                at_border: true,
                run: u16::MAX,
                need: d.program.shortcuts.need(own).copied(),
            });
            let need = d.program.shortcuts.need(own).filter(|_| d.program.front.is_none());
            anchor.need = anchor.need.and_then(|n| n.shared(need?));
            anchor.detectors.push((i, u16::try_from(own).unwrap_or(u16::MAX)));
            anchor.at_border &= d.program.starts_at_border && d.program.front.is_none();
            anchor.run = anchor.run.min(if d.program.front.is_none() { run } else { 0 });
        }
    }
    if all.len() >= usize::from(u16::MAX) {
        return Err("too many anchors".to_owned());
    }
    Ok(Anchors::new(all.into_values().collect(), decode))
}
