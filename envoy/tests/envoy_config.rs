//! The shipped bootstrap and the policies that it must refuse, checked by Envoy itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::io::Write as _;
use std::process::{Command, Stdio};

use keepmum_envoy::config::Bootstrap;
use keepmum_envoy::process::validate;
use keepmum_envoy::target;

#[test]
#[ignore = "needs the module and Envoy: cargo xtask test --only envoy"]
fn the_shipped_bootstrap_is_valid() {
    for (version, binary) in common::envoys() {
        let made = Bootstrap::for_tests(&common::module(), "{}", ([127, 0, 0, 1], 9).into()).unwrap();
        let verdict = validate(&binary, &made, &format!("validate-{version}")).unwrap();
        assert!(verdict.accepted, "Envoy {version}:\n{}", verdict.log);
        assert!(!verdict.log.contains("deprecated"), "Envoy {version}:\n{}", verdict.log);
    }
}

#[test]
#[ignore = "needs the module and Envoy: cargo xtask test --only envoy"]
fn a_wrong_policy_is_refused_with_the_field() {
    let wrong = [
        (r#"{"mode": "sometimes"}"#, "mode"),
        (r#"{"version": 2}"#, "version"),
        (r#"{"unheard_of": true}"#, "unheard_of"),
        (r#"{"response": {"scan": ["headers", "footers"]}}"#, "response.scan"),
        (
            r#"{"detectors": {"disable": ["no-such-detector"]}}"#,
            "detectors.disable",
        ),
        (r#"{"limits": {"held_bytes": -1}}"#, "limits"),
        (r#"{"mode": "#, ""),
    ];
    for (version, binary) in common::envoys() {
        for (policy, field) in wrong {
            let made = Bootstrap::for_tests(&common::module(), policy, ([127, 0, 0, 1], 9).into()).unwrap();
            let verdict = validate(&binary, &made, &format!("refuse-{version}")).unwrap();
            assert!(!verdict.accepted, "Envoy {version} accepted {policy}");
            let line = verdict.log.lines().find(|l| l.contains("keepmum refuses to start:"));
            let line = line.unwrap_or_else(|| panic!("{policy}: no reason was given\n{}", verdict.log));
            assert!(line.contains(field), "{policy}: {line}");
        }
    }
}

/// What `keepmum check` prints: of the program as it is now, with the features that the tests are built with.
fn checked(policy: &str) -> Vec<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--quiet", "--workspace", "--bin", "keepmum"])
        .status();
    assert!(built.unwrap().success());
    let mut child = Command::new(target().join("debug/keepmum"))
        .args(["check", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(policy.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{policy}");
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect()
}

#[test]
#[ignore = "needs the module and Envoy: cargo xtask test --only envoy"]
fn envoy_refuses_a_policy_in_the_words_of_keepmum_check() {
    let (version, binary) = common::envoys().swap_remove(0);
    for policy in [
        "mode: reprot\nfeilds: []\nroutes: [{name: a, match: {}}, {name: a, match: {status: [999]}}]\n",
        "audit: {sample: 7, rate: many, response_header: content-length}\nresponse: {action: hash}\n",
        "[1, 2",
        "{\"mode\": \"report\", \"mode\": \"enforce\"}",
        "detectors: {custom: [{id: a, pattern: '[a-z]+'}], disable: [no-such]}\n",
    ] {
        let made = Bootstrap::for_tests(&common::module(), policy, ([127, 0, 0, 1], 9).into()).unwrap();
        let verdict = validate(&binary, &made, &format!("words-{version}")).unwrap();
        assert!(!verdict.accepted, "{policy}");
        let lines = verdict
            .log
            .lines()
            .filter_map(|l| Some(l.split_once("keepmum refuses to start: ")?.1));
        let mut lines: Vec<String> = lines.map(str::to_owned).collect();
        lines.dedup();
        assert_eq!(lines, checked(policy), "{policy}");
    }
}
