//! How many VMs of the proxy run the newest policy: what tells an operator that a push has arrived everywhere.
//!
//! A gauge cannot tell by itself: all workers write the same one, and a VM in which the proxy only tries a policy writes it
//! too. So each VM notes once a second, in the data that VMs of one `vm_id` share, which policy it runs; who has not done so
//! for a while is gone (a VM that died says nothing any more). A VM on trial does not live for a second.

use std::cell::Cell;

use crate::host;
use crate::metrics::Metrics;

/// Milliseconds between two notes.
pub(crate) const PERIOD: u32 = 1_000;

/// Who has said nothing for so long (nanoseconds) is gone. A worker under load may be late.
const GONE: u64 = 10_000_000_000;

/// The most VMs that are counted.
const MOST: usize = 512;

const KEY: &str = "keepmum.instances";

thread_local! {
    /// Which of the policies that this VM was given came last; zero: none yet.
    static LAST: Cell<u64> = const { Cell::new(0) };
    /// This VM's name: when it was first heard of.
    static NAME: Cell<u64> = const { Cell::new(0) };
}

/// One VM's note.
#[derive(Clone, Copy)]
struct Note {
    vm: u64,
    /// The policy that it runs, and since when.
    version: u64,
    since: u64,
    seen: u64,
}

/// The policy that a root context was configured with.
#[derive(Clone, Copy, Default)]
pub(crate) struct Running {
    version: u64,
    since: u64,
    nth: u64,
}

impl Running {
    /// From now on, in this VM.
    pub(crate) fn start(version: u64) -> Running {
        let nth = LAST.get() + 1;
        LAST.set(nth);
        let since = host::now();
        Running { version, since, nth }
    }

    /// Whether no other policy has come to this VM since.
    pub(crate) fn is_newest(self) -> bool {
        self.nth != 0 && self.nth == LAST.get()
    }

    /// Notes that this VM runs it, and sets the gauges by what the others have noted.
    pub(crate) fn note(self, metrics: Metrics) {
        if !self.is_newest() {
            // A newer one has come to this VM; this one only waits for its last streams.
            return;
        }
        let now = host::now();
        // Somebody else may write at the same time.
        for _ in 0..8 {
            let (bytes, cas) = host::shared(KEY).unwrap_or_default();
            let mut notes: Vec<Note> = read(&bytes);
            notes.retain(|n| n.vm != NAME.get() && now.saturating_sub(n.seen) < GONE);
            if NAME.get() == 0 {
                let taken = |name: u64| notes.iter().any(|n| n.vm == name);
                NAME.set((now..).find(|name| !taken(*name)).unwrap_or(now));
            }
            notes.truncate(MOST);
            notes.push(Note {
                vm: NAME.get(),
                version: self.version,
                since: self.since,
                seen: now,
            });
            if host::share(KEY, &write(&notes), cas).is_err() {
                continue;
            }
            let newest = notes.iter().max_by_key(|n| n.since).map_or(self.version, |n| n.version);
            let current = notes.iter().filter(|n| n.version == newest).count();
            metrics.gauge("policy_version", newest);
            metrics.gauge("instances", notes.len() as u64);
            metrics.gauge("instances_current", current as u64);
            return;
        }
    }
}

fn write(notes: &[Note]) -> Vec<u8> {
    let fields = |n: &Note| [n.vm, n.version, n.since, n.seen];
    notes.iter().flat_map(fields).flat_map(u64::to_le_bytes).collect()
}

fn read(bytes: &[u8]) -> Vec<Note> {
    let mut numbers = bytes
        .chunks_exact(8)
        .filter_map(|b| Some(u64::from_le_bytes(b.try_into().ok()?)));
    let mut next = || {
        Some(Note {
            vm: numbers.next()?,
            version: numbers.next()?,
            since: numbers.next()?,
            seen: numbers.next()?,
        })
    };
    std::iter::from_fn(&mut next).collect()
}
