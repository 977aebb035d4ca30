//! The plugin's own part of a configuration: the policy, and what the module is given of the environment.
//!
//! Envoy and Istio write both differently and mean the same, so this is asked by both.

use std::cell::RefCell;
use std::collections::BTreeMap;

use base64::Engine as _;
use keepmum_engine::Engine;
use serde_json::Value;

use super::Patient;
use crate::tree::At;

/// What stands for a variable whose value only the proxy knows: a key that no policy refuses.
const UNKNOWN: &str = concat!("q7Vw2RkZ9x", "Lm4TbN8sHd", "3FcY6pJg1A");

/// Variables that the module is given; `None`: their values are known at the proxy only.
#[derive(Default)]
pub struct Environment(pub BTreeMap<String, Option<String>>);

/// Examines a policy. `place` is what its fields' paths begin with, `variables` where the environment is written.
pub fn policy(text: &[u8], place: &str, variables: &str, given: &Environment, to: &mut Patient) {
    let missing = RefCell::new(Vec::new());
    let variable = |name: &str| match given.0.get(name) {
        Some(Some(value)) => Some(value.clone().into_bytes()),
        Some(None) => Some(UNKNOWN.into()),
        None => {
            missing.borrow_mut().push(name.to_owned());
            Some(UNKNOWN.into())
        }
    };
    let refused = Engine::with_environment(text, &variable).err();
    for mistake in refused.iter().flat_map(|e| e.mistakes()) {
        let path = match mistake.path() {
            "." => place.to_owned(),
            path => format!("{place}.{path}"),
        };
        to.error(
            &path,
            mistake.why(),
            "correct the policy: the module refuses to start with it",
        );
    }
    let mut missing = missing.into_inner();
    missing.sort();
    missing.dedup();
    for name in missing {
        let what = format!("the policy needs the environment variable {name}, and the module is not given it");
        to.error(
            variables,
            what,
            "hand it over from the proxy's own environment: a module sees no other variable",
        );
    }
    for (name, value) in &given.0 {
        if value.is_some() && asks_for(text, name) {
            let what = format!("the key {name} stands in the configuration, and so in every dump of it");
            to.warning(variables, what, "hand it over from the proxy's own environment");
        }
    }
}

/// Whether the policy takes a key from this variable.
fn asks_for(text: &[u8], name: &str) -> bool {
    let asked = RefCell::new(false);
    let variable = |other: &str| {
        *asked.borrow_mut() |= other == name;
        Some(UNKNOWN.into())
    };
    let _ = Engine::with_environment(text, &variable);
    asked.into_inner()
}

/// The policy inside `configuration`, an `Any`: its bytes as the module gets them.
pub fn configuration(at: &At, to: &mut Patient) -> Option<Vec<u8>> {
    let kind = at.get("@type").and_then(|kind| kind.text()).unwrap_or_default();
    let value = at.get("value");
    let text = value.as_ref().and_then(|value| value.text());
    let wrong = |what: &str, to: &mut Patient| {
        to.error(
            &at.below("value"),
            what,
            "write the policy as the text of a google.protobuf.StringValue",
        );
        None
    };
    match kind.rsplit('/').next().unwrap_or_default() {
        "google.protobuf.StringValue" => match (text, value) {
            (Some(text), _) => Some(text.as_bytes().to_vec()),
            (None, None) => Some(Vec::new()),
            (None, Some(_)) => wrong("a StringValue holds a text", to),
        },
        "google.protobuf.BytesValue" => {
            let bytes = text.and_then(|text| base64::engine::general_purpose::STANDARD.decode(text).ok());
            bytes.or_else(|| wrong("a BytesValue holds base64", to))
        }
        "google.protobuf.Struct" => match value.map(|value| value.value) {
            Some(Value::Object(map)) => serde_json::to_vec(map).ok(),
            None => Some(Vec::new()),
            Some(_) => wrong("a Struct holds an object", to),
        },
        _ => {
            to.error(
                &at.below("@type"),
                "the module reads a StringValue, a BytesValue or a Struct",
                "write type.googleapis.com/google.protobuf.StringValue, and the policy as its value",
            );
            None
        }
    }
}
