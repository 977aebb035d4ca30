//! The shipped bootstrap and the policies that it must refuse, checked by Envoy itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use keepmum_envoy::config::Bootstrap;
use keepmum_envoy::process::validate;

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
