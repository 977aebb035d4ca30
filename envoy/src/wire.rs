//! HTTP/1.1 on a socket, as bytes: what the client reads from Envoy and the upstream reads from Envoy.
//!
//! An HTTP library would join chunks, drop trailers, fold headers and hide a cut connection: all that is compared here.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use keepmum_host_tests::exchange::{End, Headers, Message};

/// The longest head (start line and headers) that is read. A thousand headers fit.
const HEAD_LIMIT: usize = 4 << 20;

/// A body as it came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Body {
    /// The pieces: one for each chunk of a chunked body, one for the whole of any other.
    pub chunks: Vec<Vec<u8>>,
    /// Trailers, if there were any.
    pub trailers: Option<Headers>,
    /// The connection ended before the message did.
    pub cut: bool,
}

/// How a body's end is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// There is none.
    None,
    /// So many bytes.
    Length(u64),
    /// Chunks, then trailers.
    Chunked,
    /// Until the connection closes.
    Close,
}

/// Reads messages from a connection.
#[derive(Debug)]
pub struct Reader {
    inner: BufReader<TcpStream>,
}

impl Reader {
    /// A reader of that connection.
    #[must_use]
    pub fn new(stream: TcpStream) -> Self {
        Self {
            inner: BufReader::with_capacity(64 << 10, stream),
        }
    }

    /// The start line, or `None` when the peer closed before sending one.
    ///
    /// # Errors
    /// The connection broke.
    pub fn start_line(&mut self) -> io::Result<Option<Vec<u8>>> {
        self.line()
    }

    fn line(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        let read = (&mut self.inner).take(HEAD_LIMIT as u64).read_until(b'\n', &mut line)?;
        if read == 0 {
            return Ok(None);
        }
        if line.pop() != Some(b'\n') {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        Ok(Some(line))
    }

    /// Header or trailer lines up to the empty line; names in lower case.
    ///
    /// # Errors
    /// The connection broke, or a line has no colon.
    pub fn headers(&mut self) -> io::Result<Headers> {
        let mut headers = Headers::new();
        loop {
            let line = self.line()?.ok_or(io::ErrorKind::UnexpectedEof)?;
            if line.is_empty() {
                return Ok(headers);
            }
            let colon = line.iter().position(|b| *b == b':').ok_or(io::ErrorKind::InvalidData)?;
            let (name, value) = line.split_at(colon);
            headers.push((
                name.to_ascii_lowercase(),
                value.get(1..).unwrap_or_default().trim_ascii().to_vec(),
            ));
        }
    }

    /// The body. A connection that ends early is not an error: the result says `cut`.
    ///
    /// # Errors
    /// Nothing came for longer than the connection's read time-out, or a chunk's size is not a number.
    pub fn body(&mut self, framing: Framing) -> io::Result<Body> {
        let mut body = Body::default();
        let done = match framing {
            Framing::None => Ok(()),
            Framing::Length(length) => self.exactly(length, &mut body),
            Framing::Chunked => self.chunked(&mut body),
            Framing::Close => self.until_close(&mut body),
        };
        match done {
            Err(e) if is_cut(&e) => body.cut = true,
            other => other?,
        }
        Ok(body)
    }

    fn exactly(&mut self, length: u64, body: &mut Body) -> io::Result<()> {
        let mut piece = Vec::new();
        let read = (&mut self.inner).take(length).read_to_end(&mut piece);
        let complete = piece.len() as u64 == length;
        if !piece.is_empty() {
            body.chunks.push(piece);
        }
        read?;
        if complete {
            Ok(())
        } else {
            Err(io::ErrorKind::UnexpectedEof.into())
        }
    }

    fn until_close(&mut self, body: &mut Body) -> io::Result<()> {
        let mut piece = Vec::new();
        let read = self.inner.read_to_end(&mut piece);
        if !piece.is_empty() {
            body.chunks.push(piece);
        }
        read.map(drop)
    }

    fn chunked(&mut self, body: &mut Body) -> io::Result<()> {
        loop {
            let line = self.line()?.ok_or(io::ErrorKind::UnexpectedEof)?;
            let digits = line.split(|b| *b == b';').next().unwrap_or_default().trim_ascii();
            let size = std::str::from_utf8(digits)
                .ok()
                .and_then(|d| u64::from_str_radix(d, 16).ok());
            let size = size.ok_or(io::ErrorKind::InvalidData)?;
            if size == 0 {
                let trailers = self.headers()?;
                body.trailers = (!trailers.is_empty()).then_some(trailers);
                return Ok(());
            }
            self.exactly(size, body)?;
            self.line()?;
        }
    }
}

/// How the body of a message with these headers ends; `None` when the headers say nothing about it.
#[must_use]
pub fn framing(headers: &Headers) -> Option<Framing> {
    let value = |name: &[u8]| {
        headers
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, v)| v.as_slice())
    };
    if value(b"transfer-encoding").is_some_and(|v| v.eq_ignore_ascii_case(b"chunked")) {
        return Some(Framing::Chunked);
    }
    let length = std::str::from_utf8(value(b"content-length")?).ok()?.parse().ok()?;
    Some(Framing::Length(length))
}

/// One header line, as it goes out.
pub fn put_header(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

/// One chunk, as it goes out.
pub fn put_chunk(out: &mut Vec<u8>, piece: &[u8]) {
    out.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
    out.extend_from_slice(piece);
    out.extend_from_slice(b"\r\n");
}

/// A body in its pieces, with a pause before each, and what ends it: with chunks the last one and trailers.
///
/// # Errors
/// The connection broke.
pub fn put_body(stream: &mut impl Write, message: &Message, chunked: bool, pause: Duration) -> io::Result<()> {
    for piece in message.body.iter().filter(|p| !p.is_empty()) {
        std::thread::sleep(pause);
        if chunked {
            let mut framed = Vec::with_capacity(piece.len() + 16);
            put_chunk(&mut framed, piece);
            stream.write_all(&framed)?;
        } else {
            stream.write_all(piece)?;
        }
    }
    if chunked && message.end == End::Complete {
        std::thread::sleep(pause);
        let mut end = b"0\r\n".to_vec();
        for (name, value) in message.trailers.iter().flatten() {
            put_header(&mut end, name, value);
        }
        end.extend_from_slice(b"\r\n");
        stream.write_all(&end)?;
    }
    Ok(())
}

fn is_cut(e: &io::Error) -> bool {
    use io::ErrorKind as K;
    matches!(
        e.kind(),
        K::UnexpectedEof | K::ConnectionReset | K::ConnectionAborted | K::BrokenPipe
    )
}
