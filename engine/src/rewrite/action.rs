//! What can be done with a secret, which of two things wins, and what the engine keeps for it.

use super::{Key, Mask, Template};

/// What is done with a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// A label by the template with this number; 0 is `[REDACTED:detector-id]`.
    Label(u16),
    /// A `*` for every byte, or for most of them.
    Mask(Mask),
    /// Nothing.
    Remove,
    /// `[HASH-0123456789abcdef:detector-id]`: the first 16 digits of HMAC-SHA-256 under the key with this number.
    Hash(u16),
    /// What makes it dangerous goes, and the rest can be read: a token without its signature, a URL without its user.
    Defang,
    /// The message goes no further; the reply with this number takes its place.
    Block(u16),
    /// It stays, and is told.
    Report,
}

impl Default for Action {
    fn default() -> Action {
        Action::Label(0)
    }
}

impl Action {
    /// As written in policies and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Action::Label(_) => "label",
            Action::Mask(_) => "mask",
            Action::Remove => "remove",
            Action::Hash(_) => "hash",
            Action::Defang => "defang",
            Action::Block(_) => "block",
            Action::Report => "report",
        }
    }

    /// Where findings overlap, the lowest wins: the less it leaves of the value, the lower it is.
    pub(crate) fn leniency(self) -> u8 {
        match self {
            Action::Block(_) => 0,
            Action::Remove => 1,
            Action::Label(_) => 2,
            Action::Mask(m) if !m.keeps() => 3,
            Action::Hash(_) => 4,
            Action::Mask(_) => 5,
            Action::Defang => 6,
            Action::Report => 7,
        }
    }

    /// It leaves a part of the value, so that another finding in that part has to be known first.
    pub(crate) fn is_partial(self) -> bool {
        match self {
            Action::Mask(m) => m.keeps(),
            Action::Defang => true,
            _ => false,
        }
    }

    /// It can be done only once the value has ended.
    pub(crate) fn needs_end(self) -> bool {
        matches!(self, Action::Hash(_) | Action::Block(_)) || self.is_partial()
    }

    /// What is done instead where the end is too far off, or another finding overlaps what would stay.
    pub(crate) fn whole(self) -> Action {
        match self {
            Action::Mask(m) => Action::Mask(Mask {
                keep_first: 0,
                keep_last: 0,
                ..m
            }),
            Action::Hash(_) | Action::Defang => Action::Label(0),
            other => other,
        }
    }

    /// What is put in place of a run goes on with it.
    pub(crate) fn masks_each_byte(self) -> bool {
        match self {
            Action::Mask(m) => m.preserve_length,
            Action::Block(_) => true,
            _ => false,
        }
    }

    /// What is done where no length may change.
    pub(crate) fn of_equal_length(self) -> Action {
        match self {
            Action::Block(_) | Action::Report => self,
            _ => Action::Mask(Mask::default()),
        }
    }
}

/// What the client gets in place of a message that was blocked before its headers left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// From 400 to 599.
    pub status: u16,
    /// `None`: a body of the caller's own.
    pub body: Option<String>,
    /// Of that body.
    pub content_type: String,
}

impl Default for Reply {
    fn default() -> Reply {
        Reply {
            status: 502,
            body: None,
            content_type: "text/plain; charset=utf-8".to_owned(),
        }
    }
}

/// What actions need, by number.
#[derive(Clone, Debug)]
pub(crate) struct Means {
    pub(crate) templates: Vec<Template>,
    pub(crate) keys: Vec<Key>,
    pub(crate) replies: Vec<Reply>,
    /// The most that a mask of this policy keeps, at the front and at the end: such text is its own.
    pub(crate) kept: (u8, u8),
}

impl Default for Means {
    fn default() -> Means {
        Means {
            templates: vec![Template::default()],
            keys: Vec::new(),
            replies: Vec::new(),
            kept: (0, 0),
        }
    }
}

impl Means {
    pub(crate) fn template(&self, number: u16) -> &Template {
        static FIRST: Template = Template::FIRST;
        self.templates.get(usize::from(number)).unwrap_or(&FIRST)
    }

    /// Notes what a mask keeps.
    pub(crate) fn note(&mut self, mask: Mask) {
        self.kept.0 = self.kept.0.max(mask.keep_first);
        self.kept.1 = self.kept.1.max(mask.keep_last);
    }
}

/// Whether, where findings with these actions overlap, all of them have to be known before one is settled: the actions
/// differ, or leave parts of values.
pub(crate) fn need_care(actions: impl Iterator<Item = Action>) -> bool {
    let mut first = None;
    for action in actions {
        if action.whole() != action || *first.get_or_insert(action.leniency()) != action.leniency() {
            return true;
        }
    }
    false
}
