//! The handle on a running module: open streams, feed them, read what came out.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, anyhow};

use super::headers::{HeaderMap, Kind};
use super::instance::Instance;
use super::log::LogLine;
use super::module::{Compiled, Module};
use super::options::{CallReply, FailurePolicy, Options};
use super::outcome::Outcome;
use super::state::Lasting;
use super::stream::{Direction, Stream};
use crate::exchange::{Headers, Message};

/// A stream's context id: from 2 up, never used again.
pub type StreamId = u32;

/// Why a module did not start, with the lines that it logged until then.
#[derive(Debug, Clone)]
pub struct Refused {
    /// Which step failed.
    pub reason: String,
    /// What the module said.
    pub logs: Vec<LogLine>,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the module was refused: {}", self.reason)?;
        self.logs.iter().try_for_each(|line| write!(f, "\n  {line}"))
    }
}

impl std::error::Error for Refused {}

/// One VM: one instance of a module with its streams. A second VM shares nothing with it but code.
pub struct Vm {
    pub(super) options: Arc<Options>,
    pub(super) instance: Instance,
    compiled: Arc<Compiled>,
    /// Counts reloads.
    pub(super) generation: u32,
    failed_at: Option<u64>,
    /// Streams whose last callbacks are due.
    pub(super) ended: Vec<StreamId>,
    finished: HashMap<StreamId, Stream>,
    fuel_before: u64,
}

impl std::fmt::Debug for Vm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Vm(generation {}, failed {:?})",
            self.generation, self.instance.failed
        )
    }
}

impl Vm {
    /// Starts and configures the module; the error is a [`Refused`] when the module itself was at fault.
    pub fn start(module: &Module, options: &Options) -> Result<Self> {
        let options = Arc::new(options.clone());
        let refused = |reason, logs| anyhow::Error::new(Refused { reason, logs });
        let compiled = module
            .compiled(&options)
            .map_err(|e| refused(format!("{e:#}"), Vec::new()))?;
        let started = Instance::start(&compiled, &options, Lasting::new(&options));
        let instance = started.map_err(|not| refused(not.reason, not.lasting.logs))?;
        let mut vm = Self {
            options,
            instance,
            compiled,
            generation: 0,
            failed_at: None,
            ended: Vec::new(),
            finished: HashMap::new(),
            fuel_before: 0,
        };
        vm.run_deferred();
        Ok(vm)
    }

    /// A new stream. After a trap this is where FAIL_RELOAD makes a new VM, and FAIL_OPEN passes by.
    pub fn open(&mut self) -> StreamId {
        self.reload_if_due();
        let failed = self.instance.failed.is_some();
        let bypass = failed
            && matches!(
                self.options.failure_policy,
                FailurePolicy::FailOpen | FailurePolicy::LegacyFailOpen
            );
        let generation = self.generation;
        let lasting = &mut self.instance.host_mut().lasting;
        let id = lasting.next_id;
        lasting.next_id += 1;
        let started_at = lasting.clock.now;
        lasting.streams.insert(
            id,
            Stream {
                bypass,
                generation,
                started_at,
                ..Stream::default()
            },
        );
        id
    }

    fn reload_if_due(&mut self) {
        if self.instance.failed.is_none() || self.options.failure_policy != FailurePolicy::FailReload {
            return;
        }
        let now = self.instance.host().lasting.clock.now;
        let due = self
            .failed_at
            .get_or_insert(now)
            .saturating_add(self.options.reload_backoff.as_nanos() as u64);
        if now < due {
            return;
        }
        let fresh = Lasting::new(&self.options);
        let mut lasting = std::mem::replace(&mut self.instance.host_mut().lasting, fresh);
        lasting.metrics.forget_ids();
        match Instance::start(&self.compiled, &self.options, lasting) {
            Ok(instance) => {
                self.fuel_before += self.instance.fuel_used();
                self.instance = instance;
                self.generation += 1;
                self.failed_at = None;
                self.run_deferred();
            }
            Err(not) => {
                self.instance.host_mut().lasting = *not.lasting;
                self.failed_at = Some(now);
            }
        }
    }

    /// Feeds headers. `end`: no body and no trailers follow.
    pub fn feed_headers(&mut self, id: StreamId, direction: Direction, headers: &Headers, end: bool) -> Result<()> {
        self.known(id)?;
        if direction == Direction::Request {
            self.create(id);
        }
        self.headers(id, direction, HeaderMap::from_wire(direction.kind(), headers), end);
        self.settle();
        Ok(())
    }

