//! `proxy_get_property`: which names exist, and when.
//!
//! Names are paths whose parts are separated by NUL. Header-derived `request.*` names exist only while the
//! request's headers are live (or in `proxy_on_log`), and the old `route_name`, `cluster_name`, `node` and
//! `listener_direction` do not exist: `xds.*` does.

use super::headers::HeaderMap;
use super::state::Host;
use super::stream::{Half, Stream};

/// The value of a property, if it exists now. Numbers are eight bytes, little-endian.
pub(super) fn get(host: &Host, path: &[u8]) -> Option<Vec<u8>> {
    let path = path.strip_suffix(b"\0").unwrap_or(path);
    let dotted = String::from_utf8_lossy(path).replace('\0', ".");
    if let Some(value) = host.options.properties.get(&dotted) {
        return Some(value.clone());
    }
    let text = |s: &str| Some(s.as_bytes().to_vec());
    match dotted.as_str() {
        "plugin_name" => return text(&host.options.plugin_name),
        "plugin_root_id" => return text(&host.options.root_id),
        "plugin_vm_id" => return text(&host.options.vm_id),
        _ => {}
    }
    let stream = host.stream()?;
    if let Some(value) = stream.filter_state.get(path) {
        return Some(value.clone());
    }
    if let Some(name) = dotted.strip_prefix("request.") {
        return request(host, stream, name);
    }
    if let Some(name) = dotted.strip_prefix("response.") {
        return response(stream, name);
    }
    match dotted.as_str() {
        "xds.route_name" => text(""),
        "xds.virtual_host_name" => text("application"),
        "xds.cluster_name" => text("application"),
        "source.address" => text("127.0.0.1:40000"),
        "source.port" => number(40_000),
        "destination.address" => text("127.0.0.1:10000"),
        "destination.port" => number(10_000),
        "upstream.address" if stream.response.headers.is_some() && !stream.local_reply => text("127.0.0.1:8080"),
        "upstream.port" if stream.response.headers.is_some() && !stream.local_reply => number(8080),
        "connection.id" | "connection_id" => number(1),
        "connection.mtls" => Some(vec![0]),
        _ => None,
    }
}

fn number(value: u64) -> Option<Vec<u8>> {
    Some(value.to_le_bytes().to_vec())
}

fn live<'a>(stream: &Stream, half: &'a Half) -> Option<&'a HeaderMap> {
    (half.headers_live || stream.in_log)
        .then_some(half.headers.as_ref())
        .flatten()
}

fn request(host: &Host, stream: &Stream, name: &str) -> Option<Vec<u8>> {
    match name {
        "protocol" => {
            return Some(if host.options.http2 {
                b"HTTP/2".to_vec()
            } else {
                b"HTTP/1.1".to_vec()
            });
        }
        "time" => return number(stream.started_at),
        "size" => return number(stream.request_bytes),
        "duration" => {
            return stream
                .in_log
                .then(|| number(host.lasting.clock.now - stream.started_at))?;
        }
        _ => {}
    }
    let headers = live(stream, &stream.request)?;
    let first = |name: &str| headers.first(name.as_bytes()).map(<[u8]>::to_vec);
    match name {
        "path" => first(":path"),
        "url_path" => first(":path").map(|p| p.split(|b| *b == b'?').next().unwrap_or_default().to_vec()),
        "query" => first(":path").map(|p| {
            p.iter()
                .position(|b| *b == b'?')
                .map(|at| p[at + 1..].to_vec())
                .unwrap_or_default()
        }),
        "host" => first(":authority"),
        "scheme" => first(":scheme"),
        "method" => first(":method"),
        "id" => first("x-request-id"),
        "referer" => first("referer"),
        "useragent" => first("user-agent"),
        "headers" => Some(super::pairs::marshal(headers.entries())),
        _ => first(name.strip_prefix("headers.")?),
    }
}

fn response(stream: &Stream, name: &str) -> Option<Vec<u8>> {
    let map = stream.response.headers.as_ref();
    match name {
        "code" => {
            let status = std::str::from_utf8(map?.first(b":status")?).ok()?;
            return number(status.parse().ok()?);
        }
        "code_details" => return (!stream.code_details.is_empty()).then(|| stream.code_details.as_bytes().to_vec()),
        "flags" => return number(0),
        "size" => return number(stream.response_bytes),
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
