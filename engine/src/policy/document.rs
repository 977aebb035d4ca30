//! The text of a policy → a tree: JSON, YAML, or the binary `google.protobuf.Struct` that Envoy hands over for one.
//!
//! All three become the same tree, so that everything behind it is the same whatever people write. A key that comes twice
//! in one object is an error: which of the two holds would be a guess. Why not read the types from the text directly:
//! the first mistake would then be the only one that is told.

use serde_json::{Map, Value};

use crate::error::Mistakes;
use crate::limits;
use crate::policy::shown::shown;

mod json;
mod structure;
mod yaml;

/// A policy as a tree, and what was noticed on the way.
#[derive(Debug, Default)]
pub(crate) struct Document {
    pub(crate) tree: Value,
    pub(crate) mistakes: Mistakes,
    nodes: usize,
}

/// Why no tree could be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unreadable {
    pub(crate) path: String,
    pub(crate) why: String,
}

impl Unreadable {
    fn new(path: impl Into<String>, why: impl Into<String>) -> Unreadable {
        Unreadable {
            path: path.into(),
            why: why.into(),
        }
    }
}

/// Reads a policy; no text at all is an empty one. What cannot be read at all is the error.
pub(crate) fn read(text: &[u8]) -> Result<Document, Unreadable> {
    if text.len() > limits::POLICY_BYTES {
        let why = format!("{} bytes; {} are allowed", text.len(), limits::POLICY_BYTES);
        return Err(Unreadable::new(".", why));
    }
    let mut document = Document::default();
    // A Struct begins with the tag of its first field, which would be a line feed in a text.
    if text.first() == Some(&b'\n')
        && let Some(tree) = structure::read(text, &mut document)
    {
        document.tree = tree?;
        return Ok(document);
    }
    let text = std::str::from_utf8(text)
        .map_err(|e| Unreadable::new(".", format!("not UTF-8 from byte {} on", e.valid_up_to())))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).trim_start();
    document.tree = match text.bytes().next() {
        None => Value::Object(Map::new()),
        Some(b'{') => json::read(text, &mut document)?,
        _ => yaml::read(text, &mut document)?,
    };
    Ok(document)
}

/// Any document as the tree that a policy is read from: bounded, and a key that comes twice is a mistake.
#[cfg(feature = "explain")]
pub fn tree(text: &[u8]) -> Result<Value, crate::PolicyError> {
    let (tree, mistakes) = match read(text) {
        Ok(document) => (document.tree, document.mistakes),
        Err(e) => {
            let mut mistakes = Mistakes::default();
            mistakes.add(e.path, e.why);
            (Value::Null, mistakes)
        }
    };
    if mistakes.count() > 0 {
        return Err(mistakes.refusal());
    }
    Ok(tree)
}

impl Document {
    /// Counts one more value; an alias in YAML can make many of a few bytes.
    fn count(&mut self, path: &str, nodes: usize) -> Result<(), Unreadable> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes <= limits::POLICY_NODES {
            return Ok(());
        }
        let why = format!("more than {} values in all", limits::POLICY_NODES);
        Err(Unreadable::new(path, why))
    }

    /// Puts a value under its key.
    fn insert(&mut self, object: &mut Map<String, Value>, path: &str, key: &str, value: Value) {
        if object.contains_key(key) {
            self.mistakes.add(path, "this key comes twice; leave one of them");
        } else {
            object.insert(key.to_owned(), value);
        }
    }
}

/// Bounds how deep a value may stand; of the path what it begins with is told.
fn not_too_deep(path: &str, depth: usize) -> Result<(), Unreadable> {
    if depth <= limits::POLICY_DEPTH {
        return Ok(());
    }
    let top = path.split(['.', '[']).next().filter(|top| !top.is_empty());
    let why = format!("deeper than {} levels", limits::POLICY_DEPTH);
    Err(Unreadable::new(top.unwrap_or("."), why))
}

