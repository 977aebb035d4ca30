//! Captured traffic, in the formats in which people have it, read into [`Exchange`].
//!
//! - HAR 1.2, as browsers and proxies export it ([`har`]),
//! - Envoy's tap filter, `envoy.data.tap.v3` as JSON, buffered or streamed ([`tap`]),
//! - this project's own folders: a tap trace beside a `capture.json` that says what it is ([`folder`]).
//!
//! The formats are told apart by their content, not by a file's name: Envoy calls everything `.json`, and so do
//! half of the programs that export HAR. An error names the file and the field; nothing here panics on input.
//!
//! A `plants.json` beside a capture (or in the folder above) holds fake secrets that the capture only names:
//! see [`plants`]. Without that file nothing is substituted, so that foreign traffic is replayed as it is.

mod folder;
mod har;
mod json;
mod leak;
mod name;
mod plants;
mod tap;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};

pub use leak::leaked;
pub use name::make_unique;
pub use plants::Plants;
pub(crate) use plants::written;

use crate::exchange::Exchange;

/// What a folder's captures end with, and the one such file that is none. Elsewhere content decides.
const CAPTURES: [&str; 4] = ["har", "json", "jsonl", "ndjson"];

/// Reads a file, or a folder with everything in it in the order of names. Exchange names come out unique.
pub fn read(path: &Path) -> Result<Vec<Exchange>> {
    let mut exchanges = if path.is_dir() {
        read_folder(path, DEPTH)?
    } else {
        read_file(path)?
    };
    name::make_unique(&mut exchanges);
    Ok(exchanges)
}

/// The captures that come with the project.
pub fn bundled() -> Result<Vec<Exchange>> {
    read(&bundled_folder())
}

/// Where the captures that come with the project lie.
pub fn bundled_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("captures")
}

/// Folders in folders: a link can lead back to where it stands.
const DEPTH: usize = 8;

fn read_folder(path: &Path, depth: usize) -> Result<Vec<Exchange>> {
    ensure!(
        depth > 0,
        "{}: more than {DEPTH} folders in one another",
        path.display()
    );
    if path.join(folder::ABOUT).exists() {
        return Ok(vec![folder::read(path)?]);
    }
    let mut exchanges = Vec::new();
    let mut traces = Vec::new();
    for entry in sorted(path)? {
        if entry.is_dir() {
            exchanges.extend(read_folder(&entry, depth - 1)?);
            continue;
        }
        let extension = entry.extension().unwrap_or_default();
        let is_table = entry.file_name().is_some_and(|name| name == plants::TABLE);
        if is_table || !CAPTURES.iter().any(|known| extension == *known) {
            continue;
        }
        let documents = json::documents(&entry)?;
        if har::is_har(&documents) {
            exchanges.extend(har::read(&entry, &documents)?);
        } else {
            traces.push((entry, documents));
        }
    }
    // All of a folder's tap files together: the segments of one trace may lie in several of them.
    exchanges.extend(fill_all(path, tap::read(&traces)?)?);
    Ok(exchanges)
}

fn read_file(path: &Path) -> Result<Vec<Exchange>> {
    let documents = json::documents(path)?;
    ensure!(!documents.is_empty(), "{}: the file is empty", path.display());
    if har::is_har(&documents) {
        return har::read(path, &documents);
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    fill_all(folder, tap::read(&[(path.to_owned(), documents)])?)
}

fn fill_all(folder: &Path, mut exchanges: Vec<Exchange>) -> Result<Vec<Exchange>> {
    if let Some(plants) = Plants::beside(folder)? {
        for exchange in &mut exchanges {
            let name = exchange.name.clone();
            plants
                .fill(exchange, None)
                .with_context(|| format!("{}: {name}", folder.display()))?;
        }
    }
    Ok(exchanges)
}

fn sorted(path: &Path) -> Result<Vec<PathBuf>> {
    let listing = std::fs::read_dir(path).with_context(|| path.display().to_string())?;
    let mut entries = Vec::new();
    for entry in listing {
        let entry = entry.with_context(|| path.display().to_string())?.path();
        let hidden = entry
            .file_name()
            .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if !hidden {
            entries.push(entry);
        }
    }
    if entries.is_empty() {
        bail!("{}: the folder holds no captures", path.display());
    }
    entries.sort();
    Ok(entries)
}
