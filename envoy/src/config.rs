//! The operator's `bootstrap.yaml`, changed only where a test must: ports, paths, the policy, limits.
//!
//! Tests could have had a small configuration of their own; then nothing would run the file that people copy.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

/// The file as shipped.
pub const BOOTSTRAP: &str = include_str!("../bootstrap.yaml");

const LISTENER: &str = "/static_resources/listeners/0";
const MANAGER: &str = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config";
const FILTERS: &str =
    "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/http_filters";
const PLUGIN: &str = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/http_filters/0/typed_config/config";
const CLUSTER: &str = "/static_resources/clusters/0";

/// An Envoy bootstrap as JSON, which Envoy reads as gladly as YAML.
#[derive(Clone, Debug)]
pub struct Bootstrap(Value);

impl Bootstrap {
    /// The shipped file, on ports that the kernel chooses, with a quiet access log.
    ///
    /// # Errors
    /// The shipped file is not YAML, or lacks a part that is replaced here.
    pub fn for_tests(module: &Path, policy: &str, upstream: SocketAddr) -> Result<Self> {
        let mut it =
            Self(serde_yaml_ng::from_str(BOOTSTRAP).context("envoy/bootstrap.yaml is not YAML")?);
        it.set("/admin/address/socket_address/port_value", json!(0))?;
        it.set(
            &format!("{LISTENER}/address/socket_address"),
            json!({"address": "127.0.0.1", "port_value": 0}),
        )?;
        it.set(
            &format!("{PLUGIN}/vm_config/code/local/filename"),
            json!(module),
        )?;
        it.set(&format!("{PLUGIN}/configuration/value"), json!(policy))?;
        // A capture brings its own request id, which an edge would replace.
        it.set(
            &format!("{MANAGER}/preserve_external_request_id"),
            json!(true),
        )?;
        it.set(
            &format!("{CLUSTER}/load_assignment/endpoints/0/lb_endpoints/0/endpoint/address/socket_address"),
            json!({"address": upstream.ip().to_string(), "port_value": upstream.port()}),
        )?;
        Ok(it)
    }

    /// Without the wasm filter: what Envoy does on its own.
    ///
    /// # Errors
    /// The shipped file has no list of HTTP filters.
    pub fn without_module(mut self) -> Result<Self> {
        let filters = self
            .0
            .pointer_mut(FILTERS)
            .and_then(Value::as_array_mut)
            .context("no http_filters")?;
        filters.remove(0);
        Ok(self)
    }

    /// With another limit on what Envoy buffers for a stream, in both directions.
    ///
    /// # Errors
    /// The shipped file lacks the part that is replaced.
    pub fn buffer_limit(mut self, bytes: u32) -> Result<Self> {
        self.set(
            &format!("{LISTENER}/per_connection_buffer_limit_bytes"),
            json!(bytes),
        )?;
        self.set(
            &format!("{CLUSTER}/per_connection_buffer_limit_bytes"),
            json!(bytes),
        )?;
        Ok(self)
    }

    /// With room for very many and very large response headers.
    ///
    /// # Errors
    /// The shipped file lacks the part that is replaced.
    pub fn many_headers(mut self, count: u32, kib: u32) -> Result<Self> {
        let options = format!(
            "{CLUSTER}/typed_extension_protocol_options/envoy.extensions.upstreams.http.v3.HttpProtocolOptions/\
             common_http_protocol_options"
        );
        self.set(&format!("{options}/max_headers_count"), json!(count))?;
        self.set(&format!("{options}/max_response_headers_kb"), json!(kib))?;
        Ok(self)
    }

    /// Sets the member that a JSON pointer names; its parent must exist.
    fn set(&mut self, pointer: &str, value: Value) -> Result<()> {
        let (parent, key) = pointer
            .rsplit_once('/')
            .context("a pointer starts with /")?;
        let parent = self
            .0
            .pointer_mut(parent)
            .and_then(Value::as_object_mut)
            .with_context(|| format!("envoy/bootstrap.yaml has no {parent}"))?;
        parent.insert(key.to_owned(), value);
        Ok(())
    }

    /// The configuration as text.
    #[must_use]
    pub fn text(&self) -> String {
        self.0.to_string()
    }
}
