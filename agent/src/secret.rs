//! A secret as a source has it: what it is called, which version of it this is, and its value, which nothing prints.
//!
//! `Zeroizing` in place of `secrecy`: values are read in many places here, and what has to be kept is that they are wiped and
//! not printed, which the type's own `Debug` and the absence of `Clone` do.

use std::fmt;

use zeroize::Zeroizing;

/// The bytes of a value; wiped when dropped.
pub type Value = Zeroizing<Vec<u8>>;

pub use keepmum_known::Stage;

/// One version of a secret, or a part of one.
#[derive(PartialEq, Eq)]
pub struct Secret {
    /// `vault:kv/payments/db#password`: the source, the place in it, and the part behind `#`.
    pub id: String,
    /// What the source calls the version; empty where it knows none.
    pub version: String,
    /// Where it stands in a rotation.
    pub stage: Stage,
    /// The value.
    pub value: Value,
}

impl Secret {
    /// A secret in use.
    pub fn new(id: impl Into<String>, version: impl Into<String>, value: impl Into<Vec<u8>>) -> Secret {
        Secret {
            id: id.into(),
            version: version.into(),
            stage: Stage::Current,
            value: Zeroizing::new(value.into()),
        }
    }

    /// The same in another stage.
    #[must_use]
    pub fn staged(mut self, stage: Stage) -> Secret {
        self.stage = stage;
        self
    }

    /// A part of this one: the same version and stage, its name behind `#`.
    pub(crate) fn part(&self, name: &str, value: Value) -> Secret {
        let sign = if self.id.contains('#') { '.' } else { '#' };
        Secret {
            id: format!("{}{sign}{name}", self.id),
            version: self.version.clone(),
            stage: self.stage,
            value,
        }
    }

    /// What this is called where it stands: `password` of `vault:kv/payments/db#password`.
    pub(crate) fn name(&self) -> &str {
        let name = self.id.rsplit(['#', '.', '/', ':']).next();
        name.unwrap_or_default()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (stage, bytes) = (self.stage.name(), self.value.len());
        write!(f, "{} version {:?} {stage} ({bytes} bytes)", self.id, self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::{Secret, Stage};

    #[test]
    fn debug_shows_no_value() {
        let value = format!("{}-{}", "not", "to-be-shown");
        let secret = Secret::new("vault:kv/db", "7", value.clone()).staged(Stage::Pending);
        let shown = format!("{secret:?} {secret:#?}");
        assert!(!shown.contains(&value) && !shown.contains("110, 111, 116"), "{shown}");
        assert!(
            shown.starts_with("vault:kv/db version \"7\" pending (15 bytes)"),
            "{shown}"
        );
    }

    #[test]
    fn parts_stand_behind_one_sign() {
        let whole = Secret::new("aws:prod/db", "1", "x");
        let part = whole.part("replica", b"y".to_vec().into());
        assert_eq!(part.id, "aws:prod/db#replica");
        let inner = part.part("password", b"z".to_vec().into());
        assert_eq!(
            (inner.id.as_str(), inner.name()),
            ("aws:prod/db#replica.password", "password")
        );
    }
}
