//! One Envoy: started, waited for, asked through its admin interface, ended by its own pid.
//!
//! Ports are never guessed: the listeners bind port 0 and Envoy tells which ones it got, so that two runs at once cannot
//! take each other's.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::client::{self, Request};
use crate::config::Bootstrap;

/// How long Envoy may take to be ready: compiling a module in V8 takes seconds on a loaded machine.
const READY_LIMIT: Duration = Duration::from_secs(60);

/// Envoy's log when nothing else is asked for: what it warns of, and everything that a wasm module says or does.
/// Other components print raw upstream headers at their own debug level, so they stay at warning.
pub const LOG: [&str; 4] = ["--log-level", "warning", "--component-log-level", "wasm:trace"];

/// A running Envoy. Dropping it ends the process.
#[derive(Debug)]
pub struct Envoy {
    child: Child,
    admin: SocketAddr,
    /// Where clients connect.
    pub address: SocketAddr,
    /// What it printed, at trace level for wasm.
    pub log: PathBuf,
}

/// What `envoy --mode validate` said.
#[derive(Debug)]
pub struct Verdict {
    /// The configuration, the module and the module's own configuration are accepted.
    pub accepted: bool,
    /// Everything that was printed.
    pub log: String,
}

impl Envoy {
    /// Starts Envoy and waits until it serves. `name` becomes part of the log's file name.
    ///
    /// # Errors
    /// It does not start, ends at once, or is not ready in time. The message holds the end of its log.
    pub fn start(binary: &Path, bootstrap: &Bootstrap, name: &str) -> Result<Self> {
        Self::start_logging(binary, bootstrap, name, &LOG)
    }

    /// The same with other log arguments: at trace level each host call is a line, which costs more than the call.
    ///
    /// # Errors
    /// As for [`Envoy::start`].
    pub fn start_logging(binary: &Path, bootstrap: &Bootstrap, name: &str, levels: &[&str]) -> Result<Self> {
        Self::start_workers(binary, bootstrap, name, levels, 1)
    }

    /// The same with more than one worker.
    ///
    /// # Errors
    /// As for [`Envoy::start`].
    pub fn start_workers(
        binary: &Path,
        bootstrap: &Bootstrap,
        name: &str,
        levels: &[&str],
        workers: u32,
    ) -> Result<Self> {
        let files = Files::new(name)?;
        fs::write(&files.config, bootstrap.text())?;
        let log = File::create(&files.log)?;
        let child = Command::new(binary)
            .arg("-c")
            .arg(&files.config)
            .args(["--disable-hot-restart", "--concurrency", &workers.to_string()])
            // The access log otherwise comes after ten seconds.
            .args(["--file-flush-interval-msec", "50", "--admin-address-path"])
            .arg(&files.admin)
            .args(levels)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {}", binary.display()))?;
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut it = Self {
            child,
            admin: nowhere,
            address: nowhere,
            log: files.log,
        };
        it.wait(&files.admin)?;
        Ok(it)
    }

    fn wait(&mut self, admin_file: &Path) -> Result<()> {
        let begun = Instant::now();
        while begun.elapsed() < READY_LIMIT {
            if let Some(status) = self.child.try_wait()? {
                bail!("Envoy ended with {status}:\n{}", tail(&self.log));
            }
            if let Ok(text) = fs::read_to_string(admin_file)
                && let Ok(admin) = text.trim().parse()
            {
                self.admin = admin;
                if self.admin("GET", "/ready").is_ok_and(|r| r.status == 200) {
                    self.address = self.listener()?;
                    return Ok(());
                }
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        bail!(
            "Envoy is not ready after {} s:\n{}",
            READY_LIMIT.as_secs(),
            tail(&self.log)
        )
    }

    fn listener(&self) -> Result<SocketAddr> {
        let reply = self.admin("GET", "/listeners?format=json")?;
        let answer: Value = serde_json::from_slice(&reply.body())?;
        let socket = answer
            .pointer("/listener_statuses/0/local_address/socket_address")
            .context("the admin interface shows no listener")?;
        let port = socket["port_value"]
            .as_u64()
            .and_then(|p| u16::try_from(p).ok())
            .context("no port")?;
        Ok(SocketAddr::from(([127, 0, 0, 1], port)))
    }

    /// A request to the admin interface.
    ///
    /// # Errors
    /// It does not answer.
    pub fn admin(&self, method: &str, path: &str) -> Result<client::Reply> {
        client::send(self.admin, &Request::new(method, path), Duration::from_secs(10))
    }

    /// The value of a counter or gauge; 0 if Envoy does not know it.
    ///
    /// # Errors
    /// The admin interface does not answer.
    pub fn stat(&self, name: &str) -> Result<u64> {
        let reply = self.admin("GET", "/stats?format=text")?;
        let text = String::from_utf8_lossy(&reply.body()).into_owned();
        let line = text.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(": "));
        Ok(line.and_then(|v| v.trim().parse().ok()).unwrap_or(0))
    }

    /// The metrics as Prometheus sees them.
    ///
    /// # Errors
    /// The admin interface does not answer.
    pub fn prometheus(&self) -> Result<String> {
        Ok(String::from_utf8_lossy(&self.admin("GET", "/stats/prometheus")?.body()).into_owned())
    }

    /// The process id, for tools that watch memory.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether the process still runs.
    pub fn alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// The log so far.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn log_bytes(&self) -> Result<Vec<u8>> {
        Ok(fs::read(&self.log)?)
    }
}

impl Drop for Envoy {
    fn drop(&mut self) {
        let asked = self.admin.port() != 0 && self.alive() && self.admin("POST", "/quitquitquit").is_ok();
        let begun = Instant::now();
        while asked && begun.elapsed() < Duration::from_secs(3) && self.alive() {
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs `envoy --mode validate`, which loads the module and calls its configure.
///
/// # Errors
/// The program cannot be started.
pub fn validate(binary: &Path, bootstrap: &Bootstrap, name: &str) -> Result<Verdict> {
    let files = Files::new(name)?;
    fs::write(&files.config, bootstrap.text())?;
    validate_file(binary, &files.config, &files.log)
}

fn validate_file(binary: &Path, config: &Path, log: &Path) -> Result<Verdict> {
    let out = Command::new(binary)
        .args(["--mode", "validate", "--disable-hot-restart", "-c"])
        .arg(config)
        .args(LOG)
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start {}", binary.display()))?;
    let all = [out.stdout, out.stderr].concat();
    fs::write(log, &all)?;
    Ok(Verdict {
        accepted: out.status.success(),
        log: String::from_utf8_lossy(&all).into_owned(),
    })
}

struct Files {
    config: PathBuf,
    admin: PathBuf,
    log: PathBuf,
}

impl Files {
    /// Names that no other run uses, in the folder whose files the search for planted secrets reads.
    fn new(name: &str) -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let logs = std::env::var_os("KEEPMUM_LOGS").map_or_else(|| crate::target().join("logs"), PathBuf::from);
        let scratch = crate::target().join("envoy/run");
        fs::create_dir_all(&logs)?;
        fs::create_dir_all(&scratch)?;
        let stem = format!(
            "envoy-{name}-{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        Ok(Self {
            config: scratch.join(format!("{stem}.yaml")),
            admin: scratch.join(format!("{stem}.admin")),
            log: logs.join(format!("{stem}.log")),
        })
    }
}

fn tail(log: &Path) -> String {
    let text = fs::read(log)
        .map(|b| String::from_utf8_lossy(&b).into_owned())
        .unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(12)..].join("\n")
}
