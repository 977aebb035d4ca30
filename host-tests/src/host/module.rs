//! A compiled module, checked against the load rules before anything runs.

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use wasmtime::{Config, Engine, ExternType, InstancePre, OptLevel, ValType};

use super::linker;
use super::options::Options;
use super::state::{Abi, Host};

/// How often a time limit looks at the clock.
pub(super) const TICK: Duration = Duration::from_millis(100);

/// A proxy-wasm module: its bytes, compiled once for each kind of metering that a VM has asked for.
#[derive(Clone)]
pub struct Module {
    inner: Arc<Inner>,
}

struct Inner {
    bytes: Vec<u8>,
    /// Indexed by fuel (1) and time limit (2).
    compiled: [OnceLock<Result<Arc<Compiled>, String>>; 4],
}

/// Ready to be instantiated.
pub(super) struct Compiled {
    pub(super) engine: Engine,
    pub(super) pre: InstancePre<Host>,
    pub(super) abi: Abi,
}

impl std::fmt::Debug for Module {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Module({} bytes)", self.inner.bytes.len())
    }
}

impl Module {
    /// Reads a `.wasm` (or `.wat`) file.
    pub fn load(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::from_bytes(&bytes).with_context(|| format!("cannot load {}", path.display()))
    }

    /// Takes the bytes of a binary or text module. Compilation waits for the first VM.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let bytes = wat::parse_bytes(bytes).map_err(|e| anyhow!("{e}"))?.into_owned();
        if !bytes.starts_with(b"\0asm") {
            bail!("neither a binary nor a text module");
        }
        Ok(Self {
            inner: Arc::new(Inner {
                bytes,
                compiled: Default::default(),
            }),
        })
    }

    /// The binary module, as a proxy would load it.
    pub fn wasm(&self) -> &[u8] {
        &self.inner.bytes
    }

    pub(super) fn compiled(&self, options: &Options) -> Result<Arc<Compiled>> {
        let (fuel, limit) = (options.fuel.is_some(), options.time_limit.is_some());
        let slot = &self.inner.compiled[usize::from(fuel) + 2 * usize::from(limit)];
        let compile = || {
            compile(&self.inner.bytes, fuel, limit)
                .map(Arc::new)
                .map_err(|e| format!("{e:#}"))
        };
        slot.get_or_init(compile).clone().map_err(|reason| anyhow!(reason))
    }
}

fn compile(bytes: &[u8], fuel: bool, limit: bool) -> Result<Compiled> {
    let mut config = Config::new();
    config
        .cranelift_opt_level(OptLevel::Speed)
        .consume_fuel(fuel)
        .epoch_interruption(limit);
    let engine = Engine::new(&config).map_err(|e| anyhow!("{e:#}"))?;
    let module = wasmtime::Module::new(&engine, bytes).map_err(|e| anyhow!("not a module: {e:#}"))?;
    let abi = marker(&module)?;
    check_exports(&module, abi)?;
    let linker = linker::linker(&engine, abi).map_err(|e| anyhow!("{e:#}"))?;
    let pre = linker.instantiate_pre(&module).map_err(|e| anyhow!("import: {e:#}"))?;
    if limit {
        count_time(&engine);
    }
    Ok(Compiled { engine, pre, abi })
}

/// Moves the engine's epoch on from a thread that ends when the engine is gone.
fn count_time(engine: &Engine) {
    let weak = engine.weak();
    std::thread::spawn(move || {
        loop {
            std::thread::sleep(TICK);
            match weak.upgrade() {
                Some(engine) => engine.increment_epoch(),
                None => return,
            }
        }
    });
}

/// Exactly one marker, of a known version.
fn marker(module: &wasmtime::Module) -> Result<Abi> {
    let markers: Vec<&str> = module
        .exports()
        .map(|e| e.name())
        .filter(|name| name.starts_with("proxy_abi_version_"))
        .collect();
    match markers.as_slice() {
        ["proxy_abi_version_0_1_0"] => Ok(Abi::V010),
        ["proxy_abi_version_0_2_0"] => Ok(Abi::V020),
        ["proxy_abi_version_0_2_1"] => Ok(Abi::V021),
        _ => bail!("Missing or unknown Proxy-Wasm ABI version (markers: {markers:?})"),
    }
}

/// The exports that Envoy looks up, with the count of their `i32` parameters and whether they give one back.
const CALLBACKS: &[(&str, usize, bool)] = &[
    ("_initialize", 0, false),
    ("_start", 0, false),
    ("main", 2, true),
    ("malloc", 1, true),
    ("proxy_on_memory_allocate", 1, true),
    ("proxy_validate_configuration", 2, true),
    ("proxy_on_vm_start", 2, true),
    ("proxy_on_configure", 2, true),
    ("proxy_on_tick", 1, false),
    ("proxy_on_context_create", 2, false),
    ("proxy_on_new_connection", 1, true),
    ("proxy_on_downstream_data", 3, true),
    ("proxy_on_upstream_data", 3, true),
    ("proxy_on_downstream_connection_close", 2, false),
    ("proxy_on_upstream_connection_close", 2, false),
    ("proxy_on_request_body", 3, true),
    ("proxy_on_request_trailers", 2, true),
    ("proxy_on_request_metadata", 2, true),
    ("proxy_on_response_body", 3, true),
    ("proxy_on_response_trailers", 2, true),
    ("proxy_on_response_metadata", 2, true),
    ("proxy_on_http_call_response", 5, false),
    ("proxy_on_grpc_receive", 3, false),
    ("proxy_on_grpc_close", 3, false),
    ("proxy_on_grpc_receive_initial_metadata", 3, false),
    ("proxy_on_grpc_receive_trailing_metadata", 3, false),
    ("proxy_on_queue_ready", 2, false),
    ("proxy_on_done", 1, true),
    ("proxy_on_log", 1, false),
    ("proxy_on_delete", 1, false),
];

fn check_exports(module: &wasmtime::Module, abi: Abi) -> Result<()> {
    let headers = if abi == Abi::V010 { 2 } else { 3 };
    let by_abi = [
        ("proxy_on_request_headers", headers, true),
        ("proxy_on_response_headers", headers, true),
        ("proxy_on_foreign_function", 3, false),
    ];
    for (name, params, result) in CALLBACKS.iter().chain(&by_abi) {
        let Some(ExternType::Func(ty)) = module.get_export(name) else {
            continue;
        };
        let all_i32 = ty.params().chain(ty.results()).all(|t| matches!(t, ValType::I32));
        if !all_i32 || ty.params().len() != *params || ty.results().len() != usize::from(*result) {
            bail!("Bad function signature for: {name}");
        }
    }
    if !["malloc", "proxy_on_memory_allocate"]
        .iter()
        .any(|name| module.get_export(name).is_some())
    {
        bail!("Wasm module is missing malloc function.");
    }
    if !matches!(module.get_export("memory"), Some(ExternType::Memory(_))) {
        bail!("the module exports no memory");
    }
    Ok(())
}
