//! Binds the host calls to a module's imports, by ABI version, with the checks that all of them share.
//!
//! Linking is exact: an import that no list names, or one with another signature, refuses the module, as
//! Envoy does. A stub for everything would let a module pass here that no proxy loads.

use wasmtime::{Engine, Linker};

use super::imports;
use super::state::{Abi, Host};
use super::status::Fault;

/// The calls that are allowed before the module has started.
const AT_START: [&str; 10] = [
    "proxy_log",
    "fd_write",
    "args_sizes_get",
    "args_get",
    "environ_sizes_get",
    "environ_get",
    "fd_prestat_get",
    "fd_prestat_dir_name",
    "clock_time_get",
    "random_get",
];

/// All host calls of one ABI version.
pub(super) fn linker(engine: &Engine, abi: Abi) -> wasmtime::Result<Linker<Host>> {
    let mut linker = Linker::new(engine);
    imports::general::link(&mut linker, abi)?;
    imports::stream::link(&mut linker, abi)?;
    imports::maps::link(&mut linker)?;
    imports::buffers::link(&mut linker)?;
    imports::calls::link(&mut linker)?;
    imports::sharing::link(&mut linker)?;
    imports::measure::link(&mut linker)?;
    for module in ["wasi_unstable", "wasi_snapshot_preview1"] {
        imports::wasi::link(&mut linker, module)?;
    }
    Ok(linker)
}

impl Host {
    /// Envoy traps any other call made from `_initialize`, `main` or `_start`.
    pub(super) fn check_allowed(&self, name: &str) -> wasmtime::Result<()> {
        if self.restricted && !AT_START.contains(&name) {
            return Err(wasmtime::Error::msg(format!(
                "restricted_callback: {name} during start"
            )));
        }
        Ok(())
    }

    /// The status with which this call fails, if the options or the test want it to.
    pub(super) fn fault(&mut self, name: &str, arguments: &[i64]) -> Option<u32> {
        let at = self.calls;
        self.calls += 1;
        if let Some((_, status)) = self.fails.filter(|(nth, _)| *nth == at) {
            return Some(status);
        }
        let wanted = |(call, first): &(&str, i64)| *call == name && arguments.first() == Some(first);
        let wanted = self.options.faults.iter().any(wanted);
        wanted.then_some(super::status::Status::InternalFailure as u32)
    }

    /// Turns a host call's answer into the number that the module sees, and records what strict mode minds.
    pub(super) fn settle(&mut self, name: &str, answer: Result<(), Fault>) -> wasmtime::Result<u32> {
        match answer {
            Ok(()) => Ok(0),
            Err(Fault::Status(status)) => {
                self.note(name, status);
                Ok(status as u32)
            }
            Err(Fault::Trap(trap)) => Err(trap),
        }
    }
}

/// Links `name => function(arguments)` lines: each function takes the guest and gives an `Answer`.
macro_rules! host_calls {
    ($linker:expr, $module:expr; $($name:literal => $function:path as ($($arg:ident : $ty:ty),*);)*) => {
        $($linker.func_wrap(
            $module,
            $name,
            |mut guest: wasmtime::Caller<'_, $crate::host::state::Host>, $($arg: $ty),*| -> wasmtime::Result<u32> {
                guest.data().check_allowed($name)?;
                #[allow(clippy::cast_lossless, clippy::unnecessary_cast, clippy::cast_possible_wrap, reason = "of any type")]
                if let Some(status) = guest.data_mut().fault($name, &[$($arg as i64),*]) {
                    return Ok(status);
                }
                let answer = $function(&mut guest, $($arg),*);
                guest.data_mut().settle($name, answer)
            },
        )?;)*
    };
}
pub(super) use host_calls;
