//! The shipped bootstrap and the policies that it must refuse, checked by Envoy itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use keepmum_envoy::client::{Request, send};
use keepmum_envoy::config::Bootstrap;
use keepmum_envoy::process::{Envoy, validate};
use keepmum_envoy::upstream::{Answer, Upstream};
use keepmum_host_tests::exchange::Message;

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

#[test]
#[ignore = "needs the module and Envoy: cargo xtask test --only envoy"]
fn findings_are_metrics_with_labels() {
    let key = ["sk_", "live_", "Keepmum", "FakeKeyForTests", "0123"].concat();
    let message = Message {
        headers: vec![
            (b":status".to_vec(), b"200".to_vec()),
            (b"content-type".to_vec(), b"text/plain".to_vec()),
        ],
        body: vec![key.into_bytes()],
        ..Message::default()
    };
    let message = std::sync::Arc::new(message);
    let upstream = Upstream::start(move |_| Answer::new(std::sync::Arc::clone(&message))).unwrap();
    for (version, binary) in common::envoys() {
        let made = Bootstrap::for_tests(&common::module(), "{}", upstream.address).unwrap();
        let envoy = Envoy::start(&binary, &made, &format!("metrics-{version}")).unwrap();
        send(
            envoy.address,
            &Request::new("GET", "/"),
            std::time::Duration::from_secs(20),
        )
        .unwrap();
        let text = envoy.prometheus().unwrap();
        let line = text.lines().find(|l| l.starts_with("keepmum_findings{"));
        let line = line.unwrap_or_else(|| {
            panic!(
                "Envoy {version} has no keepmum_findings: {:?}",
                text.lines().filter(|l| l.contains("keepmum")).collect::<Vec<_>>()
            )
        });
        for label in [
            "keepmum_detector=\"stripe-secret-key\"",
            "keepmum_place=\"body\"",
            "keepmum_action=\"label\"",
        ] {
            assert!(line.contains(label), "Envoy {version}: {line}");
        }
        assert!(line.ends_with(" 1"), "Envoy {version}: {line}");
    }
}
