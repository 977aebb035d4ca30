//! Loading, starting, failing, and many streams at once: what does not fit a row.

use std::time::Duration;

use keepmum_host_tests::exchange::{Exchange, Message};
use keepmum_host_tests::host::{CallReply, Direction, Ended, FailurePolicy, LogLevel, Module, Options, Refused, Vm};

use crate::kit::{headers, pieces, plain, probe_text};

fn module(callbacks: &[(&str, &str)]) -> Module {
    Module::from_bytes(probe_text(callbacks).as_bytes()).expect("the probe is well formed")
}

fn options() -> Options {
    Options {
        log_level: LogLevel::Trace,
        ..Options::default()
    }
}

fn refusal(text: &str, options: &Options) -> Refused {
    let module = Module::from_bytes(text.as_bytes()).expect("the text is well formed");
    let error = Vm::start(&module, options).expect_err("the module must be refused");
    error.downcast_ref::<Refused>().expect("a refusal").clone()
}

#[test]
fn modules_that_envoy_does_not_load_are_refused() {
    let table: &[(&str, &str, &str)] = &[
        (
            "no marker",
            r#"(memory (export "memory") 1) (func (export "malloc") (param i32) (result i32) i32.const 0)"#,
            "unknown Proxy-Wasm ABI version",
        ),
        (
            "two markers",
            r#"(func (export "proxy_abi_version_0_2_0")) (func (export "proxy_abi_version_0_2_1")) (memory (export "memory") 1)
               (func (export "malloc") (param i32) (result i32) i32.const 0)"#,
            "unknown Proxy-Wasm ABI version",
        ),
        (
            "no allocator",
            r#"(func (export "proxy_abi_version_0_2_1")) (memory (export "memory") 1)"#,
            "missing malloc",
        ),
        (
            "an unknown import",
            r#"(import "env" "proxy_no_such_call" (func)) (func (export "proxy_abi_version_0_2_1")) (memory (export "memory") 1)
               (func (export "malloc") (param i32) (result i32) i32.const 0)"#,
            "proxy_no_such_call",
        ),
        (
            "an import with another signature",
            r#"(import "env" "proxy_log" (func (param i64))) (func (export "proxy_abi_version_0_2_1")) (memory (export "memory") 1)
               (func (export "malloc") (param i32) (result i32) i32.const 0)"#,
            "proxy_log",
        ),
        (
            "a call of another ABI version",
            r#"(import "env" "proxy_continue_request" (func (result i32))) (func (export "proxy_abi_version_0_2_1")) (memory (export "memory") 1)
               (func (export "malloc") (param i32) (result i32) i32.const 0)"#,
            "proxy_continue_request",
        ),
        (
            "an export with another signature",
            r#"(func (export "proxy_abi_version_0_2_1")) (memory (export "memory") 1)
               (func (export "malloc") (param i32) (result i32) i32.const 0) (func (export "proxy_on_log") (param i64))"#,
            "Bad function signature for: proxy_on_log",
        ),
        (
            "more than 1 GiB of memory",
            r#"(func (export "proxy_abi_version_0_2_1")) (memory (export "memory") 16385)
               (func (export "malloc") (param i32) (result i32) i32.const 0)"#,
            "memory",
        ),
    ];
    for (fact, body, reason) in table {
        let refused = refusal(&format!("(module {body})"), &options());
        assert!(refused.reason.contains(reason), "{fact}: {}", refused.reason);
    }
}

#[test]
fn the_older_abis_load_with_their_own_calls() {
    for (marker, import) in [
        ("0_1_0", "proxy_continue_request\" (func"),
        ("0_2_0", "proxy_continue_stream\" (func (param i32)"),
    ] {
        let text = format!(
            r#"(module (import "env" "{import} (result i32))) (func (export "proxy_abi_version_{marker}")) (memory (export "memory") 1)
               (func (export "proxy_on_memory_allocate") (param i32) (result i32) i32.const 0))"#
        );
        let module = Module::from_bytes(text.as_bytes()).expect("well formed");
        let replay = Vm::start(&module, &options())
            .expect("it starts")
            .exchange(&plain())
            .expect("it runs");
        assert_eq!(replay.client.ended, Ended::Complete, "{marker}");
    }
}

#[test]
fn only_a_few_calls_are_allowed_while_starting() {
    for (call, allowed) in [
        ("(drop (call $log #2 #64 #0))", true),
        ("(drop (call $environ_sizes_get #16 #20))", true),
        ("(drop (call $clock_time_get #0 (i64.const 1) #32))", true),
        ("(drop (call $random_get #32 #8))", true),
        ("(drop (call $get_time #32))", false),
        ("(drop (call $define_metric #0 'a' #16))", false),
        ("(drop (call $get_buffer #7 #0 #9 #16 #20))", false),
    ] {
        let started = Vm::start(&module(&[("_initialize", call)]), &options());
        match started {
            Ok(_) => assert!(allowed, "{call} must be refused"),
            Err(error) => assert!(
                !allowed && error.to_string().contains("restricted_callback"),
                "{call}: {error}"
            ),
        }
    }
}

