//! What was found gets its JSON pointer, once what it stands in is settled.

use super::{Body, Workspace};
use crate::Engine;
use crate::decode::pointer::Pointers;
use crate::exchange::Exchange;

impl Body {
    /// Walks on to the boundary.
    pub(super) fn point(
        &mut self,
        engine: &Engine,
        work: &mut Workspace,
        exchange: &mut Exchange,
        (data, boundary): (&[u8], u64),
    ) {
        exchange.point(false);
        let mut pointers = self.pointers.take().unwrap_or_default();
        let at = |o: u64| usize::try_from(o.saturating_sub(self.base)).unwrap_or(usize::MAX);
        let new = data.get(at(pointers.walked())..at(boundary)).unwrap_or_default();
        let wanted = exchange.unplaced(boundary);
        let places: Vec<u64> = wanted.iter().map(|(at, _)| *at).collect();
        let mut told = Vec::new();
        let open = self.field.map(|(from, ..)| from);
        pointers.walk(new, &places, open, |at, pointer| told.push((at, pointer.to_owned())));
        for (at, count) in wanted {
            if let Some((_, pointer)) = told.iter().find(|(place, _)| *place == at)
                && exchange.has_room_for_pointers()
            {
                exchange.place_at(count, fit_to_tell(engine, work, pointer));
            }
        }
        self.pointers = Some(pointers);
    }
}

/// The pointer, with `*` in place of names that would be redacted.
fn fit_to_tell(engine: &Engine, work: &mut Workspace, pointer: &str) -> String {
    let mut finds = |name: &str| {
        let mut apart = Exchange::default();
        apart.value(engine, work, name.as_bytes()).is_some() || apart.counts().next().is_some()
    };
    let mut out = String::with_capacity(pointer.len());
    for (i, name) in pointer.split('/').enumerate() {
        if i > 0 {
            out.push('/');
        }
        let is_short = name.len() < 3 || name.bytes().all(|b| b.is_ascii_digit());
        out.push_str(if !is_short && finds(name) { "*" } else { name });
    }
    out
}

impl Engine {
    /// The JSON pointers of places in a document, which are in order; as audit lines tell them. A place that is not in it has none.
    pub fn pointers_in(&self, work: &mut Workspace, document: &[u8], places: &[u64]) -> Vec<Option<String>> {
        let mut told = Vec::new();
        let mut walk = Pointers::default();
        walk.walk(document, places, None, |at, pointer| {
            told.push((at, pointer.to_owned()))
        });
        let mut of = |place: &u64| {
            let known = told.binary_search_by_key(place, |(at, _)| *at).ok()?;
            let (_, pointer) = told.get(known)?;
            Some(fit_to_tell(self, work, pointer))
        };
        places.iter().map(&mut of).collect()
    }
}
