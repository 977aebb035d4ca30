//! The table through the module in the wasmtime host: over every connection and however bodies are cut.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may stop")]

use std::path::Path;

use keepmum_host_tests::host::{Ended, Module, Options};
use keepmum_host_tests::replay::{Replay, Replayer};
use keepmum_scenarios::table::{Way, all};
use keepmum_scenarios::{Got, judge};

#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn every_scenario_ends_as_it_must() {
    let wasm = std::env::var_os("KEEPMUM_WASM").expect("KEEPMUM_WASM names the module");
    let module = Module::load(Path::new(&wasm)).unwrap();
    let only = std::env::var("KEEPMUM_SCENARIO").unwrap_or_default();
    let table = all().unwrap();
    let (mut wrong, mut runs) = (Vec::new(), 0);
    for way in Way::ALL {
        let options = Options {
            http2: way.client_is_2(),
            http2_upstream: Some(way.server_is_2()),
            ..Options::default()
        };
        let mut replayer = Replayer::new(&module, options);
        for scenario in table.iter().filter(|s| s.ways.contains(&way) && s.name.contains(&only)) {
            for cut in scenario.cuts() {
                let exchange = scenario.exchange(cut, way);
                let replay = replayer.replay(&exchange).unwrap();
                runs += 1;
                let mut found = sound(&replay);
                let client = Got {
                    cut: replay.client.ended != Ended::Complete,
                    message: replay.client.message.clone(),
                };
                found.extend(judge::wrong(&scenario.client, Some(&client)));
                let got = replay.upstream.as_ref().map(|message| Got {
                    cut: message.end != keepmum_host_tests::exchange::End::Complete,
                    message: message.clone(),
                });
                let sent = judge::wrong(&scenario.upstream, got.as_ref());
                found.extend(sent.into_iter().map(|w| format!("upstream: {w}")));
                if let Some(outcome) = &scenario.outcome
                    && replay.told.get("outcome") != Some(outcome)
                {
                    found.push(format!("outcome {:?}", replay.told.get("outcome")));
                }
                wrong.extend(found.into_iter().map(|w| format!("{}: {w}", exchange.name)));
            }
        }
    }
    assert!(!only.is_empty() || table.len() >= 120, "the table is there");
    eprintln!("{} scenarios, {runs} exchanges", table.len());
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

fn sound(replay: &Replay) -> Vec<String> {
    let failure = replay.failure.iter().map(|f| format!("the VM failed: {f}"));
    let hang = (replay.client.ended == Ended::Hang).then(|| "it hangs".to_owned());
    failure.chain(replay.strict.clone()).chain(hang).collect()
}
