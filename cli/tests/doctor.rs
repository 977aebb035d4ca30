//! `keepmum doctor`: the project's own configurations have no finding, and each thing that can be wrong has one, at its field.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may stop")]

mod common;

use common::{Folder, Ran, keepmum};
use serde_json::Value;

const BOOTSTRAP: &str = include_str!("../../envoy/bootstrap.yaml");
const MANIFEST: &str = include_str!("../../envoy/istio/wasmplugin.yaml");

fn doctor(folder: &Folder, text: &str) -> Ran {
    folder.put("it.yaml", text.as_bytes());
    keepmum(&["doctor"], &[folder.path("it.yaml")], b"")
}

/// What is changed in the text, and where a finding then is and how bad: each is there with the change, and not without.
type Case<'a> = (&'a str, &'a str, &'a str, &'a str);

fn check(name: &str, good: &str, cases: &[Case]) {
    let folder = Folder::new(name);
    let ran = doctor(&folder, good);
    assert_eq!((ran.code, ran.text().as_str()), (0, ""), "{}", ran.stderr);
    for (from, to, severity, part) in cases {
        assert!(good.contains(from), "{from}");
        let ran = doctor(&folder, &good.replacen(from, to, 1));
        let text = ran.text();
        assert_eq!(ran.code, 1, "{from} -> {to}\n{text}{}", ran.stderr);
        let is = |line: &str| line.starts_with(severity) && line.contains(part);
        assert!(text.lines().any(is), "{severity} {part}\n{text}");
        assert_eq!(text.lines().count(), 2, "{to}: one finding and what to do\n{text}");
    }
}

const MANAGER: &str = "static_resources.listeners[0].filter_chains[0].filters[0].typed_config";

/// A filter of this type, to be put into the list.
fn filter(name: &str, kind: &str) -> String {
    format!(
        "                  - name: {name}\n                    typed_config:\n                      \"@type\": type.googleapis.com/envoy.extensions.filters.http.{kind}\n"
    )
}

#[test]
fn a_bootstrap_is_examined_field_by_field() {
    let own = "                  - name: keepmum\n";
    let router = "                  - name: envoy.filters.http.router\n";
    let before = |name, kind| filter(name, kind) + own;
    let behind = |name, kind| filter(name, kind) + router;
    let (compressor, decompressor) = ("compressor.v3.Compressor", "decompressor.v3.Decompressor");
    let filters = format!("{MANAGER}.http_filters");
    let at = |rest: &str| format!("{filters}{rest}");
    let route = format!("{MANAGER}.route_config.virtual_hosts[0].routes[0]");
    let good = "                        - match: { prefix: \"/\" }\n";
    let off =
        |config: &str| format!("{good}                          typed_per_filter_config: {{ keepmum: {config} }}\n");
    let policy = "                          value: |\n                            {}\n";
    let config = "[0].typed_config.config";
    let vm = "                          vm_id: keepmum\n";
    let with_vm = |line: &str| format!("{vm}                          {line}\n");
    let local = "                            local: { filename: /etc/envoy/keepmum_plugin.wasm }\n";
    let hash = "                          value: \"response: {action: hash}\"\n";
    let own_with = |line: &str| format!("{own}                    {line}\n");

    let cases = [
        (router, behind("squeeze", compressor), "error", at("[1]: squeeze stands behind Keepmum")),
        (own, before("unpack", decompressor), "error", at("[0]: unpack stands before Keepmum")),
        (own, before("who", "jwt_authn.v3.JwtAuthentication"), "warning", at("[0]: who stands before Keepmum and answers")),
        (own, before("may", "rbac.v3.RBAC"), "warning", at("[0]: may")),
        (own, before("script", "lua.v3.Lua"), "warning", at("[0]: script")),
        (own, before("other", "wasm.v3.Wasm"), "warning", at("[0]: other, another module")),
        (own, own_with("disabled: true"), "error", at("[0].disabled")),
        (own, own_with("is_optional: true"), "error", at("[0].is_optional")),
        ("failure_policy: FAIL_RELOAD", "failure_policy: FAIL_OPEN".into(), "error", at("[0].typed_config.config.failure_policy")),
        ("failure_policy: FAIL_RELOAD", "failure_policy: FAIL_CLOSED".into(), "warning", at("[0].typed_config.config.failure_policy")),
        ("failure_policy: FAIL_RELOAD", "fail_open: true".into(), "error", at("[0].typed_config.config.fail_open")),
        ("runtime: envoy.wasm.runtime.v8", "runtime: envoy.wasm.runtime.wamr".into(), "warning", at("[0].typed_config.config.vm_config.runtime")),
        (vm, with_vm("allow_precompiled: true"), "warning", at("[0].typed_config.config.vm_config.allow_precompiled")),
        (
            local,
            "                            remote: { http_uri: { uri: \"https://x/keepmum.wasm\", cluster: c, timeout: 5s } }\n".into(),
            "error",
            at("[0].typed_config.config.vm_config.code.remote.sha256"),
        ),
        ("            per_connection_buffer_limit_bytes: 262144\n", String::new(), "", String::new()),
        ("      per_connection_buffer_limit_bytes: 262144\n", "\n".into(), "warning", "static_resources.listeners[0].per_connection_buffer_limit_bytes: missing".into()),
        ("      per_connection_buffer_limit_bytes: 32768\n", "\n".into(), "warning", "static_resources.clusters[0].per_connection_buffer_limit_bytes: missing".into()),
        ("per_connection_buffer_limit_bytes: 32768", "per_connection_buffer_limit_bytes: 65536".into(), "warning", "static_resources.clusters[0].per_connection_buffer_limit_bytes: 65536 bytes".into()),
        ("    - tag_name: keepmum.reason\n      regex: \'^wasmcustom\\.keepmum\\.\\w+(?:\\.\\w+\\.[^.]+)*?(\\.reason\\.([^.]+))\'\n", String::new(), "warning", "stats_config.stats_tags: no tag for reason".into()),
        ("                            idle_timeout: 60s\n", "                            idle_timeout: 60s\n                            upgrade_configs: [{ upgrade_type: websocket }]\n".into(), "warning", format!("{route}.route.upgrade_configs[0]")),
        ("                stat_prefix: ingress\n", "                stat_prefix: ingress\n                upgrade_configs: [{ upgrade_type: CONNECT }]\n".into(), "warning", format!("{MANAGER}.upgrade_configs[0]")),
        (good, off("{ \"@type\": type.googleapis.com/envoy.config.route.v3.FilterConfig, disabled: true }"), "error", format!("{route}.typed_per_filter_config.keepmum.disabled")),
        (good, off("{ \"@type\": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm }"), "error", format!("{route}.typed_per_filter_config.keepmum")),
        (policy, "                          value: \"mode: reprot\"\n".into(), "error", at(&format!("{config}.configuration.value.mode: no such word; did you mean `report`?"))),
        (policy, hash.into(), "error", at(&format!("{config}.vm_config.environment_variables: the policy needs the environment variable KEEPMUM_HASH_KEY"))),
    ];
    let cases: Vec<Case> = cases
        .iter()
        .filter(|(_, _, severity, _)| !severity.is_empty())
        .map(|(from, to, severity, part)| (*from, to.as_str(), *severity, part.as_str()))
        .collect();
    check("doctor-bootstrap", BOOTSTRAP, &cases);
}

