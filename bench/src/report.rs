//! The figures as Markdown, which a terminal shows well enough, and as JSON.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::{events, known, load, memory, policy, soak, speed};

/// What was measured; a part that was not asked for, or could not be, is empty.
#[derive(Default)]
pub struct Figures {
    /// Throughput.
    pub speed: Vec<speed::Line>,
    /// Instructions.
    pub fuel: Vec<speed::Fuel>,
    /// How many literals both searches looked for.
    pub anchors: usize,
    /// A large policy.
    pub policy: Vec<policy::Line>,
    /// Exact secrets.
    pub known: Option<(known::Load, Vec<known::Line>)>,
    /// Memory, and how much passed in each line.
    pub memory: Vec<memory::Line>,
    /// Bytes of each stream of the memory part.
    pub streamed: usize,
    /// Envoy.
    pub load: Vec<load::Line>,
    /// Streams of events through Envoy.
    pub events: Vec<events::Line>,
    /// Minutes of mixed load.
    pub soak: Option<soak::Soak>,
    /// Parts that did not run, and why.
    pub skipped: Vec<String>,
}

impl Figures {
    /// Tables.
    pub fn markdown(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = self.tables(&mut text);
        text
    }

    fn tables(&self, t: &mut String) -> std::fmt::Result {
        if !self.speed.is_empty() {
            writeln!(
                t,
                "Engine against an Aho-Corasick DFA over the same {} anchors; above 1 the engine is faster.\n",
                self.anchors
            )?;
            writeln!(
                t,
                "| Runtime  | Body                | Engine ÷ Aho-Corasick | Engine MB/s | Aho-Corasick MB/s |"
            )?;
            writeln!(
                t,
                "|----------|---------------------|----------------------:|------------:|------------------:|"
            )?;
            for l in &self.speed {
                let (engine, anchors) = (l.engine.median, l.anchors.median);
                writeln!(
                    t,
                    "| {:<8} | {:<19} | {:>21} | {engine:>11.0} | {anchors:>17.0} |",
                    l.runtime,
                    l.case,
                    l.ratio.to_string()
                )?;
            }
            writeln!(
                t,
                "\nFuel (instructions of wasm, about) for each byte, which no other program on the machine can change.\n"
            )?;
            writeln!(t, "| Body                | Engine | Aho-Corasick |")?;
            writeln!(t, "|---------------------|-------:|-------------:|")?;
            for f in &self.fuel {
                writeln!(t, "| {:<19} | {:>6.2} | {:>12.2} |", f.case, f.engine, f.anchors)?;
            }
        }
        if !self.policy.is_empty() {
            let (routes, fields) = policy::SIZE;
            writeln!(
                t,
                "\nA policy of {routes} routes and {fields} field names: reading it, against reading `{{}}`; choosing a route for a request, against choosing among one.\n"
            )?;
            writeln!(
                t,
                "| Runtime  | Reading, ms | Ratio            | Choosing, µs | Ratio            |"
            )?;
            writeln!(
                t,
                "|----------|------------:|-----------------:|-------------:|-----------------:|"
            )?;
            for l in &self.policy {
                let (compile, choose) = (&l.compile, &l.choose);
                writeln!(
                    t,
                    "| {:<8} | {:>11.1} | {:>16} | {:>12.2} | {:>16} |",
                    l.runtime,
                    compile.0.median,
                    compile.1.to_string(),
                    choose.0.median,
                    choose.1.to_string()
                )?;
            }
        }
        if let Some((load, lines)) = &self.known {
            let (secrets, mib) = (known::SECRETS, |bytes: usize| bytes as f64 / f64::from(1 << 20));
            writeln!(
                t,
                "\n{secrets} exact secrets in {} forms: a set of {:.1} MiB, loaded in {:.0} ms in wasm, for which its memory grew by {:.1} MiB. What they cost on text without a secret, against the same engine without the set.\n",
                load.forms,
                mib(load.bytes),
                load.time.median,
                mib(load.grew)
            )?;
            writeln!(t, "| Runtime  | Body                | Time             | Fuel |")?;
            writeln!(t, "|----------|---------------------|-----------------:|-----:|")?;
            for l in lines {
                let fuel = l.fuel.map_or_else(String::new, |f| format!("{f:.2}"));
                writeln!(
                    t,
                    "| {:<8} | {:<19} | {:>16} | {fuel:>4} |",
                    l.runtime,
                    l.case,
                    l.time.to_string()
                )?;
            }
        }
        if !self.memory.is_empty() {
            let (mib, bound) = (self.streamed >> 20, memory::BOUND >> 10);
            writeln!(
                t,
                "\nMemory that a stream holds while {mib} MiB pass, in KiB; {bound} are allowed.\n"
            )?;
            writeln!(
                t,
                "| Body                      | `Body::memory` | Heap | Growth of the module | Shared workspace | Native MB/s |"
            )?;
            writeln!(
                t,
                "|---------------------------|---------------:|-----:|---------------------:|-----------------:|------------:|"
            )?;
            for l in &self.memory {
                let (said, heap, linear) = (l.said.div_ceil(1024), l.heap.div_ceil(1024), l.linear / 1024);
                let shared = l.shared.div_ceil(1024);
                let mark = if l.holds() { "" } else { " **too much**" };
                writeln!(
                    t,
                    "| {:<25} | {said:>14} | {heap:>4} | {linear:>20} | {shared:>16} | {:>11} |{mark}",
                    l.body, l.speed
                )?;
            }
        }
        if !self.load.is_empty() {
            writeln!(
                t,
                "\nEnvoy {}, one worker: ratios to the same Envoy without a filter.\n",
                keepmum_envoy::VERSION
            )?;
            writeln!(
                t,
                "| Body   | Filter         | Requests/s | Requests/s, ratio | Processor time, ratio | Median latency, ratio |"
            )?;
            writeln!(
                t,
                "|--------|----------------|-----------:|------------------:|----------------------:|----------------------:|"
            )?;
            for l in &self.load {
                let (ratio, cpu, p50) = (l.ratio.to_string(), l.cpu.to_string(), l.p50.to_string());
                writeln!(
                    t,
                    "| {:<6} | {:<14} | {:>10.0} | {ratio:>17} | {cpu:>21} | {p50:>21} |",
                    l.size, l.filter, l.rate.median
                )?;
            }
        }
        if !self.events.is_empty() {
            events::table(t, &self.events)?;
        }
        if let Some(soak) = &self.soak {
            t.push_str(&soak.markdown());
        }
        for why in &self.skipped {
            writeln!(t, "\nSkipped: {why}")?;
        }
        Ok(())
    }

