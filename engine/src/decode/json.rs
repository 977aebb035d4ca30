//! A walk over JSON that knows just enough for field rules: which strings are keys, where their values begin and end,
//! and which stretches are bare numbers.
//!
//! For names it keeps no stack (a string before a colon is a key, whatever the depth), so that nesting costs nothing, and it
//! finds its feet again at every line feed, since none can stand in a JSON string: it can be run over log lines,
//! event streams and broken documents too. Only paths need one (`paths.rs`).

use std::borrow::Cow;

use crate::decode::escape;
use crate::decode::paths::{Open, Paths};
use crate::limits;

/// What kind of value a field has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// The edit covers what stands between the quotes.
    Text,
    /// A number, `true` or `false`.
    Bare,
    /// An object or an array.
    Nested,
}

/// What the walk saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// The value of a field with this rule begins.
    Begin { at: u64, rule: u16, shape: Shape },
    /// It ended before `at`. `value`: what a text value held, if short enough to remember.
    End { at: u64, value: Option<Vec<u8>> },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
enum At {
    #[default]
    Between,
    Text {
        escaped: bool,
    },
    AfterText,
    /// Behind `key:` of a rule.
    Value(u16),
    FieldText {
        escaped: bool,
        rule: u16,
    },
    FieldBare,
    FieldNested {
        depth: u32,
        in_text: bool,
        escaped: bool,
    },
    Number,
}

/// The state between two bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Walker {
    at: At,
    /// The string under way, up to `limits::FIELD_NAME_BYTES`, or the value of a field.
    text: Vec<u8>,
    too_long: bool,
    /// The field's text has a first byte: an empty one is left alone.
    begun: bool,
    number_from: u64,
    /// What is open, if paths ask for it.
    open: Option<Box<Open>>,
}

/// What the walk looks for.
pub(crate) struct Sought<'s, F> {
    /// The rule for a key.
    pub(crate) rule: F,
    /// Rules by path.
    pub(crate) paths: &'s Paths,
    /// Values that are objects or arrays count too.
    pub(crate) nested: bool,
    /// A line by itself can be a document: paths begin anew with each.
    pub(crate) lines: bool,
}

impl Walker {
    /// The input ends: where the bare number under way began.
    pub(crate) fn end_number(&mut self) -> Option<u64> {
        let from = self.open_number();
        if from.is_some() {
            self.at = At::Between;
        }
        from
    }

    /// Memory beyond the state itself.
    pub(crate) fn bytes(&self) -> usize {
        self.text.capacity() + self.open.as_deref().map_or(0, |open| size_of::<Open>() + open.bytes())
    }

    /// Where the bare number under way began.
    pub(crate) fn open_number(&self) -> Option<u64> {
        (self.at == At::Number).then_some(self.number_from)
    }

    /// Reads `data`, which begins at input offset `base`. Bare numbers are put into `numbers` if somebody asks for them.
    pub(crate) fn walk<F: Fn(&[u8]) -> Option<u16>>(
        &mut self,
        data: &[u8],
        base: u64,
        sought: &Sought<F>,
        events: &mut Vec<Event>,
        mut numbers: Option<&mut Vec<(u64, u64)>>,
    ) {
        if self.open.is_none() && !sought.paths.is_empty() {
            self.open = Some(Box::default());
        }
        for (i, &b) in data.iter().enumerate() {
            let at = base + i as u64;
            if b == b'\n'
                && sought.lines
                && let Some(open) = &mut self.open
            {
                open.clear();
            }
            match self.at {
                At::Between => self.between(b, at, sought, events),
                At::Text { escaped: true } if b != b'\n' => {
                    self.keep(b, limits::FIELD_NAME_BYTES);
                    self.at = At::Text { escaped: false };
                }
                At::Text { .. } => match b {
                    b'"' => self.at = At::AfterText,
                    b'\n' => self.at = At::Between,
                    _ => {
                        self.keep(b, limits::FIELD_NAME_BYTES);
                        self.at = At::Text { escaped: b == b'\\' };
                    }
                },
                At::AfterText => match b {
                    b' ' | b'\t' | b'\r' | b'\n' => {}
                    b':' => {
                        let found = self.key(sought);
                        self.at = found.map_or(At::Between, At::Value);
                    }
                    _ => {
                        self.at = At::Between;
                        self.between(b, at, sought, events);
                    }
                },
                At::Value(rule) => self.value(b, at, rule, sought, events),
                At::FieldText { escaped, rule } => {
                    if !self.begun && b != b'"' && b != b'\n' {
                        self.begun = true;
                        events.push(Event::Begin {
                            at,
                            rule,
                            shape: Shape::Text,
                        });
                    }
                    if b != b'\n' && (escaped || b != b'"') {
                        self.keep(b, *limits::REMEMBERED_BYTES.end());
                        self.at = At::FieldText {
                            escaped: !escaped && b == b'\\',
                            rule,
                        };
                    } else {
                        let value = std::mem::take(&mut self.text);
                        if std::mem::take(&mut self.begun) {
                            events.push(Event::End {
                                at,
                                value: (!self.too_long).then_some(value),
                            });
                        }
                        self.at = At::Between;
                    }
                }
                At::FieldBare => {
                    if !bare(b) {
                        events.push(Event::End { at, value: None });
                        self.at = At::Between;
                        self.between(b, at, sought, events);
                    }
                }
                At::FieldNested {
                    depth,
                    in_text,
                    escaped,
                } => self.nested(b, at, (depth, in_text, escaped), events),
                At::Number => {
                    if !bare(b) {
                        if let Some(numbers) = &mut numbers {
                            numbers.push((self.number_from, at));
                        }
                        self.at = At::Between;
                        self.between(b, at, sought, events);
                    }
                }
            }
        }
    }

