//! `proxy_get_property`: which names exist, and when (measured name by name on Envoy 1.40).
//!
//! Names are paths whose parts are separated by NUL. Header-derived `request.*` names exist only while the
//! request's headers are live (or in `proxy_on_log`), and the old `route_name`, `cluster_name`, `node` and
//! `listener_direction` do not exist: `xds.*` does. Values are those of the bootstrap in `envoy/`; the
//! options can override each.

use super::headers::HeaderMap;
use super::pairs;
use super::reply::grpc_status;
use super::state::Host;
use super::status::Status;
use super::stream::{Half, Stream};

/// The value of a property, if it exists now. Numbers are eight bytes, little-endian.
pub(super) fn get(host: &Host, path: &[u8]) -> Result<Vec<u8>, Status> {
    let path = path.strip_suffix(b"\0").unwrap_or(path);
    let dotted = String::from_utf8_lossy(path).replace('\0', ".");
    if let Some(value) = host.options.properties.get(&dotted) {
        return Ok(value.clone());
    }
    if let Some(value) = host.stream().and_then(|stream| stream.filter_state.get(path)) {
        return Ok(value.clone());
    }
    if matches!(
        dotted.as_str(),
        "request" | "response" | "source" | "destination" | "connection" | "upstream" | "filter_state"
    ) {
        return if host.stream().is_some() {
            Err(Status::SerializationFailure)
        } else {
            Err(Status::NotFound)
        };
    }
    value(host, &dotted).ok_or(Status::NotFound)
}

fn value(host: &Host, name: &str) -> Option<Vec<u8>> {
    match name {
        "plugin_name" => return text(&host.options.plugin_name),
        "plugin_root_id" => return text(&host.options.root_id),
        "plugin_vm_id" => return text(&host.options.vm_id),
        // A `Node` message with its first two fields.
        "xds.node" => return text("\n\x0ekeepmum-edge-1\x12\x0ckeepmum-edge"),
        "xds.listener_direction" => return number(0),
        _ => {}
    }
    let stream = host.stream()?;
    if let Some(name) = name.strip_prefix("request.") {
        return request(host, stream, name);
    }
    if let Some(name) = name.strip_prefix("response.") {
        return response(stream, name);
    }
    let upstream = (stream.response.headers.is_some() && !stream.local_reply).then_some(());
    match name {
        "xds.route_name" | "connection.requested_server_name" | "metadata" => text(""),
        "xds.virtual_host_name" | "xds.cluster_name" => text("application"),
        "source.address" => text("127.0.0.1:40000"),
        "source.port" => number(40_000),
        "destination.address" => text("127.0.0.1:8080"),
        "destination.port" => number(8080),
        "upstream.address" => upstream.and_then(|()| text("127.0.0.1:8000")),
        "upstream.port" => upstream.and_then(|()| number(8000)),
        "upstream.transport_failure_reason" => upstream.and_then(|()| text("")),
        "connection.id" | "connection_id" => number(1),
        "connection.mtls" => Some(vec![0]),
        _ => None,
    }
}

fn text(value: &str) -> Option<Vec<u8>> {
    Some(value.as_bytes().to_vec())
}

fn number(value: u64) -> Option<Vec<u8>> {
    Some(value.to_le_bytes().to_vec())
}

fn live<'a>(stream: &Stream, half: &'a Half) -> Option<&'a HeaderMap> {
    (half.headers_live || stream.in_log)
        .then_some(half.headers.as_ref())
        .flatten()
}

fn header_bytes(half: &Half) -> u64 {
    half.headers.as_ref().map_or(0, HeaderMap::byte_size) as u64
}

fn request(host: &Host, stream: &Stream, name: &str) -> Option<Vec<u8>> {
    match name {
        "protocol" => return text(if host.options.http2 { "HTTP/2" } else { "HTTP/1.1" }),
        "time" => return number(stream.started_at),
        "size" => return number(stream.request_bytes),
        "total_size" => return number(stream.request_bytes + header_bytes(&stream.request)),
        "duration" => {
            return stream
                .in_log
                .then(|| number(host.lasting.clock.now - stream.started_at))?;
        }
        _ => {}
    }
    let headers = live(stream, &stream.request);
    if name == "headers" {
        return Some(pairs::marshal(headers.map_or(&[], |map| map.entries())));
    }
    let headers = headers?;
    let first = |name: &str| headers.first(name.as_bytes()).map(<[u8]>::to_vec);
    let path = |after: bool| {
        let path = first(":path")?;
        let at = path.iter().position(|byte| *byte == b'?').unwrap_or(path.len());
        Some(
            if after {
                path.get(at + 1..).unwrap_or_default()
            } else {
                &path[..at]
            }
            .to_vec(),
        )
    };
    match name {
        "path" => first(":path"),
        "url_path" => path(false),
        "query" => path(true),
        "host" => first(":authority"),
        "scheme" => first(":scheme"),
        "method" => first(":method"),
        "id" => first("x-request-id"),
        "referer" => first("referer"),
        "useragent" => first("user-agent"),
        _ => first(name.strip_prefix("headers.")?),
    }
}

fn response(stream: &Stream, name: &str) -> Option<Vec<u8>> {
    let status = || -> Option<u32> {
        let value = stream.response.headers.as_ref()?.first(b":status")?;
        std::str::from_utf8(value).ok()?.parse().ok()
    };
    match name {
        "code" => return number(u64::from(status()?)),
        "grpc_status" => return number(u64::from(grpc_status(status()?))),
        "code_details" if !stream.code_details.is_empty() => return text(stream.code_details),
        "code_details" => return status().and_then(|_| text("via_upstream")),
        "flags" => return number(0),
        "size" => return number(stream.response_bytes),
        "total_size" => return number(stream.response_bytes + header_bytes(&stream.response)),
        "backend_latency" => return status().and_then(|_| number(0)),
        _ => {}
    }
    if let Some(name) = name.strip_prefix("headers.") {
        return live(stream, &stream.response)?
            .first(name.as_bytes())
            .map(<[u8]>::to_vec);
    }
    let trailers = (stream.response.trailers_live || stream.in_log).then_some(stream.response.trailers.as_ref())??;
    trailers
        .first(name.strip_prefix("trailers.")?.as_bytes())
        .map(<[u8]>::to_vec)
}
