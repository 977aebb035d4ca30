//! The replies that Envoy makes itself, header by header.

use super::headers::{HeaderMap, Kind};
use super::stream::LocalReply;
use crate::exchange::Headers;

impl LocalReply {
    pub(super) fn plain(status: u32, body: &str, details: &'static str) -> Self {
        Self {
            status,
            body: body.as_bytes().to_vec(),
            headers: Vec::new(),
            details,
            grpc_status: None,
        }
    }

    /// The message: `:status`, what the caller adds, then length and type of a body, if there is one. A gRPC
    /// client gets a trailers-only response instead.
    pub(super) fn build(&self, grpc: bool) -> (Headers, Vec<u8>) {
        let mut headers = HeaderMap::from_wire(Kind::Response, &[]);
        headers.add(b":status", self.status.to_string().as_bytes());
        for (name, value) in &self.headers {
            headers.add(name, value);
        }
        if grpc {
            headers.replace(b":status", b"200");
            headers.replace(b"content-type", b"application/grpc");
            let status = self.grpc_status.unwrap_or_else(|| grpc_status(self.status));
            headers.replace(b"grpc-status", status.to_string().as_bytes());
            if !self.body.is_empty() {
                headers.replace(b"grpc-message", &percent(&self.body));
            }
            return (headers.entries().clone(), Vec::new());
        }
        if self.body.is_empty() {
            headers.remove(b"content-length");
            headers.remove(b"content-type");
        } else {
            headers.replace(b"content-length", self.body.len().to_string().as_bytes());
            if headers.first(b"content-type").is_none() {
                headers.add(b"content-type", b"text/plain");
            }
        }
        (headers.entries().clone(), self.body.clone())
    }
}

/// The gRPC status of an HTTP one, by the table in gRPC's `http-grpc-status-mapping`.
pub(super) fn grpc_status(status: u32) -> u32 {
    match status {
        400 => 13,
        401 => 16,
        403 => 7,
        404 => 12,
        429 | 502..=504 => 14,
        _ => 2,
    }
}

fn percent(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for byte in text {
        if (b' '..=b'~').contains(byte) && *byte != b'%' {
            out.push(*byte);
        } else {
            out.extend_from_slice(format!("%{byte:02X}").as_bytes());
        }
    }
    out
}
