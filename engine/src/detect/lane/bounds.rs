//! What a lane's candidates hold back, when they are over, and when they have grown too long.

use super::{Event, Lane, Path, Repeat, Thread};
use crate::detect::lane::Match;
use crate::limits;

impl Lane {
    /// The first byte that must not leave yet.
    pub(crate) fn holds_from(&self) -> Option<u64> {
        let committed = |start: u64| self.matches.iter().find(|m| m.start == start).and_then(|m| m.committed);
        let of = |p: &Path| committed(p.start).unwrap_or(p.start);
        let threads = self.threads.iter().map(|t| of(&t.path));
        let repeats = self.repeats.iter().flat_map(|r| r.entries.iter().map(|(_, p)| of(p)));
        let matches = self.matches.iter().map(|m| m.committed.unwrap_or(m.start));
        threads.chain(repeats).chain(matches).min()
    }

    pub(crate) fn bytes(&self) -> usize {
        size_of::<Lane>() + self.heap()
    }

    pub(crate) fn heap(&self) -> usize {
        let repeats: usize = self
            .repeats
            .iter()
            .map(|r| size_of::<Repeat>() + r.entries.bytes())
            .sum();
        self.threads.capacity() * size_of::<Thread>() + repeats + self.matches.capacity() * size_of::<Match>()
    }

    /// The match's edit has been made; what it grows by is told in later events.
    pub(crate) fn commit(&mut self, made: Match) {
        for m in self.matches.iter_mut().filter(|m| **m == made) {
            m.committed = Some(m.secret.1);
        }
    }

    /// By how much a committed match has grown since this was last asked.
    pub(crate) fn grown(&mut self) -> Option<(u64, u64)> {
        let m = self
            .matches
            .iter_mut()
            .find(|m| m.committed.is_some_and(|c| c < m.secret.1))?;
        let from = m.committed.replace(m.secret.1)?;
        Some((from, m.secret.1))
    }

    /// Forgets everything that began at `start`.
    pub(crate) fn drop_start(&mut self, start: u64) {
        self.threads.retain(|t| t.path.start != start);
        for r in &mut self.repeats {
            r.entries.retain(|(_, p)| p.start != start);
        }
        self.repeats.retain(|r| !r.entries.is_empty());
        self.matches.retain(|m| m.start != start);
    }

    /// The oldest match leaves when it cannot grow any more; younger ones wait for it. Starts without a match are
    /// forgotten by themselves.
    pub(super) fn settled(&mut self) -> Option<Event> {
        let oldest = self.matches.first()?.start;
        let alive = self.threads.iter().any(|t| t.path.start == oldest)
            || self
                .repeats
                .iter()
                .any(|r| r.entries.iter().any(|(_, p)| p.start == oldest));
        (!alive).then(|| Event::Closed(self.matches.remove(0)))
    }

    /// Matches inside one that streams out go with it: a run that never ends could hold any number of them.
    pub(super) fn forget_covered(&mut self) {
        let Some(&first) = self.matches.first().filter(|m| m.committed.is_some()) else {
            return;
        };
        self.matches
            .retain(|m| m.start == first.start || m.secret.1 > first.secret.1);
    }

    /// A match that is no secret after all; the candidate goes on.
    pub(crate) fn reject(&mut self, m: Match) {
        self.matches.retain(|o| *o != m);
    }

    pub(super) fn too_long(&mut self) -> Option<Event> {
        if self.pos - self.earliest.min(self.pos) < limits::CANDIDATE_BYTES {
            return None;
        }
        // `earliest` may be that of a candidate long gone.
        let began = |p: &Path| match self
            .matches
            .iter()
            .find(|m| m.start == p.start && m.committed.is_some())
        {
            Some(m) => (m.end, p.start),
            None => (p.start, p.start),
        };
        let threads = self.threads.iter().map(|t| began(&t.path));
        let repeats = self
            .repeats
            .iter()
            .flat_map(|r| r.entries.iter().map(|(_, p)| began(p)));
        let (from, start) = threads.chain(repeats).min()?;
        self.earliest = from;
        if self.pos - from < limits::CANDIDATE_BYTES {
            return None;
        }
        let mut same = self.matches.iter().filter(|m| m.start == start);
        let pick = same.clone().find(|m| m.committed.is_none()).or_else(|| same.next());
        match pick.copied() {
            Some(m) if m.committed.is_some() => {
                self.drop_start(start);
                Some(Event::Closed(m))
            }
            Some(m) => Some(Event::TooLong(m)),
            None => {
                self.drop_start(start);
                Some(Event::GivenUp)
            }
        }
    }
}
