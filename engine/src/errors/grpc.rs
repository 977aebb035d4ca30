//! How gRPC tells an error: by a status of its own in headers or trailers, whatever the HTTP status says.

/// The HTTP status that stands for a `grpc-status`, as google.rpc.Code and gRPC's transcoding have it; `None`: no error.
pub fn status_of(value: &[u8]) -> Option<u16> {
    let code: u8 = std::str::from_utf8(value).ok()?.trim().parse().ok()?;
    Some(match code {
        0 => return None,
        1 => 499,
        3 | 9 | 11 => 400,
        4 => 504,
        5 => 404,
        6 | 10 => 409,
        7 => 403,
        8 => 429,
        12 => 501,
        14 => 503,
        16 => 401,
        _ => 500,
    })
}

/// Text as `grpc-message` has it: visible ASCII but `%`, and everything else percent-encoded.
pub fn percent_encoded(text: &str) -> String {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = String::with_capacity(text.len());
    for b in text.bytes() {
        match b {
            b' '..=b'~' if b != b'%' => out.push(char::from(b)),
            _ => {
                out.push('%');
                for digit in [b >> 4, b & 15] {
                    out.push(HEX.get(usize::from(digit)).map_or('0', |d| char::from(*d)));
                }
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{percent_encoded, status_of};

    #[test]
    fn statuses_and_messages() {
        for (value, status) in [
            ("0", None),
            ("13", Some(500)),
            ("14", Some(503)),
            ("99", Some(500)),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(status_of(value.as_bytes()), status, "{value}");
        }
        assert_eq!(percent_encoded("50 % ü\n"), "50 %25 %C3%BC%0A");
    }
}
