//! The table of scenarios through a real Envoy, over HTTP/1.1 and HTTP/2 on both sides: a client and a server see what the
//! table says, and what the wasmtime host says.
//!
//! One Envoy for each policy, and many exchanges in it at a time: most of the time is pauses that keep pieces apart.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use keepmum_envoy::client::{self, Reply};
use keepmum_envoy::compare;
use keepmum_envoy::config::{Bootstrap, HTTP1, HTTP2, UPSTREAM};
use keepmum_envoy::lab::{PATIENCE, WHICH};
use keepmum_envoy::process::Envoy;
use keepmum_envoy::upstream::{Answer, Choose, Seen, Upstream};
use keepmum_envoy::{http2, http2_upstream};
use keepmum_host_tests::exchange::{Exchange, Message};
use keepmum_host_tests::host::{Module, Options};
use keepmum_host_tests::replay::{Ended, Replay, Replayer};
use keepmum_scenarios::table::{Scenario, Way, all};
use keepmum_scenarios::{Cut, Got, judge};

/// Enough that pieces arrive apart, on loopback.
const PAUSE: Duration = Duration::from_millis(3);

/// How many exchanges are under way in one Envoy.
const AT_ONCE: usize = 16;

/// Envoys at a time.
const LANES: usize = 2;

/// Its level of detail is that of operation: at trace level each piece of a body is a dozen lines.
const LOG: [&str; 2] = ["--log-level", "warning"];

struct Run<'t> {
    scenario: &'t Scenario,
    way: Way,
    exchange: Exchange,
    host: Replay,
}

#[test]
#[ignore = "needs the module and Envoy: cargo xtask test --only envoy"]
fn clients_and_servers_of_envoy_see_what_the_table_says() {
    let wasm = common::module();
    let module = Module::load(&wasm).unwrap();
    let only = std::env::var("KEEPMUM_SCENARIO").unwrap_or_default();
    let table = all().unwrap();
    let table: Vec<&Scenario> = table.iter().filter(|s| s.name.contains(&only)).collect();
    let mut policies: Vec<&str> = table.iter().map(|s| s.policy_name.as_str()).collect();
    policies.sort_unstable();
    policies.dedup();
    for (version, binary) in common::envoys() {
        let (begun, next) = (Instant::now(), AtomicUsize::new(0));
        let (wrong, count) = (Mutex::new(Vec::new()), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..LANES {
                scope.spawn(|| {
                    while let Some(policy) = policies.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let of: Vec<&Scenario> = table.iter().filter(|s| s.policy_name == **policy).copied().collect();
                        let runs = hosted(&module, &of);
                        count.fetch_add(runs.len(), Ordering::Relaxed);
                        let found = through(&binary, &wasm, &runs, &format!("scenarios-{version}-{policy}"), 0);
                        wrong.lock().unwrap().extend(found);
                    }
                });
            }
        });
        let mut wrong = wrong.into_inner().unwrap();
        wrong.sort();
        eprintln!(
            "Envoy {version}: {} scenarios, {} policies, {} exchanges, {:.0} s",
            table.len(),
            policies.len(),
            count.into_inner(),
            begun.elapsed().as_secs_f32()
        );
        assert!(
            wrong.is_empty(),
            "Envoy {version}: {} wrong\n{}",
            wrong.len(),
            wrong.join("\n")
        );
    }
}

#[test]
#[ignore = "needs the module and Envoy: cargo xtask test --only envoy"]
fn clients_that_go_away_leave_nothing_behind() {
    let wasm = common::module();
    let module = Module::load(&wasm).unwrap();
    let table = all().unwrap();
    for (version, binary) in common::envoys() {
        for policy in ["default", "requests"] {
            let of: Vec<&Scenario> = table.iter().filter(|s| s.policy_name == policy).collect();
            let mut runs = hosted(&module, &of);
            runs.retain(|run| run.exchange.name.contains("/random/"));
            assert!(runs.len() > 20, "{policy}");
            let name = format!("gone-{version}-{policy}");
            let wrong = through(&binary, &wasm, &runs, &name, 4);
            assert!(wrong.is_empty(), "Envoy {version}:\n{}", wrong.join("\n"));
        }
    }
}

/// Which cuts go over which connections: all of them where both sides speak the same.
fn goes(cut: Cut, way: Way) -> bool {
    matches!(way, Way::OneOne | Way::TwoTwo) || matches!(cut, Cut::Whole | Cut::Secret | Cut::Random)
}

fn hosted<'t>(module: &Module, scenarios: &[&'t Scenario]) -> Vec<Run<'t>> {
    let mut runs = Vec::new();
    for way in Way::ALL {
        let options = Options {
            http2: way.client_is_2(),
            http2_upstream: Some(way.server_is_2()),
            ..Options::default()
        };
        let mut replayer = Replayer::new(module, options);
        for scenario in scenarios.iter().filter(|s| s.ways.contains(&way)) {
            for cut in scenario.cuts().into_iter().filter(|cut| goes(*cut, way)) {
                let exchange = scenario.exchange(cut, way);
                let mut host = replayer.replay(&exchange).unwrap();
                if way != Way::OneOne {
                    let headers = &mut host.client.message.headers;
                    *headers = compare::grouped(headers);
                }
                runs.push(Run {
                    scenario,
                    way,
                    exchange,
                    host,
                });
            }
        }
    }
    runs
}

