//! The agent as a whole: all sources are begun, what is required is waited for, and then every change is published.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::time;
use zeroize::Zeroizing;

use crate::admission::Admission;
use crate::config::Config;
use crate::hits;
use crate::log::tell;
use crate::memory;
use crate::metrics::{SourceStatus, Status};
use crate::publish::Press;
use crate::report::{self, Report};
use crate::service::Door;
use crate::source::{self, Down, Missing, Read, Told};
use crate::store::Store;

/// Why the agent does not start.
#[derive(Debug)]
pub enum StartError {
    /// What is required and not there: everything, by name.
    Missing(Vec<String>),
    /// The address or socket cannot be opened.
    Listen(io::Error),
    /// Captures cannot be read.
    Captures(io::Error),
    /// The system gives no threads or timers.
    System(io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::Missing(all) => {
                write!(f, "required and missing:")?;
                all.iter().try_for_each(|name| write!(f, "\n  {name}"))
            }
            StartError::Listen(e) => write!(f, "cannot listen: {e}"),
            StartError::Captures(e) => write!(f, "cannot read the captures: {e}"),
            StartError::System(e) => write!(f, "cannot start: {e}"),
        }
    }
}

impl std::error::Error for StartError {}

/// The proxy demands as much.
const KEY_BYTES: usize = 32;

/// What each source told last.
type Last = Vec<Option<Result<Vec<Missing>, Down>>>;

struct Agent {
    config: Config,
    store: Store,
    told: mpsc::Receiver<Told>,
    last: Last,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.tasks.iter().for_each(tokio::task::JoinHandle::abort);
    }
}

/// Runs the agent, which ends only if it cannot start.
///
/// # Errors
/// Everything required that is missing; or the door cannot be opened.
pub fn run(config: Config) -> Result<(), StartError> {
    let guarded = memory::guard();
    guarded.told.iter().for_each(|line| tell(line));
    runtime()?.block_on(live(config, guarded.locked))
}

/// Reads every source once and tells what would be taken, and how often captures hold it. Opens no door, and needs no key.
///
/// # Errors
/// Captures cannot be read, or the system gives no threads or timers.
pub fn dry_run(config: Config, captures: Option<&Path>) -> Result<Report, StartError> {
    memory::guard();
    runtime()?.block_on(async {
        let mut agent = Agent::begin(config);
        let waited = agent.wait(true).await;
        let missing = agent.missing(|_| true);
        let hits = captures.map(|path| hits::count(&agent.store, path)).transpose();
        let hits = hits.map_err(StartError::Captures)?;
        Ok(Report::new(&agent.store, missing, waited.is_ok(), hits))
    })
}

fn runtime() -> Result<tokio::runtime::Runtime, StartError> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(StartError::System)
}

async fn live(config: Config, locked: bool) -> Result<(), StartError> {
    let (variable, listen) = (config.key_env.clone(), config.listen.clone());
    let press = seal_key(&variable).and_then(|key| Press::new(key).map_err(|e| format!("{variable}: {e}")));
    let sources = config.sources.iter().map(|s| SourceStatus {
        name: s.name.clone(),
        required: s.required,
        ..SourceStatus::default()
    });
    let status = Arc::new(Status::new(sources.collect(), locked));
    let mut agent = Agent::begin(config);
    let waited = agent.wait(false).await;
    let press = match (press, waited) {
        (Ok(press), Ok(())) => press,
        (press, waited) => {
            let names = press.err().into_iter().chain(waited.err().unwrap_or_default());
            return Err(StartError::Missing(names.collect()));
        }
    };
    let door = Door::open(&listen).await.map_err(StartError::Listen)?;
    agent.keep(press, status, door).await;
    Ok(())
}

/// The key, and what is wrong with it: it is told together with all else that is missing.
fn seal_key(variable: &str) -> Result<Zeroizing<Vec<u8>>, String> {
    use std::os::unix::ffi::OsStringExt as _;
    match std::env::var_os(variable).filter(|v| !v.is_empty()) {
        Some(key) => {
            let key = Zeroizing::new(key.into_vec());
            let text = String::from_utf8_lossy(&key);
            if key.len() < KEY_BYTES {
                return Err(format!(
                    "{variable}: the key that seals the set: shorter than {KEY_BYTES} bytes"
                ));
            }
            let guessable = zxcvbn::zxcvbn(&text, &[]).guesses_log10() < 14.0;
            let refused =
                format!("{variable}: the key that seals the set could be guessed; `openssl rand -hex 32` makes one");
            if guessable { Err(refused) } else { Ok(key) }
        }
        None => Err(format!("{variable}: the key that seals the set: not set, or empty")),
    }
}

