//! Two things timed in turn, A B A B …, and what their ratio is worth.
//!
//! A machine that others use is fast for one second and slow for the next; neighbours in time have the same weather, so each
//! pair gives a ratio, and their median is told with the smallest and the largest. Code is timed by the processor time of
//! its thread, not by the clock on the wall: what another process took is not its own.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};

/// The processor time that this thread has used.
pub fn cpu_time() -> Duration {
    let t = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(
        u64::try_from(t.tv_sec).unwrap_or(0),
        u32::try_from(t.tv_nsec).unwrap_or(0),
    )
}

/// How long to go on.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Pairs at least.
    pub pairs: usize,
    /// And until this much time is over.
    pub time: Duration,
}

/// Runs both in turn. Each returns its measure, in any unit in which less is faster (a ratio is made of the two).
pub fn alternate(
    budget: Budget,
    mut subject: impl FnMut() -> Result<f64>,
    mut baseline: impl FnMut() -> Result<f64>,
) -> Result<Vec<(f64, f64)>> {
    // The first of each finds cold caches.
    subject()?;
    baseline()?;
    let begun = Instant::now();
    let mut pairs = Vec::new();
    while pairs.len() < budget.pairs || begun.elapsed() < budget.time {
        pairs.push((subject()?, baseline()?));
    }
    Ok(pairs)
}

/// The processor time that something takes, in seconds.
pub fn timed(mut act: impl FnMut() -> Result<()>) -> impl FnMut() -> Result<f64> {
    move || {
        let begun = cpu_time();
        act()?;
        Ok((cpu_time() - begun).as_secs_f64())
    }
}

/// A median with the smallest and the largest.
#[derive(Clone, Copy, Debug)]
pub struct Spread {
    /// The median.
    pub median: f64,
    /// The smallest.
    pub min: f64,
    /// The largest.
    pub max: f64,
}

impl Spread {
    /// Of some numbers.
    ///
    /// # Errors
    /// There are none.
    pub fn of(numbers: impl IntoIterator<Item = f64>) -> Result<Self> {
        let mut all: Vec<f64> = numbers.into_iter().collect();
        all.sort_by(f64::total_cmp);
        let (Some(min), Some(max), Some(median)) = (all.first(), all.last(), all.get(all.len() / 2)) else {
            bail!("nothing was measured");
        };
        Ok(Self {
            median: *median,
            min: *min,
            max: *max,
        })
    }

    /// For the JSON file.
    pub fn json(self) -> Value {
        let round = |n: f64| (n * 1e4).round() / 1e4;
        json!({ "median": round(self.median), "min": round(self.min), "max": round(self.max) })
    }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.2} ({:.2}–{:.2})", self.median, self.min, self.max)
    }
}

#[cfg(test)]
mod tests {
    use super::{Budget, Spread, alternate};
    use std::time::Duration;

    #[test]
    fn the_median_stands_in_the_middle() {
        let s = Spread::of([3.0, 1.0, 2.0]).unwrap();
        assert_eq!((s.min, s.median, s.max), (1.0, 2.0, 3.0));
        assert!(Spread::of([]).is_err());
    }

    #[test]
    fn both_are_run_in_turn() {
        let order = std::cell::RefCell::new(String::new());
        let run = |c| {
            order.borrow_mut().push(c);
            Ok(1.0)
        };
        let budget = Budget {
            pairs: 2,
            time: Duration::ZERO,
        };
        assert_eq!(alternate(budget, || run('a'), || run('b')).unwrap().len(), 2);
        assert_eq!(*order.borrow(), "ababab");
    }
}
