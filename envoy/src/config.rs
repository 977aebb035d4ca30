//! The operator's `bootstrap.yaml`, changed only where a test must: ports, paths, the policy, limits.
//!
//! Tests could have had a small configuration of their own; then nothing would run the file that people copy. The changes
//! are replacements of text, each of which must occur exactly once: Envoy parses the YAML, and a parser
//! of our own would prove nothing about the file.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// The request header that names the cluster, where there are two.
pub const UPSTREAM: &str = "x-keepmum-upstream";

/// The cluster of the shipped file.
pub const HTTP1: &str = "application";

/// The cluster that speaks HTTP/2.
pub const HTTP2: &str = "application_http2";

/// The file as shipped.
pub const BOOTSTRAP: &str = include_str!("../bootstrap.yaml");

/// The filter with its policy from a watched file, as shipped.
const HTTP_FILTER: &str = include_str!("../ecds/http_filter.yaml");

/// The watched file, as shipped.
const WATCHED: &str = include_str!("../ecds/filter.yaml");

/// The watched file with this module and this policy.
///
/// # Errors
/// The shipped file lacks a text that is replaced here.
pub fn watched(module: &Path, policy: &str) -> Result<String> {
    let module = Value::from(module.to_string_lossy()).to_string();
    let policy = Value::from(policy).to_string();
    let made = Bootstrap(WATCHED.to_owned())
        .swap("/etc/envoy/keepmum_plugin.wasm", &module)?
        .swap("value: |\n            revision: 1\n", &format!("value: {policy}\n"))?;
    Ok(made.0)
}

/// An Envoy bootstrap, as YAML.
#[derive(Clone, Debug)]
pub struct Bootstrap(String);

impl Bootstrap {
    /// The shipped file, on loopback ports that the kernel chooses.
    ///
    /// # Errors
    /// The shipped file lacks a text that is replaced here.
    pub fn for_tests(module: &Path, policy: &str, upstream: SocketAddr) -> Result<Self> {
        let module = Value::from(module.to_string_lossy()).to_string();
        let policy = Value::from(policy).to_string();
        Self(BOOTSTRAP.to_owned())
            .swap("127.0.0.1, port_value: 9901", "127.0.0.1, port_value: 0")?
            .swap(
                "address: 0.0.0.0, port_value: 8080",
                "address: 127.0.0.1, port_value: 0",
            )?
            .swap("/etc/envoy/keepmum_plugin.wasm", &module)?
            .swap(
                "value: |\n                            {}\n",
                &format!("value: {policy}\n"),
            )?
            .swap(
                "address: 127.0.0.1, port_value: 8000",
                &format!("address: 127.0.0.1, port_value: {}", upstream.port()),
            )?
            // A capture brings its own request id, which an edge would replace.
            .swap(
                "use_remote_address: true",
                "use_remote_address: true\n                preserve_external_request_id: true",
            )
    }

    /// With the wasm filter disabled: what Envoy does on its own.
    ///
    /// # Errors
    /// The shipped file lacks the text that is replaced.
    pub fn without_module(self) -> Result<Self> {
        self.swap(
            "- name: keepmum\n",
            "- name: keepmum\n                    disabled: true\n",
        )
    }

    /// With a tag of somebody else's in place of our own, as Istio's bootstrap has them.
    ///
    /// # Errors
    /// The shipped file lacks the tags.
    pub fn with_other_tags(self) -> Result<Self> {
        let cut = |text: &str| Some((text.find("stats_config:\n")?, text.find("overload_manager:\n")?));
        let (from, to) = cut(&self.0).context("envoy/bootstrap.yaml has no stats_config")?;
        let other = "stats_config: {use_all_default_tags: false, stats_tags: [{tag_name: cluster_name, regex: '^cluster\\.((.+?)\\.)'}]}\n\n";
        Ok(Self([&self.0[..from], other, &self.0[to..]].concat()))
    }

    /// With the filter's policy from the file `filter.yaml` in this folder.
    ///
    /// # Errors
    /// The shipped files lack a text that is replaced.
    pub fn watching(self, folder: &Path) -> Result<Self> {
        let (begin, end) = (
            "                  - name: keepmum\n",
            "                  - name: envoy.filters.http.router\n",
        );
        let cut = |text: &str| Some((text.find(begin)?, text.find(end)?));
        let (from, to) = cut(&self.0).context("envoy/bootstrap.yaml has no filter keepmum")?;
        let filter = Self(HTTP_FILTER.to_owned())
            .swap(
                "path: /etc/envoy/keepmum/filter.yaml",
                &format!("path: {}", folder.join("filter.yaml").display()),
            )?
            .swap("path: /etc/envoy/keepmum }", &format!("path: {} }}", folder.display()))?;
        let lines = filter.0.lines().map(|line| format!("                  {line}\n"));
        let filter: String = lines.collect();
        Ok(Self([&self.0[..from], &filter, &self.0[to..]].concat()))
    }

    /// With another limit on what Envoy buffers for a stream, in both directions.
    ///
    /// # Errors
    /// The shipped file lacks the text that is replaced.
    pub fn buffer_limit(self, bytes: u32) -> Result<Self> {
        let new = format!("per_connection_buffer_limit_bytes: {bytes}\n");
        self.swap("per_connection_buffer_limit_bytes: 262144\n", &new)?
            .swap("per_connection_buffer_limit_bytes: 32768\n", &new)
    }

