//! Which detectors the defaults or a route arm: their own list, or that of the defaults, key by key.

use crate::policy::read::List;
use crate::policy::written::{Policy, Route};

/// Which detectors the defaults or a route arm.
pub(super) struct Chosen<'p> {
    packs: Vec<&'p str>,
    disable: Vec<&'p str>,
}

impl<'p> Chosen<'p> {
    pub(super) fn of(policy: &'p Policy, route: Option<&'p Route>) -> Chosen<'p> {
        fn texts(list: &List<String>) -> Vec<&str> {
            list.iter().map(|(_, text)| text.as_str()).collect()
        }
        let own = route.and_then(|r| r.detectors.as_ref());
        let packs = own.and_then(|d| d.packs.as_ref()).or(policy.detectors.packs.as_ref());
        let disable = own
            .and_then(|d| d.disable.as_ref())
            .unwrap_or(&policy.detectors.disable);
        Chosen {
            packs: packs.map_or_else(|| vec!["secrets"], texts),
            disable: texts(disable),
        }
    }

    pub(super) fn takes(&self, id: &str, pack: Option<&str>) -> bool {
        pack.is_none_or(|pack| self.packs.contains(&pack)) && !self.disable.contains(&id)
    }

    /// With the pack that looks at errors: what looks at responses that the policy's `errors` are about.
    pub(super) fn on_errors(mut self) -> Chosen<'p> {
        self.packs.push("error-leaks");
        self
    }

    /// The sets that the defaults or a route arm: the ordinary one, and that for errors.
    pub(super) fn all(policy: &'p Policy, route: Option<&'p Route>) -> impl Iterator<Item = Chosen<'p>> {
        let errors = route.and_then(|r| r.errors.as_ref()).or(policy.errors.as_ref());
        let errors = errors.map(|_| Chosen::of(policy, route).on_errors());
        std::iter::once(Chosen::of(policy, route)).chain(errors)
    }
}
