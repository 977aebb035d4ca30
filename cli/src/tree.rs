//! A document's tree, and a cursor into it that says where it stands.
//!
//! The engine reads it (YAML or JSON, bounded, no key twice), as it reads policies. Not serde's derive: it stops at the first
//! mistake, and names a line where a reader looks for a field.

use serde_json::{Map, Value};

/// A value, and the path that led to it: `expect[2].found[0].place`.
#[derive(Clone, Debug)]
pub struct At<'a> {
    pub value: &'a Value,
    pub path: String,
}

impl<'a> At<'a> {
    /// The whole document.
    pub fn root(value: &'a Value) -> At<'a> {
        At {
            value,
            path: String::new(),
        }
    }

    /// What stands under this key, unless it is null.
    pub fn get(&self, key: &str) -> Option<At<'a>> {
        let value = self.value.get(key).filter(|v| !v.is_null())?;
        Some(At {
            value,
            path: self.below(key),
        })
    }

    /// The path of a key, whether it is there or not.
    pub fn below(&self, key: &str) -> String {
        let key: String = key
            .chars()
            .take(80)
            .map(|c| if c.is_control() { '?' } else { c })
            .collect();
        match (self.path.as_str(), key.contains('.')) {
            ("", false) => key,
            ("", true) => format!("[\"{key}\"]"),
            (path, false) => format!("{path}.{key}"),
            (path, true) => format!("{path}[\"{key}\"]"),
        }
    }

    /// The items, if it is a list.
    pub fn items(&self) -> impl Iterator<Item = At<'a>> {
        let list = self.value.as_array().map(Vec::as_slice).unwrap_or_default();
        list.iter().enumerate().map(|(i, value)| At {
            value,
            path: format!("{}[{i}]", self.path),
        })
    }

    /// The members, if it is an object.
    pub fn members(&self) -> impl Iterator<Item = (&'a str, At<'a>)> {
        let map = self.value.as_object().into_iter().flat_map(Map::iter);
        map.map(|(key, value)| {
            let at = At {
                value,
                path: self.below(key),
            };
            (key.as_str(), at)
        })
    }

    /// The text, if it is one.
    pub fn text(&self) -> Option<&'a str> {
        self.value.as_str()
    }
}

/// How a path is told when it is the whole document's.
pub fn shown(path: &str) -> &str {
    if path.is_empty() { "." } else { path }
}
