//! A server that repeats responses exactly: their chunks, trailers, odd headers, and resets in mid-body.
//!
//! No HTTP library writes a header with raw bytes, a chunk boundary where a capture had one, or a reset. One thread for each
//! connection is enough: tests send one request at a time. What to answer is a function of the request, so that one server
//! serves a table of captures as well as a single bad case.

use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Result;
use keepmum_host_tests::exchange::{End, Headers, Message};

use crate::wire::{self, Framing, Reader};

/// A request as the upstream saw it.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// The method.
    pub method: Vec<u8>,
    /// The path with its query.
    pub path: Vec<u8>,
    /// Headers in wire order, names in lower case.
    pub headers: Headers,
    /// The body.
    pub body: Vec<u8>,
    /// Trailers, if there were any.
    pub trailers: Option<Headers>,
    /// The request did not end.
    pub cut: bool,
}

impl Seen {
    /// The first value of a header, by lower-case name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers
            .iter()
            .find(|(n, _)| n == name.as_bytes())
            .map(|(_, v)| v.as_slice())
    }
}

/// A response, and how long to wait between two pieces of its body.
///
/// The pause is what keeps a boundary: two pieces that arrive together are one read for Envoy.
#[derive(Clone, Debug)]
pub struct Answer {
    /// What to send.
    pub message: Arc<Message>,
    /// The wait between body pieces.
    pub pause: Duration,
}

impl Answer {
    /// A message with pauses that are long enough for loopback and short enough for a hundred chunks.
    #[must_use]
    pub fn new(message: Arc<Message>) -> Self {
        Self {
            message,
            pause: Duration::from_millis(3),
        }
    }
}

/// What to answer to a request.
pub type Choose = dyn Fn(&Seen) -> Answer + Send + Sync;

/// A running server. Dropping it ends it.
#[derive(Debug)]
pub struct Upstream {
    /// Where it listens.
    pub address: SocketAddr,
    stop: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
}

impl Upstream {
    /// Listens on a free loopback port and answers HTTP/1.1 with what `choose` says.
    ///
    /// # Errors
    /// No port can be had.
    pub fn start(choose: impl Fn(&Seen) -> Answer + Send + Sync + 'static) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopping = Arc::clone(&stop);
        let choose: Arc<Choose> = Arc::new(choose);
        let accepting = std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stopping.load(Ordering::Relaxed) {
                    return;
                }
                let choose = Arc::clone(&choose);
                // A connection that breaks is Envoy's right; the client's side of the test says whether it mattered.
                std::thread::spawn(move || drop(serve(stream, &*choose)));
            }
        });
        Ok(Self {
            address,
            stop,
            accepting: Some(accepting),
        })
    }

    /// An address that refuses connections: bound once, then given back.
    ///
    /// # Errors
    /// No port can be had.
    pub fn refusing() -> Result<SocketAddr> {
        Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.accepting.take() {
            let _ = thread.join();
        }
    }
}

/// HTTP/1.1 on one connection, until the peer closes it or an answer says reset.
fn serve(mut stream: TcpStream, choose: &Choose) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(120)))?;
    let mut reader = Reader::new(stream.try_clone()?);
    while let Some(line) = reader.start_line()? {
        let mut words = line.split(|b| *b == b' ').map(<[u8]>::to_vec);
        let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let headers = reader.headers()?;
        let body = reader.body(wire::framing(&headers).unwrap_or(Framing::None))?;
        let seen = Seen {
            method,
            path,
            headers,
            body: body.chunks.concat(),
            trailers: body.trailers,
            cut: body.cut,
        };
        let answer = choose(&seen);
        respond(&mut stream, &seen, &answer)?;
        if answer.message.header(":status") == Some(b"101") {
            return Ok(());
        }
        if answer.message.end == End::Reset {
            // Without lingering a close is a reset, not an orderly end.
            socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO))?;
            return Ok(());
        }
    }
    Ok(())
}

fn respond(stream: &mut TcpStream, seen: &Seen, answer: &Answer) -> io::Result<()> {
    let message = &*answer.message;
    let status = message
        .header(":status")
        .map_or_else(|| "200".into(), String::from_utf8_lossy);
    let upgraded = status == "101";
    let bodyless = seen.method == b"HEAD" || matches!(&*status, "204" | "304");
    let length = wire::framing(&message.headers).filter(|f| matches!(f, Framing::Length(_)));
    let chunked = !(bodyless || upgraded)
        && length.is_none()
        && (!message.body.is_empty() || message.trailers.is_some() || message.end == End::Reset);

    let mut head = format!("HTTP/1.1 {status} \r\n").into_bytes();
    for (name, value) in &message.headers {
        if !name.starts_with(b":") && name != b"transfer-encoding" && (upgraded || name != b"connection") {
            wire::put_header(&mut head, name, value);
        }
    }
    if chunked {
        wire::put_header(&mut head, b"transfer-encoding", b"chunked");
    } else if length.is_none() && !bodyless && !upgraded {
        wire::put_header(&mut head, b"content-length", b"0");
    }
    head.extend_from_slice(b"\r\n");
    stream.write_all(&head)?;
    if bodyless {
        return Ok(());
    }
    wire::put_body(stream, message, chunked, answer.pause)?;
    if message.end == End::Reset {
        // Let the last piece arrive before the reset overtakes it.
        std::thread::sleep(Duration::from_millis(50).max(answer.pause));
    }
    Ok(())
}