    /// Everything, for programs.
    pub fn json(&self) -> Value {
        json!({
            "machine": machine(),
            "anchors": self.anchors,
            "speed": self.speed.iter().map(speed::Line::json).collect::<Vec<_>>(),
            "fuel_per_byte": self.fuel.iter().map(speed::Fuel::json).collect::<Vec<_>>(),
            "policy": self.policy.iter().map(policy::Line::json).collect::<Vec<_>>(),
            "known": self.known.as_ref().map(|(load, lines)| json!({"load": load.json(), "costs": lines.iter().map(known::Line::json).collect::<Vec<_>>()})),
            "streamed_bytes": self.streamed,
            "memory": self.memory.iter().map(|l| &l.json).collect::<Vec<_>>(),
            "envoy": self.load.iter().map(load::Line::json).collect::<Vec<_>>(),
            "events": self.events.iter().map(events::Line::json).collect::<Vec<_>>(),
            "soak": self.soak.as_ref().map(soak::Soak::json),
            "skipped": self.skipped,
        })
    }
}

/// What it ran on.
pub fn machine() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let info = read("/proc/cpuinfo");
    let model = info
        .lines()
        .find_map(|l| l.strip_prefix("model name")?.split_once(": "))
        .map_or("unknown processor", |(_, m)| m);
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let kernel = read("/proc/sys/kernel/osrelease");
    let load = read("/proc/loadavg");
    let load = load.split(' ').next().unwrap_or("?");
    format!(
        "{model}, {cores} cores, Linux {}, load {load} at the end of the run",
        kernel.trim()
    )
}

/// Puts the tables into a document, between two comments.
pub fn into_document(path: &Path, tables: &str) -> Result<()> {
    const FROM: &str = "<!-- tables: written by cargo xtask bench --doc -->";
    const TO: &str = "<!-- end of tables -->";
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let missing = || format!("{} has no place for tables: {FROM} … {TO}", path.display());
    let (front, rest) = text.split_once(FROM).with_context(missing)?;
    let (_, back) = rest.split_once(TO).with_context(missing)?;
    let machine = machine();
    fs::write(
        path,
        format!("{front}{FROM}\n\nMachine: {machine}.\n\n{tables}\n{TO}{back}"),
    )?;
    Ok(())
}
