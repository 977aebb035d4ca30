//! Counters, gauges and histograms with Envoy's numbering: ids step by four, their low bits tell the kind.

use std::collections::BTreeMap;

use super::status::Status;

const COUNTER: u32 = 0;
const GAUGE: u32 = 1;
const HISTOGRAM: u32 = 2;

/// The metrics of one VM. They outlive a reload, as Envoy's statistics do.
#[derive(Clone, Debug, Default)]
pub(super) struct Metrics {
    names: Vec<String>,
    values: Vec<i64>,
    by_name: BTreeMap<String, usize>,
    /// Id → index into `values`, by kind.
    ids: [Vec<usize>; 3],
}

impl Metrics {
    /// Defining a name again gives a new id for the same value.
    pub(super) fn define(&mut self, kind: u32, name: &[u8]) -> Result<u32, Status> {
        let ids = self.ids.get_mut(kind as usize).ok_or(Status::BadArgument)?;
        let name = String::from_utf8_lossy(name).into_owned();
        let slot = *self.by_name.entry(name.clone()).or_insert_with(|| {
            self.names.push(name);
            self.values.push(0);
            self.values.len() - 1
        });
        ids.push(slot);
        Ok(kind + 4 * ids.len() as u32)
    }

    fn slot(&mut self, id: u32) -> Result<&mut i64, Status> {
        let index = (id >> 2).checked_sub(1).ok_or(Status::NotFound)?;
        let ids = self.ids.get((id & 3) as usize).ok_or(Status::BadArgument)?;
        let slot = *ids.get(index as usize).ok_or(Status::NotFound)?;
        self.values.get_mut(slot).ok_or(Status::NotFound)
    }

    pub(super) fn increment(&mut self, id: u32, by: i64) -> Result<(), Status> {
        match id & 3 {
            COUNTER | GAUGE => {}
            _ => return Err(Status::BadArgument),
        }
        let value = self.slot(id)?;
        if id & 3 == COUNTER && by <= 0 {
            return Err(Status::BadArgument);
        }
        *value = value.wrapping_add(by);
        Ok(())
    }

    /// A counter is added to, a gauge is set, a histogram keeps its last value.
    pub(super) fn record(&mut self, id: u32, value: u64) -> Result<(), Status> {
        let slot = self.slot(id).map_err(|_| Status::NotFound)?;
        *slot = if id & 3 == COUNTER {
            slot.wrapping_add(value as i64)
        } else {
            value as i64
        };
        Ok(())
    }

    pub(super) fn get(&mut self, id: u32) -> Result<u64, Status> {
        if id & 3 >= HISTOGRAM {
            return Err(Status::BadArgument);
        }
        Ok(*self.slot(id)? as u64)
    }

    /// Every metric by name.
    pub(super) fn read(&self) -> BTreeMap<String, i64> {
        self.by_name
            .iter()
            .map(|(name, slot)| (name.clone(), self.values[*slot]))
            .collect()
    }

    /// A new VM defines its metrics anew: ids go, values stay.
    pub(super) fn forget_ids(&mut self) {
        self.ids = Default::default();
    }
}
