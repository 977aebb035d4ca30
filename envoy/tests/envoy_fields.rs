//! Fields by JSONPath through a real Envoy, both ways.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use keepmum_envoy::client::{Request, send};
use keepmum_envoy::config::Bootstrap;
use keepmum_envoy::process::Envoy;
use keepmum_envoy::upstream::{Answer, Upstream};
use keepmum_host_tests::exchange::Message;

const POLICY: &str = r#"{"request":{"scan":["body"]},"fields":[{"path":"$.data[*].credentials"}],
    "allow":[{"path":"$.public.*"},{"pattern":"sk_live_KeepmumFake.*","place":"request.body"}]}"#;

#[test]
#[ignore = "needs the module and Envoy: cargo xtask test --only envoy"]
fn paths_hold_in_requests_and_responses() {
    let key = ["sk_", "live_", "Keepmum", "FakeKeyForTests", "0123"].concat();
    // More than one piece.
    let items = r#"{"credentials":"fake words","id":7},"#.repeat(5_000);
    let body = format!(
        r#"{{"public":{{"k":"{key}"}},"data":[{items}{{"credentials":[1,{{"a":"fake"}}]}}],"credentials":"stays","o":["{key}"]}}"#
    );
    let sent = body
        .replace("fake words", "[REDACTED:field]")
        .replace(r#"[1,{"a":"fake"}]"#, r#""[REDACTED:field]""#);
    let gone = sent.replace(&format!(r#"["{key}"]"#), r#"["[REDACTED:stripe-secret-key]"]"#);
    let answer = Arc::new(Message {
        headers: vec![
            (b":status".to_vec(), b"200".to_vec()),
            (b"content-type".to_vec(), b"application/json".to_vec()),
        ],
        body: vec![body.clone().into_bytes()],
        ..Message::default()
    });
    let seen: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
    let log = seen.clone();
    let upstream = Upstream::start(move |request| {
        log.lock().unwrap().push(request.body.clone());
        Answer::new(answer.clone())
    })
    .unwrap();
    for (version, binary) in common::envoys() {
        seen.lock().unwrap().clear();
        let made = Bootstrap::for_tests(&common::module(), POLICY, upstream.address).unwrap();
        let envoy = Envoy::start(&binary, &made, &format!("fields-{version}")).unwrap();
        let request = Request {
            body: body.clone().into_bytes(),
            ..Request::new("POST", "/x").header("content-type", "application/json")
        };
        let reply = send(envoy.address, &request, Duration::from_secs(20)).unwrap();
        assert!(
            reply.status == 200 && reply.body() == gone.as_bytes(),
            "Envoy {version}: the response"
        );
        let got = seen.lock().unwrap().clone();
        assert!(
            got.len() == 1 && got[0] == sent.as_bytes(),
            "Envoy {version}: the request"
        );
    }
}
