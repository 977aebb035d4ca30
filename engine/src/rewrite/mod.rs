//! Step four, Verdict → Edit: what stands in place of a secret.
//!
//! Every replacement is visible ASCII without quotes, backslashes, angle brackets, line ends, commas or semicolons,
//! so that it can stand in a JSON string, HTML, XML, a cookie and a header alike.

/// What is done with a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// `[REDACTED:detector-id]`
    #[default]
    Label,
    /// A `*` for every byte: the length stays.
    Mask,
    /// Nothing.
    Remove,
}

impl Action {
    /// As written in policies and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Action::Label => "label",
            Action::Mask => "mask",
            Action::Remove => "remove",
        }
    }
}

/// Where the replacement will stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Context {
    /// Inside text of any kind.
    Inline,
    /// In place of a whole JSON value that is not a string.
    JsonValue,
    /// Inside a JSON number so long that its beginning has left: only digits keep it a number.
    Digits,
    /// Inside base64: the text is written anew by others, and this is only what was found there.
    Inside,
}

/// A change to the input. Offsets point into the INPUT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Edit {
    pub(crate) start: u64,
    pub(crate) end: u64,
    /// Index of the detector, or of the field rule (`Source`).
    pub(crate) source: Source,
    pub(crate) action: Action,
    pub(crate) context: Context,
    /// It goes on where the edit before it ended, and puts nothing of its own there.
    pub(crate) continues: bool,
}

/// What asked for an edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Source {
    Field(u16),
    Detector(u16),
}

/// Writes the replacement for a stretch of `len` bytes. `before` is the byte in front of it.
pub(crate) fn replacement(action: Action, context: Context, id: &str, len: u64, before: Option<u8>, out: &mut Vec<u8>) {
    match (action, context) {
        (_, Context::Inside) => {}
        (_, Context::Digits) => out.resize(out.len().saturating_add(usize::try_from(len).unwrap_or(0)), b'1'),
        (Action::Label, Context::Inline) => label(id, out),
        (Action::Label, Context::JsonValue) => {
            out.push(b'"');
            label(id, out);
            out.push(b'"');
        }
        (Action::Mask, Context::Inline) => stars(len, out),
        (Action::Mask, Context::JsonValue) => out.extend_from_slice(b"\"********\""),
        // What stood apart must not become one word: two harmless halves could make a secret.
        (Action::Remove, Context::Inline) if before.is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_') => {
            out.push(b'*')
        }
        (Action::Remove, Context::Inline) => {}
        (Action::Remove, Context::JsonValue) => out.extend_from_slice(b"null"),
    }
}

pub(crate) fn stars(len: u64, out: &mut Vec<u8>) {
    out.resize(out.len().saturating_add(usize::try_from(len).unwrap_or(0)), b'*');
}

fn label(id: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b"[REDACTED:");
    out.extend_from_slice(id.as_bytes());
    out.push(b']');
}
