//! Policy as written → engine. All that can fail fails here, with the field's name, and everything that is wrong is told.
//!
//! Detectors are compiled once, whoever arms them; the tables that find their beginnings once for each set of detectors
//! that some route arms. A route is an engine too, which shares both with the others.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::catalogue;
use crate::decode::Decode;
use crate::decode::deltas::Shapes;
use crate::engine::{Armed, Detector, Engine, FieldRule};
use crate::error::{Mistakes, PolicyError};
use crate::limits;
use crate::policy::action::{Action as Written, Actions, Environment};
use crate::policy::chosen::{self, Chosen, no_detector};
use crate::policy::known::{self, Feed};
use crate::policy::read::{At, List, Place, Read, unknown};
use crate::policy::routes::{self, Routes};
use crate::policy::shown::shown;
use crate::policy::unread::{self, Bounds, OnUnread};
use crate::policy::written::{Layer, Mode, Part, Policy, RequestPart, Route};
use crate::policy::{audit, built_in, custom, deny, document, errors as on_errors, lists, streams, tables, version};
use crate::rewrite::{Action, need_care};

pub(crate) fn compile(text: &[u8], packs: Option<&[String]>, environment: Environment) -> Result<Engine, PolicyError> {
    let mut to = Mistakes::default();
    let mut read = read(text, &mut to);
    if let (Some((policy, _)), Some(packs)) = (&mut read, packs) {
        policy.detectors.packs = Some(packs.iter().cloned().collect());
    }
    // Packs that somebody put in place of the policy's are no mistake of its author.
    if let (Some((policy, _)), None) = (&read, packs) {
        chosen::check_actions(policy, &mut to);
    }
    let engine = read
        .and_then(|(policy, version)| Compiler::of(&policy, environment, &mut to).engine(&policy, version, &mut to));
    match engine {
        Some(engine) if to.count() == 0 => Ok(engine),
        _ => Err(to.refusal()),
    }
}

/// The policy as written, with what is wrong in it left out, and its number.
fn read(text: &[u8], to: &mut Mistakes) -> Option<(Policy, u64)> {
    match document::read(text) {
        Ok(document) => {
            *to = document.mistakes;
            let place = Place::Root;
            let value = &document.tree;
            let policy = Policy::read(At { value, place }, to)?;
            let version = policy.revision.map_or_else(|| version::of(value), |r| r.0);
            Some((policy, version))
        }
        Err(e) => {
            to.add(e.path, e.why);
            None
        }
    }
}

/// What the routes share.
struct Compiler<'e> {
    actions: Actions<'e>,
    detectors: Arc<[Detector]>,
    /// The pack of each; `None`: the policy's own.
    packs: Vec<Option<&'static str>>,
    /// Ids of the policy's own ones, of those too that are not among them because something is wrong.
    custom: Vec<String>,
    /// Tables by the set that they are for, and by what is decoded.
    sets: Vec<(Decode, Arc<Armed>)>,
    /// Where streams spell texts, if a route does not say otherwise.
    streams: Arc<Shapes>,
    /// What is done with exact secrets, and where their set comes from.
    exact: Option<(Action, Arc<Feed>)>,
}

