//! Secrets stay in this process's memory: no core dump, no debugger, no swap where the system allows.

use nix::sys::mman::{MlockAllFlags, mlockall};
use nix::sys::prctl::set_dumpable;
use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit, setrlimit};

/// What was done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Guarded {
    /// Pages are never written to swap.
    pub(crate) locked: bool,
    /// What could not be done, and why.
    pub(crate) told: Vec<String>,
}

/// With less than this, a later allocation could fail where pages are locked as they are made.
const ENOUGH: u64 = 1 << 30;

/// Does what the system allows.
pub(crate) fn guard() -> Guarded {
    let mut guarded = Guarded::default();
    if let Err(e) = setrlimit(Resource::RLIMIT_CORE, 0, 0) {
        guarded.told.push(format!("core dumps cannot be limited: {}", e.desc()));
    }
    if let Err(e) = set_dumpable(false) {
        guarded
            .told
            .push(format!("the process stays open to debuggers: {}", e.desc()));
    }
    let limit = getrlimit(Resource::RLIMIT_MEMLOCK).map_or(0, |(soft, _)| soft);
    if limit != RLIM_INFINITY && limit < ENOUGH && !may_lock() {
        let mib = limit >> 20;
        let why = format!("pages are not locked: {mib} MiB are allowed (RLIMIT_MEMLOCK, or the capability IPC_LOCK)");
        guarded.told.push(why);
        return guarded;
    }
    match mlockall(MlockAllFlags::MCL_CURRENT | MlockAllFlags::MCL_FUTURE) {
        Ok(()) => guarded.locked = true,
        Err(e) => guarded.told.push(format!("pages are not locked: {}", e.desc())),
    }
    guarded
}

/// The capability IPC_LOCK, by which the limit does not hold.
fn may_lock() -> bool {
    const IPC_LOCK: u32 = 14;
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let bits = line.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok());
    bits.is_some_and(|bits| bits >> IPC_LOCK & 1 == 1)
}