/// The path of a key: `errors.status`.
pub(crate) fn key_path(path: &str, key: &str) -> String {
    match path {
        "." => shown(key),
        path => format!("{path}.{}", shown(key)),
    }
}

/// The path of an item: `routes[2]`.
pub(crate) fn item_path(path: &str, i: usize) -> String {
    match path {
        "." => format!("[{i}]"),
        path => format!("{path}[{i}]"),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::read;
    use serde_json::json;

    fn told(text: &[u8]) -> Vec<String> {
        match read(text) {
            Ok(document) => {
                let refusal = document.mistakes.refusal();
                refusal.mistakes().iter().map(ToString::to_string).collect()
            }
            Err(e) => vec![format!("{}: {}", e.path, e.why)],
        }
    }

    #[test]
    fn json_yaml_and_a_struct_are_the_same_tree() {
        let tree =
            json!({"mode": "report", "fields": [{"names": ["password"], "deep": {"n": 3, "t": true, "z": null}}]});
        let json = tree.to_string();
        let yaml = "# a comment\nmode: report\nfields:\n  - names: [password]\n    deep: {n: 3, t: true, z: ~}\n";
        assert_eq!(read(json.as_bytes()).unwrap().tree, tree);
        assert_eq!(read(yaml.as_bytes()).unwrap().tree, tree);
        assert_eq!(read(&super::structure::tests::written(&tree)).unwrap().tree, tree);
        assert_eq!(read(b" \n ").unwrap().tree, json!({}));
        assert_eq!(read(b"").unwrap().tree, json!({}));
    }

    #[test]
    fn yaml_is_read_as_its_core_schema_says() {
        let yaml = b"a: 'true'\nb: 0x1F\nc: 1.5\nd: no\ne: |\n  two\n  lines\nf: &x [1, -2]\ng: *x\nh:\ni: '5xx'\nj: 1e3\nk: 0o17\n";
        let tree = json!({"a": "true", "b": 31, "c": 1.5, "d": "no", "e": "two\nlines\n", "f": [1, -2], "g": [1, -2],
            "h": null, "i": "5xx", "j": 1000.0, "k": 15});
        assert_eq!(read(yaml).unwrap().tree, tree);
    }

    #[test]
    fn what_cannot_be_read_is_told_with_its_place() {
        for (text, part) in [
            (&b"{\"a\": {\"b\": 1, \"b\": 2}}"[..], "a.b: this key comes twice"),
            (b"a:\n  - b: 1\n    b: 2\n", "a[0].b: this key comes twice"),
            (b"{\"a\": ", ".: not JSON"),
            (b"a: [1, 2", ".: not YAML"),
            (b"a: 1\n---\nb: 2\n", ".: a second YAML document"),
            (b"[1, 2]", ".: expected an object"),
            (b"? [a]\n: 1\n", ".: a key must be text"),
            (b"a: *nothing\n", ".: not YAML"),
            (b"\xff\xfe", ".: not UTF-8"),
        ] {
            let told = told(text);
            assert!(told.iter().any(|t| t.starts_with(part)), "{part}: {told:?}");
        }
    }

    #[test]
    fn aliases_and_depth_are_bounded() {
        let mut yaml = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for i in 1..9 {
            let items = vec![format!("*a{}", i - 1); 10].join(", ");
            yaml.push_str(&format!("a{i}: &a{i} [{items}]\n"));
        }
        assert!(told(yaml.as_bytes())[0].contains("values in all"));
        for deep in [
            format!("a: {}x{}", "[".repeat(100), "]".repeat(100)),
            format!("{{\"a\": {}", "[".repeat(100_000)),
        ] {
            assert_eq!(told(deep.as_bytes()), ["a: deeper than 64 levels"]);
        }
        let deep = format!("a: {}", "[".repeat(100_000));
        assert!(told(deep.as_bytes())[0].starts_with(".: deeper than 64 levels at line 1"));
    }
}
