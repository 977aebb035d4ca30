//! Routes: which one a request is on, what holds there, and what the choice costs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod common;

use std::time::{Duration, Instant};

use common::whole;
use keepmum_engine::{BodyKind, Engine, RequestFacts, ResponseFacts};
use serde_json::{Value, json};

type Pairs = [(Vec<u8>, Vec<u8>)];

fn facts<'a>(
    host: &'a str,
    path: &'a str,
    method: &'a str,
    headers: &'a Pairs,
    metadata: &'a dyn Fn(&str, &str) -> Option<Vec<u8>>,
) -> RequestFacts<'a> {
    RequestFacts {
        host: host.as_bytes(),
        path: path.as_bytes(),
        method: method.as_bytes(),
        headers,
        metadata,
    }
}

/// The name of the route for a GET that is answered with 200 and this content type.
fn route_of<'e>(engine: &'e Engine, host: &str, path: &str, response: (u16, &str)) -> &'e str {
    let routed = engine.route(&facts(host, path, "GET", &[], &|_, _| None));
    let response = ResponseFacts {
        status: response.0,
        content_type: response.1.as_bytes(),
    };
    routed.settle(engine, &response).map_or("default", |e| e.name())
}

fn compiled(policy: &Value) -> Engine {
    Engine::new(policy.to_string().as_bytes()).unwrap()
}

/// What a server behind the proxy may read otherwise is on no route that takes the guard away.
#[test]
fn a_path_that_had_to_be_resolved_is_not_bypassed() {
    let engine = compiled(&json!({"routes": [
        {"name": "static", "match": {"paths": ["/static/**"]}, "bypass": true},
        {"name": "guarded", "match": {"paths": ["/static/**"]}},
    ]}));
    for (path, name) in [
        ("/static/x", "static"),
        ("/static/%78?to=/../api//", "static"),
        ("/api/../static/x", "guarded"),
        ("/api//../static/x", "guarded"),
        ("//static/x", "guarded"),
        ("/static/./x", "guarded"),
        ("/static/%2e%2e/static/x", "guarded"),
    ] {
        assert_eq!(
            route_of(&engine, "a.example.com", path, (200, "text/plain")),
            name,
            "{path}"
        );
    }
}

/// An empty list in a template meant neither all nor nothing.
#[test]
fn an_empty_list_is_refused() {
    for key in [
        "hosts",
        "paths",
        "methods",
        "headers",
        "status",
        "content_types",
        "metadata",
    ] {
        let policy = json!({"routes": [{"name": "a", "match": {"paths": ["/x"], (key): []}}]});
        let text = Engine::new(policy.to_string().as_bytes()).unwrap_err().to_string();
        let field = format!("routes[0].match.{key}: ");
        assert!(
            text.contains(&field) && text.contains("one item or more"),
            "{key}: {text}"
        );
    }
}

#[test]
fn the_first_route_that_matches_counts() {
    let engine = compiled(&json!({"routes": [
        {"name": "errors", "match": {"paths": ["/api/**"], "status": ["5xx", 404]}},
        {"name": "pages", "match": {"content_types": ["text/*"], "hosts": ["www.example.com"]}},
        {"name": "users", "match": {"hosts": ["api.example.com", "*.api.example.com"], "paths": ["/users/*/keys", "/api/**"]}},
        {"name": "exact", "match": {"paths": ["/oauth/token"]}},
        {"name": "below", "match": {"hosts": ["*.example.com"]}},
        {"name": "dumps", "match": {"paths": ["/**/*.sql"]}},
    ]}));
    let json = (200, "application/json");
    for (host, path, response, name) in [
        ("api.example.com", "/api/x", json, "users"),
        ("api.example.com", "/api/x", (503, "text/html"), "errors"),
        ("API.example.com:443", "//%61pi?x=/users/1/keys", json, "users"),
        ("eu.api.example.com", "/users/7/keys", json, "users"),
        ("api.example.com", "/users/7/8/keys", json, "below"),
        ("example.com", "/users/7/keys", json, "default"),
        ("example.com", "/oauth/token", json, "exact"),
        ("example.com", "/oauth/token/", json, "default"),
        ("a.b.c.example.com", "/", json, "below"),
        ("badexample.com", "/", json, "default"),
        ("www.example.com", "/", (200, "text/html; charset=utf-8"), "pages"),
        ("www.example.com", "/", json, "below"),
        ("www.example.com", "/api", (404, ""), "errors"),
        ("other", "/backup/db.sql", json, "dumps"),
        ("other", "/db.sql?x", json, "dumps"),
        ("", "*", json, "default"),
    ] {
        assert_eq!(
            route_of(&engine, host, path, response),
            name,
            "{host} {path} {response:?}"
        );
    }
}

