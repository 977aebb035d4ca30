//! Shared data with compare-and-swap, and shared queues. One map for each VM id; it outlives a reload.

use std::collections::{BTreeMap, VecDeque};

use super::status::Status;

/// What the VMs of one id share.
#[derive(Clone, Debug, Default)]
pub(super) struct Shared {
    data: BTreeMap<Vec<u8>, (Vec<u8>, u32)>,
    last_cas: u32,
    queues: Vec<(Vec<u8>, VecDeque<Vec<u8>>)>,
}

impl Shared {
    pub(super) fn get(&self, key: &[u8]) -> Result<(Vec<u8>, u32), Status> {
        self.data.get(key).cloned().ok_or(Status::NotFound)
    }

    /// `cas` 0 writes whatever is there.
    pub(super) fn set(&mut self, key: &[u8], value: &[u8], cas: u32) -> Result<(), Status> {
        if let Some((_, current)) = self.data.get(key)
            && cas != 0
            && cas != *current
        {
            return Err(Status::CasMismatch);
        }
        self.last_cas += 1;
        self.data.insert(key.to_vec(), (value.to_vec(), self.last_cas));
        Ok(())
    }

    pub(super) fn register(&mut self, name: &[u8]) -> u32 {
        if let Ok(token) = self.resolve(name) {
            return token;
        }
        self.queues.push((name.to_vec(), VecDeque::new()));
        self.queues.len() as u32
    }

    pub(super) fn resolve(&self, name: &[u8]) -> Result<u32, Status> {
        let at = self
            .queues
            .iter()
            .position(|(n, _)| n == name)
            .ok_or(Status::NotFound)?;
        Ok(at as u32 + 1)
    }

    pub(super) fn enqueue(&mut self, token: u32, value: &[u8]) -> Result<(), Status> {
        self.queue(token)?.push_back(value.to_vec());
        Ok(())
    }

    pub(super) fn dequeue(&mut self, token: u32) -> Result<Vec<u8>, Status> {
        self.queue(token)?.pop_front().ok_or(Status::Empty)
    }

    fn queue(&mut self, token: u32) -> Result<&mut VecDeque<Vec<u8>>, Status> {
        let at = (token as usize).checked_sub(1).ok_or(Status::NotFound)?;
        self.queues.get_mut(at).map(|(_, q)| q).ok_or(Status::NotFound)
    }
}