    /// Feeds a piece of body. HTTP/1 ends with an empty piece; see [`Vm::feed_message`].
    pub fn feed_body(&mut self, id: StreamId, direction: Direction, chunk: &[u8], end: bool) -> Result<()> {
        self.known(id)?;
        if let Some(stream) = self.instance.host_mut().lasting.streams.get_mut(&id) {
            match direction {
                Direction::Request => stream.request_bytes += chunk.len() as u64,
                Direction::Response => stream.response_bytes += chunk.len() as u64,
            }
            if stream.half(direction).stalled {
                return Ok(());
            }
        }
        self.data(id, direction, chunk.to_vec(), end);
        self.settle();
        Ok(())
    }

    /// Feeds trailers.
    pub fn feed_trailers(&mut self, id: StreamId, direction: Direction, trailers: &Headers) -> Result<()> {
        self.known(id)?;
        if self
            .instance
            .host()
            .lasting
            .streams
            .get(&id)
            .is_some_and(|stream| stream.half(direction).stalled)
        {
            return Ok(());
        }
        self.trailers(id, direction, HeaderMap::from_wire(Kind::Trailers, trailers));
        self.settle();
        Ok(())
    }

    /// Feeds a whole message, framed as the options say.
    pub fn feed_message(&mut self, id: StreamId, direction: Direction, message: &Message) -> Result<()> {
        super::feed::message(self, id, direction, message)
    }

    /// The proxy answers by itself with this message, in one piece, through the response callbacks.
    pub fn feed_local_reply(&mut self, id: StreamId, message: &Message) -> Result<()> {
        self.known(id)?;
        if let Some(stream) = self.instance.host_mut().lasting.streams.get_mut(&id) {
            stream.local_reply = true;
            stream.code_details = "upstream_reset_before_response_started";
            stream.request.aborted = true;
        }
        let body = message.body_bytes();
        self.headers(
            id,
            Direction::Response,
            HeaderMap::from_wire(Kind::Response, &message.headers),
            body.is_empty(),
        );
        if !body.is_empty() {
            self.data(id, Direction::Response, body, true);
        }
        self.settle();
        Ok(())
    }

    /// The client or the upstream goes away: no more callbacks but log, done, delete.
    pub fn reset(&mut self, id: StreamId) -> Result<()> {
        self.known(id)?;
        self.cut(id);
        self.settle();
        Ok(())
    }

    /// Takes a stream's outcome. A stream that is not over by now hangs: its client waits for ever.
    pub fn finish(&mut self, id: StreamId) -> Result<Outcome> {
        self.settle();
        if self.finished.contains_key(&id) {
            let stream = self.finished.remove(&id).ok_or_else(|| unknown(id))?;
            return Ok(self.outcome(stream));
        }
        self.known(id)?;
        self.last_callbacks(id);
        let stream = self.finished.remove(&id).ok_or_else(|| unknown(id))?;
        Ok(self.outcome(stream))
    }

    /// Has the response ended, one way or the other?
    pub fn is_over(&self, id: StreamId) -> bool {
        self.finished.contains_key(&id)
    }

    /// Has the whole request gone on to the upstream?
    pub fn request_passed(&self, id: StreamId) -> bool {
        self.instance
            .host()
            .lasting
            .streams
            .get(&id)
            .is_some_and(|s| s.request.out_ended)
    }

    /// Calls `proxy_on_tick`, if the module set a period, and moves the clock on by it. False: no period is set.
    pub fn tick(&mut self) -> bool {
        let period = self.instance.host().tick_period;
        if period == 0 || self.instance.failed.is_some() {
            return false;
        }
        self.advance(Duration::from_millis(u64::from(period)));
        self.instance.on_tick();
        self.run_deferred();
        self.settle();
        true
    }

    /// Counts host calls from here on; the one with this number (from 0) fails with this status.
    pub fn fail_call(&mut self, which: Option<(u64, u32)>) {
        let host = self.instance.host_mut();
        (host.calls, host.fails) = (0, which);
    }

    /// Host calls since [`Vm::fail_call`].
    pub fn calls(&self) -> u64 {
        self.instance.host().calls
    }

    /// Memory cannot grow beyond this any more.
    pub fn limit_memory(&mut self, bytes: usize) {
        self.instance.host_mut().limits = wasmtime::StoreLimitsBuilder::new().memory_size(bytes).build();
    }

    /// Moves the VM's clock.
    pub fn advance(&mut self, by: Duration) {
        self.instance.host_mut().lasting.clock.now += by.as_nanos() as u64;
    }

    /// Every metric by name, with its value.
    pub fn metrics(&self) -> BTreeMap<String, i64> {
        self.instance.host().lasting.metrics.read()
    }

