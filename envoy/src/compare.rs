//! What must be equal between a client of Envoy and the wasmtime host, and what cannot be.

use keepmum_host_tests::exchange::Headers;

/// Headers that Envoy's codec or router sets anew on every response, which a host without a network cannot know.
///
/// - `date`, `server`: set by the connection manager after the filters have run.
/// - `x-envoy-upstream-service-time`: a measured time.
/// - `x-request-id`: present on a response only when a filter or a local reply puts it there; random if the client sent none.
/// - `connection`, `transfer-encoding`: the framing of this hop.
pub const VOLATILE: [&str; 6] = [
    "date",
    "server",
    "x-envoy-upstream-service-time",
    "x-request-id",
    "connection",
    "transfer-encoding",
];

/// Headers without pseudo-headers and without [`VOLATILE`] ones; names in lower case, order kept.
#[must_use]
pub fn stable(headers: &Headers) -> Headers {
    let lower = headers.iter().map(|(n, v)| (n.to_ascii_lowercase(), v.clone()));
    lower
        .filter(|(n, _)| !n.starts_with(b":") && !VOLATILE.iter().any(|v| v.as_bytes() == n.as_slice()))
        .collect()
}

/// Where two byte strings part: the offset and both sides' lengths, or `None` when they are equal. Never the bytes, because
/// they may hold a secret.
#[must_use]
pub fn difference(a: &[u8], b: &[u8]) -> Option<String> {
    if a == b {
        return None;
    }
    let at = a
        .iter()
        .zip(b)
        .position(|(x, y)| x != y)
        .unwrap_or(a.len().min(b.len()));
    Some(format!("they part at byte {at}; {} bytes against {}", a.len(), b.len()))
}