/// What is wrong with these exchanges, after so many rounds of them in which clients go away before the end.
fn through(binary: &Path, wasm: &Path, runs: &[Run], name: &str, gone: usize) -> Vec<String> {
    let answers: HashMap<Vec<u8>, Arc<Message>> = runs
        .iter()
        .map(|r| (r.exchange.name.clone().into(), Arc::new(r.exchange.response.clone())))
        .collect();
    let seen: Arc<Mutex<HashMap<Vec<u8>, Seen>>> = Arc::default();
    let log = Arc::clone(&seen);
    let choose: Arc<Choose> = Arc::new(move |request: &Seen| {
        let which = request.header(WHICH).unwrap_or_default().to_vec();
        let answer = answers.get(&which).cloned().unwrap_or_default();
        log.lock().unwrap().insert(which, request.clone());
        Answer {
            message: answer,
            pause: PAUSE,
        }
    });
    let again = Arc::clone(&choose);
    let first = Upstream::start(move |request| again(request)).unwrap();
    let second = http2_upstream::Upstream::start(choose).unwrap();
    let policy = runs[0].scenario.policy.to_string();
    let made = Bootstrap::for_tests(wasm, &policy, first.address).unwrap();
    let made = made.two_upstreams(first.address, second.address).unwrap();
    let made = made.websockets().unwrap();
    let mut envoy = Envoy::start_logging(binary, &made, name, &LOG).unwrap();
    let to = envoy.address;
    for round in 0..gone {
        at_once(runs, |i, run| {
            let patience = Duration::from_micros(500 + 700 * ((i + round * 5) as u64 % 24));
            // That it ends too early is what it is for.
            drop(send(to, run, patience));
        });
    }
    if gone > 0 {
        // What is still on its way to the servers belongs to nobody.
        std::thread::sleep(Duration::from_secs(1));
        seen.lock().unwrap().clear();
    }
    let wrong = Mutex::new(Vec::new());
    at_once(runs, |_, run| {
        let found = match send(to, run, PATIENCE) {
            Ok(mut reply) => {
                if run.way != Way::OneOne {
                    reply.headers = compare::grouped(&reply.headers);
                }
                if reply.status == 101 {
                    // Behind an upgrade nothing says whether the end is one.
                    reply.rest.cut = run.host.client.ended != Ended::Complete;
                }
                judged(run, &reply, &seen)
            }
            Err(e) => vec![format!("{e:#}")],
        };
        let found = found.into_iter().map(|w| format!("{}: {w}", run.exchange.name));
        wrong.lock().unwrap().extend(found);
    });
    let mut wrong = wrong.into_inner().unwrap();
    if !envoy.alive() {
        wrong.push(format!("Envoy crashed; see {}", envoy.log.display()));
    }
    // A VM that failed is made anew: no exchange may have made one fail.
    for stat in ["wasm.keepmum.vm_reload_success", "wasm.keepmum.vm_reload_backoff"] {
        let times = envoy.stat(stat).unwrap();
        if times > 0 {
            wrong.push(format!("{stat} is {times}"));
        }
    }
    wrong
}

/// All of them, several at a time.
fn at_once<'t>(runs: &[Run<'t>], each: impl Fn(usize, &Run<'t>) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE.min(runs.len()) {
            scope.spawn(|| {
                loop {
                    let i = next.fetch_add(1, Ordering::Relaxed);
                    let Some(run) = runs.get(i) else { return };
                    each(i, run);
                }
            });
        }
    });
}

fn send(to: std::net::SocketAddr, run: &Run, patience: Duration) -> anyhow::Result<Reply> {
    let mut request = run.exchange.request.clone();
    let cluster = if run.way.server_is_2() { HTTP2 } else { HTTP1 };
    request.headers.push((WHICH.into(), run.exchange.name.clone().into()));
    request.headers.push((UPSTREAM.into(), cluster.into()));
    if run.way.client_is_2() {
        http2::send(to, &request, PAUSE, patience)
    } else {
        client::send_message(to, &request, PAUSE, patience)
    }
}

fn judged(run: &Run, reply: &Reply, seen: &Mutex<HashMap<Vec<u8>, Seen>>) -> Vec<String> {
    let mut wrong: Vec<String> = compare::check(&run.exchange, reply, &run.host)
        .into_iter()
        .filter(|w| !run.scenario.client.without.is_empty() || !w.ends_with("reached the client"))
        .collect();
    let status = (b":status".to_vec(), reply.status.to_string().into_bytes());
    let got = Got {
        message: Message {
            headers: std::iter::once(status).chain(reply.headers.iter().cloned()).collect(),
            body: reply.rest.chunks.clone(),
            trailers: reply.rest.trailers.clone(),
            ..Message::default()
        },
        cut: reply.rest.cut,
    };
    wrong.extend(judge::wrong(&run.scenario.client, Some(&got)));
    let arrived = seen.lock().unwrap().remove(run.exchange.name.as_bytes());
    let arrived = arrived.map(|seen| {
        let mut headers = vec![(b":method".to_vec(), seen.method), (b":path".to_vec(), seen.path)];
        headers.extend(seen.headers);
        Got {
            message: Message {
                headers,
                body: vec![seen.body],
                trailers: seen.trailers,
                ..Message::default()
            },
            cut: seen.cut,
        }
    });
    let sent = judge::wrong(&run.scenario.upstream, arrived.as_ref());
    wrong.extend(sent.into_iter().map(|w| format!("upstream: {w}")));
    wrong
}
