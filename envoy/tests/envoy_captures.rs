//! Every bundled capture through a real Envoy and through the wasmtime host: a client sees the same bytes, none of them
//! planted, and Envoy's log at trace level holds none either.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use keepmum_envoy::compare::check;
use keepmum_envoy::lab::Lab;
use keepmum_envoy::search::Search;
use keepmum_host_tests::capture;
use keepmum_host_tests::exchange::Exchange;
use keepmum_host_tests::host::{Module, Options};
use keepmum_host_tests::replay::{Replay, replay};

/// The configuration of captures that bring none.
const DEFAULT: &str = "{}";

#[test]
#[ignore = "needs the module and Envoy: cargo xtask test --only envoy"]
fn a_client_of_envoy_sees_what_the_host_says() {
    let wasm = common::module();
    let exchanges = capture::bundled().unwrap();
    assert!(exchanges.len() >= 12, "the bundle is there");
    let hosted = through_the_host(&wasm, &exchanges);
    for (version, binary) in common::envoys() {
        eprintln!("Envoy {version}: {} captures", exchanges.len());
        let mut lab = Lab::start(&binary, &wasm, &exchanges, DEFAULT, &format!("captures-{version}"), Ok).unwrap();
        let mut wrong = Vec::new();
        for (exchange, host) in exchanges.iter().zip(&hosted) {
            match lab.replay(exchange, DEFAULT) {
                Ok(reply) => wrong.extend(
                    check(exchange, &reply, host)
                        .iter()
                        .map(|w| format!("{}: {w}", exchange.name)),
                ),
                Err(e) => wrong.push(format!("{}: {e:#}", exchange.name)),
            }
        }
        let all: Vec<_> = exchanges.iter().flat_map(|e| e.planted.clone()).collect();
        let search = Search::new(&all);
        for envoy in lab.envoys() {
            if !envoy.alive() {
                wrong.push(format!("an Envoy crashed; see {}", envoy.log.display()));
            }
            let log = envoy.log_bytes().unwrap();
            assert!(
                log.windows(4).any(|w| w == b"wasm"),
                "the log is at trace level for wasm"
            );
            wrong.extend(
                search
                    .hits(&log)
                    .iter()
                    .map(|hit| format!("{}: {hit:?}", envoy.log.display())),
            );
        }
        assert!(wrong.is_empty(), "Envoy {version}:\n{}", wrong.join("\n"));
    }
}

#[test]
#[ignore = "needs the module and Envoy: cargo xtask test --only envoy"]
fn a_small_buffer_limit_changes_nothing() {
    let wasm = common::module();
    let mut exchanges = capture::bundled().unwrap();
    exchanges.retain(|e| !e.response.body.is_empty());
    let hosted = through_the_host(&wasm, &exchanges);
    let (version, binary) = common::envoys().swap_remove(0);
    let mut lab = Lab::start(&binary, &wasm, &exchanges, DEFAULT, &format!("small-{version}"), |b| {
        b.buffer_limit(20_000)
    })
    .unwrap();
    let mut wrong = Vec::new();
    for (exchange, host) in exchanges.iter().zip(&hosted) {
        let reply = lab.replay(exchange, DEFAULT).unwrap();
        wrong.extend(
            check(exchange, &reply, host)
                .iter()
                .map(|w| format!("{}: {w}", exchange.name)),
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn through_the_host(wasm: &std::path::Path, exchanges: &[Exchange]) -> Vec<Replay> {
    let module = Module::load(wasm).unwrap();
    let options = Options {
        configuration: DEFAULT.into(),
        ..Options::default()
    };
    exchanges
        .iter()
        .map(|e| replay(&module, &options, e).unwrap())
        .collect()
}
