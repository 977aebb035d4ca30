//! A header map with Envoy's rules: names in lower case, pseudo-headers first, duplicates kept in order,
//! except for the headers that Envoy keeps in a slot of their own, where a second value joins the first.

use crate::exchange::Headers;

/// A header or trailer map.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct HeaderMap {
    entries: Headers,
}

/// Does Envoy keep this header in a slot, so that adding a second value appends `,value` to the first?
fn has_slot(_name: &[u8]) -> bool {
    false
}

impl HeaderMap {
    pub(super) fn from_wire(headers: &[(Vec<u8>, Vec<u8>)]) -> Self {
        let mut map = Self::default();
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
        self.entries.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_slice())
    }

    pub(super) fn add(&mut self, name: &[u8], value: &[u8]) {
        let name = name.to_ascii_lowercase();
        if has_slot(&name)
            && let Some((_, old)) = self.entries.iter_mut().find(|(n, _)| *n == name)
        {
            if !old.is_empty() && !value.is_empty() {
                old.push(b',');
            }
            old.extend_from_slice(value);
            return;
        }
        let at = if name.first() == Some(&b':') { self.pseudo_end() } else { self.entries.len() };
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
        self.entries.iter().take_while(|(n, _)| n.first() == Some(&b':')).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> HeaderMap {
        let wire: Headers = pairs.iter().map(|(n, v)| (n.as_bytes().to_vec(), v.as_bytes().to_vec())).collect();
        HeaderMap::from_wire(&wire)
    }

    #[test]
    fn replace_collapses_duplicates_and_moves_last() {
        let mut headers = map(&[(":status", "200"), ("Set-Cookie", "a=1"), ("set-cookie", "b=2"), ("x", "y")]);
        assert_eq!(headers.first(b"SET-COOKIE"), Some(&b"a=1"[..]));
        headers.replace(b"set-cookie", b"c=3");
        headers.replace(b":status", b"500");
        assert_eq!(headers, map(&[(":status", "500"), ("x", "y"), ("set-cookie", "c=3")]));
    }
}
