//! The set as it travels: JSON, with the records packed inside, because 120,000 objects would take a parser seconds.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::key::is_sealed;
use crate::record::{RECORD, Record};

/// What `format` says.
pub const FORMAT: &str = "keepmum-known/1";

/// The largest set that is read.
pub const MOST_BYTES: usize = 12 * 1024 * 1024;

/// The most forms in one.
pub const MOST_FORMS: usize = 200_000;

/// The longest id, version or name of a form.
const NAME_BYTES: usize = 256;

/// Secrets by their ids, and the forms of all of them.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Set {
    /// Which format this is: `keepmum-known/1`.
    pub(crate) format: String,
    /// Only grows: an older one is never taken for a newer.
    pub(crate) version: u64,
    /// Hexadecimal digits, 16 bytes or more.
    pub(crate) salt: String,
    /// When it was made, in seconds since 1970.
    pub(crate) issued: u64,
    /// What the secrets are called.
    pub(crate) secrets: Vec<Secret>,
    /// What the forms are called.
    pub(crate) forms: Vec<String>,
    /// The bytes that stand in a form up to five behind its gates' beginning: one bit each, in hexadecimal digits.
    pub(crate) prefix: String,
    /// Records of 36 bytes in base64.
    pub(crate) records: String,
}

/// A secret, without its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Secret {
    /// Where it is kept: `vault:kv/payments/db#password`.
    pub id: String,
    /// Which version of it, as its source counts.
    pub version: String,
    /// Whether it is in use.
    pub stage: Stage,
}

/// Whether a value is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// It is.
    Current,
    /// It was.
    Previous,
    /// It will be.
    Pending,
}

impl Stage {
    /// As it stands in the set, metrics and audits.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Current => "current",
            Stage::Previous => "previous",
            Stage::Pending => "pending",
        }
    }
}

/// Why a set is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// It is larger than [`MOST_BYTES`] or has more than [`MOST_FORMS`].
    TooLarge,
    /// Its seal is missing or wrong: the keys differ, or somebody changed it.
    Seal,
    /// It is no JSON, or lacks a field, or has one too many.
    Schema,
    /// Its format is another one.
    Format,
    /// A record, the salt or the prefix says what cannot be.
    Record,
    /// The key is too short.
    Key,
    /// Its version is not newer than the one at hand.
    Version,
    /// There is no memory for it.
    Memory,
}

impl Error {
    /// A word for metrics and logs.
    pub fn reason(self) -> &'static str {
        match self {
            Error::TooLarge => "too_large",
            Error::Seal => "seal",
            Error::Schema => "schema",
            Error::Format => "format",
            Error::Record => "record",
            Error::Key => "key",
            Error::Version => "version",
            Error::Memory => "memory",
        }
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.reason())
    }
}

impl std::error::Error for Error {}

/// Whether there may be so many forms, each a size of its own.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) version: u64,
    pub(crate) issued: u64,
    pub(crate) salt: Vec<u8>,
    pub(crate) secrets: Vec<Secret>,
    pub(crate) forms: Vec<String>,
    pub(crate) prefix: [u64; 4],
    /// Whole records.
    pub(crate) records: Vec<u8>,
}

/// Borrowed where it is large: the set need not be in memory twice.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire<'a> {
    #[serde(borrow)]
    format: &'a str,
    version: u64,
    salt: &'a str,
    issued: u64,
    secrets: Vec<Secret>,
    forms: Vec<String>,
    prefix: &'a str,
    records: &'a str,
}

/// Checks the seal, the size, the schema and every record.
pub(crate) fn open(shared: &[u8], body: &[u8], seal: &str) -> Result<Opened, Error> {
    if body.len() > MOST_BYTES {
        return Err(Error::TooLarge);
    }
    let mac = seal.strip_prefix("hmac-sha256=").and_then(unhex).ok_or(Error::Seal)?;
    if !is_sealed(shared, body, &mac) {
        return Err(Error::Seal);
    }
    let wire: Wire<'_> = serde_json::from_slice(body).map_err(|_| Error::Schema)?;
    if wire.format != FORMAT {
        return Err(Error::Format);
    }
    let named = |name: &str| !name.is_empty() && name.len() <= NAME_BYTES && !name.contains(char::is_control);
    let named = wire
        .secrets
        .iter()
        .all(|s| named(&s.id) && s.version.len() <= NAME_BYTES)
        && wire.forms.len() <= 256
        && wire.forms.iter().all(|f| named(f));
    let salt = unhex(wire.salt).filter(|s| (16..=64).contains(&s.len()));
    let prefix = unhex(wire.prefix).filter(|p| p.len() == 32);
    let (true, Some(salt), Some(prefix)) = (named, salt, prefix) else {
        return Err(Error::Record);
    };
    // Four characters for each three bytes.
    let size = wire.records.len() / 4 * 3;
    if size > MOST_FORMS * RECORD + 3 {
        return Err(Error::TooLarge);
    }
    let mut records = Vec::new();
    records.try_reserve_exact(size + 3).map_err(|_| Error::Memory)?;
    STANDARD
        .decode_vec(wire.records, &mut records)
        .map_err(|_| Error::Record)?;
    let (whole, rest) = records.as_chunks::<RECORD>();
    let known = |r: &[u8; RECORD]| {
        let record = Record::read(r);
        record.is_some_and(|r| (r.secret as usize) < wire.secrets.len() && usize::from(r.form) < wire.forms.len())
    };
    if !rest.is_empty() || whole.len() > MOST_FORMS || !whole.iter().all(known) {
        return Err(Error::Record);
    }
    let mut words = [0; 4];
    for (word, bytes) in words.iter_mut().zip(prefix.chunks_exact(8)) {
        *word = bytes.iter().rev().fold(0, |w, b| w << 8 | u64::from(*b));
    }
    Ok(Opened {
        version: wire.version,
        issued: wire.issued,
        salt,
        secrets: wire.secrets,
        forms: wire.forms,
        prefix: words,
        records,
    })
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let digit = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok());
    let bytes = pairs.iter().map(|[a, b]| Some(digit(*a)? << 4 | digit(*b)?));
    bytes.collect::<Option<Vec<_>>>().filter(|_| rest.is_empty())
}

#[cfg(feature = "publish")]
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |d: u8| char::from(b"0123456789abcdef"[usize::from(d & 15)]);
    bytes.iter().flat_map(|b| [digit(b >> 4), digit(*b)]).collect()
}

impl Set {
    /// As it is sent, and what its header [`crate::MAC_HEADER`] says.
    #[cfg(feature = "publish")]
    pub fn seal(&self, shared: &[u8]) -> Result<(Vec<u8>, String), serde_json::Error> {
        let body = serde_json::to_vec(self)?;
        let seal = format!("hmac-sha256={}", hex(&crate::mac(shared, &body)));
        Ok((body, seal))
    }

    /// Its version.
    pub fn version(&self) -> u64 {
        self.version
    }
}
