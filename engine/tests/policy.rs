//! The policy as a document: every mistake at once and where it stands, the schema, and what a broken one may do to us.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use keepmum_engine::{Engine, limits, policy_schema};
use proptest::prelude::*;
use serde_json::{Value, json};

fn told(policy: &[u8]) -> Vec<String> {
    match Engine::new(policy) {
        Ok(_) => Vec::new(),
        Err(e) => e.mistakes().iter().map(ToString::to_string).collect(),
    }
}

/// A policy with everything in it.
fn whole() -> Value {
    serde_json::from_str(include_str!("common/whole_policy.json")).unwrap()
}

#[test]
fn a_policy_with_everything_in_it_is_taken() {
    assert_eq!(told(whole().to_string().as_bytes()), Vec::<String>::new());
}

#[test]
fn every_mistake_is_told_at_once_and_where_it_stands() {
    let yaml = "
mdoe: report
mode: reprot
version: 2
detectors:
  packs: [secrets, tokns]
  disable: [npm-tokn]
  custom:
    - {id: Acme, pattern: '[a-z]{32}', keywords: [ab], min_entropy: 9, validators: [lune]}
    - {id: acme, pattern: 'acme_x', examples: [other-hunter2, acme_x, other-hunter2]}
    - {id: acme, pattern: 'acme_y', pattren: 1}
fields:
  - {names: [password, 3, PASSWORD]}
  - {path: '$.a[-1]'}
  - hunter2
allow: [{value: 12345678}, {}]
response: {scan: [headers, footers], decode: percent}
request: {scan: [heders]}
errors: {status: [9xx, 200, 5xx], replace: htlm, code: $..code, title: '', texts: [{}], headers: {drop: ['a b']}}
deny: {paths: [api], status: 200}
on_uninspectable: {encoding: strip, too_large: block, upgrade: drop}
limits: {decompression_ratio: 64KiB}
revision: 0
audit: {sample: 2, rate: 0.5, response_header: content-length}
routes:
  - {name: a, match: {}}
  - {name: a, match: {hosts: ['a b'], methods: [get], statuses: [200]}, fields: [{names: []}]}
  - {match: {paths: [/a**]}, bypass: true, deny: {paths: [/x]}}
  - {name: a.b, match: {methods: [GET]}}
  - {name: a b, match: {methods: [GET]}}
  - {name: other, match: {methods: [GET]}}
";
    let expected = [
        "mdoe: no such key; did you mean `mode`? accepted are version, revision, mode, detectors,",
        "mode: no such word; did you mean `report`? expected one of enforce, report",
        "version: a number stands here; expected the number 1",
        "detectors.packs[1]: no such pack; did you mean `tokens`? accepted are secrets,",
        "detectors.disable[0]: no detector has this id; did you mean `npm-token`?",
        "detectors.custom[0].id: expected kebab-case",
        "detectors.custom[0].pattern: ",
        "detectors.custom[0].keywords[0]: expected 3 to 32 bytes",
        "detectors.custom[0].min_entropy: a number stands here; expected a number, 0 to 8",
        "detectors.custom[0].validators[0]: ",
        "detectors.custom[1].examples[0]: the pattern does not find it",
        "detectors.custom[1].examples[2]: the pattern does not find it",
        "detectors.custom[2].id: another detector has this id",
        "detectors.custom[2].pattren: no such key; did you mean `pattern`?",
        "fields[0].names[1]: a number stands here; expected text",
        "fields[0].names[2]: this name comes twice",
        "fields[1].path: at character 5: an index from the end",
        "fields[2]: text stands here; expected an object with some of the keys names, path, action",
        "allow[0].value: a number stands here; expected text",
        "allow[1].value: missing",
        "response.scan[1]: no such word; expected one of headers, body, trailers",
        "response.decode: text stands here; expected a list",
        "request.scan[0]: no such word; did you mean `headers`? expected one of headers, path, query, cookies, body, trailers",
        "errors.status[0]: text stands here; expected a status such as 503, or a class: 4xx or 5xx",
        "errors.status[1]: a number stands here; expected a status",
        "errors.replace: no such word; did you mean `html`? expected one of auto, problem+json, html, text",
        "errors.code: one value is meant",
        "errors.title: expected a line of text of 1 to 128 bytes",
        "errors.texts[0].status: it names none",
        "errors.headers.drop[0]: expected a header's name",
        "deny.paths[0]: expected a path that begins with `/`",
        "deny.status: a number stands here; expected a whole number, 400 to 599",
        "on_uninspectable.encoding: no such word; expected one of pass, block, drop",
        "on_uninspectable.upgrade: without its bytes it is no such message; expected pass or block",
        "limits.decompression_ratio: text stands here; expected a whole number, 2 to 100000",
        "on_uninspectable.too_large: no body is too large without limits.body_bytes",
        "revision: a number stands here; expected a whole number, 1 to",
        "audit.sample: a number stands here; expected a number, 0 to 1",
        "audit.rate: a number stands here; expected a whole number, 1 to 1000000",
        "audit.response_header: expected a name of 64 letters",
        "routes[4].name: in metrics it is a_b, and so is routes[3]; expected a name",
        "routes[5].name: in metrics it is other, and so is what",
        "routes[0].match: it asks for nothing",
        "routes[1].name: another route has this name",
        "routes[1].match.hosts[0]: expected a host",
        "routes[1].match.methods[0]: expected a method in capitals",
        "routes[1].match.statuses: no such key; did you mean `status`?",
        "routes[1].fields[0]: expected `names`, at least one, or a `path`",
        "routes[2].name: missing",
        "routes[2].match.paths[0]: `**` stands for whole segments",
    ];
    let told = told(yaml.as_bytes());
    for part in expected {
        assert!(
            told.iter().any(|t| t.starts_with(part)),
            "{part}\nis not in\n{}",
            told.join("\n")
        );
    }
    assert_eq!(told.len(), expected.len(), "{}", told.join("\n"));
    let all = told.join("\n");
    assert!(!all.contains("hunter2") && !all.contains("12345678"), "{all}");
}

