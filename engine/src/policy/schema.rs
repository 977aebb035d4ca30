//! The policy's JSON Schema (2020-12), from the same description as the reader.

use serde_json::{Map, json};

use crate::catalogue;
use crate::deny::DENY_LISTS;
use crate::policy::read::Read as _;
use crate::policy::written::Policy;

/// The schema as text: what `docs/policy.schema.json` holds.
pub fn policy_schema() -> String {
    let mut definitions = Map::new();
    let root = Policy::schema(&mut definitions);
    // Names that are known only when all is compiled: the reader takes any text.
    let lists = DENY_LISTS.iter().map(|list| list.name).collect::<Vec<_>>();
    for (object, key, names) in [
        ("Detectors", "packs", catalogue::PACKS),
        ("RouteDetectors", "packs", catalogue::PACKS),
        ("Deny", "lists", lists.as_slice()),
    ] {
        let list = definitions
            .get_mut(object)
            .and_then(|d| d.pointer_mut(&format!("/properties/{key}")));
        if let Some(items) = list.and_then(|l| l.get_mut("items")) {
            *items = json!({"enum": names});
        }
    }
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Keepmum policy, version 1",
        "$ref": root.get("$ref"),
        "$defs": definitions,
    });
    format!("{schema:#}\n")
}
