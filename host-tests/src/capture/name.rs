//! Names for exchanges that have none: from the method and the path, in kebab case, unique in a set.
//!
//! Not the trace id or the URL: a name stands in a table and in an HTML anchor, and a query string may hold a secret.

use std::collections::BTreeSet;

use crate::exchange::{Exchange, Message};

/// How many characters of a path a name takes.
const PATH_CHARACTERS: usize = 40;

/// `get-orders-1093` from a request.
pub(super) fn from_request(request: &Message) -> String {
    let text = |name| String::from_utf8_lossy(request.header(name).unwrap_or_default()).into_owned();
    let target = text(":path");
    let path = target.split(['?', '#']).next().unwrap_or_default();
    let path: String = path.chars().take(PATH_CHARACTERS).collect();
    kebab(&format!("{} {path}", text(":method")))
}

/// Lower-case letters and digits, everything else as single hyphens.
pub(super) fn kebab(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            out.push(c.to_ascii_lowercase());
        } else if !out.ends_with('-') && !out.is_empty() {
            out.push('-');
        }
    }
    let out = out.trim_end_matches('-');
    if out.is_empty() {
        "exchange".to_owned()
    } else {
        out.to_owned()
    }
}

/// Adds `-2`, `-3` to names that were already there.
pub fn make_unique(exchanges: &mut [Exchange]) {
    let mut taken = BTreeSet::new();
    for exchange in exchanges {
        let base = exchange.name.clone();
        let mut number = 2;
        while !taken.insert(exchange.name.clone()) {
            exchange.name = format!("{base}-{number}");
            number += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_made_of_method_and_path_without_the_query() {
        let request = |method: &str, path: &str| Message {
            headers: vec![(b":method".to_vec(), method.into()), (b":path".to_vec(), path.into())],
            ..Message::default()
        };
        for (method, path, expected) in [
            ("GET", "/orders/1093?token=x", "get-orders-1093"),
            ("POST", "/", "post"),
            ("GET", "/.env", "get-env"),
            ("GET", "/a//b--c", "get-a-b-c"),
            ("", "", "exchange"),
            ("GET", "/ünïcode/%2e", "get-n-code-2e"),
        ] {
            assert_eq!(from_request(&request(method, path)), expected);
        }
    }

    #[test]
    fn equal_names_get_numbers() {
        let named = |name: &str| Exchange {
            name: name.into(),
            ..Exchange::default()
        };
        let mut all = vec![named("a"), named("a-2"), named("a"), named("a")];
        make_unique(&mut all);
        let names: Vec<_> = all.iter().map(|e| e.name.as_str()).collect();
        assert_eq!(names, ["a", "a-2", "a-3", "a-4"]);
    }
}
