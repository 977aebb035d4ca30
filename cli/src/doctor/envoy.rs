//! An Envoy configuration: a bootstrap with static listeners, a listener alone, or the answer of a file that holds them.
//!
//! What comes over xDS from a server cannot be seen here, and that is said. A filter that comes from a file (ECDS) is read from
//! there.

use serde_json::Value;

use super::order::{self, Filter};
use super::plugin::{self, Environment};
use super::{Patient, documents, routes};
use crate::tree::At;

/// The labels of Keepmum's metrics.
const TAGS: [&str; 6] = ["detector", "place", "route", "mode", "action", "reason"];

/// Fields of `envoy.extensions.wasm.v3.PluginConfig`, as YAML has them.
const PLUGIN: [&str; 9] = [
    "allow_on_headers_stop_iteration",
    "capability_restriction_config",
    "configuration",
    "fail_open",
    "failure_policy",
    "name",
    "reload_config",
    "root_id",
    "vm_config",
];

/// Fields of its `VmConfig`.
const VM: [&str; 7] = [
    "allow_precompiled",
    "code",
    "configuration",
    "environment_variables",
    "nack_on_code_cache_miss",
    "runtime",
    "vm_id",
];

/// The one document.
pub fn examine(at: &At, to: &mut Patient) {
    let mut managers = 0;
    if at.get("filter_chains").is_some() || at.get("default_filter_chain").is_some() {
        managers += listener(at, None, to);
    }
    // A file from which Envoy reads listeners (LDS), or a filter (ECDS).
    let mut filters = 0;
    for resource in at.get("resources").iter().flat_map(At::items) {
        match resource.get("typed_config") {
            Some(config) if kind(&config).ends_with(".Wasm") => {
                filters += 1;
                wasm(&inner(&config), to);
            }
            _ => managers += listener(&inner(&resource), None, to),
        }
    }
    if at.get("http_filters").is_some() {
        managers += 1;
        manager(at, None, to);
    }
    let statics = at.get("static_resources");
    for one in statics
        .iter()
        .filter_map(|s| s.get("listeners"))
        .flat_map(|l| l.items().collect::<Vec<_>>())
    {
        managers += listener(&one, Some(at), to);
    }
    if let Some(dynamic) = at.get("dynamic_resources").filter(|d| d.get("lds_config").is_some()) {
        to.warning(
            &dynamic.below("lds_config"),
            "listeners come from elsewhere, and are not examined",
            "examine the file from which they come, or a dump of them",
        );
    } else if managers + filters == 0 {
        to.error(
            "",
            "no HTTP connection manager in it: there is nothing that Keepmum could look at",
            "examine the file that has the listeners",
        );
    }
    if statics.is_some() {
        tags(at, to);
    }
}

/// What an `Any` holds: itself, or what is wrapped in a TypedStruct.
fn inner<'a>(at: &At<'a>) -> At<'a> {
    let kind = at.get("@type").and_then(|kind| kind.text()).unwrap_or_default();
    if kind.ends_with(".TypedStruct")
        && let Some(value) = at.get("value")
    {
        return value;
    }
    at.clone()
}

/// The type of an `Any`, without its URL's host.
pub fn kind<'a>(at: &At<'a>) -> &'a str {
    let text = |key| at.get(key).and_then(|kind| kind.text()).unwrap_or_default();
    let own = text("@type");
    let own = if own.ends_with(".TypedStruct") {
        text("type_url")
    } else {
        own
    };
    own.rsplit('/').next().unwrap_or_default()
}

/// How many HTTP connection managers it has.
fn listener(at: &At, bootstrap: Option<&At>, to: &mut Patient) -> usize {
    let mut managers = 0;
    let chains = at.get("filter_chains");
    let chains = chains.iter().flat_map(At::items).chain(at.get("default_filter_chain"));
    for chain in chains {
        for filter in chain.get("filters").iter().flat_map(At::items) {
            let Some(config) = filter.get("typed_config") else {
                continue;
            };
            if kind(&config).ends_with(".HttpConnectionManager") {
                managers += 1;
                let limit = limit(at);
                if manager(&inner(&config), bootstrap, to) {
                    buffers(at, limit, to);
                    routes::clusters(&inner(&config), bootstrap, limit, to);
                }
            }
        }
    }
    managers
}

