//! One running instance of a module: the exports it may be called by, and what a call costs.

use std::sync::Arc;
use std::time::Duration;

use wasmtime::{Store, TypedFunc, WasmParams, WasmResults};

use super::log::LogLevel;
use super::module::{Compiled, TICK};
use super::options::Options;
use super::state::{Abi, Host, Lasting, ROOT};

type Func<P, R> = Option<TypedFunc<P, R>>;

/// The callbacks that a module may export; each may be absent.
struct Exports {
    on_context_create: Func<(u32, u32), ()>,
    on_vm_start: Func<(u32, u32), u32>,
    on_configure: Func<(u32, u32), u32>,
    on_tick: Func<u32, ()>,
    on_headers: [Func<(u32, u32, u32), u32>; 2],
    on_headers_v010: [Func<(u32, u32), u32>; 2],
    on_body: [Func<(u32, u32, u32), u32>; 2],
    on_trailers: [Func<(u32, u32), u32>; 2],
    on_http_call_response: Func<(u32, u32, u32, u32, u32), ()>,
    on_queue_ready: Func<(u32, u32), ()>,
    on_done: Func<u32, u32>,
    on_log: Func<u32, ()>,
    on_delete: Func<u32, ()>,
}

/// A store with its instance.
pub(super) struct Instance {
    store: Store<Host>,
    exports: Exports,
    /// Why the VM can no longer be called.
    pub(super) failed: Option<String>,
    fuel_per_call: Option<u64>,
    deadline: Option<u64>,
    fuel_used: u64,
}

/// A module that could not be started, with what it left.
pub(super) struct NotStarted {
    pub(super) reason: String,
    pub(super) lasting: Box<Lasting>,
}

impl Instance {
    /// Instantiates, runs `_initialize` and `main` (or `_start`) with the restricted calls, then
    /// `proxy_on_context_create(1, 0)`, `proxy_on_vm_start`, `proxy_on_configure`.
    pub(super) fn start(compiled: &Compiled, options: &Arc<Options>, lasting: Lasting) -> Result<Self, NotStarted> {
        let mut store = Store::new(&compiled.engine, Host::new(options.clone(), compiled.abi, lasting));
        store.limiter(|host| &mut host.limits);
        let ticks = |limit: Duration| (limit.as_millis() / TICK.as_millis()) as u64 + 1;
        let deadline = options.time_limit.map(ticks);
        prepare(&mut store, options.fuel, deadline);
        store.data_mut().restricted = true;
        let instance = match compiled.pre.instantiate(&mut store) {
            Ok(instance) => instance,
            Err(e) => {
                let lasting = Box::new(store.into_data().lasting);
                return Err(NotStarted {
                    reason: format!("cannot instantiate: {e:#}"),
                    lasting,
                });
            }
        };
        store.data_mut().memory = instance.get_memory(&mut store, "memory");
        // Envoy looks for malloc first; the specification has it the other way round.
        store.data_mut().alloc =
            typed(&instance, &mut store, "malloc").or_else(|| typed(&instance, &mut store, "proxy_on_memory_allocate"));
        let exports = Exports::find(&instance, &mut store);
        let mut this = Self {
            store,
            exports,
            failed: None,
            fuel_per_call: options.fuel,
            deadline,
            fuel_used: 0,
        };
        this.run_start(&instance);
        this.host_mut().restricted = false;
        let configured = this.failed.is_none() && this.configure(options);
        match this.failed.take() {
            Some(reason) => Err(NotStarted {
                reason,
                lasting: Box::new(this.into_lasting()),
            }),
            None if !configured => {
                let reason = format!("{} returned false", this.host().callback);
                Err(NotStarted {
                    reason,
                    lasting: Box::new(this.into_lasting()),
                })
            }
            None => Ok(this),
        }
    }

    fn run_start(&mut self, instance: &wasmtime::Instance) {
        let initialize = typed::<(), ()>(instance, &mut self.store, "_initialize");
        if initialize.is_some() {
            self.call("_initialize", 0, initialize, ());
            let main = typed::<(u32, u32), u32>(instance, &mut self.store, "main");
            self.call("main", 0, main, (0, 0));
        } else {
            let start = typed::<(), ()>(instance, &mut self.store, "_start");
            self.call("_start", 0, start, ());
        }
    }

    /// A missing callback means yes. The plugin's configuration is readable in the first and the last of the
    /// three callbacks, not in `proxy_on_vm_start` between them.
    fn configure(&mut self, options: &Options) -> bool {
        self.host_mut().configuring = true;
        let create = self.exports.on_context_create.clone();
        self.call("proxy_on_context_create", ROOT, create, (ROOT, 0));
        self.host_mut().configuring = false;
        let start = self.exports.on_vm_start.clone();
        let size = options.vm_configuration.len() as u32;
        if self.call("proxy_on_vm_start", ROOT, start, (ROOT, size)) == Some(0) {
            return false;
        }
        let configure = self.exports.on_configure.clone();
        let size = options.configuration.len() as u32;
        self.host_mut().configuring = true;
        let answer = self.call("proxy_on_configure", ROOT, configure, (ROOT, size));
        self.host_mut().configuring = false;
        answer != Some(0)
    }

    pub(super) fn host(&self) -> &Host {
        self.store.data()
    }

    pub(super) fn host_mut(&mut self) -> &mut Host {
        self.store.data_mut()
    }

    pub(super) fn into_lasting(self) -> Lasting {
        self.store.into_data().lasting
    }

    /// Linear memory now, which is also its peak: it never shrinks.
    pub(super) fn memory_bytes(&self) -> usize {
        self.host().memory.map_or(0, |memory| memory.data_size(&self.store))
    }

