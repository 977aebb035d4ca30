//! Tree → configuration, with every mistake at once, each with its field path; never with what stands in a field.
//!
//! The tree is the engine's (JSON or YAML, bounded, no key twice). Its reader of types is made for the module's size and is
//! not public; here a field is taken by a line of code, and what was not taken is unknown.

use std::fmt;
use std::time::Duration;

use serde_json::{Map, Value};

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// `sources[1].vault.auth`; `.` for the whole.
    pub path: String,
    /// What is wrong, and what would be accepted.
    pub why: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.why)
    }
}

/// Mistakes while they are collected.
#[derive(Debug, Default)]
pub(crate) struct Mistakes(pub(crate) Vec<Mistake>);

impl Mistakes {
    pub(crate) fn add(&mut self, path: &str, why: impl Into<String>) {
        let why = why.into();
        self.0.push(Mistake {
            path: path.to_owned(),
            why,
        });
    }
}

/// A value and where it stands.
#[derive(Clone)]
pub(crate) struct At<'v> {
    pub(crate) value: &'v Value,
    pub(crate) path: String,
}

/// An object whose fields are taken one by one.
pub(crate) struct Fields<'v> {
    map: Option<&'v Map<String, Value>>,
    pub(crate) path: String,
    known: Vec<&'static str>,
}

impl<'v> At<'v> {
    pub(crate) fn root(value: &'v Value) -> At<'v> {
        At {
            value,
            path: ".".to_owned(),
        }
    }

    fn wrong<T>(&self, expected: &str, to: &mut Mistakes) -> Option<T> {
        to.add(&self.path, format!("expected {expected}"));
        None
    }

    /// As an object; what is none is told, and read as an empty one.
    pub(crate) fn fields(&self, to: &mut Mistakes) -> Fields<'v> {
        let map = self.value.as_object();
        if map.is_none() {
            to.add(&self.path, "expected an object");
        }
        Fields {
            map,
            path: self.path.clone(),
            known: Vec::new(),
        }
    }

    pub(crate) fn list(&self, to: &mut Mistakes) -> Vec<At<'v>> {
        let Value::Array(items) = self.value else {
            to.add(&self.path, "expected a list");
            return Vec::new();
        };
        let at = |(i, value)| At {
            value,
            path: format!("{}[{i}]", self.path),
        };
        items.iter().enumerate().map(at).collect()
    }

    pub(crate) fn text(&self, to: &mut Mistakes) -> Option<String> {
        match self.value.as_str() {
            Some(text) if !text.is_empty() => Some(text.to_owned()),
            _ => self.wrong(
                "text that is not empty (in YAML in quotes, if it looks like something else)",
                to,
            ),
        }
    }

    pub(crate) fn flag(&self, to: &mut Mistakes) -> Option<bool> {
        let flag = self.value.as_bool();
        flag.or_else(|| self.wrong("true or false", to))
    }

    pub(crate) fn whole(&self, least: u64, most: u64, to: &mut Mistakes) -> Option<u64> {
        let n = self.value.as_u64().filter(|n| (least..=most).contains(n));
        n.or_else(|| self.wrong(&format!("a whole number, {least} to {most}"), to))
    }

    /// `250ms`, `30s`, `5m`, `12h`, `7d`.
    pub(crate) fn duration(&self, least: Duration, to: &mut Mistakes) -> Option<Duration> {
        let read = |text: &str| {
            let digits = text.find(|c: char| !c.is_ascii_digit())?;
            let (n, unit) = text.split_at_checked(digits)?;
            let n: u64 = n.parse().ok().filter(|n| *n < 1_000_000)?;
            match unit {
                "ms" => Some(Duration::from_millis(n)),
                "s" => Some(Duration::from_secs(n)),
                "m" => Some(Duration::from_secs(60 * n)),
                "h" => Some(Duration::from_secs(3600 * n)),
                "d" => Some(Duration::from_secs(86_400 * n)),
                _ => None,
            }
        };
        let duration = self.value.as_str().and_then(read).filter(|d| *d >= least);
        duration.or_else(|| {
            self.wrong(
                &format!("a duration such as 30s, 5m, 12h or 7d, {least:?} at least"),
                to,
            )
        })
    }
}

impl<'v> Fields<'v> {
    /// The field of this name, if it is there.
    pub(crate) fn take(&mut self, key: &'static str) -> Option<At<'v>> {
        self.known.push(key);
        let value = self.map?.get(key)?;
        Some(At {
            value,
            path: self.at(key),
        })
    }

    /// The same; its absence is a mistake.
    pub(crate) fn need(&mut self, key: &'static str, to: &mut Mistakes) -> Option<At<'v>> {
        let at = self.take(key);
        if at.is_none() && self.map.is_some() {
            to.add(&self.at(key), "missing; it is needed here");
        }
        at
    }

    pub(crate) fn text(&mut self, key: &'static str, to: &mut Mistakes) -> Option<String> {
        self.take(key)?.text(to)
    }

    pub(crate) fn flag(&mut self, key: &'static str, absent: bool, to: &mut Mistakes) -> bool {
        let at = self.take(key);
        at.and_then(|at| at.flag(to)).unwrap_or(absent)
    }

    /// A list of texts; an absent one is empty.
    pub(crate) fn texts(&mut self, key: &'static str, to: &mut Mistakes) -> Vec<String> {
        let items = self.take(key).map(|at| at.list(to)).unwrap_or_default();
        items.iter().filter_map(|item| item.text(to)).collect()
    }

    pub(crate) fn whole(
        &mut self,
        key: &'static str,
        (least, most): (u64, u64),
        absent: u64,
        to: &mut Mistakes,
    ) -> u64 {
        let at = self.take(key);
        at.and_then(|at| at.whole(least, most, to)).unwrap_or(absent)
    }

    pub(crate) fn duration(
        &mut self,
        key: &'static str,
        least: Duration,
        absent: Duration,
        to: &mut Mistakes,
    ) -> Duration {
        let at = self.take(key);
        at.and_then(|at| at.duration(least, to)).unwrap_or(absent)
    }

    /// Of these, exactly one must be there.
    pub(crate) fn one_of(&mut self, keys: &[&'static str], to: &mut Mistakes) -> Option<(&'static str, At<'v>)> {
        let mut there: Vec<_> = keys.iter().filter_map(|key| Some((*key, self.take(key)?))).collect();
        if there.len() != 1 && self.map.is_some() {
            to.add(&self.path, format!("needs exactly one of {}", keys.join(", ")));
            return None;
        }
        there.pop()
    }

    pub(crate) fn at(&self, key: &str) -> String {
        match self.path.as_str() {
            "." => key.to_owned(),
            path => format!("{path}.{key}"),
        }
    }

    /// What was not taken is told.
    pub(crate) fn end(self, to: &mut Mistakes) {
        let keys = self.map.into_iter().flat_map(Map::keys);
        for key in keys.filter(|key| !self.known.contains(&key.as_str())) {
            let plain = |c: char| if c.is_control() { '?' } else { c };
            let shown: String = key.chars().take_while(|c| *c != ':').take(40).map(plain).collect();
            let why = format!("no such key; accepted are {}", self.known.join(", "));
            to.add(&self.at(&shown), why);
        }
    }
}
