//! UTF-16 to UTF-8 and back, in pieces. Halves of surrogate pairs that stand alone become three bytes each (WTF-8), so
//! that the way back gives what was there; `char::decode_utf16` would lose them, and wants all of the text at once.

/// Which byte of a unit comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Little,
    Big,
}

/// What the first bytes of a body say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Guess {
    Wide(Order),
    /// Not UTF-16.
    Bytes,
    /// More bytes are needed to tell.
    Unknown,
}

/// Tells UTF-16 by its byte order mark, or by two characters of ASCII with a NUL each. Four bytes are enough.
pub(crate) fn guess(front: &[u8]) -> Guess {
    let is = |b: Option<&u8>, zero: bool| b.is_none_or(|b| if zero { *b == 0 } else { (b'\t'..0x7f).contains(b) });
    let fits = |mark: [u8; 2], odd: bool| {
        let marked = front.iter().zip(mark).all(|(a, b)| *a == b);
        let plain = (0..4).all(|i| is(front.get(i), (i % 2 == 1) == odd));
        (marked && front.len() >= 2, marked || plain, plain && front.len() >= 4)
    };
    let (little, big) = (fits([0xff, 0xfe], true), fits([0xfe, 0xff], false));
    if little.0 || little.2 {
        Guess::Wide(Order::Little)
    } else if big.0 || big.2 {
        Guess::Wide(Order::Big)
    } else if little.1 || big.1 {
        Guess::Unknown
    } else {
        Guess::Bytes
    }
}

/// From UTF-16.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decoder {
    order: Order,
    /// The first byte of a unit.
    odd: Option<u8>,
    /// The first half of a pair.
    high: Option<u16>,
}

impl Decoder {
    pub(crate) fn new(order: Order) -> Decoder {
        Decoder {
            order,
            odd: None,
            high: None,
        }
    }

    /// Bytes that it has read and not told of.
    pub(crate) fn held(&self) -> usize {
        usize::from(self.odd.is_some()) + 2 * usize::from(self.high.is_some())
    }

    pub(crate) fn feed(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        for &b in bytes {
            let Some(first) = self.odd.take() else {
                self.odd = Some(b);
                continue;
            };
            let unit = match self.order {
                Order::Little => u16::from_le_bytes([first, b]),
                Order::Big => u16::from_be_bytes([first, b]),
            };
            if let Some(high) = self.high.take() {
                if let 0xdc00..0xe000 = unit {
                    let c = 0x1_0000 + ((u32::from(high) & 0x3ff) << 10 | (u32::from(unit) & 0x3ff));
                    put(c, out);
                    continue;
                }
                put(u32::from(high), out);
            }
            if let 0xd800..0xdc00 = unit {
                self.high = Some(unit);
            } else {
                put(u32::from(unit), out);
            }
        }
    }

    /// The text ends: half a pair stands alone, and a single byte is no text.
    pub(crate) fn finish(&mut self, out: &mut Vec<u8>) -> Option<u8> {
        if let Some(high) = self.high.take() {
            put(u32::from(high), out);
        }
        self.odd.take()
    }
}

fn put(c: u32, out: &mut Vec<u8>) {
    let low = |shift: u32| 0x80 | (c >> shift & 0x3f) as u8;
    match c {
        0..0x80 => out.push(c as u8),
        0x80..0x800 => out.extend([0xc0 | (c >> 6) as u8, low(0)]),
        0x800..0x1_0000 => out.extend([0xe0 | (c >> 12) as u8, low(6), low(0)]),
        _ => out.extend([0xf0 | (c >> 18) as u8, low(12), low(6), low(0)]),
    }
}

/// Units that a piece of text takes in UTF-16: pieces cut inside a character add up.
pub(crate) fn units(text: &[u8]) -> u64 {
    let of = |b: &u8| u64::from(*b & 0xc0 != 0x80) + u64::from(*b >= 0xf0);
    text.iter().map(of).sum()
}

/// Back to UTF-16.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Encoder {
    order: Order,
    /// The character under way, and how many bytes it still needs.
    char: u32,
    more: u8,
}

