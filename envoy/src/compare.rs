//! What must be equal between a client of Envoy and the wasmtime host, and what cannot be.

use keepmum_host_tests::capture::leaked;
use keepmum_host_tests::exchange::{Exchange, Headers, Message, Origin};
use keepmum_host_tests::replay::{Ended, Replay};

use crate::client::Reply;

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

/// Headers of one name together, where the first of them stands: all that HTTP/2's libraries keep of their order.
#[must_use]
pub fn grouped(headers: &Headers) -> Headers {
    let mut names: Vec<&[u8]> = Vec::new();
    for (name, _) in headers {
        if !names.contains(&name.as_slice()) {
            names.push(name);
        }
    }
    let of = |name| headers.iter().filter(move |(n, _)| n == name).cloned();
    names.into_iter().flat_map(of).collect()
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

/// What differs, in words that hold no byte of a body or header value.
#[must_use]
pub fn check(exchange: &Exchange, reply: &Reply, host: &Replay) -> Vec<String> {
    let mut wrong = Vec::new();
    let seen = Message {
        headers: reply.headers.clone(),
        body: reply.rest.chunks.clone(),
        trailers: reply.rest.trailers.clone(),
        ..Message::default()
    };
    wrong.extend(
        leaked(&exchange.planted, &seen)
            .into_iter()
            .map(|name| format!("{name} reached the client")),
    );
    if reply.status != host.client.status {
        wrong.push(format!(
            "status {} from Envoy, {} from the host",
            reply.status, host.client.status
        ));
    }
    compare_headers(
        "header",
        &stable(&reply.headers),
        &stable(&host.client.message.headers),
        &mut wrong,
    );
    let trailers = |t: &Option<_>| t.as_ref().map(stable).unwrap_or_default();
    compare_headers(
        "trailer",
        &trailers(&reply.rest.trailers),
        &trailers(&host.client.message.trailers),
        &mut wrong,
    );
    // A reset may overtake bytes that were sent before it, so a cut body need only be the beginning of the other.
    let (theirs, ours) = (reply.body(), host.client.message.body_bytes());
    let cut = host.client.ended != Ended::Complete;
    if reply.rest.cut != cut {
        wrong.push(format!(
            "cut: {} by Envoy, {cut} by the host ({:?})",
            reply.rest.cut, host.client.ended
        ));
    }
    // What Envoy itself says of a refused connection was longer before 1.38: it went on with the transport's reason.
    let longer = exchange.origin == Origin::ConnectFailure && theirs.starts_with(&ours);
    if let Some(where_) = difference(&theirs, &ours).filter(|_| !(longer || cut && ours.starts_with(&theirs))) {
        wrong.push(format!("bodies of Envoy and of the host: {where_}"));
    }
    wrong
}

fn compare_headers(kind: &str, theirs: &Headers, ours: &Headers, wrong: &mut Vec<String>) {
    let names =
        |h: &Headers| -> Vec<String> { h.iter().map(|(n, _)| String::from_utf8_lossy(n).into_owned()).collect() };
    if names(theirs) != names(ours) {
        wrong.push(format!(
            "{kind}s {:?} from Envoy, {:?} from the host",
            names(theirs),
            names(ours)
        ));
        return;
    }
    for ((name, a), (_, b)) in theirs.iter().zip(ours) {
        if let Some(where_) = difference(a, b) {
            wrong.push(format!("{kind} {}: {where_}", String::from_utf8_lossy(name)));
        }
    }
}
