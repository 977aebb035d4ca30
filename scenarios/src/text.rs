//! Bytes as the table describes them: text, a list of texts, or one that an encoder makes when the table is read.
//!
//! Compressed bytes in a file would be unreadable and hold secrets in a form that no reviewer sees.

use std::io::Read;

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use flate2::Compression;
use flate2::bufread::{DeflateEncoder, GzEncoder, ZlibEncoder};
use serde::Deserialize;

use crate::plants::Fill;

/// A description of bytes.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Text {
    /// As it stands, with secrets put in.
    Plain(String),
    /// One after the other.
    Parts(Vec<Text>),
    /// What an encoder makes.
    Made(Box<Made>),
}

/// Encoders. Each takes a text; those that need more take a table.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Made {
    /// One member.
    Gzip(Text),
    /// RFC 1951 without a wrapper.
    Deflate(Text),
    /// RFC 1950.
    Zlib(Text),
    /// Brotli.
    Br(Text),
    /// One frame.
    Zstd(Text),
    /// With padding, on one line.
    Base64(Text),
    /// Without padding, on one line.
    Base64url(Text),
    /// UTF-16, little-endian, with a byte order mark.
    Utf16le(Text),
    /// UTF-16, big-endian, with a byte order mark.
    Utf16be(Text),
    /// Pairs of hexadecimal digits; white space between them.
    Hex(String),
    /// The same text many times.
    Repeat {
        /// The text.
        text: Text,
        /// How often.
        times: usize,
    },
    /// The text without its last bytes.
    Cut {
        /// The text.
        text: Text,
        /// How many bytes go.
        last: usize,
    },
    /// The text with one byte, counted from the end, other than it was.
    Damaged {
        /// The text.
        text: Text,
        /// Which byte.
        last: usize,
    },
    /// A gRPC message.
    Grpc(Text),
    /// A gRPC message whose compressed flag is set.
    GrpcPacked(Text),
    /// The last message of Connect, which says how it ended.
    ConnectEnd(Text),
    /// gRPC-Web's frame of trailers.
    GrpcTrailers(Text),
    /// A protobuf field of wire type 2, number 1.
    Field(Text),
    /// A WebSocket text message in one frame, unmasked.
    WsText(Text),
    /// A WebSocket binary message in one frame, unmasked.
    WsBinary(Text),
}

impl Text {
    /// The bytes.
    ///
    /// # Errors
    /// A name in it is unknown, or an encoder fails.
    pub fn bytes(&self, fill: &Fill) -> Result<Vec<u8>> {
        match self {
            Self::Plain(text) => fill.text(text),
            Self::Parts(parts) => {
                let parts: Result<Vec<_>> = parts.iter().map(|part| part.bytes(fill)).collect();
                Ok(parts?.concat())
            }
            Self::Made(made) => made.bytes(fill),
        }
    }
}

impl Made {
    fn bytes(&self, fill: &Fill) -> Result<Vec<u8>> {
        let of = |text: &Text| text.bytes(fill);
        let level = Compression::default();
        Ok(match self {
            Self::Gzip(text) => all(GzEncoder::new(&of(text)?[..], level))?,
            Self::Deflate(text) => all(DeflateEncoder::new(&of(text)?[..], level))?,
            Self::Zlib(text) => all(ZlibEncoder::new(&of(text)?[..], level))?,
            Self::Br(text) => all(brotli::CompressorReader::new(&of(text)?[..], 4096, 5, 22))?,
            Self::Zstd(text) => zstd::encode_all(&of(text)?[..], 0)?,
            Self::Base64(text) => STANDARD.encode(of(text)?).into_bytes(),
            Self::Base64url(text) => URL_SAFE_NO_PAD.encode(of(text)?).into_bytes(),
            Self::Utf16le(text) => wide(&of(text)?, u16::to_le_bytes),
            Self::Utf16be(text) => wide(&of(text)?, u16::to_be_bytes),
            Self::Hex(digits) => {
                let digits: Vec<char> = digits.chars().filter(|c| !c.is_whitespace()).collect();
                let pair = |pair: &[char]| u8::from_str_radix(&pair.iter().collect::<String>(), 16);
                digits
                    .chunks(2)
                    .map(pair)
                    .collect::<Result<_, _>>()
                    .context("not hexadecimal")?
            }
            Self::Repeat { text, times } => of(text)?.repeat(*times),
            Self::Cut { text, last } => {
                let mut bytes = of(text)?;
                bytes.truncate(bytes.len().saturating_sub(*last));
                bytes
            }
            Self::Damaged { text, last } => {
                let mut bytes = of(text)?;
                let at = bytes.len().checked_sub(*last).context("no such byte")?;
                *bytes.get_mut(at).context("no such byte")? ^= 0xff;
                bytes
            }
            Self::Grpc(text) => frame(0, &of(text)?)?,
            Self::GrpcPacked(text) => frame(1, &of(text)?)?,
            Self::ConnectEnd(text) => frame(2, &of(text)?)?,
            Self::GrpcTrailers(text) => frame(0x80, &of(text)?)?,
            Self::Field(text) => {
                let text = of(text)?;
                let (low, high) = (text.len() & 0x7f, text.len() >> 7);
                let length = if high == 0 { vec![low] } else { vec![low | 0x80, high] };
                let length: Result<Vec<u8>, _> = length.into_iter().map(u8::try_from).collect();
                [&[10], &length.context("a field that is too long")?[..], &text].concat()
            }
            Self::WsText(text) => websocket(0x81, &of(text)?)?,
            Self::WsBinary(text) => websocket(0x82, &of(text)?)?,
        })
    }
}

fn all(mut from: impl Read) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    from.read_to_end(&mut out)?;
    Ok(out)
}

fn wide(text: &[u8], bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    let text = String::from_utf8_lossy(text);
    let units = "\u{feff}".encode_utf16().chain(text.encode_utf16());
    units.flat_map(bytes).collect()
}

fn frame(flag: u8, message: &[u8]) -> Result<Vec<u8>> {
    let length = u32::try_from(message.len())?;
    Ok([&[flag], &length.to_be_bytes()[..], message].concat())
}

fn websocket(first: u8, message: &[u8]) -> Result<Vec<u8>> {
    let head = match u8::try_from(message.len()) {
        Ok(length) if length < 126 => vec![first, length],
        _ => [&[first, 126], &u16::try_from(message.len())?.to_be_bytes()[..]].concat(),
    };
    Ok([head, message.to_vec()].concat())
}
