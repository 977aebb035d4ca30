//! What a VM is started with. `Options::default()` is what the bootstrap in `envoy/` sets.

use std::collections::BTreeMap;
use std::time::Duration;

use super::clock::EPOCH;
use super::log::LogLevel;
use crate::exchange::Message;

/// Whose `set_buffer_bytes` is modelled: the one place where releases of Envoy differ and modules feel it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Profile {
    /// Envoy 1.40: `start = 0, 0 < size < length` replaces the first `size` bytes.
    #[default]
    Envoy140,
    /// Envoy before that change: the same call is BAD_ARGUMENT.
    OlderEnvoy,
}

/// What happens to streams when the VM has trapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum FailurePolicy {
    /// 503 for ever.
    FailClosed,
    /// 503 until the back-off has passed, then a new VM.
    #[default]
    FailReload,
    /// The failing stream gets 503, later streams pass the filter by.
    FailOpen,
    /// `fail_open: true`: everything passes by, the rest of a stream in flight too.
    LegacyFailOpen,
}

/// What a cluster answers to `proxy_http_call`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallReply {
    /// A response. Its chunks are joined, as Envoy's asynchronous client does.
    Response(Message),
    /// The connection failed or timed out: the callback gets no headers, no body, no trailers.
    Failure,
}

/// How a VM is set up.
#[derive(Clone, Debug)]
pub struct Options {
    /// The plugin's configuration, as `proxy_get_buffer_bytes(7)` gives it.
    pub configuration: Vec<u8>,
    /// The VM's configuration, type 6.
    pub vm_configuration: Vec<u8>,
    /// What `environ_get` shows.
    pub environment: Vec<(String, String)>,
    /// Frames as HTTP/2 has them: the last body chunk carries the end. HTTP/1 ends with an empty call.
    pub http2: bool,
    /// The same of the upstream's connection, where it is another.
    pub http2_upstream: Option<bool>,
    /// `per_connection_buffer_limit_bytes`: what Envoy's own buffers may hold for a stream of HTTP/1. 0 is no limit.
    pub buffer_limit: usize,
    /// `initial_stream_window_size` of the client's connection: the same limit for HTTP/2, where Envoy does not
    /// look at the other.
    pub http2_window: usize,
    /// Whose buffer rules.
    pub profile: Profile,
    /// After a trap.
    pub failure_policy: FailurePolicy,
    /// `reload_config.backoff`, on the VM's own clock.
    pub reload_backoff: Duration,
    /// `allow_on_headers_stop_iteration`: Pause from a headers callback lets the body through to the module.
    pub allow_on_headers_stop_iteration: bool,
    /// Lines below this level are dropped, and `proxy_get_log_level` says so.
    pub log_level: LogLevel,
    /// Fuel for each callback; `None` compiles the module without metering.
    pub fuel: Option<u64>,
    /// Wall-clock time for each callback, to the nearest tenth of a second; `None` compiles without the check.
    pub time_limit: Option<Duration>,
    /// The cap on linear memory: growth beyond it fails.
    pub memory_limit: usize,
    /// Nanoseconds since 1970 at which the VM's clock stands until it is moved.
    pub now: u64,
    /// Clusters that `proxy_http_call` may name, each with its answers in order; one without answers never replies.
    pub clusters: BTreeMap<String, Vec<CallReply>>,
    /// Properties by dotted name, over the built-in ones.
    pub properties: BTreeMap<String, Vec<u8>>,
    /// Host calls that fail (INTERNAL_FAILURE), by name and first argument, as no healthy proxy's do.
    pub faults: Vec<(&'static str, i64)>,
    /// The plugin's name, root id and VM id.
    pub plugin_name: String,
    /// `root_id`.
    pub root_id: String,
    /// `vm_id`.
    pub vm_id: String,
}

impl Options {
    /// How much Envoy's buffers may hold for one half of a stream.
    pub(super) fn limit(&self) -> usize {
        if self.http2 {
            self.http2_window
        } else {
            self.buffer_limit
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            configuration: b"{}".to_vec(),
            vm_configuration: Vec::new(),
            environment: Vec::new(),
            http2: false,
            http2_upstream: None,
            buffer_limit: 32 * 1024,
            http2_window: 64 * 1024,
            profile: Profile::default(),
            failure_policy: FailurePolicy::default(),
            reload_backoff: Duration::from_secs(1),
            allow_on_headers_stop_iteration: false,
            log_level: LogLevel::Debug,
            fuel: None,
            time_limit: Some(Duration::from_secs(20)),
            memory_limit: 1 << 30,
            now: EPOCH,
            clusters: BTreeMap::new(),
            properties: BTreeMap::new(),
            faults: Vec::new(),
            plugin_name: "keepmum".into(),
            root_id: "keepmum".into(),
            vm_id: "keepmum".into(),
        }
    }
}
