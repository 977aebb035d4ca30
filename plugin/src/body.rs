//! What a response's headers say of its body, and what they must say once it may be changed.

use keepmum_codec::{Coding, Unknown};
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

/// Makes true what they say of a body that is decoded on its way.
pub(crate) fn headers_of_decoded(list: &mut Headers) {
    list.remove(b"content-encoding");
    list.remove(b"content-length");
}

/// Makes true what they say of a body that is left out.
pub(crate) fn headers_of_dropped(list: &mut Headers) {
    headers_of_decoded(list);
    headers_of_changed(list, BodyKind::default());
    list.remove(b"etag");
}

/// The body's length, as far as it is told.
pub(crate) fn length(list: &Headers) -> Option<u64> {
    let value = list.first(b"content-length")?;
    std::str::from_utf8(value).ok()?.parse().ok()
}

/// The codings that the body is written in. A gRPC message has its own, which is not undone.
pub(crate) fn codings(list: &Headers) -> Result<Vec<Coding>, Unknown> {
    let values = |name: &'static [u8]| {
        list.pairs
            .iter()
            .filter(move |(n, _)| n == name)
            .map(|(_, v)| v.as_slice())
    };
    let codings = keepmum_codec::codings(values(b"content-encoding"))?;
    let grpc = list
        .first(b"content-type")
        .is_some_and(|t| t.to_ascii_lowercase().starts_with(b"application/grpc"));
    let of_messages = || keepmum_codec::codings(values(b"grpc-encoding"));
    if grpc && !(codings.is_empty() && of_messages().is_ok_and(|c| c.is_empty())) {
        return Err(Unknown);
    }
    Ok(codings)
}
