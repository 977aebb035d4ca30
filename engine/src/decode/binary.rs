//! Headers whose names end in `-bin`: gRPC writes their bytes in base64, with padding or without, several joined by commas.
//!
//! Apart from base64 inside a text, which has to hold text from its first byte on: here a protobuf message is expected.

use super::base64;

/// The bytes of a value; `None`: it is no base64.
pub(crate) fn read(value: &[u8]) -> Option<Vec<u8>> {
    let end = value.iter().rposition(|b| *b != b'=').map_or(0, |n| n + 1);
    let (text, padding) = value.split_at(end);
    let padded = padding.is_empty() || (padding.len() < 3 && value.len().is_multiple_of(4));
    if !padded || text.len() % 4 == 1 {
        return None;
    }
    let mut out = Vec::with_capacity(text.len() / 4 * 3 + 3);
    for group in text.chunks(4) {
        let mut values = [0; 4];
        for (slot, b) in values.iter_mut().zip(group) {
            *slot = base64::value(*b).filter(|_| !matches!(b, b'-' | b'_'))?;
        }
        out.extend(base64::bytes(values).into_iter().take(group.len() - 1));
    }
    Some(out)
}

/// The same bytes with others in their place, padded as they were.
pub(crate) fn write(bytes: &[u8], like: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(like.len());
    for group in bytes.chunks(3) {
        let mut three = [0; 3];
        for (slot, b) in three.iter_mut().zip(group) {
            *slot = *b;
        }
        let symbols = base64::values(three).into_iter().map(base64::character);
        out.extend(symbols.take(group.len() + 1));
    }
    if like.ends_with(b"=") {
        out.resize(out.len().next_multiple_of(4), b'=');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{read, write};

    #[test]
    fn bytes_come_out_and_go_back() {
        for (value, bytes) in [
            ("", &b""[..]),
            ("CAU", &[8, 5]),
            ("CAU=", &[8, 5]),
            ("CA==", &[8]),
            ("CA", &[8]),
            ("CAUS", &[8, 5, 18]),
        ] {
            assert_eq!(read(value.as_bytes()).as_deref(), Some(bytes), "{value}");
            assert_eq!(write(bytes, value.as_bytes()), value.as_bytes());
        }
        for none in ["CA=", "C", "CAU==", "C A=", "CA-_", "====", "CAUSC"] {
            assert_eq!(read(none.as_bytes()), None, "{none}");
        }
    }
}
