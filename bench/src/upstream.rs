//! A server that answers fast and does nothing else: the same bytes for each path, on connections that stay open.
//!
//! Envoy's `direct_response` would hand a whole body to the filters in one piece, and a second Envoy would take the processor
//! from the first. A thread for each connection with one read and one write for each request costs little.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;

use anyhow::Result;

/// Responses by path.
pub type Pages = BTreeMap<String, Vec<u8>>;

/// Listens on a free loopback port until the process ends.
pub fn start(bodies: Pages) -> Result<SocketAddr> {
    start_raw(bodies.into_iter().map(|(path, body)| (path, page(&body))).collect())
}

/// The same with whole responses, heads included.
pub fn start_raw(pages: Pages) -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    let pages = Arc::new(pages);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let pages = Arc::clone(&pages);
            std::thread::spawn(move || drop(serve(stream, &pages)));
        }
    });
    Ok(address)
}

fn page(body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

fn serve(mut stream: TcpStream, pages: &Pages) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = [0u8; 8192];
    let mut len = 0;
    loop {
        let n = stream.read(buffer.get_mut(len..).unwrap_or_default())?;
        if n == 0 {
            return Ok(());
        }
        len += n;
        // Requests have no body; Envoy sends one at a time on a connection.
        let request = buffer.get(..len).unwrap_or_default();
        if request.ends_with(b"\r\n\r\n") {
            let path = request
                .split(|b| *b == b' ')
                .nth(1)
                .map(String::from_utf8_lossy)
                .unwrap_or_default();
            let missing = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_vec();
            stream.write_all(pages.get(&*path).unwrap_or(&missing))?;
            len = 0;
        }
    }
}
