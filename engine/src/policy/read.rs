//! Tree → types, with every mistake at once, and the types' schema.
//!
//! [`object!`] and [`choice!`] write a type down once: its fields with their keys, types, defaults and meaning. From that
//! come the Rust type, its reader and its JSON Schema, so that none of them can say something else than the others. Why
//! not serde: it stops at the first mistake, quotes values in its errors, knows no ranges, and is four times the code.

use std::fmt;

use serde_json::{Map, Value, json};

use crate::error::Mistakes;
use crate::policy::shown::shown;

/// Where a value stands: `routes[2].errors.status[0]`.
#[derive(Clone, Copy)]
pub(crate) enum Place<'p> {
    Root,
    Key(&'p Place<'p>, &'p str),
    Item(&'p Place<'p>, usize),
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Root => f.write_str("."),
            Place::Key(Place::Root, key) => f.write_str(&shown(key)),
            Place::Key(before, key) => write!(f, "{before}.{}", shown(key)),
            Place::Item(Place::Root, i) => write!(f, "[{i}]"),
            Place::Item(before, i) => write!(f, "{before}[{i}]"),
        }
    }
}

/// A value in the tree, and where it stands.
#[derive(Clone, Copy)]
pub(crate) struct At<'v> {
    pub(crate) value: &'v Value,
    pub(crate) place: Place<'v>,
}

/// An object whose keys are all known.
pub(crate) struct Object<'v> {
    map: &'v Map<String, Value>,
    place: Place<'v>,
}

/// What can be read from a tree, and says what it accepts.
pub(crate) trait Read: Sized {
    /// The value; `None`: something was wrong with it, and that was told.
    fn read(at: At<'_>, to: &mut Mistakes) -> Option<Self>;

    /// What holds where the key is missing; `None`: it must not be.
    fn absent() -> Option<Self> {
        None
    }

    /// JSON Schema; objects go into `definitions` and are referred to.
    fn schema(definitions: &mut Map<String, Value>) -> Value;
}

impl<'v> At<'v> {
    /// Says what would be accepted in place of this, and never what it is.
    #[cold]
    #[inline(never)]
    pub(crate) fn wrong<T>(self, expected: &str, to: &mut Mistakes) -> Option<T> {
        let kind = match self.value {
            Value::Null => "nothing stands here",
            Value::Bool(_) => "true or false stands here",
            Value::Number(_) => "a number stands here",
            Value::String(_) => "text stands here",
            Value::Array(_) => "a list stands here",
            Value::Object(_) => "an object stands here",
        };
        to.add(self.place, format!("{kind}; expected {expected}"));
        None
    }

    /// As an object that has no other keys than these.
    #[inline(never)]
    pub(crate) fn object(self, known: &[&str], to: &mut Mistakes) -> Option<Object<'v>> {
        let Value::Object(map) = self.value else {
            return self.wrong(&format!("an object with some of the keys {}", known.join(", ")), to);
        };
        for key in map.keys().filter(|k| !known.contains(&k.as_str())) {
            to.add(Place::Key(&self.place, key), unknown(key, "key", known));
        }
        Some(Object { map, place: self.place })
    }
}

impl Object<'_> {
    #[inline(never)]
    fn get(&self, key: &str, needed: bool, to: &mut Mistakes) -> Option<&Value> {
        let value = self.map.get(key);
        if value.is_none() && needed {
            to.add(Place::Key(&self.place, key), "missing; it is needed here");
        }
        value
    }

    pub(crate) fn field<T: Read>(&self, key: &str, absent: Option<T>, to: &mut Mistakes) -> Option<T> {
        let Some(value) = self.get(key, absent.is_none(), to) else {
            return absent;
        };
        let place = Place::Key(&self.place, key);
        // What is wrong is told; the rest of the policy is looked at as if it had been left out.
        T::read(At { value, place }, to).or(absent)
    }
}

