//! Which detectors the defaults or a route arm: their own list, or that of the defaults, key by key.

use crate::catalogue;
use crate::error::Mistakes;
use crate::policy::document;
use crate::policy::read::{List, nearest};
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

/// Actions for detectors that find nothing where the actions hold: rules that do nothing.
pub(super) fn check_actions(policy: &Policy, to: &mut Mistakes) {
    for (i, route) in policy.routes.iter() {
        let own = route.detectors.as_ref().and_then(|d| d.actions.as_ref());
        for id in own.iter().flat_map(|actions| actions.keys()) {
            if !takes(policy, Some(route), id) {
                let place = document::key_path(&format!("routes[{i}].detectors.actions"), id);
                tell_unarmed(place, id, &Chosen::of(policy, Some(route)), to);
            }
        }
    }
    // Those of the defaults hold on routes too.
    let inherits = |r: &&Route| !r.bypass && r.detectors.as_ref().is_none_or(|d| d.actions.is_none());
    for id in policy.detectors.actions.keys() {
        let on_route = |(_, r): (usize, &Route)| inherits(&r) && takes(policy, Some(r), id);
        if !takes(policy, None, id) && !policy.routes.iter().any(on_route) {
            let place = document::key_path("detectors.actions", id);
            tell_unarmed(place, id, &Chosen::of(policy, None), to);
        }
    }
}

/// Whether it is armed; of one that is unknown something else is told.
fn takes(policy: &Policy, route: Option<&Route>, id: &str) -> bool {
    let pack = match catalogue::BUILT_IN.iter().find(|d| d.id == id) {
        Some(d) => Some(d.pack),
        None if policy.detectors.custom.iter().any(|(_, c)| c.id == id) => None,
        None => return true,
    };
    Chosen::all(policy, route).any(|chosen| chosen.takes(id, pack))
}

fn tell_unarmed(place: String, id: &str, chosen: &Chosen, to: &mut Mistakes) {
    let pack = catalogue::BUILT_IN.iter().find(|d| d.id == id).map(|d| d.pack);
    let why = match pack.filter(|pack| !chosen.packs.contains(pack)) {
        Some(pack) => {
            format!("its pack {pack} is off, so that it finds nothing here; add it to `packs`, or leave the action out")
        }
        None => "it is disabled, so that it finds nothing here; take it out of `disable`, or leave the action out"
            .to_owned(),
    };
    to.add(place, why);
}

/// Of an id that is none.
pub(super) fn no_detector(id: &str) -> String {
    let ids: Vec<&str> = catalogue::BUILT_IN.iter().map(|d| d.id).collect();
    // What everybody calls it by.
    let near = if id == "jwt" {
        Some("json-web-token")
    } else {
        nearest(id, &ids)
    };
    let near = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    format!("no detector has this id{near}; `keepmum detectors` lists them")
}
