//! What an action needs to know of a value, made when the value is in hand and decoded.

use super::action::{Action, Means};
use super::defang::{self, Defang};
use super::mask::Kept;

/// What of a value goes into its replacement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Form {
    /// Nothing. Where the action asks for something, the value has no such form, or is too long: `Action::whole`.
    #[default]
    None,
    /// Its tag.
    Tag(u64),
    /// Its ends.
    Kept(Kept),
    /// So many bytes at the front of a token stay.
    Unsigned(u32),
    /// The stretch is all of a URL's user-info.
    UserInfo,
}

impl Form {
    /// Of a value: as it stands, decoded, and what follows it.
    pub(crate) fn of(
        means: &Means,
        action: Action,
        defang: Option<Defang>,
        (raw, value): (&[u8], &[u8]),
        after: Option<u8>,
    ) -> Form {
        let form = match action {
            Action::Hash(key) => means.keys.get(usize::from(key)).map(|k| Form::Tag(k.tag(value))),
            Action::Mask(m) => m.kept(value, after).map(Form::Kept),
            Action::Defang if defang == Some(Defang::Jwt) => defang::signed(raw, value).map(Form::Unsigned),
            _ => None,
        };
        form.unwrap_or_default()
    }

    /// The same for the value where it comes again, on its own.
    pub(crate) fn again(self, after: Option<u8>) -> Form {
        match self {
            Form::Kept(k) if after == Some(b'@') => k.front().map_or(Form::None, Form::Kept),
            Form::UserInfo => Form::None,
            other => other,
        }
    }

    /// It leaves a part of the value.
    pub(crate) fn is_partial(self) -> bool {
        matches!(self, Form::Kept(_) | Form::Unsigned(_))
    }
}