impl<'e> Compiler<'e> {
    /// One without a detector.
    fn empty(environment: Environment<'e>) -> Compiler<'e> {
        Compiler {
            actions: Actions::new(environment),
            detectors: Arc::default(),
            packs: Vec::new(),
            custom: Vec::new(),
            sets: Vec::new(),
            streams: Arc::default(),
            exact: None,
        }
    }

    /// Compiles the detectors that any route arms.
    fn of(policy: &Policy, environment: Environment<'e>, to: &mut Mistakes) -> Compiler<'e> {
        let routes = policy.routes.iter().map(|(_, route)| Some(route));
        let chosen: Vec<Chosen> = std::iter::once(None)
            .chain(routes)
            .flat_map(|r| Chosen::all(policy, r))
            .collect();
        let (mut detectors, mut packs) = (Vec::new(), Vec::new());
        for d in catalogue::BUILT_IN {
            if !chosen.iter().any(|c| c.takes(d.id, Some(d.pack))) {
                continue;
            }
            match built_in::detector(d) {
                Ok(detector) => {
                    detectors.push(detector);
                    packs.push(Some(d.pack));
                }
                Err(why) => to.add(format!("engine/detectors/{}.toml", d.id), why),
            }
        }
        let custom = &policy.detectors.custom;
        if custom.len() > limits::CUSTOM_DETECTORS {
            to.add("detectors.custom", format!("{} are allowed", limits::CUSTOM_DETECTORS));
            return Compiler::empty(environment);
        }
        for (i, c) in custom.iter() {
            if let Some(d) = custom::detector(i, c, &detectors, to) {
                custom::examples(i, c, &d, alone, to);
                detectors.push(d);
                packs.push(None);
            }
        }
        Compiler {
            detectors: detectors.into(),
            packs,
            custom: custom.iter().map(|(_, c)| c.id.clone()).collect(),
            ..Compiler::empty(environment)
        }
    }

    /// The defaults, with the routes.
    fn engine(&mut self, policy: &Policy, version: u64, to: &mut Mistakes) -> Option<Engine> {
        if let Some(written) = &policy.known_secrets {
            let action = written.action.as_ref();
            let action = action
                .map(|a| self.actions.compile("known_secrets.action", a, to))
                .unwrap_or_default();
            let feed = known::compile(written, self.actions.environment, to);
            self.exact = feed.map(|feed| (action, Arc::new(feed)));
        }
        let defaults = self.rules(policy, None, to);
        if policy.routes.len() > limits::ROUTES {
            to.add("routes", format!("{} are allowed", limits::ROUTES));
            return None;
        }
        let mut matches = Vec::new();
        for (i, route) in policy.routes.iter() {
            let same = |(k, other): (usize, &Route)| k < i && other.name == route.name;
            if policy.routes.iter().any(same) {
                to.add(
                    format!("routes[{i}].name"),
                    "another route has this name; expected one of its own",
                );
            }
            routes::check(i, route, to);
            if let Some(engine) = self.rules(policy, Some((i, route)), to) {
                matches.push((&route.matches, engine));
            }
        }
        audit::check_names(&policy.routes, to);
        let audit = Arc::new(audit::compile(&policy.audit, to));
        let mut defaults = defaults?;
        let means = Arc::new(std::mem::take(&mut self.actions.means));
        for engine in matches.iter_mut().map(|(_, engine)| engine).chain([&mut defaults]) {
            engine.share(&means, &audit, version);
        }
        let all = matches.iter().map(|(_, engine)| engine).chain([&defaults]);
        let parts = |engine| {
            let requests = Engine::of_requests(engine).map(|e| &**e);
            std::iter::once(engine).chain(Engine::on_errors(engine)).chain(requests)
        };
        self.labels(&mut all.flat_map(parts), to);
        if !matches.is_empty() {
            let matches = matches.into_iter().map(|(m, engine)| (m, Arc::new(engine))).collect();
            defaults.routes = Some(Arc::new(Routes::new(matches)));
        }
        Some(defaults)
    }

    /// Templates by which labels read like secrets: to the detectors of the defaults, or of a route.
    fn labels(&self, engines: &mut dyn Iterator<Item = &Engine>, to: &mut Mistakes) {
        if self.actions.templates.is_empty() {
            return;
        }
        let mut seen: Vec<Arc<Armed>> = Vec::new();
        for engine in engines {
            if seen.iter().any(|s| Arc::ptr_eq(s, &engine.armed)) {
                continue;
            }
            seen.push(engine.armed.clone());
            for (template, place) in engine.means.templates.iter().skip(1).zip(&self.actions.templates) {
                if let Some(id) = engine.finds_labels_of(template) {
                    let why = format!(
                        "its labels read like secrets ({} finds one); expected something like [REDACTED:{{detector}}]",
                        shown(&id)
                    );
                    to.add_new(place, &why);
                }
            }
        }
    }

    /// What holds by default, or on a route.
    fn rules(&mut self, policy: &Policy, route: Option<(usize, &Route)>, to: &mut Mistakes) -> Option<Engine> {
        let at = route.map_or_else(String::new, |(i, _)| format!("routes[{i}]."));
        let route = route.map(|(_, route)| route);
        let before = to.count();
        let response = route.and_then(|r| r.response.as_ref());
        let scan = response.and_then(|r| r.scan.as_ref()).or(policy.response.scan.as_ref());
        let layers = response
            .and_then(|r| r.decode.as_ref())
            .or(policy.response.decode.as_ref());
        let action = match (response.and_then(|r| r.action.as_ref()), &policy.response.action) {
            (Some(own), _) => self.actions.compile(&format!("{at}response.action"), own, to),
            (None, Some(action)) => self.actions.compile("response.action", action, to),
            (None, None) => Action::default(),
        };
        let bypass = route.is_some_and(|r| r.bypass);
        let scans = |part| !bypass && scan.is_none_or(|s| s.contains(&part));
        let decode = undone(layers);
        let asked = route.and_then(|r| r.request.as_ref());
        let request_scan = asked.and_then(|r| r.scan.as_ref()).or(policy.request.scan.as_ref());
        let request_scan = request_scan.filter(|s| !bypass && !s.is_empty());
        let request_layers = asked.and_then(|r| r.decode.as_ref()).or(policy.request.decode.as_ref());
        let request_decode = undone(request_layers.or(layers));

        let streams = match (route, response) {
            (None, _) => streams::compile(
                "",
                (policy.response.streams.as_ref(), policy.response.deltas.as_ref()),
                to,
            ),
            (_, Some(own)) if own.streams.is_some() || own.deltas.is_some() => {
                let deltas = own.deltas.as_ref();
                let mut heard = Mistakes::default();
                let listen = if deltas.is_some() { &mut *to } else { &mut heard };
                let names = own.streams.as_ref().or(policy.response.streams.as_ref());
                streams::compile(&at, (names, deltas.or(policy.response.deltas.as_ref())), listen)
            }
            _ => self.streams.clone(),
        };
        if route.is_none() {
            self.streams = streams.clone();
        }
        let own = route.and_then(|r| r.detectors.as_ref());
        match (route, own) {
            (None, _) => self.known(
                &at,
                policy.detectors.packs.as_ref(),
                Some(&policy.detectors.disable),
                to,
            ),
            (_, Some(own)) => self.known(&at, own.packs.as_ref(), own.disable.as_ref(), to),
            _ => {}
        }
        // What comes from the defaults is told there.
        let mut heard = Mistakes::default();
        let told = |is_own: bool| is_own || route.is_none();
        let own_actions = own.and_then(|d| d.actions.as_ref());
        let listen = if told(own_actions.is_some()) {
            &mut *to
        } else {
            &mut heard
        };
        let actions = self.actions_of(&at, policy, own_actions.unwrap_or(&policy.detectors.actions), listen);
        let armed = self.armed(&Chosen::of(policy, route), decode, &at, to);
        let request_armed = request_scan.and_then(|_| self.armed(&Chosen::of(policy, route), request_decode, &at, to));
        let errors = route.and_then(|r| r.errors.as_ref()).or(policy.errors.as_ref());
        let errors = errors.filter(|_| !bypass);
        let errors_armed = errors.and_then(|_| self.armed(&Chosen::of(policy, route).on_errors(), decode, &at, to));

        let own_fields = route.and_then(|r| r.fields.as_ref());
        let own_allow = route.and_then(|r| r.allow.as_ref());
        let listen = if told(own_fields.is_some()) {
            &mut *to
        } else {
            &mut heard
        };
        let (fields, field_names, field_paths) = lists::fields(
            &mut self.actions,
            &at,
            own_fields.unwrap_or(&policy.fields),
            action,
            listen,
        );
        let listen = if told(own_allow.is_some()) {
            &mut *to
        } else {
            &mut heard
        };
        let (allow, kept) = lists::allow(&at, own_allow.unwrap_or(&policy.allow), listen);
        let deny = route
            .and_then(|r| r.deny.as_ref())
            .or(policy.deny.as_ref())
            .filter(|_| !bypass);
        if let Some(own) = route.map_or(policy.errors.as_ref(), |r| r.errors.as_ref()) {
            on_errors::check(&at, own, to);
        }
        if let Some(own) = route.map_or(policy.deny.as_ref(), |r| r.deny.as_ref()) {
            deny::check(&at, own, scans(Part::Body), to);
        }
        let place = route.and_then(|r| r.deny.as_ref()).map_or("", |_| at.as_str());
        let on_file = deny.and_then(|d| d.bodies.as_ref());
        let on_file = on_file.map(|a| self.actions.compile(&format!("{place}deny.bodies"), a, to));
        let own_unread = route.and_then(|r| r.on_uninspectable.as_ref());
        if let Some(own) = route.map_or(Some(&policy.on_uninspectable), |_| own_unread) {
            unread::check(&at, own, &policy.limits, to);
        }
        let mode = route.and_then(|r| r.mode).unwrap_or(policy.mode);
        let armed = armed?;
        let request_action = match (asked.and_then(|r| r.action.as_ref()), &policy.request.action) {
            (Some(own), _) => self.actions.compile(&format!("{at}request.action"), own, to),
            (None, Some(action)) => self.actions.compile("request.action", action, to),
            (None, None) => Action::default(),
        };
        let request_fields = fields.iter().map(|f| match f.own {
            true => f.clone(),
            false => FieldRule {
                action: request_action,
                ..*f
            },
        });
        let request_fields: Arc<[FieldRule]> = request_fields.collect();
        let used = actions.values().copied();
        let used = used.chain(fields.iter().chain(request_fields.iter()).map(|f| f.action));
        let known = self.exact.as_ref().map(|(action, _)| *action);
        let careful = need_care(used.chain([action, request_action]).chain(known));
        let mut engine = (to.count() == before).then(|| Engine {
            detectors: self.detectors.clone(),
            armed,
            fields,
            field_names,
            field_paths,
            allow,
            kept,
            decode,
            streams,
            careful,
            action,
            actions,
            // All of them are known only behind the last route.
            means: Arc::default(),
            known,
            feed: self.exact.as_ref().map(|(_, feed)| feed.clone()),
            enforce: mode == Mode::Enforce,
            scan_headers: scans(Part::Headers),
            scan_body: scans(Part::Body),
            scan_trailers: scans(Part::Trailers),
            scan_query: false,
            scan_path: false,
            scan_cookies: false,
            request: None,
            errors: None,
            deny: deny.map(|d| deny::Rules::new(d, on_file)),
            on_unread: OnUnread::of(own_unread, &policy.on_uninspectable),
            bounds: Bounds::of(&policy.limits),
            audit: Arc::default(),
            version: 0,
            bypass,
            metric_name: audit::metric_name(route.map_or("", |r| &r.name)),
            name: route.map_or_else(String::new, |r| r.name.clone()),
            routes: None,
        })?;
        if let (Some(rule), Some(armed)) = (errors, errors_armed) {
            let with_leaks = Engine {
                armed,
                ..engine.clone()
            };
            engine.errors = Some(Arc::new(on_errors::profile(rule, with_leaks)));
        }
        if let (Some(scan), Some(armed)) = (request_scan, request_armed) {
            let asks = |part| scan.contains(&part);
            engine.request = Some(Arc::new(Engine {
                armed,
                decode: request_decode,
                action: request_action,
                fields: request_fields,
                scan_headers: asks(RequestPart::Headers),
                scan_body: asks(RequestPart::Body),
                scan_trailers: asks(RequestPart::Trailers),
                scan_query: asks(RequestPart::Query),
                scan_path: asks(RequestPart::Path),
                scan_cookies: asks(RequestPart::Cookies),
                errors: None,
                ..engine.clone()
            }));
        }
        Some(engine)
    }

    /// Packs and detectors that do not exist.
    fn known(&self, at: &str, packs: Option<&List<String>>, disable: Option<&List<String>>, to: &mut Mistakes) {
        for (i, pack) in packs.iter().flat_map(|list| list.iter()) {
            if !catalogue::PACKS.contains(&pack.as_str()) {
                to.add(
                    format!("{at}detectors.packs[{i}]"),
                    unknown(pack, "pack", catalogue::PACKS),
                );
            }
        }
        for (i, id) in disable.iter().flat_map(|list| list.iter()) {
            if !self.exists(id) {
                // What is not told any more need not be looked up.
                let why = if to.is_full() { String::new() } else { no_detector(id) };
                to.add(format!("{at}detectors.disable[{i}]"), why);
            }
        }
    }

    /// Whether a detector has this id, even one with which something is wrong.
    fn exists(&self, id: &str) -> bool {
        catalogue::BUILT_IN.iter().any(|d| d.id == id) || self.custom.iter().any(|own| own == id)
    }

    /// Actions by detector: those of the policy's own ones, unless the list says something else.
    fn actions_of(
        &mut self,
        at: &str,
        policy: &Policy,
        listed: &BTreeMap<String, Written>,
        to: &mut Mistakes,
    ) -> Arc<BTreeMap<u16, Action>> {
        for id in listed.keys().filter(|id| !self.exists(id)) {
            if to.is_full() {
                break;
            }
            let place = document::key_path(&format!("{at}detectors.actions"), id);
            to.add(place, no_detector(id));
        }
        let mut by_id = BTreeMap::new();
        for (i, c) in policy.detectors.custom.iter() {
            if let Some(action) = &c.action {
                let place = format!("detectors.custom[{i}].action");
                by_id.insert(&c.id, self.actions.compile(&place, action, to));
            }
        }
        for (id, action) in listed {
            let place = document::key_path(&format!("{at}detectors.actions"), id);
            by_id.insert(id, self.actions.compile(&place, action, to));
        }
        let all = self.detectors.iter().zip(0u16..);
        Arc::new(all.filter_map(|(d, i)| Some((i, *by_id.get(&d.id)?))).collect())
    }

    /// The tables for a set of detectors.
    fn armed(&mut self, chosen: &Chosen, decode: Decode, at: &str, to: &mut Mistakes) -> Option<Arc<Armed>> {
        let with_packs = self.detectors.iter().zip(&self.packs);
        let set: Vec<bool> = with_packs.map(|(d, pack)| chosen.takes(&d.id, *pack)).collect();
        if let Some((_, armed)) = self.sets.iter().find(|(d, armed)| *d == decode && armed.set == set) {
            return Some(armed.clone());
        }
        if self.sets.len() >= limits::ARMED_SETS {
            let why = format!(
                "with it there are more than {} different sets of detectors, each with tables of its own; give routes the same \
                 `packs` and `disable` and the same `decode`, or leave `errors` (which add the pack error-leaks) out of some",
                limits::ARMED_SETS
            );
            to.add(format!("{at}detectors"), why);
            return None;
        }
        let armed = Arc::new(
            tables::of(&self.detectors, set, decode)
                .map_err(|why| to.add("detectors", why))
                .ok()?,
        );
        self.sets.push((decode, armed.clone()));
        Some(armed)
    }
}

/// The encodings that these layers are; all, if none are said.
fn undone(layers: Option<&Vec<Layer>>) -> Decode {
    let undone = |layer| layers.is_none_or(|l| l.contains(&layer));
    Decode {
        percent: undone(Layer::Percent),
        entities: undone(Layer::Html),
        base64: undone(Layer::Base64),
        utf16: undone(Layer::Utf16),
    }
}

/// An engine with nothing but one detector.
fn alone(d: Detector) -> Option<Engine> {
    let mut to = Mistakes::default();
    let mut compiler = Compiler {
        detectors: Arc::new([d]),
        packs: vec![None],
        ..Compiler::empty(&|_| None)
    };
    compiler.rules(&Policy::absent()?, None, &mut to)
}
