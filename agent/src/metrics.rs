//! What the agent tells of itself: for a probe, and for Prometheus. Names of sources and reasons, never ids.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::admission::Refusal;
use crate::publish::Published;

/// Shared by the tasks; none holds it across a wait.
#[derive(Debug, Default)]
pub(crate) struct Status {
    inner: Mutex<Inner>,
    served: [AtomicU64; 3],
}

/// What is said of one source.
#[derive(Clone, Debug, Default)]
pub(crate) struct SourceStatus {
    pub(crate) name: String,
    pub(crate) required: bool,
    /// Why it is down, if it is.
    pub(crate) down: Option<String>,
    pub(crate) read_at: Option<Instant>,
    pub(crate) reads: u64,
    pub(crate) failures: u64,
    pub(crate) missing: usize,
    pub(crate) secrets: usize,
    pub(crate) retiring: usize,
}

#[derive(Debug, Default)]
struct Inner {
    sources: Vec<SourceStatus>,
    refused: BTreeMap<Refusal, usize>,
    set: Option<Arc<Published>>,
    unpublished: u64,
    locked: bool,
}

/// How a request for the set ended.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Served {
    Sent,
    Unchanged,
    NotReady,
}

impl Status {
    pub(crate) fn new(sources: Vec<SourceStatus>, locked: bool) -> Status {
        let inner = Inner {
            sources,
            locked,
            ..Inner::default()
        };
        Status {
            inner: Mutex::new(inner),
            served: Default::default(),
        }
    }

    fn with<T>(&self, f: impl FnOnce(&mut Inner) -> T) -> T {
        f(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn source(&self, index: usize, f: impl FnOnce(&mut SourceStatus)) {
        self.with(|inner| inner.sources.get_mut(index).map(f));
    }

    pub(crate) fn publish(&self, set: Arc<Published>, refused: BTreeMap<Refusal, usize>) {
        self.with(|inner| (inner.set, inner.refused) = (Some(set), refused));
    }

    pub(crate) fn unpublished(&self) {
        self.with(|inner| inner.unpublished += 1);
    }

    pub(crate) fn set(&self) -> Option<Arc<Published>> {
        self.with(|inner| inner.set.clone())
    }

    pub(crate) fn served(&self, how: Served) {
        if let Some(count) = self.served.get(how as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Required sources that are down, and the set if there is none: what a probe is told. A set that is there is served, so
    /// that a source that is down does not end readiness.
    pub(crate) fn readiness(&self) -> Result<String, String> {
        self.with(|inner| {
            let down = inner
                .sources
                .iter()
                .filter_map(|s| Some(format!("{}: {}\n", s.name, s.down.as_ref()?)));
            let down: String = down.collect();
            match inner.set {
                Some(_) => Ok(format!("ready\n{down}")),
                None => Err(format!("no set yet\n{down}")),
            }
        })
    }

    /// In Prometheus' text format.
    pub(crate) fn exposition(&self) -> String {
        self.with(|inner| {
            let mut out = String::new();
            type Get = fn(&SourceStatus) -> Option<u64>;
            let rows: [(&str, &str, &str, Get); 8] = [
                ("source_up", "gauge", "1: the last read succeeded.", |s| {
                    Some(u64::from(s.down.is_none() && s.reads > s.failures))
                }),
                (
                    "source_required",
                    "gauge",
                    "1: the agent does not start without it.",
                    |s| Some(u64::from(s.required)),
                ),
                (
                    "source_age_seconds",
                    "gauge",
                    "Since the last read that succeeded.",
                    |s| Some(s.read_at?.elapsed().as_secs()),
                ),
                ("source_reads_total", "counter", "Reads.", |s| Some(s.reads)),
                ("source_failures_total", "counter", "Reads that failed.", |s| {
                    Some(s.failures)
                }),
                (
                    "source_missing",
                    "gauge",
                    "Secrets that should be there and are not.",
                    |s| count(s.missing),
                ),
                ("source_secrets", "gauge", "Values that it has.", |s| count(s.secrets)),
                (
                    "source_retiring",
                    "gauge",
                    "Values that it had, armed for their grace period.",
                    |s| count(s.retiring),
                ),
            ];
            for (name, kind, help, get) in rows {
                head(&mut out, name, kind, help);
                for source in &inner.sources {
                    if let Some(value) = get(source) {
                        let label = label(&source.name);
                        let _ = writeln!(out, "keepmum_agent_{name}{{source=\"{label}\"}} {value}");
                    }
                }
            }
            head(
                &mut out,
                "refused",
                "gauge",
                "Values that are not in the set, by reason.",
            );
            for (reason, n) in &inner.refused {
                let _ = writeln!(out, "keepmum_agent_refused{{reason=\"{}\"}} {n}", reason.name());
            }
            let set = inner.set.as_deref();
            let of = |f: fn(&Published) -> u64| set.map_or(0, f);
            let single = [
                ("set_version", "gauge", "The version of the set.", of(|s| s.version)),
                (
                    "set_issued_seconds",
                    "gauge",
                    "When it was made, since 1970.",
                    of(|s| s.issued),
                ),
                ("set_secrets", "gauge", "Values in it.", of(|s| s.secrets as u64)),
                ("set_forms", "gauge", "Forms in it.", of(|s| s.forms as u64)),
                (
                    "set_forms_anywhere",
                    "gauge",
                    "Forms that have every byte of traffic looked at.",
                    of(|s| s.anywhere as u64),
                ),
                (
                    "set_left_out",
                    "gauge",
                    "Values that no room was left for.",
                    of(|s| s.left_out.len() as u64),
                ),
                ("set_bytes", "gauge", "Its size.", of(|s| s.body.len() as u64)),
                (
                    "set_failures_total",
                    "counter",
                    "Sets that could not be made.",
                    inner.unpublished,
                ),
                (
                    "memory_locked",
                    "gauge",
                    "1: pages are never written to swap.",
                    u64::from(inner.locked),
                ),
            ];
            for (name, kind, help, value) in single {
                head(&mut out, name, kind, help);
                let _ = writeln!(out, "keepmum_agent_{name} {value}");
            }
            head(
                &mut out,
                "requests_total",
                "counter",
                "Requests for the set, by how they ended.",
            );
            for (how, count) in ["sent", "unchanged", "not_ready"].iter().zip(&self.served) {
                let count = count.load(Ordering::Relaxed);
                let _ = writeln!(out, "keepmum_agent_requests_total{{result=\"{how}\"}} {count}");
            }
            out
        })
    }
}

fn count(n: usize) -> Option<u64> {
    u64::try_from(n).ok()
}

fn head(out: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(
        out,
        "# HELP keepmum_agent_{name} {help}\n# TYPE keepmum_agent_{name} {kind}"
    );
}

fn label(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
