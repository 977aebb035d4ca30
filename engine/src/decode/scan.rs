//! JSON byte by byte, as tokens, for what follows a document without taking anything out of it.
//!
//! As forgiving as the walk for field rules (`json.rs`): a string before a colon is a key, and a line feed ends a string. That walk is not
//! built on this one, since it leaves the structure out where a field's value stands, and there is much of that.

use std::borrow::Cow;

use crate::decode::escape;
use crate::limits;

/// What a byte is, beyond what it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    /// Nothing by itself.
    None,
    /// The colon behind a key (`Scan::key`).
    Key,
    /// The quote before a text or a key.
    Text,
    /// The first byte of a number or a word.
    Bare,
    Open {
        array: bool,
    },
    Close,
    Comma,
    Line,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum At {
    #[default]
    Between,
    Text {
        escaped: bool,
    },
    AfterText,
    Bare,
}

/// The state between two bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scan {
    at: At,
    /// The string under way, or the last one.
    text: Vec<u8>,
    too_long: bool,
}

impl Scan {
    /// Memory beyond the state itself.
    pub(crate) fn bytes(&self) -> usize {
        self.text.capacity()
    }

    /// The key that was read last, as text; `None`: it is too long, or no key.
    pub(crate) fn key(&self) -> Option<Cow<'_, [u8]>> {
        if self.too_long {
            return None;
        }
        escape::key_of(&self.text)
    }

    /// Goes through a piece, and tells what is worth it: where, whether a text, number or word ended before it, and what it is.
    pub(crate) fn run(&mut self, data: &[u8], mut tell: impl FnMut(&Scan, usize, bool, Token)) {
        let mut i = 0;
        while let Some(&b) = data.get(i) {
            if self.at == (At::Text { escaped: false }) {
                // What is in a text says nothing, but for its end.
                let rest = data.get(i..).unwrap_or_default();
                let plain = memchr::memchr3(b'"', b'\\', b'\n', rest).unwrap_or(rest.len());
                if plain > 0 {
                    self.keep_all(rest.get(..plain).unwrap_or_default());
                    i += plain;
                    continue;
                }
            }
            let (ended, token) = self.step(b);
            if ended || token != Token::None {
                tell(self, i, ended, token);
            }
            i += 1;
        }
    }

    fn keep_all(&mut self, text: &[u8]) {
        let room = limits::FIELD_NAME_BYTES - self.text.len().min(limits::FIELD_NAME_BYTES);
        self.too_long |= text.len() > room;
        self.text
            .extend_from_slice(text.get(..room.min(text.len())).unwrap_or_default());
    }

    /// The next byte. The first answer: a text, number or word ended before it.
    #[inline]
    fn step(&mut self, b: u8) -> (bool, Token) {
        match self.at {
            At::Text { escaped: false } if b == b'"' => {
                self.at = At::AfterText;
                (true, Token::None)
            }
            At::Text { .. } if b == b'\n' => {
                self.at = At::Between;
                (true, Token::Line)
            }
            At::Text { escaped } => {
                self.keep(b);
                let escaped = !escaped && b == b'\\';
                self.at = At::Text { escaped };
                (false, Token::None)
            }
            At::AfterText => match b {
                b'\n' => (false, Token::Line),
                b' ' | b'\t' | b'\r' => (false, Token::None),
                b':' => {
                    self.at = At::Between;
                    (false, Token::Key)
                }
                _ => (false, self.between(b)),
            },
            At::Between => (false, self.between(b)),
            At::Bare if is_bare(b) => (false, Token::None),
            At::Bare => (true, self.between(b)),
        }
    }

    fn between(&mut self, b: u8) -> Token {
        self.at = At::Between;
        match b {
            b'"' => {
                self.text.clear();
                self.too_long = false;
                self.at = At::Text { escaped: false };
                Token::Text
            }
            b'{' | b'[' => Token::Open { array: b == b'[' },
            b'}' | b']' => Token::Close,
            b',' => Token::Comma,
            b'\n' => Token::Line,
            b if is_bare(b) => {
                self.at = At::Bare;
                Token::Bare
            }
            _ => Token::None,
        }
    }

    fn keep(&mut self, b: u8) {
        if self.text.len() < limits::FIELD_NAME_BYTES {
            self.text.push(b);
        } else {
            self.too_long = true;
        }
    }
}

fn is_bare(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.')
}
