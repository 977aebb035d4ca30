//! What is expected of exchanges: a small document, YAML or JSON, that lies beside the captures and is reviewed with the policy.
//!
//! ```yaml
//! version: 1
//! expect:
//!   - name: no password leaves in an error page
//!     match: {exchange: "get-orders*", status: 500}
//!     error_replaced: true
//!     not_found: [{detector: "*", place: response.body}]
//!     leaks: [{env: TEST_PASSWORD}]
//! ```
//!
//! Every mistake is told at once, with its field. An item that asks for nothing, or for nothing of anybody, is a mistake, since it
//! could not fail.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use keepmum_host_tests::exchange::Planted;
use serde_json::Value;

use crate::policy::environment;
use crate::tree::{At, shown};

/// Items in a document, and in each of its lists.
const MOST: usize = 10_000;

/// A shorter value would be found in any text.
const LEAK_BYTES: usize = 4;

/// One item.
#[derive(Debug, Default)]
pub struct Expectation {
    /// Where it stands, and its name if it has one.
    pub title: String,
    pub asks: Match,
    pub route: Option<String>,
    pub status: Option<u16>,
    pub denied: Option<bool>,
    pub blocked: Option<bool>,
    pub error_replaced: Option<bool>,
    pub inspected: Option<bool>,
    pub unchanged: Option<bool>,
    pub found: Vec<Finds>,
    pub not_found: Vec<Finds>,
    pub leaks: Vec<Planted>,
}

/// Which exchanges an item is for. Texts are names with stars.
#[derive(Debug, Default)]
pub struct Match {
    pub exchange: Option<String>,
    pub host: Option<String>,
    pub path: Option<String>,
    pub method: Option<String>,
    /// What the upstream answered.
    pub status: Option<u16>,
}

/// Findings. Texts are names with stars.
#[derive(Debug, Default)]
pub struct Finds {
    pub detector: String,
    pub place: String,
    pub action: String,
    /// Exactly so many; otherwise at least one.
    pub count: Option<u64>,
}

const KEYS: &[&str] = &[
    "name",
    "match",
    "route",
    "status",
    "denied",
    "blocked",
    "error_replaced",
    "inspected",
    "unchanged",
    "found",
    "not_found",
    "leaks",
];

/// Reads a document.
pub fn read(file: &Path) -> Result<Vec<Expectation>> {
    let text = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let at = |why: &str| {
        let lines: Vec<String> = why.lines().map(|line| format!("{}: {line}", file.display())).collect();
        lines.join("\n")
    };
    let tree = match keepmum_engine::tree(&text) {
        Ok(tree) => tree,
        Err(e) => bail!("{}", at(&e.to_string())),
    };
    let mut reader = Reader::default();
    let all = reader.document(&At::root(&tree));
    if !reader.mistakes.is_empty() {
        bail!("{}", at(&reader.mistakes.join("\n")));
    }
    Ok(all)
}

#[derive(Default)]
struct Reader {
    mistakes: Vec<String>,
}

impl Reader {
    fn wrong(&mut self, path: &str, why: &str) {
        self.mistakes.push(format!("{}: {why}", shown(path)));
    }

    /// Whether it is an object; keys that are not known are told.
    fn object(&mut self, at: &At, known: &[&str]) -> bool {
        let Value::Object(map) = at.value else {
            self.wrong(&at.path, "expected an object");
            return false;
        };
        for key in map.keys().filter(|key| !known.contains(&key.as_str())) {
            let why = format!("no such key; accepted are {}", known.join(", "));
            self.wrong(&at.below(key), &why);
        }
        true
    }

    fn text(&mut self, at: &At, key: &str) -> Option<String> {
        let at = at.get(key)?;
        match at.text() {
            Some(text) if !text.is_empty() => return Some(text.to_owned()),
            _ => self.wrong(&at.path, "expected a text"),
        }
        None
    }

    fn flag(&mut self, at: &At, key: &str) -> Option<bool> {
        let at = at.get(key)?;
        if at.value.as_bool().is_none() {
            self.wrong(&at.path, "expected true or false");
        }
        at.value.as_bool()
    }

    fn whole(&mut self, at: &At, key: &str, from: u64, to: u64) -> Option<u64> {
        let at = at.get(key)?;
        let number = at.value.as_u64().filter(|n| (from..=to).contains(n));
        if number.is_none() {
            self.wrong(&at.path, &format!("expected a number from {from} to {to}"));
        }
        number
    }

    fn status(&mut self, at: &At, key: &str) -> Option<u16> {
        self.whole(at, key, 100, 599).and_then(|n| u16::try_from(n).ok())
    }

