//! A walk over JSON that knows just enough for field rules: which strings are keys, where their values begin and end,
//! and which stretches are bare numbers.
//!
//! It keeps no stack (a string before a colon is a key, whatever the depth), so that nesting costs nothing, and it
//! finds its feet again at every line feed, since none can stand in a JSON string: it can be run over log lines,
//! event streams and broken documents too.

use crate::decode::escape;
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
        self.text.capacity()
    }

    /// Where the bare number under way began.
    pub(crate) fn open_number(&self) -> Option<u64> {
        (self.at == At::Number).then_some(self.number_from)
    }

    /// Reads `data`, which begins at input offset `base`. `rule` names the rule for a key; with `nested`, values that are
    /// objects or arrays count too; bare numbers are put into `numbers` if somebody asks for them.
    pub(crate) fn walk(
        &mut self,
        data: &[u8],
        base: u64,
        nested: bool,
        rule: impl Fn(&[u8]) -> Option<u16>,
        events: &mut Vec<Event>,
        mut numbers: Option<&mut Vec<(u64, u64)>>,
    ) {
        for (i, &b) in data.iter().enumerate() {
            let at = base + i as u64;
            match self.at {
                At::Between => self.between(b, at),
                At::Text { escaped: true } => {
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
                        let found = if self.too_long {
                            None
                        } else {
                            rule(&escape::text_of(&self.text, escape::Reading::JSON))
                        };
                        self.at = found.map_or(At::Between, At::Value);
                    }
                    _ => {
                        self.at = At::Between;
                        self.between(b, at);
                    }
                },
                At::Value(rule) => self.value(b, at, rule, nested, events),
                At::FieldText { escaped, rule } => {
                    if !self.begun && b != b'"' && b != b'\n' {
                        self.begun = true;
                        events.push(Event::Begin {
                            at,
                            rule,
                            shape: Shape::Text,
                        });
                    }
                    if escaped || (b != b'"' && b != b'\n') {
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
                        self.between(b, at);
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
                        self.between(b, at);
                    }
                }
            }
        }
    }

    fn between(&mut self, b: u8, at: u64) {
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

    fn value(&mut self, b: u8, at: u64, rule: u16, nested: bool, events: &mut Vec<Event>) {
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
                self.between(b, at);
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
