//! What exact secrets cost: loading a set, the memory that it takes, and going through text that holds none of them.
//!
//! The baseline is the same engine without a set, in the same runtime. The secrets are those of three generators: letters
//! and digits, the same with `-` and `_`, hexadecimal digits.

use std::cell::RefCell;
use std::path::Path;

use anyhow::{Context, Result, anyhow, ensure};
use keepmum_bench::{KEY, Subject};
use keepmum_known::publish::Publisher;
use keepmum_known::{Secret, Stage};
use serde_json::{Value, json};

use crate::guest::Guest;
use crate::measure::{Budget, Spread, alternate, timed};
use crate::speed::cases;

/// How many secrets.
pub const SECRETS: usize = 10_000;

/// Loading the set, in wasm.
pub struct Load {
    /// How many forms the secrets have.
    pub forms: u64,
    /// Bytes of the set as it travels.
    pub bytes: usize,
    /// Milliseconds.
    pub time: Spread,
    /// By how much the memory of the module grew, what came included.
    pub grew: usize,
}

/// A line of the table.
pub struct Line {
    /// Where it ran.
    pub runtime: &'static str,
    /// On what.
    pub case: &'static str,
    /// With the set to without it: processor time, or fuel in wasm.
    pub time: Spread,
    /// The same of fuel.
    pub fuel: Option<f64>,
}

impl Line {
    /// For the JSON file.
    pub fn json(&self) -> Value {
        json!({"runtime": self.runtime, "body": self.case, "time_ratio": self.time.json(), "fuel_ratio": self.fuel})
    }
}

impl Load {
    /// For the JSON file.
    pub fn json(&self) -> Value {
        json!({"forms": self.forms, "bytes": self.bytes, "load_ms": self.time.json(), "grew_bytes": self.grew})
    }
}

/// The set, with its seal on the first line.
fn set() -> Result<Vec<u8>> {
    let alphabets: [&[u8]; 3] = [
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
        b"0123456789abcdef",
    ];
    let mut publisher = Publisher::new(KEY, b"sixteen bytes 01").map_err(|e| anyhow!(e))?;
    let mut x = 7u64;
    let mut random = |below: usize| {
        x = x
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(x >> 33).unwrap_or(0) % below
    };
    for n in 0..SECRETS {
        let alphabet = alphabets.get(n % alphabets.len()).copied().unwrap_or(b"x");
        let len = 16 + random(33);
        let value: Vec<u8> = (0..len)
            .filter_map(|_| alphabet.get(random(alphabet.len())).copied())
            .collect();
        let secret = Secret {
            id: format!("bench:{n}"),
            version: "1".to_owned(),
            stage: Stage::Current,
        };
        publisher.add(secret, &value).context("a secret is refused")?;
    }
    let (body, seal) = publisher.finish(1, 0).seal(KEY)?;
    Ok([seal.as_bytes(), b"\n", &body].concat())
}

/// Both runtimes.
pub fn run(probe: &Path, budget: Budget, say: &mut dyn FnMut(&str)) -> Result<(Load, Vec<Line>)> {
    say("a set of fingerprints");
    let set = set()?;
    let guests = [
        RefCell::new(Guest::load(probe, false)?),
        RefCell::new(Guest::load(probe, false)?),
    ];
    let mut metered = [Guest::load(probe, true)?, Guest::load(probe, true)?];
    let before = guests[0].borrow().memory_bytes();
    let know = |guest: &mut Guest, set: &[u8]| -> Result<u64> {
        guest.give(set, 1, false)?;
        let forms = guest.pass("know")?;
        ensure!(forms > 0, "the set is refused in wasm");
        Ok(forms)
    };
    let forms = know(&mut guests[0].borrow_mut(), &set)?;
    let grew = guests[0].borrow().memory_bytes() - before;
    know(&mut metered[0], &set)?;
    let mut other = Guest::load(probe, false)?;
    other.give(&set, 1, false)?;
    let loads = alternate(budget, timed(|| other.pass("know").map(drop)), timed(|| Ok(())))?;
    let load = Load {
        forms,
        bytes: set.len(),
        time: Spread::of(loads.iter().map(|(with, _)| with * 1e3))?,
        grew,
    };

    let natives = [
        RefCell::new(Subject::new().map_err(|e| anyhow!(e))?),
        RefCell::new(Subject::new().map_err(|e| anyhow!(e))?),
    ];
    ensure!(natives[0].borrow_mut().know(&set) > 0, "the set is refused");
    let mut lines = Vec::new();
    for case in cases() {
        say(case.name);
        for native in &natives {
            let mut s = native.borrow_mut();
            (s.data, s.each, s.json) = (case.data.clone(), case.each, case.json);
            ensure!(
                s.engine_pass().times == 0,
                "{}: found in a body that has no secret",
                case.name
            );
        }
        let pass = |i: usize| {
            let _ = std::hint::black_box(natives[i].borrow_mut().engine_pass());
            Ok(())
        };
        let native = alternate(budget, timed(|| pass(0)), timed(|| pass(1)))?;
        for guest in &guests {
            guest.borrow_mut().give(&case.data, case.each, case.json)?;
        }
        let pass = |i: usize| guests[i].borrow_mut().pass("engine_pass").map(drop);
        let wasm = alternate(budget, timed(|| pass(0)), timed(|| pass(1)))?;
        let mut fuel = [0.0; 2];
        for (fuel, guest) in fuel.iter_mut().zip(&mut metered) {
            guest.give(&case.data, case.each, case.json)?;
            guest.pass("engine_pass")?;
            *fuel = guest.fuel("engine_pass")? as f64;
        }
        let ratio = |pairs: &[(f64, f64)]| Spread::of(pairs.iter().map(|(with, without)| with / without));
        for (runtime, pairs, fuel) in [("native", native, None), ("wasmtime", wasm, Some(fuel[0] / fuel[1]))] {
            lines.push(Line {
                runtime,
                case: case.name,
                time: ratio(&pairs)?,
                fuel,
            });
        }
    }
    lines.sort_by_key(|l| l.runtime);
    Ok((load, lines))
}
