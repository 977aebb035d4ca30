//! Envoy's routes and clusters, as far as they take responses away from Keepmum.

use serde_json::Value;

use super::Patient;
use super::envoy::kind;
use crate::tree::At;

/// What a cluster's connection reads at once if nothing is said.
const DEFAULT_LIMIT: u64 = 1024 * 1024;

/// A connection manager's routes. `filter` is what Keepmum's filter is called there.
pub fn examine(manager: &At, filter: &str, bootstrap: Option<&At>, to: &mut Patient) {
    upgrades(manager, to);
    if manager.get("rds").is_some() && bootstrap.is_some() {
        let path = manager
            .get("rds")
            .and_then(|r| r.get("config_source")?.get("path_config_source"));
        if path.is_none() {
            to.warning(
                &manager.below("rds"),
                "routes come from a server, and are not examined",
                "examine what it sends",
            );
        }
    }
    let Some(routes) = manager.get("route_config") else {
        return;
    };
    off(&routes, filter, to);
    for host in routes.get("virtual_hosts").iter().flat_map(At::items) {
        off(&host, filter, to);
        for route in host.get("routes").iter().flat_map(At::items) {
            off(&route, filter, to);
            let Some(action) = route.get("route") else { continue };
            upgrades(&action, to);
            let weighted = action.get("weighted_clusters").and_then(|w| w.get("clusters"));
            for cluster in weighted.iter().flat_map(At::items) {
                off(&cluster, filter, to);
            }
        }
    }
}

/// Whether something below this turns the filter off.
fn off(at: &At, filter: &str, to: &mut Patient) {
    let Some(configs) = at.get("typed_per_filter_config") else {
        return;
    };
    for (_, config) in configs.members().filter(|(name, _)| *name == filter) {
        let is = |key: &str| config.get(key).is_some_and(|v| v.value == &Value::Bool(true));
        match kind(&config).rsplit('.').next().unwrap_or_default() {
            "FilterConfig" if is("disabled") => to.error(
                &config.below("disabled"),
                "Keepmum is off here: responses leave unread, and nothing counts them",
                "take it out, and write a route with `bypass` into the policy: it is counted",
            ),
            "FilterConfig" => {}
            _ => to.error(
                &config.path,
                "a Wasm filter has no configuration of its own for a route, and Envoy refuses it",
                "take it out; the policy has routes",
            ),
        }
    }
}

/// Connections that stop being HTTP.
fn upgrades(at: &At, to: &mut Patient) {
    for upgrade in at.get("upgrade_configs").iter().flat_map(At::items) {
        if upgrade.get("enabled").is_some_and(|e| e.value == &Value::Bool(false)) {
            continue;
        }
        let kind = upgrade.get("upgrade_type").and_then(|t| t.text()).unwrap_or_default();
        let kind: String = kind.chars().filter(char::is_ascii_graphic).take(40).collect();
        let what = if kind.eq_ignore_ascii_case("websocket") {
            "over a WebSocket only text".to_owned()
        } else {
            format!("nothing that passes after an upgrade to {kind}")
        };
        to.warning(
            &upgrade.path,
            format!("{what} is looked at (the rest is counted: upgrade)"),
            "take it out where it is not needed",
        );
    }
}

/// The clusters to which the routes lead: what is read from them at once must be less than what a stream may hold.
pub fn clusters(manager: &At, bootstrap: Option<&At>, listener: Option<u64>, to: &mut Patient) {
    let Some(bootstrap) = bootstrap else { return };
    let mut used = Vec::new();
    for host in manager
        .get("route_config")
        .and_then(|r| r.get("virtual_hosts"))
        .iter()
        .flat_map(At::items)
    {
        for route in host.get("routes").iter().flat_map(At::items) {
            let Some(action) = route.get("route") else { continue };
            used.extend(action.get("cluster").and_then(|c| c.text()));
            let weighted = action.get("weighted_clusters").and_then(|w| w.get("clusters"));
            used.extend(
                weighted
                    .iter()
                    .flat_map(At::items)
                    .filter_map(|c| c.get("name")?.text()),
            );
        }
    }
    let window = manager
        .get("http2_protocol_options")
        .and_then(|h| h.get("initial_stream_window_size")?.value.as_u64());
    let statics = bootstrap.get("static_resources").and_then(|s| s.get("clusters"));
    for cluster in statics.iter().flat_map(At::items) {
        if !cluster
            .get("name")
            .is_some_and(|n| n.text().is_some_and(|name| used.contains(&name)))
        {
            continue;
        }
        let stated = cluster.get("per_connection_buffer_limit_bytes");
        let limit = stated.as_ref().map_or(Some(DEFAULT_LIMIT), |l| {
            l.value.as_u64().or_else(|| l.text()?.parse().ok())
        });
        let path = cluster.below("per_connection_buffer_limit_bytes");
        if stated.is_none() {
            to.warning(
                &path,
                "missing: up to 1 MiB is read at once, and Envoy ends a response of which a stream holds too much",
                "write 32768",
            );
        } else if let (Some(limit), Some(most)) = (limit, listener.into_iter().chain(window).min())
            && limit >= most
        {
            let what = format!(
                "{limit} bytes are read at once, and a stream may hold {most}: Envoy ends a response that outgrows it"
            );
            to.warning(
                &path,
                what,
                "write 32768, and let the listener (and the HTTP/2 window) have more",
            );
        }
    }
}
