//! Envoy under load: without a filter, with one that reads bodies and does nothing, and with Keepmum.
//!
//! Three Envoys with the operator's bootstrap and one worker each stand in front of the same server, and `wrk` asks them in
//! turn, a second at a time. On a small machine the load and the server compete with Envoy for the processor, so that
//! requests a second say too little; the processor time that Envoy itself used for each request is told beside them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use keepmum_envoy::client::{self, Request};
use keepmum_envoy::config::Bootstrap;
use keepmum_envoy::process::Envoy;
use serde_json::{Value, json};

use crate::bodies::{self, Seeded};
use crate::measure::Spread;
use crate::upstream::{self, Pages};

/// Connections that `wrk` keeps open.
const CONNECTIONS: u32 = 8;

/// A filter that asks for each piece of body and lets it go.
const READ_BODY: &str = include_str!("../../host-tests/probes/read_body.wat");

/// Sizes, each with its path.
const SIZES: [(&str, &str, usize); 3] = [
    ("1 KiB", "/1k", 1024),
    ("16 KiB", "/16k", 16 * 1024),
    ("1 MiB", "/1m", 1 << 20),
];

/// One round of one Envoy.
#[derive(Clone, Copy, Debug)]
struct Round {
    /// Requests a second.
    rate: f64,
    /// Processor time for a request, in microseconds.
    cpu: f64,
    /// Half of the answers came within this many microseconds, and 99 of 100 within that many.
    latency: (f64, f64),
}

/// What a filter costs at one size, against no filter.
pub struct Line {
    /// The body's size.
    pub size: &'static str,
    /// Which filter.
    pub filter: &'static str,
    /// Requests a second.
    pub rate: Spread,
    /// Of requests a second: above 1 is faster than without a filter.
    pub ratio: Spread,
    /// Of processor time for a request: above 1 is dearer than without a filter.
    pub cpu: Spread,
    /// Microseconds of processor time for a request.
    pub cpu_us: Spread,
    /// Of the median latency.
    pub p50: Spread,
    /// Of the latency that 99 of 100 stay under.
    pub p99: Spread,
}

impl Line {
    fn new(size: &'static str, filter: &'static str, rounds: &[(Round, Round)]) -> Result<Self> {
        let ratio = |f: fn(&Round) -> f64| Spread::of(rounds.iter().map(move |(it, none)| f(it) / f(none)));
        Ok(Self {
            size,
            filter,
            rate: Spread::of(rounds.iter().map(|(it, _)| it.rate))?,
            ratio: ratio(|r| r.rate)?,
            cpu: ratio(|r| r.cpu)?,
            cpu_us: Spread::of(rounds.iter().map(|(it, _)| it.cpu))?,
            p50: ratio(|r| r.latency.0)?,
            p99: ratio(|r| r.latency.1)?,
        })
    }

    /// For the JSON file.
    pub fn json(&self) -> Value {
        json!({
            "size": self.size, "filter": self.filter, "requests_per_s": self.rate.json(), "requests_ratio": self.ratio.json(),
            "cpu_ratio": self.cpu.json(), "cpu_us_per_request": self.cpu_us.json(), "p50_ratio": self.p50.json(),
            "p99_ratio": self.p99.json(),
        })
    }
}

/// All lines, after `rounds` seconds of each.
///
/// # Errors
/// `wrk` or Envoy cannot be had, or a filter does not do what it should.
pub fn run(module: &Path, rounds: usize, say: &mut dyn FnMut(&str)) -> Result<Vec<Line>> {
    if Command::new("wrk").arg("-v").output().is_err() {
        bail!("wrk is not installed; to enable this part: apt-get install -y --no-install-recommends wrk");
    }
    let binary = keepmum_envoy::install::envoy(keepmum_envoy::VERSION)?;
    let server = upstream::start(pages())?;
    let idle = assemble()?;
    let start =
        |name: &str, bootstrap: Bootstrap| Envoy::start_logging(&binary, &bootstrap, name, &["--log-level", "warning"]);
    let for_module = |module: &Path| Bootstrap::for_tests(module, "{}", server);
    let none = start("bench-none", for_module(module)?.without_module()?)?;
    let read = start("bench-read", for_module(&idle)?)?;
    let keepmum = start("bench-keepmum", for_module(module)?)?;
    check(&none, &read, &keepmum)?;
    let mut lines = Vec::new();
    for (size, path, _) in SIZES {
        say(size);
        let (mut of_none, mut of_read, mut of_keepmum) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..rounds {
            let base = round(&none, path)?;
            of_none.push((base, base));
            of_read.push((round(&read, path)?, base));
            of_keepmum.push((round(&keepmum, path)?, base));
        }
        lines.push(Line::new(size, "none", &of_none)?);
        lines.push(Line::new(size, "reads the body", &of_read)?);
        lines.push(Line::new(size, "Keepmum", &of_keepmum)?);
    }
    Ok(lines)
}

