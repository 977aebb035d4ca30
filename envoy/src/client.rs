//! A client that hides nothing: one request on one connection, and every byte that came back.

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use keepmum_host_tests::exchange::{Headers, Message};

use crate::wire::{self, Body, Framing, Reader};

/// A request, ready to be written.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The method.
    pub method: Vec<u8>,
    /// The path with its query.
    pub path: Vec<u8>,
    /// The `host` header.
    pub host: Vec<u8>,
    /// Further headers, without framing.
    pub headers: Headers,
    /// The body; sent with a content-length if there is any.
    pub body: Vec<u8>,
}

/// What came back.
#[derive(Clone, Debug, Default)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// Headers in wire order, names in lower case.
    pub headers: Headers,
    /// Body chunks, trailers, and whether the connection ended too early.
    pub rest: Body,
}

impl Request {
    /// A request without a body, for `localhost`.
    #[must_use]
    pub fn new(method: &str, path: &str) -> Self {
        Self {
            method: method.into(),
            path: path.into(),
            host: b"localhost".to_vec(),
            ..Self::default()
        }
    }

    /// With one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// A captured request. Framing headers are left out because they are made anew.
    #[must_use]
    pub fn from_capture(message: &Message) -> Self {
        let text = |name, otherwise: &str| message.header(name).unwrap_or(otherwise.as_bytes()).to_vec();
        let own = [&b"host"[..], b"content-length", b"transfer-encoding", b"connection"];
        let other = |(name, _): &&(Vec<u8>, Vec<u8>)| !name.starts_with(b":") && !own.contains(&name.as_slice());
        Self {
            method: text(":method", "GET"),
            path: text(":path", "/"),
            host: message
                .header(":authority")
                .or(message.header("host"))
                .unwrap_or(b"localhost")
                .to_vec(),
            headers: message.headers.iter().filter(other).cloned().collect(),
            body: message.body_bytes(),
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut out = [&self.method[..], b" ", &self.path, b" HTTP/1.1\r\n"].concat();
        wire::put_header(&mut out, b"host", &self.host);
        for (name, value) in &self.headers {
            wire::put_header(&mut out, name, value);
        }
        if !self.body.is_empty() {
            wire::put_header(&mut out, b"content-length", self.body.len().to_string().as_bytes());
        }
        out.extend_from_slice(b"connection: close\r\n\r\n");
        out.extend_from_slice(&self.body);
        out
    }
}

impl Reply {
    /// The whole body.
    #[must_use]
    pub fn body(&self) -> Vec<u8> {
        self.rest.chunks.concat()
    }

    /// The first value of a header, by lower-case name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers
            .iter()
            .find(|(n, _)| n == name.as_bytes())
            .map(|(_, v)| v.as_slice())
    }

    /// Everything that the client saw, for a search.
    #[must_use]
    pub fn everything(&self) -> Vec<u8> {
        let mut all = Vec::new();
        for (name, value) in self.headers.iter().chain(self.rest.trailers.iter().flatten()) {
            wire::put_header(&mut all, name, value);
        }
        all.extend_from_slice(&self.body());
        all
    }
}

/// Sends a request and reads the reply. `patience` is how long nothing may come before it counts as a hang.
///
/// # Errors
/// The connection is refused, the reply is no HTTP/1.1, or nothing came for too long. A connection that is cut after the
/// headers is not an error: `rest.cut` tells.
pub fn send(to: SocketAddr, request: &Request, patience: Duration) -> Result<Reply> {
    let mut stream = connect(to, patience)?;
    stream.write_all(&request.bytes())?;
    receive(stream, request.method == b"HEAD")
}

/// Sends a request exactly: its own framing headers, its body in its pieces with pauses, its trailers.
///
/// # Errors
/// As for [`send`]. That the body could not be sent to its end is none: an answer may come before.
pub fn send_message(to: SocketAddr, message: &Message, pause: Duration, patience: Duration) -> Result<Reply> {
    let mut stream = connect(to, patience)?;
    let chunked = match wire::framing(&message.headers) {
        Some(framing) => framing == Framing::Chunked,
        None => !message.body.is_empty() || message.trailers.is_some(),
    };
    let text = |name| message.header(name).unwrap_or_default();
    let mut head = [text(":method"), b" ", text(":path"), b" HTTP/1.1\r\n"].concat();
    wire::put_header(&mut head, b"host", text(":authority"));
    for (name, value) in &message.headers {
        if !name.starts_with(b":") && name != b"transfer-encoding" {
            wire::put_header(&mut head, name, value);
        }
    }
    if chunked {
        wire::put_header(&mut head, b"transfer-encoding", b"chunked");
    }
    if message.header("connection").is_none() {
        wire::put_header(&mut head, b"connection", b"close");
    }
    head.extend_from_slice(b"\r\n");
    stream.write_all(&head)?;
    // Who has answered and closed takes no more; what was answered is still there to be read.
    let _ = wire::put_body(&mut stream, message, chunked, pause);
    receive(stream, text(":method") == b"HEAD")
}

fn connect(to: SocketAddr, patience: Duration) -> Result<TcpStream> {
    let stream = TcpStream::connect(to).with_context(|| format!("cannot connect to {to}"))?;
    stream.set_read_timeout(Some(patience))?;
    stream.set_write_timeout(Some(patience))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn receive(stream: TcpStream, head: bool) -> Result<Reply> {
    let mut reader = Reader::new(stream);
    loop {
        let line = reader
            .start_line()
            .context("no status line came")?
            .context("the connection closed unanswered")?;
        let status = status(&line)?;
        let headers = reader.headers()?;
        if (100..200).contains(&status) && status != 101 {
            continue;
        }
        let framing = match status {
            204 | 304 => Framing::None,
            _ if head => Framing::None,
            _ => wire::framing(&headers).unwrap_or(Framing::Close),
        };
        let rest = reader.body(framing).context("the body did not end")?;
        return Ok(Reply { status, headers, rest });
    }
}

fn status(line: &[u8]) -> Result<u16> {
    let text = String::from_utf8_lossy(line);
    match text
        .strip_prefix("HTTP/1.1 ")
        .and_then(|rest| rest.get(..3))
        .map(str::parse)
    {
        Some(Ok(status)) => Ok(status),
        _ => bail!("not a status line ({} bytes)", line.len()),
    }
}
