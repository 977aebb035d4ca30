//! What the module tells of an exchange: in mode `report` exactly what it would have told in `enforce`, no more lines than the
//! policy wants, and which VMs run which policy.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may stop")]

mod common;

use std::collections::BTreeMap;
use std::time::Duration;

use common::{key, module, options, pairs};
use keepmum_host_tests::capture;
use keepmum_host_tests::exchange::Exchange;
use keepmum_host_tests::host::{Module, Vm};
use keepmum_host_tests::replay::Replay;
use serde_json::{Value, json};

/// A VM with this policy in this mode.
fn start(module: &Module, policy: &Value, mode: &str) -> Vm {
    let mut policy = policy.clone();
    policy["mode"] = json!(mode);
    // Otherwise the number would be made of the mode as well.
    policy["revision"] = json!(1);
    Vm::start(module, &options(&policy.to_string())).unwrap()
}

/// Audit lines, findings and metrics; of the mode only that it is the one that was asked for.
fn told(vm: &mut Vm, exchange: &Exchange, mode: &str) -> (Vec<Value>, Vec<String>, BTreeMap<String, i64>) {
    let r = vm.exchange(exchange).unwrap();
    assert_eq!(
        (r.failure.as_deref(), r.strict.as_slice()),
        (None, &[][..]),
        "{}",
        exchange.name
    );
    let audits = r.logs.iter().filter_map(|l| l.text.strip_prefix("keepmum audit "));
    let audits = audits.map(|text| {
        let mut line: Value = serde_json::from_str(text).unwrap();
        assert_eq!(line["mode"], json!(mode), "{}", exchange.name);
        line["mode"] = Value::Null;
        line
    });
    let (mine, other) = (
        format!(".mode.{mode}"),
        if mode == "report" {
            ".mode.enforce"
        } else {
            ".mode.report"
        },
    );
    let counted = r
        .metrics
        .iter()
        .filter(|(n, _)| !["keepmum.armed", "keepmum.stream_reset"].contains(&n.as_str()));
    let counted = counted.map(|(name, value)| {
        assert!(!name.contains(other), "{}: {name}", exchange.name);
        (name.replace(&mine, ".mode"), *value)
    });
    let findings = r.findings.iter().map(|f| format!("{f:?}")).collect();
    (audits.collect(), findings, counted.collect())
}

#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn a_report_tells_what_enforcing_would_have_done() {
    let module = module();
    let everything = json!(["secrets", "tokens", "generic", "pii", "error-leaks"]);
    let policies = [
        json!({}),
        json!({"detectors": {"packs": everything}, "fields": [{"names": ["password", "name", "id"], "action": "remove"}], "response": {"action": "defang"}}),
        json!({"response": {"action": "block"}}),
        json!({"errors": {"status": ["4xx", "5xx"], "replace": "problem+json"}, "on_uninspectable": {"encoding": "block"}}),
        json!({"deny": {"paths": ["/**"]}}),
    ];
    let both = |policy: &Value| ["enforce", "report"].map(|mode| start(&module, policy, mode));
    let mut vms: Vec<[Vm; 2]> = policies.iter().map(both).collect();
    let (mut lines, mut blocked) = (0, 0);
    let mut check = |[enforcing, reporting]: &mut [Vm; 2], exchange: &Exchange, policy: &Value| {
        let enforced = told(enforcing, exchange, "enforce");
        let reported = told(reporting, exchange, "report");
        assert_eq!(enforced, reported, "{} with {policy}", exchange.name);
        lines += enforced.0.len();
        let is = |l: &&Value| l["outcome"] == json!("blocked");
        blocked += enforced.0.iter().filter(is).count();
    };
    for exchange in capture::bundled().unwrap() {
        for (vms, policy) in vms.iter_mut().zip(&policies) {
            check(vms, &exchange, policy);
        }
        if let Some(own) = exchange.policy.clone().filter(|own| !own_mode(own)) {
            check(&mut both(&own), &exchange, &own);
        }
    }
    assert!(lines > 60 && blocked > 5, "{lines} lines, {blocked} of them blocked");
}

/// Routes with a mode of their own stay in it.
fn own_mode(policy: &Value) -> bool {
    let routes = policy["routes"].as_array();
    routes.into_iter().flatten().any(|route| route.get("mode").is_some())
}

fn exchange() -> Exchange {
    common::answered("tells", ("x-note", &key()), &[&key()])
}

/// So many exchanges, and how many of them got a line.
fn lines(vm: &mut Vm, exchanges: usize) -> (usize, Replay) {
    let mut all = Vec::new();
    for _ in 0..exchanges {
        all.push(vm.exchange(&exchange()).unwrap());
    }
    let has = |r: &&Replay| r.logs.iter().any(|l| l.text.starts_with("keepmum audit"));
    (all.iter().filter(has).count(), all.pop().unwrap())
}

