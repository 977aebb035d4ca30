//! `keepmum-replay`: replays captured traffic through the module under wasmtime, and tells what came of it.
//!
//! A table on standard output (or JSON), an HTML report if asked for. It exits with 1 when a planted secret reached a
//! client, a stream hangs or is reset, the VM failed, or the module made a host call that no correct module makes; with 2 when
//! it could not do its work. Not a test: it runs over anybody's traffic, where nothing is planted.

use std::ffi::OsString;
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use keepmum_host_tests::capture;
use keepmum_host_tests::exchange::Exchange;
use keepmum_host_tests::host::{Module, Options};
use keepmum_host_tests::replay::replay;
use keepmum_host_tests::report::{self, About, Case, Outcome, Paint};
use sha2::{Digest as _, Sha256};

const USAGE: &str = "\
Replays captured traffic through the Keepmum module and shows what it redacts.

Usage: keepmum-replay --wasm FILE [OPTION]...

  --wasm FILE       the module
  --policy FILE     the policy, as JSON; without it the empty one, or an exchange's own
  --captures PATH   a HAR file, an Envoy tap (file or folder), or a folder of captures;
                    may be given several times; without it the project's own captures
  --html FILE       write a report to FILE
  --show-secrets    show secrets in clear in that report
  --json            print JSON in place of the table; it holds no secrets
  --http2           frame bodies as HTTP/2 does
  --help            this text

Exit status: 0 all is well; 1 a planted secret reached the client, a stream hangs or is
reset, the module failed, or it made a wrong host call; 2 it could not run.
";

#[derive(Default)]
struct Arguments {
    wasm: PathBuf,
    policy: Option<PathBuf>,
    captures: Vec<PathBuf>,
    html: Option<PathBuf>,
    show_secrets: bool,
    json: bool,
    http2: bool,
}

impl Arguments {
    /// `None`: help was asked for.
    fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Option<Self>> {
        use lexopt::Arg::{Long, Short};
        let mut parsed = Self::default();
        let mut parser = lexopt::Parser::from_args(arguments);
        while let Some(argument) = parser.next()? {
            match argument {
                Long("wasm") => parsed.wasm = parser.value()?.into(),
                Long("policy") => parsed.policy = Some(parser.value()?.into()),
                Long("captures") => parsed.captures.push(parser.value()?.into()),
                Long("html") => parsed.html = Some(parser.value()?.into()),
                Long("show-secrets") => parsed.show_secrets = true,
                Long("json") => parsed.json = true,
                Long("http2") => parsed.http2 = true,
                Long("help") | Short('h') => return Ok(None),
                other => return Err(other.unexpected().into()),
            }
        }
        if parsed.wasm.as_os_str().is_empty() {
            bail!("--wasm FILE is missing; --help shows the usage");
        }
        Ok(Some(parsed))
    }
}

fn main() -> ExitCode {
    let outcome = Arguments::parse(std::env::args_os().skip(1)).and_then(|arguments| match arguments {
        Some(arguments) => run(&arguments),
        None => print(USAGE).map(|()| true),
    });
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(why) => {
            let _ = writeln!(std::io::stderr().lock(), "keepmum-replay: {why:#}");
            ExitCode::from(2)
        }
    }
}

/// `true`: all is well.
fn run(arguments: &Arguments) -> Result<bool> {
    let wasm = std::fs::read(&arguments.wasm).with_context(|| arguments.wasm.display().to_string())?;
    let module = Module::from_bytes(&wasm).with_context(|| arguments.wasm.display().to_string())?;
    let mut options = Options {
        http2: arguments.http2,
        ..Options::default()
    };
    if let Some(file) = &arguments.policy {
        options.configuration = std::fs::read(file).with_context(|| file.display().to_string())?;
    }
    let mut cases = Vec::new();
    for mut exchange in exchanges(arguments)? {
        if arguments.policy.is_some() {
            // Whoever gives a policy asks what that policy does.
            exchange.policy = None;
        }
        let outcome = outcome(&module, &options, &exchange)?;
        cases.push(Case { exchange, outcome });
    }
    if arguments.json {
        print(&format!("{:#}\n", json(&cases)))?;
    } else {
        let terminal = std::io::stdout().is_terminal();
        let paint = if terminal { Paint::Ansi } else { Paint::Plain };
        print(&report::table_painted(&report::rows(&cases), paint))?;
        print(&format!("\n{}\n", summary(&cases)))?;
    }
    if let Some(file) = &arguments.html {
        let about = About {
            module: name_of(&arguments.wasm),
            digest: Sha256::digest(&wasm).iter().map(|byte| format!("{byte:02x}")).collect(),
            policy: match &arguments.policy {
                Some(file) => name_of(file),
                None => "the default, or each exchange's own".to_owned(),
            },
            show_secrets: arguments.show_secrets,
        };
        std::fs::write(file, report::html(&cases, &about)).with_context(|| file.display().to_string())?;
        let _ = writeln!(std::io::stderr().lock(), "report: {}", file.display());
    }
    Ok(cases.iter().all(|case| case.faults().is_empty()))
}

