//! Shared data and queues.

use wasmtime::Linker;

use crate::host::linker::host_calls;
use crate::host::memory::{Guest, give, read, read_with_host, write_u32};
use crate::host::state::Host;
use crate::host::status::{Answer, Status};

pub(in crate::host) fn link(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    host_calls! { linker, "env";
        "proxy_get_shared_data" => get as (key: u32, key_len: u32, ptr: u32, len: u32, cas: u32);
        "proxy_set_shared_data" => set as (key: u32, key_len: u32, value: u32, value_len: u32, cas: u32);
        "proxy_register_shared_queue" => register as (name: u32, name_len: u32, token: u32);
        "proxy_resolve_shared_queue" => resolve as (vm: u32, vm_len: u32, name: u32, name_len: u32, token: u32);
        "proxy_enqueue_shared_queue" => enqueue as (token: u32, data: u32, data_len: u32);
        "proxy_dequeue_shared_queue" => dequeue as (token: u32, ptr: u32, len: u32);
    }
    Ok(())
}

fn get(guest: &mut Guest<'_>, key: u32, key_len: u32, ptr: u32, len: u32, cas_ptr: u32) -> Answer {
    let key = read(guest, key, key_len)?;
    let (value, cas) = guest.data().lasting.shared.get(key)?;
    give(guest, &value, ptr, len)?;
    write_u32(guest, cas_ptr, cas)
}

fn set(guest: &mut Guest<'_>, key: u32, key_len: u32, value: u32, value_len: u32, cas: u32) -> Answer {
    let value = read(guest, value, value_len)?.to_vec();
    let (key, host) = read_with_host(guest, key, key_len)?;
    Ok(host.lasting.shared.set(key, &value, cas)?)
}

fn register(guest: &mut Guest<'_>, name: u32, name_len: u32, token_ptr: u32) -> Answer {
    let (name, host) = read_with_host(guest, name, name_len)?;
    let token = host.lasting.shared.register(name);
    write_u32(guest, token_ptr, token)
}

/// One VM id is known: this VM's own.
fn resolve(guest: &mut Guest<'_>, vm: u32, vm_len: u32, name: u32, name_len: u32, token_ptr: u32) -> Answer {
    let name = read(guest, name, name_len)?;
    let host = guest.data();
    if read(guest, vm, vm_len)? != host.options.vm_id.as_bytes() {
        return Err(Status::NotFound.into());
    }
    let token = host.lasting.shared.resolve(name)?;
    write_u32(guest, token_ptr, token)
}

fn enqueue(guest: &mut Guest<'_>, token: u32, data: u32, data_len: u32) -> Answer {
    let (data, host) = read_with_host(guest, data, data_len)?;
    host.lasting.shared.enqueue(token, data)?;
    host.ready_queues.push(token);
    Ok(())
}

fn dequeue(guest: &mut Guest<'_>, token: u32, ptr: u32, len: u32) -> Answer {
    let data = guest.data_mut().lasting.shared.dequeue(token)?;
    give(guest, &data, ptr, len)
}
