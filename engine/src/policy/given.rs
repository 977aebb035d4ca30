//! A list that must have an item if it is there at all: where each key that is given must hold by one of its items, an empty
//! one would hold never, or, taken as absent, always. A template that left a list empty meant neither.

use std::ops::Deref;

use serde_json::{Map, Value, json};

use super::read::{At, Read};
use crate::error::Mistakes;

/// See the file's head.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Given<L>(L);

impl<L> Deref for Given<L> {
    type Target = L;

    fn deref(&self) -> &L {
        &self.0
    }
}

impl<L: Read> Read for Given<L> {
    fn read(at: At<'_>, to: &mut Mistakes) -> Option<Given<L>> {
        match at.value {
            Value::Array(items) if items.is_empty() => at.wrong("a list of one item or more", to),
            _ => L::read(at, to).map(Given),
        }
    }

    fn absent() -> Option<Given<L>> {
        L::absent().map(Given)
    }

    fn schema(definitions: &mut Map<String, Value>) -> Value {
        let mut schema = L::schema(definitions);
        if let Value::Object(of) = &mut schema {
            of.insert("minItems".to_owned(), json!(1));
        }
        schema
    }
}
