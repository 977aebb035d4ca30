//! The Istio manifest against Istio's own schema, and against the rules that the schema holds only as CEL.
//!
//! No JSON Schema crate: the dozen keywords that a CustomResourceDefinition uses fit on a page, an unknown field must be an
//! error here (Kubernetes would drop it silently), and forty crates less are built by everybody who runs the tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use yaml_rust2::{Yaml, YamlLoader};

const MANIFEST: &str = include_str!("../istio/wasmplugin.yaml");
const SCHEMA: &str = include_str!("../istio/testdata/wasmplugin-crd.yaml");

fn manifest() -> Yaml {
    YamlLoader::load_from_str(MANIFEST).unwrap().swap_remove(0)
}

fn schema() -> Yaml {
    let definition = YamlLoader::load_from_str(SCHEMA).unwrap().swap_remove(0);
    definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"].clone()
}

/// Everything that is wrong with `value` under `schema`, each with its path.
fn errors(path: &str, value: &Yaml, schema: &Yaml) -> Vec<String> {
    let wrong = |what: &str| vec![format!("{path}: {what}")];
    match (schema["type"].as_str(), value) {
        (Some("object"), Yaml::Hash(members)) => {
            let mut found = Vec::new();
            for name in schema["required"].as_vec().into_iter().flatten() {
                if !members.contains_key(name) {
                    found.push(format!("{path}: {} is missing", name.as_str().unwrap()));
                }
            }
            for (name, member) in members {
                let name = name.as_str().expect("keys are strings");
                let inner = match (&schema["properties"][name], &schema["additionalProperties"]) {
                    (Yaml::BadValue, Yaml::BadValue)
                        if schema["x-kubernetes-preserve-unknown-fields"].as_bool() == Some(true) =>
                    {
                        continue;
                    }
                    (Yaml::BadValue, Yaml::BadValue) => {
                        found.push(format!("{path}: unknown field {name}"));
                        continue;
                    }
                    (Yaml::BadValue, more) => more,
                    (known, _) => known,
                };
                found.extend(errors(&format!("{path}.{name}"), member, inner));
            }
            found
        }
        (Some("array"), Yaml::Array(items)) => {
            let each = items.iter().enumerate();
            each.flat_map(|(i, item)| errors(&format!("{path}[{i}]"), item, &schema["items"]))
                .collect()
        }
        (Some("integer"), Yaml::Integer(n)) => {
            let low = schema["minimum"].as_i64().is_some_and(|min| *n < min);
            let high = schema["maximum"].as_i64().is_some_and(|max| *n > max);
            if low || high { wrong("out of range") } else { Vec::new() }
        }
        (Some("string"), Yaml::String(text)) => {
            let short = schema["minLength"]
                .as_i64()
                .is_some_and(|min| (text.len() as i64) < min);
            let long = schema["maxLength"]
                .as_i64()
                .is_some_and(|max| (text.len() as i64) > max);
            let listed = schema["enum"]
                .as_vec()
                .is_none_or(|all| all.iter().any(|e| e.as_str() == Some(text)));
            // The one pattern that concerns this manifest.
            let digest = schema["pattern"].as_str() != Some("(^$|^[a-f0-9]{64}$)")
                || (text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)));
            if short || long || !listed || !digest {
                wrong("not an accepted value")
            } else {
                Vec::new()
            }
        }
        (Some("boolean"), Yaml::Boolean(_)) => Vec::new(),
        (kind, _) => wrong(&format!("is not of type {kind:?}")),
    }
}

/// The `x-kubernetes-validations` that concern this kind, by hand.
fn rules(spec: &Yaml) -> Vec<&'static str> {
    let mut broken = Vec::new();
    let url = spec["url"].as_str().unwrap_or_default();
    let scheme = url.split_once("://").map_or("", |(scheme, _)| scheme);
    if !["", "http", "https", "oci", "file"].contains(&scheme) {
        broken.push("url must have schema one of [http, https, file, oci]");
    }
    if ["selector", "targetRef", "targetRefs"]
        .iter()
        .filter(|k| !spec[**k].is_badvalue())
        .count()
        > 1
    {
        broken.push("only one of targetRefs or selector can be set");
    }
    for env in spec["vmConfig"]["env"].as_vec().into_iter().flatten() {
        if env["valueFrom"].as_str() == Some("HOST") && !env["value"].is_badvalue() {
            broken.push("value may only be set when valueFrom is INLINE");
        }
    }
    for (key, value) in spec["selector"]["matchLabels"].as_hash().into_iter().flatten() {
        let (key, value) = (key.as_str().unwrap_or_default(), value.as_str().unwrap_or_default());
        if key.is_empty() || key.contains('*') || value.contains('*') {
            broken.push("wildcard not allowed in a label match");
        }
    }
    broken
}

