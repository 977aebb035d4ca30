//! A secret that somebody pasted into a policy, as a key or as a value: no error tells it, not even a part of it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{PLAIN, engine};
use keepmum_engine::{Engine, catalogue};
use serde_json::{Map, Value, json};

/// What pasted secrets look like.
fn planted() -> Vec<String> {
    vec![
        ["ghp", "_", "q8W7e6R5t4Y3u2I1o0P9a8S7d6F5g4H3j2K1"].concat(),
        ["AKIA", "Q8W7E6R5T4Y3U2I1"].concat(),
        ["kz7Gv", "Qm2", "xW9t"].concat(),
        ["postgres", "://shop:qW7zKx94vB@db.shop.test:5432/a"].concat(),
    ]
}

fn told(policy: &[u8]) -> String {
    Engine::new(policy).err().map(|e| e.to_string()).unwrap_or_default()
}

/// Whether any eight characters of it are there.
fn tells(text: &str, secret: &str) -> bool {
    // What stands before the colon of a URL is the name of a protocol.
    let secret = secret.strip_prefix("postgres://shop:").unwrap_or(secret);
    let pieces = secret.as_bytes().windows(8);
    pieces.into_iter().any(|p| text.as_bytes().windows(8).any(|t| t == p))
}

/// The tree with `change` made at the nth object of it; `None`: it has not so many.
fn changed(tree: &Value, n: usize, change: &dyn Fn(&mut Map<String, Value>)) -> Option<Value> {
    fn walk(at: &mut Value, left: &mut usize, change: &dyn Fn(&mut Map<String, Value>)) -> bool {
        match at {
            Value::Object(map) => {
                if *left == 0 {
                    change(map);
                    return true;
                }
                *left -= 1;
                map.values_mut().any(|v| walk(v, left, change))
            }
            Value::Array(items) => items.iter_mut().any(|v| walk(v, left, change)),
            _ => false,
        }
    }
    let (mut tree, mut left) = (tree.clone(), n);
    walk(&mut tree, &mut left, change).then_some(tree)
}

fn whole() -> Value {
    serde_json::from_str(include_str!("common/whole_policy.json")).unwrap()
}

#[test]
fn a_secret_for_a_key_is_told_nowhere() {
    let whole = whole();
    for (i, secret) in planted().into_iter().enumerate() {
        let below = [
            json!({secret.as_str(): {secret.as_str(): []}}),
            json!([{secret.as_str(): 1}]),
            json!(1),
        ];
        let mut objects = 0;
        // All of them for the first: what stands below a key makes no difference to how the key reads.
        for value in below.iter().skip(i.min(2)) {
            let add = |map: &mut Map<String, Value>| {
                map.insert(secret.clone(), value.clone());
            };
            let policies = (0..).map_while(|n| changed(&whole, n, &add));
            for policy in policies {
                objects += 1;
                let told = told(policy.to_string().as_bytes());
                assert!(!told.is_empty() && !tells(&told, &secret), "object {objects}");
            }
        }
        // Every key renamed at once: each is told, with its own path.
        let rename = |map: &mut Map<String, Value>| {
            let all = std::mem::take(map).into_iter();
            map.extend(all.map(|(k, v)| (format!("{k}{secret}"), v)));
        };
        for policy in (0..).map_while(|n| changed(&whole, n, &rename)) {
            let told = told(policy.to_string().as_bytes());
            assert!(!tells(&told, &secret), "{}", told.replace(&secret, "…"));
        }
        assert!(objects > 30, "{objects}");
        for text in [
            format!("{{\"{secret}\": 1, \"{secret}\": 2}}"),
            format!("'{secret}': 1\n'{secret}': 2\n"),
            format!("a: {{'{secret}': {{b: 1, b: 2}}}}\n"),
            format!("{secret}\n"),
            format!("? [{secret}]\n: 1\n"),
            format!("a: *{secret}\n"),
            format!("a: !{secret} [\n"),
            format!("{{\"a\": {secret}}}"),
        ] {
            let told = told(text.as_bytes());
            assert!(
                !told.is_empty() && !tells(&told, &secret),
                "{}",
                told.replace(&secret, "…")
            );
        }
    }
}

#[test]
fn a_secret_for_a_value_is_told_nowhere() {
    fn texts(at: &Value, path: &str, all: &mut Vec<String>) {
        match at {
            Value::Object(map) => {
                for (k, v) in map {
                    texts(v, &format!("{path}/{k}"), all);
                }
            }
            Value::Array(items) => {
                for (i, v) in items.iter().enumerate() {
                    texts(v, &format!("{path}/{i}"), all);
                }
            }
            _ => all.push(path.to_owned()),
        }
    }
    let whole = whole();
    let mut all = Vec::new();
    texts(&whole, "", &mut all);
    assert!(all.len() > 80);
    for secret in planted().into_iter().skip(2).take(1) {
        for path in &all {
            let mut policy = whole.clone();
            *policy.pointer_mut(path).unwrap() = json!(secret);
            assert!(!tells(&told(policy.to_string().as_bytes()), &secret), "{path}");
        }
        // A name that others clash with.
        let route = |name: &str| json!({"name": name, "match": {"methods": ["GET"]}});
        let policy = json!({"routes": [route(&secret), route(&secret), route(&format!("{secret}.")), route(&format!("{secret} "))]});
        assert!(!tells(&told(policy.to_string().as_bytes()), &secret));
    }
}

/// What any detector would find in a response, it would find in a message too: there is nothing to be found.
#[test]
fn no_example_of_a_detector_is_told_when_it_is_a_key() {
    let all = engine(r#"{"detectors":{"packs":["secrets","tokens","generic","pii"]}}"#);
    for x in catalogue::EXAMPLES {
        for text in x.matches {
            let told = told(json!({*text: 1, "allow": [{*text: 1}]}).to_string().as_bytes());
            let found = common::whole(&all, PLAIN, told.as_bytes()).found;
            assert!(found.is_empty(), "{}: {found:?}", x.id);
        }
    }
}
