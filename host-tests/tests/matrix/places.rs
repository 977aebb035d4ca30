//! The places in which a secret stands in a response, one function each.

use keepmum_host_tests::exchange::{Exchange, Message};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::common::{answered, pairs};
use crate::encodings::{gzip, unzipped};

/// Where a secret stands.
pub struct Place {
    /// Its name in the table.
    pub name: &'static str,
    /// Whether it is in the body, so that the body can be encoded as a whole.
    pub in_body: bool,
    content_type: &'static str,
    text: fn(&str) -> Vec<u8>,
    at: At,
    /// A header that goes with it.
    also: Option<(&'static str, &'static str)>,
    /// What a client of it makes of the body, besides reading it as it is.
    pub undo: fn(&[u8]) -> Vec<u8>,
}

enum At {
    Body,
    Header(&'static str),
    Trailer(&'static str),
}

const fn body(name: &'static str, content_type: &'static str, text: fn(&str) -> Vec<u8>) -> Place {
    Place {
        name,
        in_body: true,
        content_type,
        text,
        at: At::Body,
        also: None,
        undo: |_| Vec::new(),
    }
}

const fn line(name: &'static str, content_type: &'static str, at: At, text: fn(&str) -> Vec<u8>) -> Place {
    Place {
        name,
        in_body: false,
        content_type,
        text,
        at,
        also: None,
        undo: |_| Vec::new(),
    }
}

/// All of them.
pub const ALL: &[Place] = &[
    line("header", "text/plain", At::Header("x-debug"), |s| s.into()),
    line("cookie", "text/plain", At::Header("set-cookie"), |s| {
        format!("sid={s}; Path=/; HttpOnly").into()
    }),
    line("query of `location`", "text/plain", At::Header("location"), |s| {
        format!("https://a.example/cb?state=1&key={s}&x=y").into()
    }),
    line("trailer", "text/plain", At::Trailer("x-info"), |s| s.into()),
    line("`grpc-message`", "application/grpc", At::Trailer("grpc-message"), |s| {
        format!("cannot connect: {s}").into()
    }),
    body("JSON value", "application/json", |s| {
        format!("{{\"error\":\"no access with {s} today\"}}").into()
    }),
    body("JSON key", "application/json", |s| {
        format!("{{\"a\":1,\"{s}\":{{\"b\":null}}}}").into()
    }),
    body("form", "application/x-www-form-urlencoded", |s| {
        format!("a=b&k={s}&c=d").into()
    }),
    body("multipart", "multipart/form-data; boundary=b", |s| {
        format!("--b\r\ncontent-disposition: form-data; name=\"k\"\r\n\r\n{s}\r\n--b--\r\n").into()
    }),
    body("event stream", "text/event-stream", |s| {
        format!("event: m\ndata: {{\"m\":\"{s}\"}}\n\ndata: x\n\n").into()
    }),
    body("gRPC", "application/grpc", |s| framed(0, &message(s))),
    Place {
        also: Some(("grpc-encoding", "gzip")),
        undo: |bytes| messages(bytes).concat(),
        ..body("gRPC, gzip", "application/grpc", |s| framed(1, &gzip(&message(s))))
    },
    Place {
        undo: |bytes| STANDARD.decode(bytes).unwrap_or_default(),
        ..body("gRPC-Web text", "application/grpc-web-text", |s| {
            STANDARD.encode(framed(0, &message(s))).into()
        })
    },
    body("XML", "application/xml", |s| {
        format!("<?xml version=\"1.0\"?><e><k>{s}</k></e>").into()
    }),
    body("plain", "text/plain", |s| {
        format!("level=error msg=no access with {s} today\n").into()
    }),
];

/// A message of one text field.
fn message(secret: &str) -> Vec<u8> {
    let text = format!("at {secret}");
    [&[10, text.len() as u8], text.as_bytes()].concat()
}

fn framed(flags: u8, message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[flags], length.as_slice(), message].concat()
}

/// The messages of a body, as its client gets them.
fn messages(mut body: &[u8]) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    while let Some((head, rest)) = body.split_first_chunk::<5>() {
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
        let (message, rest) = rest.split_at(length.min(rest.len()));
        let packed = head[0] & 1 == 1;
        all.push(if packed { unzipped(message) } else { message.to_vec() });
        body = rest;
    }
    all
}

impl Place {
    /// Its body is one of messages.
    pub fn has_messages(&self) -> bool {
        self.content_type.starts_with("application/grpc")
    }

    /// A response with this spelling there; the body goes through `whole`, and comes in pieces of this size.
    pub fn exchange(&self, secret: &str, whole: impl Fn(&[u8]) -> Vec<u8>, encoding: &str, piece: usize) -> Exchange {
        let text = (self.text)(secret);
        let mut exchange = answered("matrix", ("cache-control", "no-store"), &[]);
        let mut headers = pairs(&[(":status", "200"), ("content-type", self.content_type)]);
        headers.extend(self.also.map(|(n, v)| (n.into(), v.into())));
        if !encoding.is_empty() {
            headers.extend(pairs(&[("content-encoding", encoding)]));
        }
        let frame = [0, 0, 0, 0, 2, 10, 0];
        let (mut content, mut trailers) = (
            if self.has_messages() {
                frame.to_vec()
            } else {
                b"fine\n".to_vec()
            },
            None,
        );
        match self.at {
            At::Body => content = whole(&text),
            At::Header(name) => headers.push((name.into(), text)),
            At::Trailer(name) => {
                headers.extend(pairs(&[("trailer", name)]));
                trailers = Some(vec![(name.as_bytes().to_vec(), text)]);
            }
        }
        exchange.response = Message {
            headers,
            body: content.chunks(piece.max(1)).map(<[u8]>::to_vec).collect(),
            trailers,
            ..Message::default()
        };
        exchange
    }
}