/// `no such key; did you mean …? accepted are …`
#[cold]
#[inline(never)]
pub(crate) fn unknown(word: &str, what: &str, known: &[&str]) -> String {
    let near = nearest(word, known).map_or_else(String::new, |near| format!("did you mean `{near}`? "));
    format!("no such {what}; {near}accepted are {}", known.join(", "))
}

/// The known word that a mistyped one is likely to be.
pub fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    // What is much longer than every known word is none of them, and would take its time.
    if word.len() > 64 {
        return None;
    }
    let near = |k: &&'k str| strsim::osa_distance(word, k);
    let best = known.iter().copied().min_by_key(near)?;
    (near(&best) <= 1 + word.chars().count() / 4).then_some(best)
}

impl Read for bool {
    #[inline(never)]
    fn read(at: At<'_>, to: &mut Mistakes) -> Option<bool> {
        match at.value {
            Value::Bool(b) => Some(*b),
            _ => at.wrong("true or false", to),
        }
    }

    fn schema(_: &mut Map<String, Value>) -> Value {
        json!({"type": "boolean"})
    }
}

impl Read for String {
    #[inline(never)]
    fn read(at: At<'_>, to: &mut Mistakes) -> Option<String> {
        match at.value {
            Value::String(text) => Some(text.clone()),
            _ => at.wrong("text (in YAML in quotes, if it looks like something else)", to),
        }
    }

    fn schema(_: &mut Map<String, Value>) -> Value {
        json!({"type": "string"})
    }
}

/// Text that may be a secret: it is never printed.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Hidden(pub(crate) String);

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({} bytes)", self.0.len())
    }
}

impl Read for Hidden {
    fn read(at: At<'_>, to: &mut Mistakes) -> Option<Hidden> {
        String::read(at, to).map(Hidden)
    }

    fn schema(definitions: &mut Map<String, Value>) -> Value {
        String::schema(definitions)
    }
}

/// A whole number from `LEAST` to `MOST`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Whole<const LEAST: u64, const MOST: u64>(pub(crate) u64);

impl<const LEAST: u64, const MOST: u64> Read for Whole<LEAST, MOST> {
    fn read(at: At<'_>, to: &mut Mistakes) -> Option<Self> {
        // A Struct has no other numbers than these.
        let float = || {
            at.value
                .as_f64()
                .filter(|n| n.fract() == 0.0 && (0.0..9e15).contains(n))
        };
        let whole = at.value.as_u64().or_else(|| float().map(|n| n as u64));
        match whole.filter(|n| (LEAST..=MOST).contains(n)) {
            Some(n) => Some(Whole(n)),
            None if LEAST == MOST => at.wrong(&format!("the number {LEAST}"), to),
            None => at.wrong(&format!("a whole number, {LEAST} to {MOST}"), to),
        }
    }

    fn schema(_: &mut Map<String, Value>) -> Value {
        json!({"type": "integer", "minimum": LEAST, "maximum": MOST})
    }
}

/// A number from `LEAST` to `MOST`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Number<const LEAST: i32, const MOST: i32>(pub(crate) f64);

impl<const LEAST: i32, const MOST: i32> Read for Number<LEAST, MOST> {
    fn read(at: At<'_>, to: &mut Mistakes) -> Option<Self> {
        let range = f64::from(LEAST)..=f64::from(MOST);
        match at.value.as_f64().filter(|n| range.contains(n)) {
            Some(n) => Some(Number(n)),
            None => at.wrong(&format!("a number, {LEAST} to {MOST}"), to),
        }
    }

    fn schema(_: &mut Map<String, Value>) -> Value {
        json!({"type": "number", "minimum": LEAST, "maximum": MOST})
    }
}

impl<T: Read> Read for Vec<T> {
    #[inline(never)]
    fn read(at: At<'_>, to: &mut Mistakes) -> Option<Vec<T>> {
        let Value::Array(items) = at.value else {
            return at.wrong("a list", to);
        };
        let read = |(i, value)| {
            let place = Place::Item(&at.place, i);
            T::read(At { value, place }, to)
        };
        let items: Vec<Option<T>> = items.iter().enumerate().map(read).collect();
        items.into_iter().collect()
    }

