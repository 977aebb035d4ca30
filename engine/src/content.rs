//! What a content type says of how a body is read: the same for bodies as a whole and for parts of multipart bodies.
//!
//! Why not the crate `mime`: it refuses what it cannot parse, and a type that is written badly is read all the same.

/// The type without its parameters, in lower case: `text/html`.
pub fn essence(content_type: &[u8]) -> Vec<u8> {
    let content_type = content_type.trim_ascii_start();
    let end = content_type
        .iter()
        .position(|b| matches!(b, b';' | b' ' | b'\t' | b','));
    let essence = content_type.get(..end.unwrap_or(content_type.len()));
    essence.unwrap_or_default().to_ascii_lowercase()
}

/// JSON as a whole. Takes what [`essence`] gives, as all of these do.
pub fn is_json(essence: &[u8]) -> bool {
    essence.ends_with(b"/json") || essence.ends_with(b"+json")
}

/// `a=b&c=d`
pub fn is_form(essence: &[u8]) -> bool {
    essence == b"application/x-www-form-urlencoded"
}

/// Types whose bytes are no text in any encoding: pictures, sound, fonts, archives.
pub fn is_media(essence: &[u8]) -> bool {
    let prefix = |p: &[u8]| essence.starts_with(p);
    let exact: &[&[u8]] = &[
        b"application/zip",
        b"application/gzip",
        b"application/x-gzip",
        b"application/pdf",
        b"application/wasm",
        b"application/x-7z-compressed",
        b"application/x-bzip2",
        b"application/zstd",
    ];
    (prefix(b"image/") && essence != b"image/svg+xml")
        || prefix(b"video/")
        || prefix(b"audio/")
        || prefix(b"font/")
        || exact.contains(&essence)
}

/// The boundary of a multipart body (RFC 2046 section 5.1.1). `None`: it is none, or has no boundary that can be used; one
/// that is named twice means something else to each reader.
pub(crate) fn boundary(content_type: &[u8]) -> Option<Vec<u8>> {
    if !essence(content_type).starts_with(b"multipart/") {
        return None;
    }
    let mut named = params(content_type).into_iter().filter(|(name, _)| name == b"boundary");
    let (_, boundary) = named.next()?;
    let fits = (1..=70).contains(&boundary.len())
        && boundary.iter().all(|b| matches!(b, b' '..=b'~'))
        && !boundary.ends_with(b" ");
    (fits && named.next().is_none()).then_some(boundary)
}

/// Parameters behind the first `;`: names in lower case, values with their quotes undone.
pub(crate) fn params(value: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut all = Vec::new();
    let mut rest = value.iter().copied().skip_while(|b| *b != b';').skip(1).peekable();
    while rest.peek().is_some() {
        let (mut name, mut text) = (Vec::new(), Vec::new());
        while let Some(b) = rest.next_if(|b| !matches!(b, b';' | b'=')) {
            name.push(b.to_ascii_lowercase());
        }
        if rest.next() == Some(b'=') {
            while rest.next_if(u8::is_ascii_whitespace).is_some() {}
            if rest.next_if_eq(&b'"').is_some() {
                while let Some(b) = rest.next_if(|b| *b != b'"') {
                    text.extend(if b == b'\\' { rest.next() } else { Some(b) });
                }
                while rest.next().is_some_and(|b| b != b';') {}
            } else {
                while let Some(b) = rest.next().filter(|b| *b != b';') {
                    text.push(b);
                }
                text.truncate(text.trim_ascii_end().len());
            }
        }
        all.push((name.trim_ascii().to_vec(), text));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::{boundary, essence, params};

    #[test]
    fn boundaries_are_read_as_servers_read_them() {
        let long = "b".repeat(70);
        for (content_type, expected) in [
            ("multipart/form-data; boundary=abc", Some("abc")),
            (
                "Multipart/Mixed;charset=utf-8 ; BOUNDARY=\"a b;\\\"c\" ; x=y",
                Some("a b;\"c"),
            ),
            ("multipart/form-data; boundary = abc ", Some("abc")),
            (&format!("multipart/form-data; boundary={long}"), Some(long.as_str())),
            (&format!("multipart/form-data; boundary={long}b"), None),
            ("multipart/form-data; boundary=", None),
            ("multipart/form-data; boundary=\"\"", None),
            ("multipart/form-data; boundary=\"a \"", None),
            ("multipart/form-data; boundary=a\u{e9}", None),
            ("multipart/form-data; boundary=a; boundary=b", None),
            ("multipart/form-data; x=\"; boundary=a\"", None),
            ("multipart/form-data", None),
            ("text/plain; boundary=a", None),
        ] {
            let got = boundary(content_type.as_bytes());
            assert_eq!(got.as_deref(), expected.map(str::as_bytes), "{content_type}");
        }
    }

    #[test]
    fn types_and_parameters_come_apart() {
        assert_eq!(essence(b" Text/HTML ; charset=x"), b"text/html");
        let got = params(br#"form-data; name="a\"b"; filename=c.txt;; flag ;x"#);
        let text =
            |(n, v): &(Vec<u8>, Vec<u8>)| format!("{}={}", String::from_utf8_lossy(n), String::from_utf8_lossy(v));
        let got: Vec<String> = got.iter().map(text).collect();
        assert_eq!(got, [r#"name=a"b"#, "filename=c.txt", "=", "flag=", "x="]);
    }
}