#[test]
fn a_line_is_a_mistake() {
    let e = Engine::new(b"{\"mode\":\"loud\",\"a\\nb\":1}").unwrap_err();
    assert_eq!(e.to_string().lines().count(), 2, "{e}");
    let many: serde_json::Map<String, Value> = (0..10_000).map(|i| (format!("k{i}"), json!(1))).collect();
    let e = Engine::new(Value::Object(many).to_string().as_bytes()).unwrap_err();
    assert_eq!(e.mistakes().len(), limits::POLICY_ERRORS + 1);
    assert!(e.to_string().ends_with("9950 more mistakes; these come first"), "{e}");
}

#[test]
fn a_policy_has_one_number_however_it_is_written() {
    let version = |text: &str| Engine::new(text.as_bytes()).unwrap().version();
    let yaml = version("# a comment\nmode: report\nroutes: [{name: a, match: {status: [404]}}]\n");
    let json = r#"{"routes":[{"match":{"status":[404]},"name":"a"}], "mode":"report"}"#;
    assert_eq!(yaml, version(json));
    let others = [
        "{}",
        "mode: report",
        "mode: enforce",
        "fields: [{names: [ab]}]",
        "fields: [{names: [a, b]}]",
    ];
    let all: std::collections::BTreeSet<u64> = others.into_iter().map(version).chain([yaml]).collect();
    assert_eq!(all.len(), others.len() + 1, "each says something else");
    assert!(all.iter().all(|v| *v <= u64::from(u32::MAX)));
    assert_eq!(version("revision: 7\nmode: report"), 7);
}

/// Bless with `KEEPMUM_BLESS=1`.
#[test]
fn the_schema_in_the_documents_is_the_types_own() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/policy.schema.json");
    if std::env::var_os("KEEPMUM_BLESS").is_some() {
        std::fs::write(path, policy_schema()).unwrap();
    }
    let checked_in = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        checked_in == policy_schema(),
        "docs/policy.schema.json is stale: KEEPMUM_BLESS=1 cargo test -p keepmum-engine --test policy"
    );
}

