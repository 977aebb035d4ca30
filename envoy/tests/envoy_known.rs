//! Exact secrets through a real Envoy of two workers: the set comes from a server in a cluster, changes under load, and outlives the
//! server and whatever bad things it serves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use keepmum_envoy::client::{Request, send};
use keepmum_envoy::config::Bootstrap;
use keepmum_envoy::process::Envoy;
use keepmum_envoy::upstream::{Answer, Upstream};
use keepmum_host_tests::exchange::Message;
use keepmum_known::publish::Publisher;
use keepmum_known::{MAC_HEADER, Secret, Stage};

const POLICY: &str = "known_secrets: {feed: {cluster: keepmum-agent, every: 200ms, timeout: 1s}}";

/// Made here, so that no file holds it.
fn shared() -> String {
    ["64fb5ac9a0a3c6b5", "d1e8f7720f9a1b3c"].concat()
}

fn value(n: usize) -> String {
    format!("fake{n:05}Kq7Wz{}tR{n:03}Vb", "xY4m")
}

fn set(version: u64, count: usize) -> Arc<Message> {
    let mut publisher = Publisher::new(shared().as_bytes(), b"sixteen bytes 01").unwrap();
    for n in 0..count {
        let secret = Secret {
            id: format!("test:{n}"),
            version: "1".to_owned(),
            stage: Stage::Current,
        };
        publisher.add(secret, value(n).as_bytes()).unwrap();
    }
    let (body, seal) = publisher.finish(version, 0).seal(shared().as_bytes()).unwrap();
    answer("200", &seal, body)
}

fn answer(status: &str, seal: &str, body: Vec<u8>) -> Arc<Message> {
    Arc::new(Message {
        headers: vec![
            (b":status".to_vec(), status.as_bytes().to_vec()),
            (MAC_HEADER.as_bytes().to_vec(), seal.as_bytes().to_vec()),
        ],
        body: vec![body],
        ..Message::default()
    })
}

/// Until something holds, or half a minute.
fn until(what: &str, holds: impl Fn() -> bool) -> Duration {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(30), "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
    begun.elapsed()
}

#[test]
#[ignore = "needs the module and Envoy: cargo xtask test --only envoy"]
fn the_set_comes_changes_under_load_and_stays() {
    let text = format!("one {} two {} end\n", value(0), value(9_999));
    let page = Arc::new(Message {
        headers: vec![
            (b":status".to_vec(), b"200".to_vec()),
            (b"content-type".to_vec(), b"text/plain".to_vec()),
        ],
        body: vec![text.clone().into_bytes()],
        ..Message::default()
    });
    let upstream = Upstream::start(move |_| Answer::new(page.clone())).unwrap();
    let (one, two) = (
        text.replace(&value(0), "[REDACTED:known-secret]"),
        "one [REDACTED:known-secret] two [REDACTED:known-secret] end\n",
    );
    for (version, binary) in common::envoys() {
        let serves = Arc::new(Mutex::new(set(1, 1)));
        let (now, asked) = (serves.clone(), Arc::new(AtomicUsize::new(0)));
        let counted = asked.clone();
        let agent = Upstream::start(move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
            Answer::new(now.lock().unwrap().clone())
        })
        .unwrap();
        let made = Bootstrap::for_tests(&common::module(), POLICY, upstream.address)
            .unwrap()
            .agent(agent.address, &shared())
            .unwrap();
        let envoy = Envoy::start_workers(&binary, &made, &format!("known-{version}"), &[], 2).unwrap();
        let get = || send(envoy.address, &Request::new("GET", "/x"), Duration::from_secs(10)).unwrap();
        // Each connection may be another worker's.
        let all = |want: &str| (0..20).all(|_| get().body() == want.as_bytes());
        until("the first set is armed", || all(&one));

        let stop = Arc::new(AtomicBool::new(false));
        let (address, ended) = (envoy.address, stop.clone());
        let wanted = [one.clone(), two.to_owned()];
        let load = std::thread::spawn(move || {
            let mut answers = 0;
            while !ended.load(Ordering::Relaxed) {
                let reply = send(address, &Request::new("GET", "/x"), Duration::from_secs(10)).unwrap();
                assert_eq!(reply.status, 200);
                assert!(
                    wanted.iter().any(|w| reply.body() == w.as_bytes()),
                    "an answer of neither set"
                );
                answers += 1;
            }
            answers
        });
        *serves.lock().unwrap() = set(2, 10_000);
        let took = until("the second set is armed", || all(two));
        stop.store(true, Ordering::Relaxed);
        let answers = load.join().unwrap();
        assert!(answers > 20);
        eprintln!(
            "Envoy {version}: 10,000 secrets armed in both workers after {took:.1?}, {answers} answers meanwhile"
        );
        let metrics = envoy.prometheus().unwrap();
        let gauge = metrics.lines().find(|l| l.starts_with("keepmum_known_version"));
        assert!(gauge.is_some_and(|l| l.ends_with(" 2")), "{gauge:?}");

        // One of all VMs asks.
        let before = asked.load(Ordering::Relaxed);
        std::thread::sleep(Duration::from_secs(4));
        let questions = asked.load(Ordering::Relaxed) - before;
        assert!(
            (2..=24).contains(&questions),
            "{questions} questions in 4 s, and one each 0.2 s at most"
        );

        let good = set(3, 10_000);
        let seal = good
            .headers
            .last()
            .map(|(_, v)| String::from_utf8(v.clone()).unwrap())
            .unwrap();
        let mut changed = good.body[0].clone();
        changed[100] ^= 1;
        for bad in [
            answer("200", &seal, changed),
            answer("200", "", good.body[0].clone()),
            answer("503", &seal, good.body[0].clone()),
            answer("200", &seal, vec![b'x'; 40 << 20]),
            set(1, 1),
        ] {
            *serves.lock().unwrap() = bad;
            std::thread::sleep(Duration::from_secs(2));
            assert!(all(two), "the last good set stays");
        }
        drop(agent);
        std::thread::sleep(Duration::from_secs(2));
        assert!(all(two), "the agent is gone, and the last good set stays");
        let log = String::from_utf8_lossy(&envoy.log_bytes().unwrap()).into_owned();
        assert!(log.contains("a set of known secrets is refused: seal"));
        assert!(log.contains("a set of known secrets is refused: version"));
        assert!(log.contains("fetching known secrets: unreachable") || log.contains("fetching known secrets: status"));
        for n in [0, 9_999] {
            assert!(!log.contains(&value(n)), "a value is in the log");
        }
    }
}
