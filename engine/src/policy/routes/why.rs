//! Why a request is, or is not, on a route: for `keepmum explain`.
//!
//! Asked of the same conditions as `Compiled::takes_request` and `takes_response`, one by one and without the tables before
//! them. A test says that both agree (`engine/tests/routes.rs`).

use super::{RequestFacts, ResponseFacts};
use crate::engine::Engine;
use crate::policy::glob::{Host, authority, is_ambiguous, path_of};

/// A route, and what of its `match` does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// Its name.
    pub name: String,
    /// What does not hold, as `hosts: none of 2 is this one`; empty: the route matches. No value stands in it.
    pub against: Vec<String>,
}

impl Engine {
    /// The routes in order, up to the first that matches; all of them if none does. Without a response, routes that ask for
    /// one do not match.
    pub fn tried(&self, request: &RequestFacts, response: Option<&ResponseFacts>) -> Vec<Tried> {
        let path = path_of(request.path);
        let mut tried = Vec::new();
        for route in self.routes.iter().flat_map(|routes| &routes.list) {
            let against = route.against(request, &path, response);
            let matches = against.is_empty();
            let name = route.engine.name.clone();
            tried.push(Tried { name, against });
            if matches {
                break;
            }
        }
        tried
    }
}

impl super::Compiled {
    fn against(&self, request: &RequestFacts, path: &[u8], response: Option<&ResponseFacts>) -> Vec<String> {
        let asks = &self.asks;
        let mut against = Vec::new();
        let none = |key: &str, n: usize| match n {
            1 => format!("{key}: it asks for another one"),
            n => format!("{key}: none of the {n} that it asks for"),
        };
        let host = authority(request.host);
        let is_host = |h: &Host| match (h, &host) {
            (Host::Any, _) => true,
            (Host::Exactly(name), Some(host)) => name == host,
            (Host::Below(end), Some(host)) => host.len() > end.len() && host.ends_with(end.as_str()),
            (_, None) => false,
        };
        if !asks.hosts.is_empty() && !asks.hosts.iter().any(is_host) {
            against.push(none("hosts", asks.hosts.len()));
        }
        if !self.paths.is_empty() && !self.paths.iter().any(|g| g.covers(path)) {
            against.push(none("paths", self.paths.len()));
        } else if self.engine.bypasses() && !self.paths.is_empty() && is_ambiguous(path) {
            against.push("paths: others may read this path otherwise, and the route is a bypass".to_owned());
        }
        if !asks.methods.is_empty() && !asks.methods.iter().any(|(_, m)| m.as_bytes() == request.method) {
            against.push(none("methods", asks.methods.len()));
        }
        for (_, h) in asks.headers.iter() {
            let is = |(name, _): &&(Vec<u8>, Vec<u8>)| name.eq_ignore_ascii_case(h.name.as_bytes());
            let sent: Vec<_> = request.headers.iter().filter(is).collect();
            let as_asked = |value: &[u8]| h.value.as_ref().is_none_or(|asked| asked.0.as_bytes() == value);
            if sent.is_empty() {
                against.push(format!("headers: {} was not sent", h.name));
            } else if !sent.iter().any(|(_, value)| as_asked(value)) {
                against.push(format!("headers: {} has another value", h.name));
            }
        }
        for (_, m) in asks.metadata.iter() {
            let (namespace, key) = (&m.namespace, &m.key);
            match (request.metadata)(namespace, key) {
                None => against.push(format!("metadata: the proxy's route has no {namespace}:{key}")),
                Some(value) if value != m.value.0 => {
                    against.push(format!("metadata: {namespace}:{key} has another value"));
                }
                Some(_) => {}
            }
        }
        self.against_response(response, &mut against);
        against
    }

    fn against_response(&self, response: Option<&ResponseFacts>, against: &mut Vec<String>) {
        let asks = [
            ("status", !self.asks.status.is_empty()),
            ("content_types", !self.asks.content_types.is_empty()),
        ];
        match response {
            Some(response) if !self.takes_response(response) => {
                let asked: Vec<&str> = asks.iter().filter(|(_, asks)| *asks).map(|(key, _)| *key).collect();
                against.push(format!("{}: the response is another one", asked.join(", ")));
            }
            None => {
                for (key, _) in asks.iter().filter(|(_, asks)| *asks) {
                    against.push(format!("{key}: it depends on the response"));
                }
            }
            Some(_) => {}
        }
    }
}