#[test]
fn methods_headers_and_metadata_are_asked_for() {
    let engine = compiled(&json!({"routes": [
        {"name": "post", "match": {"methods": ["POST", "PUT"]}},
        {"name": "team", "match": {"headers": [{"name": "X-Team", "value": "blue"}, {"name": "x-any"}]}},
        {"name": "strict", "match": {"metadata": [{"namespace": "keepmum", "key": "profile", "value": "strict"}]}},
        {"name": "flag", "match": {"metadata": [{"namespace": "keepmum", "key": "on", "value": true}]}},
    ]}));
    let name = |method: &str, headers: &[(&str, &str)], metadata: &dyn Fn(&str, &str) -> Option<Vec<u8>>| {
        let headers: Vec<_> = headers
            .iter()
            .map(|(n, v)| (n.as_bytes().to_vec(), v.as_bytes().to_vec()))
            .collect();
        let routed = engine.route(&facts("h", "/", method, &headers, metadata));
        routed.of_request(&engine).map_or("default", |e| e.name()).to_owned()
    };
    let none: &dyn Fn(&str, &str) -> Option<Vec<u8>> = &|_, _| None;
    assert_eq!(name("PUT", &[], none), "post");
    assert_eq!(
        name("GET", &[("x-team", "red"), ("x-team", "blue"), ("x-any", "")], none),
        "team"
    );
    assert_eq!(name("GET", &[("x-team", "blue")], none), "default");
    let strict: &dyn Fn(&str, &str) -> Option<Vec<u8>> =
        &|n, k| (n == "keepmum" && k == "profile").then(|| b"strict".to_vec());
    assert_eq!(name("GET", &[], strict), "strict");
    assert_eq!(name("GET", &[], &|_, k| (k == "on").then(|| vec![1])), "flag");
    assert_eq!(name("GET", &[], &|_, k| (k == "on").then(|| vec![0])), "default");
}

