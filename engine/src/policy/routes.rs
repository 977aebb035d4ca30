//! Which route a request is on: the first of the list that matches.
//!
//! A policy of 200 routes must not cost 200 comparisons for each request. So hosts, beginnings of paths and methods are
//! looked up in tables, each of which answers with one bit for each route that its key does not rule out; what all
//! of them leave is compared in full, in order. Why not one automaton for all globs: the tables are a tenth of its size,
//! and what they leave is one or two routes in every policy that people write.
//!
//! Status and content type are known only when the response comes: until then a route that asks for them is open.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::engine::Engine;
use crate::error::Mistakes;
use crate::limits;
use crate::policy::glob::{Glob, Host, authority, is_ambiguous, is_resolved, matches, path_of};
use crate::policy::written::{Match, Route};

#[cfg(feature = "explain")]
mod hidden;
#[cfg(feature = "explain")]
mod why;

#[cfg(feature = "explain")]
pub use why::Tried;

/// What is known of a request when its headers have come.
#[derive(Clone, Copy)]
pub struct RequestFacts<'a> {
    /// `:authority`, as it came.
    pub host: &'a [u8],
    /// `:path`, as it came.
    pub path: &'a [u8],
    /// `:method`
    pub method: &'a [u8],
    /// Names in lower case, and values.
    pub headers: &'a [(Vec<u8>, Vec<u8>)],
    /// A value in the metadata of the proxy's route, by namespace and key. Asked only if a route depends on it.
    pub metadata: &'a dyn Fn(&str, &str) -> Option<Vec<u8>>,
}

/// What is known when the response's headers have come.
#[derive(Clone, Copy, Debug)]
pub struct ResponseFacts<'a> {
    /// The status.
    pub status: u16,
    /// `content-type`, as it came.
    pub content_type: &'a [u8],
}

/// The routes that a request may be on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Routed {
    /// Those which the response decides on, in order.
    open: Vec<u16>,
    /// The one if it is none of those; `None`: the defaults.
    last: Option<u16>,
}

impl Routed {
    /// The rules that hold as far as the request tells; `None`: the defaults.
    pub fn of_request<'e>(&self, engine: &'e Engine) -> Option<&'e Arc<Engine>> {
        self.last.and_then(|i| engine.routes.as_ref()?.engine(i))
    }

    /// The rules that hold; `None`: the defaults.
    pub fn settle<'e>(&self, engine: &'e Engine, response: &ResponseFacts) -> Option<&'e Arc<Engine>> {
        let routes = engine.routes.as_ref()?;
        let is = |i: &&u16| {
            routes
                .list
                .get(usize::from(**i))
                .is_some_and(|r| r.takes_response(response))
        };
        let decided = self.open.iter().find(is).copied().or(self.last);
        decided.and_then(|i| routes.engine(i))
    }

    /// Every set of rules that may come to hold; the defaults are not told.
    pub fn possible<'e>(&self, engine: &'e Engine) -> impl Iterator<Item = &'e Arc<Engine>> {
        let all = self.open.iter().copied().chain(self.last);
        all.filter_map(|i| engine.routes.as_ref()?.engine(i))
    }

    /// Whether the defaults may come to hold.
    pub fn may_be_default(&self) -> bool {
        self.last.is_none()
    }
}

/// Compiled routes.
#[derive(Clone, Debug)]
pub(crate) struct Routes {
    list: Vec<Compiled>,
    hosts: Table,
    below: Table,
    paths: Table,
    methods: Table,
}

#[derive(Clone, Debug)]
struct Compiled {
    engine: Arc<Engine>,
    paths: Vec<Glob>,
    asks: Match,
}

impl Compiled {
    fn takes_request(&self, request: &RequestFacts, path: &[u8]) -> bool {
        let sure = || !is_ambiguous(path) && !is_resolved(request.path, path);
        let header = |name: &str, value: Option<&[u8]>| {
            let named = request
                .headers
                .iter()
                .filter(|(n, _)| n.eq_ignore_ascii_case(name.as_bytes()));
            named.into_iter().any(|(_, v)| value.is_none_or(|value| value == v))
        };
        let asks = &self.asks;
        (self.paths.is_empty() || self.paths.iter().any(|g| g.covers(path)))
            && (!self.engine.bypasses() || self.paths.is_empty() || sure())
            && asks
                .headers
                .iter()
                .all(|(_, h)| header(&h.name, h.value.as_ref().map(|v| v.0.as_bytes())))
            && asks
                .metadata
                .iter()
                .all(|(_, m)| (request.metadata)(&m.namespace, &m.key).is_some_and(|v| v == m.value.0))
    }

