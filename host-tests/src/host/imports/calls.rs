//! Calls to other services. HTTP calls are answered from a script; gRPC services are never known.

use wasmtime::Linker;

use crate::exchange::{End, Message};
use crate::host::headers::{HeaderMap, Kind};
use crate::host::linker::host_calls;
use crate::host::memory::{Guest, read, write_u32};
use crate::host::pairs;
use crate::host::state::{Host, PendingCall};
use crate::host::status::{Answer, Status};

pub(in crate::host) fn link(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    host_calls! { linker, "env";
        "proxy_http_call" => http_call as (cluster: u32, cluster_len: u32, headers: u32, headers_len: u32, body: u32, body_len: u32, trailers: u32, trailers_len: u32, timeout: u32, token: u32);
        "proxy_grpc_call" => grpc_call as (service: u32, service_len: u32, name: u32, name_len: u32, method: u32, method_len: u32, metadata: u32, metadata_len: u32, request: u32, request_len: u32, timeout: u32, token: u32);
        "proxy_grpc_stream" => grpc_stream as (service: u32, service_len: u32, name: u32, name_len: u32, method: u32, method_len: u32, metadata: u32, metadata_len: u32, token: u32);
        "proxy_grpc_send" => grpc_send as (token: u32, message: u32, message_len: u32, end: u32);
        "proxy_grpc_close" => grpc_end as (token: u32);
        "proxy_grpc_cancel" => grpc_end as (token: u32);
    }
    Ok(())
}

/// An unknown cluster, or a request without `:method`, `:path` and `:authority`, is BAD_ARGUMENT.
#[allow(clippy::too_many_arguments, reason = "the ABI's signature")]
fn http_call(
    guest: &mut Guest<'_>,
    cluster: u32,
    cluster_len: u32,
    headers: u32,
    headers_len: u32,
    body: u32,
    body_len: u32,
    trailers: u32,
    trailers_len: u32,
    timeout: u32,
    token_ptr: u32,
) -> Answer {
    let cluster = String::from_utf8_lossy(read(guest, cluster, cluster_len)?).into_owned();
    let headers = pairs::unmarshal(read(guest, headers, headers_len)?).unwrap_or_default();
    let body = read(guest, body, body_len)?.to_vec();
    let trailers = pairs::unmarshal(read(guest, trailers, trailers_len)?).unwrap_or_default();
    write_u32(guest, token_ptr, 0)?;
    if (timeout as i32) < 0 {
        return Err(Status::BadArgument.into());
    }
    let host = guest.data_mut();
    let map = HeaderMap::from_wire(Kind::Request, &headers);
    let whole = [&b":method"[..], b":path", b":authority"]
        .iter()
        .all(|name| map.first(name).is_some());
    let Some(replies) = host.lasting.replies.get_mut(&cluster) else {
        return Err(Status::BadArgument.into());
    };
    if !whole {
        return Err(Status::BadArgument.into());
    }
    let reply = replies.pop_front();
    host.next_call += 4;
    let token = host.next_call;
    if let Some(reply) = reply {
        host.pending.push_back(PendingCall { token, reply });
    }
    let message = Message {
        headers,
        body: if body.is_empty() { Vec::new() } else { vec![body] },
        trailers: (!trailers.is_empty()).then_some(trailers),
        end: End::Complete,
    };
    host.lasting.calls.push((cluster, message));
    write_u32(guest, token_ptr, token)
}

/// What Envoy answers for a service that is neither a message nor a known cluster.
#[allow(clippy::too_many_arguments, reason = "the ABI's signature")]
fn grpc_call(
    guest: &mut Guest<'_>,
    service: u32,
    service_len: u32,
    _: u32,
    _: u32,
    _: u32,
    _: u32,
    _: u32,
    _: u32,
    _: u32,
    _: u32,
    _: u32,
    _: u32,
) -> Answer {
    read(guest, service, service_len)?;
    Err(Status::ParseFailure.into())
}

#[allow(clippy::too_many_arguments, reason = "the ABI's signature")]
fn grpc_stream(
    guest: &mut Guest<'_>,
    service: u32,
    service_len: u32,
    _: u32,
    _: u32,
    _: u32,
    _: u32,
    _: u32,
    _: u32,
    _: u32,
) -> Answer {
    read(guest, service, service_len)?;
    Err(Status::ParseFailure.into())
}

/// gRPC call ids end in 01, stream ids in 10; anything else is not a token at all.
fn grpc_token(token: u32) -> Status {
    if matches!(token & 3, 1 | 2) {
        Status::NotFound
    } else {
        Status::BadArgument
    }
}

fn grpc_send(guest: &mut Guest<'_>, token: u32, message: u32, message_len: u32, _: u32) -> Answer {
    read(guest, message, message_len)?;
    Err(if token & 3 == 2 {
        Status::NotFound
    } else {
        Status::BadArgument
    }
    .into())
}

fn grpc_end(_: &mut Guest<'_>, token: u32) -> Answer {
    Err(grpc_token(token).into())
}
