//! The npm package: `cargo xtask npm` makes its tarball; the part `js` of the tests installs that into an empty project and runs it.
//!
//! What is needed beyond Rust is Node with npm; all else comes through `npm ci`, by the lock file, and no install script runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::run::{Step, ask, done};
use crate::setup::{self, TARGET, Way};
use crate::test::{Outcome, Run, strict};
use crate::{module, workspace};

/// Node's oldest major version.
const NODE: u32 = 20;

/// Where all of it is made.
fn folder() -> PathBuf {
    workspace::target().join("js")
}

/// Node and npm, or why not.
pub fn node() -> Result<()> {
    let version = ask("node", &["--version"]).unwrap_or_default();
    let major = version.trim_start_matches('v').split('.').next().unwrap_or_default();
    if major.parse::<u32>().is_ok_and(|v| v >= NODE) && ask("npm", &["--version"]).is_some() {
        return Ok(());
    }
    bail!("install Node {NODE} or later, with npm: https://nodejs.org/en/download")
}

/// npm in one of the folders, without scripts of packages and without questions.
fn npm<'a>(name: &'a str, at: &Path, args: &[&str]) -> Step<'a> {
    Step::new(name, "npm")
        .args(["--prefix".as_ref(), at.as_os_str()])
        .args(args)
        .args(["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"])
}

/// What builds and tests the package, as the lock file says.
fn tools(log: Option<&Path>) -> Result<()> {
    let js = workspace::root().join("js");
    let (lock, mark) = (
        fs::read(js.join("package-lock.json"))?,
        js.join("node_modules/.keepmum-lock"),
    );
    if fs::read(&mark).is_ok_and(|had| had == lock) {
        return Ok(());
    }
    npm("npm ci", &js, &["ci"]).log(log).run()?;
    fs::write(mark, lock)?;
    Ok(())
}

/// Makes the tarball and returns its path.
pub fn package(way: &Way, log: Option<&Path>) -> Result<PathBuf> {
    let begun = Instant::now();
    node()?;
    tools(log)?;
    let args = ["build", "--profile", "wasm", "--package", "keepmum-js", "--lib"];
    module::cargo("build the engine for Node and browsers", way, &args)
        .log(log)
        .run()?;
    let wasm = workspace::target().join(TARGET).join("wasm/keepmum_js.wasm");
    let (generated, package) = (folder().join("engine"), folder().join("package"));
    let bind = [
        "run",
        "--quiet",
        "--package",
        "keepmum-js-bind",
        "--features",
        "bind",
        "--",
    ];
    Step::cargo("make the bindings", bind)
        .args([wasm.as_os_str(), generated.as_os_str()])
        .log(log)
        .run()?;
    Step::new("bundle", "node")
        .args(["js/build.mjs".as_ref(), generated.as_os_str(), package.as_os_str()])
        .log(log)
        .run()?;
    let at = folder();
    Step::new("npm pack", "npm")
        .args(["pack".as_ref(), package.as_os_str()])
        .args([
            "--loglevel=error".as_ref(),
            "--pack-destination".as_ref(),
            at.as_os_str(),
        ])
        .log(log)
        .run()?;
    let tarball = at.join(format!("keepmum-{}.tgz", env!("CARGO_PKG_VERSION")));
    let size = tarball
        .metadata()
        .with_context(|| format!("no tarball at {}", tarball.display()))?
        .len();
    done(
        &format!("npm: {} ({} KiB)", tarball.display(), size.div_ceil(1024)),
        begun,
    );
    Ok(tarball)
}

/// An empty project with nothing but the tarball in it.
fn project(tarball: &Path, log: Option<&Path>) -> Result<PathBuf> {
    let project = folder().join("project");
    if project.exists() {
        fs::remove_dir_all(&project)?;
    }
    fs::create_dir_all(&project)?;
    fs::write(project.join("package.json"), "{\"private\": true}\n")?;
    let tarball = tarball.to_string_lossy();
    npm("npm install", &project, &["install", "--offline", &tarball])
        .log(log)
        .run()?;
    Ok(project)
}

/// `cargo xtask npm`.
pub fn make() -> Result<()> {
    package(&setup::wasm()?, None).map(drop)
}

/// `cargo xtask playground`: builds the page and serves it on loopback until it is ended.
pub fn playground() -> Result<()> {
    package(&setup::wasm()?, None)?;
    let page = folder().join("playground");
    Step::new("serve", "node")
        .args(["js/serve.mjs".as_ref(), page.as_os_str()])
        .show()
}

/// `cargo xtask bench-js`: prints the package's figures.
pub fn bench() -> Result<()> {
    let tarball = package(&setup::wasm()?, None)?;
    let project = project(&tarball, None)?;
    Step::new("bench", "node")
        .args(["js/bench.mjs".as_ref(), project.as_os_str(), tarball.as_os_str()])
        .show()
}

/// Chromium for the page's tests, from Debian; without it they are skipped unless `CI=true`.
fn chromium() -> Result<String> {
    let there = || ask("sh", &["-c", "command -v chromium || command -v google-chrome"]);
    if there().is_none() {
        setup::apt("a browser for the page's tests", &["chromium"])?;
    }
    there().context("apt-get install -y --no-install-recommends chromium")
}

/// The part `js` of the tests.
pub fn test(run: &mut Run) -> Result<Outcome> {
    if let Err(why) = node() {
        return Ok(Outcome::Skipped {
            why: format!("no Node {NODE} with npm"),
            enable: format!("{why:#}"),
        });
    }
    let way = run.way()?;
    let log = Some(run.log.clone());
    let log = log.as_deref();
    let tarball = package(&way, log)?;
    let project = project(&tarball, log)?;
    let browser = chromium();
    if let Err(why) = &browser
        && strict()
    {
        bail!("no browser, and CI=true asks for all tests: {why:#}");
    }
    let mut tests = Vec::new();
    for entry in fs::read_dir(workspace::root().join("js/test"))? {
        let path = entry?.path();
        if path.to_string_lossy().ends_with(".test.mjs") {
            tests.push(path);
        }
    }
    tests.sort();
    let cases = folder().join("cases.jsonl");
    Step::cargo(
        "the scenarios, for Node",
        ["test", "--workspace", "--test", "scenarios_engine"],
    )
    .env("KEEPMUM_CASES", &cases)
    .log(log)
    .run()?;
    Step::new("node --test", "node")
        .args(["--test", "--test-reporter=spec"])
        .args(tests)
        .env("KEEPMUM_PROJECT", &project)
        .env("KEEPMUM_TARBALL", &tarball)
        .env("KEEPMUM_CASES", &cases)
        .env("KEEPMUM_CHROMIUM", browser.unwrap_or_default())
        .env("KEEPMUM_SHOTS", folder().join("screenshots"))
        .log(log)
        .run()?;
    Ok(Outcome::Passed)
}
