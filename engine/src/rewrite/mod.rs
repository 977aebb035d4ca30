//! Step four, Verdict → Edit: what stands in place of a secret.
//!
//! Every replacement is visible ASCII without quotes, backslashes, angle brackets, line ends, commas or semicolons,
//! so that it can stand in a JSON string, HTML, XML, a cookie and a header alike.
//!
//! An [`Action`] is small and is copied into every edit; what it needs beyond that (templates, keys, replies) is kept by
//! the engine under a number ([`Means`]). What an action needs of the value ([`Form`]) is made when the value is decoded
//! and judged, since at the end, where edits become bytes, nobody knows any more how it was spelt.

mod action;
mod defang;
mod form;
mod mask;
mod tag;
mod template;

pub use action::{Action, Reply};
pub(crate) use action::{Means, need_care};
pub(crate) use defang::{Defang, is_unsigned, user_info};
pub(crate) use form::Form;
pub use mask::Mask;
pub(crate) use mask::{KEPT, is_kept, is_masked};
pub(crate) use tag::Key;
pub(crate) use template::{Template, is_in_tag, is_tag};

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
    pub(crate) form: Form,
    /// How often percent-encoding was undone in the text in which it was found.
    pub(crate) percent: u8,
    pub(crate) context: Context,
    /// It goes on where the edit before it ended, and puts nothing of its own there.
    pub(crate) continues: bool,
}

impl Edit {
    /// It puts something in the place of a stretch.
    pub(crate) fn replaces(&self) -> bool {
        !self.continues && self.context != Context::Inside && self.action != Action::Report
    }
}

/// What asked for an edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Source {
    Field(u16),
    Detector(u16),
    /// A fingerprint.
    Known(crate::known::Kind),
    /// The body as a whole.
    File(crate::deny::file::Kind),
}

/// The text that is replaced, and what stands around it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stretch<'a> {
    /// As it stands in the input.
    pub(crate) raw: &'a [u8],
    /// The byte in front of it.
    pub(crate) before: Option<u8>,
    /// What found it.
    pub(crate) id: &'a str,
}

/// Writes the replacement for a stretch.
pub(crate) fn replacement(means: &Means, edit: &Edit, stretch: Stretch, out: &mut Vec<u8>) {
    let Stretch { raw, before, id } = stretch;
    let label = |out: &mut Vec<u8>| match edit.action {
        Action::Label(t) => means.template(t).write(id, out),
        _ => means.template(0).write(id, out),
    };
    let value = edit.context == Context::JsonValue;
    match edit.context {
        Context::Inside => return,
        Context::Digits => return out.resize(out.len().saturating_add(raw.len()), b'1'),
        Context::JsonValue if edit.action == Action::Remove => return out.extend_from_slice(b"null"),
        Context::JsonValue => out.push(b'"'),
        Context::Inline => {}
    }
    match (edit.action, edit.form) {
        (Action::Hash(_), Form::Tag(tag)) => template::write_tag(tag, id, out),
        (Action::Mask(_), Form::Kept(kept)) => kept.write(raw.len(), out),
        (Action::Mask(m), _) if value || !m.preserve_length => stars(mask::HIDDEN, out),
        // Inside base64 nothing can be blocked: the text around it is.
        (Action::Mask(_) | Action::Block(_), _) => stars(raw.len() as u64, out),
        (Action::Defang, Form::Unsigned(kept)) => defang::write_unsigned(raw, kept, out),
        // What stood apart must not become one word: two harmless halves could make a secret.
        (Action::Remove, _) if before.is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_') => out.push(b'*'),
        (Action::Remove, _) => {}
        (Action::Report, _) => out.extend_from_slice(raw),
        (Action::Label(_) | Action::Hash(_) | Action::Defang, _) => label(out),
    }
    if value {
        out.push(b'"');
    }
}

pub(crate) fn stars(len: u64, out: &mut Vec<u8>) {
    out.resize(out.len().saturating_add(usize::try_from(len).unwrap_or(0)), b'*');
}
