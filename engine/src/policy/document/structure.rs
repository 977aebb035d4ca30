//! `google.protobuf.Struct` in its binary form → tree.
//!
//! Envoy hands over a plugin's configuration as it is packed: for a Struct these are its protobuf bytes, not JSON. The three
//! messages (Struct, Value, ListValue) are all that there is, so that they are read here; a protobuf crate would be larger
//! than everything else that reads a policy. Source: google/protobuf/struct.proto.

use serde_json::{Map, Number, Value};

use super::{Document, Unreadable, item_path, key_path};

/// `None`: these bytes are no Struct, and may be a text.
pub(super) fn read(bytes: &[u8], document: &mut Document) -> Option<Result<Value, Unreadable>> {
    match object(bytes, ".", 0, document) {
        Ok(tree) => Some(Ok(tree)),
        Err(Wrong::Form) => None,
        Err(Wrong::Policy(e)) => Some(Err(e)),
    }
}

/// Why reading ended.
enum Wrong {
    /// These are no bytes of a Struct.
    Form,
    /// They are, but ask too much.
    Policy(Unreadable),
}

impl From<Unreadable> for Wrong {
    fn from(e: Unreadable) -> Wrong {
        Wrong::Policy(e)
    }
}

/// A field of a message: its number and content.
enum Field<'a> {
    Varint(u64),
    Double(f64),
    Bytes(&'a [u8]),
}

fn varint(bytes: &mut &[u8]) -> Result<u64, Wrong> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (first, rest) = bytes.split_first().ok_or(Wrong::Form)?;
        *bytes = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(Wrong::Form)
}

fn field<'a>(bytes: &mut &'a [u8]) -> Result<(u64, Field<'a>), Wrong> {
    let tag = varint(bytes)?;
    let content = match tag & 7 {
        0 => Field::Varint(varint(bytes)?),
        1 => {
            let (eight, rest) = bytes.split_first_chunk::<8>().ok_or(Wrong::Form)?;
            *bytes = rest;
            Field::Double(f64::from_le_bytes(*eight))
        }
        2 => {
            let len = usize::try_from(varint(bytes)?).map_err(|_| Wrong::Form)?;
            let (content, rest) = bytes.split_at_checked(len).ok_or(Wrong::Form)?;
            *bytes = rest;
            Field::Bytes(content)
        }
        _ => return Err(Wrong::Form),
    };
    Ok((tag >> 3, content))
}

fn text(bytes: &[u8]) -> Result<&str, Wrong> {
    std::str::from_utf8(bytes).map_err(|_| Wrong::Form)
}

fn object(mut bytes: &[u8], path: &str, depth: usize, document: &mut Document) -> Result<Value, Wrong> {
    let mut object = Map::new();
    while !bytes.is_empty() {
        let (1, Field::Bytes(mut entry)) = field(&mut bytes)? else {
            return Err(Wrong::Form);
        };
        let (mut key, mut content) = ("", &b""[..]);
        while !entry.is_empty() {
            match field(&mut entry)? {
                (1, Field::Bytes(b)) => key = text(b)?,
                (2, Field::Bytes(b)) => content = b,
                _ => return Err(Wrong::Form),
            }
        }
        let path = key_path(path, key);
        let value = value(content, &path, depth + 1, document)?;
        document.insert(&mut object, &path, key, value);
    }
    Ok(Value::Object(object))
}

fn value(mut bytes: &[u8], path: &str, depth: usize, document: &mut Document) -> Result<Value, Wrong> {
    super::not_too_deep(path, depth)?;
    document.count(path, 1)?;
    let mut value = Value::Null;
    while !bytes.is_empty() {
        value = match field(&mut bytes)? {
            (1, Field::Varint(_)) => Value::Null,
            (2, Field::Double(n)) => number(n),
            (3, Field::Bytes(b)) => text(b)?.into(),
            (4, Field::Varint(b)) => Value::Bool(b != 0),
            (5, Field::Bytes(b)) => object(b, path, depth, document)?,
            (6, Field::Bytes(b)) => list(b, path, depth, document)?,
            _ => return Err(Wrong::Form),
        };
    }
    Ok(value)
}

fn list(mut bytes: &[u8], path: &str, depth: usize, document: &mut Document) -> Result<Value, Wrong> {
    let mut items = Vec::new();
    while !bytes.is_empty() {
        let (1, Field::Bytes(item)) = field(&mut bytes)? else {
            return Err(Wrong::Form);
        };
        items.push(value(item, &item_path(path, items.len()), depth + 1, document)?);
    }
    Ok(Value::Array(items))
}

/// A Struct has only doubles: whole ones were written as integers.
fn number(n: f64) -> Value {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if n.fract() == 0.0 && n.abs() < EXACT {
        return (n as i64).into();
    }
    Number::from_f64(n).map_or(Value::Null, Value::Number)
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::Value;

    /// A tree as a Struct's bytes; the numbers in it are whole.
    pub(crate) fn written(tree: &Value) -> Vec<u8> {
        let field = |tag: u8, content: Vec<u8>| {
            let mut out = vec![tag];
            let mut len = content.len();
            while len > 0x7f {
                out.push((len & 0x7f) as u8 | 0x80);
                len >>= 7;
            }
            out.push(len as u8);
            [out, content].concat()
        };
        let one = |v: &Value| -> Vec<u8> {
            match v {
                Value::Null => vec![0x08, 0],
                Value::Bool(b) => vec![0x20, u8::from(*b)],
                Value::Number(n) => [vec![0x11], n.as_f64().unwrap_or(0.0).to_le_bytes().to_vec()].concat(),
                Value::String(s) => field(0x1a, s.clone().into_bytes()),
                Value::Object(_) => field(0x2a, written(v)),
                Value::Array(_) => field(0x32, written(v)),
            }
        };
        match tree {
            Value::Object(o) => o
                .iter()
                .flat_map(|(k, v)| {
                    field(
                        0x0a,
                        [field(0x0a, k.clone().into_bytes()), field(0x12, one(v))].concat(),
                    )
                })
                .collect(),
            Value::Array(items) => items.iter().flat_map(|v| field(0x0a, one(v))).collect(),
            _ => Vec::new(),
        }
    }
}
