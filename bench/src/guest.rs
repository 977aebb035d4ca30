//! The library as a wasm module under wasmtime: what it does natively, in the runtime in which it will run.

use std::path::Path;

use anyhow::{Result, anyhow, bail};
use wasmtime::{Config, Engine, Instance, Memory, Module, OptLevel, Store, TypedFunc};

/// wasmtime's errors are of their own kind.
fn told(e: wasmtime::Error) -> anyhow::Error {
    anyhow!("{e:#}")
}

/// The module, started.
pub struct Guest {
    store: Store<()>,
    instance: Instance,
    memory: Memory,
    /// How many anchors its engine has.
    pub anchors: u32,
}

impl Guest {
    /// Loads the module. `fuel`: each instruction is counted, which makes it slow.
    ///
    /// # Errors
    /// It is not the module of this crate.
    pub fn load(path: &Path, fuel: bool) -> Result<Self> {
        let mut config = Config::new();
        config.cranelift_opt_level(OptLevel::Speed).consume_fuel(fuel);
        let engine = Engine::new(&config).map_err(told)?;
        let module = Module::from_file(&engine, path).map_err(told)?;
        let mut store = Store::new(&engine, ());
        if fuel {
            store.set_fuel(u64::MAX).map_err(told)?;
        }
        let instance = Instance::new(&mut store, &module, &[]).map_err(told)?;
        let Some(memory) = instance.get_memory(&mut store, "memory") else {
            bail!("{} exports no memory", path.display());
        };
        let mut it = Self {
            store,
            instance,
            memory,
            anchors: 0,
        };
        it.anchors = it.function::<(), u32>("start")?.call(&mut it.store, ()).map_err(told)?;
        if it.anchors == 0 {
            bail!("the engine did not start in wasm");
        }
        Ok(it)
    }

    fn function<P: wasmtime::WasmParams, R: wasmtime::WasmResults>(&mut self, name: &str) -> Result<TypedFunc<P, R>> {
        self.instance.get_typed_func(&mut self.store, name).map_err(told)
    }

    /// Hands over bodies, end to end, `each` bytes long.
    ///
    /// # Errors
    /// They do not fit.
    pub fn give(&mut self, data: &[u8], each: usize, json: bool) -> Result<()> {
        let at = self
            .function::<u32, u32>("alloc")?
            .call(&mut self.store, u32::try_from(data.len())?)
            .map_err(told)?;
        self.memory.write(&mut self.store, usize::try_from(at)?, data)?;
        let prepare = self.function::<(u32, u32), ()>("prepare")?;
        prepare
            .call(&mut self.store, (u32::try_from(each)?, u32::from(json)))
            .map_err(told)
    }

    /// Its linear memory.
    pub fn memory_bytes(&self) -> usize {
        self.memory.data_size(&self.store)
    }

    /// One of the passes, by name.
    ///
    /// # Errors
    /// It trapped.
    pub fn pass(&mut self, name: &str) -> Result<u64> {
        self.function::<(), u64>(name)?.call(&mut self.store, ()).map_err(told)
    }

    /// The fuel that a pass takes.
    ///
    /// # Errors
    /// It trapped, or fuel is not counted.
    pub fn fuel(&mut self, name: &str) -> Result<u64> {
        let before = self.store.get_fuel().map_err(told)?;
        self.pass(name)?;
        Ok(before - self.store.get_fuel().map_err(told)?)
    }
}
