//! Messages in a body, each behind five bytes: a flag and its length as a big-endian u32. So gRPC has it, gRPC-Web and Connect.
//!
//! A reader of steps, without a buffer: what stands between two heads is lent as it came, however it was cut.

/// The flag's bit that says that a message is compressed.
pub const COMPRESSED: u8 = 1;

/// What stands before a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// Bits: see [`COMPRESSED`]; others tell trailers (gRPC-Web: 128) or the end (Connect: 2).
    pub flags: u8,
    /// The message's bytes.
    pub length: u32,
}

impl Head {
    /// As it stands in a body.
    pub fn bytes(self) -> [u8; 5] {
        let [a, b, c, d] = self.length.to_be_bytes();
        [self.flags, a, b, c, d]
    }
}

/// What the next bytes of a body are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A part of a head.
    Head,
    /// The rest of a head.
    Begins(Head),
    /// A part of a message.
    Inside,
}

/// Where in a body of messages its reader is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Frames {
    head: [u8; 5],
    have: usize,
    left: u32,
}

impl Frames {
    /// How many of these bytes belong together, and what they are. Behind each message [`Frames::between`] is true once.
    pub fn step(&mut self, input: &[u8]) -> (usize, Step) {
        if self.left > 0 {
            let n = usize::try_from(self.left).unwrap_or(usize::MAX).min(input.len());
            self.left -= u32::try_from(n).unwrap_or(self.left);
            return (n, Step::Inside);
        }
        let missing = self.head.get_mut(self.have..).unwrap_or_default();
        let n = missing.len().min(input.len());
        for (slot, b) in missing.iter_mut().zip(input) {
            *slot = *b;
        }
        self.have += n;
        if self.have < self.head.len() {
            return (n, Step::Head);
        }
        let [flags, a, b, c, d] = self.head;
        let length = u32::from_be_bytes([a, b, c, d]);
        (self.have, self.left) = (0, length);
        (n, Step::Begins(Head { flags, length }))
    }

    /// Nothing of a message or of a head is open.
    pub fn between(&self) -> bool {
        self.left == 0 && self.have == 0
    }

    /// A head has begun: so many bytes of it have come.
    pub fn of_head(&self) -> &[u8] {
        self.head.get(..self.have).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_apart_however_they_are_cut() {
        let heads = [(0, 3), (1, 0), (128, 2)].map(|(flags, length)| Head { flags, length });
        let mut body = Vec::new();
        for head in heads {
            body.extend(head.bytes());
            body.extend(vec![7; head.length as usize]);
        }
        for size in 1..=body.len() {
            let (mut frames, mut begun, mut inside, mut ended) = (Frames::default(), Vec::new(), 0, 0);
            for mut chunk in body.chunks(size) {
                while !chunk.is_empty() {
                    let (n, step) = frames.step(chunk);
                    assert!(n > 0, "{size}");
                    match step {
                        Step::Head => assert!(!frames.between() && !frames.of_head().is_empty()),
                        Step::Begins(head) => begun.push(head),
                        Step::Inside => inside += n,
                    }
                    ended += usize::from(frames.between());
                    chunk = &chunk[n..];
                }
            }
            assert_eq!((begun.as_slice(), inside, ended), (&heads[..], 5, 3), "{size}");
        }
    }
}