fn limit(at: &At) -> Option<u64> {
    let limit = at.get("per_connection_buffer_limit_bytes")?;
    // Protobuf's JSON has such numbers as text, too.
    limit.value.as_u64().or_else(|| limit.text()?.parse().ok())
}

fn buffers(listener: &At, limit: Option<u64>, to: &mut Patient) {
    if limit.is_none() {
        to.warning(
            &listener.below("per_connection_buffer_limit_bytes"),
            "missing: a stream may hold 1 MiB, as much as is read at once, and Envoy ends a response that outgrows it",
            "write 262144, well above the limits of the clusters",
        );
    }
}

/// Whether Keepmum is among its filters.
fn manager(at: &At, bootstrap: Option<&At>, to: &mut Patient) -> bool {
    let mut filters = Vec::new();
    for filter in at.get("http_filters").iter().flat_map(At::items) {
        filters.push(Filter::of(&filter));
    }
    let Some(own) = order::keepmum(&filters) else {
        to.error(
            &at.below("http_filters"),
            "no filter in it runs Keepmum: what comes through here leaves unread",
            "put the filter in, first in the list",
        );
        return false;
    };
    order::examine(&filters, own, to);
    if let Some(filter) = filters.get(own) {
        own_filter(filter, to);
        routes::examine(at, &filter.name, bootstrap, to);
    }
    true
}

fn own_filter(filter: &Filter, to: &mut Patient) {
    if filter.at.get("disabled").is_some_and(|d| d.value == &Value::Bool(true)) {
        to.error(
            &filter.at.below("disabled"),
            "the filter is off, unless a route turns it on",
            "take it out; a policy's route with `bypass` is counted",
        );
    }
    if filter
        .at
        .get("is_optional")
        .is_some_and(|o| o.value == &Value::Bool(true))
    {
        to.error(
            &filter.at.below("is_optional"),
            "an Envoy that has no Wasm leaves the filter out without a word",
            "take it out",
        );
    }
    if let Some(config) = filter.at.get("typed_config") {
        wasm(&inner(&config), to);
        return;
    }
    let Some(discovery) = filter.at.get("config_discovery") else {
        return;
    };
    if let Some(default) = discovery.get("default_config") {
        wasm(&inner(&default), to);
    }
    let source = discovery.get("config_source");
    let path = source
        .as_ref()
        .and_then(|s| s.get("path_config_source"))
        .and_then(|p| p.get("path"));
    match path.as_ref().and_then(|path| Some((path, path.text()?))) {
        Some((path, name)) => discovered(filter, &path.path, name, to),
        None => to.warning(
            &discovery.below("config_source"),
            "the filter comes from a server, and is not examined",
            "examine what the server sends",
        ),
    }
}

/// A filter from a file.
fn discovered(filter: &Filter, path: &str, name: &str, to: &mut Patient) {
    let file = to.referred(name);
    let read = documents(&file);
    let tree = match &read {
        Ok(all) => all.first().cloned().unwrap_or_default(),
        Err(_) => {
            to.warning(
                path,
                "the file cannot be read, so that the filter is not examined",
                "run this where the file is",
            );
            return;
        }
    };
    let mut other = Patient::of(&file);
    let at = At::root(&tree);
    let mut known = false;
    for resource in at.get("resources").iter().flat_map(At::items) {
        let is_it = resource
            .get("name")
            .is_some_and(|n| n.text() == Some(filter.name.as_str()));
        if let Some(config) = resource.get("typed_config").filter(|_| is_it) {
            known = true;
            wasm(&inner(&config), &mut other);
        }
    }
    if !known {
        other.error(
            "resources",
            format!("no filter in it is called {}", filter.name),
            "a TypedExtensionConfig has the name of the filter",
        );
    }
    to.findings.extend(other.findings);
}

