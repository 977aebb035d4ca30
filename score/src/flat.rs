//! What may cost next to nothing: 220 detectors of the pack `secrets` against 40, and an encoding that is undone where
//! none is.
//!
//! In processor time, in turn, as the median of the ratios of neighbours: a machine that others use has its weather. The
//! same in instructions of wasm is a line of `cargo xtask bench`.

use std::time::Duration;

use anyhow::{Result, bail};
use keepmum_engine::{Body, BodyKind, Engine, Exchange, Flow, Workspace, catalogue};
use rustix::time::{ClockId, clock_gettime};

/// The few that the many are compared with.
pub const FEW: usize = 40;
/// The many.
pub const MANY: usize = 220;

/// Pairs of runs.
const PAIRS: usize = 21;

/// The median ratio, with the smallest and the largest.
#[derive(Clone, Copy, Debug)]
pub struct Flat {
    /// The median.
    pub median: f64,
    /// The smallest.
    pub least: f64,
    /// The largest.
    pub most: f64,
}

/// An engine with no more than `n` of the pack's detectors, spread over its letters.
///
/// # Errors
/// The policy does not compile.
pub fn with(n: usize) -> Result<Engine> {
    let all: Vec<&str> = catalogue::BUILT_IN
        .iter()
        .filter(|d| d.pack == "secrets")
        .map(|d| d.id)
        .collect();
    let step = all.len() as f64 / n as f64;
    let kept: Vec<usize> = (0..n).map(|i| (i as f64 * step) as usize).collect();
    let out: Vec<&&str> = all
        .iter()
        .enumerate()
        .filter(|(i, _)| !kept.contains(i))
        .map(|(_, id)| id)
        .collect();
    let policy = serde_json::json!({"detectors": {"packs": ["secrets"], "disable": out}});
    Engine::new(policy.to_string().as_bytes()).map_err(|e| anyhow::anyhow!("{e}"))
}

/// An encoding as `response.decode` calls it, and whether a text has a trace of it.
pub struct Layer {
    /// Its name.
    pub name: &'static str,
    traces: &'static str,
}

/// All of them.
pub const LAYERS: &[Layer] = &[
    Layer {
        name: "percent",
        traces: "%[0-9A-Fa-f]{2}",
    },
    Layer {
        name: "html",
        traces: "&#?[A-Za-z0-9]+;",
    },
    Layer {
        name: "base64",
        traces: r"[A-Za-z0-9+/_-]{24}",
    },
    Layer {
        name: "utf16",
        traces: r"\x00",
    },
];

impl Layer {
    /// The texts that have no trace of it.
    ///
    /// # Errors
    /// The pattern does not compile.
    pub fn unused<'a>(&self, texts: &[(BodyKind, &'a [u8])]) -> Result<Vec<(BodyKind, &'a [u8])>> {
        let traces = regex::bytes::Regex::new(self.traces)?;
        Ok(texts.iter().filter(|(_, t)| !traces.is_match(t)).copied().collect())
    }

    /// An engine that undoes it alone, and one that undoes none.
    ///
    /// # Errors
    /// The policy does not compile.
    pub fn engines(&self) -> Result<(Engine, Engine)> {
        let with = |layers: &[&str]| {
            let policy = serde_json::json!({"response": {"decode": layers}});
            Engine::new(policy.to_string().as_bytes()).map_err(|e| anyhow::anyhow!("{e}"))
        };
        Ok((with(&[self.name])?, with(&[])?))
    }
}

/// Measures on these texts, the first against the second.
///
/// # Errors
/// There is no text.
pub fn measure(texts: &[(BodyKind, &[u8])], many: &Engine, few: &Engine) -> Result<Flat> {
    if texts.is_empty() {
        bail!("no text to measure on");
    }
    let mut ratios = Vec::new();
    for i in 0..=PAIRS {
        // The first finds cold caches; who goes first changes.
        let (a, b) = if i % 2 == 0 {
            let a = seconds(many, texts);
            (a, seconds(few, texts))
        } else {
            let b = seconds(few, texts);
            (seconds(many, texts), b)
        };
        if i > 0 && b > 0.0 {
            ratios.push(a / b);
        }
    }
    ratios.sort_by(f64::total_cmp);
    let (Some(least), Some(most), Some(median)) = (ratios.first(), ratios.last(), ratios.get(ratios.len() / 2)) else {
        bail!("nothing was measured");
    };
    Ok(Flat {
        median: *median,
        least: *least,
        most: *most,
    })
}

fn seconds(engine: &Engine, texts: &[(BodyKind, &[u8])]) -> f64 {
    let begun = cpu_time();
    let (mut work, mut out) = (Workspace::default(), Vec::new());
    for (kind, text) in texts {
        let mut exchange = Exchange::default();
        let mut body = Body::new(*kind);
        for chunk in text.chunks(16 * 1024) {
            out.clear();
            if body.push(engine, &mut work, &mut exchange, chunk, &mut out) == Flow::Out {
                std::hint::black_box(out.len());
            }
        }
        out.clear();
        body.finish(engine, &mut work, &mut exchange, &mut out);
    }
    (cpu_time() - begun).as_secs_f64()
}

/// The processor time that this thread has used.
pub fn cpu_time() -> Duration {
    let t = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(
        u64::try_from(t.tv_sec).unwrap_or(0),
        u32::try_from(t.tv_nsec).unwrap_or(0),
    )
}

#[cfg(test)]
mod tests {
    #[test]
    fn few_are_few() {
        assert_eq!(super::with(super::FEW).unwrap().detectors(), super::FEW);
    }
}
