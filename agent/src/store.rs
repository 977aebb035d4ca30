//! All that is armed, and how long: what a source no longer has stays for the grace period, as a previous value.
//!
//! A value is judged and taken apart once, when it is first seen. The order in which values were first seen stays, since
//! fingerprints are drawn in it.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use crate::admission::{Admission, Judged, Refusal};
use crate::leaves;
use crate::secret::{Secret, Stage, Value};
use crate::source::Read;

/// What all sources have, and had.
#[derive(Debug)]
pub(crate) struct Store {
    grace: Duration,
    admission: Admission,
    held: Vec<Held>,
}

/// A value of a source.
struct Held {
    source: usize,
    id: String,
    version: String,
    stage: Stage,
    value: Value,
    /// The source has it no more: armed until then.
    until: Option<Instant>,
    judged: Judged,
}

impl std::fmt::Debug for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.id, self.stage.name())
    }
}

/// A value that is armed, under the name that the set gives it.
#[derive(Debug)]
pub(crate) struct Armed<'s> {
    pub(crate) secret: &'s Secret,
    pub(crate) version: &'s str,
    pub(crate) stage: Stage,
}

impl Store {
    pub(crate) fn new(grace: Duration, admission: Admission) -> Store {
        Store {
            grace,
            admission,
            held: Vec::new(),
        }
    }

    /// Takes what a source has now; whether the set is another one because of it.
    pub(crate) fn take(&mut self, source: usize, read: Read, now: Instant) -> bool {
        let mut changed = false;
        let unread: Vec<&str> = read.missing.iter().filter(|m| !m.gone).map(|m| m.id.as_str()).collect();
        let mut known: HashMap<(&str, &[u8]), usize> = HashMap::new();
        for (i, held) in self.held.iter().enumerate().filter(|(_, h)| h.source == source) {
            known.insert((held.id.as_str(), held.value.as_slice()), i);
        }
        // Where one value has two stages, the more urgent: current before previous.
        let mut fresh: HashMap<(&str, &[u8]), &Secret> = HashMap::new();
        for secret in &read.secrets {
            let best = fresh.entry((&secret.id, &secret.value)).or_insert(secret);
            if secret.stage < best.stage {
                *best = secret;
            }
        }
        let (mut again, mut new) = (HashMap::new(), Vec::new());
        for secret in &read.secrets {
            let key = (secret.id.as_str(), secret.value.as_slice());
            let Some(best) = fresh.remove(&key) else { continue };
            match known.get(&key) {
                Some(i) => drop(again.insert(*i, (best.version.clone(), best.stage))),
                None => new.push(best),
            }
        }
        let new: Vec<Held> = new.into_iter().map(|secret| self.held(source, secret)).collect();
        for (i, held) in self.held.iter_mut().enumerate().filter(|(_, h)| h.source == source) {
            if let Some((version, stage)) = again.remove(&i) {
                changed |= held.until.is_some() || held.version != version || held.stage != stage;
                (held.version, held.stage, held.until) = (version, stage, None);
            } else if held.until.is_none() && !within(&unread, &held.id) {
                held.until = Some(now + self.grace);
                held.stage = Stage::Previous;
                changed = true;
            }
        }
        changed |= !new.is_empty();
        self.held.extend(new);
        self.expire(now) || changed
    }

    fn held(&self, source: usize, secret: &Secret) -> Held {
        let mut judged = Judged::default();
        let copy = Secret::new(secret.id.clone(), secret.version.clone(), secret.value.to_vec());
        self.admission.judge(leaves::take(copy), &mut judged);
        Held {
            source,
            id: secret.id.clone(),
            version: secret.version.clone(),
            stage: secret.stage,
            value: secret.value.clone(),
            until: None,
            judged,
        }
    }

    /// Lets go of what has had its time; whether there was any.
    pub(crate) fn expire(&mut self, now: Instant) -> bool {
        let before = self.held.len();
        self.held.retain(|held| held.until.is_none_or(|until| until > now));
        self.held.len() < before
    }

    /// When the next value has had its time.
    pub(crate) fn next_end(&self) -> Option<Instant> {
        self.held.iter().filter_map(|held| held.until).min()
    }

    /// All that is armed, each value once: under its most urgent stage, and the first of its ids.
    pub(crate) fn armed(&self) -> Vec<Armed<'_>> {
        let mut all: Vec<Armed<'_>> = Vec::new();
        let mut known: HashMap<&[u8], usize> = HashMap::new();
        for held in &self.held {
            for secret in &held.judged.taken {
                let armed = Armed {
                    secret,
                    version: &held.version,
                    stage: held.stage,
                };
                match known.get(secret.value.as_slice()).and_then(|i| all.get_mut(*i)) {
                    Some(other) if other.stage <= armed.stage => {}
                    Some(other) => *other = armed,
                    None => {
                        known.insert(&secret.value, all.len());
                        all.push(armed);
                    }
                }
            }
        }
        all
    }

    /// What is refused, with the ids, and what is taken, for the report: of all sources or one.
    pub(crate) fn judged(&self) -> impl Iterator<Item = (&Judged, &str, Stage)> {
        self.held
            .iter()
            .map(|held| (&held.judged, held.version.as_str(), held.stage))
    }

    /// How many a source has, and how many are only armed for their grace period.
    pub(crate) fn count(&self, source: usize) -> (usize, usize) {
        let of = self.held.iter().filter(|h| h.source == source);
        of.fold((0, 0), |(live, old), h| {
            if h.until.is_none() {
                (live + 1, old)
            } else {
                (live, old + 1)
            }
        })
    }

    /// How many values are refused, by reason.
    pub(crate) fn refused(&self) -> BTreeMap<Refusal, usize> {
        let mut counts = BTreeMap::new();
        for (reason, n) in self.held.iter().flat_map(|h| h.judged.by_reason()) {
            *counts.entry(reason).or_default() += n;
        }
        counts
    }
}

/// Whether an id is one of these, a part of one, or below one that is a folder.
fn within(ids: &[&str], id: &str) -> bool {
    ids.iter().any(|of| {
        let rest = id.strip_prefix(of);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['#', '/', '.']) || of.ends_with(['/', ':']))
    })
}

#[cfg(test)]
mod tests;
