//! Which values are taken into the set. What a client could guess, or what stands in innocent traffic, is not: redacting it
//! would break pages, and would tell whoever watches what is redacted that the guess was right.
//!
//! By rules of form first, then by zxcvbn, which knows words, names, dates and keyboards. The engine has a smaller model of its
//! own for keys in policies; here size is no matter.

use std::collections::BTreeMap;

use globset::{Glob, GlobSet, GlobSetBuilder};

use crate::config::AdmissionConfig;
use crate::leaves::Taken;
use crate::secret::Secret;

mod form;

pub(crate) use form::has_random_segment as is_random;

/// Longer values are refused: they are not looked for.
const MOST_BYTES: usize = keepmum_known::FORM_BYTES;

/// Why a value is not in the set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refusal {
    /// Shorter than `min_bytes`.
    Short,
    /// Longer than 16 KiB.
    Long,
    /// The configuration refuses the id.
    Configured,
    /// What stands under this name is no secret: `username`, `host`, `port`.
    Name,
    /// `true`, `null`, `disabled`, `localhost`.
    Literal,
    /// A number, a date, a version.
    Number,
    /// A host name or an address, with or without a port.
    Host,
    /// A URL in which nothing is secret.
    Url,
    /// A path of a file.
    Path,
    /// `changeme`, `<password>`, `${PASSWORD}`, `xxxxxxxx`.
    Placeholder,
    /// A certificate or a public key.
    Public,
    /// It takes too few guesses.
    Guessable,
    /// It consists of parts of which none was taken.
    Parts,
}

impl Refusal {
    /// In metrics and the report.
    pub fn name(self) -> &'static str {
        match self {
            Refusal::Short => "short",
            Refusal::Long => "long",
            Refusal::Configured => "configured",
            Refusal::Name => "name",
            Refusal::Literal => "literal",
            Refusal::Number => "number",
            Refusal::Host => "host",
            Refusal::Url => "url",
            Refusal::Path => "path",
            Refusal::Placeholder => "placeholder",
            Refusal::Public => "public",
            Refusal::Guessable => "guessable",
            Refusal::Parts => "parts",
        }
    }

    /// For a person.
    pub fn why(self) -> &'static str {
        match self {
            Refusal::Short => "too short: it would be found in innocent text",
            Refusal::Long => "longer than 16 KiB",
            Refusal::Configured => "the configuration refuses this id",
            Refusal::Name => "what stands under this name is no secret",
            Refusal::Literal => "a word that configurations are made of",
            Refusal::Number => "a number, a date or a version",
            Refusal::Host => "a host name or an address",
            Refusal::Url => "a URL in which nothing is secret",
            Refusal::Path => "a path",
            Refusal::Placeholder => "a placeholder",
            Refusal::Public => "public by its nature",
            Refusal::Guessable => "it could be guessed",
            Refusal::Parts => "none of its parts was taken",
        }
    }
}

/// The judge of values.
#[derive(Debug)]
pub struct Admission {
    min_bytes: usize,
    min_guesses_log10: f64,
    accept: GlobSet,
    refuse: GlobSet,
}

/// What became of a secret and its parts.
#[derive(Debug, Default)]
pub struct Judged {
    /// Taken into the set.
    pub taken: Vec<Secret>,
    /// Refused: id, version, bytes and the reason.
    pub refused: Vec<(String, Refusal)>,
}

impl Judged {
    /// How many were refused, by reason.
    pub fn by_reason(&self) -> BTreeMap<Refusal, usize> {
        let mut counts = BTreeMap::new();
        for (_, refusal) in &self.refused {
            *counts.entry(*refusal).or_default() += 1;
        }
        counts
    }
}

impl Admission {
    /// From the configuration, whose globs are known to be good.
    pub fn new(config: &AdmissionConfig) -> Admission {
        let set = |globs: &[String]| {
            let mut builder = GlobSetBuilder::new();
            for glob in globs.iter().filter_map(|g| Glob::new(g).ok()) {
                builder.add(glob);
            }
            builder.build().unwrap_or_default()
        };
        Admission {
            min_bytes: config.min_bytes,
            min_guesses_log10: config.min_guesses_log10,
            accept: set(&config.accept),
            refuse: set(&config.refuse),
        }
    }

    /// Judges a secret and its parts; a composite is taken only if a part of it is.
    pub fn judge(&self, taken: Taken, to: &mut Judged) {
        let mut all = taken.all.into_iter();
        let Some(whole) = all.next() else { return };
        let before = to.taken.len();
        for part in all {
            self.put(part, to);
        }
        if taken.composite && to.taken.len() == before && !self.accept.is_match(&whole.id) {
            to.refused.push((whole.id, Refusal::Parts));
        } else {
            self.put(whole, to);
        }
    }

    fn put(&self, secret: Secret, to: &mut Judged) {
        match self.refusal(&secret) {
            None => to.taken.push(secret),
            Some(refusal) => to.refused.push((secret.id, refusal)),
        }
    }

    /// Why a value is refused, if it is.
    pub fn refusal(&self, secret: &Secret) -> Option<Refusal> {
        let value = secret.value.as_slice();
        if self.refuse.is_match(&secret.id) {
            return Some(Refusal::Configured);
        }
        if value.len() < self.min_bytes {
            return Some(Refusal::Short);
        }
        if value.len() > MOST_BYTES {
            return Some(Refusal::Long);
        }
        if self.accept.is_match(&secret.id) {
            return None;
        }
        let Ok(text) = std::str::from_utf8(value) else {
            return form::monotonous(value).then_some(Refusal::Guessable);
        };
        if form::is_name_of_no_secret(&secret.id, secret.name()) {
            return Some(Refusal::Name);
        }
        form::refusal(text.trim()).or_else(|| self.is_guessable(text).then_some(Refusal::Guessable))
    }

    /// Time grows faster than the length: a beginning that is hard to guess is enough.
    fn is_guessable(&self, text: &str) -> bool {
        [32, 100].iter().all(|most| {
            let beginning = text.char_indices().nth(*most).map_or(text, |(i, _)| text.split_at(i).0);
            zxcvbn::zxcvbn(beginning, &[]).guesses_log10() < self.min_guesses_log10
        })
    }
}

#[cfg(test)]
mod tests;
