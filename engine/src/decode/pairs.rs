//! A walk over `name=value` pairs for field rules: forms, query strings, cookies; and whole values that stand behind a name of
//! their own, as headers do.
//!
//! It tells the same events as the walk over JSON (`json.rs`), so that what is done with a value is written once. Why not a crate
//! for forms: they decode into a map, and what is not touched has to leave as it came.

use std::borrow::Cow;

use crate::decode::escape::{self, Reading};
use crate::decode::json::{Event, Shape};
use crate::limits;

/// How the pairs are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `a=b&c=d`
    Form,
    /// `a=b; c=d`
    Cookies,
    /// A reference: pairs behind `?`, and behind `#`.
    Url,
    /// All of it is the value of a field with this rule.
    Whole(u16),
    /// The same, and it is a JSON document.
    WholeJson(u16),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// Before the query.
    Front,
    Name,
    /// A value that no rule is for.
    Other,
    Value {
        rule: u16,
        begun: bool,
    },
}

/// The state between two bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Walker {
    kind: Kind,
    at: At,
    /// The name under way, or the value of a field.
    text: Vec<u8>,
    too_long: bool,
}

impl Walker {
    pub(crate) fn new(kind: Kind) -> Walker {
        Walker {
            kind,
            at: match kind {
                Kind::Form | Kind::Cookies => At::Name,
                Kind::Url => At::Front,
                Kind::Whole(rule) | Kind::WholeJson(rule) => At::Value { rule, begun: false },
            },
            text: Vec::new(),
            too_long: false,
        }
    }

    /// How the pairs are written.
    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// How values are written.
    pub(crate) fn reading(&self) -> Reading {
        Reading {
            percent: u8::from(matches!(self.kind, Kind::Form | Kind::Url)),
            references: false,
        }
    }

    /// Memory beyond the state itself.
    pub(crate) fn bytes(&self) -> usize {
        self.text.capacity()
    }

    /// The input ends: what the value under way held, if short enough to remember.
    pub(crate) fn end(&mut self) -> Option<Vec<u8>> {
        let is_value = matches!(self.at, At::Value { begun: true, .. });
        (is_value && !self.too_long).then(|| std::mem::take(&mut self.text))
    }

    /// Reads `data`, which begins at input offset `base`. `rule` names the rule for a name.
    pub(crate) fn walk(
        &mut self,
        data: &[u8],
        base: u64,
        rule: impl Fn(&[u8]) -> Option<u16>,
        events: &mut Vec<Event>,
    ) {
        for (i, &b) in data.iter().enumerate() {
            let at = base + i as u64;
            if self.separates(b) {
                if let At::Value { begun: true, .. } = self.at {
                    let value = std::mem::take(&mut self.text);
                    let value = (!self.too_long).then_some(value);
                    events.push(Event::End { at, value });
                }
                self.begin(At::Name);
                continue;
            }
            match self.at {
                At::Front | At::Other => {}
                At::Name if b == b'=' => {
                    let found = (!self.too_long).then(|| self.named(&rule)).flatten();
                    self.begin(found.map_or(At::Other, |rule| At::Value { rule, begun: false }));
                }
                At::Name if self.text.is_empty() && b.is_ascii_whitespace() => {}
                // A character takes three bytes at most.
                At::Name => self.keep(b, 3 * limits::FIELD_NAME_BYTES),
                At::Value { rule, begun } => {
                    if !begun {
                        let shape = match self.kind {
                            Kind::WholeJson(_) => Shape::Nested,
                            _ => Shape::Text,
                        };
                        events.push(Event::Begin { at, rule, shape });
                        self.at = At::Value { rule, begun: true };
                    }
                    self.keep(b, *limits::REMEMBERED_BYTES.end());
                }
            }
        }
    }

    fn separates(&self, b: u8) -> bool {
        match self.kind {
            Kind::Form => b == b'&',
            Kind::Cookies => b == b';',
            Kind::Url if self.at == At::Front => matches!(b, b'?' | b'#'),
            Kind::Url => matches!(b, b'&' | b'#'),
            Kind::Whole(_) | Kind::WholeJson(_) => false,
        }
    }

    fn begin(&mut self, at: At) {
        self.at = at;
        self.text.clear();
        self.too_long = false;
    }

    /// The rule for the name that was read.
    fn named(&self, rule: impl Fn(&[u8]) -> Option<u16>) -> Option<u16> {
        let spaced: Vec<u8> = self.text.iter().map(|b| if *b == b'+' { b' ' } else { *b }).collect();
        let name: Cow<[u8]> = escape::text_of(&spaced, self.reading());
        rule_for(&name, rule)
    }

    fn keep(&mut self, b: u8, most: usize) {
        if self.text.len() < most {
            self.text.push(b);
        } else {
            self.too_long = true;
        }
    }
}

/// The rule for the name of a form's field: `user[password]` is a password too.
pub(crate) fn rule_for<T>(name: &[u8], rule: impl Fn(&[u8]) -> Option<T>) -> Option<T> {
    rule(name).or_else(|| {
        let inner = name.strip_suffix(b"]")?;
        let open = inner.iter().rposition(|b| *b == b'[')?;
        rule(inner.get(open + 1..)?)
    })
}
