//! A client that can break every rule of HTTP/2: frames as bytes, and what came back as events.
//!
//! Not on a library: none sends what it would refuse to receive.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
pub const PRIORITY: u8 = 2;
pub const RST_STREAM: u8 = 3;
pub const SETTINGS: u8 = 4;
pub const PUSH_PROMISE: u8 = 5;
pub const PING: u8 = 6;
pub const GOAWAY: u8 = 7;
pub const WINDOW_UPDATE: u8 = 8;
pub const CONTINUATION: u8 = 9;

pub const END_STREAM: u8 = 1;
pub const ACK: u8 = 1;
pub const END_HEADERS: u8 = 4;
pub const PADDED: u8 = 8;
pub const WITH_PRIORITY: u8 = 0x20;

pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// How long a verdict may take; a peer that says nothing for so long has none.
const PATIENCE: Duration = Duration::from_secs(2);

/// One frame, whatever it holds.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A header, never indexed, without Huffman coding.
pub fn field(name: &str, value: &str) -> Vec<u8> {
    let mut out = vec![0x10];
    for text in [name, value] {
        assert!(text.len() < 127, "one byte of length");
        out.push(u8::try_from(text.len()).unwrap());
        out.extend_from_slice(text.as_bytes());
    }
    out
}

/// A header list.
pub fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    fields.iter().flat_map(|(n, v)| field(n, v)).collect()
}

/// What the peer did, as far as it can be told apart from the outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    Settings,
    SettingsAck,
    Headers { stream: u32, end: bool },
    Data { stream: u32, length: usize, end: bool },
    Reset { stream: u32, code: u32 },
    Pong([u8; 8]),
    Goaway(u32),
    Closed,
}

/// Sends these bytes behind a handshake (or in its place) and tells what came back: up to the end of the connection, or the answer to
/// a PING that is sent last, or the end of patience.
pub fn talk(to: SocketAddr, handshake: bool, bytes: &[u8], done: impl Fn(&[Event]) -> bool) -> Vec<Event> {
    let mut stream = TcpStream::connect(to).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    let mut sent = Vec::new();
    if handshake {
        sent.extend_from_slice(PREFACE);
        sent.extend(frame(SETTINGS, 0, 0, &[]));
    }
    sent.extend_from_slice(bytes);
    // Who is refused may not be able to write to the end.
    let _ = stream.write_all(&sent);
    let (mut read, mut events, begun) = (Vec::new(), Vec::new(), Instant::now());
    let mut piece = [0; 16 * 1024];
    while begun.elapsed() < PATIENCE {
        match stream.read(&mut piece) {
            Ok(0) => events.push(Event::Closed),
            Ok(n) => {
                read.extend_from_slice(&piece[..n]);
                take(&mut read, &mut events, &mut stream);
            }
            Err(e) if matches!(e.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {}
            Err(_) => events.push(Event::Closed),
        }
        if events.last() == Some(&Event::Closed) || done(&events) {
            break;
        }
    }
    let _ = stream.shutdown(Shutdown::Both);
    events
}

/// The frames that are complete.
fn take(read: &mut Vec<u8>, events: &mut Vec<Event>, stream: &mut TcpStream) {
    while let Some((head, rest)) = read.split_first_chunk::<9>() {
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        let id = u32::from_be_bytes([head[5], head[6], head[7], head[8]]) & 0x7FFF_FFFF;
        let Some(payload) = rest.get(..length) else { return };
        let end = head[4] & END_STREAM != 0;
        let code = |at: usize| {
            payload
                .get(at..at + 4)
                .map_or(u32::MAX, |c| u32::from_be_bytes([c[0], c[1], c[2], c[3]]))
        };
        match head[3] {
            SETTINGS if head[4] & ACK != 0 => events.push(Event::SettingsAck),
            SETTINGS => {
                let _ = stream.write_all(&frame(SETTINGS, ACK, 0, &[]));
                events.push(Event::Settings);
            }
            HEADERS => events.push(Event::Headers { stream: id, end }),
            DATA => events.push(Event::Data {
                stream: id,
                length,
                end,
            }),
            RST_STREAM => events.push(Event::Reset {
                stream: id,
                code: code(0),
            }),
            PING if head[4] & ACK != 0 => events.push(Event::Pong(payload.try_into().unwrap_or_default())),
            GOAWAY => events.push(Event::Goaway(code(4))),
            _ => {}
        }
        let used = 9 + length;
        read.drain(..used);
    }
}
