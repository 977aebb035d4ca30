//! The table with streams that end early: whichever piece was the last, nothing traps, nothing leaks, nothing grows.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may stop")]

use std::path::Path;

use keepmum_host_tests::capture::leaked;
use keepmum_host_tests::exchange::{End, Exchange, Message};
use keepmum_host_tests::host::{Module, Options, Vm};
use keepmum_scenarios::Cut;
use keepmum_scenarios::table::{Scenario, Way, all};

/// The same message, reset behind so many pieces of its body; `None` if it has no more.
fn short(message: &Message, pieces: usize) -> Option<Message> {
    (pieces <= message.body.len()).then(|| Message {
        headers: message.headers.clone(),
        body: message.body[..pieces].to_vec(),
        trailers: None,
        end: End::Reset,
    })
}

/// Every beginning of an exchange.
fn beginnings(exchange: &Exchange) -> Vec<Exchange> {
    let with = |request: Message, response: Message| Exchange {
        request,
        response,
        ..exchange.clone()
    };
    let asked = (0..).map_while(|n| Some(with(short(&exchange.request, n)?, exchange.response.clone())));
    let answered = (0..).map_while(|n| Some(with(exchange.request.clone(), short(&exchange.response, n)?)));
    asked.chain(answered).collect()
}

#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn streams_that_end_early_leak_nothing_and_cost_nothing() {
    let wasm = std::env::var_os("KEEPMUM_WASM").expect("KEEPMUM_WASM names the module");
    let module = Module::load(Path::new(&wasm)).unwrap();
    let table = all().unwrap();
    let mut policies: Vec<&str> = table.iter().map(|s| s.policy_name.as_str()).collect();
    policies.sort_unstable();
    policies.dedup();
    let mut runs = 0;
    for way in [Way::OneOne, Way::TwoTwo] {
        for policy in &policies {
            let of: Vec<&Scenario> = table.iter().filter(|s| s.policy_name == **policy).collect();
            let options = Options {
                configuration: of[0].policy.to_string().into(),
                http2: way.client_is_2(),
                ..Options::default()
            };
            let mut vm = Vm::start(&module, &options).unwrap();
            let mut memory = 0;
            for round in 0..2 {
                for scenario in of.iter().filter(|s| s.ways.contains(&way)) {
                    for exchange in beginnings(&scenario.exchange(Cut::Random, way)) {
                        let replay = vm.exchange(&exchange).unwrap();
                        let name = &exchange.name;
                        assert!(replay.failure.is_none(), "{name}: {:?}", replay.failure);
                        assert_eq!(replay.strict, Vec::<String>::new(), "{name}");
                        let leaks = leaked(&scenario.client.without, &replay.client.message);
                        assert!(leaks.is_empty(), "{name}: {leaks:?}");
                        runs += 1;
                    }
                }
                if round == 0 {
                    memory = vm.memory_bytes();
                }
            }
            assert_eq!(vm.memory_bytes(), memory, "{policy}: memory grew in the second round");
        }
    }
    eprintln!("{runs} exchanges");
}
