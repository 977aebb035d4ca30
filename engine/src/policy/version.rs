//! The number by which a policy is known: its own `revision`, or else one made of what it says.
//!
//! Not of its bytes: the same policy in YAML, in JSON and as a Struct has the same number, with or without comments and
//! whatever the order of its keys, so that `keepmum check` can tell it before Istio has made something else of the file.
//! Thirty-two bits, because Prometheus shows such a number in full.

use serde_json::Value;
use sha2::{Digest, Sha256};

/// The number of a policy without a `revision`.
pub(crate) fn of(tree: &Value) -> u64 {
    let mut hash = Sha256::new();
    feed(tree, &mut hash);
    let [a, b, c, d, ..]: [u8; 32] = hash.finalize().into();
    u64::from(u32::from_be_bytes([a, b, c, d]))
}

/// A tree as bytes: what kind of value, how long, what is in it.
fn feed(value: &Value, to: &mut Sha256) {
    let mut put = |kind: u8, bytes: &[u8]| {
        to.update([kind]);
        to.update((bytes.len() as u64).to_be_bytes());
        to.update(bytes);
    };
    match value {
        Value::Null => put(b'0', b""),
        Value::Bool(b) => put(b'b', &[u8::from(*b)]),
        // A Struct has no other numbers.
        Value::Number(n) => put(b'n', &n.as_f64().unwrap_or(0.0).to_be_bytes()),
        Value::String(text) => put(b's', text.as_bytes()),
        Value::Array(items) => {
            put(b'a', &(items.len() as u64).to_be_bytes());
            items.iter().for_each(|item| feed(item, to));
        }
        Value::Object(map) => {
            put(b'o', &(map.len() as u64).to_be_bytes());
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort();
            for key in keys {
                feed(&Value::from(key.as_str()), to);
                feed(map.get(key).unwrap_or(&Value::Null), to);
            }
        }
    }
}
