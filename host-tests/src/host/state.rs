//! What the host calls of one VM reach: the data of its store. Nothing here is shared between VMs.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use wasmtime::{Memory, StoreLimits, StoreLimitsBuilder, TypedFunc};

use super::clock::Clock;
use super::log::{LogLevel, LogLine};
use super::metrics::Metrics;
use super::options::{CallReply, Options};
use super::shared::Shared;
use super::status::Status;
use super::stream::{Direction, LocalReply, Stream};
use crate::exchange::{Headers, Message};

/// The root context's id.
pub(super) const ROOT: u32 = 1;

/// Which ABI the module's marker names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Abi {
    V010,
    V020,
    V021,
}

/// Something to do once the callback has returned.
#[derive(Debug)]
pub(super) enum Deferred {
    Continue(u32, Direction),
    Close(u32),
    Reply(u32, LocalReply),
}

/// A call that waits for its answer.
#[derive(Debug)]
pub(super) struct PendingCall {
    pub(super) token: u32,
    pub(super) reply: CallReply,
}

/// What outlives a trap and a reload.
#[derive(Debug)]
pub(super) struct Lasting {
    pub(super) clock: Clock,
    pub(super) logs: Vec<LogLine>,
    pub(super) strict: Vec<String>,
    pub(super) metrics: Metrics,
    pub(super) shared: Shared,
    pub(super) streams: HashMap<u32, Stream>,
    pub(super) next_id: u32,
    pub(super) replies: HashMap<String, VecDeque<CallReply>>,
    /// What `proxy_http_call` sent, for a test to look at.
    pub(super) calls: Vec<(String, Message)>,
}

impl Lasting {
    pub(super) fn new(options: &Options) -> Self {
        Self {
            clock: Clock::new(options.now),
            logs: Vec::new(),
            strict: Vec::new(),
            metrics: Metrics::default(),
            shared: Shared::default(),
            streams: HashMap::new(),
            next_id: ROOT + 1,
            replies: options
                .clusters
                .iter()
                .map(|(k, v)| (k.clone(), v.iter().cloned().collect()))
                .collect(),
            calls: Vec::new(),
        }
    }

    pub(super) fn log(&mut self, level: LogLevel, text: &[u8]) {
        self.logs.push(LogLine {
            level,
            text: String::from_utf8_lossy(text).into_owned(),
        });
    }
}

/// The store's data.
pub(super) struct Host {
    pub(super) options: Arc<Options>,
    pub(super) abi: Abi,
    pub(super) memory: Option<Memory>,
    pub(super) alloc: Option<TypedFunc<u32, u32>>,
    pub(super) limits: StoreLimits,
    /// Host calls since a test began to count, and the one of them that fails, with its status.
    pub(super) calls: u64,
    pub(super) fails: Option<(u64, u32)>,
    /// Only the calls that Envoy allows while a module starts.
    pub(super) restricted: bool,
    /// The context of the callback that runs, and the one that `proxy_set_effective_context` put over it.
    pub(super) current: u32,
    pub(super) effective: u32,
    pub(super) callback: &'static str,
    /// A local response was asked for: whatever the callback returns means stop.
    pub(super) stop_next: bool,
    pub(super) deferred: Vec<Deferred>,
    pub(super) configuring: bool,
    pub(super) tick_period: u32,
    pub(super) next_call: u32,
    pub(super) pending: VecDeque<PendingCall>,
    /// The response that `proxy_on_http_call_response` may read.
    pub(super) call_response: Option<(Headers, Vec<u8>, Headers)>,
    pub(super) status: (u32, &'static str),
    /// Queues that have had something put in since the module was last told.
    pub(super) ready_queues: Vec<u32>,
    pub(super) lasting: Lasting,
}

impl Host {
    pub(super) fn new(options: Arc<Options>, abi: Abi, lasting: Lasting) -> Self {
        let limits = StoreLimitsBuilder::new().memory_size(options.memory_limit).build();
        Self {
            options,
            abi,
            memory: None,
            calls: 0,
            fails: None,
            alloc: None,
            limits,
            restricted: false,
            current: 0,
            effective: 0,
            callback: "start",
            stop_next: false,
            deferred: Vec::new(),
            configuring: false,
            tick_period: 0,
            next_call: 0,
            pending: VecDeque::new(),
            call_response: None,
            status: (0, ""),
            ready_queues: Vec::new(),
            lasting,
        }
    }

    /// The context that a host call acts on.
    pub(super) fn context(&self) -> u32 {
        if self.effective != 0 && (self.effective == ROOT || self.lasting.streams.contains_key(&self.effective)) {
            self.effective
        } else {
            self.current
        }
    }

    pub(super) fn stream(&self) -> Option<&Stream> {
        self.lasting.streams.get(&self.context())
    }

    pub(super) fn stream_mut(&mut self) -> Option<&mut Stream> {
        let id = self.context();
        self.lasting.streams.get_mut(&id)
    }

    /// Strict mode's record of a call that no correct module makes.
    pub(super) fn note(&mut self, call: &str, status: Status) {
        if !status.is_ordinary() {
            let callback = self.callback;
            self.lasting
                .strict
                .push(format!("{call} in {callback}: {}", status.name()));
        }
    }
}
