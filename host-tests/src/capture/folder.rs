//! The project's own form: a folder with a trace of Envoy's tap filter, and `capture.json`, which says what it is.
//!
//! `capture.json` holds `name` (the folder's), `about`, `planted` (the plants that the response holds, all of them
//! and no other), and if they differ from the default `origin` ("connect-failure"), `end` ("reset"), `policy` (the
//! plugin's configuration for this exchange) and `trace` (the file, else `trace.jsonl`). Not fields inside the trace:
//! the trace stays a file that any program for Envoy's taps reads.

use std::path::Path;

use anyhow::{Result, ensure};

use super::json::{self, At};
use super::plants::Plants;
use super::tap;
use crate::exchange::{End, Exchange, Origin};

/// The file that makes a folder a capture.
pub(super) const ABOUT: &str = "capture.json";

const KEYS: [&str; 7] = ["name", "about", "planted", "origin", "end", "policy", "trace"];

pub(super) fn read(folder: &Path) -> Result<Exchange> {
    let file = folder.join(ABOUT);
    let documents = json::documents(&file)?;
    let [document] = documents.as_slice() else {
        anyhow::bail!("{}: expected one JSON object", file.display());
    };
    let about = At::root(&file, "", document);
    for key in about.keys()? {
        ensure!(
            KEYS.contains(&key),
            "{}: {key}: unknown; known are {}",
            file.display(),
            KEYS.join(", ")
        );
    }
    let trace = match about.maybe(&["trace"])? {
        Some(name) => folder.join(name.text()?),
        None => folder.join("trace.jsonl"),
    };
    let traces = [(trace.clone(), json::documents(&trace)?)];
    let mut exchanges = tap::read(&traces)?;
    ensure!(
        exchanges.len() == 1,
        "{}: expected one trace, found {}",
        trace.display(),
        exchanges.len()
    );
    let mut exchange = exchanges.remove(0);
    describe(&about, &mut exchange)?;
    ensure!(
        folder.file_name().is_some_and(|name| name == exchange.name.as_str()),
        "{}: name: not the folder's name",
        file.display()
    );
    let planted = names(&about)?;
    match Plants::beside(folder)? {
        Some(plants) => plants
            .fill(&mut exchange, Some(&planted))
            .map_err(|why| about.error(format_args!("planted: {why}")))?,
        None => ensure!(
            planted.is_empty(),
            "{}: planted: no plants.json beside or above",
            file.display()
        ),
    }
    Ok(exchange)
}

fn describe(about: &At, exchange: &mut Exchange) -> Result<()> {
    exchange.name = about.get(&["name"])?.text()?.to_owned();
    exchange.about = about.get(&["about"])?.text()?.to_owned();
    exchange.policy = about.maybe(&["policy"])?.map(|policy| policy.value().clone());
    if let Some(origin) = about.maybe(&["origin"])? {
        exchange.origin = match origin.text()? {
            "upstream" => Origin::Upstream,
            "connect-failure" => Origin::ConnectFailure,
            _ => return Err(origin.error("expected upstream or connect-failure")),
        };
    }
    if let Some(end) = about.maybe(&["end"])? {
        exchange.response.end = match end.text()? {
            "complete" => End::Complete,
            "reset" => End::Reset,
            _ => return Err(end.error("expected complete or reset")),
        };
    }
    Ok(())
}

/// The list under `planted`, empty if there is none.
pub(super) fn names(about: &At) -> Result<Vec<String>> {
    match about.maybe(&["planted"])? {
        Some(list) => list.list()?.iter().map(|name| name.text().map(str::to_owned)).collect(),
        None => Ok(Vec::new()),
    }
}
