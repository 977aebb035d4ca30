//! An Istio WasmPlugin.
//!
//! Its field names are told where they are not Istio's, since the API server drops what it does not know: a misspelt
//! `failStrategy` is none.

use keepmum_engine::nearest;
use serde_json::Value;

use super::Patient;
use super::plugin::{self, Environment};
use crate::tree::At;

const SPEC: [&str; 16] = [
    "failStrategy",
    "imagePullPolicy",
    "imagePullSecret",
    "match",
    "phase",
    "pluginConfig",
    "pluginName",
    "priority",
    "selector",
    "sha256",
    "targetRef",
    "targetRefs",
    "type",
    "url",
    "verificationKey",
    "vmConfig",
];

/// One manifest.
pub fn examine(at: &At, to: &mut Patient) {
    if at.get("apiVersion").and_then(|v| v.text()) != Some("extensions.istio.io/v1alpha1") {
        to.error(
            "apiVersion",
            "not the version of WasmPlugin",
            "write extensions.istio.io/v1alpha1",
        );
    }
    let Some(spec) = at.get("spec") else {
        to.error("spec", "missing", "see the manifest that comes with Keepmum");
        return;
    };
    for (key, below) in spec.members() {
        if !SPEC.contains(&key) {
            let near = nearest(key, &SPEC).map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            to.error(
                &below.path,
                format!("no field of a WasmPlugin: it is dropped without a word{near}"),
                "correct its name",
            );
        }
    }
    code(&spec, to);
    place(&spec, to);
    failure(&spec, to);
    traffic(&spec, to);
    let variables = format!("{}.vmConfig.env", spec.path);
    let environment = environment(&spec, to);
    let policy = match spec.get("pluginConfig") {
        None => return,
        Some(policy) => policy,
    };
    match policy.value {
        Value::Object(map) => {
            let text = serde_json::to_vec(map).unwrap_or_default();
            plugin::policy(&text, &policy.path, &variables, &environment, to);
        }
        _ => to.error(
            &policy.path,
            "a policy is an object",
            "write the policy's keys below pluginConfig",
        ),
    }
}

fn text<'a>(at: &At<'a>, key: &str) -> &'a str {
    at.get(key).and_then(|value| value.text()).unwrap_or_default()
}

fn code(spec: &At, to: &mut Patient) {
    let url = text(spec, "url");
    let at = spec.below("url");
    if url.is_empty() {
        to.error(
            &at,
            "missing: it says where the module is",
            "write oci://…, https://… or file://…",
        );
    } else if url.starts_with("http://") {
        to.warning(&at, "the module comes unencrypted", "write https:// or oci://");
    }
    let digest = text(spec, "sha256");
    let is_digest = digest.len() == 64 && digest.bytes().all(|b| b.is_ascii_hexdigit());
    let at = spec.below("sha256");
    if digest.is_empty() && !url.starts_with("file://") && !url.contains("@sha256:") {
        to.error(
            &at,
            "missing: whatever the registry hands out is run",
            "pin the module's SHA-256; `cargo xtask build` prints it",
        );
    } else if !digest.is_empty() && !is_digest {
        to.error(&at, "not a SHA-256", "write 64 hexadecimal digits");
    }
    if !matches!(text(spec, "type"), "" | "HTTP" | "UNSPECIFIED_PLUGIN_TYPE") {
        to.error(&spec.below("type"), "Keepmum is an HTTP filter", "write HTTP");
    }
}

fn place(spec: &At, to: &mut Patient) {
    let at = spec.below("phase");
    let what = match text(spec, "phase") {
        "AUTHN" => None,
        "" | "UNSPECIFIED_PHASE" => Some("without a phase it comes last in the chain"),
        _ => Some("other filters come before it"),
    };
    if let Some(what) = what {
        let what = format!("{what}: what those before it answer is not looked at");
        to.warning(&at, what, "write AUTHN: first in the chain");
    } else if spec.get("priority").is_none() {
        to.warning(
            &spec.below("priority"),
            "missing: other plugins of the phase may come before it, and what they answer is not looked at",
            "write a number above theirs, such as 1000",
        );
    }
}

fn failure(spec: &At, to: &mut Patient) {
    let at = spec.below("failStrategy");
    match text(spec, "failStrategy") {
        "FAIL_RELOAD" => {}
        "FAIL_OPEN" => to.error(
            &at,
            "responses leave unredacted if the module cannot be loaded or fails",
            "write FAIL_RELOAD",
        ),
        "" | "FAIL_CLOSE" => to.warning(
            &at,
            "after a failure every request is answered with 503 until the proxy is restarted",
            "write FAIL_RELOAD: it fails closed too, and makes a new VM",
        ),
        _ => to.error(&at, "no strategy of a WasmPlugin", "write FAIL_RELOAD"),
    }
}

fn traffic(spec: &At, to: &mut Patient) {
    let both = "what the workload itself calls goes through it too";
    let Some(list) = spec.get("match") else {
        to.warning(&spec.below("match"), format!("missing: {both}"), "write - mode: SERVER");
        return;
    };
    for one in list.items() {
        let at = one.below("mode");
        match text(&one, "mode") {
            "SERVER" => {}
            "CLIENT" => to.error(
                &at,
                "it looks at what the workload itself calls, and not at what it answers",
                "write SERVER",
            ),
            _ => to.warning(&at, both, "write SERVER"),
        }
        if one.get("ports").is_some() {
            to.warning(
                &one.below("ports"),
                "what other ports answer is not looked at",
                "leave it out, unless those are looked at elsewhere",
            );
        }
    }
}

fn environment(spec: &At, to: &mut Patient) -> Environment {
    let mut given = Environment::default();
    let vm = spec.get("vmConfig");
    if let Some(vm) = &vm {
        to.unknown(vm, &["env"]);
    }
    let Some(list) = vm.and_then(|vm| vm.get("env")) else {
        return given;
    };
    for one in list.items() {
        to.unknown(&one, &["name", "value", "valueFrom"]);
        let name = text(&one, "name");
        if name.is_empty() {
            to.error(&one.below("name"), "missing", "write the variable's name");
            continue;
        }
        let value = match text(&one, "valueFrom") {
            "HOST" => None,
            _ => Some(text(&one, "value").to_owned()),
        };
        given.0.insert(name.to_owned(), value);
    }
    given
}
