//! What an exchange knows of exact secrets: which set it is searched by, which of them the client sent itself, and which were found.
//!
//! **The oracle guard.** Somebody who sends guesses, and has them reflected, could watch which of them are redacted. What came with
//! the request is therefore called by a name of its own in labels, counters and audits ([`Kind::Reflected`]); it says
//! nothing about a secret, and the audit tells of it.

use std::sync::Arc;

use keepmum_known::{End, Secret, Stage, Table};

use crate::exchange::Exchange;
use crate::limits;
use crate::stream::Workspace;

/// Which kind of exact secret was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Current,
    Previous,
    Pending,
    /// The client had sent it in the same exchange.
    Reflected,
}

impl Kind {
    pub(crate) fn id(self) -> &'static str {
        match self {
            Kind::Current => "known-secret",
            Kind::Previous => "known-secret-previous",
            Kind::Pending => "known-secret-pending",
            Kind::Reflected => "known-secret-reflected",
        }
    }
}

/// A set that may be there; two are the same if they are one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Armed(pub(crate) Option<Arc<Table>>);

impl PartialEq for Armed {
    fn eq(&self, other: &Armed) -> bool {
        match (&self.0, &other.0) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            (None, None) => true,
            _ => false,
        }
    }
}

impl Eq for Armed {}

/// The exact secrets of an exchange.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Known {
    /// The set that it began with: another that comes meanwhile is for later ones.
    pub(crate) table: Armed,
    /// Numbers of the secrets that came with the request.
    sent: Vec<u32>,
    /// Those that were found in the response or on the way out.
    hits: Vec<Hit>,
}

/// How often one was found.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Hit {
    secret: u32,
    reflected: bool,
    times: u64,
    last: u64,
}

/// An exact secret that was found, as audits tell of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownHit<'e> {
    /// Its id, version and stage.
    pub secret: &'e Secret,
    /// The client had sent it itself.
    pub reflected: bool,
    /// How often.
    pub times: u64,
}

impl Known {
    /// It came with the request.
    pub(crate) fn send(&mut self, secret: u32) {
        if self.sent.len() < limits::SENT_SECRETS && !self.sent.contains(&secret) {
            self.sent.push(secret);
        }
    }

    /// It was found at an offset; in what the client gets, or in what it sent.
    pub(crate) fn find(&mut self, secret: u32, at: u64, is_answer: bool) -> Option<Kind> {
        let table = self.table.0.as_ref()?;
        let stage = table.secrets().get(usize::try_from(secret).ok()?)?.stage;
        let reflected = is_answer && self.sent.contains(&secret);
        let kind = match stage {
            _ if reflected => Kind::Reflected,
            Stage::Current => Kind::Current,
            Stage::Previous => Kind::Previous,
            Stage::Pending => Kind::Pending,
        };
        let room = self.hits.len() < limits::SENT_SECRETS;
        match self
            .hits
            .iter_mut()
            .find(|h| h.secret == secret && h.reflected == reflected)
        {
            // The same place, in another form that is spelt alike.
            Some(hit) if hit.last == at => {}
            Some(hit) => (hit.times, hit.last) = (hit.times + 1, at),
            None if room => self.hits.push(Hit {
                secret,
                reflected,
                times: 1,
                last: at,
            }),
            None => {}
        }
        Some(kind)
    }

    /// What was found, in the order in which it was.
    pub(crate) fn hits(&self) -> impl Iterator<Item = KnownHit<'_>> {
        let secrets = self.table.0.as_ref().map(|t| t.secrets()).unwrap_or_default();
        self.hits.iter().filter_map(|h| {
            Some(KnownHit {
                secret: secrets.get(usize::try_from(h.secret).ok()?)?,
                reflected: h.reflected,
                times: h.times,
            })
        })
    }
}

impl Exchange {
    /// The set of fingerprints that holds for all of the exchange.
    pub(crate) fn table(&mut self, work: &Workspace) -> Option<Arc<Table>> {
        if self.known.table.0.is_none() {
            self.known.table.0 = work.known().cloned();
        }
        self.known.table.0.clone()
    }

    /// A form was found at an offset.
    pub(crate) fn known(&mut self, table: &Table, form: u32, at: u64) -> Option<Kind> {
        let (secret, _) = table.of_form(form)?;
        if self.place.starts_with("request.") {
            self.known.send(secret);
            return self.known.find(secret, at, false);
        }
        self.known.find(secret, at, true)
    }

    /// A value came with the request: exact secrets in it are no news to the client.
    pub fn sent(&mut self, work: &Workspace, value: &[u8]) {
        let Some(table) = self.table(work) else { return };
        table.search(value, 0, value.len(), &mut |_, here| {
            let text = value.get(here.start..).unwrap_or_default();
            if let (End::At(_), Some((secret, _))) = (table.end(here.form, text), table.of_form(here.form)) {
                self.known.send(secret);
            }
            true
        });
    }

    /// Exact secrets that were found.
    pub fn known_hits(&self) -> impl Iterator<Item = KnownHit<'_>> {
        self.known.hits()
    }
}
