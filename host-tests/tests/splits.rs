//! The first promise: what comes out does not depend on how a body was cut. Checked on every capture, in the engine
//! and through the module.
//!
//! Bodies of up to 8 KiB are cut at every byte. Larger ones are cut at every byte too, in overlapping windows of
//! 1 KiB that each count as a body (all cuts of the whole would be a terabyte of work), and as a whole at seeded places.
//! Through the module, what is larger than 2 KiB is cut at every byte around each finding, and elsewhere at 2,048 places (the list, and
//! over HTTP/2, at 256).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may stop")]

use std::path::Path;

use keepmum_engine::{Body, BodyKind, Engine, Exchange as Found, Flow, Workspace};
use keepmum_host_tests::capture;
use keepmum_host_tests::exchange::Exchange;
use keepmum_host_tests::host::{LogLevel, Module, Options, Vm};
use keepmum_host_tests::replay::Ended;

const SMALL: usize = 8 * 1024;
const WINDOW: usize = 1024;

/// Numbers that are the same in every run.
struct Seeded(u64);

impl Seeded {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n.max(1)
    }

    /// Up to seven cuts.
    fn cuts(&mut self, len: usize) -> Vec<usize> {
        let mut at: Vec<usize> = (0..1 + self.below(7)).map(|_| self.below(len + 1)).collect();
        at.sort_unstable();
        at
    }
}

fn pieces<'a>(text: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut from = 0;
    let mut all = Vec::new();
    for &cut in cuts {
        all.push(&text[from..cut]);
        from = cut;
    }
    all.push(&text[from..]);
    all
}

fn through_engine(engine: &Engine, kind: BodyKind, work: &mut Workspace, pieces: &[&[u8]]) -> Vec<u8> {
    let mut found = Found::default();
    let mut body = Body::new(kind);
    let mut out = Vec::new();
    for piece in pieces {
        if body.push(engine, work, &mut found, piece, &mut out) == Flow::Pass {
            out.extend_from_slice(piece);
        }
    }
    body.finish(engine, work, &mut found, &mut out);
    out
}

#[test]
fn every_cut_of_every_capture_gives_the_same_in_the_engine() {
    let policy = br#"{"detectors":{"packs":["secrets","tokens"]},"fields":[{"names":["password","email"]}]}"#;
    let engine = Engine::new(policy).unwrap();
    let mut work = Workspace::default();
    let mut seeded = Seeded(1);
    let mut changed = 0;
    for exchange in capture::bundled().unwrap() {
        let body = exchange.response.body_bytes();
        let json = exchange
            .response
            .header("content-type")
            .is_some_and(|t| t.starts_with(b"application/json"));
        let kind = BodyKind {
            json,
            keep_length: false,
        };
        let step = if body.len() <= SMALL { SMALL } else { WINDOW };
        for start in (0..body.len().max(1)).step_by(step / 2) {
            let text = &body[start..body.len().min(start + step)];
            let want = through_engine(&engine, kind, &mut work, &[text]);
            changed += usize::from(want != text);
            for at in 0..=text.len() {
                let got = through_engine(&engine, kind, &mut work, &[&text[..at], &text[at..]]);
                assert!(got == want, "{}: cut at {start}+{at}", exchange.name);
            }
            if start + step >= body.len() {
                break;
            }
        }
        let want = through_engine(&engine, kind, &mut work, &[&body]);
        let bytes: Vec<&[u8]> = body.chunks(1).collect();
        assert!(
            through_engine(&engine, kind, &mut work, &bytes) == want,
            "{}: single bytes",
            exchange.name
        );
        for _ in 0..20 {
            let cuts = seeded.cuts(body.len());
            let got = through_engine(&engine, kind, &mut work, &pieces(&body, &cuts));
            assert!(got == want, "{}: cut at {cuts:?}", exchange.name);
        }
        // What was redacted stays as it is.
        assert!(
            through_engine(&engine, kind, &mut work, &[&want]) == want,
            "{}: a second pass",
            exchange.name
        );
    }
    assert!(changed > 10, "the captures hold secrets");
}

/// What the client got, with its chunks joined.
fn through_module(vm: &mut Vm, exchange: &Exchange, pieces: &[&[u8]]) -> (Ended, Vec<u8>, String) {
    let mut cut = exchange.clone();
    cut.response.body = pieces.iter().filter(|p| !p.is_empty()).map(|p| p.to_vec()).collect();
    let replay = vm.exchange(&cut).unwrap();
    assert!(
        replay.strict.is_empty() && replay.failure.is_none(),
        "{}: {:?} {:?}",
        exchange.name,
        replay.strict,
        replay.failure
    );
    let message = replay.client.message;
    (
        replay.client.ended,
        message.body_bytes(),
        format!("{:?} {:?}", message.headers, message.trailers),
    )
}

/// Where in the body secrets stand.
fn found_at(module: &Module, options: &Options, exchange: &Exchange) -> Vec<(usize, usize)> {
    let debug = Options {
        log_level: LogLevel::Debug,
        ..options.clone()
    };
    let replay = Vm::start(module, &debug).unwrap().exchange(exchange).unwrap();
    let body = replay.findings.iter().filter(|f| f.place == "response.body");
    body.map(|f| (f.start as usize, f.end as usize)).collect()
}

#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn every_cut_of_every_capture_gives_the_same_through_the_module() {
    let wasm = std::env::var_os("KEEPMUM_WASM").expect("KEEPMUM_WASM names the module");
    let module = Module::load(Path::new(&wasm)).unwrap();
    let mut seeded = Seeded(2);
    for exchange in capture::bundled().unwrap() {
        let policy = exchange.policy.as_ref().map(|p| serde_json::to_vec(p).unwrap());
        let body = exchange.response.body_bytes();
        for http2 in [false, true] {
            let options = Options {
                configuration: policy.clone().unwrap_or_default(),
                http2,
                log_level: LogLevel::Error,
                // The cuts are the point here; what overflows has tests of its own.
                buffer_limit: 4 << 20,
                ..Options::default()
            };
            let mut vm = Vm::start(&module, &options).unwrap();
            let want = through_module(&mut vm, &exchange, &[&body]);
            let places = found_at(&module, &options, &exchange);
            let mut check = |cuts: &[usize]| {
                let got = through_module(&mut vm, &exchange, &pieces(&body, cuts));
                assert!(
                    got == want,
                    "{} (HTTP/2: {http2}): cut at {cuts:?}: {:?}, {} bytes",
                    exchange.name,
                    got.0,
                    got.1.len()
                );
            };
            // Every byte where something was found and around it; elsewhere every byte of what is small.
            let most = if http2 || body.len() > 64 * 1024 { 256 } else { 2048 };
            let every = body.len() / most + 1;
            for at in 0..=body.len() {
                let near = places.iter().any(|(from, to)| at + 40 > *from && at < *to + 40);
                if near || at % every == 0 {
                    check(&[at]);
                }
            }
            for _ in 0..20 {
                check(&seeded.cuts(body.len()));
            }
            if body.len() <= SMALL {
                check(&(1..body.len()).collect::<Vec<_>>());
            }
        }
    }
}
