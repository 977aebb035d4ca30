//! What the soak asks for: responses of every shape, most of them with a planted secret, as bytes of HTTP/1.1.

use std::collections::BTreeMap;
use std::io::Write;

use anyhow::Result;
use flate2::{Compression, write::GzEncoder};

use crate::bodies::{self, Seeded};

/// A response by its path.
pub struct Page {
    /// As it is written to the proxy.
    pub bytes: Vec<u8>,
    /// The status that a client gets.
    pub status: u16,
}

/// What must not reach a client.
pub struct Planted {
    /// A provider's key.
    pub key: String,
    /// The password of a connection URL.
    pub password: String,
}

impl Planted {
    /// Made at run time, the same in every run.
    pub fn new() -> Self {
        let mut seeded = Seeded::new(11);
        Self {
            key: format!("sk{}{}", "_live_", seeded.run(&bodies::BASE64[..62], 24)),
            password: format!("fake-pw-{}", seeded.run(bodies::HEX, 20)),
        }
    }

    /// Whether one of them stands there.
    pub fn is_in(&self, bytes: &[u8]) -> bool {
        let has = |text: &str| bytes.windows(text.len()).any(|w| w == text.as_bytes());
        has(&self.key) || has(&self.password)
    }
}

fn head(status: &str, headers: &[(&str, &str)]) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {status}\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    head.into_bytes()
}

fn sized(status: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let length = body.len().to_string();
    let headers = [headers, &[("content-length", length.as_str())]].concat();
    [head(status, &headers), body.to_vec()].concat()
}

fn chunked(headers: &[(&str, &str)], pieces: &[&[u8]], trailers: &[(&str, &str)]) -> Vec<u8> {
    let mut out = head("200 OK", &[headers, &[("transfer-encoding", "chunked")]].concat());
    for piece in pieces {
        out.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
        out.extend_from_slice(piece);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"0\r\n");
    for (name, value) in trailers {
        out.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    out.extend_from_slice(b"\r\n");
    out
}

/// All of them.
pub fn all(planted: &Planted) -> Result<BTreeMap<&'static str, Page>> {
    let (key, password) = (&planted.key, &planted.password);
    let url = format!("postgres://app:{password}@db.internal:5432/shop");
    let json = format!("{{\"name\":\"a\",\"key\":\"{key}\",\"url\":\"{url}\"}}");
    let mut long = bodies::json_list(64 * 1024);
    long.extend_from_slice(json.as_bytes());
    let mut zip = GzEncoder::new(Vec::new(), Compression::fast());
    zip.write_all(&long)?;
    let zipped = zip.finish()?;
    let cut = key.len() / 2;
    let (front, back) = (format!("{{\"key\":\"{}", &key[..cut]), format!("{}\"}}", &key[cut..]));
    let delta = |text: &str| {
        format!(
            "data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}},\"finish_reason\":null}}]}}\n\n"
        )
    };
    let events = [
        delta("so: "),
        delta(&key[..cut]),
        delta(&key[cut..]),
        delta(", ok."),
        "data: [DONE]\n\n".to_owned(),
    ];
    let events: Vec<&[u8]> = events.iter().map(String::as_bytes).collect();
    let multipart = format!(
        "--b\r\ncontent-type: text/plain\r\n\r\n{url}\r\n--b\r\ncontent-type: image/png\r\n\r\nPNG\r\n--b--\r\n"
    );
    let trace =
        format!("Traceback (most recent call last):\n  File \"/srv/app.py\", line 3\nOperationalError: {url}\n");
    let html = [bodies::html_page(16 * 1024), format!("<p>{url}</p>").into_bytes()].concat();
    let j = ("content-type", "application/json");
    let ok = |bytes| Page { bytes, status: 200 };
    Ok(BTreeMap::from([
        ("/small", ok(sized("200 OK", &[j], &bodies::json_objects(1, 1024)))),
        ("/large", ok(sized("200 OK", &[j], &bodies::json_list(256 * 1024)))),
        ("/leak", ok(sized("200 OK", &[j], json.as_bytes()))),
        ("/split", ok(chunked(&[j], &[front.as_bytes(), back.as_bytes()], &[]))),
        (
            "/trailers",
            ok(chunked(
                &[j, ("trailer", "x-url")],
                &[json.as_bytes()],
                &[("x-url", &url)],
            )),
        ),
        (
            "/gzip",
            ok(sized("200 OK", &[j, ("content-encoding", "gzip")], &zipped)),
        ),
        (
            "/truncated",
            ok(sized(
                "200 OK",
                &[j, ("content-encoding", "gzip")],
                &zipped[..zipped.len() / 2],
            )),
        ),
        (
            "/events",
            ok(chunked(&[("content-type", "text/event-stream")], &events, &[])),
        ),
        (
            "/multipart",
            ok(sized(
                "200 OK",
                &[("content-type", "multipart/mixed; boundary=b")],
                multipart.as_bytes(),
            )),
        ),
        ("/html", ok(sized("200 OK", &[("content-type", "text/html")], &html))),
        ("/header", ok(sized("200 OK", &[("x-debug-url", &url)], b"ok"))),
        (
            "/redirect",
            Page {
                bytes: sized("302 Found", &[("location", &format!("/next?token={key}"))], b""),
                status: 302,
            },
        ),
        (
            "/error",
            Page {
                bytes: sized(
                    "500 Internal Server Error",
                    &[("content-type", "text/plain")],
                    trace.as_bytes(),
                ),
                status: 500,
            },
        ),
        (
            "/.env",
            Page {
                bytes: sized(
                    "200 OK",
                    &[("content-type", "text/plain")],
                    format!("DATABASE_URL={url}\n").as_bytes(),
                ),
                status: 404,
            },
        ),
        ("/flood", ok(sized("200 OK", &[j], "sk_live_".repeat(2048).as_bytes()))),
        (
            "/empty",
            Page {
                bytes: head("204 No Content", &[]),
                status: 204,
            },
        ),
    ]))
}

#[cfg(test)]
mod tests {
    use super::{Planted, all};

    #[test]
    fn most_pages_hold_a_secret_before_the_proxy() {
        let planted = Planted::new();
        let pages = all(&planted).unwrap();
        let with = pages.values().filter(|p| planted.is_in(&p.bytes)).count();
        // Cut in two and compressed ones hold it all the same.
        assert!(with >= 8, "{with} of {}", pages.len());
    }
}
