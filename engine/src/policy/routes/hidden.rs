//! Routes that no request can be on, because an earlier one takes everything that they would take: for `keepmum check`.
//!
//! Told only where it can be proven, one earlier route at a time: on every key it asks for nothing, for the same, or for more
//! than all of it. What two earlier routes take together is not looked for, and of globs with stars in them only equal ones
//! and `/folder/**` are compared: a warning that is wrong once is not read again.

use super::Compiled;
use crate::engine::Engine;
use crate::policy::glob::{Glob, Host, matches};
use crate::policy::written::{AnyStatus, Match, StatusPattern};

impl Engine {
    /// The numbers of routes that no request can be on, each with that of the earlier route which takes all of them.
    pub fn never_reached(&self) -> Vec<(usize, usize)> {
        let list = self.routes.as_ref().map_or(&[][..], |routes| &routes.list);
        let earlier = |(i, route): (usize, &Compiled)| {
            let takes_all = |before: &Compiled| before.takes_all_of(route);
            Some((i, list.get(..i)?.iter().position(takes_all)?))
        };
        list.iter().enumerate().filter_map(earlier).collect()
    }
}

impl Compiled {
    /// Whether each exchange that the other takes is taken by this one.
    fn takes_all_of(&self, other: &Compiled) -> bool {
        // A path that others may read otherwise is on no bypass.
        let sure = !self.engine.bypasses() || self.paths.is_empty() || other.engine.bypasses();
        let (a, b): (&Match, &Match) = (&self.asks, &other.asks);
        let hosts = a.hosts.contains(&Host::Any) || all(&a.hosts, &b.hosts, host);
        let paths = all(&self.paths, &other.paths, Glob::covers_all_of);
        let texts = |list: &crate::policy::read::List<String>| list.iter().map(|(_, t)| t.clone()).collect::<Vec<_>>();
        let methods = all(&texts(&a.methods), &texts(&b.methods), |a, b| a == b);
        let types = all(&texts(&a.content_types), &texts(&b.content_types), |a, b| {
            content_type(a, b)
        });
        let header = |h: &super::super::written::HeaderMatch| {
            b.headers.iter().any(|(_, other)| {
                h.name.eq_ignore_ascii_case(&other.name) && (h.value.is_none() || h.value == other.value)
            })
        };
        sure && hosts
            && paths
            && methods
            && types
            && all(&a.status, &b.status, status)
            && a.headers.iter().all(|(_, h)| header(h))
            && a.metadata
                .iter()
                .all(|(_, m)| b.metadata.iter().any(|(_, other)| m == other))
    }
}

/// Of a key: nothing is asked for, or each item of the other's list is taken by one of these.
fn all<T>(own: &[T], others: &[T], takes: impl Fn(&T, &T) -> bool) -> bool {
    own.is_empty() || (!others.is_empty() && others.iter().all(|other| own.iter().any(|one| takes(one, other))))
}

fn host(own: &Host, other: &Host) -> bool {
    match (own, other) {
        (Host::Any, _) => true,
        (Host::Exactly(a), Host::Exactly(b)) => a == b,
        (Host::Below(end), Host::Exactly(name)) => name.len() > end.len() && name.ends_with(end.as_str()),
        (Host::Below(end), Host::Below(other)) => other.ends_with(end.as_str()),
        _ => false,
    }
}

fn status(own: &AnyStatus, other: &AnyStatus) -> bool {
    match other.0 {
        StatusPattern::One(status) => own.0.covers(status),
        StatusPattern::Class(_) => own == other,
    }
}

fn content_type(own: &str, other: &str) -> bool {
    let (own, other) = (own.to_ascii_lowercase(), other.to_ascii_lowercase());
    own == other || (!other.contains('*') && matches(own.as_bytes(), other.as_bytes()))
}
