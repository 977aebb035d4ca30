//! The harness itself, with a filter of eight lines: chunk boundaries, trailers, resets and refusals come through Envoy as
//! they were sent. If this fails, no other result of this crate means anything.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;
use std::time::Duration;

use keepmum_envoy::client::{Request, send};
use keepmum_envoy::config::Bootstrap;
use keepmum_envoy::process::Envoy;
use keepmum_envoy::upstream::{Answer, Upstream};
use keepmum_envoy::{VERSION, install, target};
use keepmum_host_tests::exchange::{End, Message};

const PATIENCE: Duration = Duration::from_secs(20);

fn response(path: &[u8]) -> Message {
    let header = |n: &str, v: &[u8]| (n.as_bytes().to_vec(), v.to_vec());
    let pieces = || vec![b"one,".to_vec(), b"two,".to_vec(), b"three".to_vec()];
    match path {
        b"/chunks" => Message {
            headers: vec![
                header(":status", b"418"),
                header("set-cookie", b"a=1"),
                header("x-raw", b"caf\xe9"),
                header("set-cookie", b"b=2"),
            ],
            body: pieces(),
            trailers: Some(vec![header("x-sum", b"12"), header("x-sum", b"13")]),
            end: End::Complete,
        },
        b"/reset" => Message {
            headers: vec![header(":status", b"200")],
            body: pieces(),
            trailers: None,
            end: End::Reset,
        },
        b"/length" => Message {
            headers: vec![header(":status", b"200"), header("content-length", b"13")],
            body: pieces(),
            ..Message::default()
        },
        _ => Message {
            headers: vec![header(":status", b"204")],
            ..Message::default()
        },
    }
}

#[test]
#[ignore = "needs Envoy: cargo xtask test --only envoy"]
fn what_is_sent_is_what_arrives() {
    let binary = install::envoy(VERSION).unwrap();
    let wasm = target().join("envoy/run/mark.wasm");
    std::fs::create_dir_all(wasm.parent().unwrap()).unwrap();
    std::fs::write(&wasm, wat::parse_file("testdata/mark.wat").unwrap()).unwrap();
    // Long enough that Envoy reads between two pieces even on a machine that is busy with a build.
    let pause = Duration::from_millis(100);
    let answer = move |path: &[u8]| Answer {
        message: Arc::new(response(path)),
        pause,
    };
    let upstream = Upstream::start(move |seen| answer(&seen.path)).unwrap();
    let bootstrap = Bootstrap::for_tests(&wasm, "{}", upstream.address).unwrap();
    let envoy = Envoy::start(&binary, &bootstrap, "harness").unwrap();
    let get = |path| send(envoy.address, &Request::new("GET", path), PATIENCE).unwrap();

    // A scheduler may still join two pieces once; it does not do so five times.
    let reply = (0..5)
        .map(|_| get("/chunks"))
        .find(|reply| reply.rest.chunks.len() == 3);
    let reply = reply.expect("chunk boundaries survive");
    assert_eq!(reply.status, 418);
    assert_eq!(reply.header("x-probe"), Some(&b"seen"[..]), "the module ran");
    assert_eq!(reply.rest.chunks.concat(), b"one,two,three");
    // A busy machine can let two chunks arrive as one; nothing may ever make them arrive in another order or cut.
    let apart = (0..20).any(|_| get("/chunks").rest.chunks == [b"one,".to_vec(), b"two,".to_vec(), b"three".to_vec()]);
    assert!(apart, "chunks that were sent apart arrive apart, at least now and then");
    let trailers = reply.rest.trailers.unwrap();
    assert_eq!(
        trailers,
        [(b"x-sum".to_vec(), b"12".to_vec()), (b"x-sum".to_vec(), b"13".to_vec())]
    );
    let stable = keepmum_envoy::compare::stable(&reply.headers);
    let names: Vec<_> = stable.iter().map(|(n, v)| (n.as_slice(), v.as_slice())).collect();
    let expected: [(&[u8], &[u8]); 4] = [
        (b"set-cookie", b"a=1"),
        (b"x-raw", b"caf\xe9"),
        (b"set-cookie", b"b=2"),
        (b"x-probe", b"seen"),
    ];
    assert_eq!(names, expected);

    let reply = get("/reset");
    assert!(reply.rest.cut, "a reset reaches the client as a cut");
    assert_eq!(reply.body(), b"one,two,three");

    let reply = get("/length");
    assert_eq!(
        (reply.body().as_slice(), reply.rest.cut),
        (&b"one,two,three"[..], false)
    );
    assert_eq!(get("/").status, 204);
    assert_eq!(
        send(envoy.address, &Request::new("HEAD", "/length"), PATIENCE)
            .unwrap()
            .body(),
        b""
    );

    let refused = Bootstrap::for_tests(&wasm, "{}", Upstream::refusing().unwrap()).unwrap();
    let lonely = Envoy::start(&binary, &refused, "harness-refused").unwrap();
    let reply = send(lonely.address, &Request::new("GET", "/"), PATIENCE).unwrap();
    assert_eq!(reply.status, 503);
    assert_eq!(
        reply.header("x-probe"),
        Some(&b"seen"[..]),
        "the module sees what Envoy itself answers"
    );
}
