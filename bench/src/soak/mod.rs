//! Minutes of mixed load on one Envoy: nothing may leak, no error may be ours, and memory must stay where it was after warming up.
//!
//! `wrk` asks over HTTP/1.1 and `h2load` over HTTP/2, both at once; a script in `wrk` looks for the planted secrets in each answer. Beside
//! them a client of our own asks for each page now and then and looks at headers and trailers too, which `wrk` does not show.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use keepmum_envoy::client::{self, Request};
use keepmum_envoy::config::Bootstrap;
use keepmum_envoy::process::Envoy;
use serde_json::{Value, json};

use crate::upstream;
use pages::{Page, Planted};

mod pages;

/// Everything that a stream can go through is on.
const POLICY: &str = r#"{"detectors":{"packs":["secrets","tokens","generic"]},"request":{"scan":["headers","query"]},
    "errors":{"status":["5xx"],"replace":"auto"},"deny":{"lists":["files","vcs","debug","backups"]},"fields":[{"names":["password"]}],
    "response":{"scan":["headers","body","trailers"]},"audit":{"rate":1}}"#;

/// The connections of each of the two.
const CONNECTIONS: &str = "4";

/// The share of the time that is for warming up.
const WARM: f64 = 0.2;

/// What memory may grow behind that, in KiB: a page of the allocator's here and there.
const GROWTH: f64 = 2048.0;

/// What came of it.
pub struct Soak {
    seconds: u64,
    /// Answers over HTTP/1.1, over HTTP/2, and to our own client.
    answers: [u64; 3],
    leaks: u64,
    /// Answers whose status is not the page's.
    unexpected: u64,
    /// Error responses to clients that the upstream did not send.
    own_errors: u64,
    /// Streams that the filter broke off, and calls of the proxy that failed.
    resets: u64,
    host_errors: u64,
    findings: u64,
    /// Of Envoy's process: kilobytes at the end of the warm-up, at the end, and the most.
    resident: (f64, f64, f64),
    /// The same of what Envoy's allocator has given out.
    allocated: (f64, f64, f64),
}

impl Soak {
    /// Whether all holds that a soak is for.
    pub fn holds(&self) -> bool {
        self.leaks + self.unexpected + self.own_errors + self.host_errors == 0
            && self.resident.1 - self.resident.0 <= GROWTH
            && self.answers.iter().all(|n| *n > 0)
            && self.findings > 0
    }

    /// For the JSON file.
    pub fn json(&self) -> Value {
        json!({
            "seconds": self.seconds, "answers": self.answers, "leaks": self.leaks, "unexpected_statuses": self.unexpected,
            "own_errors": self.own_errors, "resets": self.resets, "host_errors": self.host_errors, "findings": self.findings,
            "resident_kib": [self.resident.0, self.resident.1, self.resident.2],
            "allocated_kib": [self.allocated.0, self.allocated.1, self.allocated.2],
        })
    }

    /// A table.
    pub fn markdown(&self) -> String {
        let mib = |(from, to, most): (f64, f64, f64)| {
            format!("{:.1} → {:.1} (most {:.1})", from / 1024.0, to / 1024.0, most / 1024.0)
        };
        let rows = [
            ("seconds", self.seconds.to_string()),
            ("answers over HTTP/1.1", self.answers[0].to_string()),
            ("answers over HTTP/2", self.answers[1].to_string()),
            (
                "answers looked at whole, headers and trailers too",
                self.answers[2].to_string(),
            ),
            ("secrets taken out", self.findings.to_string()),
            ("**answers with a planted secret**", self.leaks.to_string()),
            (
                "**answers with another status than the page's**",
                self.unexpected.to_string(),
            ),
            ("**5xx that the upstream did not send**", self.own_errors.to_string()),
            ("**calls of the proxy that failed**", self.host_errors.to_string()),
            ("streams that the filter broke off", self.resets.to_string()),
            (
                "Envoy's resident memory, MiB, from the end of the warm-up to the end",
                mib(self.resident),
            ),
            ("what its allocator has given out, MiB", mib(self.allocated)),
        ];
        let lines = rows.iter().map(|(name, value)| format!("| {name} | {value} |\n"));
        format!("| | |\n| --- | ---: |\n{}", lines.collect::<String>())
    }
}

/// A load generator, ended when the soak is.
struct Load(Child);

impl Drop for Load {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Load {
    fn start(command: &mut Command) -> Result<Self> {
        let started = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        Ok(Self(started.with_context(|| format!("cannot start {command:?}"))?))
    }

