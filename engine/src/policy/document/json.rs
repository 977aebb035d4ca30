//! JSON → tree. serde_json's own tree keeps the last of two equal keys and says nothing.

use std::cell::RefCell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::{Document, Unreadable, item_path, key_path};

pub(super) fn read(text: &str, document: &mut Document) -> Result<Value, Unreadable> {
    let document = RefCell::new(document);
    let mut from = serde_json::Deserializer::from_str(text);
    let too_much = RefCell::new(None);
    let node = Node {
        path: ".",
        depth: 0,
        document: &document,
        too_much: &too_much,
    };
    let tree = node.deserialize(&mut from);
    let tree = tree.and_then(|tree| from.end().map(|()| tree));
    tree.map_err(|e| match too_much.take() {
        Some(told) => told,
        None => Unreadable::new(".", format!("not JSON: {e}")),
    })
}

/// Reads one value, and knows where it stands.
#[derive(Clone, Copy)]
struct Node<'a, 'd> {
    path: &'a str,
    depth: usize,
    document: &'a RefCell<&'d mut Document>,
    /// Why reading ended, if it is JSON all the same.
    too_much: &'a RefCell<Option<Unreadable>>,
}

impl<'a, 'd> Node<'a, 'd> {
    /// What stands in it.
    fn below<'b>(self, path: &'b str) -> Node<'b, 'd>
    where
        'a: 'b,
    {
        Node {
            path,
            depth: self.depth + 1,
            document: self.document,
            too_much: self.too_much,
        }
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_, '_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        let counted = self.document.borrow_mut().count(self.path, 1);
        if let Err(e) = counted.and_then(|()| super::not_too_deep(self.path, self.depth)) {
            *self.too_much.borrow_mut() = Some(e);
            return Err(D::Error::custom("it asks too much"));
        }
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_, '_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, v: bool) -> Result<Value, E> {
        Ok(v.into())
    }

    fn visit_i64<E>(self, v: i64) -> Result<Value, E> {
        Ok(v.into())
    }

    fn visit_u64<E>(self, v: u64) -> Result<Value, E> {
        Ok(v.into())
    }

    fn visit_f64<E>(self, v: f64) -> Result<Value, E> {
        Ok(Number::from_f64(v).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, v: &str) -> Result<Value, E> {
        Ok(v.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        loop {
            let path = item_path(self.path, items.len());
            match seq.next_element_seed(self.below(&path))? {
                Some(item) => items.push(item),
                None => return Ok(Value::Array(items)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            let path = key_path(self.path, &key);
            let value = map.next_value_seed(self.below(&path))?;
            self.document.borrow_mut().insert(&mut object, &path, &key, value);
        }
        Ok(Value::Object(object))
    }
}
