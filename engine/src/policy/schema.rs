//! The policy's JSON Schema (2020-12), from the same description as the reader.

use serde_json::{Map, json};

use crate::policy::read::Read as _;
use crate::policy::written::Policy;

/// The schema as text: what `docs/policy.schema.json` holds.
pub fn policy_schema() -> String {
    let mut definitions = Map::new();
    let root = Policy::schema(&mut definitions);
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Keepmum policy, version 1",
        "$ref": root.get("$ref"),
        "$defs": definitions,
    });
    format!("{schema:#}\n")
}