/// Every place in a tree, as steps.
fn places(tree: &Value, here: &mut Vec<String>, all: &mut Vec<Vec<String>>) {
    all.push(here.clone());
    let children: Vec<(String, &Value)> = match tree {
        Value::Object(o) => o.iter().map(|(k, v)| (k.clone(), v)).collect(),
        Value::Array(a) => a.iter().enumerate().map(|(i, v)| (i.to_string(), v)).collect(),
        _ => Vec::new(),
    };
    for (step, child) in children {
        here.push(step);
        places(child, here, all);
        here.pop();
    }
}

fn at<'v>(tree: &'v mut Value, steps: &[String]) -> &'v mut Value {
    steps.iter().fold(tree, |at, step| match at {
        Value::Array(a) => &mut a[step.parse::<usize>().unwrap()],
        other => &mut other[step.as_str()],
    })
}

/// The place as a message would write it.
fn written(steps: &[String]) -> String {
    steps
        .iter()
        .fold(String::new(), |at, step| match step.parse::<usize>() {
            Ok(i) => format!("{at}[{i}]"),
            Err(_) if at.is_empty() => step.clone(),
            Err(_) => format!("{at}.{step}"),
        })
}

fn of_no_use() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        Just(json!([[]])),
        Just(json!({"": {}})),
        Just(json!(-1)),
        Just(json!(1e300)),
        Just(json!("\u{0}hunter2\n")),
        Just(json!([{"hunter2": 1}])),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// Something else anywhere in a valid policy: an error that names the place, or what it stands in, and not what was there.
    #[test]
    fn a_wrong_value_anywhere_is_told_where_it_stands(pick in any::<prop::sample::Index>(), value in of_no_use()) {
        let mut tree = whole();
        let mut all = Vec::new();
        places(&tree, &mut Vec::new(), &mut all);
        let steps = &all[pick.index(all.len() - 1) + 1];
        *at(&mut tree, steps) = value;
        let told = told(tree.to_string().as_bytes());
        let place = written(steps);
        let names = |t: &String| {
            let path = t.split(": ").next().unwrap_or_default();
            path.starts_with(&place) || place.starts_with(path) || path.starts_with(place.split(['.', '[']).next().unwrap_or_default())
        };
        // Text is text: some places take any.
        let any_text = ["allow[2].pattern", ".value", ".namespace", ".key", "near_misses[0]", ".names[0]", ".names[1]"].iter().any(|p| place.ends_with(p));
        prop_assert!(any_text || told.iter().any(names), "{place}: {told:?}");
        prop_assert!(told.iter().all(|t| !t.contains('\n') && t.len() < 1_000), "{told:?}");
    }

    /// Bytes of any kind, and policies with bytes broken: an answer, and no panic.
    #[test]
    fn broken_bytes_get_an_answer(at in any::<prop::sample::Index>(), cut in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut text = whole().to_string().into_bytes();
        let i = at.index(text.len());
        text[i] = byte;
        let _ = Engine::new(&text);
        text.truncate(cut.index(text.len()));
        let _ = Engine::new(&text);
        text.insert(0, b'\n');
        let _ = Engine::new(&text);
    }
}

#[test]
fn a_policy_of_five_megabytes_is_told_what_is_wrong_with_it() {
    let names: Vec<String> = (0..150_000).map(|i| format!("field-{i}-{}", "x".repeat(12))).collect();
    let fits = json!({"fields": [{"names": names}]}).to_string();
    assert!(fits.len() < limits::POLICY_BYTES);
    assert_eq!(told(fits.as_bytes()), Vec::<String>::new());
    let routes: Vec<Value> = (0..20_000)
        .map(|i| json!({"name": i, "match": {"paths": ["x".repeat(100)]}}))
        .collect();
    let wrong = json!({"routes": routes}).to_string();
    let lines = told(wrong.as_bytes());
    assert!(
        lines.iter().any(|l| l.starts_with("routes[0].name: a number")),
        "{:?}",
        lines.first()
    );
    let large = " ".repeat(limits::POLICY_BYTES + 1);
    assert!(told(large.as_bytes())[0].starts_with(".: 5242881 bytes"));
    let deep = format!("a: {}", "{a: ".repeat(200_000));
    assert_eq!(told(deep.as_bytes()).len(), 1);
}

