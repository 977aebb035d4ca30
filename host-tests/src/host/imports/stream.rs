//! Continue, close, local response. None acts at once: Envoy waits until the callback has returned.

use wasmtime::Linker;

use crate::host::linker::host_calls;
use crate::host::memory::{Guest, read};
use crate::host::pairs;
use crate::host::state::{Abi, Deferred, Host};
use crate::host::status::{Answer, Status};
use crate::host::stream::{Body, Direction, LocalReply};

pub(in crate::host) fn link(linker: &mut Linker<Host>, abi: Abi) -> wasmtime::Result<()> {
    host_calls! { linker, "env";
        "proxy_send_local_response" => send_local_response as
            (status: u32, details: u32, details_len: u32, body: u32, body_len: u32, headers: u32, headers_len: u32, grpc: u32);
    }
    if abi == Abi::V010 {
        host_calls! { linker, "env";
            "proxy_continue_request" => continue_request as ();
            "proxy_continue_response" => continue_response as ();
        }
    } else {
        host_calls! { linker, "env";
            "proxy_continue_stream" => continue_stream as (kind: u32);
            "proxy_close_stream" => close_stream as (kind: u32);
        }
    }
    Ok(())
}

fn continue_request(guest: &mut Guest<'_>) -> Answer {
    continue_stream(guest, 0)
}

fn continue_response(guest: &mut Guest<'_>) -> Answer {
    continue_stream(guest, 1)
}

/// Types: 0 request, 1 response, 2 downstream, 3 upstream.
fn continue_stream(guest: &mut Guest<'_>, kind: u32) -> Answer {
    let direction = match kind {
        0 => Direction::Request,
        1 => Direction::Response,
        2 => return Ok(()),
        3 => return Err(Status::Unimplemented.into()),
        _ => return Err(Status::BadArgument.into()),
    };
    let host = guest.data_mut();
    let id = host.context();
    if let Some(stream) = host.stream_mut() {
        // Envoy forgets the request's maps and buffer here, whichever half is continued.
        stream.request.headers_live = false;
        stream.request.trailers_live = false;
        stream.request.body = Body::Absent;
        host.deferred.push(Deferred::Continue(id, direction));
    }
    Ok(())
}

fn close_stream(guest: &mut Guest<'_>, kind: u32) -> Answer {
    if kind > 3 {
        return Err(Status::BadArgument.into());
    }
    let host = guest.data_mut();
    let id = host.context();
    if kind < 2 && host.stream().is_some() {
        host.deferred.push(Deferred::Close(id));
    }
    Ok(())
}

#[allow(clippy::too_many_arguments, reason = "the ABI's signature")]
fn send_local_response(
    guest: &mut Guest<'_>,
    status: u32,
    details: u32,
    details_len: u32,
    body: u32,
    body_len: u32,
    headers: u32,
    headers_len: u32,
    grpc: u32,
) -> Answer {
    read(guest, details, details_len)?;
    let body = read(guest, body, body_len)?.to_vec();
    let headers = pairs::unmarshal(read(guest, headers, headers_len)?).unwrap_or_default();
    let host = guest.data_mut();
    let id = host.context();
    if host.stream().is_some() {
        let grpc_status = (grpc <= 16).then_some(grpc);
        let reply = LocalReply {
            status,
            body,
            headers,
            details: "wasm_local_response",
            grpc_status,
        };
        host.deferred.push(Deferred::Reply(id, reply));
    }
    host.stop_next = true;
    Ok(())
}