    fn asks_response(&self) -> bool {
        !self.asks.status.is_empty() || !self.asks.content_types.is_empty()
    }

    fn takes_response(&self, response: &ResponseFacts) -> bool {
        let end = response.content_type.iter().position(|b| matches!(b, b';' | b' '));
        let essence = response.content_type.get(..end.unwrap_or(response.content_type.len()));
        let essence = essence.unwrap_or_default().to_ascii_lowercase();
        let types = &self.asks.content_types;
        let status = &self.asks.status;
        (status.is_empty() || status.iter().any(|s| s.0.covers(response.status)))
            && (types.is_empty()
                || types
                    .iter()
                    .any(|(_, t)| matches(t.to_ascii_lowercase().as_bytes(), &essence)))
    }
}

const WORDS: usize = limits::ROUTES.div_ceil(64);

/// A bit for each route.
type Bits = [u64; WORDS];

fn set(bits: &mut Bits, route: usize) {
    if let Some(word) = bits.get_mut(route / 64) {
        *word |= 1 << (route % 64);
    }
}

fn join(bits: &mut Bits, other: &Bits) {
    bits.iter_mut().zip(other).for_each(|(a, b)| *a |= b);
}

fn meet(bits: &mut Bits, other: &Bits) {
    bits.iter_mut().zip(other).for_each(|(a, b)| *a &= b);
}

/// Keys, each with the routes that ask for it.
#[derive(Clone, Debug)]
struct Table {
    keys: BTreeMap<Vec<u8>, Bits>,
    /// Routes that ask for none.
    any: Bits,
    /// Separators in the key that has most of them: a longer text need not be taken apart further.
    deepest: usize,
}

impl Table {
    fn new(separator: u8) -> (Table, impl Fn(&mut Table, &[u8], usize)) {
        let add = move |table: &mut Table, key: &[u8], route| {
            table.deepest = table.deepest.max(key.iter().filter(|b| **b == separator).count());
            set(table.keys.entry(key.to_vec()).or_insert([0; WORDS]), route);
        };
        let table = Table {
            keys: BTreeMap::new(),
            any: [0; WORDS],
            deepest: 0,
        };
        (table, add)
    }

    fn get(&self, key: &[u8], bits: &mut Bits) {
        if let Some(routes) = self.keys.get(key) {
            join(bits, routes);
        }
    }
}

impl Routes {
    pub(crate) fn new(all: Vec<(&Match, Arc<Engine>)>) -> Routes {
        let (mut hosts, host) = Table::new(b'.');
        let (mut below, suffix) = Table::new(b'.');
        let (mut paths, path) = Table::new(b'/');
        let (mut methods, method) = Table::new(b' ');
        let mut list = Vec::new();
        for (i, (asks, engine)) in all.into_iter().enumerate() {
            for h in asks.hosts.iter() {
                match h {
                    Host::Any => set(&mut hosts.any, i),
                    Host::Exactly(name) => host(&mut hosts, name.as_bytes(), i),
                    Host::Below(name) => suffix(&mut below, name.as_bytes(), i),
                }
            }
            if asks.hosts.is_empty() {
                set(&mut hosts.any, i);
            }
            for glob in asks.paths.iter() {
                path(&mut paths, &glob.beginning(), i);
            }
            if asks.paths.is_empty() {
                set(&mut paths.any, i);
            }
            for (_, m) in asks.methods.iter() {
                method(&mut methods, m.as_bytes(), i);
            }
            if asks.methods.is_empty() {
                set(&mut methods.any, i);
            }
            list.push(Compiled {
                engine,
                paths: asks.paths.to_vec(),
                asks: asks.clone(),
            });
        }
        Routes {
            list,
            hosts,
            below,
            paths,
            methods,
        }
    }

    fn engine(&self, i: u16) -> Option<&Arc<Engine>> {
        self.list.get(usize::from(i)).map(|r| &r.engine)
    }