    /// Takes the log lines since the last time.
    pub fn take_logs(&mut self) -> Vec<LogLine> {
        std::mem::take(&mut self.instance.host_mut().lasting.logs)
    }

    /// Takes strict mode's records since the last time: host calls that no correct module makes.
    pub fn take_strict(&mut self) -> Vec<String> {
        std::mem::take(&mut self.instance.host_mut().lasting.strict)
    }

    /// Takes the calls that `proxy_http_call` sent, each with its cluster.
    pub fn take_calls(&mut self) -> Vec<(String, Message)> {
        std::mem::take(&mut self.instance.host_mut().lasting.calls)
    }

    /// The module's linear memory, now and at most: it never shrinks.
    pub fn memory_bytes(&self) -> usize {
        self.instance.memory_bytes()
    }

    /// All of it, as a dump would show it.
    pub fn memory(&self) -> Vec<u8> {
        self.instance.memory()
    }

    /// Fuel used since the start; 0 unless the options ask for metering.
    pub fn fuel_used(&self) -> u64 {
        self.fuel_before + self.instance.fuel_used()
    }

    /// Why the VM has failed, if it has.
    pub fn failure(&self) -> Option<&str> {
        self.instance.failed.as_deref()
    }

    pub(super) fn note(&mut self, line: String) {
        self.instance.host_mut().lasting.strict.push(line);
    }

    fn known(&self, id: StreamId) -> Result<()> {
        if self.instance.host().lasting.streams.contains_key(&id) || self.finished.contains_key(&id) {
            return Ok(());
        }
        Err(unknown(id))
    }

    fn create(&mut self, id: StreamId) {
        let generation = self.generation;
        let Some(stream) = self.instance.host_mut().lasting.streams.get_mut(&id) else {
            return;
        };
        if !stream.created && !stream.bypass && stream.generation == generation {
            stream.created = true;
            self.instance.on_context_create(id);
            self.run_deferred();
        }
    }

    /// Hands over the answers of calls that the module made, and tells of queues.
    fn deliver(&mut self) {
        while let Some(call) = self.instance.host_mut().pending.pop_front() {
            match call.reply {
                CallReply::Response(message) => {
                    let trailers = message.trailers.clone().unwrap_or_default();
                    let sizes = (message.headers.len(), message.body_bytes().len(), trailers.len());
                    self.instance.host_mut().call_response =
                        Some((message.headers.clone(), message.body_bytes(), trailers));
                    self.instance
                        .on_http_call_response(call.token, sizes.0, sizes.1, sizes.2);
                    self.instance.host_mut().call_response = None;
                }
                CallReply::Failure => {
                    self.instance.host_mut().status = (11, "reset");
                    self.instance.on_http_call_response(call.token, 0, 0, 0);
                    self.instance.host_mut().status = (11, "");
                }
            }
            self.run_deferred();
        }
        for token in std::mem::take(&mut self.instance.host_mut().ready_queues) {
            self.instance.on_queue_ready(token);
            self.run_deferred();
        }
    }

    /// Delivers what is due, and runs the last callbacks of the streams that are over.
    pub(super) fn settle(&mut self) {
        self.deliver();
        if self.instance.failed.is_some() && self.failed_at.is_none() {
            self.failed_at = Some(self.instance.host().lasting.clock.now);
        }
        while let Some(id) = self.ended.pop() {
            self.last_callbacks(id);
        }
    }

    /// log, then done, then delete: Envoy's order, not the specification's.
    fn last_callbacks(&mut self, id: StreamId) {
        let generation = self.generation;
        let Some(stream) = self.instance.host_mut().lasting.streams.get_mut(&id) else {
            return;
        };
        let ours = !stream.bypass && stream.generation == generation;
        if ours {
            let created = std::mem::replace(&mut stream.created, true);
            stream.in_log = true;
            if !created {
                self.instance.on_context_create(id);
            }
            self.instance.on_log(id);
            if let Some(stream) = self.instance.host_mut().lasting.streams.get_mut(&id) {
                stream.in_log = false;
                stream.request.headers_live = false;
                stream.response.headers_live = false;
            }
            self.instance.on_done_and_delete(id);
            self.instance.host_mut().deferred.clear();
        }
        if let Some(stream) = self.instance.host_mut().lasting.streams.remove(&id) {
            self.finished.insert(id, stream);
        }
        if self.instance.failed.is_some() && self.failed_at.is_none() {
            self.failed_at = Some(self.instance.host().lasting.clock.now);
        }
    }
}

fn unknown(id: StreamId) -> anyhow::Error {
    anyhow!("no stream has the id {id}")
}
