//! Log, time, properties, status, configuration, contexts, foreign functions.

use wasmtime::Linker;

use crate::host::linker::host_calls;
use crate::host::log::LogLevel;
use crate::host::memory::{Guest, give, read, write_u32, write_u64};
use crate::host::properties;
use crate::host::state::{Abi, Host, ROOT};
use crate::host::status::{Answer, Status};

pub(in crate::host) fn link(linker: &mut Linker<Host>, abi: Abi) -> wasmtime::Result<()> {
    host_calls! { linker, "env";
        "proxy_log" => log as (level: u32, ptr: u32, len: u32);
        "proxy_get_status" => get_status as (code: u32, ptr: u32, len: u32);
        "proxy_get_property" => get_property as (path: u32, path_len: u32, ptr: u32, len: u32);
        "proxy_set_property" => set_property as (path: u32, path_len: u32, value: u32, value_len: u32);
        "proxy_set_tick_period_milliseconds" => set_tick_period as (period: u32);
        "proxy_get_current_time_nanoseconds" => get_time as (out: u32);
        "proxy_set_effective_context" => set_effective_context as (id: u32);
        "proxy_done" => done as ();
        "proxy_call_foreign_function" => foreign as (name: u32, name_len: u32, args: u32, args_len: u32, out: u32, out_len: u32);
        "envoy_resolve_dns" => resolve_dns as (name: u32, name_len: u32, token: u32);
    }
    if abi == Abi::V021 {
        host_calls! { linker, "env"; "proxy_get_log_level" => get_log_level as (out: u32); }
    }
    if abi == Abi::V010 {
        host_calls! { linker, "env";
            "proxy_get_configuration" => get_configuration as (ptr: u32, len: u32);
            "proxy_clear_route_cache" => clear_route_cache as ();
        }
    }
    linker.func_wrap("env", "pthread_equal", |left: u32, right: u32| u32::from(left == right))?;
    linker.func_wrap("env", "emscripten_notify_memory_growth", |_: u32| {})?;
    Ok(())
}

fn log(guest: &mut Guest<'_>, level: u32, ptr: u32, len: u32) -> Answer {
    let level = LogLevel::from_abi(level).ok_or(Status::BadArgument)?;
    if level < guest.data().options.log_level {
        return read(guest, ptr, len).map(|_| ());
    }
    let text = read(guest, ptr, len)?.to_vec();
    guest.data_mut().lasting.log(level, &text);
    Ok(())
}

fn get_log_level(guest: &mut Guest<'_>, out: u32) -> Answer {
    let level = guest.data().options.log_level as u32;
    write_u32(guest, out, level)
}

fn get_status(guest: &mut Guest<'_>, code: u32, ptr: u32, len: u32) -> Answer {
    let (number, text) = guest.data().status;
    write_u32(guest, code, number)?;
    give(guest, text.as_bytes(), ptr, len)
}

fn get_property(guest: &mut Guest<'_>, path: u32, path_len: u32, ptr: u32, len: u32) -> Answer {
    let path = read(guest, path, path_len)?;
    let value = properties::get(guest.data(), path)?;
    give(guest, &value, ptr, len)
}

fn set_property(guest: &mut Guest<'_>, path: u32, path_len: u32, value: u32, value_len: u32) -> Answer {
    let path = read(guest, path, path_len)?.to_vec();
    let value = read(guest, value, value_len)?.to_vec();
    let stream = guest.data_mut().stream_mut().ok_or(Status::NotFound)?;
    stream.filter_state.insert(path, value);
    Ok(())
}

fn get_configuration(guest: &mut Guest<'_>, ptr: u32, len: u32) -> Answer {
    let host = guest.data();
    let value = if host.configuring {
        &host.options.configuration
    } else {
        &host.options.vm_configuration
    }
    .clone();
    give(guest, &value, ptr, len)
}

fn clear_route_cache(_: &mut Guest<'_>) -> Answer {
    Ok(())
}

/// The period is kept; the host that owns the VM decides when to tick.
fn set_tick_period(guest: &mut Guest<'_>, period: u32) -> Answer {
    if guest.data().context() != ROOT {
        return Err(Status::BadArgument.into());
    }
    guest.data_mut().tick_period = period;
    Ok(())
}

fn get_time(guest: &mut Guest<'_>, out: u32) -> Answer {
    let now = guest.data().lasting.clock.now;
    write_u64(guest, out, now)
}

fn set_effective_context(guest: &mut Guest<'_>, id: u32) -> Answer {
    let host = guest.data_mut();
    if id != ROOT && !host.lasting.streams.contains_key(&id) {
        return Err(Status::BadArgument.into());
    }
    host.effective = id;
    Ok(())
}

/// Only a context that answered `proxy_on_done` with "not yet" may say this; none is kept waiting here.
fn done(_: &mut Guest<'_>) -> Answer {
    Err(Status::NotFound.into())
}

/// No foreign function is provided: each name is NOT_FOUND, as an unknown one is in Envoy.
fn foreign(guest: &mut Guest<'_>, name: u32, name_len: u32, args: u32, args_len: u32, _: u32, _: u32) -> Answer {
    read(guest, name, name_len)?;
    read(guest, args, args_len)?;
    Err(Status::NotFound.into())
}

fn resolve_dns(_: &mut Guest<'_>, _: u32, _: u32, _: u32) -> Answer {
    Err(Status::Unimplemented.into())
}