#[test]
fn a_module_that_says_no_to_its_configuration_is_refused_with_its_lines() {
    let text = probe_text(&[("configure", "(call $say 'why' #7) #0")]);
    let refused = refusal(&text, &options());
    assert!(refused.reason.contains("proxy_on_configure"), "{}", refused.reason);
    assert_eq!(
        refused.logs.iter().map(|l| l.text.as_str()).collect::<Vec<_>>(),
        ["why=7"]
    );
    assert!(refused.to_string().contains("why=7"));
    let refused = refusal(&probe_text(&[("configure", "unreachable")]), &options());
    assert!(refused.reason.contains("unreachable"), "{}", refused.reason);
}

/// Traps on the word `trap` at the start of a response body, else lets it pass.
const FRAGILE: &[(&str, &str)] = &[(
    "response_body",
    "(if (i32.eqz (local.get $end)) (then
       (drop (call $get_buffer #1 #0 #4 #16 #20))
       (if (i32.eq (i32.load (i32.load #16)) #1885434484) (then unreachable)))) #0",
)];

fn answer(body: &[&str]) -> Exchange {
    let mut exchange = plain();
    exchange.response.body = pieces(body);
    exchange
}

#[test]
fn what_a_trap_does_to_streams_depends_on_the_policy() {
    use FailurePolicy::{FailClosed, FailOpen, FailReload, LegacyFailOpen};
    // policy, the failing stream, a stream in flight, the next, the next after the back-off
    let table = [
        (FailClosed, (200, Ended::Reset), (200, Ended::Reset), 503, 503),
        (FailReload, (200, Ended::Reset), (200, Ended::Reset), 503, 200),
        (FailOpen, (200, Ended::Reset), (200, Ended::Reset), 200, 200),
        (LegacyFailOpen, (200, Ended::Complete), (200, Ended::Complete), 200, 200),
    ];
    for (policy, failing, in_flight, next, later) in table {
        let mut vm = Vm::start(
            &module(FRAGILE),
            &Options {
                failure_policy: policy,
                ..options()
            },
        )
        .expect("it starts");
        let other = vm.open();
        vm.feed_message(other, Direction::Request, &plain().request)
            .expect("known");
        vm.feed_headers(other, Direction::Response, &plain().response.headers, false)
            .expect("known");
        vm.feed_body(other, Direction::Response, b"first ", false)
            .expect("known");

        let replay = vm.exchange(&answer(&["trap", "rest"])).expect("it runs");
        assert_eq!(
            (replay.client.status, replay.client.ended),
            failing,
            "{policy:?}, failing"
        );
        assert!(vm.failure().is_some_and(|why| why.contains("unreachable")));

        vm.feed_body(other, Direction::Response, b"second", false)
            .expect("known");
        vm.feed_body(other, Direction::Response, b"", true).expect("known");
        let outcome = vm.finish(other).expect("known");
        assert_eq!(
            (outcome.client.status, outcome.client.ended),
            in_flight,
            "{policy:?}, in flight"
        );

        assert_eq!(
            vm.exchange(&plain()).expect("it runs").client.status,
            next,
            "{policy:?}, next"
        );
        vm.advance(Duration::from_secs(2));
        assert_eq!(
            vm.exchange(&plain()).expect("it runs").client.status,
            later,
            "{policy:?}, later"
        );
    }
}

#[test]
fn a_trap_before_the_headers_are_sent_is_a_503_without_a_body() {
    let mut vm = Vm::start(&module(&[("response_headers", "unreachable")]), &options()).expect("it starts");
    let replay = vm.exchange(&plain()).expect("it runs");
    assert_eq!((replay.client.status, replay.client.ended), (503, Ended::Complete));
    assert_eq!(replay.client.message.body_bytes(), b"");
}

#[test]
fn an_endless_loop_ends_by_fuel_or_by_time() {
    let endless = module(&[("response_body", "(loop $again (br $again)) #0")]);
    let by_fuel = Options {
        fuel: Some(1_000_000),
        ..options()
    };
    let by_time = Options {
        time_limit: Some(Duration::from_millis(200)),
        ..options()
    };
    for options in [by_fuel, by_time] {
        let mut vm = Vm::start(&endless, &options).expect("it starts");
        let replay = vm.exchange(&plain()).expect("it runs");
        assert_eq!(replay.client.ended, Ended::Reset);
        assert!(replay.failure.is_some());
        assert_eq!(replay.fuel >= 1_000_000, options.fuel.is_some());
    }
}

#[test]
fn memory_stops_at_its_limit() {
    let greedy = module(&[(
        "request_headers",
        "(call $say 'grown' (i32.ne (memory.grow #1000) #-1)) #0",
    )]);
    for (limit, grown) in [(1 << 30, "grown=1"), (1 << 20, "grown=0")] {
        let mut vm = Vm::start(
            &greedy,
            &Options {
                memory_limit: limit,
                ..options()
            },
        )
        .expect("it starts");
        let replay = vm.exchange(&plain()).expect("it runs");
        assert_eq!(replay.logs[0].text, grown);
        assert!(replay.peak_memory <= limit);
        assert_eq!(replay.memory_growth > 0, grown == "grown=1");
    }
}

#[test]
fn many_streams_at_once_keep_to_themselves() {
    let gather = module(&[("response_body", "(select #0 #1 (local.get $end))")]);
    let mut vm = Vm::start(&gather, &options()).expect("it starts");
    let ids: Vec<_> = (0..100).map(|_| vm.open()).collect();
    for id in &ids {
        vm.feed_message(*id, Direction::Request, &plain().request)
            .expect("known");
        vm.feed_headers(*id, Direction::Response, &plain().response.headers, false)
            .expect("known");
    }
    for piece in 0..3 {
        for id in &ids {
            vm.feed_body(*id, Direction::Response, format!("{id}.{piece} ").as_bytes(), false)
                .expect("known");
        }
    }
    for id in &ids {
        vm.feed_body(*id, Direction::Response, b"", true).expect("known");
        let outcome = vm.finish(*id).expect("known");
        assert_eq!(
            outcome.client.message.body_bytes(),
            format!("{id}.0 {id}.1 {id}.2 ").as_bytes()
        );
        assert_eq!(outcome.peak_held, outcome.client.message.body_bytes().len());
    }
    assert!(vm.finish(ids[0]).is_err(), "a finished stream is gone");
}

#[test]
fn a_call_is_answered_in_the_root_context_and_may_let_a_stream_go() {
    let calling = module(&[
        ("raw", "(global $held (mut i32) (i32.const 0))"),
        (
            "request_headers",
            "(global.set $held (local.get $id))
             (call $say 'call' (call $http_call 'agent'
                '\\03\\00\\00\\00\\07\\00\\00\\00\\03\\00\\00\\00\\05\\00\\00\\00\\01\\00\\00\\00\\0a\\00\\00\\00\\01\\00\\00\\00:method\\00GET\\00:path\\00/\\00:authority\\00a\\00'
                #0 #0 #0 #0 #1000 #16))
             (call $say 'token' (i32.load #16)) #1",
        ),
        (
            "http_call_response",
            "(call $say 'context' (local.get $id)) (call $say 'token' (local.get $token)) (call $say 'headers' (local.get $headers))
             (call $body 'b' #4 #0 #99) (call $header 'status' #6 ':status')
             (drop (call $set_effective (global.get $held))) (drop (call $continue #0))",
        ),
    ]);
    let reply = Message {
        headers: headers(&[(":status", "200")]),
        body: pieces(&["from ", "agent"]),
        ..Message::default()
    };
    let script = [
        (
            CallReply::Response(reply),
            ["context=1", "token=4", "headers=1", "b=0:from agent", "status=0:200"],
        ),
        (
            CallReply::Failure,
            ["context=1", "token=4", "headers=0", "b=1:", "status=2:"],
        ),
    ];
    for (reply, lines) in script {
        let clusters = [("agent".to_owned(), vec![reply])].into();
        let mut vm = Vm::start(&calling, &Options { clusters, ..options() }).expect("it starts");
        let replay = vm.exchange(&plain()).expect("it runs");
        assert_eq!(replay.client.ended, Ended::Complete);
        let texts: Vec<_> = replay.logs.iter().map(|l| l.text.as_str()).collect();
        assert_eq!(texts[..2], ["call=0", "token=4"]);
        assert_eq!(texts[2..], lines);
        assert_eq!(vm.take_calls()[0].0, "agent");
    }
}

#[test]
fn a_tick_may_let_a_stream_go() {
    let ticking = module(&[
        ("raw", "(global $held (mut i32) (i32.const 0))"),
        ("configure", "(drop (call $set_tick #100)) #1"),
        ("response_body", "(global.set $held (local.get $id)) #1"),
        (
            "tick",
            "(if (global.get $held) (then (drop (call $set_effective (global.get $held))) (drop (call $continue #1))))",
        ),
    ]);
    let mut vm = Vm::start(&ticking, &options()).expect("it starts");
    let replay = vm.exchange(&plain()).expect("it runs");
    assert_eq!(
        (replay.client.ended, replay.client.message.body_bytes()),
        (Ended::Complete, b"hello world".to_vec())
    );
}

#[test]
fn metrics_and_shared_data_outlive_a_reload() {
    let counting = module(&[
        (
            "configure",
            "(drop (call $define_metric #0 'starts' #16)) (drop (call $increment_metric (i32.load #16) (i64.const 1))) #1",
        ),
        FRAGILE[0],
    ]);
    let mut vm = Vm::start(&counting, &options()).expect("it starts");
    vm.exchange(&answer(&["trap"])).expect("it runs");
    vm.advance(Duration::from_secs(1));
    let replay = vm.exchange(&plain()).expect("it runs");
    assert_eq!(replay.client.status, 200);
    assert_eq!(vm.metrics()["starts"], 2);
}
