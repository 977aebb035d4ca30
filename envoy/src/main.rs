//! `keepmum-envoy`: what `cargo xtask` asks of this crate. People use xtask.
//!
//! - `serve --wasm FILE [--for SECONDS]`: the bundled captures behind a real Envoy, until Ctrl-C.
//! - `search FOLDER`: fails if a file there holds a planted secret.
//! - `install [VERSION]`: gets an Envoy binary and prints its path.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use keepmum_envoy::lab::Lab;
use keepmum_envoy::search::Search;
use keepmum_envoy::{VERSION, install};
use keepmum_host_tests::capture::{self, Plants};
use keepmum_host_tests::exchange::{Exchange, Origin};

const USAGE: &str = "usage: keepmum-envoy serve --wasm FILE [--for SECONDS] | search FOLDER | install [VERSION]";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match act(&words) {
        Ok(code) => code,
        Err(e) => {
            eprintln!("keepmum-envoy: {e:#}");
            ExitCode::FAILURE
        }
    }
}

fn act(words: &[&str]) -> Result<ExitCode> {
    match words {
        ["serve", "--wasm", wasm] => serve(Path::new(wasm), None),
        ["serve", "--wasm", wasm, "--for", seconds] => serve(
            Path::new(wasm),
            Some(Duration::from_secs(seconds.parse().context("--for takes seconds")?)),
        ),
        ["search", folder] => search(&PathBuf::from(folder)),
        ["install"] => say(&install::envoy(VERSION)?.to_string_lossy()),
        ["install", version] => say(&install::envoy(version)?.to_string_lossy()),
        _ => bail!(USAGE),
    }
}

fn say(line: &str) -> Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

fn serve(wasm: &Path, seconds: Option<Duration>) -> Result<ExitCode> {
    let binary = install::envoy(VERSION)?;
    let exchanges = capture::bundled()?;
    let mut lab = Lab::start(&binary, wasm, &exchanges, "{}", "demo", Ok)?;
    say(&format!("\nEnvoy {VERSION} with Keepmum answers on loopback. Try:\n"))?;
    let telling = |e: &&Exchange| !e.planted.is_empty() || e.origin == Origin::ConnectFailure;
    for exchange in exchanges.iter().filter(telling) {
        let address = lab.envoy(exchange, "{}")?.address;
        say(&format!("  {}", curl(exchange, address)))?;
    }
    say("\nEvery capture of host-tests/captures answers at its name. Another port is another policy.")?;
    for envoy in lab.envoys() {
        say(&format!("log: {}", envoy.log.display()))?;
    }
    match seconds {
        Some(time) => say(&format!("This ends after {} s.", time.as_secs()))?,
        None => say("Ctrl-C ends it.")?,
    };
    let begun = Instant::now();
    let parent = std::os::unix::process::parent_id();
    while seconds.is_none_or(|time| begun.elapsed() < time) {
        std::thread::sleep(Duration::from_millis(100));
        if std::os::unix::process::parent_id() != parent {
            // Whoever asked for this is gone: nobody would ever end it.
            break;
        }
        if !lab.envoys().all(keepmum_envoy::process::Envoy::alive) {
            bail!("an Envoy ended by itself; see its log");
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn curl(exchange: &Exchange, address: std::net::SocketAddr) -> String {
    let head = exchange.request.header(":method") == Some(b"HEAD");
    let flags = if head { "-sI" } else { "-si" };
    let note = match exchange.origin {
        Origin::Upstream => "",
        Origin::ConnectFailure => "   # nobody listens behind this one",
    };
    format!("curl {flags} http://{address}/{}{note}", exchange.name)
}

fn search(folder: &Path) -> Result<ExitCode> {
    let plants = Plants::beside(&capture::bundled_folder())?.context("the bundled captures have no table of plants")?;
    let plants = plants.all();
    let (files, found) = Search::new(&plants).folder(folder)?;
    for (file, hit) in &found {
        eprintln!(
            "{}: holds {} ({}) at byte {}",
            file.display(),
            hit.plant,
            hit.spelling,
            hit.offset
        );
    }
    say(&format!(
        "searched {files} files for {} planted secrets: {} found",
        plants.len(),
        found.len()
    ))?;
    Ok(if found.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
