//! Base64 around a whole body, undone and put back as it streams: `application/grpc-web-text`.
//!
//! Servers end a piece with padding wherever they like (after each message, mostly), and go on behind it. Where nothing changed, the
//! padding has to stand where it stood: its offsets are kept until what stands before them has been written. Once a length has
//! changed, they say nothing any more, and each message gets padding of its own.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use crate::Broken;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Ends of pieces that are kept: so many wait only behind a long message of tiny ones, which no server writes.
const ENDS: usize = 4 * 1024;

/// A body on its way in and out.
#[derive(Clone, Debug, Default)]
pub struct Text64 {
    /// Of a group that is not complete.
    group: Vec<u8>,
    /// Bytes that came out, and where among them pieces end that are padded.
    read: u64,
    ends: VecDeque<u64>,
    /// Bytes that went back, and those of them that make no group yet.
    written: u64,
    rest: Vec<u8>,
    /// A length has changed.
    loose: bool,
}

impl Text64 {
    /// Undoes the next bytes, and says of how many they were: what is no base64 is [`Text64::open`], with all that is left.
    pub fn decode(&mut self, input: &[u8], out: &mut Vec<u8>) -> usize {
        for (i, &b) in input.iter().enumerate() {
            if self.group.len() < 4 {
                self.group.push(b);
            }
            if self.group.len() == 4 && self.group_in(out).is_err() {
                return i + 1;
            }
        }
        input.len()
    }

    fn group_in(&mut self, out: &mut Vec<u8>) -> Result<(), Broken> {
        let [a, b, c, d] = *self.group.as_slice() else {
            return Ok(());
        };
        let value = |b: u8| match b {
            b'A'..=b'Z' => Ok(b - b'A'),
            b'a'..=b'z' => Ok(b - b'a' + 26),
            b'0'..=b'9' => Ok(b - b'0' + 52),
            b'+' => Ok(62),
            b'/' => Ok(63),
            _ => Err(Broken::Malformed),
        };
        let (x, y) = (value(a)?, value(b)?);
        // Bits that stand for nothing would be lost on the way back.
        let bytes = match (c, d) {
            (b'=', b'=') if y & 15 == 0 => &[x << 2 | y >> 4][..],
            (_, b'=') if value(c)? & 3 == 0 => &[x << 2 | y >> 4, y << 4 | value(c)? >> 2][..],
            _ => &[x << 2 | y >> 4, y << 4 | value(c)? >> 2, value(c)? << 6 | value(d)?][..],
        };
        if out.try_reserve(bytes.len()).is_err() || self.ends.len() > ENDS {
            return Err(Broken::Memory);
        }
        out.extend_from_slice(bytes);
        self.read += bytes.len() as u64;
        if d == b'=' && !self.loose {
            self.ends.push_back(self.read);
        }
        self.group.clear();
        Ok(())
    }

    /// What came is no base64 any more.
    pub fn is_broken(&self) -> bool {
        self.group.len() == 4
    }

    /// What came of a group that is not complete, or is none.
    pub fn open(&self) -> &[u8] {
        &self.group
    }

    /// The same, taken out.
    pub fn take_open(&mut self) -> Vec<u8> {
        core::mem::take(&mut self.group)
    }

    /// From here on more or fewer bytes go back than came out.
    pub fn loosen(&mut self) {
        self.loose = true;
        self.ends.clear();
    }

    /// Puts bytes back. `ends`: a message, or all of it, ends with them.
    pub fn encode(&mut self, mut bytes: &[u8], ends: bool, out: &mut Vec<u8>) {
        while let Some((first, behind)) = bytes.split_first() {
            bytes = behind;
            self.rest.push(*first);
            self.written += 1;
            let padded = self.ends.pop_front_if(|end| *end <= self.written).is_some();
            if self.rest.len() == 3 || padded {
                self.group_out(out);
            }
        }
        if ends && self.loose {
            self.group_out(out);
        }
    }

    /// The body ends: what makes no group is padded.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        self.group_out(out);
    }

    fn group_out(&mut self, out: &mut Vec<u8>) {
        let at = |i: usize| u32::from(self.rest.get(i).copied().unwrap_or(0));
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for i in 0..4usize {
            let symbol = ALPHABET.get((bits >> (18 - 6 * i) & 63) as usize).copied();
            match self.rest.len() {
                0 => {}
                n if i <= n => out.extend(symbol),
                _ => out.push(b'='),
            }
        }
        self.rest.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn through(text: &[u8], size: usize) -> Result<(Vec<u8>, Vec<u8>), Broken> {
        let (mut way, mut all, mut back) = (Text64::default(), Vec::new(), Vec::new());
        for chunk in text.chunks(size) {
            let mut bytes = Vec::new();
            way.decode(chunk, &mut bytes);
            if way.is_broken() {
                return Err(Broken::Malformed);
            }
            way.encode(&bytes, false, &mut back);
            all.extend(bytes);
        }
        way.finish(&mut back);
        back.extend_from_slice(way.open());
        Ok((all, back))
    }

    #[test]
    fn padding_stays_where_it_stood() {
        for (text, bytes) in [
            ("", ""),
            ("YWJj", "abc"),
            ("YQ==YmM=ZGVm", "abcdef"),
            ("YWI=", "ab"),
            ("YQ==YQ==", "aa"),
            ("YWJjZ", "abc"),
        ] {
            for size in 1..=text.len().max(1) {
                let want = (bytes.as_bytes().to_vec(), text.as_bytes().to_vec());
                assert_eq!(through(text.as_bytes(), size), Ok(want), "{text} {size}");
            }
        }
        for broken in ["YW Jj", "YQ=a", "=AAA", "YR==", "YWK=YWJ=", "Y===", "----"] {
            assert!(through(broken.as_bytes(), 3).is_err(), "{broken}");
        }
    }

    #[test]
    fn once_a_length_has_changed_messages_are_padded() {
        let (mut way, mut bytes, mut out) = (Text64::default(), Vec::new(), Vec::new());
        assert_eq!(way.decode(b"YQ==YmM=ZGVm", &mut bytes), 12);
        way.loosen();
        way.encode(b"abcd", true, &mut out);
        way.encode(b"e", true, &mut out);
        assert_eq!(out, b"YWJjZA==ZQ==");
    }
}
