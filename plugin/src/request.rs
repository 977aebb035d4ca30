//! What is known of a request when its response comes: the proxy no longer tells then.
//!
//! What may appear in a log line or a reply is cleaned here, once: a client can put anything into these headers, even a
//! secret. The path is left out on purpose: it can hold tokens that no detector knows.

use keepmum_engine::{Engine, Exchange, RequestFacts, Workspace};

use crate::headers::Headers;
use crate::host;

/// The facts of one request.
#[derive(Default)]
pub(crate) struct Request {
    /// HEAD: the response has no body, whatever its headers say.
    pub(crate) head: bool,
    /// CONNECT: what follows a 2xx is no HTTP.
    pub(crate) connect: bool,
    pub(crate) method: String,
    pub(crate) host: String,
    pub(crate) id: String,
    /// The id of its trace: of `traceparent` (W3C) or `x-b3-traceid`.
    pub(crate) trace: String,
}

/// Longer texts are left out rather than cut.
const LONGEST: usize = 128;

impl Request {
    pub(crate) fn read(list: &Headers, engine: &Engine, work: &mut Workspace) -> Request {
        let method = list.first(b":method").unwrap_or_default();
        let mut clean = |name: &[u8]| clean_text(engine, work, list.first(name).unwrap_or_default());
        let (host, id) = (clean(b":authority"), clean(b"x-request-id"));
        // What stands before an `@` there is somebody's name and password.
        let host = if host.contains('@') { String::new() } else { host };
        Request {
            head: method == b"HEAD",
            connect: method == b"CONNECT",
            method: clean(b":method"),
            host,
            id,
            trace: clean_text(engine, work, trace(list)),
        }
    }
}

/// Thirty-two or sixteen hexadecimal digits, which is no form of a secret that anybody could tell from a trace's id.
fn trace(list: &Headers) -> &[u8] {
    let parent = list.first(b"traceparent").and_then(|v| v.split(|b| *b == b'-').nth(1));
    let id = parent.or_else(|| list.first(b"x-b3-traceid")).unwrap_or_default();
    let digits = id.iter().all(u8::is_ascii_hexdigit) && matches!(id.len(), 16 | 32);
    if digits { id } else { b"" }
}

/// The text, if it is plain, short, and holds nothing that would be redacted in a response. Plain is what means nothing in
/// JSON, in HTML, in a log line or in a header, so that the ids of all tracing systems are.
pub(crate) fn clean_text(engine: &Engine, work: &mut Workspace, text: &[u8]) -> String {
    let plain = |b: &u8| b.is_ascii_graphic() && !matches!(b, b'"' | b'\'' | b'`' | b'\\' | b'<' | b'>' | b'&');
    let mut apart = Exchange::default();
    if text.len() > LONGEST || !text.iter().all(plain) {
        return String::new();
    }
    if apart.value(engine, work, text).is_some() || apart.counts().next().is_some() {
        return String::new();
    }
    String::from_utf8_lossy(text).into_owned()
}

/// What routes are told apart by.
pub(crate) fn facts(list: &Headers) -> RequestFacts<'_> {
    RequestFacts {
        host: list.first(b":authority").unwrap_or_default(),
        path: list.first(b":path").unwrap_or_default(),
        method: list.first(b":method").unwrap_or_default(),
        headers: &list.pairs,
        metadata: &|namespace, key| host::property(&["xds", "route_metadata", "filter_metadata", namespace, key]).ok(),
    }
}
