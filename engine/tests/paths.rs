//! `fields[].path`: what a path takes out of documents, as they stand, cut anywhere, broken, and deeper than anybody writes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use keepmum_engine::{Body, BodyKind, Engine, Exchange, Flow, Workspace, limits};
use proptest::prelude::*;
use serde_json::json;

const JSON: BodyKind = BodyKind {
    json: true,
    keep_length: false,
};
const TEXT: BodyKind = BodyKind {
    json: false,
    keep_length: false,
};

fn engine(paths: &[&str]) -> Engine {
    let fields: Vec<_> = paths.iter().map(|p| json!({"path": p})).collect();
    Engine::new(
        json!({"fields": fields, "response": {"action": {"label": {"template": "[GONE]"}}}})
            .to_string()
            .as_bytes(),
    )
    .unwrap()
}

fn pushed(engine: &Engine, kind: BodyKind, chunks: &[&[u8]]) -> String {
    let (mut work, mut exchange) = (Workspace::default(), Exchange::default());
    let (mut body, mut all, mut out) = (Body::new(kind), Vec::new(), Vec::new());
    for chunk in chunks {
        out.clear();
        match body.push(engine, &mut work, &mut exchange, chunk, &mut out) {
            Flow::Pass => all.extend_from_slice(chunk),
            Flow::Out => all.extend_from_slice(&out),
        }
        assert!(body.memory() < 32 * 1024, "{}", body.memory());
    }
    out.clear();
    body.finish(engine, &mut work, &mut exchange, &mut out);
    all.extend_from_slice(&out);
    String::from_utf8_lossy(&all).into_owned()
}

/// What comes of a text, whole and in two pieces at every cut.
fn check(paths: &[&str], kind: BodyKind, text: &str, expected: &str) {
    let engine = engine(paths);
    let bytes = text.as_bytes();
    assert_eq!(pushed(&engine, kind, &[bytes]), expected, "{paths:?} on {text}");
    for cut in 1..bytes.len() {
        let (a, b) = bytes.split_at(cut);
        assert_eq!(
            pushed(&engine, kind, &[a, b]),
            expected,
            "{paths:?} on {text}, cut at {cut}"
        );
    }
    let single: Vec<&[u8]> = bytes.chunks(1).collect();
    assert_eq!(
        pushed(&engine, kind, &single),
        expected,
        "{paths:?} on {text}, byte by byte"
    );
}

