//! Tree → types, with every mistake at once.
//!
//! serde stops at the first mistake. So it is told, taken out of the tree, and the tree is read again, until nothing is
//! wrong: what is left is never used, but each round says one thing more. Why not a reader of our own that goes on by
//! itself: the types would then be written down twice, and the schema would describe the other ones.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::PolicyError;
use crate::limits;
use crate::policy::document::key_path;

/// The types, unless something is wrong.
pub(crate) fn read<T: DeserializeOwned>(mut tree: Value, errors: &mut Vec<PolicyError>) -> Option<T> {
    let before = errors.len();
    let mut gone = Gone::default();
    for _ in 0..=limits::POLICY_ERRORS {
        let e = match serde_path_to_error::deserialize::<_, T>(&tree) {
            Ok(read) if errors.len() == before => return Some(read),
            Ok(_) => return None,
            Err(e) => e,
        };
        let path: Vec<Step> = e.path().iter().filter_map(Step::of).collect();
        let mistake = Mistake::of(&e.into_inner().to_string());
        if let Mistake::Missing { field } = &mistake
            && gone.was_here(&path, field)
        {
            // It was there, and wrong: that was said.
            take_out(&mut tree, &path, &mut gone);
            continue;
        }
        errors.push(mistake.told(&gone.original(&path)));
        if path.is_empty() {
            return None;
        }
        take_out(&mut tree, &path, &mut gone);
    }
    errors.push(PolicyError::new(".", "and more; these come first"));
    None
}

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Key(String),
    Item(usize),
}

impl Step {
    fn of(segment: &serde_path_to_error::Segment) -> Option<Step> {
        use serde_path_to_error::Segment;
        match segment {
            Segment::Map { key } => Some(Step::Key(key.clone())),
            Segment::Seq { index } => Some(Step::Item(*index)),
            Segment::Enum { .. } | Segment::Unknown => None,
        }
    }
}

/// What was taken out, so that later mistakes are told with the places that people see.
#[derive(Default)]
struct Gone {
    /// Lists by their path in the tree as it was, and the items taken out of each.
    items: Vec<(Vec<Step>, Vec<usize>)>,
    keys: Vec<Vec<Step>>,
}

impl Gone {
    /// A path in the tree as it is now → in the tree as it was.
    fn original(&self, path: &[Step]) -> Vec<Step> {
        let mut original: Vec<Step> = Vec::with_capacity(path.len());
        for step in path {
            original.push(match step {
                Step::Key(key) => Step::Key(key.clone()),
                Step::Item(now) => {
                    let taken = self.items.iter().find(|(list, _)| *list == original);
                    let taken = taken.map_or(&[][..], |(_, taken)| taken);
                    Step::Item(taken.iter().fold(*now, |at, taken| if *taken <= at { at + 1 } else { at }))
                }
            });
        }
        original
    }

    fn was_here(&self, path: &[Step], field: &str) -> bool {
        let mut original = self.original(path);
        original.push(Step::Key(field.to_owned()));
        self.keys.contains(&original)
    }
}

fn take_out(tree: &mut Value, path: &[Step], gone: &mut Gone) {
    let original = gone.original(path);
    let Some((last, front)) = path.split_last() else {
        *tree = Value::Null;
        return;
    };
    let mut at = tree;
    for step in front {
        let next = match step {
            Step::Key(key) => at.get_mut(key),
            Step::Item(i) => at.get_mut(i),
        };
        let Some(next) = next else { return };
        at = next;
    }
    match (last, at) {
        (Step::Key(key), Value::Object(object)) => {
            object.remove(key);
            gone.keys.push(original);
        }
        (Step::Item(i), Value::Array(items)) if *i < items.len() => {
            items.remove(*i);
            let Some((Step::Item(was), list)) = original.split_last() else {
                return;
            };
            match gone.items.iter_mut().find(|(l, _)| l == list) {
                Some((_, taken)) => {
                    taken.push(*was);
                    taken.sort_unstable();
                }
                None => gone.items.push((list.to_vec(), vec![*was])),
            }
        }
        _ => {}
    }
}

/// What serde says, taken apart: it quotes values, which may be secrets, and those are left out.
#[derive(Debug, PartialEq, Eq)]
enum Mistake {
    Unknown { key: String, known: Vec<String> },
    Missing { field: String },
    Choice { known: Vec<String> },
    Type { expected: String },
    Other { why: String },
}

