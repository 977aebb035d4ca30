//! The head of a WebSocket frame (RFC 6455 section 5.2), byte by byte: it may be cut anywhere.

/// What a frame's head says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    /// It is the last one of its message.
    pub(crate) last: bool,
    pub(crate) kind: Kind,
    pub(crate) len: u64,
    /// What its bytes are combined with, in turn.
    pub(crate) key: Option<[u8; 4]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It continues a message.
    More,
    Text,
    /// Two bytes, and a reason as text.
    Close,
    /// Ping, pong, and those that nobody has defined.
    Control,
    /// Binary, compressed, or not defined.
    Other,
}

/// The bytes of a head that have come.
#[derive(Clone, Debug, Default)]
pub(crate) struct Head {
    bytes: [u8; 14],
    have: usize,
}

impl Head {
    /// The next byte; `Some`: it was the last.
    pub(crate) fn step(&mut self, b: u8) -> Option<Frame> {
        if let Some(slot) = self.bytes.get_mut(self.have) {
            *slot = b;
        }
        self.have += 1;
        let [first, second, ..] = self.bytes;
        let length = match second & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let masked = second & 0x80 != 0;
        if self.have < 2 || self.have < 2 + length + if masked { 4 } else { 0 } {
            return None;
        }
        self.have = 0;
        let bytes = |from: usize, n: usize| self.bytes.get(from..from + n).unwrap_or_default();
        let big_endian = bytes(2, length).iter().fold(0, |n, b| n << 8 | u64::from(*b));
        Some(Frame {
            last: first & 0x80 != 0,
            kind: match first & 0x7f {
                0 => Kind::More,
                1 => Kind::Text,
                n if n & 0x0f == 8 => Kind::Close,
                n if n & 0x08 != 0 => Kind::Control,
                _ => Kind::Other,
            },
            len: if length == 0 {
                u64::from(second & 0x7f)
            } else {
                big_endian
            },
            key: masked.then(|| bytes(2 + length, 4).try_into().unwrap_or_default()),
        })
    }
}

/// Bytes of a frame, of which the first is number `at`, with its key or without.
pub(crate) fn apply(key: Option<[u8; 4]>, at: u64, bytes: &mut [u8]) {
    if let Some(mut key) = key {
        key.rotate_left((at % 4) as usize);
        for (b, k) in bytes.iter_mut().zip(key.iter().cycle()) {
            *b ^= k;
        }
    }
}