    /// With WebSockets, which Envoy refuses unless it is told otherwise.
    ///
    /// # Errors
    /// The shipped file lacks the text that is replaced.
    pub fn websockets(self) -> Result<Self> {
        let log = "                access_log:\n";
        self.swap(
            log,
            &format!("                upgrade_configs: [{{ upgrade_type: websocket }}]\n{log}"),
        )
    }

    /// With a second upstream that speaks HTTP/2: the request header [`UPSTREAM`] names the cluster, [`HTTP1`] or [`HTTP2`].
    ///
    /// # Errors
    /// The shipped file lacks a text that is replaced.
    pub fn two_upstreams(self, first: SocketAddr, second: SocketAddr) -> Result<Self> {
        let begin = "    - name: application\n      type:";
        let at = self.0.find(begin).context("envoy/bootstrap.yaml has no cluster")?;
        let other = Self(self.0.get(at..).unwrap_or_default().to_owned())
            .swap("- name: application\n", &format!("- name: {HTTP2}\n"))?
            .swap("cluster_name: application\n", &format!("cluster_name: {HTTP2}\n"))?
            .swap(
                "http_protocol_options: { enable_trailers: true }",
                "http2_protocol_options: {}",
            )?
            .swap(
                &format!("port_value: {}", first.port()),
                &format!("port_value: {}", second.port()),
            )?;
        let it = self.swap(
            "                            cluster: application\n",
            &format!("                            cluster_header: {UPSTREAM}\n"),
        )?;
        Ok(Self([&it.0, "\n", &other.0].concat()))
    }

    /// With the agent's cluster, `keepmum-agent`, and the key that it shares with the proxy.
    ///
    /// # Errors
    /// The shipped file lacks a text that is replaced.
    pub fn agent(self, agent: SocketAddr, key: &str) -> Result<Self> {
        let key = Value::from(key).to_string();
        let cluster = format!(
            "  clusters:
    - name: keepmum-agent
      type: STATIC
      connect_timeout: 1s
      load_assignment:
        cluster_name: keepmum-agent
        endpoints: [{{ lb_endpoints: [{{ endpoint: {{ address: {{ socket_address: {{ address: 127.0.0.1, port_value: {} }} }} }} }}] }}]
",
            agent.port()
        );
        let variables = format!("environment_variables: {{ key_values: {{ KEEPMUM_AGENT_KEY: {key} }} }}");
        self.swap("  clusters:\n", &cluster)?.swap(
            "                          vm_id: keepmum\n",
            &format!("                          vm_id: keepmum\n                          {variables}\n"),
        )
    }

    /// With one more filter, before Keepmum's in the list or behind it. `filter` is YAML on one line.
    ///
    /// # Errors
    /// The shipped file lacks the text that is replaced.
    pub fn with_filter(self, filter: &str, before: bool) -> Result<Self> {
        let place = if before { "keepmum" } else { "envoy.filters.http.router" };
        let name = format!("                  - name: {place}\n");
        self.swap(&name, &format!("                  - {filter}\n{name}"))
    }

    /// With informational responses (100, 103) let through.
    ///
    /// # Errors
    /// The shipped file lacks the text that is replaced.
    pub fn informational(self) -> Result<Self> {
        let now = "normalize_path: true\n";
        self.swap(now, &format!("proxy_100_continue: true\n                {now}"))
    }

    /// With HTTP/2's METADATA frames let through, from a second upstream too.
    ///
    /// # Errors
    /// The shipped file lacks the text that is replaced.
    pub fn metadata(self) -> Result<Self> {
        let allow = "allow_metadata: true";
        self.swap(
            "http2_protocol_options:\n",
            &format!("http2_protocol_options:\n                  {allow}\n"),
        )?
        .swap(
            "http2_protocol_options: {}",
            &format!("http2_protocol_options: {{ {allow} }}"),
        )
    }

    /// With room for very many and very large response headers.
    ///
    /// # Errors
    /// The shipped file lacks the text that is replaced.
    pub fn many_headers(self, count: u32, kib: u32) -> Result<Self> {
        let limits = format!(
            "idle_timeout: 60s\n            max_headers_count: {count}\n            max_response_headers_kb: {kib}\n          explicit"
        );
        self.swap("idle_timeout: 60s\n          explicit", &limits)
    }

    fn swap(self, now: &str, new: &str) -> Result<Self> {
        let found = self.0.matches(now).count();
        ensure!(found == 1, "envoy/bootstrap.yaml holds {now:?} {found} times, not once");
        Ok(Self(self.0.replace(now, new)))
    }

    /// The configuration as text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::Bootstrap;

    #[test]
    fn every_replaced_text_is_in_the_shipped_file() {
        let made = Bootstrap::for_tests("/m.wasm".as_ref(), "{\"version\": 1}", ([127, 0, 0, 1], 4242).into()).unwrap();
        let made = made
            .buffer_limit(4096)
            .unwrap()
            .many_headers(2000, 256)
            .unwrap()
            .websockets()
            .unwrap()
            .without_module()
            .unwrap();
        assert!(made.text().contains("port_value: 4242"));
        assert!(made.text().contains(r#"value: "{\"version\": 1}""#));
        assert!(!made.text().contains("262144"));
    }
}