#[test]
fn what_is_right_in_other_ways_has_no_finding() {
    let folder = Folder::new("doctor-right");
    let own = "                  - name: keepmum\n";
    let router = "                  - name: envoy.filters.http.router\n";
    let vm = "                          vm_id: keepmum\n";
    let policy = "                          value: |\n                            {}\n";
    let string = "type.googleapis.com/google.protobuf.StringValue";
    let good = BOOTSTRAP
        .replacen(own, &(filter("squeeze", "compressor.v3.Compressor") + own), 1)
        .replacen(
            router,
            &(filter("may", "rbac.v3.RBAC") + &filter("unpack", "decompressor.v3.Decompressor") + router),
            1,
        )
        .replacen(
            vm,
            &format!("{vm}                          environment_variables: {{ host_env_keys: [KEEPMUM_HASH_KEY] }}\n"),
            1,
        )
        .replacen(
            policy,
            "                          value: { response: { action: hash } }\n",
            1,
        )
        .replacen(string, "type.googleapis.com/google.protobuf.Struct", 1);
    let ran = doctor(&folder, &good);
    assert_eq!((ran.code, ran.text().as_str()), (0, ""), "{}", ran.stderr);
    let literal = good.replacen(
        "{ host_env_keys: [KEEPMUM_HASH_KEY] }",
        &format!("{{ key_values: {{ KEEPMUM_HASH_KEY: {} }} }}", common::key()),
        1,
    );
    let ran = doctor(&folder, &literal);
    assert!(
        ran.text()
            .contains("the key KEEPMUM_HASH_KEY stands in the configuration"),
        "{}",
        ran.text()
    );
    assert!(!ran.text().contains(&common::key()));
}

#[test]
fn a_listener_without_keepmum_is_told() {
    let folder = Folder::new("doctor-without");
    let begin = BOOTSTRAP.find("                  - name: keepmum\n").unwrap();
    let end = BOOTSTRAP
        .find("                  - name: envoy.filters.http.router\n")
        .unwrap();
    let without = format!("{}{}", &BOOTSTRAP[..begin], &BOOTSTRAP[end..]);
    let ran = doctor(&folder, &without);
    assert_eq!(ran.code, 1);
    assert!(
        ran.text().contains("http_filters: no filter in it runs Keepmum"),
        "{}",
        ran.text()
    );
}