impl Mistake {
    fn of(text: &str) -> Mistake {
        let ticked = |text: &str| -> Vec<String> { text.split('`').skip(1).step_by(2).map(str::to_owned).collect() };
        let (head, tail) = text.split_once(", expected ").unwrap_or((text, ""));
        let first = || ticked(head).into_iter().next().unwrap_or_default();
        if head.starts_with("unknown field") {
            return Mistake::Unknown {
                key: first(),
                known: ticked(tail),
            };
        }
        if head.starts_with("missing field") {
            return Mistake::Missing { field: first() };
        }
        if head.starts_with("unknown variant") {
            return Mistake::Choice { known: ticked(tail) };
        }
        if head.starts_with("invalid type") || head.starts_with("invalid value") || head.starts_with("invalid length") {
            // The last one: the value that is quoted before it may have the words in it too.
            let expected = text.rsplit_once("expected ").map_or("something else", |(_, expected)| expected);
            let expected = match expected {
                "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, not negative, and not too large",
                "i64" => "a whole number",
                "f64" => "a number",
                name if name.starts_with("struct ") || name == "a map" => "an object",
                "a sequence" => "a list",
                other => other,
            };
            return Mistake::Type {
                expected: expected.to_owned(),
            };
        }
        Mistake::Other { why: text.to_owned() }
    }

    fn told(&self, path: &[Step]) -> PolicyError {
        let place = path.iter().fold(String::from("."), |at, step| match step {
            Step::Key(key) => key_path(&at, key),
            Step::Item(i) => crate::policy::document::item_path(&at, *i),
        });
        match self {
            Mistake::Unknown { key, known } => {
                let near = nearest(key, known).map_or_else(String::new, |near| format!("did you mean `{near}`? "));
                let why = match known.len() {
                    0 => format!("no such key; {near}none is accepted here"),
                    _ => format!("no such key; {near}accepted are {}", known.join(", ")),
                };
                PolicyError::new(place, why)
            }
            Mistake::Missing { field } => PolicyError::new(key_path(&place, field), "missing, and needed here"),
            Mistake::Choice { known } => PolicyError::new(place, format!("expected one of {}", known.join(", "))),
            Mistake::Type { expected } => PolicyError::new(place, format!("expected {expected}")),
            Mistake::Other { why } => PolicyError::new(place, why.clone()),
        }
    }
}

/// The known word that a mistyped one is likely to be.
pub(crate) fn nearest<'k, S: AsRef<str>>(word: &str, known: &'k [S]) -> Option<&'k str> {
    let near = |k: &&'k str| strsim::osa_distance(word, k);
    let best = known.iter().map(AsRef::as_ref).min_by_key(near)?;
    (strsim::osa_distance(word, best) <= 1 + word.chars().count() / 4).then_some(best)
}

#[cfg(test)]
mod tests {
    use super::{nearest, read};
    use serde::Deserialize;
    use serde_json::{Value, json};

    #[derive(Debug, Default, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    #[allow(dead_code)]
    struct Whole {
        mode: Mode,
        limits: Option<Limits>,
        routes: Vec<Route>,
    }

    #[derive(Debug, Default, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Mode {
        #[default]
        Enforce,
        Report,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Limits {
        held: u32,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Route {
        name: String,
        paths: Vec<String>,
    }

    fn told(tree: Value) -> Vec<String> {
        let mut errors = Vec::new();
        let read: Option<Whole> = read(tree, &mut errors);
        assert_eq!(read.is_none(), !errors.is_empty());
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_mistake_is_told_once_and_where_it_stands() {
        let tree = json!({
            "mdoe": "report",
            "mode": "sk_fake_value",
            "limits": {"held": "sk_fake_value"},
            "routes": [
                {"name": 7, "paths": []},
                {"name": "a", "paths": ["/", 3]},
                "sk_fake_value",
                {"paths": []},
                {"name": "b", "paths": [1, "/", 2], "pahts": 1, "other": 2},
            ],
        });
        let mut told = told(tree);
        told.sort();
        assert_eq!(told, [
            "limits.held: expected a whole number, not negative, and not too large",
            "mdoe: no such key; did you mean `mode`? accepted are mode, limits, routes",
            "mode: expected one of enforce, report",
            "routes[0].name: expected a string",
            "routes[1].paths[1]: expected a string",
            "routes[2]: expected an object",
            "routes[3].name: missing, and needed here",
            "routes[4].other: no such key; accepted are name, paths",
            "routes[4].pahts: no such key; did you mean `paths`? accepted are name, paths",
            "routes[4].paths[0]: expected a string",
            "routes[4].paths[2]: expected a string",
        ]);
    }

    #[test]
    fn what_is_right_is_read() {
        assert!(told(json!({"mode": "report", "limits": {"held": 1}, "routes": [{"name": "a", "paths": []}]})).is_empty());
    }

    #[test]
    fn a_policy_of_mistakes_has_an_end() {
        let tree: serde_json::Map<String, Value> = (0..10_000).map(|i| (format!("k{i}"), json!(1))).collect();
        assert!(told(Value::Object(tree)).len() <= crate::limits::POLICY_ERRORS + 2);
    }

    #[test]
    fn the_nearest_word_is_near() {
        let known = ["packs", "disable", "custom"];
        assert_eq!(nearest("pakcs", &known), Some("packs"));
        assert_eq!(nearest("disabled", &known), Some("disable"));
        assert_eq!(nearest("routes", &known), None);
    }
}
