//! Header and trailer maps. A map that is not live answers BAD_ARGUMENT, except that reading all pairs of
//! it gives none and OK. In `proxy_on_log` the maps can be read, not written.

use wasmtime::Linker;

use crate::exchange::Headers;
use crate::host::headers::HeaderMap;
use crate::host::linker::host_calls;
use crate::host::memory::{Guest, give, read, write_u32};
use crate::host::pairs;
use crate::host::state::Host;
use crate::host::status::{Answer, Status};
use crate::host::stream::{Body, Half};

pub(in crate::host) fn link(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    host_calls! { linker, "env";
        "proxy_get_header_map_value" => get as (kind: u32, key: u32, key_len: u32, ptr: u32, len: u32);
        "proxy_add_header_map_value" => add as (kind: u32, key: u32, key_len: u32, value: u32, value_len: u32);
        "proxy_replace_header_map_value" => replace as (kind: u32, key: u32, key_len: u32, value: u32, value_len: u32);
        "proxy_remove_header_map_value" => remove as (kind: u32, key: u32, key_len: u32);
        "proxy_get_header_map_pairs" => get_pairs as (kind: u32, ptr: u32, len: u32);
        "proxy_set_header_map_pairs" => set_pairs as (kind: u32, blob: u32, blob_len: u32);
        "proxy_get_header_map_size" => get_size as (kind: u32, out: u32);
    }
    Ok(())
}

const REQUEST_HEADERS: u32 = 0;
const REQUEST_TRAILERS: u32 = 1;
const RESPONSE_HEADERS: u32 = 2;
const RESPONSE_TRAILERS: u32 = 3;
const CALL_RESPONSE_HEADERS: u32 = 6;
const CALL_RESPONSE_TRAILERS: u32 = 7;
const LAST: u32 = 7;

/// A map for reading.
enum Readable<'a> {
    Map(&'a HeaderMap),
    Pairs(&'a Headers),
}

fn readable(host: &Host, kind: u32) -> Option<Readable<'_>> {
    match kind {
        CALL_RESPONSE_HEADERS => return host.call_response.as_ref().map(|r| Readable::Pairs(&r.0)),
        CALL_RESPONSE_TRAILERS => return host.call_response.as_ref().map(|r| Readable::Pairs(&r.2)),
        _ => {}
    }
    let stream = host.stream()?;
    let headers = |half: &'_ Half| (half.headers_live || stream.in_log) && half.headers.is_some();
    let map = match kind {
        REQUEST_HEADERS if headers(&stream.request) => &stream.request.headers,
        RESPONSE_HEADERS if headers(&stream.response) => &stream.response.headers,
        REQUEST_TRAILERS if stream.request.trailers_live && !stream.in_log => &stream.request.trailers,
        RESPONSE_TRAILERS if stream.response.trailers_live || stream.in_log => &stream.response.trailers,
        _ => return None,
    };
    map.as_ref().map(Readable::Map)
}

/// A map for writing. Asking for trailers in the last body callback makes them.
fn writable(host: &mut Host, kind: u32) -> Result<&mut HeaderMap, Status> {
    if kind > LAST {
        return Err(Status::BadArgument);
    }
    let stream = host.stream_mut().ok_or(Status::BadArgument)?;
    let at_end = stream.end_of_stream && !stream.in_log;
    let half = match kind {
        REQUEST_HEADERS | REQUEST_TRAILERS => &mut stream.request,
        RESPONSE_HEADERS | RESPONSE_TRAILERS => &mut stream.response,
        _ => return Err(Status::BadArgument),
    };
    let (map, live) = if matches!(kind, REQUEST_HEADERS | RESPONSE_HEADERS) {
        (&mut half.headers, half.headers_live)
    } else {
        if half.trailers.is_none() && half.body != Body::Absent && at_end {
            half.trailers = Some(HeaderMap::default());
            half.trailers_live = true;
        }
        (&mut half.trailers, half.trailers_live)
    };
    if stream.in_log || !live {
        return Err(Status::BadArgument);
    }
    map.as_mut().ok_or(Status::BadArgument)
}

fn get(guest: &mut Guest<'_>, kind: u32, key: u32, key_len: u32, ptr: u32, len: u32) -> Answer {
    if kind > LAST {
        return Err(Status::BadArgument.into());
    }
    let key = read(guest, key, key_len)?;
    let host = guest.data();
    let value = match readable(host, kind) {
        Some(Readable::Map(map)) => map.first(key).map(<[u8]>::to_vec),
        Some(Readable::Pairs(pairs)) => pairs
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(key))
            .map(|(_, v)| v.clone()),
        None if host.stream().is_some_and(|s| s.in_log) => None,
        None => return Err(Status::BadArgument.into()),
    };
    give(guest, &value.ok_or(Status::NotFound)?, ptr, len)
}

fn pair(guest: &Guest<'_>, key: u32, key_len: u32, value: u32, value_len: u32) -> Answer<(Vec<u8>, Vec<u8>)> {
    Ok((
        read(guest, key, key_len)?.to_vec(),
        read(guest, value, value_len)?.to_vec(),
    ))
}

fn add(guest: &mut Guest<'_>, kind: u32, key: u32, key_len: u32, value: u32, value_len: u32) -> Answer {
    let (key, value) = pair(guest, key, key_len, value, value_len)?;
    writable(guest.data_mut(), kind)?.add(&key, &value);
    Ok(())
}

fn replace(guest: &mut Guest<'_>, kind: u32, key: u32, key_len: u32, value: u32, value_len: u32) -> Answer {
    let (key, value) = pair(guest, key, key_len, value, value_len)?;
    writable(guest.data_mut(), kind)?.replace(&key, &value);
    Ok(())
}

fn remove(guest: &mut Guest<'_>, kind: u32, key: u32, key_len: u32) -> Answer {
    let key = read(guest, key, key_len)?.to_vec();
    writable(guest.data_mut(), kind)?.remove(&key);
    Ok(())
}

fn get_pairs(guest: &mut Guest<'_>, kind: u32, ptr: u32, len: u32) -> Answer {
    if kind > LAST {
        return Err(Status::BadArgument.into());
    }
    let blob = match readable(guest.data(), kind) {
        Some(Readable::Map(map)) if !map.entries().is_empty() => pairs::marshal(map.entries()),
        Some(Readable::Pairs(list)) if !list.is_empty() => pairs::marshal(list),
        _ => Vec::new(),
    };
    give(guest, &blob, ptr, len)
}

/// A blob that cannot be read is an empty list: every header goes, and the answer is OK. Strict mode minds.
fn set_pairs(guest: &mut Guest<'_>, kind: u32, blob: u32, blob_len: u32) -> Answer {
    let list = pairs::unmarshal(read(guest, blob, blob_len)?);
    let host = guest.data_mut();
    let malformed = list.is_none();
    writable(host, kind)?.set_all(&list.unwrap_or_default());
    if malformed {
        host.lasting
            .strict
            .push("proxy_set_header_map_pairs: malformed or too many pairs, every header deleted".into());
    }
    Ok(())
}

fn get_size(guest: &mut Guest<'_>, kind: u32, out: u32) -> Answer {
    let size = writable(guest.data_mut(), kind)?.byte_size();
    write_u32(guest, out, size as u32)
}