    /// What it printed, once it has ended by itself.
    fn output(mut self) -> Result<String> {
        let mut text = String::new();
        let mut stdout = self.0.stdout.take().context("its output is not kept")?;
        std::io::Read::read_to_string(&mut stdout, &mut text)?;
        Ok(text)
    }
}

/// Runs for so long.
///
/// # Errors
/// `wrk`, `h2load` or Envoy cannot be had, or Envoy ends.
pub fn run(module: &Path, time: Duration, say: &mut dyn FnMut(&str)) -> Result<Soak> {
    for tool in ["wrk", "h2load"] {
        if Command::new(tool).arg("--version").output().is_err() {
            bail!(
                "{tool} is not installed; to enable this part: apt-get install -y --no-install-recommends wrk nghttp2-client"
            );
        }
    }
    let planted = Planted::new();
    let pages = pages::all(&planted)?;
    let raw = pages
        .iter()
        .map(|(path, page)| ((*path).to_owned(), page.bytes.clone()));
    let server = upstream::start_raw(raw.collect())?;
    let binary = keepmum_envoy::install::envoy(keepmum_envoy::VERSION)?;
    let bootstrap = Bootstrap::for_tests(module, POLICY, server)?;
    let mut envoy = Envoy::start_logging(&binary, &bootstrap, "soak", &["--log-level", "error"])?;
    let mut soak = Soak {
        seconds: time.as_secs(),
        answers: [0; 3],
        leaks: 0,
        unexpected: 0,
        own_errors: 0,
        resets: 0,
        host_errors: 0,
        findings: 0,
        resident: (0.0, 0.0, 0.0),
        allocated: (0.0, 0.0, 0.0),
    };
    look(&envoy, &pages, &planted, &mut soak)?;
    say("the soak begins");
    let script = keepmum_envoy::target().join("bench/soak.lua");
    fs::write(&script, lua(&pages, &planted))?;
    let seconds = time.as_secs().to_string();
    let base = format!("http://{}", envoy.address);
    let wrk = Load::start(
        Command::new("wrk")
            .args(["-t1", "-c", CONNECTIONS, "-d", &format!("{seconds}s"), "-s"])
            .arg(&script)
            .arg(&base),
    )?;
    let h2load = Load::start(
        Command::new("h2load")
            .args(["-c", CONNECTIONS, "-m", "4", "-D", &seconds])
            .args(pages.keys().map(|path| format!("{base}{path}"))),
    )?;
    let samples = watch(&mut envoy, time, |envoy| look(envoy, &pages, &planted, &mut soak))?;
    (soak.resident, soak.allocated) = (flat(&samples, |s| s.0)?, flat(&samples, |s| s.1)?);
    let (wrk, h2load) = (wrk.output()?, h2load.output()?);
    say("the soak has ended");
    soak.answers[0] = number(&wrk, "answers")?;
    soak.leaks += number(&wrk, "leaks")?;
    soak.unexpected += number(&wrk, "unexpected")?;
    soak.answers[1] = done(&h2load)?;
    let stat = |name: &str| envoy.stat(name);
    let ours = stat("http.ingress.downstream_rq_5xx")?;
    soak.own_errors = ours.saturating_sub(stat("cluster.application.upstream_rq_5xx")?);
    let of = |name: &str| -> Result<u64> {
        let text = envoy
            .admin("GET", &format!("/stats?filter=wasmcustom.keepmum.{name}"))?
            .body();
        let text = String::from_utf8_lossy(&text).into_owned();
        let values = text
            .lines()
            .filter_map(|l| l.rsplit_once(": ")?.1.trim().parse::<u64>().ok());
        Ok(values.sum())
    };
    (soak.resets, soak.host_errors, soak.findings) = (of("stream_reset")?, of("host_errors")?, of("findings")?);
    ensure!(envoy.alive(), "Envoy crashed; see {}", envoy.log.display());
    Ok(soak)
}

/// Looks at every page once, whole.
fn look(envoy: &Envoy, pages: &std::collections::BTreeMap<&str, Page>, planted: &Planted, to: &mut Soak) -> Result<()> {
    for (path, page) in pages {
        let reply = client::send(envoy.address, &Request::new("GET", path), Duration::from_secs(30))
            .with_context(|| format!("the page {path}"))?;
        to.answers[2] += 1;
        to.leaks += u64::from(planted.is_in(&reply.everything()));
        to.unexpected += u64::from(reply.status != page.status);
    }
    Ok(())
}

/// Memory of the process and of its allocator, in KiB, second by second; every tenth the pages are looked at.
fn watch(envoy: &mut Envoy, time: Duration, mut look: impl FnMut(&Envoy) -> Result<()>) -> Result<Vec<(f64, f64)>> {
    let (begun, mut samples) = (Instant::now(), Vec::new());
    while begun.elapsed() < time {
        std::thread::sleep(Duration::from_secs(1));
        ensure!(envoy.alive(), "Envoy crashed; see {}", envoy.log.display());
        let status = fs::read_to_string(format!("/proc/{}/status", envoy.pid()))?;
        let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:"));
        let resident = line
            .and_then(|l| l.split_whitespace().next())
            .and_then(|n| n.parse().ok());
        let memory: Value = serde_json::from_slice(&envoy.admin("GET", "/memory")?.body())?;
        let allocated = memory
            .get("allocated")
            .and_then(Value::as_str)
            .and_then(|n| n.parse::<f64>().ok());
        samples.push((
            resident.context("/proc tells no resident memory")?,
            allocated.context("Envoy tells no memory")? / 1024.0,
        ));
        if samples.len() % 10 == 0 {
            look(envoy)?;
        }
    }
    Ok(samples)
}

/// The middle of the fifth behind the warm-up, the middle of the last fifth, and the most.
fn flat(samples: &[(f64, f64)], of: impl Fn(&(f64, f64)) -> f64) -> Result<(f64, f64, f64)> {
    let part = (samples.len() as f64 * WARM) as usize;
    let middle = |some: &[(f64, f64)]| {
        let mut all: Vec<f64> = some.iter().map(&of).collect();
        all.sort_by(f64::total_cmp);
        all.get(all.len() / 2).copied()
    };
    let first = samples.get(part..2 * part).and_then(middle);
    let last = samples.get(samples.len() - part..).and_then(middle);
    let most = samples.iter().map(&of).fold(0.0, f64::max);
    first
        .zip(last)
        .map(|(a, b)| (a, b, most))
        .context("too short for a soak")
}

/// A script that asks for each page in turn, and counts.
fn lua(pages: &std::collections::BTreeMap<&str, Page>, planted: &Planted) -> String {
    let paths: Vec<String> = pages.keys().map(|path| format!("{path:?}")).collect();
    let mut statuses: Vec<u16> = pages.values().map(|page| page.status).collect();
    statuses.sort_unstable();
    statuses.dedup();
    let statuses: Vec<String> = statuses.iter().map(|s| format!("[{s}]=true")).collect();
    // A name for the only thread; without it `done` could not read what it has counted.
    format!(
        "local only\nfunction setup(thread) only = thread end\n\
         local paths = {{{}}}\nlocal known = {{{}}}\nlocal at = 0\nanswers = 0\nleaks = 0\nunexpected = 0\n\
         function request() at = at % #paths + 1 return wrk.format('GET', paths[at]) end\n\
         function response(status, headers, body)\n  answers = answers + 1\n\
         if not known[status] then unexpected = unexpected + 1 end\n\
         if body:find({:?}, 1, true) or body:find({:?}, 1, true) then leaks = leaks + 1 end\nend\n\
         function done() print('answers ' .. only:get('answers') .. '\\nleaks ' .. only:get('leaks') .. '\\nunexpected ' .. only:get('unexpected')) end\n",
        paths.join(","),
        statuses.join(","),
        planted.key,
        planted.password,
    )
}

/// What stands behind a word at the beginning of a line.
fn number(text: &str, word: &str) -> Result<u64> {
    let line = text.lines().find_map(|l| l.strip_prefix(word)?.strip_prefix(' '));
    line.and_then(|n| n.trim().parse().ok())
        .with_context(|| format!("the load generator told no {word}"))
}

/// Of h2load: requests that were answered.
fn done(text: &str) -> Result<u64> {
    let line = text.lines().find(|l| l.starts_with("requests:"));
    let count = line.and_then(|l| {
        l.split(", ")
            .find_map(|part| part.strip_suffix(" done")?.trim().parse().ok())
    });
    count.context("h2load told no count of requests")
}

#[cfg(test)]
mod tests {
    use super::{done, flat, number};

    #[test]
    fn output_is_read() {
        assert_eq!(number("x 1\nleaks 12\n", "leaks").unwrap(), 12);
        assert!(number("x 1\n", "leaks").is_err());
        let line = "requests: 9 total, 9 started, 8 done, 7 succeeded, 0 failed, 0 errored, 0 timeout";
        assert_eq!(done(line).unwrap(), 8);
    }

    #[test]
    fn growth_is_seen_and_a_warm_up_is_not() {
        let samples: Vec<(f64, f64)> = (0..100)
            .map(|i| (if i < 20 { f64::from(i) } else { 20.0 }, f64::from(i)))
            .collect();
        assert_eq!(flat(&samples, |s| s.0).unwrap(), (20.0, 20.0, 20.0));
        assert_eq!(flat(&samples, |s| s.1).unwrap(), (30.0, 90.0, 99.0));
    }
}
