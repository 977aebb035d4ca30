//! `keepmum explain`: why something was, or was not, redacted.
//!
//! The engine is asked what it did (its feature `explain`); here its steps are set against what came of them, and told.
//! Not a second run of the patterns: that would explain something else than what happened.

mod places;
mod request;
mod rules;
mod tell;

use std::fs;
use std::io::{self, BufWriter, Read as _, Write as _};
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use keepmum_engine::{Body, BodyKind, Engine, Exchange, Workspace};

use crate::args::Explain;
use crate::explain::places::Places;
use crate::{Ended, is_broken_pipe, policy};

/// Bytes of text that are explained: every anchor in it is kept.
const MOST: u64 = 16 * 1024 * 1024;

/// Does what was asked for.
pub fn run(options: &Explain) -> Result<Ended> {
    if options.asked.request.is_some() {
        return request::run(options, &options.asked);
    }
    if options.asked.is_given() {
        bail!("-H, --status, --content-type and --metadata go with --request");
    }
    let engine = policy::engine(&options.choice)?;
    let (text, kind) = read(options)?;
    let mut exchange = Exchange::explaining();
    pass(&engine, &mut exchange, &text, kind);
    let mut places = Places::of(&engine, &exchange, &text, options.show_values);
    if kind.json {
        places.point(&engine, &text);
    }
    let (all, mut others) = (policy::with_all_packs(&options.choice)?, Exchange::listing_all());
    pass(&all, &mut others, &text, kind);
    places.unasked = places::unasked((&engine, &exchange), (&all, &others));
    let mut to = BufWriter::new(io::stdout().lock());
    let told = if options.json {
        tell::json(&places, &mut to)
    } else {
        tell::lines(&places, &mut to)
    };
    match told.and_then(|()| to.flush()).map_err(anyhow::Error::from) {
        Err(e) if is_broken_pipe(&e) => drop(to.into_parts()),
        told => told?,
    }
    Ok(if exchange.findings().is_empty() {
        Ended::Clean
    } else {
        Ended::Found
    })
}

fn pass(engine: &Engine, exchange: &mut Exchange, text: &[u8], kind: BodyKind) {
    let (mut work, mut body, mut out) = (Workspace::default(), Body::new(kind), Vec::new());
    body.push(engine, &mut work, exchange, text, &mut out);
    body.finish(engine, &mut work, exchange, &mut out);
}

/// The text, and what its name says that it is.
fn read(options: &Explain) -> Result<(Vec<u8>, BodyKind)> {
    let mut text = Vec::new();
    let mut kind = BodyKind::default();
    match options.text.as_deref() {
        None => _ = io::stdin().lock().take(MOST + 1).read_to_end(&mut text)?,
        Some(name) if name == "-" => _ = io::stdin().lock().take(MOST + 1).read_to_end(&mut text)?,
        Some(name) if Path::new(name).exists() => {
            let path = Path::new(name);
            let file = fs::File::open(path).with_context(|| path.display().to_string())?;
            file.take(MOST + 1)
                .read_to_end(&mut text)
                .with_context(|| path.display().to_string())?;
            kind.json = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("json"));
        }
        Some(given) => text.extend_from_slice(given.as_encoded_bytes()),
    }
    if text.len() as u64 > MOST {
        bail!("{} MiB of text are explained, not more", MOST >> 20);
    }
    Ok((text, kind))
}
