//! A WebSocket through a real Envoy, with a server and a client that others wrote: text is masked both ways, and the rest works.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use keepmum_envoy::config::Bootstrap;
use keepmum_envoy::install;
use keepmum_envoy::process::Envoy;
use serde_json::{Value, json};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/websocket.py");

/// Ended when the test is.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
#[ignore = "needs the module and Envoy: cargo xtask test --only envoy"]
fn text_is_masked_both_ways_and_the_connection_works() {
    let python = install::python_with("websockets", "15.0.1").unwrap();
    let key = ["sk_", "live_", "Keepmum", "FakeKeyForTests", "0123"].concat();
    let run = |arg: &str| {
        let mut command = Command::new(&python);
        command.arg(SCRIPT).arg(arg).env("KEEPMUM_TEST_KEY", &key);
        command.stdout(Stdio::piped());
        command
    };
    let mut server = Server(run("serve").spawn().unwrap());
    let mut port = String::new();
    BufReader::new(server.0.stdout.take().unwrap())
        .read_line(&mut port)
        .unwrap();
    let upstream = ([127, 0, 0, 1], port.trim().parse::<u16>().unwrap()).into();
    for (version, binary) in common::envoys() {
        let policy = r#"{"request":{"scan":["body"]}}"#;
        let made = Bootstrap::for_tests(&common::module(), policy, upstream).unwrap();
        let envoy = Envoy::start(&binary, &made.websockets().unwrap(), &format!("websocket-{version}")).unwrap();
        let client = run(&envoy.address.port().to_string()).output().unwrap();
        assert!(client.status.success(), "Envoy {version}");
        let seen: Value = serde_json::from_slice(&client.stdout).unwrap();
        let want = json!({
            "extensions": 0, "hello": "masked", "tell": true, "fragments": true, "ping": "pong", "binary": true,
            "large": true, "split": "masked", "again": true,
        });
        assert_eq!(seen, want, "Envoy {version}");
        let unread = "wasmcustom.keepmum.uninspected_bytes.reason.upgrade.route.default";
        assert_eq!(envoy.stat(unread).unwrap(), 2 * key.len() as u64, "Envoy {version}");
    }
}
