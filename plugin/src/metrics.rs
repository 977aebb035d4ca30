//! Counters and gauges under fixed names; `envoy/bootstrap.yaml` has the `stats_tags` that make labels of them.
//!
//! Defined when first needed, since the proxy keeps every name for ever, and kept for the VM, not for the policy: a new
//! policy in the same VM would define them all again, and the proxy forgets no definition either. What a name is made of
//! is bounded by the policy, and their number by [`NAMES`]: routes that come too late for a name of their own are counted as `other`.

use std::cell::RefCell;
use std::collections::BTreeMap;

use keepmum_engine::Engine;

use crate::host;

/// Names that one VM defines with the route in them. Each takes the proxy some 500 bytes.
const NAMES: usize = 4_096;

thread_local! {
    static IDS: RefCell<BTreeMap<String, u32>> = const { RefCell::new(BTreeMap::new()) };
}

/// The metrics of this VM.
#[derive(Clone, Copy, Default)]
pub(crate) struct Metrics;

impl Metrics {
    /// `keepmum.findings.detector.<id>.place.<place>.route.<route>.mode.<mode>.action.<action>`
    pub(crate) fn finding(self, engine: &Engine, detector: &str, place: &str, action: &str, times: u64) {
        let name = |route: &str| {
            let mode = mode(engine);
            format!("keepmum.findings.detector.{detector}.place.{place}.route.{route}.mode.{mode}.action.{action}")
        };
        count_by_route(engine, name, times);
    }

    /// `keepmum.uninspected.reason.<reason>.route.<route>`: messages, or parts of them, that were let through unread.
    pub(crate) fn uninspected(self, engine: &Engine, reason: &str) {
        self.uninspected_times(engine, reason, 1);
    }

    pub(crate) fn uninspected_times(self, engine: &Engine, reason: &str, times: u64) {
        let name = |route: &str| format!("keepmum.uninspected.reason.{reason}.route.{route}");
        count_by_route(engine, name, times);
    }

    /// `keepmum.uninspected_bytes.reason.<reason>.route.<route>`: their bytes, as they came over the wire.
    pub(crate) fn uninspected_bytes(self, engine: &Engine, reason: &str, bytes: u64) {
        let name = |route: &str| format!("keepmum.uninspected_bytes.reason.{reason}.route.{route}");
        count_by_route(engine, name, bytes);
    }

    /// `keepmum.<what>.reason.<reason>.route.<route>.mode.<mode>`, or without a reason: what was done with a whole message, or
    /// would have been.
    pub(crate) fn done(self, engine: &Engine, what: &str, reason: &str) {
        let reason = if reason.is_empty() {
            String::new()
        } else {
            format!(".reason.{reason}")
        };
        let name = |route: &str| format!("keepmum.{what}{reason}.route.{route}.mode.{}", mode(engine));
        count_by_route(engine, name, 1);
    }

    /// `keepmum.audit_dropped.reason.<reason>`: lines that were not written.
    pub(crate) fn audit_dropped(self, reason: &str) {
        count(&format!("keepmum.audit_dropped.reason.{reason}"), 1);
    }

    /// `keepmum.<what>`
    pub(crate) fn event(self, what: &str) {
        count(&format!("keepmum.{what}"), 1);
    }

    /// `keepmum.<what>` as a gauge.
    pub(crate) fn gauge(self, what: &str, value: u64) {
        if let Some(id) = id(1, &format!("keepmum.{what}")) {
            let _ = host::record(id, value);
        }
    }
}

/// What the policy does there, in one word.
pub(crate) fn mode(engine: &Engine) -> &'static str {
    if engine.enforces() { "enforce" } else { "report" }
}

fn count_by_route(engine: &Engine, name: impl Fn(&str) -> String, times: u64) {
    let full = name(engine.metric_name());
    let known = IDS.with(|ids| {
        ids.try_borrow()
            .is_ok_and(|ids| ids.len() < NAMES || ids.contains_key(&full))
    });
    if known {
        count(&full, times);
    } else {
        count(&name("other"), times);
    }
}

fn count(name: &str, times: u64) {
    let by = i64::try_from(times).unwrap_or(i64::MAX);
    if by > 0
        && let Some(id) = id(0, name)
    {
        let _ = host::increment(id, by);
    }
}

fn id(kind: u32, name: &str) -> Option<u32> {
    IDS.with(|ids| {
        let mut ids = ids.try_borrow_mut().ok()?;
        if let Some(id) = ids.get(name) {
            return Some(*id);
        }
        let id = host::define_metric(kind, name).ok()?;
        ids.insert(name.to_owned(), id);
        Some(id)
    })
}
