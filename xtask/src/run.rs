//! Runs a command so that a person sees it is alive and a file keeps what it said.
//!
//! Output is copied line by line to the terminal and, when asked, to a log. When nothing was printed for a while a line with
//! the elapsed seconds is: a silent minute looks like a hang, on a terminal and in a build log alike.

use std::ffi::OsString;
use std::fs::File;
use std::io::{BufRead, BufReader, IsTerminal, Read, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// Ends a command that takes longer than this, unless it has a limit of its own.
const DEFAULT_LIMIT: Duration = Duration::from_secs(4 * 3600);

/// One named step.
pub struct Step<'a> {
    name: &'a str,
    command: Command,
    log: Option<&'a Path>,
    limit: Duration,
}

impl<'a> Step<'a> {
    /// A step that runs this program in the repository's root.
    pub fn new(name: &'a str, program: impl Into<OsString>) -> Self {
        let mut command = Command::new(program.into());
        command.current_dir(crate::workspace::root());
        Self {
            name,
            command,
            log: None,
            limit: DEFAULT_LIMIT,
        }
    }

    /// A cargo command of the toolchain that runs this program.
    pub fn cargo<S: AsRef<std::ffi::OsStr>>(name: &'a str, args: impl IntoIterator<Item = S>) -> Self {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        Self::new(name, cargo).args(args)
    }

    pub fn args<S: AsRef<std::ffi::OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.command.args(args);
        self
    }

    pub fn env(mut self, key: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.env(key, value);
        self
    }

    pub fn without_env(mut self, key: &str) -> Self {
        self.command.env_remove(key);
        self
    }

    /// Keeps a copy of all output in this file.
    pub fn log(mut self, file: Option<&'a Path>) -> Self {
        self.log = file;
        self
    }

    /// Runs it with this program's own terminal: for commands whose output is the point, not the progress.
    pub fn show(mut self) -> Result<()> {
        let name = self.name;
        let program = self.command.get_program().to_string_lossy().into_owned();
        let status = self
            .command
            .status()
            .with_context(|| format!("cannot start {program}"))?;
        if status.success() {
            Ok(())
        } else {
            bail!("{name} failed ({status})")
        }
    }

    /// Ends the command after this time.
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Runs it; an exit status other than 0 is an error.
    pub fn run(self) -> Result<()> {
        let name = self.name.to_owned();
        let status = self.status()?;
        if !status.success() {
            bail!("{name} failed ({status})");
        }
        Ok(())
    }

    /// Runs it and returns its exit status.
    pub fn status(mut self) -> Result<ExitStatus> {
        let log = match self.log {
            Some(path) => Some(File::options().create(true).append(true).open(path)?),
            None => None,
        };
        let screen = Arc::new(Mutex::new(Screen {
            log,
            last: Instant::now(),
            busy: false,
        }));
        let program = self.command.get_program().to_string_lossy().into_owned();
        let mut child = self
            .command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {program}"))?;
        let copies = [
            child.stdout.take().map(|s| copy(s, &screen)),
            child.stderr.take().map(|s| copy(s, &screen)),
        ];
        let status = self.wait(&mut child, &screen)?;
        for thread in copies.into_iter().flatten() {
            let _ = thread.join();
        }
        Ok(status)
    }

    fn wait(&self, child: &mut Child, screen: &Mutex<Screen>) -> Result<ExitStatus> {
        let begun = Instant::now();
        let patience = if std::io::stderr().is_terminal() { 2 } else { 15 };
        loop {
            if let Some(status) = child.try_wait()? {
                lock(screen).clear();
                return Ok(status);
            }
            if begun.elapsed() > self.limit {
                child.kill()?;
                child.wait()?;
                bail!(
                    "{} took longer than {} s and was ended",
                    self.name,
                    self.limit.as_secs()
                );
            }
            lock(screen).heartbeat(self.name, begun, Duration::from_secs(patience));
            std::thread::sleep(Duration::from_millis(25));
        }
    }
}

/// The terminal and the log: one line at a time.
struct Screen {
    log: Option<File>,
    last: Instant,
    busy: bool,
}

impl Screen {
    fn line(&mut self, line: &[u8]) {
        self.clear();
        let _ = std::io::stderr().write_all(line);
        if let Some(log) = &mut self.log {
            let _ = log.write_all(line);
        }
        self.last = Instant::now();
    }

    fn clear(&mut self) {
        if self.busy && std::io::stderr().is_terminal() {
            eprint!("\r\x1b[K");
        }
        self.busy = false;
    }

    fn heartbeat(&mut self, name: &str, begun: Instant, patience: Duration) {
        if self.last.elapsed() < patience {
            return;
        }
        let seconds = begun.elapsed().as_secs();
        if std::io::stderr().is_terminal() {
            eprint!("\r\x1b[K  … {name}, {seconds} s");
            self.last = Instant::now() + Duration::from_secs(1) - patience.min(Duration::from_secs(1));
        } else {
            eprintln!("  … {name}, {seconds} s");
            self.last = Instant::now();
        }
        self.busy = true;
    }
}

fn lock(screen: &Mutex<Screen>) -> std::sync::MutexGuard<'_, Screen> {
    screen.lock().unwrap_or_else(PoisonError::into_inner)
}

fn copy(stream: impl Read + Send + 'static, screen: &Arc<Mutex<Screen>>) -> std::thread::JoinHandle<()> {
    let screen = Arc::clone(screen);
    std::thread::spawn(move || {
        let mut lines = BufReader::new(stream);
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
            lock(&screen).line(&line);
            line.clear();
        }
    })
}

/// What a command prints on standard output, without its last newline; `None` when it fails or is not there.
pub fn ask(program: &str, args: &[&str]) -> Option<String> {
    let out = Command::new(program)
        .args(args)
        .current_dir(crate::workspace::root())
        .stdin(Stdio::null())
        .output()
        .ok()?;
    out.status
        .success()
        .then(|| String::from_utf8_lossy(&out.stdout).trim_end().to_owned())
}

/// Says what begins.
pub fn say(what: &str) {
    eprintln!("==> {what}");
}

/// Says what ended, and how long it took.
pub fn done(what: &str, begun: Instant) {
    eprintln!("==> {what} [{:.1} s]", begun.elapsed().as_secs_f32());
}
