//! Errors, denied paths and files through a real Envoy: what the client reads in place of them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::sync::Arc;
use std::time::Duration;

use keepmum_envoy::client::{Request, send};
use keepmum_envoy::config::Bootstrap;
use keepmum_envoy::process::Envoy;
use keepmum_envoy::upstream::{Answer, Upstream};
use keepmum_host_tests::exchange::Message;

const POLICY: &str =
    r#"{"errors":{"status":["5xx"],"replace":"auto"},"deny":{"lists":["files","vcs"],"bodies":"label"}}"#;

fn message(status: &str, body: Vec<Vec<u8>>) -> Message {
    let header = |name: &str, value: &str| (name.as_bytes().to_vec(), value.as_bytes().to_vec());
    Message {
        headers: vec![
            header(":status", status),
            header("content-type", "text/plain"),
            header("x-powered-by", "Fake/1.0"),
        ],
        body,
        ..Message::default()
    }
}

#[test]
#[ignore = "needs the module and Envoy: cargo xtask test --only envoy"]
fn errors_denied_paths_and_files_tell_nothing() {
    let trace = "Error: fake-inner-detail\n    at query (/srv/shop/db.js:12:7)\n";
    let file = format!(
        "DB_USER=shop\nDB_PASSWORD={}\nAPI_URL=http://shop.internal\n",
        "fake-word-7Q"
    );
    let failed = Arc::new(message("500", vec![trace.as_bytes().to_vec()]));
    let dotenv = Arc::new(message("200", file.bytes().map(|b| vec![b]).collect()));
    let upstream = Upstream::start(move |request| {
        let is_file = request.path.starts_with(b"/download");
        Answer::new(if is_file { dotenv.clone() } else { failed.clone() })
    })
    .unwrap();
    let nobody = Upstream::refusing().unwrap();
    let get = |path: &str| Request::new("GET", path);
    for (version, binary) in common::envoys() {
        let made = Bootstrap::for_tests(&common::module(), POLICY, upstream.address).unwrap();
        let envoy = Envoy::start(&binary, &made, &format!("errors-{version}")).unwrap();
        let go = |request: &Request| send(envoy.address, request, Duration::from_secs(20)).unwrap();
        for (accept, content_type) in [
            ("application/json", "application/problem+json"),
            ("text/html,*/*;q=0.1", "text/html"),
            ("text/plain", "text/plain"),
        ] {
            let got = go(&get("/x").header("accept", accept));
            let text = String::from_utf8(got.body()).unwrap();
            let told = got
                .header("content-type")
                .map(String::from_utf8_lossy)
                .unwrap_or_default();
            assert_eq!(got.status, 500, "Envoy {version}, {accept}");
            assert!(told.starts_with(content_type), "Envoy {version}, {accept}: {told}");
            assert!(
                !text.contains("fake-inner-detail") && !text.contains("db.js"),
                "Envoy {version}, {accept}"
            );
            assert!(got.header("x-powered-by").is_none(), "Envoy {version}, {accept}");
        }
        for path in ["/.env", "/%2e%65nv", "/a/.git/config", "/.ENV", "//.env"] {
            assert_eq!(go(&get(path)).status, 404, "Envoy {version}: {path}");
        }
        let got = go(&get("/download"));
        let text = String::from_utf8(got.body()).unwrap();
        assert!(
            got.status == 200 && text.starts_with("[REDACTED:"),
            "Envoy {version}: {text:?}"
        );
        assert!(!text.contains("fake-word") && !text.contains("shop"), "Envoy {version}");

        let made = Bootstrap::for_tests(&common::module(), POLICY, nobody).unwrap();
        let envoy = Envoy::start(&binary, &made, &format!("errors-own-{version}")).unwrap();
        let got = send(
            envoy.address,
            &get("/x").header("accept", "application/json"),
            Duration::from_secs(20),
        )
        .unwrap();
        let told = got
            .header("content-type")
            .map(String::from_utf8_lossy)
            .unwrap_or_default();
        assert_eq!(
            (got.status, &*told),
            (503, "application/problem+json"),
            "Envoy {version}: its own"
        );
        assert!(
            !String::from_utf8_lossy(&got.body()).contains("upstream"),
            "Envoy {version}: its own"
        );
    }
}
