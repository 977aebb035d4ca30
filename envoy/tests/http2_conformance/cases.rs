//! What a client may send, must not send, and what a server has to make of it: RFC 9113 and RFC 7541, section by section.

use super::peer::*;

/// What must come of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// A response on this stream, to its end.
    Answer(u32),
    /// The connection goes on: a PING is answered.
    Alive,
    /// The connection ends, with one of these codes if it says why.
    ConnectionError(&'static [u32]),
    /// The stream ends with one of these codes, or the connection does; a response with an error status counts too, if its section
    /// is about a malformed message.
    StreamError(&'static [u32]),
    /// The first piece of the body is so long.
    Piece(usize),
}

pub struct Case {
    pub section: &'static str,
    pub about: &'static str,
    /// Behind the preface and an empty SETTINGS frame.
    pub bytes: Vec<u8>,
    pub want: Want,
    /// In place of the handshake.
    pub bare: bool,
}

const PROTOCOL: u32 = 1;
const FLOW: u32 = 3;
const CLOSED: u32 = 5;
const SIZE: u32 = 6;
const COMPRESSION: u32 = 9;

fn get() -> Vec<u8> {
    block(&[
        (":method", "GET"),
        (":scheme", "http"),
        (":path", "/"),
        (":authority", "localhost"),
    ])
}

fn post() -> Vec<u8> {
    block(&[
        (":method", "POST"),
        (":scheme", "http"),
        (":path", "/"),
        (":authority", "localhost"),
    ])
}

fn get_with(more: &[(&str, &str)]) -> Vec<u8> {
    request(&[&get(), &block(more)[..]].concat())
}

/// A request without a body on stream 1.
fn request(headers: &[u8]) -> Vec<u8> {
    frame(HEADERS, END_STREAM | END_HEADERS, 1, headers)
}

/// A request on stream 1 whose body is to come.
fn opened() -> Vec<u8> {
    frame(HEADERS, END_HEADERS, 1, &post())
}

fn ping() -> Vec<u8> {
    frame(PING, 0, 0, b"keepmum!")
}

fn setting(id: u16, value: u32) -> Vec<u8> {
    [&id.to_be_bytes()[..], &value.to_be_bytes()].concat()
}

fn settings(list: &[(u16, u32)]) -> Vec<u8> {
    let all: Vec<u8> = list.iter().flat_map(|(id, value)| setting(*id, *value)).collect();
    frame(SETTINGS, 0, 0, &all)
}

fn window(stream: u32, by: u32) -> Vec<u8> {
    frame(WINDOW_UPDATE, 0, stream, &by.to_be_bytes())
}

/// All of them.
#[allow(clippy::too_many_lines, reason = "a table")]
pub fn all() -> Vec<Case> {
    use Want::{Alive, Answer, ConnectionError, Piece, StreamError};
    let mut cases = Vec::new();
    let mut add = |section, about, parts: &[Vec<u8>], want| {
        cases.push(Case {
            section,
            about,
            bytes: parts.concat(),
            want,
            bare: false,
        });
    };
    let protocol = ConnectionError(&[PROTOCOL]);
    let size = ConnectionError(&[SIZE]);
    let closed = StreamError(&[CLOSED, PROTOCOL]);
    let malformed = StreamError(&[PROTOCOL]);
    let compression = ConnectionError(&[COMPRESSION]);
    let rst = |id| frame(RST_STREAM, 0, id, &8u32.to_be_bytes());
    let prio = |id| frame(PRIORITY, 0, id, &[0, 0, 0, 0, 15]);

    add(
        "3.4",
        "a request right behind the preface",
        &[request(&get())],
        Answer(1),
    );
    add(
        "4.1",
        "a frame of an unknown type",
        &[frame(0xF3, 0, 0, &[0; 8]), ping()],
        Alive,
    );
    add(
        "4.1",
        "flags that mean nothing",
        &[frame(PING, 0xFE, 0, b"keepmum!")],
        Alive,
    );
    add(
        "4.1",
        "the reserved bit of a stream's number",
        &[frame(PING, 0, 1 << 31, b"keepmum!")],
        Alive,
    );
    add(
        "4.2",
        "DATA as long as is allowed",
        &[opened(), frame(DATA, END_STREAM, 1, &[b'a'; 16384])],
        Answer(1),
    );
    add(
        "4.2",
        "DATA that is too long",
        &[opened(), frame(DATA, END_STREAM, 1, &[b'a'; 16385])],
        StreamError(&[SIZE]),
    );
    add(
        "4.2",
        "HEADERS that are too long",
        &[frame(HEADERS, END_STREAM | END_HEADERS, 1, &[0; 16385])],
        size,
    );
    add(
        "4.3",
        "a header block that breaks off",
        &[request(&[0x40, 0x05, b'a'])],
        compression,
    );
    add(
        "4.3",
        "PRIORITY inside a header block",
        &[
            frame(HEADERS, END_STREAM, 1, &get()),
            prio(1),
            frame(CONTINUATION, END_HEADERS, 1, &[]),
        ],
        protocol,
    );
    add(
        "4.3",
        "another stream's HEADERS inside a header block",
        &[
            frame(HEADERS, END_STREAM, 1, &get()),
            frame(HEADERS, END_STREAM | END_HEADERS, 3, &get()),
        ],
        protocol,
    );
    add("5.1", "idle: DATA", &[frame(DATA, END_STREAM, 1, b"a")], protocol);
    add("5.1", "idle: RST_STREAM", &[rst(1)], protocol);
    add("5.1", "idle: WINDOW_UPDATE", &[window(1, 100)], protocol);
    add(
        "5.1",
        "idle: CONTINUATION",
        &[frame(CONTINUATION, END_HEADERS, 1, &get())],
        protocol,
    );
    add("5.1", "idle: PRIORITY", &[prio(1), ping()], Alive);
    add(
        "5.1",
        "half-closed: DATA",
        &[request(&get()), frame(DATA, END_STREAM, 1, b"a")],
        closed,
    );
    add(
        "5.1",
        "half-closed: HEADERS",
        &[request(&get()), frame(HEADERS, END_STREAM | END_HEADERS, 1, &get())],
        closed,
    );
    add(
        "5.1",
        "half-closed: CONTINUATION",
        &[request(&get()), frame(CONTINUATION, END_HEADERS, 1, &get())],
        closed,
    );
    add(
        "5.1",
        "reset: DATA",
        &[opened(), rst(1), frame(DATA, END_STREAM, 1, b"a"), ping()],
        StreamError(&[CLOSED]),
    );
    add(
        "5.1",
        "reset: HEADERS",
        &[opened(), rst(1), request(&get())],
        StreamError(&[CLOSED]),
    );
    add(
        "5.1",
        "reset: CONTINUATION",
        &[opened(), rst(1), frame(CONTINUATION, END_HEADERS, 1, &get())],
        closed,
    );
    add(
        "5.1.1",
        "a number that is even",
        &[frame(HEADERS, END_STREAM | END_HEADERS, 2, &get())],
        protocol,
    );
    add(
        "5.1.1",
        "a number lower than one that was used",
        &[
            frame(HEADERS, END_STREAM | END_HEADERS, 5, &get()),
            frame(HEADERS, END_STREAM | END_HEADERS, 3, &get()),
        ],
        ConnectionError(&[PROTOCOL, CLOSED]),
    );
    add(
        "5.4.1",
        "the connection ends behind an error",
        &[frame(PING, 0, 3, b"keepmum!")],
        protocol,
    );
    add("5.5", "an unknown frame", &[frame(0xFA, 0, 0, &[0; 8]), ping()], Alive);
    add(
        "5.5",
        "an unknown frame inside a header block",
        &[
            frame(HEADERS, END_STREAM, 1, &get()),
            frame(0xFA, 0, 0, &[0; 8]),
            frame(CONTINUATION, END_HEADERS, 1, &[]),
        ],
        protocol,
    );
    add(
        "6.1",
        "DATA on no stream",
        &[opened(), frame(DATA, END_STREAM, 0, b"a")],
        protocol,
    );
    add(
        "6.1",
        "more padding than DATA",
        &[opened(), frame(DATA, END_STREAM | PADDED, 1, &[6, b'a', 0, 0])],
        protocol,
    );
    add(
        "6.1",
        "DATA with padding",
        &[opened(), frame(DATA, END_STREAM | PADDED, 1, &[2, b'a', 0, 0])],
        Answer(1),
    );
    add(
        "6.2",
        "HEADERS on no stream",
        &[frame(HEADERS, END_STREAM | END_HEADERS, 0, &get())],
        protocol,
    );
    add(
        "6.2",
        "more padding than HEADERS",
        &[frame(
            HEADERS,
            END_STREAM | END_HEADERS | PADDED,
            1,
            &[&[200][..], &get()].concat(),
        )],
        protocol,
    );
    add(
        "6.2",
        "HEADERS with padding and priority",
        &[frame(
            HEADERS,
            END_STREAM | END_HEADERS | PADDED | WITH_PRIORITY,
            1,
            &[&[3, 0, 0, 0, 0, 7][..], &get(), &[0; 3]].concat(),
        )],
        Answer(1),
    );
    add("6.3", "PRIORITY on no stream", &[prio(0)], protocol);
    add(
        "6.3",
        "PRIORITY of four bytes",
        &[opened(), frame(PRIORITY, 0, 1, &[0; 4])],
        StreamError(&[SIZE]),
    );
    add("6.4", "RST_STREAM on no stream", &[rst(0)], protocol);
    add(
        "6.4",
        "RST_STREAM of three bytes",
        &[opened(), frame(RST_STREAM, 0, 1, &[0; 3])],
        size,
    );
    add(
        "6.5",
        "SETTINGS ACK with a payload",
        &[frame(SETTINGS, ACK, 0, &setting(4, 100))],
        size,
    );
    add(
        "6.5",
        "SETTINGS on a stream",
        &[frame(SETTINGS, 0, 1, &setting(4, 100))],
        protocol,
    );
    add(
        "6.5",
        "SETTINGS of three bytes",
        &[frame(SETTINGS, 0, 0, &[0; 3])],
        size,
    );
    add("6.5.2", "ENABLE_PUSH of 2", &[settings(&[(2, 2)])], protocol);
    add(
        "6.5.2",
        "INITIAL_WINDOW_SIZE beyond 2^31-1",
        &[settings(&[(4, 1 << 31)])],
        ConnectionError(&[FLOW]),
    );
    add(
        "6.5.2",
        "MAX_FRAME_SIZE below 2^14",
        &[settings(&[(5, 16383)])],
        protocol,
    );
    add(
        "6.5.2",
        "MAX_FRAME_SIZE beyond 2^24-1",
        &[settings(&[(5, 1 << 24)])],
        protocol,
    );
    add("6.5.2", "an unknown setting", &[settings(&[(0xFF, 1)]), ping()], Alive);
    add(
        "6.5.3",
        "the last of two INITIAL_WINDOW_SIZE counts",
        &[settings(&[(4, 100), (4, 1)]), request(&get())],
        Piece(1),
    );
    add("6.7", "PING", &[ping()], Alive);
    add(
        "6.7",
        "PING ACK that nobody asked for",
        &[frame(PING, ACK, 0, b"notasked"), ping()],
        Alive,
    );
    add("6.7", "PING on a stream", &[frame(PING, 0, 1, b"keepmum!")], protocol);
    add("6.7", "PING of six bytes", &[frame(PING, 0, 0, b"keepmu")], size);
    add("6.8", "GOAWAY on a stream", &[frame(GOAWAY, 0, 1, &[0; 8])], protocol);
    add("6.9", "WINDOW_UPDATE by 0 of the connection", &[window(0, 0)], protocol);
    add(
        "6.9",
        "WINDOW_UPDATE by 0 of a stream",
        &[opened(), window(1, 0)],
        malformed,
    );
    add(
        "6.9",
        "WINDOW_UPDATE of three bytes",
        &[frame(WINDOW_UPDATE, 0, 0, &[0; 3])],
        size,
    );
    add(
        "6.9.1",
        "a window of 1",
        &[settings(&[(4, 1)]), request(&get())],
        Piece(1),
    );
    add(
        "6.9.1",
        "the connection's window beyond 2^31-1",
        &[window(0, 0x7FFF_FFFF), window(0, 0x7FFF_FFFF)],
        ConnectionError(&[FLOW]),
    );
    add(
        "6.9.1",
        "a stream's window beyond 2^31-1",
        &[opened(), window(1, 0x7FFF_FFFF), window(1, 0x7FFF_FFFF)],
        StreamError(&[FLOW]),
    );
    add(
        "6.9.2",
        "a window that a setting made negative",
        &[settings(&[(4, 3)]), request(&get()), settings(&[(4, 2)]), window(1, 2)],
        Piece(3),
    );
    let third = get().len() / 3;
    add(
        "6.10",
        "two CONTINUATION frames",
        &[
            frame(HEADERS, END_STREAM, 1, &get()[..third]),
            frame(CONTINUATION, 0, 1, &get()[third..2 * third]),
            frame(CONTINUATION, END_HEADERS, 1, &get()[2 * third..]),
        ],
        Answer(1),
    );
    add(
        "6.10",
        "DATA inside a header block",
        &[frame(HEADERS, 0, 1, &post()), frame(DATA, END_STREAM, 1, b"a")],
        protocol,
    );
    add(
        "6.10",
        "CONTINUATION on no stream",
        &[
            frame(HEADERS, END_STREAM, 1, &get()),
            frame(CONTINUATION, END_HEADERS, 0, &[]),
        ],
        protocol,
    );
    add(
        "6.10",
        "CONTINUATION behind the end of headers",
        &[opened(), frame(CONTINUATION, END_HEADERS, 1, &[])],
        protocol,
    );
    add(
        "6.10",
        "CONTINUATION behind DATA",
        &[
            opened(),
            frame(DATA, 0, 1, b"a"),
            frame(CONTINUATION, END_HEADERS, 1, &[]),
        ],
        protocol,
    );
    add(
        "7",
        "an unknown code of RST_STREAM",
        &[opened(), frame(RST_STREAM, 0, 1, &0xFFu32.to_be_bytes()), ping()],
        Alive,
    );
    add(
        "8.1",
        "trailers that do not end the stream",
        &[
            opened(),
            frame(DATA, 0, 1, b"a"),
            frame(HEADERS, END_HEADERS, 1, &block(&[("x-sum", "1")])),
        ],
        malformed,
    );
    add(
        "8.1",
        "trailers",
        &[
            opened(),
            frame(DATA, 0, 1, b"a"),
            frame(HEADERS, END_HEADERS | END_STREAM, 1, &block(&[("x-sum", "1")])),
        ],
        Answer(1),
    );
    for (length, body) in [("1", &["test"][..]), ("1", &["te", "st"]), ("9", &["test"])] {
        let headers = [post(), block(&[("content-length", length)])].concat();
        let mut parts = vec![frame(HEADERS, END_HEADERS, 1, &headers)];
        for (i, piece) in body.iter().enumerate() {
            let end = if i + 1 == body.len() { END_STREAM } else { 0 };
            parts.push(frame(DATA, end, 1, piece.as_bytes()));
        }
        add("8.1.1", "a content-length that is not the body's", &parts, malformed);
    }
    for (name, value) in [
        ("X-Test", "ok"),
        ("connection", "keep-alive"),
        ("transfer-encoding", "chunked"),
        ("te", "trailers, deflate"),
        ("x test", "a space in its name"),
        ("x-test", "a line\nfeed"),
        (":test", "an unknown pseudo-header"),
        (":status", "200"),
        (":method", "a second one"),
        (":path", "/second"),
    ] {
        add(
            "8.2",
            "a header that must not be",
            &[get_with(&[(name, value)])],
            malformed,
        );
    }
    add("8.2.2", "te: trailers", &[get_with(&[("te", "trailers")])], Answer(1));
    add(
        "8.3",
        "a pseudo-header behind another",
        &[request(&[&block(&[("x-test", "ok")])[..], &get()].concat())],
        malformed,
    );
    add(
        "8.3",
        "a pseudo-header as a trailer",
        &[
            opened(),
            frame(DATA, 0, 1, b"a"),
            frame(HEADERS, END_HEADERS | END_STREAM, 1, &block(&[(":path", "/")])),
        ],
        malformed,
    );
    let fields = [
        (":method", "GET"),
        (":scheme", "http"),
        (":path", "/"),
        (":authority", "localhost"),
    ];
    for (left_out, _) in &fields[..3] {
        let rest: Vec<_> = fields.iter().filter(|(n, _)| n != left_out).copied().collect();
        add(
            "8.3.1",
            "a pseudo-header is missing",
            &[request(&block(&rest))],
            malformed,
        );
        let twice: Vec<_> = fields
            .iter()
            .chain(fields.iter().filter(|(n, _)| n == left_out))
            .copied()
            .collect();
        add(
            "8.3.1",
            "a pseudo-header comes twice",
            &[request(&block(&twice))],
            malformed,
        );
    }
    let empty: Vec<_> = fields.map(|(n, v)| (n, if n == ":path" { "" } else { v })).to_vec();
    add("8.3.1", "an empty path", &[request(&block(&empty))], malformed);
    add(
        "8.4",
        "PUSH_PROMISE of a client",
        &[
            opened(),
            frame(PUSH_PROMISE, END_HEADERS, 1, &[&[0, 0, 0, 2][..], &get()].concat()),
        ],
        protocol,
    );
    // RFC 7541.
    add(
        "hpack 2.3.3",
        "an index beyond the tables",
        &[request(&[get(), vec![0xFF, 0x7F]].concat())],
        compression,
    );
    add(
        "hpack 4.2",
        "a table's size in the middle of a block",
        &[request(&[get(), vec![0x20]].concat())],
        compression,
    );
    add(
        "hpack 4.2",
        "a table larger than is allowed",
        &[request(&[&[0x3F, 0xFF, 0xFF, 0xFF, 0x07][..], &get()].concat())],
        compression,
    );
    for (about, coded) in [
        (
            "Huffman padding of more than seven bits",
            &[0x85, 0xF2, 0xB2, 0x4A, 0x84, 0xFF][..],
        ),
        ("Huffman padding with zeros", &[0x81, 0x18]),
        ("the Huffman code of the end", &[0x84, 0xFF, 0xFF, 0xFF, 0xFF]),
    ] {
        let header = [&[0x00, 0x06][..], b"x-test", coded].concat();
        add("hpack 5.2", about, &[request(&[get(), header].concat())], compression);
    }
    add(
        "hpack 6.1",
        "the index 0",
        &[request(&[get(), vec![0x80]].concat())],
        compression,
    );
    let bad = b"INVALID CONNECTION PREFACE\r\n\r\n".to_vec();
    for (about, bytes, want) in [
        ("no preface", bad, protocol),
        (
            "a preface without SETTINGS",
            [PREFACE.to_vec(), ping()].concat(),
            protocol,
        ),
    ] {
        cases.push(Case {
            section: "3.4",
            about,
            bytes,
            want,
            bare: true,
        });
    }
    cases
}