#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn a_share_of_the_lines_is_written_and_the_rest_counted() {
    let mut vm = Vm::start(&module(), &options(r#"{"audit":{"sample":0.25}}"#)).unwrap();
    let (written, last) = lines(&mut vm, 40);
    assert_eq!(written, 10);
    assert_eq!(last.count("keepmum.audit_dropped.reason.sample"), 30);
    assert_eq!(last.count("keepmum.findings"), 80, "metrics count them all");
}

#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn no_more_lines_a_second_than_the_policy_wants() {
    let mut vm = Vm::start(&module(), &options(r#"{"audit":{"rate":5}}"#)).unwrap();
    let (written, last) = lines(&mut vm, 20);
    assert_eq!(written, 5);
    assert_eq!(last.count("keepmum.audit_dropped.reason.rate"), 15);
    vm.advance(Duration::from_millis(400));
    assert_eq!(lines(&mut vm, 20).0, 2);
    vm.advance(Duration::from_secs(3600));
    assert_eq!(lines(&mut vm, 20).0, 5, "an hour saves up no more than a second");
}

#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn a_vm_says_which_policy_it_runs() {
    let mut vm = Vm::start(&module(), &options("revision: 77")).unwrap();
    assert_eq!(
        vm.metrics().get("keepmum.policy_version"),
        None,
        "one on trial does not live for a second"
    );
    assert!(vm.tick());
    let gauges = ["policy_version", "instances", "instances_current"].map(|g| vm.metrics()[&format!("keepmum.{g}")]);
    assert_eq!(gauges, [77, 1, 1]);
}

#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn the_proxy_is_given_no_more_names_than_it_is_told_it_will_be() {
    // Nine findings of kinds of their own on each of 600 routes.
    let mut policy = json!({"audit": {"log": false}, "detectors": {"custom": []}, "routes": []});
    let mut text = String::new();
    for i in 0..9 {
        let custom = policy["detectors"]["custom"].as_array_mut().unwrap();
        custom.push(json!({"id": format!("acme-{i}"), "pattern": format!("acme{i}_[0-9]{{8}}")}));
        text.push_str(&format!("acme{i}_20261123 "));
    }
    for i in 0..600 {
        let routes = policy["routes"].as_array_mut().unwrap();
        routes.push(json!({"name": format!("route {i}"), "match": {"paths": [format!("/{i}")]}}));
    }
    let mut vm = Vm::start(&module(), &options(&policy.to_string())).unwrap();
    for i in 0..600 {
        let mut exchange = exchange();
        exchange.request.headers[1].1 = format!("/{i}").into_bytes();
        exchange.response.headers = pairs(&[(":status", "200"), ("content-type", "text/plain")]);
        exchange.response.body = vec![text.clone().into_bytes()];
        vm.exchange(&exchange).unwrap();
    }
    let metrics = vm.metrics();
    assert!(metrics.len() <= 4096 + 9, "{} names", metrics.len());
    let found = |name: &&String| name.starts_with("keepmum.findings.");
    let all: i64 = metrics.iter().filter(|(n, _)| found(n)).map(|(_, v)| v).sum();
    assert_eq!(all, 9 * 600, "none is lost");
    let other = metrics.keys().filter(|n| n.contains(".route.other.")).count();
    assert_eq!(other, 9);
}

/// What clients and upstreams put where the module tells of: ids, hosts, methods, names of headers and of trailers.
#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn what_others_choose_is_not_told_if_it_holds_a_secret() {
    let mut vm = Vm::start(&module(), &options(r#"{"audit":{"response_header":"x-keepmum"}}"#)).unwrap();
    let (key, low) = (key(), key().to_ascii_lowercase());
    let mut exchange = exchange();
    exchange.request.headers = pairs(&[
        (":method", &key),
        (":path", &format!("/{key}?k={key}")),
        (":scheme", "http"),
        (":authority", &format!("{key}.example")),
        ("x-request-id", &key),
        ("traceparent", &format!("00-{key}-1-01")),
        ("x-b3-traceid", &key),
    ]);
    exchange
        .response
        .headers
        .push((low.clone().into_bytes(), key.clone().into_bytes()));
    let r = vm.exchange(&exchange).unwrap();
    assert!(vm.tick());
    let audit = r.logs.iter().find(|l| l.text.starts_with("keepmum audit")).unwrap();
    assert!(audit.text.contains(r#""place":"response.header.?""#), "{}", audit.text);
    // At trace level the host itself tells of host calls, as Envoy does: only the module's own lines are meant.
    let lines = r
        .logs
        .iter()
        .map(|l| l.text.as_str())
        .filter(|t| t.starts_with("keepmum"));
    let metrics = vm.metrics();
    let header = r.client.message.header("x-keepmum").unwrap();
    let header = String::from_utf8_lossy(header);
    for text in lines.chain(metrics.keys().map(String::as_str)).chain([&*header]) {
        for piece in [&key[8..], &low[8..], &key[key.len() - 8..]] {
            assert!(!text.contains(piece), "something tells a piece of a secret");
        }
    }
}
