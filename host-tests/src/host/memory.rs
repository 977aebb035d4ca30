//! The module's memory: every pointer is checked, and a bad one is a status, never a crash of the host.

use wasmtime::{AsContext, AsContextMut, Caller, Memory};

use super::state::Host;
use super::status::{Answer, Fault, Status};

/// The module that makes a host call.
pub(super) type Guest<'a> = Caller<'a, Host>;

fn memory(guest: &Guest<'_>) -> Answer<Memory> {
    guest.data().memory.ok_or(Fault::Status(Status::InvalidMemoryAccess))
}

fn range(ptr: u32, len: usize) -> std::ops::Range<usize> {
    let start = ptr as usize;
    start..start.saturating_add(len)
}

/// The bytes at `ptr`.
pub(super) fn read<'a>(guest: &'a Guest<'_>, ptr: u32, len: u32) -> Answer<&'a [u8]> {
    let bytes = memory(guest)?.data(guest.as_context());
    bytes
        .get(range(ptr, len as usize))
        .ok_or(Fault::Status(Status::InvalidMemoryAccess))
}

/// The bytes at `ptr` beside the host's state, so that they need not be copied twice.
pub(super) fn read_with_host<'a>(guest: &'a mut Guest<'_>, ptr: u32, len: u32) -> Answer<(&'a [u8], &'a mut Host)> {
    let (bytes, host) = memory(guest)?.data_and_store_mut(guest.as_context_mut());
    let bytes = bytes
        .get(range(ptr, len as usize))
        .ok_or(Fault::Status(Status::InvalidMemoryAccess))?;
    Ok((bytes, host))
}

/// Writes `bytes` at `ptr`.
pub(super) fn write(guest: &mut Guest<'_>, ptr: u32, bytes: &[u8]) -> Answer {
    let all = memory(guest)?.data_mut(guest.as_context_mut());
    let place = all
        .get_mut(range(ptr, bytes.len()))
        .ok_or(Fault::Status(Status::InvalidMemoryAccess))?;
    place.copy_from_slice(bytes);
    Ok(())
}

pub(super) fn write_u32(guest: &mut Guest<'_>, ptr: u32, value: u32) -> Answer {
    write(guest, ptr, &value.to_le_bytes())
}

pub(super) fn write_u64(guest: &mut Guest<'_>, ptr: u32, value: u64) -> Answer {
    write(guest, ptr, &value.to_le_bytes())
}

/// Asks the module for memory. An allocator that answers 0 is a status; one that traps ends the VM.
fn allocate(guest: &mut Guest<'_>, len: usize) -> Answer<u32> {
    let alloc = guest
        .data()
        .alloc
        .clone()
        .ok_or(Fault::Status(Status::InternalFailure))?;
    let len = u32::try_from(len).map_err(|_| Fault::Status(Status::InvalidMemoryAccess))?;
    match alloc.call(&mut *guest, len).map_err(Fault::Trap)? {
        0 => Err(Fault::Status(Status::InvalidMemoryAccess)),
        ptr => Ok(ptr),
    }
}

/// Gives `bytes` to the module in memory that it allocates; nothing at all is pointer 0, size 0.
pub(super) fn give(guest: &mut Guest<'_>, bytes: &[u8], ptr_ptr: u32, size_ptr: u32) -> Answer {
    let mut ptr = 0;
    if !bytes.is_empty() {
        ptr = allocate(guest, bytes.len())?;
        write(guest, ptr, bytes)?;
    }
    write_u32(guest, ptr_ptr, ptr)?;
    write_u32(guest, size_ptr, bytes.len() as u32)
}

/// Gives `len` bytes that lie in the host's state, without a copy in between.
pub(super) fn give_from(
    guest: &mut Guest<'_>,
    len: usize,
    ptr_ptr: u32,
    size_ptr: u32,
    bytes: impl FnOnce(&Host) -> Option<&[u8]>,
) -> Answer {
    let mut ptr = 0;
    if len > 0 {
        ptr = allocate(guest, len)?;
        let (all, host) = memory(guest)?.data_and_store_mut(guest.as_context_mut());
        let place = all
            .get_mut(range(ptr, len))
            .ok_or(Fault::Status(Status::InvalidMemoryAccess))?;
        let source = bytes(host).ok_or(Fault::Status(Status::InternalFailure))?;
        place.copy_from_slice(source.get(..len).ok_or(Fault::Status(Status::InternalFailure))?);
    }
    write_u32(guest, ptr_ptr, ptr)?;
    write_u32(guest, size_ptr, len as u32)
}