    fn list<'a>(&mut self, at: &At<'a>, key: &str) -> Vec<At<'a>> {
        let Some(at) = at.get(key) else { return Vec::new() };
        match at.value.as_array() {
            Some(list) if list.len() <= MOST => return at.items().collect(),
            Some(_) => self.wrong(&at.path, &format!("expected {MOST} items at most")),
            None => self.wrong(&at.path, "expected a list"),
        }
        Vec::new()
    }

    fn document(&mut self, at: &At) -> Vec<Expectation> {
        if !self.object(at, &["version", "expect"]) {
            return Vec::new();
        }
        self.whole(at, "version", 1, 1);
        let items = self.list(at, "expect");
        if items.is_empty() && self.mistakes.is_empty() {
            self.wrong("expect", "expected a list of expectations");
        }
        items.iter().map(|item| self.expectation(item)).collect()
    }

    fn expectation(&mut self, at: &At) -> Expectation {
        let before = self.mistakes.len();
        if !self.object(at, KEYS) {
            return Expectation::default();
        }
        let name = self.text(at, "name");
        let expectation = Expectation {
            title: name.map_or(at.path.clone(), |name| format!("{} ({name})", at.path)),
            asks: self.asks(at),
            route: self.text(at, "route"),
            status: self.status(at, "status"),
            denied: self.flag(at, "denied"),
            blocked: self.flag(at, "blocked"),
            error_replaced: self.flag(at, "error_replaced"),
            inspected: self.flag(at, "inspected"),
            unchanged: self.flag(at, "unchanged"),
            found: self.finds(at, "found", true),
            not_found: self.finds(at, "not_found", false),
            leaks: self.leaks(at),
        };
        let asks_nothing = KEYS.iter().skip(2).all(|key| at.get(key).is_none());
        if asks_nothing && self.mistakes.len() == before {
            let why = format!(
                "it expects nothing; expected one of {}",
                KEYS.get(2..).unwrap_or_default().join(", ")
            );
            self.wrong(&at.path, &why);
        }
        expectation
    }

    fn asks(&mut self, at: &At) -> Match {
        let Some(at) = at.get("match") else {
            self.wrong(
                &at.below("match"),
                "missing; it says which exchanges are meant, {exchange: \"*\"} all of them",
            );
            return Match::default();
        };
        let keys = ["exchange", "host", "path", "method", "status"];
        if !self.object(&at, &keys) {
            return Match::default();
        }
        if keys.iter().all(|key| at.get(key).is_none()) {
            self.wrong(&at.path, "it asks for nothing; {exchange: \"*\"} is every exchange");
        }
        Match {
            exchange: self.text(&at, "exchange"),
            host: self.text(&at, "host"),
            path: self.text(&at, "path"),
            method: self.text(&at, "method"),
            status: self.status(&at, "status"),
        }
    }

    fn finds(&mut self, at: &At, key: &str, counts: bool) -> Vec<Finds> {
        let known: &[&str] = if counts {
            &["detector", "place", "action", "count"]
        } else {
            &["detector", "place", "action"]
        };
        let items = self.list(at, key);
        if items.is_empty() && at.get(key).is_some() {
            self.wrong(&at.below(key), "it names none; expected {detector, place, action}");
        }
        let mut finds = Vec::new();
        for item in items {
            if !self.object(&item, known) {
                continue;
            }
            let any = |text: Option<String>| text.unwrap_or_else(|| "*".to_owned());
            finds.push(Finds {
                detector: any(self.text(&item, "detector")),
                place: any(self.text(&item, "place")),
                action: any(self.text(&item, "action")),
                count: if counts {
                    self.whole(&item, "count", 1, 1 << 32)
                } else {
                    None
                },
            });
        }
        finds
    }

    /// Values that must not reach the client: as text, or better as the name of an environment variable.
    fn leaks(&mut self, at: &At) -> Vec<Planted> {
        let mut leaks = Vec::new();
        for item in self.list(at, "leaks") {
            let value = match item.value {
                Value::String(text) => Some(text.clone().into_bytes()),
                Value::Object(_) if self.object(&item, &["env"]) => {
                    let Some(name) = self.text(&item, "env") else {
                        self.wrong(
                            &item.below("env"),
                            "missing; expected the name of an environment variable",
                        );
                        continue;
                    };
                    let value = environment(&name);
                    if value.is_none() {
                        self.wrong(&item.below("env"), "there is no such variable in the environment");
                        continue;
                    }
                    value
                }
                Value::Object(_) => continue,
                _ => None,
            };
            match value {
                Some(value) if value.len() >= LEAK_BYTES => leaks.push(Planted {
                    name: item.path.clone(),
                    value,
                }),
                Some(_) => self.wrong(&item.path, &format!("expected {LEAK_BYTES} bytes or more")),
                None => self.wrong(&item.path, "expected a text, or {env: NAME}"),
            }
        }
        leaks
    }
}

#[cfg(test)]
mod tests {
    use super::Reader;
    use crate::tree::At;

    fn told(text: &str) -> Vec<String> {
        let tree = keepmum_engine::tree(text.as_bytes()).unwrap();
        let mut reader = Reader::default();
        reader.document(&At::root(&tree));
        reader.mistakes
    }

    #[test]
    fn every_mistake_is_told_with_its_field() {
        let all = told(
            "version: 2\nexpect:\n  - {match: {}, status: 99}\n  - {mtach: 1}\n  - {match: {path: 3}, unchanged: sure}\n  \
             - match: {exchange: '*'}\n  - {match: {exchange: '*'}, found: [{detector: x, cuont: 1}], leaks: [ab, {env: KEEPMUM_NO_SUCH}]}\n",
        );
        for line in [
            "version: expected a number from 1 to 1",
            "expect[0].match: it asks for nothing",
            "expect[0].status: expected a number from 100 to 599",
            "expect[1].mtach: no such key; accepted are name, match",
            "expect[1].match: missing",
            "expect[2].match.path: expected a text",
            "expect[2].unchanged: expected true or false",
            "expect[3]: it expects nothing",
            "expect[4].found[0].cuont: no such key",
            "expect[4].leaks[0]: expected 4 bytes or more",
            "expect[4].leaks[1].env: there is no such variable",
        ] {
            assert!(all.iter().any(|told| told.starts_with(line)), "{line}: {all:#?}");
        }
        assert_eq!(all.len(), 11, "{all:#?}");
    }

    #[test]
    fn what_is_right_is_taken() {
        let none: [&str; 0] = [];
        assert_eq!(
            told("expect: [{match: {host: '*.example.com'}, found: [{count: 2}], denied: false, leaks: [abcd]}]"),
            none
        );
    }
}