fn pages() -> Pages {
    let mut pages = Pages::new();
    for (_, path, size) in SIZES {
        let body = if size == 1024 {
            bodies::json_objects(1, size)
        } else {
            bodies::json_list(size)
        };
        pages.insert(path.to_owned(), body);
    }
    pages.insert("/armed".to_owned(), secret().into_bytes());
    pages
}

fn secret() -> String {
    format!(
        "{{\"key\":\"sk{}{}\"}}",
        "_live_",
        Seeded::new(5).run(&bodies::BASE64[..62], 24)
    )
}

/// The module that does nothing.
pub fn assemble() -> Result<PathBuf> {
    let path = keepmum_envoy::target().join("bench/read_body.wasm");
    fs::write(&path, wat::parse_str(READ_BODY)?)?;
    Ok(path)
}

/// Benign bodies come through all three unchanged, and the third takes a secret out: what is measured is at work.
fn check(none: &Envoy, read: &Envoy, keepmum: &Envoy) -> Result<()> {
    let get = |envoy: &Envoy, path: &str| {
        client::send(envoy.address, &Request::new("GET", path), Duration::from_secs(20)).map(|reply| reply.body())
    };
    for (path, body) in pages() {
        for envoy in [none, read] {
            ensure!(
                get(envoy, &path)? == body,
                "{path} was changed by an Envoy without Keepmum"
            );
        }
        ensure!(
            (get(keepmum, &path)? == body) == (path != "/armed"),
            "{path} through Keepmum is not what it should be"
        );
    }
    Ok(())
}

/// A second of load.
fn round(envoy: &Envoy, path: &str) -> Result<Round> {
    let before = cpu_of(envoy.pid())?;
    let connections = format!("-c{CONNECTIONS}");
    let url = format!("http://{}{path}", envoy.address);
    let out = Command::new("wrk")
        .args(["-t1", &connections, "-d1s", "--latency", &url])
        .output()?;
    let used = cpu_of(envoy.pid())? - before;
    let text = String::from_utf8_lossy(&out.stdout);
    let word = |line: &str, at: usize| {
        text.lines()
            .find(|l| l.contains(line))
            .and_then(|l| l.split_whitespace().nth(at))
    };
    let all: f64 = word("requests in", 0)
        .and_then(|w| w.parse().ok())
        .context("wrk's output has no count of requests")?;
    let rate: f64 = word("Requests/sec:", 1)
        .and_then(|w| w.parse().ok())
        .context("wrk's output has no rate")?;
    ensure!(
        !text.contains("Non-2xx") && !text.contains("Socket errors"),
        "{path}: wrk had errors:\n{text}"
    );
    ensure!(all > 0.0, "{path}: no request was answered in a second");
    let latency = |name| {
        word(name, 1)
            .and_then(microseconds)
            .context("wrk's output has no latency")
    };
    Ok(Round {
        rate,
        cpu: used / all * 1e6,
        latency: (latency("50%")?, latency("99%")?),
    })
}

/// `12.34us`, `1.20ms`, `1.05s`.
fn microseconds(text: &str) -> Option<f64> {
    let (number, unit) = text.split_at(text.find(|c: char| c.is_ascii_alphabetic())?);
    let factor = match unit {
        "us" => 1.0,
        "ms" => 1e3,
        "s" => 1e6,
        _ => return None,
    };
    number.parse::<f64>().ok().map(|n| n * factor)
}

/// The processor time of a process so far, in seconds.
fn cpu_of(pid: u32) -> Result<f64> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name, in brackets, may hold anything; the fields that count come after it.
    let (_, fields) = text.rsplit_once(')').context("/proc/<pid>/stat has no name")?;
    let ticks = |at: usize| {
        fields
            .split_whitespace()
            .nth(at)
            .and_then(|f| f.parse::<f64>().ok())
            .unwrap_or(0.0)
    };
    Ok((ticks(11) + ticks(12)) / rustix::param::clock_ticks_per_second() as f64)
}

#[cfg(test)]
mod tests {
    use super::microseconds;

    #[test]
    fn latencies_are_read_in_their_units() {
        assert_eq!(microseconds("250.00us"), Some(250.0));
        assert_eq!(microseconds("1.50ms"), Some(1500.0));
        assert_eq!(microseconds("2.00s"), Some(2e6));
        assert_eq!(microseconds("7"), None);
    }
}
