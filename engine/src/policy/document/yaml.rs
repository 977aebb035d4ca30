//! YAML 1.2 → tree, by the core schema: what JSON has, and nothing that YAML 1.1 guessed (`no` is a text).
//!
//! From a parser's events and not through serde: aliases are copied here under a count, and a key that comes twice is told
//! with its place.

use std::collections::BTreeMap;

use saphyr_parser::{Event, Parser, ScalarStyle, StrInput};
use serde_json::{Map, Number, Value};

use super::{Document, Unreadable, item_path, key_path};
use crate::limits;

pub(super) fn read(text: &str, document: &mut Document) -> Result<Value, Unreadable> {
    let mut reader = Reader {
        events: Parser::new_from_str(text),
        anchors: BTreeMap::new(),
        document,
    };
    let mut tree = None;
    loop {
        match reader.next()? {
            Event::StreamEnd => break,
            Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing => {}
            _ if tree.is_some() => return Err(Unreadable::new(".", "a second YAML document; one is expected")),
            first => tree = Some(reader.value(first, ".", 0)?.0),
        }
    }
    match tree {
        None | Some(Value::Null) => Ok(Value::Object(Map::new())),
        Some(tree @ Value::Object(_)) => Ok(tree),
        Some(_) => Err(Unreadable::new(".", "expected an object, such as {} or `mode: report`")),
    }
}

struct Reader<'t, 'd> {
    events: Parser<'t, StrInput<'t>>,
    /// Values that have an anchor, and of how many values each consists.
    anchors: BTreeMap<usize, (Value, usize)>,
    document: &'d mut Document,
}

impl<'t> Reader<'t, '_> {
    fn next(&mut self) -> Result<Event<'t>, Unreadable> {
        match self.events.next() {
            Some(Ok((event, _))) => Ok(event),
            Some(Err(e)) => {
                let (line, column) = (e.marker().line(), e.marker().col() + 1);
                let why = match e.info() {
                    // The parser reads ahead, further than our own bound.
                    info if info.contains("recursion limit") => format!("deeper than {} levels", limits::POLICY_DEPTH),
                    info => format!("not YAML: {info}"),
                };
                let why = format!("{why} at line {line} column {column}");
                Err(Unreadable::new(".", why))
            }
            None => Ok(Event::StreamEnd),
        }
    }

    /// The value that begins with this event, and of how many values it consists.
    fn value(&mut self, first: Event<'t>, path: &str, depth: usize) -> Result<(Value, usize), Unreadable> {
        super::not_too_deep(path, depth)?;
        self.document.count(path, 1)?;
        let (anchor, value, nodes) = match first {
            Event::Alias(anchor) => {
                let Some((_, nodes)) = self.anchors.get(&anchor) else {
                    return Err(Unreadable::new(path, "an alias for what is not complete yet"));
                };
                let nodes = *nodes;
                // Counted before it is copied.
                self.document.count(path, nodes)?;
                let copy = self.anchors.get(&anchor).map(|(value, _)| value.clone());
                (0, copy.unwrap_or_default(), nodes)
            }
            Event::Scalar(text, style, anchor, tag) => {
                let text_tag = tag.is_some_and(|t| t.suffix == "str");
                let plain = style == ScalarStyle::Plain && !text_tag;
                (anchor, if plain { scalar(&text) } else { text.as_ref().into() }, 1)
            }
            Event::SequenceStart(anchor, _) => {
                let (mut items, mut nodes) = (Vec::new(), 1);
                loop {
                    match self.next()? {
                        Event::SequenceEnd => break,
                        item => {
                            let (item, n) = self.value(item, &item_path(path, items.len()), depth + 1)?;
                            items.push(item);
                            nodes += n;
                        }
                    }
                }
                (anchor, Value::Array(items), nodes)
            }
            Event::MappingStart(anchor, _) => {
                let (mut object, mut nodes) = (Map::new(), 1);
                loop {
                    let key = match self.next()? {
                        Event::MappingEnd => break,
                        Event::Scalar(key, ..) => key,
                        _ => return Err(Unreadable::new(path, "a key must be text")),
                    };
                    let path = key_path(path, &key);
                    let value = self.next()?;
                    let (value, n) = self.value(value, &path, depth + 1)?;
                    nodes += n;
                    self.document.insert(&mut object, &path, &key, value);
                }
                (anchor, Value::Object(object), nodes)
            }
            _ => return Err(Unreadable::new(path, "not YAML: a value is missing")),
        };
        if anchor != 0 {
            self.document.count(path, nodes)?;
            self.anchors.insert(anchor, (value.clone(), nodes));
        }
        Ok((value, nodes))
    }
}

/// A plain scalar by the core schema (YAML 1.2.2, 10.3.2).
fn scalar(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    let radix = |digits: Option<&str>, radix| digits.and_then(|d| u64::from_str_radix(d, radix).ok());
    if let Some(n) = radix(text.strip_prefix("0x"), 16).or(radix(text.strip_prefix("0o"), 8)) {
        return n.into();
    }
    let number = text.strip_prefix('+').unwrap_or(text);
    let numeric = number.strip_prefix('-').unwrap_or(number);
    if !numeric.starts_with(|c: char| c.is_ascii_digit() || c == '.') || !numeric.contains(|c: char| c.is_ascii_digit())
    {
        return text.into();
    }
    if let Ok(n) = number.parse::<u64>() {
        return n.into();
    }
    if let Ok(n) = number.parse::<i64>() {
        return n.into();
    }
    let float = number.parse::<f64>().ok().and_then(Number::from_f64);
    float.map_or_else(|| text.into(), Value::Number)
}