impl Encoder {
    pub(crate) fn new(order: Order) -> Encoder {
        Encoder {
            order,
            char: 0,
            more: 0,
        }
    }

    /// A character is under way.
    pub(crate) fn is_inside(&self) -> bool {
        self.more > 0
    }

    pub(crate) fn feed(&mut self, text: &[u8], out: &mut Vec<u8>) {
        for &b in text {
            if self.more > 0 && b & 0xc0 == 0x80 {
                self.char = self.char << 6 | u32::from(b & 0x3f);
                self.more -= 1;
                if self.more == 0 {
                    self.char(self.char, out);
                }
                continue;
            }
            self.finish(out);
            (self.char, self.more) = match b {
                0..0x80 => {
                    self.char(u32::from(b), out);
                    continue;
                }
                0xc0..0xe0 => (u32::from(b & 0x1f), 1),
                0xe0..0xf0 => (u32::from(b & 0x0f), 2),
                0xf0..0xf8 => (u32::from(b & 0x07), 3),
                _ => {
                    self.char(REPLACEMENT, out);
                    continue;
                }
            };
        }
    }

    /// A character of which an edit has taken a part.
    pub(crate) fn finish(&mut self, out: &mut Vec<u8>) {
        if std::mem::take(&mut self.more) > 0 {
            self.char(REPLACEMENT, out);
        }
    }

    fn char(&self, c: u32, out: &mut Vec<u8>) {
        let mut unit = |u: u32| {
            let u = (u & 0xffff) as u16;
            out.extend(match self.order {
                Order::Little => u.to_le_bytes(),
                Order::Big => u.to_be_bytes(),
            });
        };
        if let Some(c) = c.checked_sub(0x1_0000) {
            unit(0xd800 | (c >> 10 & 0x3ff));
            unit(0xdc00 | (c & 0x3ff));
        } else {
            unit(c);
        }
    }
}

const REPLACEMENT: u32 = 0xfffd;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_known_by_its_first_bytes() {
        for (front, guessed) in [
            (b"".as_slice(), Guess::Unknown),
            (b"\xff", Guess::Unknown),
            (b"\xff\xfe", Guess::Wide(Order::Little)),
            (b"\xfe\xff", Guess::Wide(Order::Big)),
            (b"\xff\xd8\xff\xe0", Guess::Bytes),
            (b"{", Guess::Unknown),
            (b"{\"", Guess::Bytes),
            (b"{\0\"", Guess::Unknown),
            (b"{\0\"\0", Guess::Wide(Order::Little)),
            (b"{\0\0\0", Guess::Bytes),
            (b"\0", Guess::Unknown),
            (b"\0{\0\"", Guess::Wide(Order::Big)),
            (b"\0\0\0\0", Guess::Bytes),
            (b"\xe4\xbd\xa0", Guess::Bytes),
        ] {
            assert_eq!(guess(front), guessed, "{front:?}");
        }
    }

    #[test]
    fn every_unit_comes_back() {
        let units: Vec<u16> = (0..=0xffff)
            .chain([0xd83d, 0xde00, 0xd83d, 0xd83d, 0xde00, 0xdc00, 0x41])
            .collect();
        for order in [Order::Little, Order::Big] {
            let bytes: Vec<u8> = units
                .iter()
                .flat_map(|u| {
                    if order == Order::Little {
                        u.to_le_bytes()
                    } else {
                        u.to_be_bytes()
                    }
                })
                .chain([7])
                .collect();
            for pieces in [1, 2, 3, 1000] {
                let (mut decoder, mut encoder) = (Decoder::new(order), Encoder::new(order));
                let (mut text, mut back) = (Vec::new(), Vec::new());
                for piece in bytes.chunks(pieces) {
                    text.clear();
                    decoder.feed(piece, &mut text);
                    encoder.feed(&text, &mut back);
                }
                text.clear();
                let odd = decoder.finish(&mut text);
                encoder.feed(&text, &mut back);
                encoder.finish(&mut back);
                back.extend(odd);
                assert!(back == bytes);
            }
        }
    }
}
