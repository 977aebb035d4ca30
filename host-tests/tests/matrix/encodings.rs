//! The ways in which a secret is spelt, one function each, and the client's way back to the text.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

/// What is encoded: the secret where it stands, or the whole body.
#[derive(Clone, Copy)]
pub enum Encoding {
    /// The secret alone.
    Secret(fn(&str) -> String),
    /// The body, and what `content-encoding` says of it.
    Body(fn(&[u8]) -> Vec<u8>, &'static str),
}

/// All of them, by name.
pub const ALL: &[(&str, Encoding)] = &[
    ("raw", Encoding::Secret(str::to_owned)),
    ("JSON `\\u`, each character", Encoding::Secret(|s| escapes(s, 1, "\\u"))),
    ("JSON `\\u`, every third", Encoding::Secret(|s| escapes(s, 3, "\\u"))),
    ("JSON `\\/`", Encoding::Secret(|s| s.replace('/', "\\/"))),
    (
        "JSON in JSON",
        Encoding::Secret(|s| escapes(s, 3, "\\\\u").replace('/', "\\\\/")),
    ),
    ("percent, reserved", Encoding::Secret(|s| percent(s, false))),
    ("percent, each character", Encoding::Secret(|s| percent(s, true))),
    ("percent twice", Encoding::Secret(|s| percent(&percent(s, true), false))),
    (
        "HTML `&#58;`",
        Encoding::Secret(|s| references(s, |c| format!("&#{};", u32::from(c)))),
    ),
    (
        "HTML `&#x3a;`",
        Encoding::Secret(|s| references(s, |c| format!("&#x{:x};", u32::from(c)))),
    ),
    ("HTML `&colon;`", Encoding::Secret(named)),
    (
        "base64, phase 0",
        Encoding::Secret(|s| STANDARD.encode(format!("k: {s}\nend\n"))),
    ),
    (
        "base64, phase 1",
        Encoding::Secret(|s| STANDARD.encode(format!("ky: {s}\nend\n"))),
    ),
    (
        "base64, phase 2",
        Encoding::Secret(|s| STANDARD.encode(format!("key: {s}\nend\n"))),
    ),
    (
        "base64url",
        Encoding::Secret(|s| URL_SAFE_NO_PAD.encode(format!("key?> {s}\nend\n"))),
    ),
    ("UTF-16LE", Encoding::Body(|b| wide(b, u16::to_le_bytes), "")),
    ("UTF-16BE", Encoding::Body(|b| wide(b, u16::to_be_bytes), "")),
    ("gzip", Encoding::Body(gzip, "gzip")),
    ("deflate", Encoding::Body(deflate, "deflate")),
    ("br", Encoding::Body(brotli, "br")),
    ("zstd", Encoding::Body(|b| zstd::encode_all(b, 3).unwrap(), "zstd")),
];

fn escapes(text: &str, every: usize, begin: &str) -> String {
    let one = |(i, c): (usize, char)| match i % every {
        0 => format!("{begin}{:04x}", u32::from(c)),
        _ => c.to_string(),
    };
    text.chars().enumerate().map(one).collect()
}

fn percent(text: &str, all: bool) -> String {
    let one = |b: u8| match b {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' if !all => char::from(b).to_string(),
        _ => format!("%{b:02X}"),
    };
    text.bytes().map(one).collect()
}

fn references(text: &str, one: impl Fn(char) -> String) -> String {
    text.chars().map(one).collect()
}

fn named(text: &str) -> String {
    let one = |c| match c {
        ':' => "&colon;".to_owned(),
        '/' => "&sol;".to_owned(),
        '@' => "&commat;".to_owned(),
        '_' => "&lowbar;".to_owned(),
        '-' => "&#45;".to_owned(),
        _ => c.to_string(),
    };
    text.chars().map(one).collect()
}

fn wide(body: &[u8], bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    let text = String::from_utf8_lossy(body);
    "\u{feff}"
        .encode_utf16()
        .chain(text.encode_utf16())
        .flat_map(bytes)
        .collect()
}

pub fn gzip(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    std::io::Read::read_to_end(
        &mut flate2::bufread::GzEncoder::new(body, flate2::Compression::default()),
        &mut out,
    )
    .unwrap();
    out
}

fn deflate(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    std::io::Read::read_to_end(
        &mut flate2::bufread::ZlibEncoder::new(body, flate2::Compression::default()),
        &mut out,
    )
    .unwrap();
    out
}

fn brotli(mut body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    brotli::BrotliCompress(&mut body, &mut out, &brotli::enc::BrotliEncoderParams::default()).unwrap();
    out
}

/// All that a client could make of some bytes by undoing encodings up to `depth` times.
pub fn readings(bytes: &[u8], depth: usize) -> Vec<Vec<u8>> {
    let mut all = vec![bytes.to_vec()];
    let mut from = 0;
    for _ in 0..depth {
        let to = all.len();
        for i in from..to {
            let bytes = all[i].clone();
            let undone = [
                unescaped(&bytes),
                unpercent(&bytes),
                unreferenced(&bytes),
                narrowed(&bytes),
                unzipped(&bytes),
            ];
            all.extend(undone.into_iter().filter(|u| *u != bytes && !u.is_empty()));
            all.extend(runs(&bytes));
        }
        from = to;
    }
    all
}

fn unescaped(bytes: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(bytes);
    let mut out = String::new();
    let mut rest = text.as_ref();
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        let unit = rest
            .strip_prefix('u')
            .and_then(|r| r.get(..4))
            .and_then(|h| u32::from_str_radix(h, 16).ok());
        match (c, unit, rest.chars().next()) {
            ('\\', Some(unit), _) => {
                out.extend(char::from_u32(unit));
                rest = &rest[5..];
            }
            ('\\', None, Some('/' | '\\' | '"')) => {}
            _ => out.push(c),
        }
    }
    out.into_bytes()
}

