//! What Istio does with envoy/istio/stats-tags.yaml, with a real Envoy: its agent hands the file over as `--config-yaml`, beside a bootstrap
//! with tags of its own. Istio itself is not run.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::sync::Arc;
use std::time::{Duration, Instant};

use keepmum_envoy::client::{Request, send};
use keepmum_envoy::config::Bootstrap;
use keepmum_envoy::process::Envoy;
use keepmum_envoy::upstream::{Answer, Upstream};
use keepmum_host_tests::exchange::Message;
use yaml_rust2::YamlLoader;

#[test]
#[ignore = "needs the module and Envoy: cargo xtask test --only envoy"]
fn the_config_map_makes_labels_beside_other_tags() {
    let key = ["sk_", "live_", "Keepmum", "FakeKeyForTests", "0123"].concat();
    let answer = Arc::new(Message {
        headers: vec![
            (b":status".to_vec(), b"200".to_vec()),
            (b"x-key".to_vec(), key.into_bytes()),
        ],
        ..Message::default()
    });
    let upstream = Upstream::start(move |_| Answer::new(answer.clone())).unwrap();
    let map = YamlLoader::load_from_str(include_str!("../istio/stats-tags.yaml")).unwrap();
    let custom = map[0]["data"]["custom_bootstrap.json"].as_str().unwrap();
    for (version, binary) in common::envoys() {
        let made = Bootstrap::for_tests(&common::module(), "{}", upstream.address).unwrap();
        let made = made.with_other_tags().unwrap();
        for (more, labelled) in [(&["--config-yaml", custom][..], true), (&[], false)] {
            let levels = [&["--log-level", "info"], more].concat();
            let name = format!("istio-{version}-{labelled}");
            let envoy = Envoy::start_logging(&binary, &made, &name, &levels).unwrap();
            let reply = send(envoy.address, &Request::new("GET", "/"), Duration::from_secs(20)).unwrap();
            assert_eq!(reply.status, 200);
            let begun = Instant::now();
            let text = loop {
                let text = envoy.prometheus().unwrap();
                if text.contains("keepmum_findings") || begun.elapsed() > Duration::from_secs(10) {
                    break text;
                }
                std::thread::sleep(Duration::from_millis(50));
            };
            let ours = text.lines().find(|l| l.starts_with("keepmum_findings{"));
            let has = |label: &str| ours.is_some_and(|l| l.contains(label));
            let all = [
                r#"keepmum_detector="stripe-secret-key""#,
                r#"keepmum_place="header""#,
                r#"keepmum_route="default""#,
                r#"keepmum_mode="enforce""#,
                r#"keepmum_action="label""#,
            ];
            assert_eq!(all.map(has), [labelled; 5], "Envoy {version}: {ours:?}");
            assert!(
                text.contains("cluster_name="),
                "Envoy {version}: the other tags are gone"
            );
        }
    }
}
