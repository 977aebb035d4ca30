//! What a response's headers say of its body, and what they must say once it may be changed.

use keepmum_engine::BodyKind;

use crate::headers::Headers;

/// Headers that describe bytes which may no longer be there.
const OF_THE_BYTES: &[&[u8]] = &[b"content-md5", b"digest", b"content-digest", b"repr-digest"];

/// Makes true what the headers say of a body that may be changed.
pub(crate) fn headers_of_changed(list: &mut Headers, kind: BodyKind) {
    for name in OF_THE_BYTES {
        list.remove(name);
    }
    if !kind.keep_length {
        list.remove(b"content-length");
        list.replace(b"accept-ranges", b"none");
    }
    if let Some(etag) = list.first(b"etag").filter(|e| !e.starts_with(b"W/")) {
        let weak = [b"W/", etag].concat();
        list.replace(b"etag", &weak);
    }
}

/// The body, or each gRPC message in it, is written in some coding. Which of them can be read does not matter: none is, and
/// what has no name here yet would be taken for text.
pub(crate) fn is_encoded(list: &Headers) -> bool {
    let grpc = list
        .first(b"content-type")
        .is_some_and(|t| t.to_ascii_lowercase().starts_with(b"application/grpc"));
    let says = |name: &[u8]| name == b"content-encoding" || (grpc && name == b"grpc-encoding");
    let coded = |coding: &[u8]| !coding.is_empty() && !coding.eq_ignore_ascii_case(b"identity");
    list.pairs
        .iter()
        .any(|(name, value)| says(name) && value.split(|b| *b == b',').any(|c| coded(c.trim_ascii())))
}