    pub(super) fn memory(&self) -> Vec<u8> {
        self.host()
            .memory
            .map_or_else(Vec::new, |memory| memory.data(&self.store).to_vec())
    }

    pub(super) fn fuel_used(&self) -> u64 {
        self.fuel_used
    }

    /// Calls the module. `None`: there is no such callback, or the VM has failed (now or before).
    fn call<P: WasmParams, R: WasmResults>(
        &mut self,
        name: &'static str,
        context: u32,
        func: Func<P, R>,
        params: P,
    ) -> Option<R> {
        if self.failed.is_some() {
            return None;
        }
        let func = func?;
        let host = self.store.data_mut();
        host.current = context;
        host.effective = 0;
        host.callback = name;
        prepare(&mut self.store, self.fuel_per_call, self.deadline);
        let result = func.call(&mut self.store, params);
        if let Some(budget) = self.fuel_per_call {
            self.fuel_used += budget.saturating_sub(self.store.get_fuel().unwrap_or(0));
        }
        result.map_err(|trap| self.fail(name, &trap)).ok()
    }

    fn fail(&mut self, name: &str, trap: &wasmtime::Error) {
        let reason = format!("Function: {name} failed: {trap:#}");
        self.host_mut().lasting.log(LogLevel::Critical, reason.as_bytes());
        self.failed = Some(reason);
    }

    pub(super) fn on_context_create(&mut self, id: u32) {
        let func = self.exports.on_context_create.clone();
        self.call("proxy_on_context_create", id, func, (id, ROOT));
    }

    pub(super) fn on_headers(&mut self, id: u32, response: bool, count: u32, end: bool) -> Option<u32> {
        let name = if response {
            "proxy_on_response_headers"
        } else {
            "proxy_on_request_headers"
        };
        if self.host().abi == Abi::V010 {
            let func = self.exports.on_headers_v010[usize::from(response)].clone();
            return self.call(name, id, func, (id, count));
        }
        let func = self.exports.on_headers[usize::from(response)].clone();
        self.call(name, id, func, (id, count, u32::from(end)))
    }

    pub(super) fn on_body(&mut self, id: u32, response: bool, size: u32, end: bool) -> Option<u32> {
        let name = if response {
            "proxy_on_response_body"
        } else {
            "proxy_on_request_body"
        };
        let func = self.exports.on_body[usize::from(response)].clone();
        self.call(name, id, func, (id, size, u32::from(end)))
    }

    pub(super) fn on_trailers(&mut self, id: u32, response: bool, count: u32) -> Option<u32> {
        let name = if response {
            "proxy_on_response_trailers"
        } else {
            "proxy_on_request_trailers"
        };
        let func = self.exports.on_trailers[usize::from(response)].clone();
        self.call(name, id, func, (id, count))
    }

    pub(super) fn on_tick(&mut self) {
        let func = self.exports.on_tick.clone();
        self.call("proxy_on_tick", ROOT, func, ROOT);
    }

    pub(super) fn on_http_call_response(&mut self, token: u32, headers: usize, body: usize, trailers: usize) {
        let func = self.exports.on_http_call_response.clone();
        let sizes = (ROOT, token, headers as u32, body as u32, trailers as u32);
        self.call("proxy_on_http_call_response", ROOT, func, sizes);
    }

    pub(super) fn on_queue_ready(&mut self, token: u32) {
        let func = self.exports.on_queue_ready.clone();
        self.call("proxy_on_queue_ready", ROOT, func, (ROOT, token));
    }

    pub(super) fn on_log(&mut self, id: u32) {
        let func = self.exports.on_log.clone();
        self.call("proxy_on_log", id, func, id);
    }

    pub(super) fn on_done_and_delete(&mut self, id: u32) {
        let func = self.exports.on_done.clone();
        self.call("proxy_on_done", id, func, id);
        let func = self.exports.on_delete.clone();
        self.call("proxy_on_delete", id, func, id);
    }
}

/// Gives a call its fuel and its time. Neither fails: the engine was built for what the options ask.
fn prepare(store: &mut Store<Host>, fuel: Option<u64>, deadline: Option<u64>) {
    if let Some(fuel) = fuel {
        let _ = store.set_fuel(fuel);
    }
    if let Some(ticks) = deadline {
        store.set_epoch_deadline(ticks);
    }
}

fn typed<P: WasmParams, R: WasmResults>(
    instance: &wasmtime::Instance,
    store: &mut Store<Host>,
    name: &str,
) -> Func<P, R> {
    instance.get_typed_func(store, name).ok()
}

impl Exports {
    fn find(instance: &wasmtime::Instance, store: &mut Store<Host>) -> Self {
        Self {
            on_context_create: typed(instance, store, "proxy_on_context_create"),
            on_vm_start: typed(instance, store, "proxy_on_vm_start"),
            on_configure: typed(instance, store, "proxy_on_configure"),
            on_tick: typed(instance, store, "proxy_on_tick"),
            on_headers: ["proxy_on_request_headers", "proxy_on_response_headers"].map(|n| typed(instance, store, n)),
            on_headers_v010: ["proxy_on_request_headers", "proxy_on_response_headers"]
                .map(|n| typed(instance, store, n)),
            on_body: ["proxy_on_request_body", "proxy_on_response_body"].map(|n| typed(instance, store, n)),
            on_trailers: ["proxy_on_request_trailers", "proxy_on_response_trailers"].map(|n| typed(instance, store, n)),
            on_http_call_response: typed(instance, store, "proxy_on_http_call_response"),
            on_queue_ready: typed(instance, store, "proxy_on_queue_ready"),
            on_done: typed(instance, store, "proxy_on_done"),
            on_log: typed(instance, store, "proxy_on_log"),
            on_delete: typed(instance, store, "proxy_on_delete"),
        }
    }
}
