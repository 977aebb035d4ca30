//! The body that stands in place of an error's own: RFC 9457, with the status and the request id, and nothing else.

use keepmum_engine::ErrorBody;

/// Headers that tell a client how to go on, and cannot describe the body that is gone.
const KEPT: &[&[u8]] = &[b"retry-after", b"allow", b"vary", b"www-authenticate", b"x-request-id"];

/// Whether an error response keeps this header when its body is replaced.
pub(crate) fn keeps(name: &[u8]) -> bool {
    KEPT.contains(&name) || name.starts_with(b"access-control-")
}

/// The body.
pub(crate) fn body(kind: ErrorBody, status: u16, request_id: &str) -> (&'static str, Vec<u8>) {
    match kind {
        ErrorBody::ProblemJson => {
            let mut text = serde_json::json!({"type": "about:blank", "title": title(status), "status": status});
            if let (Some(map), false) = (text.as_object_mut(), request_id.is_empty()) {
                map.insert("request_id".to_owned(), request_id.into());
            }
            ("application/problem+json", text.to_string().into_bytes())
        }
    }
}

/// The reason phrase of RFC 9110, or one for the class.
fn title(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        409 => "Conflict",
        410 => "Gone",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Content",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        other if other < 500 => "Client Error",
        _ => "Server Error",
    }
}