/// A file's name without its folders, which are nobody's business who reads the report.
fn name_of(file: &Path) -> String {
    file.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn exchanges(arguments: &Arguments) -> Result<Vec<Exchange>> {
    if arguments.captures.is_empty() {
        return capture::bundled();
    }
    let mut exchanges = Vec::new();
    for path in &arguments.captures {
        exchanges.extend(capture::read(path)?);
    }
    Ok(exchanges)
}

fn outcome(module: &Module, options: &Options, exchange: &Exchange) -> Result<Outcome> {
    if exchange.response.headers.is_empty() {
        return Ok(Outcome::NotReplayed("the capture holds no response".to_owned()));
    }
    let replay = replay(module, options, exchange).with_context(|| exchange.name.clone())?;
    Ok(Outcome::Replayed(Box::new(replay)))
}

fn summary(cases: &[Case]) -> String {
    let found: usize = cases
        .iter()
        .filter_map(Case::replay)
        .map(|replay| replay.findings.len())
        .sum();
    let planted: usize = cases.iter().map(|case| case.exchange.planted.len()).sum();
    let leaked: usize = cases.iter().map(|case| case.leaked().len()).sum();
    let faults: usize = cases.iter().map(|case| case.faults().len()).sum();
    let uninspected = cases.iter().filter(|case| !case.uninspected().is_empty()).count();
    let count = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    format!(
        "{}, {}; {leaked} of {} reached a client; {} with a part not inspected; {}",
        count(cases.len(), "exchange"),
        count(found, "finding"),
        count(planted, "planted secret"),
        count(uninspected, "exchange"),
        count(faults, "fault"),
    )
}

fn json(cases: &[Case]) -> serde_json::Value {
    let cases = cases.iter().map(|case| {
        let replay = case.replay();
        let findings = replay.into_iter().flat_map(|replay| &replay.findings).map(|finding| {
            serde_json::json!({
                "detector": finding.detector, "place": finding.place, "action": finding.action,
                "start": finding.start, "end": finding.end,
            })
        });
        let uninspected = case.uninspected().into_iter().map(|(reason, _)| reason);
        serde_json::json!({
            "exchange": case.exchange.name,
            "status": replay.map(|replay| replay.client.status),
            "ended": replay.map(|replay| format!("{:?}", replay.client.ended).to_lowercase()),
            "body_unchanged": case.body_unchanged(),
            "findings": findings.collect::<Vec<_>>(),
            "uninspected": uninspected.collect::<Vec<_>>(),
            "faults": case.faults(),
            "not_replayed": match &case.outcome {
                Outcome::NotReplayed(why) => Some(why),
                Outcome::Replayed(_) => None,
            },
        })
    });
    serde_json::json!({ "exchanges": cases.collect::<Vec<_>>() })
}

fn print(text: &str) -> Result<()> {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        // Whoever reads has read enough: `keepmum-replay | head`.
        Err(why) if why.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other.context("standard output"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    #[test]
    fn arguments_are_understood_or_refused() {
        let parse = |text: &str| Arguments::parse(text.split_whitespace().map(OsString::from));
        let parsed = parse("--wasm a.wasm --captures x --captures=y --json --html=r.html")
            .unwrap()
            .unwrap();
        assert_eq!(parsed.captures, [PathBuf::from("x"), PathBuf::from("y")]);
        assert!(parsed.json && !parsed.show_secrets);
        assert!(parse("--wasm a.wasm --help").unwrap().is_none());
        for (text, why) in [
            ("", "--wasm FILE is missing"),
            ("--wasm", "missing argument"),
            ("--wsam a", "--wsam"),
            ("file", "file"),
        ] {
            let error = parse(text).err().unwrap().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
