//! Where lines and events end, by content type, and what the beginning of a line tells.

/// How a stream tells where an event ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// `text/event-stream`: an empty line ends an event.
    Events,
    /// `application/x-ndjson` and the like: each line is one.
    Lines,
}

impl Framing {
    /// By the content type, without parameters, in lower case.
    pub fn of(content_type: &[u8]) -> Option<Framing> {
        match content_type {
            b"text/event-stream" => Some(Framing::Events),
            b"application/x-ndjson"
            | b"application/ndjson"
            | b"application/jsonl"
            | b"application/jsonlines"
            | b"application/x-jsonlines"
            | b"application/stream+json"
            | b"application/json-seq" => Some(Framing::Lines),
            _ => None,
        }
    }

    /// What the beginning of a line tells.
    pub(super) fn look(self, line: &[u8]) -> Look {
        match (self, line) {
            (_, b"\n" | b"\r\n") | (Framing::Events, b"\r") => return Look::Empty,
            (Framing::Lines, b"\r") => return Look::Open,
            _ => {}
        }
        let json = |rest: &[u8]| match rest.first() {
            None => Look::Open,
            Some(b'{' | b'[') => Look::Json,
            Some(_) => Look::Other,
        };
        match (self, line) {
            (Framing::Events, _) => match line.strip_prefix(b"data:") {
                Some(rest) => json(rest.strip_prefix(b" ").unwrap_or(rest)),
                None if b"data:".starts_with(line) => Look::Open,
                None => Look::Other,
            },
            (Framing::Lines, line) => json(line.strip_prefix(b"\x1e").unwrap_or(line)),
        }
    }

    /// Behind the first end of a line. A carriage return is one by itself in events.
    pub(super) fn line_end(self, bytes: &[u8]) -> Option<usize> {
        let end = match self {
            Framing::Events => memchr::memchr2(b'\n', b'\r', bytes),
            Framing::Lines => memchr::memchr(b'\n', bytes),
        };
        end.map(|n| n + 1)
    }

    pub(super) fn ends_line(self, b: u8) -> bool {
        b == b'\n' || (b == b'\r' && self == Framing::Events)
    }

    /// Where the JSON stands in a line that has some.
    pub(super) fn json_in(self, line: &[u8]) -> (usize, usize) {
        let front = line.iter().position(|b| matches!(b, b'{' | b'[')).unwrap_or(0);
        (front, line.trim_ascii_end().len().max(front))
    }
}

/// See [`Framing::look`].
pub(super) enum Look {
    /// More has to come.
    Open,
    Empty,
    Json,
    Other,
}
