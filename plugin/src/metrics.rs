//! Counters and gauges under fixed names; `envoy/bootstrap.yaml` has the `stats_tags` that make labels of them.
//!
//! Defined when first needed, since the proxy keeps every name for ever; the set of names is bounded by the detectors
//! and the three kinds of place.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::host;

/// The metrics of one VM.
#[derive(Default)]
pub(crate) struct Metrics {
    ids: RefCell<BTreeMap<String, u32>>,
}

impl Metrics {
    /// `keepmum.findings.detector.<id>.place.<header|body|trailer>.action.<action>`
    pub(crate) fn finding(&self, detector: &str, place: &str, action: &str, times: u64) {
        self.count(
            &format!("keepmum.findings.detector.{detector}.place.{place}.action.{action}"),
            times,
        );
    }

    /// `keepmum.uninspected.reason.<reason>`: messages (or parts of them) that were let through unread.
    pub(crate) fn uninspected(&self, reason: &str) {
        self.count(&format!("keepmum.uninspected.reason.{reason}"), 1);
    }

    /// `keepmum.<what>`
    pub(crate) fn event(&self, what: &str) {
        self.count(&format!("keepmum.{what}"), 1);
    }

    /// `keepmum.<what>` as a gauge.
    pub(crate) fn gauge(&self, what: &str, value: u64) {
        if let Some(id) = self.id(1, &format!("keepmum.{what}")) {
            let _ = host::record(id, value);
        }
    }

    fn count(&self, name: &str, times: u64) {
        if let (Some(id), Ok(by @ 1..)) = (self.id(0, name), i64::try_from(times)) {
            let _ = host::increment(id, by);
        }
    }

    fn id(&self, kind: u32, name: &str) -> Option<u32> {
        let mut ids = self.ids.try_borrow_mut().ok()?;
        if let Some(id) = ids.get(name) {
            return Some(*id);
        }
        let id = host::define_metric(kind, name).ok()?;
        ids.insert(name.to_owned(), id);
        Some(id)
    }
}