#[test]
fn a_filter_from_a_file_is_examined_there() {
    let folder = Folder::new("doctor-ecds");
    let wasm = "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm";
    let begin = BOOTSTRAP.find("                    typed_config:\n                      \"@type\": type.googleapis.com/envoy.extensions.filters.http.wasm").unwrap();
    let end = BOOTSTRAP
        .find("                  - name: envoy.filters.http.router\n")
        .unwrap();
    let discovery = format!(
        "                    config_discovery:\n                      type_urls: [{wasm}]\n                      config_source: {{ path_config_source: {{ path: /etc/envoy/keepmum.json }} }}\n"
    );
    let bootstrap = format!("{}{discovery}{}", &BOOTSTRAP[..begin], &BOOTSTRAP[end..]);
    let ran = doctor(&folder, &bootstrap);
    assert_eq!(ran.code, 1);
    assert!(
        ran.text().contains("path_config_source.path: the file cannot be read"),
        "{}",
        ran.text()
    );
    let resource = |policy: &str, name: &str| {
        serde_json::json!({"resources": [{
            "@type": "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig", "name": name,
            "typed_config": {"@type": wasm, "config": {
                "failure_policy": "FAIL_RELOAD", "vm_config": {"code": {"local": {"filename": "x.wasm"}}},
                "configuration": {"@type": "type.googleapis.com/google.protobuf.StringValue", "value": policy},
            }},
        }]})
        .to_string()
    };
    for (text, code, part) in [
        (resource("{}", "keepmum"), 0, ""),
        (
            resource("{}", "another"),
            1,
            "keepmum.json: resources: no filter in it is called keepmum",
        ),
        (
            resource("feilds: []", "keepmum"),
            1,
            "keepmum.json: resources[0].typed_config.config.configuration.value.feilds: no such key; did you mean `fields`?",
        ),
    ] {
        folder.put("keepmum.json", text.as_bytes());
        let ran = doctor(&folder, &bootstrap);
        assert_eq!(ran.code, code, "{part}: {}{}", ran.text(), ran.stderr);
        assert!(ran.text().contains(part), "{part}: {}", ran.text());
    }
}

#[test]
fn a_file_with_the_filter_is_examined_by_itself() {
    const FILTER: &str = include_str!("../../envoy/ecds/filter.yaml");
    let policy = "resources[0].typed_config.config.configuration.value.mode";
    check(
        "doctor-ecds-file",
        FILTER,
        &[
            (
                "failure_policy: FAIL_RELOAD",
                "failure_policy: FAIL_OPEN",
                "error",
                "resources[0].typed_config.config.failure_policy",
            ),
            ("revision: 1", "mode: reprot", "error", policy),
        ],
    );
}

#[test]
fn a_manifest_is_examined_field_by_field() {
    check(
        "doctor-istio",
        MANIFEST,
        &[
            ("phase: AUTHN", "phase: STATS", "warning", "spec.phase"),
            ("  phase: AUTHN\n", "", "warning", "spec.phase"),
            ("  priority: 1000\n", "", "warning", "spec.priority"),
            (
                "failStrategy: FAIL_RELOAD",
                "failStrategy: FAIL_OPEN",
                "error",
                "spec.failStrategy",
            ),
            (
                "failStrategy: FAIL_RELOAD",
                "failStrategy: FAIL_CLOSE",
                "warning",
                "spec.failStrategy",
            ),
            (
                "    - mode: SERVER\n",
                "    - mode: CLIENT\n",
                "error",
                "spec.match[0].mode",
            ),
            (
                "    - mode: SERVER\n",
                "    - mode: CLIENT_AND_SERVER\n",
                "warning",
                "spec.match[0].mode",
            ),
            ("  match:\n    - mode: SERVER\n", "", "warning", "spec.match: missing"),
            (
                "    - mode: SERVER\n",
                "    - mode: SERVER\n      ports: [{number: 80}]\n",
                "warning",
                "spec.match[0].ports",
            ),
            ("type: HTTP", "type: NETWORK", "error", "spec.type"),
            (
                "  sha256: \"0000000000000000000000000000000000000000000000000000000000000000\"\n",
                "",
                "error",
                "spec.sha256",
            ),
            (
                "url: oci://registry.example.com",
                "url: http://registry.example.com",
                "warning",
                "spec.url",
            ),
            ("imagePullPolicy:", "imagePulPolicy:", "error", "spec.imagePulPolicy"),
            (
                "mode: enforce",
                "mode: enforced",
                "error",
                "spec.pluginConfig.mode: no such word",
            ),
            (
                "action: label",
                "action: hash",
                "error",
                "spec.vmConfig.env: the policy needs the environment variable KEEPMUM_HASH_KEY",
            ),
            (
                "apiVersion: extensions.istio.io/v1alpha1",
                "apiVersion: extensions.istio.io/v1",
                "error",
                "apiVersion",
            ),
        ],
    );
}