    /// The rule for the value behind a key: the first by name or path. A name also counts if it only shows with all escapes undone.
    fn key<F: Fn(&[u8]) -> Option<u16>>(&mut self, sought: &Sought<F>) -> Option<u16> {
        let raw = (!self.too_long).then_some(self.text.as_slice());
        let key = raw.and_then(escape::key_of);
        let all = || raw.map(|raw| escape::text_of(raw, escape::Reading::JSON));
        let all = if matches!(key, Some(Cow::Borrowed(_))) {
            None
        } else {
            all()
        };
        let [once, twice] = [&key, &all].map(|name| name.as_deref().and_then(&sought.rule));
        let named = once.into_iter().chain(twice).min();
        let Some(open) = &mut self.open else { return named };
        open.member(sought.paths, key.or(all).as_deref());
        named.into_iter().chain(open.due()).min()
    }

    fn between<F>(&mut self, b: u8, at: u64, sought: &Sought<F>, events: &mut Vec<Event>) {
        if let Some(open) = &mut self.open
            && !matches!(b, b' ' | b'\t' | b'\r' | b'\n')
        {
            if let Some(rule) = open.due() {
                return self.value(b, at, rule, sought, events);
            }
            if matches!(b, b'{' | b'[' | b'}' | b']' | b',') {
                return open.structure(sought.paths, b);
            }
        }
        match b {
            b'"' => {
                self.text.clear();
                self.too_long = false;
                self.at = At::Text { escaped: false };
            }
            b'-' | b'0'..=b'9' => {
                self.number_from = at;
                self.at = At::Number;
            }
            _ => {}
        }
    }

    fn value<F>(&mut self, b: u8, at: u64, rule: u16, sought: &Sought<F>, events: &mut Vec<Event>) {
        let nested = sought.nested;
        match b {
            b' ' | b'\t' | b'\r' | b'\n' => {}
            b'"' => {
                self.text.clear();
                self.too_long = false;
                self.begun = false;
                self.at = At::FieldText { escaped: false, rule };
            }
            b'{' | b'[' if nested => {
                events.push(Event::Begin {
                    at,
                    rule,
                    shape: Shape::Nested,
                });
                self.at = At::FieldNested {
                    depth: 1,
                    in_text: false,
                    escaped: false,
                };
            }
            b'-' | b'0'..=b'9' | b't' | b'f' if nested || b.is_ascii_digit() || b == b'-' => {
                events.push(Event::Begin {
                    at,
                    rule,
                    shape: Shape::Bare,
                });
                self.at = At::FieldBare;
            }
            // `null` says that there is no secret.
            _ => {
                self.at = At::Between;
                self.between(b, at, sought, events);
            }
        }
    }

    fn nested(&mut self, b: u8, at: u64, (depth, in_text, escaped): (u32, bool, bool), events: &mut Vec<Event>) {
        let (mut depth, mut in_text) = (depth, in_text);
        if in_text {
            in_text = escaped || b != b'"';
        } else {
            match b {
                b'"' => in_text = true,
                b'{' | b'[' => depth = depth.saturating_add(1),
                b'}' | b']' => depth -= 1,
                _ => {}
            }
        }
        if depth == 0 {
            events.push(Event::End {
                at: at + 1,
                value: None,
            });
            self.at = At::Between;
            return;
        }
        self.at = At::FieldNested {
            depth,
            in_text,
            escaped: in_text && !escaped && b == b'\\',
        };
    }

    fn keep(&mut self, b: u8, most: usize) {
        if self.text.len() < most {
            self.text.push(b);
        } else {
            self.too_long = true;
        }
    }
}

/// What a bare token can consist of.
fn bare(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.')
}
