//! What a large policy costs: reading it at start, and choosing among its routes for each request; natively and in wasm.
//!
//! The baseline for reading is the policy `{}` (the detectors are most of it), that for choosing a policy of one route.

use std::cell::RefCell;
use std::path::Path;

use anyhow::{Result, anyhow, ensure};
use keepmum_bench::{ROUTED, Subject, policy_of};
use serde_json::{Value, json};

use crate::guest::Guest;
use crate::measure::{Budget, Spread, alternate, timed};

/// Routes and field names of the large policy.
pub const SIZE: (usize, usize) = (200, 100);

/// A line of the table.
pub struct Line {
    /// Where it ran.
    pub runtime: &'static str,
    /// Reading the policy, in milliseconds, and its ratio to reading `{}`.
    pub compile: (Spread, Spread),
    /// Choosing for a request, in microseconds, and its ratio to choosing among one route.
    pub choose: (Spread, Spread),
}

impl Line {
    fn new(runtime: &'static str, compile: &[(f64, f64)], choose: &[(f64, f64)]) -> Result<Line> {
        let ratio = |pairs: &[(f64, f64)]| Spread::of(pairs.iter().map(|(a, b)| a / b));
        let each = |pairs: &[(f64, f64)], unit: f64| Spread::of(pairs.iter().map(|(a, _)| a * unit));
        Ok(Line {
            runtime,
            compile: (each(compile, 1e3)?, ratio(compile)?),
            choose: (each(choose, 1e6 / f64::from(ROUTED))?, ratio(choose)?),
        })
    }

    /// For the JSON file.
    pub fn json(&self) -> Value {
        json!({
            "runtime": self.runtime,
            "compile_ms": self.compile.0.json(), "compile_ratio": self.compile.1.json(),
            "choose_us": self.choose.0.json(), "choose_ratio": self.choose.1.json(),
        })
    }
}

/// Both runtimes.
pub fn run(probe: &Path, budget: Budget, say: &mut dyn FnMut(&str)) -> Result<Vec<Line>> {
    say("a policy of many routes");
    let (routes, fields) = SIZE;
    let texts = [policy_of(routes, fields), "{}".to_owned()];
    let natives = || -> Result<Subject> { Subject::new().map_err(|e| anyhow!(e)) };
    let native = RefCell::new(natives()?);
    let compiled = |text: &str| {
        let at = native.borrow_mut().compile(text.as_bytes());
        ensure!(at, "the policy is refused");
        Ok(())
    };
    let compile = alternate(budget, timed(|| compiled(&texts[0])), timed(|| compiled(&texts[1])))?;
    let pair = [RefCell::new(natives()?), RefCell::new(natives()?)];
    let few = policy_of(1, 0);
    ensure!(pair[0].borrow_mut().compile(texts[0].as_bytes()) && pair[1].borrow_mut().compile(few.as_bytes()));
    let choose = |i: usize| {
        let taken = pair[i].borrow().route_pass();
        ensure!(i == 1 || taken > 0, "no request is on a route");
        Ok(())
    };
    let choose = alternate(budget, timed(|| choose(0)), timed(|| choose(1)))?;
    let mut lines = vec![Line::new("native", &compile, &choose)?];

    let guests = [
        RefCell::new(Guest::load(probe, false)?),
        RefCell::new(Guest::load(probe, false)?),
    ];
    for (guest, text) in guests.iter().zip(&texts) {
        guest.borrow_mut().give(text.as_bytes(), 1, true)?;
    }
    let compiled = |i: usize| {
        let taken = guests[i].borrow_mut().pass("compile")?;
        ensure!(taken == 1, "the policy is refused in wasm");
        Ok(())
    };
    let compile = alternate(budget, timed(|| compiled(0)), timed(|| compiled(1)))?;
    guests[1].borrow_mut().give(few.as_bytes(), 1, true)?;
    compiled(1)?;
    let choose = |i: usize| guests[i].borrow_mut().pass("route_pass").map(drop);
    let choose = alternate(budget, timed(|| choose(0)), timed(|| choose(1)))?;
    lines.push(Line::new("wasmtime", &compile, &choose)?);
    Ok(lines)
}
