//! What stands at a part's head: headers as of mail (RFC 5322), in one block.

use std::ops::Range;

use crate::content;
use crate::decode::escape::{self, Reading};
use crate::decode::pairs;

/// What the headers of a part say of how it is read.
#[derive(Debug, Default)]
pub(crate) struct Head {
    /// The part's name, if a rule is for it.
    pub(crate) rule: Option<u16>,
    /// All of its names, in lower case.
    pub(crate) names: Vec<Vec<u8>>,
    /// Empty: none, or several.
    pub(crate) content_type: Vec<u8>,
    /// It is compressed.
    pub(crate) coded: bool,
    /// It is base64 or quoted-printable.
    pub(crate) transfer_coded: bool,
    /// A header counts the part's bytes.
    pub(crate) counted: bool,
    /// Values of headers that rules are for, as places in the block.
    pub(crate) values: Vec<(Range<usize>, u16)>,
}

/// Headers that say how a part is read: no rule is for them.
const FRAMING: &[&[u8]] = &[
    b"content-disposition",
    b"content-encoding",
    b"content-length",
    b"content-range",
    b"content-transfer-encoding",
    b"content-type",
];

impl Head {
    /// Reads a block. `rule` names the rule for a name.
    pub(crate) fn read(block: &[u8], rule: impl Fn(&[u8]) -> Option<u16>) -> Head {
        let mut head = Head::default();
        let mut types = 0;
        for line in lines(block) {
            let text = block.get(line.clone()).unwrap_or_default();
            let Some(colon) = memchr::memchr(b':', text) else {
                continue;
            };
            let (name, value) = text.split_at(colon);
            let name = name.trim_ascii().to_ascii_lowercase();
            let front = value.len() - value.get(1..).unwrap_or_default().trim_ascii_start().len();
            let value = value.get(front..).unwrap_or_default().trim_ascii_end();
            let from = line.start + colon + front;
            match name.as_slice() {
                b"content-type" => {
                    types += 1;
                    head.content_type = value.to_vec();
                }
                b"content-disposition" => head.names.append(&mut names(value)),
                b"content-encoding" => head.coded |= !value.is_empty() && !value.eq_ignore_ascii_case(b"identity"),
                b"content-transfer-encoding" => {
                    let plain: &[&[u8]] = &[b"7bit", b"8bit", b"binary", b""];
                    head.transfer_coded |= !plain.iter().any(|p| value.eq_ignore_ascii_case(p));
                }
                b"content-length" | b"content-range" => head.counted = true,
                _ => {}
            }
            if let Some(rule) = rule(&name).filter(|_| !FRAMING.contains(&name.as_slice()) && !value.is_empty()) {
                head.values.push((from..from + value.len(), rule));
            }
        }
        head.rule = head.names.iter().find_map(|name| pairs::rule_for(name, &rule));
        if types != 1 {
            head.content_type.clear();
        }
        head
    }
}

/// The lines of a block, each with those that continue it.
fn lines(block: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let from = at;
        while at < block.len() {
            at = memchr::memchr(b'\n', block.get(at..)?).map_or(block.len(), |n| at + n + 1);
            if !matches!(block.get(at), Some(b' ' | b'\t')) {
                break;
            }
        }
        (from < at).then_some(from..at)
    })
}

/// The names that a `Content-Disposition` gives, or their encoded forms (RFC 8187).
fn names(value: &[u8]) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for (name, text) in content::params(value) {
        let text = match name.as_slice() {
            b"name" => text.as_slice(),
            b"name*" => text.splitn(3, |b| *b == b'\'').nth(2).unwrap_or_default(),
            _ => continue,
        };
        // Browsers percent-encode quotes and line breaks.
        let reading = Reading {
            percent: 1,
            references: false,
        };
        let name = escape::text_of(text, reading).to_ascii_lowercase();
        all.push(name);
    }
    all
}
