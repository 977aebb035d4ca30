//! What a stream holds while megabytes pass: counted by the allocator natively, by linear memory in the module.
//!
//! Bodies that were made to be held back, beside a benign one: secrets without end, a private key that never ends, the
//! beginnings of every detector one after the other. How fast they pass is told too: a filter that can be made slow is a
//! filter that can be made to stop.
//!
//! A program of its own, because it counts every allocation, which would slow down what the other one times. It prints one
//! JSON object a line, for keepmum-bench to read: `keepmum-bench-memory MODULE BYTES`.
#![allow(missing_docs)]

#[path = "../bodies.rs"]
#[allow(dead_code)]
mod bodies;

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use keepmum_bench::CHUNK;
use keepmum_engine::{Body, BodyKind, Engine, Exchange, Workspace};
use keepmum_host_tests::host::{Direction, LogLevel, Module, Options, Vm};
use peak_alloc::PeakAlloc;
use rustix::time::{ClockId, clock_gettime};
use serde_json::json;

use crate::bodies::{BASE64, Seeded};

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

/// A body without end: this, over and over.
struct Endless {
    name: &'static str,
    head: Vec<u8>,
    again: Vec<u8>,
}

fn main() -> Result<()> {
    let mut args = std::env::args_os().skip(1);
    let (Some(module), Some(total)) = (args.next(), args.next()) else {
        bail!("usage: keepmum-bench-memory MODULE BYTES");
    };
    run(Path::new(&module), total.to_string_lossy().parse()?)
}

/// The processor time that this thread has used.
fn cpu_time() -> Duration {
    let t = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(
        u64::try_from(t.tv_sec).unwrap_or(0),
        u32::try_from(t.tv_nsec).unwrap_or(0),
    )
}

fn streams(engine: &Engine) -> Vec<Endless> {
    let endless = |name, head: &str, again: Vec<u8>| Endless {
        name,
        head: head.as_bytes().to_vec(),
        again,
    };
    let mut r = Seeded::new(4);
    let alphanumeric = &BASE64[..62];
    let secret = |r: &mut Seeded| {
        format!(
            "{{\"id\":{},\"key\":\"sk{}{}\"}},",
            r.below(1000),
            "_live_",
            r.run(alphanumeric, 24)
        )
    };
    let dense: String = (0..20_000).map(|_| secret(&mut r)).collect();
    let lines: String = (0..16_000).map(|_| r.run(BASE64, 64) + "\n").collect();
    let begin = ["-----BEGIN RSA ", "PRIVATE KEY", "-----\n"].concat();
    let every: Vec<u8> = engine.anchors().flatten().copied().collect();
    vec![
        endless("benign JSON", "[", bodies::json_list(4 << 20)),
        endless("a secret in each object", "[", dense.into_bytes()),
        endless("a private key without end", &begin, lines.into_bytes()),
        endless("all anchors end to end", "", every),
        endless("one anchor over and over", "", b"postgres://".repeat(4096)),
        endless("backslashes", "\"", b"\\".repeat(1 << 16)),
    ]
}

impl Endless {
    /// `total` bytes of it, in chunks.
    fn chunks(&self, total: usize) -> impl Iterator<Item = &[u8]> {
        let again = std::iter::repeat_with(|| self.again.chunks(CHUNK)).flatten();
        let mut left = total;
        std::iter::once(self.head.as_slice()).chain(again).take_while(move |c| {
            let more = left > 0;
            left = left.saturating_sub(c.len());
            more
        })
    }
}

/// A line for each stream; `total` bytes pass in each.
fn run(module: &Path, total: usize) -> Result<()> {
    let engine = Engine::new(b"{}").map_err(|e| anyhow!("{e}"))?;
    let module = Module::load(module)?;
    for stream in streams(&engine) {
        // What leaves belongs to the caller.
        let mut out = Vec::with_capacity(8 * CHUNK);
        // The first megabyte makes the workspace as large as it will be.
        let before = HEAP.current_usage();
        let mut work = Workspace::default();
        native(&engine, &mut work, &stream, total.min(1 << 20), &mut out);
        let shared = HEAP.current_usage().saturating_sub(before);
        let (said, heap, seconds) = native(&engine, &mut work, &stream, total, &mut out);
        let linear =
            in_module(&module, &stream, total).with_context(|| format!("{} through the module", stream.name))?;
        let line = json!({
            "body": stream.name, "body_memory": said, "heap": heap, "workspace": shared, "linear_memory_growth": linear,
            "native_mb_per_s": (total as f64 / 1e6 / seconds).round(),
        });
        writeln!(std::io::stdout().lock(), "{line}")?;
    }
    Ok(())
}

fn native(
    engine: &Engine,
    work: &mut Workspace,
    stream: &Endless,
    total: usize,
    out: &mut Vec<u8>,
) -> (usize, usize, f64) {
    let before = HEAP.current_usage();
    let mut exchange = Exchange::default();
    let mut body = Body::new(BodyKind {
        json: true,
        keep_length: false,
    });
    let (mut said, mut heap) = (0, 0);
    let begun = cpu_time();
    for chunk in stream.chunks(total) {
        out.clear();
        body.push(engine, work, &mut exchange, chunk, out);
        said = said.max(body.memory());
        heap = heap.max(HEAP.current_usage().saturating_sub(before));
    }
    body.finish(engine, work, &mut exchange, out);
    (said, heap, (cpu_time() - begun).as_secs_f64())
}

/// A stream through the module, after a short one of the same kind, which the module's first allocations belong to.
fn in_module(module: &Module, stream: &Endless, total: usize) -> Result<usize> {
    let options = Options {
        configuration: b"{}".to_vec(),
        log_level: LogLevel::Error,
        ..Options::default()
    };
    let mut vm = Vm::start(module, &options)?;
    pass(&mut vm, &mut std::iter::once(&b"[]"[..]))?;
    let before = vm.memory_bytes();
    pass(&mut vm, &mut stream.chunks(total))?;
    Ok(vm.memory_bytes().saturating_sub(before))
}

fn pass(vm: &mut Vm, chunks: &mut dyn Iterator<Item = &[u8]>) -> Result<()> {
    let header = |n: &str, v: &str| (n.as_bytes().to_vec(), v.as_bytes().to_vec());
    let request = vec![
        header(":method", "GET"),
        header(":path", "/"),
        header(":authority", "bench"),
        header(":scheme", "http"),
    ];
    let response = vec![header(":status", "200"), header("content-type", "application/json")];
    let id = vm.open();
    vm.feed_headers(id, Direction::Request, &request, true)?;
    vm.feed_headers(id, Direction::Response, &response, false)?;
    for chunk in chunks {
        vm.feed_body(id, Direction::Response, chunk, false)?;
    }
    vm.feed_body(id, Direction::Response, b"", true)?;
    ensure!(vm.failure().is_none(), "the module failed");
    ensure!(vm.is_over(id), "the response did not end");
    vm.finish(id)?;
    Ok(())
}
