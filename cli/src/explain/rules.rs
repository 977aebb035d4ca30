//! The rules that hold on a route, each with the place in the policy where it stands.
//!
//! What a route leaves out comes from the defaults; what it says replaces them, some objects key by key (docs/POLICY.md). Why
//! not read them back from the engine: it no longer knows which of the two said it, and a reviewer wants to know.

use serde::Serialize;
use serde_json::Value;

/// One setting.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Rule {
    /// `response.action`
    pub key: String,
    /// As written, shortened; without values.
    pub value: String,
    /// `routes[1]`, `defaults` or `built in`.
    pub from: String,
}

/// Objects that a route replaces key by key.
const BY_KEY: [&str; 5] = ["detectors", "response", "request", "on_uninspectable", "limits"];

/// What is no rule of a response, or stands nowhere but in a route.
const NOT_HERE: [&str; 5] = ["version", "routes", "name", "match", "bypass"];

/// What holds if nobody says anything.
const BUILT_IN: [(&str, &str); 9] = [
    ("mode", "enforce"),
    ("detectors.packs", "[\"secrets\"]"),
    ("response.scan", "headers, body, trailers"),
    ("response.action", "label"),
    ("response.decode", "percent, html, base64, utf16"),
    ("fields", "none"),
    ("allow", "none"),
    ("errors", "none"),
    ("deny", "none"),
];

/// Lists and objects of which a route's own leaves nothing of the defaults'.
const WHOLE: [&str; 4] = ["fields", "allow", "errors", "deny"];

/// Characters of a value that are shown.
const SHOWN: usize = 100;

/// The rules on this route, or on none.
pub fn of(policy: &Value, route: Option<usize>) -> Vec<Rule> {
    let mut rules: Vec<Rule> = BUILT_IN
        .iter()
        .map(|(key, value)| Rule {
            key: (*key).to_owned(),
            value: (*value).to_owned(),
            from: "built in".to_owned(),
        })
        .collect();
    put(&mut rules, policy, "defaults");
    if let Some(i) = route
        && let Some(own) = policy.get("routes").and_then(|routes| routes.get(i))
    {
        put(&mut rules, own, &format!("routes[{i}]"));
    }
    rules
}

/// Packs from the command line, in place of the defaults'.
pub fn put_packs(rules: &mut [Rule], packs: &[String]) {
    let is = |rule: &&mut Rule| rule.key == "detectors.packs" && !rule.from.starts_with("routes");
    if let Some(rule) = rules.iter_mut().find(is) {
        rule.value = Value::from(packs.to_vec()).to_string();
        rule.from = "--packs".to_owned();
    }
}

fn put(rules: &mut Vec<Rule>, from: &Value, place: &str) {
    for (key, value) in from.as_object().into_iter().flatten() {
        if NOT_HERE.contains(&key.as_str()) || value.is_null() {
            continue;
        }
        match value.as_object().filter(|_| BY_KEY.contains(&key.as_str())) {
            Some(object) => {
                for (below, value) in object.iter().filter(|(_, value)| !value.is_null()) {
                    set(rules, format!("{key}.{below}"), value, place);
                }
            }
            None => set(rules, key.clone(), value, place),
        }
    }
}

fn set(rules: &mut Vec<Rule>, key: String, value: &Value, place: &str) {
    let rule = Rule {
        value: shown(&key, value),
        from: place.to_owned(),
        key,
    };
    match rules.iter_mut().find(|known| known.key == rule.key) {
        Some(known) => {
            let replaces = known.from == "defaults" && known.value != "none" && WHOLE.contains(&known.key.as_str());
            *known = rule;
            if replaces {
                known.from.push_str(", in place of all of the defaults'");
            }
        }
        None => rules.push(rule),
    }
}

/// A value as it may be shown: what a policy lets stay, and its own patterns and examples, are only counted or named.
fn shown(key: &str, value: &Value) -> String {
    let all = value.as_array().map(Vec::as_slice).unwrap_or_default();
    let text = match key {
        "allow" => return format!("{} entries", all.len()),
        "detectors.custom" => {
            let ids: Vec<&str> = all.iter().filter_map(|d| d.get("id")?.as_str()).collect();
            ids.join(", ")
        }
        "known_secrets" => return "set".to_owned(),
        _ => without_bodies(value).to_string(),
    };
    let text: String = text.chars().map(|c| if c.is_control() { '?' } else { c }).collect();
    if text.chars().count() <= SHOWN {
        return text;
    }
    text.chars().take(SHOWN - 1).chain(['…']).collect()
}

/// The same without texts that go to clients.
fn without_bodies(value: &Value) -> Value {
    match value {
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| {
                let value = match value {
                    Value::String(text) if key == "body" => format!("({} bytes)", text.len()).into(),
                    value => without_bodies(value),
                };
                (key.clone(), value)
            })
            .collect(),
        Value::Array(list) => list.iter().map(without_bodies).collect(),
        value => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::of;
    use serde_json::json;

    #[test]
    fn a_route_goes_before_the_defaults_and_no_value_is_shown() {
        let policy = json!({
            "mode": "report",
            "allow": [{"value": "not-to-be-seen"}],
            "response": {"action": {"block": {"body": "not-to-be-seen"}}, "scan": ["body"]},
            "routes": [{"name": "a", "match": {}, "mode": "enforce", "response": {"action": "mask"}}],
        });
        let rules = |route| -> Vec<String> {
            let all = of(&policy, route);
            assert!(!format!("{all:?}").contains("not-to-be-seen"));
            all.into_iter()
                .map(|r| format!("{}={} {}", r.key, r.value, r.from))
                .collect()
        };
        let (defaults, route) = (rules(None), rules(Some(0)));
        assert!(
            defaults.contains(&"mode=\"report\" defaults".to_owned()),
            "{defaults:?}"
        );
        assert!(route.contains(&"mode=\"enforce\" routes[0]".to_owned()), "{route:?}");
        assert!(
            route.contains(&"response.action=\"mask\" routes[0]".to_owned()),
            "{route:?}"
        );
        assert!(
            route.contains(&"response.scan=[\"body\"] defaults".to_owned()),
            "{route:?}"
        );
        assert!(route.contains(&"allow=1 entries defaults".to_owned()), "{route:?}");
        assert!(route.contains(&"errors=none built in".to_owned()), "{route:?}");
    }
}
