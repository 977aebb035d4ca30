//! Errors say which field is wrong and what would be right, and never carry a value.

use std::fmt;

/// Why a policy is refused.
#[derive(Clone, PartialEq, Eq)]
pub struct PolicyError {
    path: String,
    why: String,
}

impl PolicyError {
    pub(crate) fn new(path: impl Into<String>, why: impl Into<String>) -> PolicyError {
        PolicyError {
            path: path.into(),
            why: why.into(),
        }
    }

    /// The field, as `detectors.custom[0].pattern`; `.` for the whole document.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What is wrong with it, and what would be accepted.
    pub fn why(&self) -> &str {
        &self.why
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.why)
    }
}

impl fmt::Debug for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PolicyError({self})")
    }
}

impl std::error::Error for PolicyError {}