/// The `Wasm` message.
fn wasm(at: &At, to: &mut Patient) {
    let Some(config) = at.get("config") else {
        to.error(&at.below("config"), "missing", "see envoy/bootstrap.yaml");
        return;
    };
    to.unknown(at, &["config"]);
    to.unknown(&config, &PLUGIN);
    failure(&config, to);
    let vm = config.get("vm_config");
    for (below, known) in [("vm_config", &VM[..]), ("reload_config", &["backoff"])] {
        if let Some(below) = config.get(below) {
            to.unknown(&below, known);
        }
    }
    let mut given = Environment::default();
    match &vm {
        None => to.error(
            &config.below("vm_config"),
            "missing: it says which module runs",
            "see envoy/bootstrap.yaml",
        ),
        Some(vm) => machine(vm, &mut given, to),
    }
    let variables = vm.map_or(config.below("vm_config"), |vm| vm.below("environment_variables"));
    if let Some(written) = config.get("configuration")
        && let Some(policy) = plugin::configuration(&written, to)
    {
        plugin::policy(&policy, &written.below("value"), &variables, &given, to);
    }
}

fn failure(config: &At, to: &mut Patient) {
    if config.get("fail_open").is_some_and(|f| f.value == &Value::Bool(true)) {
        to.error(
            &config.below("fail_open"),
            "after a failure responses leave unredacted, even from the middle of a body on",
            "take it out, and write failure_policy: FAIL_RELOAD",
        );
        return;
    }
    let at = config.below("failure_policy");
    match config.get("failure_policy").and_then(|f| f.text()).unwrap_or_default() {
        "FAIL_RELOAD" => {}
        "FAIL_OPEN" => to.error(&at, "after a failure responses leave unredacted", "write FAIL_RELOAD"),
        _ => to.warning(
            &at,
            "after a failure this worker answers every request with 503 until Envoy is restarted",
            "write FAIL_RELOAD (Envoy 1.33 and later): it fails closed too, and makes a new VM",
        ),
    }
}

fn machine(vm: &At, given: &mut Environment, to: &mut Patient) {
    let runtime = vm
        .get("runtime")
        .and_then(|r| r.text())
        .unwrap_or("envoy.wasm.runtime.v8");
    if runtime != "envoy.wasm.runtime.v8" {
        to.warning(
            &vm.below("runtime"),
            "Keepmum is tested with V8 only",
            "write envoy.wasm.runtime.v8",
        );
    }
    if vm
        .get("allow_precompiled")
        .is_some_and(|a| a.value == &Value::Bool(true))
    {
        to.warning(
            &vm.below("allow_precompiled"),
            "machine code inside the module would be run unchecked; this module has none",
            "take it out",
        );
    }
    match vm.get("code") {
        None => to.error(
            &vm.below("code"),
            "missing: it says where the module is",
            "write local: {filename: …}",
        ),
        Some(code) => {
            if let Some(remote) = code.get("remote") {
                let digest = remote.get("sha256").and_then(|s| s.text()).unwrap_or_default();
                if digest.len() != 64 || !digest.bytes().all(|b| b.is_ascii_hexdigit()) {
                    to.error(
                        &remote.below("sha256"),
                        "no SHA-256: what the server hands out is not checked",
                        "write the module's SHA-256 in hex; `cargo xtask build` prints it",
                    );
                }
            }
        }
    }
    let Some(variables) = vm.get("environment_variables") else {
        return;
    };
    to.unknown(&variables, &["host_env_keys", "key_values"]);
    for key in variables.get("host_env_keys").iter().flat_map(At::items) {
        given.0.extend(key.text().map(|key| (key.to_owned(), None)));
    }
    for (key, value) in variables
        .get("key_values")
        .iter()
        .flat_map(|v| v.members().collect::<Vec<_>>())
    {
        given
            .0
            .insert(key.to_owned(), Some(value.text().unwrap_or_default().to_owned()));
    }
}

/// Tags that make labels of the parts of a metric's name.
fn tags(at: &At, to: &mut Patient) {
    let tags = at.get("stats_config").and_then(|s| s.get("stats_tags"));
    let patterns: Vec<&str> = tags
        .iter()
        .flat_map(At::items)
        .filter_map(|tag| tag.get("regex")?.text())
        .collect();
    let missing: Vec<&str> = TAGS
        .into_iter()
        .filter(|label| {
            !patterns
                .iter()
                .any(|p| p.contains(&format!("{label}\\.")) || p.contains(&format!(".{label}.")))
        })
        .collect();
    if !missing.is_empty() {
        to.warning(
            "stats_config.stats_tags",
            format!(
                "no tag for {}: each combination becomes a metric of its own",
                missing.join(", ")
            ),
            "take them from envoy/bootstrap.yaml",
        );
    }
}
