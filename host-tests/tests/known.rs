//! Exact secrets through the module: the set is fetched over a cluster, refused when it is not to be trusted, kept when nothing better
//! comes, and what it knows is redacted; and what is left of the values in the module's memory.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may stop")]

mod common;

use std::collections::BTreeMap;
use std::time::Duration;

use common::{answered, module, pairs};
use keepmum_host_tests::exchange::Message;
use keepmum_host_tests::host::{CallReply, Direction, LogLevel, Options, Vm};
use keepmum_known::publish::Publisher;
use keepmum_known::{MAC_HEADER, Secret, Stage, forms};

/// What agent and proxy share, in these tests.
const SHARED: &str = "64fb5ac9a0a3c6b5d1e8f7720f9a1b3c";

/// No detector knows it.
fn value(n: usize) -> String {
    format!("fake{n:03}Kq7Wz{}tR{n:03}Vb", "xY4m")
}

fn set(version: u64, values: &[String]) -> (Vec<u8>, String) {
    let mut publisher = Publisher::new(SHARED.as_bytes(), b"sixteen bytes 01").unwrap();
    for (i, value) in values.iter().enumerate() {
        let secret = Secret {
            id: format!("test:kv/app#{i}"),
            version: "7".to_owned(),
            stage: if i == 1 { Stage::Previous } else { Stage::Current },
        };
        publisher.add(secret, value.as_bytes()).unwrap();
    }
    publisher.finish(version, 0).seal(SHARED.as_bytes()).unwrap()
}

fn reply(status: &str, seal: &str, body: Vec<u8>) -> CallReply {
    CallReply::Response(Message {
        headers: pairs(&[(":status", status), (MAC_HEADER, seal), ("etag", "\"x\"")]),
        body: vec![body],
        ..Message::default()
    })
}

fn good(version: u64, values: &[String]) -> CallReply {
    let (body, seal) = set(version, values);
    reply("200", &seal, body)
}

fn options(more: &str, replies: Vec<CallReply>) -> Options {
    Options {
        configuration: format!("known_secrets: {{feed: {{cluster: agent, every: 5s{more}}}}}").into_bytes(),
        environment: vec![("KEEPMUM_AGENT_KEY".to_owned(), SHARED.to_owned())],
        clusters: BTreeMap::from([("agent".to_owned(), replies)]),
        log_level: LogLevel::Trace,
        ..Options::default()
    }
}

/// What the client gets of an exchange.
fn play(vm: &mut Vm, path: &str, body: &str) -> (u16, String) {
    let exchange = answered("known", ("x-note", "plain"), &[body]);
    let mut request = exchange.request;
    request.headers = pairs(&[
        (":method", "GET"),
        (":path", path),
        (":scheme", "http"),
        (":authority", "a.example"),
    ]);
    let id = vm.open();
    vm.feed_message(id, Direction::Request, &request).unwrap();
    if !vm.is_over(id) {
        vm.feed_message(id, Direction::Response, &exchange.response).unwrap();
    }
    let outcome = vm.finish(id).unwrap();
    let body = outcome.client.message.body.concat();
    (outcome.client.status, String::from_utf8(body).unwrap())
}

/// Half a minute of ticks.
fn wait(vm: &mut Vm) {
    for _ in 0..60 {
        assert!(vm.tick());
    }
}

fn gauge(vm: &Vm, name: &str) -> i64 {
    vm.metrics().get(&format!("keepmum.{name}")).copied().unwrap_or(-1)
}