    pub(crate) fn route(&self, request: &RequestFacts) -> Routed {
        let path = path_of(request.path);
        let left = self.left(request, &path);
        let mut routed = Routed::default();
        for (word, mut bits) in (0u16..).zip(left) {
            while bits != 0 {
                let i = word * 64 + u16::try_from(bits.trailing_zeros()).unwrap_or(0);
                bits &= bits - 1;
                let Some(route) = self
                    .list
                    .get(usize::from(i))
                    .filter(|r| r.takes_request(request, &path))
                else {
                    continue;
                };
                if !route.asks_response() {
                    routed.last = Some(i);
                    return routed;
                }
                routed.open.push(i);
            }
        }
        routed
    }

    /// The routes that host, beginning of the path and method do not rule out.
    fn left(&self, request: &RequestFacts, path: &[u8]) -> Bits {
        let mut left = self.methods.any;
        self.methods.get(request.method, &mut left);

        let mut by_path = self.paths.any;
        let slashes = path.iter().enumerate().filter(|(_, b)| **b == b'/').map(|(i, _)| i);
        for end in slashes.take(self.paths.deepest + 1).chain([path.len()]) {
            self.paths.get(path.get(..end).unwrap_or_default(), &mut by_path);
        }
        meet(&mut left, &by_path);

        let mut by_host = self.hosts.any;
        if let Some(host) = authority(request.host) {
            let host = host.as_bytes();
            self.hosts.get(host, &mut by_host);
            let dots = host
                .iter()
                .enumerate()
                .rev()
                .filter(|(_, b)| **b == b'.')
                .map(|(i, _)| i);
            for begin in dots.take(self.below.deepest).filter(|begin| *begin > 0) {
                self.below.get(host.get(begin..).unwrap_or_default(), &mut by_host);
            }
        }
        meet(&mut left, &by_host);
        left
    }
}

/// What the types cannot say of `routes[i]`.
pub(crate) fn check(i: usize, route: &Route, to: &mut Mistakes) {
    let at = |key: &str| format!("routes[{i}].{key}");
    let m = &route.matches;
    if route.name.is_empty() || route.name.len() > limits::ROUTE_NAME_BYTES || route.name.chars().any(char::is_control)
    {
        to.add(
            at("name"),
            format!("expected 1 to {} bytes of text", limits::ROUTE_NAME_BYTES),
        );
    }
    if route.name == "default" {
        to.add(
            at("name"),
            "this is what the rest of the policy is called; expected another name",
        );
    }
    let asks_nothing = m.hosts.is_empty() && m.paths.is_empty() && m.methods.is_empty() && m.headers.is_empty();
    let asks_response = !m.status.is_empty() || !m.content_types.is_empty();
    if asks_nothing && !asks_response && m.metadata.is_empty() {
        to.add_new(
            &at("match"),
            "it asks for nothing; expected one of hosts, paths, methods, headers, status, content_types, metadata",
        );
    }
    let token = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
    };
    for (k, method) in m.methods.iter() {
        if !token(method) || method.bytes().any(|b| b.is_ascii_lowercase()) {
            let known = [
                "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT",
            ];
            let meant = known.iter().find(|m| m.eq_ignore_ascii_case(method));
            let meant = meant.map_or_else(String::new, |m| format!("; did you mean `{m}`?"));
            to.add(
                at(&format!("match.methods[{k}]")),
                format!("expected a method in capitals, such as GET{meant}"),
            );
        }
    }
    for (k, header) in m.headers.iter() {
        if !token(&header.name) {
            to.add(
                at(&format!("match.headers[{k}].name")),
                "expected a header's name, such as x-debug",
            );
        }
    }
    for (k, content_type) in m.content_types.iter() {
        let (kind, sub) = content_type.split_once('/').unwrap_or_default();
        if !token(kind) || !token(sub) {
            to.add(
                at(&format!("match.content_types[{k}]")),
                "expected a type such as text/html, text/* or application/*+json",
            );
        }
    }
    if asks_response && route.deny.is_some() {
        to.add(
            at("deny"),
            "when the status and content type are known the request has gone; leave out one or the other",
        );
    }
    if asks_response && route.request.is_some() {
        to.add(
            at("request"),
            "when the status and content type are known the request has gone; leave out one or the other",
        );
    }
    let says = [
        route.mode.is_some(),
        route.detectors.is_some(),
        route.fields.is_some(),
        route.allow.is_some(),
        route.response.is_some(),
        route.request.is_some(),
        route.errors.is_some(),
        route.deny.is_some(),
        route.on_uninspectable.is_some(),
    ];
    if route.bypass && says.contains(&true) {
        to.add(
            at("bypass"),
            "with it nothing else in the route has a meaning; leave out one or the other",
        );
    }
}
