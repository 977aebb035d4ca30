//! Metrics.

use wasmtime::Linker;

use crate::host::linker::host_calls;
use crate::host::memory::{Guest, read_with_host, write_u32, write_u64};
use crate::host::state::Host;
use crate::host::status::Answer;

pub(in crate::host) fn link(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    host_calls! { linker, "env";
        "proxy_define_metric" => define as (kind: u32, name: u32, name_len: u32, out: u32);
        "proxy_increment_metric" => increment as (id: u32, by: i64);
        "proxy_record_metric" => record as (id: u32, value: u64);
        "proxy_get_metric" => get as (id: u32, out: u32);
    }
    Ok(())
}

fn define(guest: &mut Guest<'_>, kind: u32, name: u32, name_len: u32, out: u32) -> Answer {
    let (name, host) = read_with_host(guest, name, name_len)?;
    let id = host.lasting.metrics.define(kind, name)?;
    write_u32(guest, out, id)
}

fn increment(guest: &mut Guest<'_>, id: u32, by: i64) -> Answer {
    Ok(guest.data_mut().lasting.metrics.increment(id, by)?)
}

fn record(guest: &mut Guest<'_>, id: u32, value: u64) -> Answer {
    Ok(guest.data_mut().lasting.metrics.record(id, value)?)
}

fn get(guest: &mut Guest<'_>, id: u32, out: u32) -> Answer {
    let value = guest.data_mut().lasting.metrics.get(id)?;
    write_u64(guest, out, value)
}
