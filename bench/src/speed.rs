//! The engine against the search for its anchors, natively and in wasm, in time and in fuel.

use std::path::Path;

use anyhow::{Result, anyhow, ensure};
use keepmum_bench::Subject;
use serde_json::{Value, json};

use crate::bodies;
use crate::guest::Guest;
use crate::measure::{Budget, Spread, alternate, timed};

/// Bodies of one kind.
pub struct Case {
    /// What the table calls them.
    pub name: &'static str,
    /// End to end.
    pub data: Vec<u8>,
    /// The length of each.
    pub each: usize,
    /// They are JSON.
    pub json: bool,
}

const MIB: usize = 1 << 20;

/// The benign bodies.
pub fn cases() -> Vec<Case> {
    let (list, page, small) = (
        bodies::json_list(4 * MIB),
        bodies::html_page(4 * MIB),
        bodies::json_objects(4 * MIB, 1024),
    );
    vec![
        Case {
            name: "JSON list, 4 MiB",
            each: list.len(),
            data: list,
            json: true,
        },
        Case {
            name: "HTML page, 4 MiB",
            each: page.len(),
            data: page,
            json: false,
        },
        Case {
            name: "JSON object, 1 KiB",
            each: 1024,
            data: small,
            json: true,
        },
    ]
}

/// A line of the table.
pub struct Line {
    /// Where it ran.
    pub runtime: &'static str,
    /// On what.
    pub case: &'static str,
    /// Megabytes a second, by the median.
    pub engine: Spread,
    /// Of the baseline.
    pub anchors: Spread,
    /// Engine to baseline: above 1 is faster.
    pub ratio: Spread,
}

impl Line {
    fn new(runtime: &'static str, case: &Case, pairs: &[(f64, f64)]) -> Result<Self> {
        let megabytes = case.data.len() as f64 / 1e6;
        Ok(Self {
            runtime,
            case: case.name,
            engine: Spread::of(pairs.iter().map(|(e, _)| megabytes / e))?,
            anchors: Spread::of(pairs.iter().map(|(_, a)| megabytes / a))?,
            ratio: Spread::of(pairs.iter().map(|(e, a)| a / e))?,
        })
    }

    /// For the JSON file.
    pub fn json(&self) -> Value {
        json!({
            "runtime": self.runtime, "body": self.case, "ratio": self.ratio.json(),
            "engine_mb_per_s": self.engine.json(), "aho_corasick_mb_per_s": self.anchors.json(),
        })
    }
}

/// Instructions for each byte.
pub struct Fuel {
    /// On what.
    pub case: &'static str,
    /// Of the engine.
    pub engine: f64,
    /// Of the baseline.
    pub anchors: f64,
}

impl Fuel {
    /// For the JSON file.
    pub fn json(&self) -> Value {
        let round = |n: f64| (n * 1000.0).round() / 1000.0;
        json!({ "body": self.case, "engine": round(self.engine), "aho_corasick": round(self.anchors) })
    }
}

/// All lines, and the number of anchors.
pub fn run(probe: &Path, budget: Budget, say: &mut dyn FnMut(&str)) -> Result<(Vec<Line>, Vec<Fuel>, usize)> {
    let (mut lines, mut fuel) = (Vec::new(), Vec::new());
    let native = std::cell::RefCell::new(Subject::new().map_err(|e| anyhow!(e))?);
    let guest = std::cell::RefCell::new(Guest::load(probe, false)?);
    let mut metered = Guest::load(probe, true)?;
    let anchors = native.borrow().anchors();
    ensure!(
        u32::try_from(anchors)? == guest.borrow().anchors,
        "the module was built from another catalogue"
    );
    for case in cases() {
        say(case.name);
        {
            let mut s = native.borrow_mut();
            (s.data, s.each, s.json) = (case.data.clone(), case.each, case.json);
            let found = s.engine_pass();
            ensure!(
                found.times == 0,
                "{}: {} findings in a body that has no secret",
                case.name,
                found.times
            );
        }
        guest.borrow_mut().give(&case.data, case.each, case.json)?;
        ensure!(
            guest.borrow_mut().pass("engine_pass")? == 0,
            "{}: findings in wasm only",
            case.name
        );
        let times = [
            (
                "native",
                alternate(
                    budget,
                    timed(|| kept(native.borrow_mut().engine_pass())),
                    timed(|| kept(native.borrow().anchor_pass())),
                )?,
            ),
            (
                "wasmtime",
                alternate(
                    budget,
                    timed(|| guest.borrow_mut().pass("engine_pass").map(drop)),
                    timed(|| guest.borrow_mut().pass("anchor_pass").map(drop)),
                )?,
            ),
        ];
        for (runtime, pairs) in &times {
            lines.push(Line::new(runtime, &case, pairs)?);
        }
        metered.give(&case.data, case.each, case.json)?;
        let bytes = case.data.len() as f64;
        let (engine, anchors) = (metered.fuel("engine_pass")? as f64, metered.fuel("anchor_pass")? as f64);
        fuel.push(Fuel {
            case: case.name,
            engine: engine / bytes,
            anchors: anchors / bytes,
        });
    }
    lines.sort_by_key(|l| l.runtime);
    Ok((lines, fuel, anchors))
}

/// A result that is looked at, so that making it is not left out.
fn kept<T>(result: T) -> Result<()> {
    let _ = std::hint::black_box(result);
    Ok(())
}
