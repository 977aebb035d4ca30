//! JSON documents from a file, and a cursor into them whose errors name the file and the field.
//!
//! Not `#[derive(Deserialize)]`: serde tells a line and a column, and in a HAR file that is one line of twelve
//! megabytes "column 8123377" helps nobody. Foreign formats also have optional fields under two spellings.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, Result, anyhow, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// Bytes of one file. Its tree, its exchanges and what came of them are in memory together, some five times as much.
pub(super) const FILE_BYTES: u64 = 256 * 1024 * 1024;

/// Every JSON document in a file: one, one per line, or one after another. Deeper than 128 levels is an error of the reader.
pub(super) fn documents(path: &Path) -> Result<Vec<Value>> {
    let file = File::open(path).with_context(|| path.display().to_string())?;
    let mut bytes = Vec::new();
    // Read no more than that: a pipe states no length.
    let stated = file.metadata().map_or(0, |about| about.len());
    if stated <= FILE_BYTES {
        let read = file.take(FILE_BYTES + 1).read_to_end(&mut bytes);
        read.with_context(|| path.display().to_string())?;
    }
    if stated.max(bytes.len() as u64) > FILE_BYTES {
        bail!("{}: larger than {} MiB; split it", path.display(), FILE_BYTES >> 20);
    }
    // A byte order mark is common in files that were exported on Windows.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    serde_json::Deserializer::from_slice(bytes)
        .into_iter()
        .enumerate()
        .map(|(index, document)| {
            document.with_context(|| format!("{}: document {}: not JSON", path.display(), index + 1))
        })
        .collect()
}

/// A value, and the path that led to it.
#[derive(Clone)]
pub(super) struct At<'a> {
    file: &'a Path,
    field: String,
    value: &'a Value,
}

impl<'a> At<'a> {
    /// The top of a document.
    pub(super) fn root(file: &'a Path, field: impl Into<String>, value: &'a Value) -> Self {
        Self {
            file,
            field: field.into(),
            value,
        }
    }

    /// An error about this field.
    pub(super) fn error(&self, why: impl std::fmt::Display) -> anyhow::Error {
        let colon = if self.field.is_empty() { "" } else { ": " };
        anyhow!("{}: {}{colon}{why}", self.file.display(), self.field)
    }

    fn expected(&self, what: &str) -> anyhow::Error {
        let found = match self.value {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "a string",
            Value::Array(_) => "a list",
            Value::Object(_) => "an object",
        };
        self.error(format_args!("expected {what}, found {found}"))
    }

    /// The first of these members that is there and not null. Several: one name, as different writers spell it.
    pub(super) fn maybe(&self, names: &[&str]) -> Result<Option<At<'a>>> {
        let object = self.value.as_object().ok_or_else(|| self.expected("an object"))?;
        Ok(names.iter().find_map(|name| {
            let value = object.get(*name).filter(|value| !value.is_null())?;
            Some(At::root(self.file, self.joined(name), value))
        }))
    }

    /// The same, where it must be there.
    pub(super) fn get(&self, names: &[&str]) -> Result<At<'a>> {
        self.maybe(names)?.ok_or_else(|| {
            let name = names.first().copied().unwrap_or_default();
            At::root(self.file, self.joined(name), self.value).error("missing")
        })
    }

    /// The elements of a list.
    pub(super) fn list(&self) -> Result<Vec<At<'a>>> {
        let list = self.value.as_array().ok_or_else(|| self.expected("a list"))?;
        let element = |(index, value)| At::root(self.file, format!("{}[{index}]", self.field), value);
        Ok(list.iter().enumerate().map(element).collect())
    }

    /// The names of an object's members.
    pub(super) fn keys(&self) -> Result<Vec<&'a str>> {
        let object = self.value.as_object().ok_or_else(|| self.expected("an object"))?;
        Ok(object.keys().map(String::as_str).collect())
    }

    /// A string.
    pub(super) fn text(&self) -> Result<&'a str> {
        self.value.as_str().ok_or_else(|| self.expected("a string"))
    }

    /// A string of base64, decoded.
    pub(super) fn base64(&self) -> Result<Vec<u8>> {
        STANDARD
            .decode(self.text()?)
            .map_err(|why| self.error(format_args!("not base64: {why}")))
    }

    /// A boolean.
    pub(super) fn boolean(&self) -> Result<bool> {
        self.value.as_bool().ok_or_else(|| self.expected("true or false"))
    }

    /// An integer.
    pub(super) fn integer(&self) -> Result<i64> {
        self.value.as_i64().ok_or_else(|| self.expected("an integer"))
    }

    /// The value itself.
    pub(super) fn value(&self) -> &'a Value {
        self.value
    }

    fn joined(&self, name: &str) -> String {
        if self.field.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.field)
        }
    }
}
