//! What a response's headers say of its body, and what they must say once it may be changed.

use keepmum_codec::{Coding, Unknown};
use keepmum_engine::{BodyKind, content};

use crate::headers::Headers;

/// Headers and trailers that describe bytes which may no longer be there.
const OF_THE_BYTES: &[&[u8]] = &[b"content-md5", b"digest", b"content-digest", b"repr-digest"];

/// The same of stores, beginnings of names: their clients compare them. Requests keep theirs, which are signed.
const OF_STORES: &[&[u8]] = &[b"x-amz-checksum-", b"x-goog-hash"];

/// What a signature over headers (RFC 9421) covers when it cannot be verified any more.
const SIGNED: &[&[u8]] = &[b"digest\"", b"\"content-md5\"", b"\"content-length\"", b"\"etag\""];

/// Takes out of headers or trailers what is said of the bytes of a body that may be changed.
pub(crate) fn without_digests(list: &mut Headers, response: bool) {
    let signed = |value: &[u8]| SIGNED.iter().any(|s| value.windows(s.len()).any(|w| w == *s));
    let of_bytes = list.pairs.iter().any(|(n, v)| n == b"signature-input" && signed(v));
    let goes = |name: &[u8]| {
        OF_THE_BYTES.contains(&name)
            || (response && OF_STORES.iter().any(|s| name.starts_with(s)))
            || (of_bytes && matches!(name, b"signature" | b"signature-input"))
    };
    let names: Vec<_> = list.pairs.iter().map(|(n, _)| n.clone()).filter(|n| goes(n)).collect();
    for name in names {
        list.remove(&name);
    }
}

/// Makes true what the headers say of a body that may be changed.
pub(crate) fn headers_of_changed(list: &mut Headers, kind: BodyKind) {
    without_digests(list, list.first(b":status").is_some());
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

/// The codings that the body is written in.
pub(crate) fn codings(list: &Headers) -> Result<Vec<Coding>, Unknown> {
    keepmum_codec::codings(values(list, b"content-encoding"))
}

fn values<'l>(list: &'l Headers, name: &'static [u8]) -> impl Iterator<Item = &'l [u8]> {
    let mine = list.pairs.iter().filter(move |(n, _)| n == name);
    mine.map(|(_, v)| v.as_slice())
}

/// A body of messages.
pub(crate) struct Enveloped {
    /// How those are compressed that are.
    pub(crate) codings: Result<Vec<Coding>, Unknown>,
    /// Base64 stands around all of it.
    pub(crate) text: bool,
}

/// Whether the body is one of messages, each behind a head that has its length.
pub(crate) fn enveloped(list: &Headers) -> Option<Enveloped> {
    let essence = content::essence(list.first(b"content-type").unwrap_or_default());
    let name: &[u8] = match () {
        () if essence.starts_with(b"application/grpc") => b"grpc-encoding",
        () if essence.starts_with(b"application/connect+") => b"connect-content-encoding",
        () => return None,
    };
    Some(Enveloped {
        codings: keepmum_codec::codings(values(list, name)),
        text: essence.starts_with(b"application/grpc-web-text"),
    })
}

/// Makes true what the headers say of such a body: what was compressed can leave plain.
pub(crate) fn headers_of_messages(list: &mut Headers, enveloped: Option<&Enveloped>) {
    if enveloped.is_some_and(|e| e.codings.as_ref().is_ok_and(|c| !c.is_empty())) {
        list.remove(b"content-length");
    }
}
