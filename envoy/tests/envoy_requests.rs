//! Requests through a real Envoy: what the upstream gets, and that none of them is taken for the next one's beginning.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use keepmum_envoy::client::{Request, send};
use keepmum_envoy::config::Bootstrap;
use keepmum_envoy::process::Envoy;
use keepmum_envoy::upstream::{Answer, Seen, Upstream};
use keepmum_host_tests::exchange::Message;

const POLICY: &str = r#"{"fields":[{"names":["password","sid"]}],
    "request":{"scan":["headers","path","query","cookies","body"]},
    "routes":[{"name":"closed","match":{"paths":["/closed"]},"request":{"action":{"block":{"status":403,"body":"not from here"}}}}]}"#;

#[test]
#[ignore = "needs the module and Envoy: cargo xtask test --only envoy"]
fn requests_reach_the_upstream_clean_and_whole() {
    let key = ["sk_", "live_", "Keepmum", "FakeKeyForTests", "0123"].concat();
    let answer = Arc::new(Message {
        headers: vec![(b":status".to_vec(), b"200".to_vec())],
        body: vec![b"fine".to_vec()],
        ..Message::default()
    });
    let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
    let log = seen.clone();
    let upstream = Upstream::start(move |request| {
        log.lock().unwrap().push(request.clone());
        Answer::new(answer.clone())
    })
    .unwrap();
    let post = |path: &str, content_type: &str, body: &str| Request {
        body: body.as_bytes().to_vec(),
        ..Request::new("POST", path).header("content-type", content_type)
    };
    let upload = format!(
        "--b\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\nfake words\r\n--b\r\n\
         Content-Disposition: form-data; name=\"f\"; filename=\"f.txt\"\r\nContent-Type: text/plain\r\n\r\n\
         {}{key}\r\n--b\r\nContent-Type: image/png\r\n\r\nfake picture\r\n--b--\r\n",
        "fake line\r\n--b2\r\n".repeat(10_000)
    );
    let long = format!("{}{key}{}", "fake ".repeat(20_000), " fake".repeat(20_000));
    for (version, binary) in common::envoys() {
        seen.lock().unwrap().clear();
        let made = Bootstrap::for_tests(&common::module(), POLICY, upstream.address).unwrap();
        let envoy = Envoy::start(&binary, &made, &format!("requests-{version}")).unwrap();
        let go = |request: &Request| send(envoy.address, request, Duration::from_secs(20)).unwrap();
        let get = Request::new("GET", &format!("/x?password=fake&k={key}"))
            .header("x-key", &key)
            .header("cookie", "a=b; sid=fake");
        // A shorter body, a longer one, and what comes behind them.
        for request in [
            get,
            post(
                "/json",
                "application/json",
                &format!(r#"{{"k":"{key}","password":"x"}}"#),
            ),
            post(
                "/form",
                "application/x-www-form-urlencoded",
                "a=b&password=a-long-one-that-becomes-shorter-than-it-was",
            ),
            post("/long", "text/plain", &long),
            post("/upload", "multipart/form-data; boundary=b", &upload),
            Request::new("GET", "/last"),
        ] {
            assert_eq!(go(&request).status, 200, "Envoy {version}");
        }
        let blocked = go(&post("/closed", "text/plain", &format!("fake {key} fake")));
        assert_eq!(
            (blocked.status, blocked.body()),
            (403, b"not from here".to_vec()),
            "Envoy {version}"
        );

        let got = seen.lock().unwrap().clone();
        let text = |b: &[u8]| String::from_utf8_lossy(b).into_owned();
        let paths: Vec<String> = got.iter().map(|s| text(&s.path)).collect();
        assert_eq!(
            paths.first().map(String::as_str),
            Some("/x?password=%5BREDACTED:field%5D&k=%5BREDACTED:stripe-secret-key%5D")
        );
        assert_eq!(
            paths.get(1..6).unwrap(),
            ["/json", "/form", "/long", "/upload", "/last"],
            "Envoy {version}"
        );
        assert_eq!(got[0].header("x-key"), Some(&b"[REDACTED:stripe-secret-key]"[..]));
        assert_eq!(got[0].header("cookie"), Some(&b"a=b; sid=[REDACTED:field]"[..]));
        assert_eq!(
            text(&got[1].body),
            r#"{"k":"[REDACTED:stripe-secret-key]","password":"[REDACTED:field]"}"#
        );
        assert_eq!(text(&got[2].body), "a=b&password=[REDACTED:field]");
        assert_eq!(text(&got[3].body), long.replace(&key, "[REDACTED:stripe-secret-key]"));
        let want = upload
            .replace("fake words", "[REDACTED:field]")
            .replace(&key, "[REDACTED:stripe-secret-key]");
        assert!(
            text(&got[4].body) == want,
            "Envoy {version}: the upload arrived otherwise"
        );
        for request in &got {
            assert!(request.body.is_empty() || request.header("content-length").is_none());
            assert!(!text(&request.body).contains(&key), "Envoy {version}: it arrived");
        }
    }
}
