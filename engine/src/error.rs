//! Errors say which field is wrong and what would be right, all of them at once, and never carry a value.

use std::fmt;

use crate::limits;

/// One thing that is wrong in a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    path: String,
    why: String,
}

impl Mistake {
    /// The field, as `detectors.custom[0].pattern`; `.` for the whole document.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What is wrong with it, and what would be accepted.
    pub fn why(&self) -> &str {
        &self.why
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.why)
    }
}

/// Why a policy is refused: one line for each mistake.
#[derive(Clone, PartialEq, Eq)]
pub struct PolicyError {
    mistakes: Vec<Mistake>,
}

impl PolicyError {
    /// Everything that is wrong, in the order in which it was noticed; at least one. Past `limits::POLICY_ERRORS` the
    /// last one says how many more there are.
    pub fn mistakes(&self) -> &[Mistake] {
        &self.mistakes
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, mistake) in self.mistakes.iter().enumerate() {
            let end = if i == 0 { "" } else { "\n" };
            write!(f, "{end}{mistake}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PolicyError({self})")
    }
}

impl std::error::Error for PolicyError {}

/// Mistakes while they are collected.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mistakes {
    told: Vec<Mistake>,
    more: usize,
}

impl Mistakes {
    pub(crate) fn add(&mut self, path: impl fmt::Display, why: impl Into<String>) {
        if self.is_full() {
            self.more += 1;
            return;
        }
        self.told.push(Mistake {
            path: path.to_string(),
            why: why.into(),
        });
    }

    /// The same, unless the field or what stands in it is wrong already: an empty list may be one of wrong items.
    pub(crate) fn add_new(&mut self, path: &str, why: &str) {
        if !self.has(path) {
            self.add(path, why);
        }
    }

    /// Whether something is wrong with this, or with what stands in it.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.told.iter().any(|m| m.path.starts_with(path))
    }

    /// No more are told, only counted.
    pub(crate) fn is_full(&self) -> bool {
        self.told.len() >= limits::POLICY_ERRORS
    }

    /// How many there are, to be compared with how many there were.
    pub(crate) fn count(&self) -> usize {
        self.told.len() + self.more
    }

    /// As the reason why a policy is refused.
    pub(crate) fn refusal(mut self) -> PolicyError {
        if self.told.is_empty() {
            self.add(".", "it cannot be compiled");
        }
        let mut mistakes = self.told;
        if self.more > 0 {
            mistakes.push(Mistake {
                path: ".".to_owned(),
                why: format!("{} more mistakes; these come first", self.more),
            });
        }
        PolicyError { mistakes }
    }
}