fn unpercent(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut i = 0;
    while let Some(b) = bytes.get(i) {
        let hex = bytes.get(i + 1..i + 3).and_then(|h| std::str::from_utf8(h).ok());
        match hex.and_then(|h| u8::from_str_radix(h, 16).ok()).filter(|_| *b == b'%') {
            Some(byte) => {
                out.push(byte);
                i += 3;
            }
            None => {
                out.push(*b);
                i += 1;
            }
        }
    }
    out
}

fn unreferenced(bytes: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(bytes);
    let mut parts = text.split('&');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once(';').unwrap_or(("", part));
        let c = match name {
            "colon" => Some(':'),
            "sol" => Some('/'),
            "commat" => Some('@'),
            "lowbar" => Some('_'),
            _ => match name.strip_prefix("#x") {
                Some(hex) => u32::from_str_radix(hex, 16).ok(),
                None => name.strip_prefix('#').and_then(|n| n.parse().ok()),
            }
            .and_then(char::from_u32),
        };
        match c {
            Some(c) => {
                out.push(c);
                out.push_str(rest);
            }
            None => {
                out.push('&');
                out.push_str(part);
            }
        }
    }
    out.into_bytes()
}

fn narrowed(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().copied().filter(|b| *b != 0).collect()
}

pub fn unzipped(bytes: &[u8]) -> Vec<u8> {
    use std::io::Read as _;
    let mut out = Vec::new();
    let tries: [Box<dyn std::io::Read>; 4] = [
        Box::new(flate2::bufread::MultiGzDecoder::new(bytes)),
        Box::new(flate2::bufread::ZlibDecoder::new(bytes)),
        Box::new(brotli::Decompressor::new(bytes, 4096)),
        match zstd::Decoder::new(bytes) {
            Ok(decoder) => Box::new(decoder),
            Err(_) => Box::new(std::io::empty()),
        },
    ];
    for mut one in tries {
        out.clear();
        if one.by_ref().take(1 << 20).read_to_end(&mut out).is_ok() && !out.is_empty() {
            return out;
        }
    }
    Vec::new()
}

/// What long runs of base64 hold.
fn runs(bytes: &[u8]) -> Vec<Vec<u8>> {
    let is = |b: &u8| b.is_ascii_alphanumeric() || b"+/-_".contains(b);
    let long = bytes.split(|b| !is(b)).filter(|run| run.len() >= 16);
    let decode = |run: &[u8]| {
        let text: Vec<u8> = run
            .iter()
            .map(|b| match b {
                b'-' => b'+',
                b'_' => b'/',
                b => *b,
            })
            .collect();
        let whole = text.len() / 4 * 4;
        STANDARD.decode(&text[..whole]).ok()
    };
    long.filter_map(decode).collect()
}