    fn absent() -> Option<Vec<T>> {
        Some(Vec::new())
    }

    fn schema(definitions: &mut Map<String, Value>) -> Value {
        json!({"type": "array", "items": T::schema(definitions)})
    }
}

/// A list whose wrong items are left out without moving the others, so that the others can be looked at too.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct List<T>(Vec<Option<T>>);

impl<T> List<T> {
    /// The items with their places in the list.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, &T)> {
        let items = self.0.iter().enumerate();
        items.filter_map(|(i, item)| item.as_ref().map(|item| (i, item)))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<T> FromIterator<T> for List<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> List<T> {
        List(items.into_iter().map(Some).collect())
    }
}

impl<T: Read> Read for List<T> {
    #[inline(never)]
    fn read(at: At<'_>, to: &mut Mistakes) -> Option<List<T>> {
        let Value::Array(items) = at.value else {
            return at.wrong("a list", to);
        };
        let read = |(i, value)| {
            let place = Place::Item(&at.place, i);
            T::read(At { value, place }, to)
        };
        Some(List(items.iter().enumerate().map(read).collect()))
    }

    fn absent() -> Option<List<T>> {
        Some(List(Vec::new()))
    }

    fn schema(definitions: &mut Map<String, Value>) -> Value {
        json!({"type": "array", "items": T::schema(definitions)})
    }
}

impl<T: Read> Read for Option<T> {
    fn read(at: At<'_>, to: &mut Mistakes) -> Option<Option<T>> {
        T::read(at, to).map(Some)
    }

    fn absent() -> Option<Option<T>> {
        Some(None)
    }

    fn schema(definitions: &mut Map<String, Value>) -> Value {
        T::schema(definitions)
    }
}

impl<T: Read> Read for std::collections::BTreeMap<String, T> {
    fn read(at: At<'_>, to: &mut Mistakes) -> Option<Self> {
        let Value::Object(map) = at.value else {
            return at.wrong("an object", to);
        };
        let before = to.count();
        let mut all = std::collections::BTreeMap::new();
        for (key, value) in map {
            let place = Place::Key(&at.place, key);
            if let Some(value) = T::read(At { value, place }, to) {
                all.insert(key.clone(), value);
            }
        }
        (to.count() == before).then_some(all)
    }

    fn absent() -> Option<Self> {
        Some(std::collections::BTreeMap::new())
    }

    fn schema(definitions: &mut Map<String, Value>) -> Value {
        json!({"type": "object", "additionalProperties": T::schema(definitions)})
    }
}

/// The doc comment of a type or field as one text.
pub(crate) fn prose(lines: &[&str]) -> String {
    let trimmed: Vec<&str> = lines.iter().map(|l| l.trim()).collect();
    trimmed.join(" ").replace('`', "")
}

/// The schema of an object's field.
pub(crate) fn described(mut schema: Value, lines: &[&str]) -> Value {
    if let Some(map) = schema.as_object_mut() {
        map.insert("description".to_owned(), prose(lines).into());
    }
    schema
}

/// Puts an object's schema among the definitions and refers to it.
pub(crate) fn define(
    definitions: &mut Map<String, Value>,
    name: &str,
    make: impl FnOnce(&mut Map<String, Value>) -> Value,
) -> Value {
    if !definitions.contains_key(name) {
        definitions.insert(name.to_owned(), Value::Null);
        let schema = make(definitions);
        definitions.insert(name.to_owned(), schema);
    }
    json!({"$ref": format!("#/$defs/{name}")})
}

/// A key: the field's name, or what is said in its place.
macro_rules! key {
    ($field:ident) => {
        stringify!($field)
    };
    ($field:ident $key:literal) => {
        $key
    };
}