#[test]
fn what_a_route_leaves_out_comes_from_the_defaults() {
    let engine = compiled(&json!({
        "fields": [{"names": ["password"]}],
        "detectors": {"custom": [
            {"id": "acme", "pattern": "acme_(?<secret>[a-z0-9]{8})"},
            {"id": "zeta", "pattern": "zeta_(?<secret>[a-z0-9]{8})", "action": "remove"},
        ]},
        "response": {"action": "mask", "scan": ["body"]},
        "deny": {"paths": ["/.env"], "status": 410},
        "errors": {"status": ["5xx"], "replace": "problem+json"},
        "routes": [
            {"name": "label", "match": {"paths": ["/label"]}, "response": {"action": "label"}},
            {"name": "none", "match": {"paths": ["/none"]}, "detectors": {"disable": ["acme"]}, "fields": []},
            {"name": "actions", "match": {"paths": ["/actions"]}, "detectors": {"actions": {"acme": "remove", "zeta": "label"}}},
            {"name": "report", "match": {"paths": ["/report"]}, "mode": "report"},
            {"name": "open", "match": {"paths": ["/open/**"]}, "bypass": true},
        ]
    }));
    let text = br#"{"password":"abc","a":"acme_q1w2e3r4","z":"zeta_q1w2e3r4"}"#;
    let redacted = |path: &str| {
        let routed = engine.route(&facts("h", path, "GET", &[], &|_, _| None));
        let rules = routed.of_request(&engine).map_or(&engine, |e| e.as_ref());
        let kind = BodyKind {
            json: true,
            ..BodyKind::default()
        };
        String::from_utf8(whole(rules, kind, text).out).unwrap()
    };
    assert_eq!(redacted("/"), r#"{"password":"***","a":"acme_********","z":"zeta_*"}"#);
    assert_eq!(
        redacted("/label"),
        r#"{"password":"[REDACTED:field]","a":"acme_[REDACTED:acme]","z":"zeta_*"}"#
    );
    assert_eq!(
        redacted("/none"),
        r#"{"password":"abc","a":"acme_q1w2e3r4","z":"zeta_*"}"#
    );
    assert_eq!(
        redacted("/actions"),
        r#"{"password":"***","a":"acme_*","z":"zeta_[REDACTED:zeta]"}"#
    );
    assert_eq!(redacted("/report").as_bytes(), text);
    let of = |path: &str| {
        let routed = engine.route(&facts("h", path, "GET", &[], &|_, _| None));
        routed.of_request(&engine).cloned().unwrap()
    };
    let (label, open) = (of("/label"), of("/open/x"));
    assert!(!label.scans_headers() && label.scans_body() && !label.bypasses());
    assert_eq!(label.denies(b"/%2eenv?x").map(|d| d.status), Some(410));
    assert!(label.on_error(503).is_some());
    assert!(open.bypasses() && !open.scans_body() && open.on_error(503).is_none() && open.denies(b"/.env").is_none());
    for path in ["/open/..%2fapi", "/open/../api"] {
        let routed = engine.route(&facts("h", path, "GET", &[], &|_, _| None));
        assert!(routed.of_request(&engine).is_none(), "{path}");
    }
    assert_eq!((engine.name(), label.name()), ("default", "label"));
    assert_eq!(of("/none").ids().filter(|id| *id == "acme").count(), 0);
}

#[test]
fn tables_are_shared_by_routes_and_few() {
    let routes = |n: usize, differ: bool| -> Vec<Value> {
        let one = |i: usize| {
            let disable = if differ { json!([format!("own-{i}")]) } else { json!([]) };
            json!({"name": format!("r{i}"), "match": {"paths": [format!("/r{i}/**")]}, "detectors": {"disable": disable}})
        };
        (0..n).map(one).collect()
    };
    let custom = |n: usize| -> Vec<Value> {
        let one = |i: usize| json!({"id": format!("own-{i}"), "pattern": format!("own{i}_[a-z]{{8}}")});
        (0..n).map(one).collect()
    };
    compiled(&json!({"routes": routes(1_000, false)}));
    compiled(&json!({"detectors": {"custom": custom(31)}, "routes": routes(31, true)}));
    let policy = json!({"detectors": {"custom": custom(33)}, "routes": routes(33, true)}).to_string();
    let e = Engine::new(policy.as_bytes()).unwrap_err().to_string();
    assert!(
        e.starts_with("routes[31].detectors: with it there are more than 32 different sets")
            && e.contains("give routes the same `packs`"),
        "{e}"
    );
}

/// The fastest of several rounds, for one request.
fn cost(engine: &Engine, host: &str, path: &str) -> Duration {
    const TIMES: u32 = 2_000;
    let request = facts(host, path, "GET", &[], &|_, _| None);
    let round = || {
        let start = Instant::now();
        for _ in 0..TIMES {
            std::hint::black_box(std::hint::black_box(engine).route(std::hint::black_box(&request)));
        }
        start.elapsed() / TIMES
    };
    (0..20).map(|_| round()).min().unwrap()
}

fn many(n: usize) -> Engine {
    let kinds = |i: usize| match i % 4 {
        0 => json!({"hosts": [format!("h{i}.example.com")], "paths": ["/api/**"]}),
        1 => json!({"hosts": [format!("*.t{i}.example.com")], "methods": ["GET"]}),
        2 => json!({"paths": [format!("/api/v{i}/**"), format!("/v{i}/*/keys")]}),
        _ => json!({"hosts": ["*.example.com"], "paths": [format!("/shop/{i}/**/*.json")], "status": ["2xx"]}),
    };
    let routes: Vec<Value> = (0..n)
        .map(|i| json!({"name": format!("r{i}"), "match": kinds(i)}))
        .collect();
    compiled(&json!({"routes": routes}))
}

/// Ratios, since a busy machine takes any time; on an idle one 200 routes take less than a microsecond even in a build for tests.
#[test]
fn two_hundred_routes_cost_little_more_than_one() {
    let (one, all) = (many(1), many(200));
    for (host, path) in [
        ("h196.example.com", "/api/v5/things/7"),
        ("none.example.org", "/shop/199/a/b/c/d.json"),
        ("a.t197.example.com", "/"),
    ] {
        let (few, many) = (cost(&one, host, path), cost(&all, host, path));
        println!("{host}{path}: 1 route {few:?}, 200 routes {many:?}");
        assert!(
            many < few * 12 + Duration::from_nanos(200),
            "{host}{path}: {few:?} and {many:?}"
        );
    }
    // What a client can write takes no longer than its length.
    let (dots, slashes) = ("a.".repeat(4_000), "/a".repeat(4_000));
    let (long, half) = (
        cost(&all, &dots, &slashes),
        cost(&all, &dots[4_000..], &slashes[4_000..]),
    );
    assert!(
        long < half * 4 + Duration::from_micros(20),
        "{half:?} and twice as long {long:?}"
    );
}

/// A ratio, since a busy machine takes any time: the detectors are most of what a policy costs, and they are compiled once. What
/// it takes in wasm is asked in host-tests.
#[test]
fn two_hundred_routes_and_a_hundred_fields_compile_quickly() {
    let routes: Vec<Value> = (0..200)
        .map(|i| json!({"name": format!("r{i}"), "match": {"hosts": [format!("h{i}.example.com")], "paths": [format!("/a{i}/**")]}, "response": {"action": "mask"}}))
        .collect();
    let names: Vec<String> = (0..100).map(|i| format!("field{i}")).collect();
    let text = json!({"fields": [{"names": names}], "routes": routes}).to_string();
    let compile = |text: &str| {
        let round = || {
            let start = Instant::now();
            Engine::new(std::hint::black_box(text.as_bytes())).unwrap();
            start.elapsed()
        };
        (0..5).map(|_| round()).min().unwrap()
    };
    let (plain, all) = (compile("{}"), compile(&text));
    println!("without routes {plain:?}, with them {all:?}");
    assert!(all < plain * 2 + Duration::from_millis(20), "{plain:?}, {all:?}");
}

/// What is said against each route is what the choice goes by.
#[cfg(feature = "explain")]
#[test]
fn a_route_has_something_against_it_or_is_the_one() {
    let engine = compiled(&json!({"routes": [
        {"name": "errors", "match": {"paths": ["/api/**"], "status": ["5xx", 404]}},
        {"name": "pages", "match": {"content_types": ["text/*"], "hosts": ["www.example.com"]}},
        {"name": "open", "match": {"paths": ["/open/**"]}, "bypass": true},
        {"name": "users", "match": {"hosts": ["api.example.com", "*.api.example.com"], "paths": ["/users/*/keys"], "methods": ["GET"]}},
        {"name": "debug", "match": {"headers": [{"name": "x-debug", "value": "1"}, {"name": "x-any"}]}},
        {"name": "switched", "match": {"metadata": [{"namespace": "keepmum", "key": "profile", "value": "strict"}]}},
        {"name": "rest", "match": {"hosts": ["*"]}},
    ]}));
    let pair = |name: &str, value: &str| (name.as_bytes().to_vec(), value.as_bytes().to_vec());
    let headers = [
        vec![],
        vec![pair("x-debug", "1"), pair("X-Any", "")],
        vec![pair("x-debug", "2"), pair("x-any", "")],
    ];
    let metadata: [Option<&str>; 3] = [None, Some("strict"), Some("loose")];
    let mut seen = std::collections::BTreeSet::new();
    for host in ["www.example.com", "api.example.com:443", "EU.api.example.com", ""] {
        for path in ["/api/x", "/open/a", "/open/..%2fapi", "/users/7/keys?x", "/"] {
            for method in ["GET", "POST"] {
                for headers in &headers {
                    for value in metadata {
                        let get = |_: &str, _: &str| value.map(|v| v.as_bytes().to_vec());
                        let facts = facts(host, path, method, headers, &get);
                        for (status, content_type) in [(200, "text/html; charset=utf-8"), (503, "application/json")] {
                            let content_type = content_type.as_bytes();
                            let response = ResponseFacts { status, content_type };
                            let tried = engine.tried(&facts, Some(&response));
                            let routed = engine.route(&facts);
                            let name = routed.settle(&engine, &response).map_or("default", |e| e.name());
                            let (last, before) = tried.split_last().unwrap();
                            let told = if last.against.is_empty() {
                                last.name.as_str()
                            } else {
                                "default"
                            };
                            assert_eq!(told, name, "{host} {method} {path} {status}");
                            assert!(before.iter().all(|t| !t.against.is_empty()));
                            seen.insert(name.to_owned());
                        }
                    }
                }
            }
        }
    }
    assert_eq!(seen.len(), 7, "{seen:?}");
}

/// An earlier route, a later one, and whether the later one is never reached.
#[test]
#[cfg(feature = "explain")]
fn a_route_behind_one_that_takes_all_of_it_is_never_reached() {
    for (first, second, never) in [
        ("{paths: [/**]}", "{paths: [/api/**]}", true),
        ("{paths: [/api/**]}", "{paths: [/api/**]}", true),
        (
            "{paths: [/api/**]}",
            "{paths: [/api, /api/v1/*/x, '/api/**/*.js']}",
            true,
        ),
        ("{paths: [/api/**]}", "{paths: [/apix]}", false),
        ("{paths: [/api/**]}", "{paths: [/api/v1, /b]}", false),
        ("{paths: ['/a/*']}", "{paths: [/a/b]}", true),
        ("{paths: ['/a/*']}", "{paths: [/a/b/c]}", false),
        ("{paths: ['/a/*']}", "{paths: ['/a/*/c']}", false),
        ("{paths: [/api/**]}", "{methods: [GET]}", false),
        ("{hosts: ['*.example.com']}", "{hosts: [a.example.com]}", true),
        ("{hosts: ['*.example.com']}", "{hosts: ['*.b.example.com']}", true),
        ("{hosts: ['*.example.com']}", "{hosts: [example.com]}", false),
        ("{hosts: ['*']}", "{methods: [GET]}", true),
        (
            "{hosts: [a.example.com]}",
            "{hosts: [a.example.com, b.example.com]}",
            false,
        ),
        ("{methods: [GET, POST]}", "{methods: [POST], paths: [/x]}", true),
        ("{methods: [GET]}", "{methods: [GET, POST]}", false),
        ("{headers: [{name: x-a}]}", "{headers: [{name: X-A, value: b}]}", true),
        ("{headers: [{name: x-a, value: b}]}", "{headers: [{name: x-a}]}", false),
        ("{headers: [{name: x-a}]}", "{methods: [GET]}", false),
        ("{status: [4xx]}", "{status: [404]}", true),
        ("{status: [404]}", "{status: [4xx]}", false),
        ("{status: [4xx]}", "{paths: [/x]}", false),
        ("{content_types: ['text/*']}", "{content_types: [text/HTML]}", true),
        (
            "{content_types: ['text/*']}",
            "{content_types: [application/json]}",
            false,
        ),
        (
            "{metadata: [{namespace: a, key: b, value: c}]}",
            "{metadata: [{namespace: a, key: b, value: c}], methods: [GET]}",
            true,
        ),
        (
            "{metadata: [{namespace: a, key: b, value: c}]}",
            "{metadata: [{namespace: a, key: b, value: d}]}",
            false,
        ),
    ] {
        let policy = format!("routes: [{{name: a, match: {first}}}, {{name: b, match: {second}}}]");
        let engine = Engine::new(policy.as_bytes()).unwrap();
        let told = engine.never_reached();
        assert_eq!(told, if never { vec![(1, 0)] } else { vec![] }, "{first} {second}");
    }
    // A bypass lets paths through that others may read otherwise.
    for (first, second, never) in [(true, false, false), (true, true, true), (false, true, true)] {
        let route = |name: &str, bypass: bool| json!({"name": name, "match": {"paths": ["/a/**"]}, "bypass": bypass});
        let told = compiled(&json!({"routes": [route("a", first), route("b", second)]})).never_reached();
        assert_eq!(told.len(), usize::from(never), "{first} {second}");
    }
}