impl Agent {
    fn begin(config: Config) -> Agent {
        let (to, told) = mpsc::channel(16);
        let begin = |(i, source)| source::begin(i, source, to.clone());
        Agent {
            store: Store::new(config.grace, Admission::new(&config.admission)),
            told,
            last: config.sources.iter().map(|_| None).collect(),
            tasks: config.sources.iter().enumerate().map(begin).collect(),
            config,
        }
    }

    /// Waits until all that is required is there; what is not when the time is over is the error. With `once`, only until every
    /// source has told something.
    async fn wait(&mut self, once: bool) -> Result<(), Vec<String>> {
        let end = time::Instant::now() + self.config.start_within;
        loop {
            let all_told = self.last.iter().all(Option::is_some);
            let lacking = self.missing(|required| required);
            if all_told && (lacking.is_empty() || once) {
                return if lacking.is_empty() { Ok(()) } else { Err(lacking) };
            }
            match time::timeout_at(end, self.told.recv()).await {
                Ok(Some((index, read))) => drop(self.take(index, read)),
                _ if lacking.is_empty() => return Ok(()),
                _ => return Err(lacking),
            }
        }
    }

    /// What is missing of the sources that are required, or not.
    fn missing(&self, of: impl Fn(bool) -> bool) -> Vec<String> {
        let sources = self
            .config
            .sources
            .iter()
            .zip(&self.last)
            .filter(|(s, _)| of(s.required));
        let lacking = sources.flat_map(|(source, last)| match last {
            Some(read) => report::shown(&source.name, read),
            None => vec![format!("{}: no answer yet", source.name)],
        });
        lacking.collect()
    }

    /// Takes what a source told; whether the set is another one. What changed about a source is told in a line.
    fn take(&mut self, index: usize, read: Result<Read, Down>) -> bool {
        let name = self.config.sources.get(index).map_or("?", |s| s.name.as_str());
        let (state, changed) = match read {
            Ok(read) => {
                let missing = read.missing.clone();
                (Ok(missing), self.store.take(index, read, Instant::now()))
            }
            Err(down) => (Err(down), false),
        };
        if let Some(last) = self.last.get_mut(index) {
            if last.as_ref() != Some(&state) {
                let lines = report::shown(name, &state);
                lines.iter().for_each(|line| tell(line));
                if lines.is_empty() && last.is_some() {
                    tell(&format!("{name}: all is there again"));
                }
            }
            *last = Some(state);
        }
        changed
    }

    async fn keep(&mut self, mut press: Press, status: Arc<Status>, door: Door) {
        for index in 0..self.last.len() {
            self.tell_read(index, &status);
        }
        self.publish(&mut press, &status);
        tell(&format!("serving on {}", door.shown()));
        self.tasks.push(tokio::spawn(door.serve(Arc::clone(&status))));
        loop {
            // No value ends its grace period in a year.
            let end = self
                .store
                .next_end()
                .unwrap_or_else(|| Instant::now() + Duration::from_secs(31_536_000));
            tokio::select! {
                told = self.told.recv() => {
                    let Some((index, read)) = told else { return };
                    let changed = self.take(index, read);
                    self.tell_read(index, &status);
                    if changed {
                        self.publish(&mut press, &status);
                    }
                }
                () = time::sleep_until(end.into()) => {
                    if self.store.expire(Instant::now()) {
                        self.publish(&mut press, &status);
                    }
                    (0..self.last.len()).for_each(|index| self.tell_counts(index, &status));
                }
            }
        }
    }

    fn tell_counts(&self, index: usize, status: &Status) {
        let counts = self.store.count(index);
        status.source(index, |s| (s.secrets, s.retiring) = counts);
    }

    fn tell_read(&self, index: usize, status: &Status) {
        self.tell_counts(index, status);
        let last = self.last.get(index).and_then(Option::as_ref);
        status.source(index, |s| {
            s.reads += u64::from(last.is_some());
            match last {
                Some(Ok(missing)) => {
                    (s.down, s.read_at, s.missing) = (None, Some(Instant::now()), missing.len());
                }
                Some(Err(down)) => {
                    s.failures += 1;
                    s.down = Some(down.0.clone());
                }
                None => s.down = Some("no answer yet".to_owned()),
            }
        });
    }

    fn publish(&self, press: &mut Press, status: &Status) {
        match press.publish(&self.store.armed()) {
            Some(set) => {
                if !set.left_out.is_empty() {
                    let first: Vec<&str> = set.left_out.iter().take(8).map(String::as_str).collect();
                    let n = set.left_out.len();
                    tell(&format!(
                        "the set is full: {n} values are left out, first {}",
                        first.join(", ")
                    ));
                }
                let (version, secrets, forms) = (set.version, set.secrets, set.forms);
                tell(&format!("version {version}: {secrets} values in {forms} forms"));
                status.publish(Arc::new(set), self.store.refused());
            }
            None => {
                status.unpublished();
                tell("the set cannot be made: it would be too large; the last one stays");
            }
        }
    }
}