#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn the_set_is_fetched_and_what_it_knows_goes() {
    let values: Vec<String> = (0..3).map(value).collect();
    let mut vm = Vm::start(&module(), &options("", vec![good(1, &values[..1]), good(2, &values)])).unwrap();
    let text = format!("a {} b {}\n", values[0], values[1]);
    assert_eq!(play(&mut vm, "/", &text), (200, text.clone()), "nothing is known yet");
    vm.tick();
    let (cluster, call) = vm.take_calls().remove(0);
    assert_eq!(cluster, "agent");
    let header = |name: &[u8]| call.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone());
    assert_eq!(header(b":path").unwrap(), b"/v1/fingerprints");
    assert_eq!(header(b":authority").unwrap(), b"agent");
    let want = format!("a [REDACTED:known-secret] b {}\n", values[1]);
    assert_eq!(play(&mut vm, "/", &text), (200, want));
    assert_eq!((gauge(&vm, "known_version"), gauge(&vm, "known_secrets")), (1, 1));
    wait(&mut vm);
    assert_eq!((gauge(&vm, "known_version"), gauge(&vm, "known_secrets")), (2, 3));
    let want = "a [REDACTED:known-secret] b [REDACTED:known-secret-previous]\n".to_owned();
    assert_eq!(play(&mut vm, "/", &text), (200, want));
    let call = vm.take_calls().remove(0).1;
    assert!(call.headers.iter().any(|(n, v)| n == b"if-none-match" && v == b"\"x\""));
    // A client that asks for it is told nothing new.
    let path = format!("/search?q={}", values[2]);
    let (_, body) = play(&mut vm, &path, &format!("you searched for {}\n", values[2]));
    assert_eq!(body, "you searched for [REDACTED:known-secret-reflected]\n");
    let logs: Vec<String> = vm.take_logs().into_iter().map(|l| l.text).collect();
    let audit = logs.iter().rev().find(|l| l.contains("keepmum audit")).unwrap();
    assert!(
        audit.contains(r#""id":"test:kv/app#2""#) && audit.contains(r#""reflected":true"#),
        "{audit}"
    );
    assert!(
        logs.iter()
            .any(|l| l.contains(r#""stage":"previous""#) && l.contains(r#""version":"7""#))
    );
    assert!(values.iter().all(|v| logs.iter().all(|l| !l.contains(v.as_str()))));
    assert_eq!(vm.failure(), None);
    assert_eq!(vm.take_strict(), Vec::<String>::new());
}

#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn a_set_that_cannot_be_trusted_leaves_the_last_good_one() {
    let values: Vec<String> = (0..3).map(value).collect();
    let (body, seal) = set(7, &values);
    let mut changed = body.clone();
    changed[40] ^= 1;
    let replies = vec![
        good(5, &values[..1]),
        reply("200", &seal, changed),
        reply("200", "", body.clone()),
        reply("200", &seal, body[..body.len() / 2].to_vec()),
        reply("200", &seal, Vec::new()),
        good(4, &values),
        reply("500", &seal, body.clone()),
        reply("204", &seal, Vec::new()),
        CallReply::Failure,
        reply("200", &seal, vec![b' '; keepmum_known::MOST_BYTES + 1]),
        reply("304", "", Vec::new()),
        reply("200", &seal, body),
    ];
    let count = replies.len();
    let mut vm = Vm::start(&module(), &options("", replies)).unwrap();
    let text = format!("a {} b {}\n", values[0], values[2]);
    let want = format!("a [REDACTED:known-secret] b {}\n", values[2]);
    let mut asked = 0;
    while asked + 1 < count {
        vm.tick();
        asked += vm.take_calls().len();
        if asked > 0 && asked < count {
            assert_eq!(play(&mut vm, "/", &text), (200, want.clone()), "after {asked} answers");
            assert_eq!(gauge(&vm, "known_version"), 5);
        }
    }
    wait(&mut vm);
    assert_eq!(gauge(&vm, "known_version"), 7);
    let metrics = vm.metrics();
    let counted = |name: &str| metrics.get(&format!("keepmum.{name}")).copied().unwrap_or(0);
    for (name, times) in [
        ("known_refused.reason.seal", 4),
        ("known_refused.reason.version", 1),
        ("known_refused.reason.too_large", 1),
        ("known_fetch.reason.refused", 6),
        ("known_fetch.reason.status", 2),
        ("known_fetch.reason.unreachable", 1),
        ("known_fetch.reason.unchanged", 1),
        ("known_fetch.reason.new", 2),
    ] {
        assert_eq!(counted(name), times, "{name}: {metrics:?}");
    }
    assert_eq!(vm.failure(), None);
}

#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn a_set_that_is_old_is_kept_or_alarms_or_blocks() {
    let values = [value(0)];
    let text = format!("a {}\n", values[0]);
    for (on_stale, before, after, alarms) in [
        ("keep", 200, 200, false),
        ("alarm", 200, 200, true),
        ("block", 503, 503, true),
    ] {
        let replies = vec![CallReply::Failure, good(1, &values), CallReply::Failure];
        let more = format!(", stale_after: 60s, on_stale: {on_stale}");
        let mut vm = Vm::start(&module(), &options(&more, replies)).unwrap();
        assert_eq!(play(&mut vm, "/", &text).0, before, "{on_stale}: no set yet");
        wait(&mut vm);
        assert_eq!(play(&mut vm, "/", &text).0, 200, "{on_stale}: a good set");
        assert_eq!(gauge(&vm, "known_stale"), 0);
        vm.advance(Duration::from_secs(120));
        vm.tick();
        assert_eq!(gauge(&vm, "known_stale"), 1);
        let (status, body) = play(&mut vm, "/", &text);
        assert_eq!(status, after, "{on_stale}: an old set");
        assert!(!body.contains(&values[0]));
        let logs = vm.take_logs();
        let alarmed = logs
            .iter()
            .any(|l| l.text.contains("has given no set of known secrets"));
        assert_eq!(alarmed, alarms, "{on_stale}");
    }
}

#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn a_dump_of_the_memory_shows_no_value() {
    let values: Vec<String> = (0..300).map(value).collect();
    let mut vm = Vm::start(&module(), &options("", vec![good(1, &values)])).unwrap();
    vm.tick();
    for (i, value) in values.iter().enumerate() {
        for form in forms::expand(value.as_bytes()) {
            let form = String::from_utf8_lossy(&form.text).into_owned();
            let (_, body) = play(&mut vm, "/", &format!("{i}: \"{form}\"\n"));
            assert!(body.contains("[REDACTED:known-secret"), "{body}");
        }
    }
    let (_, clean) = play(&mut vm, "/", &"nothing at all\n".repeat(2000));
    assert_eq!(clean.len(), 30_000);
    let memory = vm.memory();
    assert!(memory.windows(6).any(|w| w == b"sha256"), "it is a dump");
    for value in &values {
        for form in forms::expand(value.as_bytes()) {
            let found = memchr::memmem::find(&memory, &form.text);
            assert_eq!(found, None, "{} is left", form.name);
        }
    }
}