#[test]
fn json_has_every_part_of_a_finding_and_several_documents_are_told_apart() {
    let folder = Folder::new("doctor-json");
    let other = "apiVersion: v1\nkind: Namespace\nmetadata: {name: x}\n";
    let text = format!("{other}---\n{}", MANIFEST.replace("phase: AUTHN", "phase: STATS"));
    folder.put("it.yaml", text.as_bytes());
    let ran = keepmum(&["doctor", "--json"], &[folder.path("it.yaml")], b"");
    assert_eq!(ran.code, 1);
    let all: Value = serde_json::from_slice(&ran.stdout).unwrap();
    let one = &all["findings"][0];
    assert_eq!(
        (one["severity"].as_str(), one["path"].as_str()),
        (Some("warning"), Some("document 2: spec.phase"))
    );
    assert!(one["what"].is_string() && one["do"].is_string() && one["file"].is_string());
}

#[test]
fn what_cannot_be_read_exits_with_2() {
    let folder = Folder::new("doctor-cannot");
    for text in ["a: [", "a: 1\na: 2\n", "kind: Deployment\n", "just text", "", "- 1\n"] {
        let ran = doctor(&folder, text);
        assert_eq!(ran.code, 2, "{text}: {}", ran.text());
        assert!(ran.stderr.contains("it.yaml"), "{}", ran.stderr);
    }
    let deep = format!("static_resources: {}", "[".repeat(200_000));
    assert_eq!(doctor(&folder, &deep).code, 2);
    assert_eq!(keepmum(&["doctor", "/nowhere.yaml"], &[], b"").code, 2);
    assert_eq!(keepmum(&["doctor"], &[], b"").code, 2);
}

#[test]
fn odd_shapes_are_no_panic() {
    let folder = Folder::new("doctor-odd");
    // Every value of the bootstrap in turn becomes something else.
    let tree = keepmum_engine::tree(BOOTSTRAP.as_bytes()).unwrap();
    let mut pointers = Vec::new();
    collect(&tree, String::new(), &mut pointers);
    // One file for all of them would stop at the first; so many runs take some seconds.
    for (i, pointer) in pointers.iter().enumerate().filter(|(i, _)| i % 7 == 0) {
        let odd = [
            Value::Null,
            1.into(),
            "x".into(),
            serde_json::json!([]),
            serde_json::json!({"a": [1]}),
        ];
        let mut changed = tree.clone();
        *changed.pointer_mut(pointer).unwrap() = odd[i % odd.len()].clone();
        let ran = doctor(&folder, &changed.to_string());
        assert!(ran.code <= 2 && ran.code >= 0, "{pointer}: {}", ran.stderr);
        assert!(!ran.stderr.contains("panicked"), "{pointer}: {}", ran.stderr);
    }
}

fn collect(value: &Value, at: String, to: &mut Vec<String>) {
    match value {
        Value::Object(map) => map.iter().for_each(|(key, v)| {
            let key = key.replace('~', "~0").replace('/', "~1");
            collect(v, format!("{at}/{key}"), to);
        }),
        Value::Array(list) => list
            .iter()
            .enumerate()
            .for_each(|(i, v)| collect(v, format!("{at}/{i}"), to)),
        _ => {}
    }
    to.push(at);
}

#[test]
fn a_misspelt_field_of_the_plugin_is_told_with_the_one_that_was_meant() {
    let folder = Folder::new("doctor-misspelt");
    for (text, from, to, told) in [
        (
            BOOTSTRAP,
            "failure_policy: FAIL_RELOAD",
            "failure_polcy: FAIL_RELOAD",
            "config.failure_polcy: no such field; did you mean `failure_policy`?",
        ),
        (
            BOOTSTRAP,
            "vm_id: keepmum",
            "vm_ids: keepmum",
            "config.vm_config.vm_ids: no such field; did you mean `vm_id`?",
        ),
        (
            MANIFEST,
            "failStrategy: FAIL_RELOAD",
            "failStrategie: FAIL_RELOAD",
            "spec.failStrategie: no field of a WasmPlugin: it is dropped without a word; did you mean `failStrategy`?",
        ),
    ] {
        let ran = doctor(&folder, &text.replacen(from, to, 1));
        assert!(ran.code == 1 && ran.text().contains(told), "{}", ran.text());
    }
}