#[test]
fn long_lists_take_time_in_proportion() {
    let list = |n: usize, item: &dyn Fn(usize) -> String| (0..n).map(item).collect::<Vec<_>>().join(",");
    let one = |what: &str, items: String| format!(r#"{{"routes":[{{"name":"a","match":{{"{what}":[{items}]}}}}]}}"#);
    let policies = [
        one("hosts", list(100_000, &|i| format!(r#""h{i}.example.com""#))),
        one("hosts", list(100_000, &|i| format!(r#""*.h{i}.example.com""#))),
        one("paths", list(100_000, &|i| format!(r#""/h{i}/**""#))),
        format!(
            r#"{{"detectors":{{"actions":{{{}}}}}}}"#,
            list(100_000, &|i| format!(r#""none-{i}":"remove""#))
        ),
    ];
    for policy in policies {
        let begun = std::time::Instant::now();
        let _ = Engine::new(policy.as_bytes());
        // Seconds in a build for tests; what goes up with the square takes minutes.
        assert!(
            begun.elapsed().as_secs() < 20,
            "{}",
            policy.get(..60).unwrap_or_default()
        );
    }
}

#[test]
fn yaml_and_json_are_the_same_policy() {
    let yaml = "# for tests\nmode: report\ndetectors:\n  packs: [secrets]\n";
    assert!(!Engine::new(yaml.as_bytes()).unwrap().enforces());
    for duplicate in [
        "mode: report\nmode: enforce\n",
        "{\"mode\":\"report\",\"mode\":\"enforce\"}",
    ] {
        assert_eq!(
            told(duplicate.as_bytes()),
            ["mode: this key comes twice; leave one of them"]
        );
    }
}

#[test]
fn an_action_for_a_detector_that_finds_nothing_is_refused() {
    let on = "detectors: {actions: {json-web-token: mask}}";
    let off = "detectors.actions.json-web-token: its pack tokens is off";
    for (policy, why) in [
        (on.to_owned(), Some(off)),
        (
            "detectors: {packs: [tokens], actions: {json-web-token: mask}}".into(),
            None,
        ),
        (
            "detectors: {packs: [tokens], disable: [json-web-token], actions: {json-web-token: mask}}".into(),
            Some("detectors.actions.json-web-token: it is disabled"),
        ),
        // A route arms it, and inherits the action.
        (
            format!("{on}\nroutes: [{{name: a, match: {{paths: [/a]}}, detectors: {{packs: [tokens]}}}}]"),
            None,
        ),
        (
            format!(
                "{on}\nroutes: [{{name: a, match: {{paths: [/a]}}, detectors: {{packs: [tokens], actions: {{}}}}}}]"
            ),
            Some(off),
        ),
        (
            "routes: [{name: a, match: {paths: [/a]}, detectors: {actions: {json-web-token: mask}}}]".into(),
            Some("routes[0].detectors.actions.json-web-token: its pack tokens is off"),
        ),
        // What looks at errors.
        (
            "detectors: {actions: {java-stack-trace: mask}}\nerrors: {status: [5xx], scrub: true}".into(),
            None,
        ),
        (
            "detectors: {actions: {java-stack-trace: mask}}".into(),
            Some("detectors.actions.java-stack-trace: its pack error-leaks is off"),
        ),
        (
            "detectors: {disable: [own], custom: [{id: own, pattern: acme_x}], actions: {own: mask}}".into(),
            Some("detectors.actions.own: it is disabled"),
        ),
    ] {
        let told = told(policy.as_bytes());
        match why {
            None => assert_eq!(told, Vec::<String>::new(), "{policy}"),
            Some(why) => assert!(told.len() == 1 && told[0].starts_with(why), "{policy}: {told:?}"),
        }
    }
    assert!(Engine::with_packs(on.as_bytes(), &["pii".to_owned()], &|_| None).is_ok());
}

#[test]
fn requests_are_decoded_as_they_say_and_else_as_responses() {
    let custom = r#""detectors":{"custom":[{"id":"acme","pattern":"acme_key=[a-zA-Z]{8,20}"}]}"#;
    let (plain, encoded) = ("acme_key=FAKEfakeFAKE", "acme_key%3DFAKEfakeFAKE");
    for (rest, response, request) in [
        ("", true, true),
        (r#","response":{"decode":[]}"#, false, false),
        (r#","request":{"scan":["body"],"decode":[]}"#, true, false),
        (
            r#","response":{"decode":[]},"request":{"scan":["body"],"decode":["percent"]}"#,
            false,
            true,
        ),
    ] {
        let scan = if rest.contains("request") {
            ""
        } else {
            r#","request":{"scan":["body"]}"#
        };
        let engine = Engine::new(format!("{{{custom}{rest}{scan}}}").as_bytes()).unwrap();
        for (engine, decodes) in [(&engine, response), (&**engine.of_requests().unwrap(), request)] {
            for (text, found) in [(plain, true), (encoded, decodes)] {
                let (mut work, mut exchange) = (
                    keepmum_engine::Workspace::default(),
                    keepmum_engine::Exchange::default(),
                );
                let out = exchange.value(engine, &mut work, text.as_bytes());
                assert_eq!(out.is_some(), found, "{text} under {rest}");
            }
        }
    }
    // On a route too, and what the route leaves out comes from the defaults.
    let routes = r#","request":{"scan":["body"],"decode":[]},"routes":[{"name":"a","match":{"paths":["/a"]},"request":{"decode":["percent"]}}]"#;
    assert_eq!(told(format!("{{{custom}{routes}}}").as_bytes()), Vec::<String>::new());
}

/// YAML takes what follows a colon without a space for a part of the key.
#[test]
fn a_value_pasted_into_a_key_is_not_told() {
    let pasted = "pasted-value-0001";
    for policy in [
        format!("allow: [{{value:{pasted}, place: response.body}}]"),
        format!("{{\"mode:{pasted}\": 1}}"),
    ] {
        let told = Engine::new(policy.as_bytes()).unwrap_err().to_string();
        assert!(!told.contains(pasted), "{told}");
        assert!(told.contains("no such key"), "{told}");
    }
}

#[test]
fn a_pattern_that_is_too_long_is_refused_unread() {
    for policy in [
        format!("{{\"allow\":[{{\"pattern\":\"{}\"}}]}}", "(".repeat(1_000_000)),
        format!(
            "{{\"detectors\":{{\"custom\":[{{\"id\":\"acme\",\"pattern\":\"acme_[{}]\"}}]}}}}",
            "a-z".repeat(300_000)
        ),
    ] {
        let told = Engine::new(policy.as_bytes()).unwrap_err().to_string();
        assert!(told.contains("are allowed"), "{told}");
        assert!(told.len() < 500, "{told}");
    }
}

#[test]
fn what_was_meant_is_said() {
    for (policy, part) in [
        ("errors: {status: [5XX], scrub: true}", "did you mean `5xx`?"),
        ("routes: [{name: a, match: {methods: [get]}}]", "did you mean `GET`?"),
        ("detectors: {disable: [jwt]}", "did you mean `json-web-token`?"),
        (
            "detectors: {packs: secrets}",
            "detectors.packs: text stands here; expected a list",
        ),
        ("allow: [{path: 'a.b'}]", "allow[0].path: "),
        (
            "detectors: {custom: [{id: a, pattern: 'acme_(?=x)[a-z]{3}'}]}",
            "look-around",
        ),
    ] {
        let told = told(policy.as_bytes());
        assert!(told.len() == 1 && told[0].contains(part), "{policy}: {told:?}");
    }
}
