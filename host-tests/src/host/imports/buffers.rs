//! Bodies, configurations and other buffers. Reads are clamped; writes follow Envoy's three useful shapes
//! (prepend, replace, append) and nothing else.

use wasmtime::Linker;

use crate::host::linker::host_calls;
use crate::host::memory::{Guest, give_from, read_with_host, write_u32};
use crate::host::options::Profile;
use crate::host::state::Host;
use crate::host::status::{Answer, Status};

pub(in crate::host) fn link(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    host_calls! { linker, "env";
        "proxy_get_buffer_bytes" => get as (kind: u32, start: u32, len: u32, ptr_ptr: u32, len_ptr: u32);
        "proxy_get_buffer_status" => status as (kind: u32, len_ptr: u32, flags_ptr: u32);
        "proxy_set_buffer_bytes" => set as (kind: u32, start: u32, len: u32, data: u32, data_len: u32);
    }
    Ok(())
}

const REQUEST_BODY: u32 = 0;
const RESPONSE_BODY: u32 = 1;
const DOWNSTREAM: u32 = 2;
const UPSTREAM: u32 = 3;
const CALL_RESPONSE_BODY: u32 = 4;
const GRPC_MESSAGE: u32 = 5;
const VM_CONFIGURATION: u32 = 6;
const PLUGIN_CONFIGURATION: u32 = 7;
const CALL_DATA: u32 = 8;

/// The buffer of a kind: an error when there is none, an empty one when it is not live.
fn readable(host: &Host, kind: u32) -> Result<&[u8], Status> {
    match kind {
        REQUEST_BODY => Ok(host.stream().and_then(|s| s.request.readable()).unwrap_or_default()),
        RESPONSE_BODY => Ok(host.stream().and_then(|s| s.response.readable()).unwrap_or_default()),
        DOWNSTREAM | UPSTREAM | GRPC_MESSAGE | CALL_DATA => Ok(&[]),
        CALL_RESPONSE_BODY => host
            .call_response
            .as_ref()
            .map(|r| r.1.as_slice())
            .ok_or(Status::NotFound),
        VM_CONFIGURATION => Ok(&host.options.vm_configuration),
        PLUGIN_CONFIGURATION if host.configuring => Ok(&host.options.configuration),
        PLUGIN_CONFIGURATION => Err(Status::NotFound),
        _ => Err(Status::BadArgument),
    }
}

fn get(guest: &mut Guest<'_>, kind: u32, start: u32, len: u32, ptr_ptr: u32, len_ptr: u32) -> Answer {
    let (start, len) = (start as usize, len as usize);
    let have = readable(guest.data(), kind)?.len().saturating_sub(start).min(len);
    give_from(guest, have, ptr_ptr, len_ptr, |host| {
        readable(host, kind).ok()?.get(start..)
    })
}

fn status(guest: &mut Guest<'_>, kind: u32, len_ptr: u32, flags_ptr: u32) -> Answer {
    let len = readable(guest.data(), kind)?.len();
    write_u32(guest, len_ptr, len as u32)?;
    write_u32(guest, flags_ptr, 0)
}

fn set(guest: &mut Guest<'_>, kind: u32, start: u32, len: u32, data: u32, data_len: u32) -> Answer {
    let (data, host) = read_with_host(guest, data, data_len)?;
    let profile = host.options.profile;
    let Some(stream) = host.stream_mut() else {
        return readable(host, kind).and(Err(Status::BadArgument)).map_err(Into::into);
    };
    let half = match kind {
        REQUEST_BODY => &mut stream.request,
        RESPONSE_BODY => &mut stream.response,
        _ => return readable(host, kind).and(Err(Status::BadArgument)).map_err(Into::into),
    };
    let lost = match half.writable() {
        None => return Err(Status::BadArgument.into()),
        Some(Ok(buffer)) => {
            edit(profile, buffer, start as usize, len as usize, data)?;
            false
        }
        Some(Err(_)) => true,
    };
    half.note_held();
    if lost {
        let line = format!(
            "proxy_set_buffer_bytes in {}: OK, but the bytes are lost",
            host.callback
        );
        host.lasting.strict.push(line);
    }
    Ok(())
}

/// `start` 0 replaces `len` bytes (0 prepends, too many replace all); `start` at or past the end appends.
fn edit(profile: Profile, buffer: &mut Vec<u8>, start: usize, len: usize, data: &[u8]) -> Result<(), Status> {
    if start == 0 {
        if profile == Profile::OlderEnvoy && len > 0 && len < buffer.len() {
            return Err(Status::BadArgument);
        }
        if len >= buffer.len() {
            buffer.clear();
            buffer.extend_from_slice(data);
        } else {
            buffer.splice(..len, data.iter().copied());
        }
    } else if start >= buffer.len() {
        buffer.extend_from_slice(data);
    } else {
        return Err(Status::BadArgument);
    }
    Ok(())
}