fn verdict(text: &str) -> Vec<String> {
    let value = YamlLoader::load_from_str(text).unwrap().swap_remove(0);
    let mut all = errors("spec", &value["spec"], &schema()["properties"]["spec"]);
    all.extend(rules(&value["spec"]).into_iter().map(str::to_owned));
    all
}

#[test]
fn the_manifest_satisfies_istio() {
    let manifest = manifest();
    assert_eq!(manifest["apiVersion"].as_str(), Some("extensions.istio.io/v1alpha1"));
    assert_eq!(manifest["kind"].as_str(), Some("WasmPlugin"));
    assert_eq!(verdict(MANIFEST), Vec::<String>::new());
}

#[test]
fn the_manifest_fails_closed_and_comes_first() {
    let spec = manifest()["spec"].clone();
    assert_eq!(spec["failStrategy"].as_str(), Some("FAIL_RELOAD"));
    assert_eq!(spec["phase"].as_str(), Some("AUTHN"));
    assert_eq!(spec["sha256"].as_str().map(str::len), Some(64));
    assert_eq!(spec["pluginConfig"]["version"].as_i64(), Some(1));
}

#[test]
fn the_check_finds_what_is_wrong() {
    let cases = [
        ("phase: AUTHN", "phase: FIRST", "spec.phase: not an accepted value"),
        (
            "failStrategy: FAIL_RELOAD",
            "failStrategy: 1",
            "spec.failStrategy: is not of type",
        ),
        ("priority: 1000", "prioritee: 1000", "spec: unknown field prioritee"),
        ("url: oci://", "uri: oci://", "spec: url is missing"),
        ("url: oci://", "url: ftp://", "url must have schema"),
        ("sha256: \"0000", "sha256: \"00zz", "spec.sha256: not an accepted value"),
        (
            "mode: SERVER",
            "mode: BOTH",
            "spec.match[0].mode: not an accepted value",
        ),
        (
            "type: HTTP",
            "type: HTTP\n  targetRefs: [{kind: Gateway, name: edge}]",
            "only one of targetRefs or selector",
        ),
        ("istio: ingressgateway", "istio: \"*\"", "wildcard not allowed"),
        (
            "type: HTTP",
            "type: HTTP\n  vmConfig: {env: [{name: A, valueFrom: HOST, value: x}]}",
            "only be set when valueFrom",
        ),
    ];
    for (now, new, expected) in cases {
        assert!(MANIFEST.contains(now), "{now}");
        let found = verdict(&MANIFEST.replace(now, new));
        assert!(found.iter().any(|e| e.contains(expected)), "{new}: {found:?}");
    }
}

/// The labels in Istio are those of the bootstrap, word by word.
#[test]
fn istio_gets_the_same_stats_tags() {
    let load = |text: &str| YamlLoader::load_from_str(text).unwrap().swap_remove(0);
    let own = load(include_str!("../bootstrap.yaml"));
    let map = load(include_str!("../istio/stats-tags.yaml"));
    assert_eq!(map["kind"].as_str(), Some("ConfigMap"));
    let custom = map["data"]["custom_bootstrap.json"].as_str().unwrap();
    let custom: serde_json::Value = serde_json::from_str(custom).unwrap();
    let tags = custom["stats_config"]["stats_tags"].as_array().unwrap();
    let own = own["stats_config"]["stats_tags"].as_vec().unwrap();
    assert_eq!(tags.len(), own.len());
    for (tag, own) in tags.iter().zip(own) {
        assert_eq!(tag["tag_name"].as_str(), own["tag_name"].as_str());
        assert_eq!(tag["regex"].as_str(), own["regex"].as_str());
    }
}