/// What holds where a key is missing.
macro_rules! absent {
    ($ty:ty) => {
        <$ty as $crate::policy::read::Read>::absent()
    };
    ($ty:ty, $default:expr) => {
        Some($default)
    };
}

/// A struct that is an object in the policy: `field: Type`, `field as "key": Type`, `field: Type = default`.
macro_rules! object {
    (
        $(#[doc = $doc:literal])*
        $vis:vis struct $name:ident {
            $($(#[doc = $about:literal])* $see:vis $field:ident $(as $key:literal)? : $ty:ty $(= $default:expr)?,)*
        }
    ) => {
        $(#[doc = $doc])*
        #[derive(Clone, Debug, PartialEq)]
        $vis struct $name { $($(#[doc = $about])* $see $field: $ty,)* }

        impl $crate::policy::read::Read for $name {
            // Once each in the module, not once for each place that it is read at.
            #[inline(never)]
            fn read(
                at: $crate::policy::read::At<'_>,
                to: &mut $crate::error::Mistakes,
            ) -> Option<Self> {
                let object = at.object(&[$($crate::policy::read::key!($field $($key)?)),*], to)?;
                $(let $field: Option<$ty> = object.field(
                    $crate::policy::read::key!($field $($key)?),
                    $crate::policy::read::absent!($ty $(, $default)?),
                    to,
                );)*
                Some($name { $($field: $field?,)* })
            }

            fn absent() -> Option<Self> {
                Some($name { $($field: $crate::policy::read::absent!($ty $(, $default)?)?,)* })
            }

            fn schema(definitions: &mut serde_json::Map<String, serde_json::Value>) -> serde_json::Value {
                $crate::policy::read::define(definitions, stringify!($name), |definitions| {
                    let mut properties = serde_json::Map::new();
                    let mut required: Vec<&str> = Vec::new();
                    $(
                        let key = $crate::policy::read::key!($field $($key)?);
                        let schema = <$ty as $crate::policy::read::Read>::schema(definitions);
                        properties.insert(key.to_owned(), $crate::policy::read::described(schema, &[$($about),*]));
                        let absent: Option<$ty> = $crate::policy::read::absent!($ty $(, $default)?);
                        if absent.is_none() {
                            required.push(key);
                        }
                    )*
                    serde_json::json!({
                        "type": "object",
                        "description": $crate::policy::read::prose(&[$($doc),*]),
                        "properties": properties,
                        "required": required,
                        "additionalProperties": false,
                    })
                })
            }
        }
    };
}

/// An enum that is one word of several in the policy.
macro_rules! choice {
    (
        $(#[doc = $doc:literal])*
        $vis:vis enum $name:ident {
            $($(#[doc = $about:literal])* $variant:ident = $word:literal,)*
        }
    ) => {
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        $vis enum $name { $($(#[doc = $about])* $variant,)* }

        impl $crate::policy::read::Read for $name {
            #[inline(never)]
            fn read(
                at: $crate::policy::read::At<'_>,
                to: &mut $crate::error::Mistakes,
            ) -> Option<Self> {
                match at.value.as_str() {
                    $(Some($word) => Some($name::$variant),)*
                    word => $crate::policy::read::no_choice(at, word, &[$($word),*], to),
                }
            }

            fn schema(_: &mut serde_json::Map<String, serde_json::Value>) -> serde_json::Value {
                serde_json::json!({"enum": [$($word),*]})
            }
        }
    };
}

/// None of the words that are accepted.
#[cold]
#[inline(never)]
pub(crate) fn no_choice<T>(at: At<'_>, word: Option<&str>, known: &[&str], to: &mut Mistakes) -> Option<T> {
    let expected = format!("one of {}", known.join(", "));
    let Some(word) = word else {
        return at.wrong(&expected, to);
    };
    let near = nearest(word, known).map_or_else(String::new, |near| format!("did you mean `{near}`? "));
    to.add(at.place, format!("no such word; {near}expected {expected}"));
    None
}

pub(crate) use {absent, choice, key, object};
