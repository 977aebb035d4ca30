//! Where in a captured JSON body a finding stood, as a JSON pointer.
//!
//! Reckoned from the capture and not asked of the module, which tells them only with `audit.pointers`, and of some findings.

use keepmum_engine::{Engine, Workspace};
use keepmum_host_tests::exchange::{Exchange, Message};
use keepmum_host_tests::replay::Finding;

/// For each finding its pointer, if it stood in a JSON body that was captured as the module saw it.
pub fn of(engine: &Engine, exchange: &Exchange, findings: &[Finding]) -> Vec<Option<String>> {
    let mut all = vec![None; findings.len()];
    for (place, message) in [
        ("request.body", &exchange.request),
        ("response.body", &exchange.response),
    ] {
        let mut mine: Vec<(u64, usize)> = (0..)
            .zip(findings)
            .filter(|(_, f)| f.place == place)
            .map(|(i, f)| (f.start, i))
            .collect();
        if mine.is_empty() || !is_plain_json(message) {
            continue;
        }
        mine.sort_unstable();
        let places: Vec<u64> = mine.iter().map(|(at, _)| *at).collect();
        let pointers = engine.pointers_in(&mut Workspace::default(), &message.body_bytes(), &places);
        for ((_, i), pointer) in mine.into_iter().zip(pointers) {
            if let Some(slot) = all.get_mut(i) {
                *slot = pointer;
            }
        }
    }
    all
}

fn is_plain_json(message: &Message) -> bool {
    let content_type = message.header("content-type").unwrap_or_default().to_ascii_lowercase();
    let essence = content_type
        .split(|b| matches!(b, b';' | b' '))
        .next()
        .unwrap_or_default();
    let json = essence.ends_with(b"/json") || essence.ends_with(b"+json");
    let plain = message
        .header("content-encoding")
        .is_none_or(|e| e.eq_ignore_ascii_case(b"identity"));
    json && plain
}
