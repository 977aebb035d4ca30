//! A header map with Envoy's rules: names in lower case, pseudo-headers first, duplicates kept in order,
//! except for the headers that Envoy keeps in a slot of their own, where a second value joins the first.

use crate::exchange::Headers;

/// What a map holds: it decides which headers have a slot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    Request,
    Response,
    #[default]
    Trailers,
}

/// A header or trailer map.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct HeaderMap {
    kind: Kind,
    entries: Headers,
}

/// Headers of which Envoy 1.40 keeps one, in requests (measured: two values arrive as `a,b`).
const REQUEST_SLOTS: &[&str] = &[
    "accept",
    "accept-encoding",
    "access-control-request-headers",
    "access-control-request-method",
    "access-control-request-private-network",
    "authorization",
    "cache-control",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "grpc-accept-encoding",
    "grpc-timeout",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "keep-alive",
    "origin",
    "pragma",
    "proxy-connection",
    "referer",
    "te",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
    "x-client-trace-id",
    "x-envoy-decorator-operation",
    "x-envoy-downstream-service-cluster",
    "x-envoy-external-address",
    "x-envoy-force-trace",
    "x-envoy-internal",
    "x-envoy-max-retries",
    "x-envoy-original-path",
    "x-envoy-retry-on",
    "x-envoy-upstream-alt-stat-name",
    "x-forwarded-client-cert",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-proto",
    "x-request-id",
];

/// The same in responses.
const RESPONSE_SLOTS: &[&str] = &[
    "access-control-allow-credentials",
    "access-control-allow-headers",
    "access-control-allow-methods",
    "access-control-allow-origin",
    "access-control-expose-headers",
    "access-control-max-age",
    "age",
    "cache-control",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "date",
    "etag",
    "expires",
    "grpc-message",
    "grpc-status",
    "keep-alive",
    "last-modified",
    "location",
    "proxy-connection",
    "proxy-status",
    "server",
    "transfer-encoding",
    "upgrade",
    "vary",
    "via",
    "x-envoy-attempt-count",
    "x-envoy-degraded",
    "x-envoy-ratelimited",
    "x-envoy-upstream-service-time",
    "x-request-id",
];

impl Kind {
    /// Does Envoy keep this header in a slot, so that a second value is appended to the first after a comma?
    fn has_slot(self, name: &[u8]) -> bool {
        let slots = match self {
            Self::Request => REQUEST_SLOTS,
            Self::Response => RESPONSE_SLOTS,
            Self::Trailers => &["grpc-message", "grpc-status"],
        };
        name.first() == Some(&b':') || slots.binary_search_by(|slot| slot.as_bytes().cmp(name)).is_ok()
    }
}

impl HeaderMap {
    pub(super) fn from_wire(kind: Kind, headers: &[(Vec<u8>, Vec<u8>)]) -> Self {
        let mut map = Self {
            kind,
            entries: Vec::with_capacity(headers.len()),
        };
        for (name, value) in headers {
            map.add(name, value);
        }
        map
    }

    pub(super) fn entries(&self) -> &Headers {
        &self.entries
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The first value only, as `proxy_get_header_map_value` does.
    pub(super) fn first(&self, name: &[u8]) -> Option<&[u8]> {
        self.entries
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, v)| v.as_slice())
    }

    pub(super) fn add(&mut self, name: &[u8], value: &[u8]) {
        let name = name.to_ascii_lowercase();
        if self.kind.has_slot(&name)
            && let Some((_, old)) = self.entries.iter_mut().find(|(n, _)| *n == name)
        {
            if !old.is_empty() && !value.is_empty() {
                old.push(b',');
            }
            old.extend_from_slice(value);
            return;
        }
        let at = if name.first() == Some(&b':') {
            self.pseudo_end()
        } else {
            self.entries.len()
        };
        self.entries.insert(at, (name, value.to_vec()));
    }

    /// All of that name go, and the new one stands last (a pseudo-header: last among those).
    pub(super) fn replace(&mut self, name: &[u8], value: &[u8]) {
        self.remove(name);
        self.add(name, value);
    }

    pub(super) fn remove(&mut self, name: &[u8]) {
        self.entries.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
    }

    pub(super) fn set_all(&mut self, pairs: &[(Vec<u8>, Vec<u8>)]) {
        self.entries.clear();
        for (name, value) in pairs {
            self.add(name, value);
        }
    }

    /// Names and values together, in bytes: what `proxy_get_header_map_size` answers.
    pub(super) fn byte_size(&self) -> usize {
        self.entries.iter().map(|(n, v)| n.len() + v.len()).sum()
    }

    fn pseudo_end(&self) -> usize {
        self.entries
            .iter()
            .take_while(|(n, _)| n.first() == Some(&b':'))
            .count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> HeaderMap {
        let wire: Headers = pairs
            .iter()
            .map(|(n, v)| (n.as_bytes().to_vec(), v.as_bytes().to_vec()))
            .collect();
        HeaderMap::from_wire(Kind::Response, &wire)
    }

    #[test]
    fn replace_collapses_duplicates_and_moves_last() {
        let mut headers = map(&[
            (":status", "200"),
            ("Set-Cookie", "a=1"),
            ("set-cookie", "b=2"),
            ("x", "y"),
        ]);
        assert_eq!(headers.first(b"SET-COOKIE"), Some(&b"a=1"[..]));
        headers.replace(b"set-cookie", b"c=3");
        headers.replace(b":status", b"500");
        assert_eq!(headers, map(&[(":status", "500"), ("x", "y"), ("set-cookie", "c=3")]));
    }

    #[test]
    fn a_header_with_a_slot_joins_its_values() {
        let mut headers = map(&[("vary", "a"), ("link", "1"), ("vary", "b"), ("link", "2")]);
        headers.add(b"Vary", b"c");
        assert_eq!(
            headers.entries(),
            map(&[("vary", "a,b,c"), ("link", "1"), ("link", "2")]).entries()
        );
    }

    #[test]
    fn the_slots_are_sorted() {
        assert!(REQUEST_SLOTS.is_sorted() && RESPONSE_SLOTS.is_sorted());
    }
}
