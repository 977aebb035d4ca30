//! Replays an exchange through the module and says what the client would have received.

use std::collections::BTreeMap;

use anyhow::Result;
use serde::Deserialize;

use crate::exchange::{Exchange, Message, Origin};
use crate::host::{Direction, LogLine, Module, Options, Vm};
pub use crate::host::{Ended, Seen};

/// Ticks that a stream which waits is given before it counts as hanging.
const PATIENCE: usize = 3;

/// Everything that came of one exchange.
#[derive(Clone, Debug)]
pub struct Replay {
    /// What the client received.
    pub client: Seen,
    /// What the upstream received; `None` if the request never left the proxy.
    pub upstream: Option<Message>,
    /// Log lines of this exchange (of a fresh VM: of its start too).
    pub logs: Vec<LogLine>,
    /// What the module said it found.
    pub findings: Vec<Finding>,
    /// Metrics after the exchange.
    pub metrics: BTreeMap<String, i64>,
    /// By how much each of them grew during it, for a VM that has seen others before.
    pub grew: BTreeMap<String, i64>,
    /// Filter state that the module left for the access log: `outcome`, `mode`, …
    pub told: BTreeMap<String, String>,
    /// Host calls that no correct module makes. A test fails unless this is empty.
    pub strict: Vec<String>,
    /// Fuel that the exchange used; 0 unless the options ask for metering.
    pub fuel: u64,
    /// Linear memory after the exchange, in bytes: the peak, since it never shrinks.
    pub peak_memory: usize,
    /// By how much linear memory grew during the exchange.
    pub memory_growth: usize,
    /// The most that Envoy's own buffers held for the stream.
    pub peak_held: usize,
    /// Why the VM failed, if it did.
    pub failure: Option<String>,
}

/// One finding, from a `keepmum finding {…}` line.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Finding {
    /// The detector's id.
    pub detector: String,
    /// `response.body`, `response.header.<name>`, …
    pub place: String,
    /// `label`, `mask`, `remove`, …
    pub action: String,
    /// First byte, in the INPUT body or header value.
    pub start: u64,
    /// One past the last byte.
    pub end: u64,
}

impl Finding {
    /// Reads a log line; `None` if it is another kind of line.
    pub fn from_log(line: &LogLine) -> Option<Self> {
        serde_json::from_str(line.text.strip_prefix("keepmum finding ")?).ok()
    }
}

/// Replays many exchanges: one VM for each policy, as a proxy has it. A VM for each exchange would be compiled policies
/// for the most part of the time.
pub struct Replayer<'m> {
    module: &'m Module,
    options: Options,
    vms: BTreeMap<Vec<u8>, Vm>,
}

impl<'m> Replayer<'m> {
    /// Nothing is started yet.
    pub fn new(module: &'m Module, options: Options) -> Self {
        let vms = BTreeMap::new();
        Self { module, options, vms }
    }

    /// Replays one exchange, under its own policy if it has one. A VM that failed is not used again.
    pub fn replay(&mut self, exchange: &Exchange) -> Result<Replay> {
        let mut options = self.options.clone();
        if let Some(policy) = &exchange.policy {
            options.configuration = serde_json::to_vec(policy)?;
        }
        let mut vm = match self.vms.remove(&options.configuration) {
            Some(vm) => vm,
            None => Vm::start(self.module, &options)?,
        };
        let replay = vm.exchange(exchange)?;
        if replay.failure.is_none() {
            self.vms.insert(options.configuration, vm);
        }
        Ok(replay)
    }
}

/// Replays in a VM of its own.
pub fn replay(module: &Module, options: &Options, exchange: &Exchange) -> Result<Replay> {
    let mut own;
    let mut options = options;
    if let Some(policy) = &exchange.policy {
        own = options.clone();
        own.configuration = serde_json::to_vec(policy)?;
        options = &own;
    }
    Vm::start(module, options)?.exchange(exchange)
}

impl Replay {
    /// What a counter counts under all its labels: that of this name, and those whose names go on behind a dot.
    #[must_use]
    pub fn count(&self, name: &str) -> i64 {
        let is = |n: &str| {
            n.strip_prefix(name)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        self.metrics.iter().filter(|(n, _)| is(n)).map(|(_, v)| v).sum()
    }

    /// How often something was counted during the exchange: `denied`, or with labels behind it `denied.route.api`.
    pub fn counted(&self, what: &str) -> i64 {
        let name = format!("keepmum.{what}");
        let is = |known: &str| {
            let rest = known.strip_prefix(name.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        self.grew.iter().filter(|(known, _)| is(known)).map(|(_, by)| by).sum()
    }

    /// Whether the policy only reports there.
    pub fn only_reports(&self) -> bool {
        self.told.get("mode").is_some_and(|mode| mode == "report")
    }
}

impl Vm {
    /// Replays one exchange as a new stream of this VM. The exchange's own policy is not looked at: a VM has one.
    pub fn exchange(&mut self, exchange: &Exchange) -> Result<Replay> {
        let (fuel, memory, before) = (self.fuel_used(), self.memory_bytes(), self.metrics());
        let id = self.open();
        self.feed_message(id, Direction::Request, &exchange.request)?;
        self.wait(|vm| vm.is_over(id) || vm.request_passed(id));
        if !self.is_over(id) && self.request_passed(id) {
            match exchange.origin {
                Origin::Upstream => self.feed_message(id, Direction::Response, &exchange.response)?,
                Origin::ConnectFailure if exchange.response.headers.is_empty() => {
                    self.feed_local_reply(id, &connect_failure())?;
                }
                Origin::ConnectFailure => self.feed_local_reply(id, &exchange.response)?,
            }
            self.wait(|vm| vm.is_over(id));
        }
        let outcome = self.finish(id)?;
        let logs = self.take_logs();
        let peak_memory = self.memory_bytes();
        let metrics = self.metrics();
        let word = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let state = outcome.filter_state.iter();
        let told = state.filter_map(|(name, value)| Some((word(name.strip_prefix(b"keepmum.")?), word(value))));
        let growth = |(name, now): (&String, &i64)| {
            let by = now - before.get(name).copied().unwrap_or_default();
            (by > 0).then(|| (name.clone(), by))
        };
        Ok(Replay {
            told: told.collect(),
            grew: metrics.iter().filter_map(growth).collect(),
            client: outcome.client,
            upstream: outcome.upstream,
            findings: logs.iter().filter_map(Finding::from_log).collect(),
            logs,
            metrics,
            strict: self.take_strict(),
            fuel: self.fuel_used().saturating_sub(fuel),
            peak_memory,
            memory_growth: peak_memory.saturating_sub(memory),
            peak_held: outcome.peak_held,
            failure: self.failure().map(str::to_owned),
        })
    }

    fn wait(&mut self, done: impl Fn(&Self) -> bool) {
        for _ in 0..PATIENCE {
            if done(self) || !self.tick() {
                return;
            }
        }
    }
}

/// What Envoy 1.40 answers when no upstream accepts the connection.
pub fn connect_failure() -> Message {
    let body = "upstream connect error or disconnect/reset before headers. reset reason: remote connection failure";
    let header = |name: &str, value: &str| (name.as_bytes().to_vec(), value.as_bytes().to_vec());
    Message {
        headers: vec![
            header(":status", "503"),
            header("content-length", &body.len().to_string()),
            header("content-type", "text/plain"),
        ],
        body: vec![body.as_bytes().to_vec()],
        ..Message::default()
    }
}