#[test]
fn a_path_takes_the_value_that_it_names() {
    for (path, text, expected) in [
        ("$.a", r#"{"a":"x","b":"y"}"#, r#"{"a":"[GONE]","b":"y"}"#),
        ("$.a", r#"{"b":{"a":"x"},"a":"x"}"#, r#"{"b":{"a":"x"},"a":"[GONE]"}"#),
        ("$.a", r#"{"A":"x"}"#, r#"{"A":"x"}"#),
        ("$.a", r#"[{"a":"x"}]"#, r#"[{"a":"x"}]"#),
        ("$.a", r#"{"a":""}"#, r#"{"a":""}"#),
        ("$.a", r#"{"a":null}"#, r#"{"a":null}"#),
        ("$.a", r#"{"a":-1.5e3}"#, r#"{"a":"[GONE]"}"#),
        ("$.a", r#"{"a":true}"#, r#"{"a":"[GONE]"}"#),
        ("$.a", r#"{"a":{"b":[1,"}"]},"c":1}"#, r#"{"a":"[GONE]","c":1}"#),
        ("$.a", r#"{"a":[1,{"a":2}]}"#, r#"{"a":"[GONE]"}"#),
        // Both of two that have one name.
        ("$.a", r#"{"a":"x","a":"y"}"#, r#"{"a":"[GONE]","a":"[GONE]"}"#),
        // However it is spelt.
        ("$.a", r#"{"\u0061":"x"}"#, r#"{"\u0061":"[GONE]"}"#),
        (r"$['\\u0061']", r#"{"\\u0061":"x"}"#, r#"{"\\u0061":"[GONE]"}"#),
        (r"$['\u0061']", r#"{"a":"x"}"#, r#"{"a":"[GONE]"}"#),
        (
            "$.über",
            r#"{"\u00fcber":"x","über":"y"}"#,
            r#"{"\u00fcber":"[GONE]","über":"[GONE]"}"#,
        ),
        (r"$['\uD83D\uDE00']", r#"{"😀":"x"}"#, r#"{"😀":"[GONE]"}"#),
        (
            "$['a.b']",
            r#"{"a":{"b":1},"a.b":"x"}"#,
            r#"{"a":{"b":1},"a.b":"[GONE]"}"#,
        ),
        ("$[1]", r#"["x","y","z"]"#, r#"["x","[GONE]","z"]"#),
        ("$[0]", r#"["x"]"#, r#"["[GONE]"]"#),
        ("$[0]", r#"{"0":"x"}"#, r#"{"0":"x"}"#),
        ("$[1]", r#"[[1,2],[3,4],[5]]"#, r#"[[1,2],"[GONE]",[5]]"#),
        ("$[1][0]", r#"[[1,2],[3,4],[5]]"#, r#"[[1,2],["[GONE]",4],[5]]"#),
        ("$[2]", r#"[{"a":[0,1,2]},",[",5]"#, r#"[{"a":[0,1,2]},",[","[GONE]"]"#),
        (
            "$[*]",
            r#"["x",1,[],{},null]"#,
            r#"["[GONE]","[GONE]","[GONE]","[GONE]",null]"#,
        ),
        ("$[*]", "[]", "[]"),
        ("$.*", r#"{"a":"x","b":[1]}"#, r#"{"a":"[GONE]","b":"[GONE]"}"#),
        (
            "$.a[*].k",
            r#"{"a":[{"k":1,"l":2},{"l":3,"k":4}]}"#,
            r#"{"a":[{"k":"[GONE]","l":2},{"l":3,"k":"[GONE]"}]}"#,
        ),
        (
            "$.a.*.k",
            r#"{"a":{"x":{"k":1},"y":[{"k":2}]}}"#,
            r#"{"a":{"x":{"k":"[GONE]"},"y":[{"k":2}]}}"#,
        ),
        (
            "$..k",
            r#"{"k":1,"a":[{"k":{"k":2}}],"b":{"k":3}}"#,
            r#"{"k":"[GONE]","a":[{"k":"[GONE]"}],"b":{"k":"[GONE]"}}"#,
        ),
        (
            "$..a.k",
            r#"{"k":1,"a":{"k":2,"a":{"k":3}}}"#,
            r#"{"k":1,"a":{"k":"[GONE]","a":{"k":"[GONE]"}}}"#,
        ),
        (
            "$..a..k",
            r#"{"a":{"b":{"k":2}},"k":1}"#,
            r#"{"a":{"b":{"k":"[GONE]"}},"k":1}"#,
        ),
        (
            "$..[0]",
            r#"{"a":["x","y"],"b":[["z"]]}"#,
            r#"{"a":["[GONE]","y"],"b":["[GONE]"]}"#,
        ),
        (
            "$.b..*",
            r#"{"a":"x","b":{"c":"y"}}"#,
            r#"{"a":"x","b":{"c":"[GONE]"}}"#,
        ),
        ("$ ['a'] [ 0 ]", r#"{"a":["x"]}"#, r#"{"a":["[GONE]"]}"#),
        (
            "$.a.b",
            "{\n  \"a\": {\n    \"b\": \"x\"\n  },\n  \"b\": \"y\"\n}\n",
            "{\n  \"a\": {\n    \"b\": \"[GONE]\"\n  },\n  \"b\": \"y\"\n}\n",
        ),
        // A string is no structure.
        (
            "$.a",
            r#"{"b":"{\"a\":\"x\"}","c":"]}","a":"x"}"#,
            r#"{"b":"{\"a\":\"x\"}","c":"]}","a":"[GONE]"}"#,
        ),
    ] {
        check(&[path], JSON, text, expected);
    }
}

#[test]
fn of_two_rules_the_first_counts() {
    let policy =
        r#"{"fields":[{"path":"$.a.key","action":"report"},{"names":["key"],"action":"remove"},{"path":"$..key"}]}"#;
    let engine = Engine::new(policy.as_bytes()).unwrap();
    let text = br#"{"a":{"key":"x"},"b":{"key":"y"}}"#;
    assert_eq!(pushed(&engine, JSON, &[text]), r#"{"a":{"key":"x"},"b":{"key":""}}"#);
}

#[test]
fn each_line_of_a_text_is_a_document() {
    for (path, text, expected) in [
        (
            "$.a",
            "{\"a\":\"x\"}\n{\"b\":{\"a\":\"x\"},\"a\":1}\n",
            "{\"a\":\"[GONE]\"}\n{\"b\":{\"a\":\"x\"},\"a\":\"[GONE]\"}\n",
        ),
        (
            "$.a[1]",
            "event: e\ndata: {\"a\":[\"x\",\"y\"]}\n\n",
            "event: e\ndata: {\"a\":[\"x\",\"[GONE]\"]}\n\n",
        ),
        // What was left open before.
        (
            "$.a",
            "broken {\"b\": [\n{\"a\":\"x\"}\n",
            "broken {\"b\": [\n{\"a\":\"[GONE]\"}\n",
        ),
        (
            "$.a",
            "12:01 [main] INFO {\"a\":\"x\"}\n",
            "12:01 [main] INFO {\"a\":\"[GONE]\"}\n",
        ),
    ] {
        check(&[path], TEXT, text, expected);
    }
}

#[test]
fn what_is_broken_is_walked_all_the_same() {
    for text in [
        r#"}]}{"a":"x"}"#,
        r#")]}',{"a":"x"}"#,
        r#"{"b":1,,"a":"x"#,
        r#"{"b":[1}"a":"x"}"#,
    ] {
        let out = pushed(&engine(&["$..a"]), JSON, &[text.as_bytes()]);
        assert!(out.contains("[GONE]") && !out.contains("\"x"), "{text}: {out}");
    }
}

#[test]
fn past_the_deepest_level_a_path_takes_what_its_last_segment_takes() {
    let deep = |n: usize, inner: &str| format!("{}{inner}{}", "{\"d\":[".repeat(n), "]}".repeat(n));
    for n in [
        2,
        limits::PATH_DEPTH / 2 - 1,
        limits::PATH_DEPTH / 2,
        limits::PATH_DEPTH,
        10_000,
    ] {
        let text = deep(n, r#"{"k":"x","l":"y"}"#);
        let out = pushed(&engine(&["$..k", "$.k", "$.x.k"]), JSON, &[text.as_bytes()]);
        assert_eq!(out, deep(n, r#"{"k":"[GONE]","l":"y"}"#), "{n}");
    }
    // Names are none of an object's items.
    for n in [limits::PATH_DEPTH / 4, limits::PATH_DEPTH / 2 + 6] {
        let text = deep(n, r#"{"k":"x","l":"y"}"#);
        let out = pushed(&engine(&["$..*"]), BodyKind::default(), &[text.as_bytes()]);
        assert_eq!(out, deep(n, r#"{"k":"[GONE]","l":"[GONE]"}"#), "{n}");
    }
    // What comes behind it is known again.
    let text = format!(r#"{{"a":{},"k":"x"}}"#, deep(10_000, "1"));
    let out = pushed(&engine(&["$.k"]), JSON, &[text.as_bytes()]);
    assert_eq!(out, text.replace(r#""x""#, r#""[GONE]""#));
}

fn value() -> impl Strategy<Value = serde_json::Value> {
    let name = || prop::sample::select(vec!["a", "b", "k", "ü"]);
    let leaf = prop_oneof![
        Just(json!(null)),
        Just(json!(7)),
        Just(json!("x,\"]}\\")),
        Just(json!(true)),
    ];
    leaf.prop_recursive(5, 40, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
            prop::collection::vec((name(), inner), 0..4).prop_map(|all| all
                .into_iter()
                .map(|(k, v)| (k.to_owned(), v))
                .collect::<serde_json::Map<_, _>>()
                .into()),
        ]
    })
}

#[derive(Clone, Debug)]
enum Step {
    Name(&'static str),
    Index(usize),
    Any,
}

/// The values that a path selects, by the definition of RFC 9535, replaced; nothing is selected inside what was.
fn selected(tree: &mut serde_json::Value, path: &[(bool, Step)]) {
    use serde_json::Value;
    fn places(tree: &Value, path: &[(bool, Step)], here: &mut Vec<String>, all: &mut Vec<Vec<String>>) {
        let Some(((descendant, step), rest)) = path.split_first() else {
            all.push(here.clone());
            return;
        };
        let children: Vec<(String, &Value)> = match tree {
            Value::Object(o) => o.iter().map(|(k, v)| (k.clone(), v)).collect(),
            Value::Array(a) => a.iter().enumerate().map(|(i, v)| (i.to_string(), v)).collect(),
            _ => Vec::new(),
        };
        for (key, child) in children {
            here.push(key.clone());
            let takes = match step {
                Step::Any => true,
                Step::Name(name) => tree.is_object() && key == *name,
                Step::Index(i) => tree.is_array() && key == i.to_string(),
            };
            if takes {
                places(child, rest, here, all);
            }
            if *descendant {
                places(child, path, here, all);
            }
            here.pop();
        }
    }
    let mut all = Vec::new();
    places(tree, path, &mut Vec::new(), &mut all);
    all.sort_by_key(Vec::len);
    for place in all {
        let at = place.iter().try_fold(&mut *tree, |at, key| match at {
            Value::Object(o) => o.get_mut(key),
            Value::Array(a) => a.get_mut(key.parse::<usize>().unwrap()),
            _ => None,
        });
        if let Some(at) = at.filter(|at| !at.is_null()) {
            *at = json!("[GONE]");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Against the definition: any path of three segments over any tree, and in pieces.
    #[test]
    fn what_goes_is_what_the_rfc_selects(
        tree in value(),
        path in prop::collection::vec((any::<bool>(), prop_oneof![
            prop::sample::select(vec!["a", "k", "ü"]).prop_map(Step::Name),
            (0..3usize).prop_map(Step::Index),
            Just(Step::Any),
        ]), 1..4),
        pretty in any::<bool>(),
        size in 1..40usize,
    ) {
        let written: String = path.iter().map(|(d, s)| {
            let dots = if *d { ".." } else { "" };
            match s {
                Step::Name(n) => format!("{dots}['{n}']"),
                Step::Index(i) => format!("{dots}[{i}]"),
                Step::Any => format!("{dots}[*]"),
            }
        }).collect();
        let text = if pretty { serde_json::to_string_pretty(&tree).unwrap() } else { tree.to_string() };
        let engine = engine(&[&format!("${written}")]);
        let chunks: Vec<&[u8]> = text.as_bytes().chunks(size).collect();
        let out = pushed(&engine, JSON, &chunks);
        prop_assert_eq!(&out, &pushed(&engine, JSON, &[text.as_bytes()]));
        let mut expected = tree;
        selected(&mut expected, &path);
        prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&out).unwrap(), expected, "${} on {}", written, text);
    }
}

#[test]
fn all_paths_together_have_a_bound() {
    let fields: Vec<_> = (0..30)
        .map(|i| json!({"path": format!("${}", format!(".a{i}").repeat(10))}))
        .collect();
    let e = Engine::new(json!({"fields": fields}).to_string().as_bytes())
        .unwrap_err()
        .to_string();
    assert!(
        e.starts_with("fields[25].path: all paths together have more than 256 segments"),
        "{e}"
    );
}
