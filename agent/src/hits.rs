//! How often captured traffic holds what would be armed: a value that stands in every answer is one that breaks pages.
//!
//! By the search that the proxy runs, under a key of its own, over files as they stand, or over each text of a file of JSON, since
//! HAR files and taps write bodies into it.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keepmum_known::{End, Table};

use crate::json::Json;
use crate::publish::Press;
use crate::random::random;
use crate::store::Store;

/// A larger file is left out, and counted.
const FILE_BYTES: u64 = 256 << 20;
/// Folders below the one that is named.
const DEPTH: usize = 16;

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Hits {
    pub(crate) by_id: HashMap<String, u64>,
    pub(crate) files: usize,
    pub(crate) left_out: usize,
    pub(crate) bytes: u64,
}

/// Looks through a file or all files below a folder.
pub(crate) fn count(store: &Store, path: &Path) -> io::Result<Hits> {
    let key = random::<32>();
    let set = Press::new(key.to_vec().into())
        .ok()
        .and_then(|mut press| press.publish(&store.armed()));
    let unmade = || io::Error::other("the set cannot be made");
    let set = set.ok_or_else(unmade)?;
    let table = Table::open(&key, &set.body, &set.seal, None).map_err(|_| unmade())?;
    let mut hits = Hits::default();
    walk(&table, path, DEPTH, &mut hits)?;
    Ok(hits)
}

fn walk(table: &Table, path: &Path, depth: usize, hits: &mut Hits) -> io::Result<()> {
    let kind = fs::symlink_metadata(path)?;
    if kind.is_dir() {
        let mut below: Vec<_> = fs::read_dir(path)?.filter_map(|e| e.ok().map(|e| e.path())).collect();
        below.sort();
        if depth > 0 {
            below.iter().try_for_each(|path| walk(table, path, depth - 1, hits))?;
        }
    } else if kind.is_file() && kind.len() <= FILE_BYTES {
        let bytes = fs::read(path)?;
        hits.files += 1;
        hits.bytes += bytes.len() as u64;
        match serde_json::from_slice::<Json>(&bytes) {
            Ok(tree) => texts(&tree, &mut |text| look(table, text, hits)),
            Err(_) => look(table, &bytes, hits),
        }
    } else {
        hits.left_out += 1;
    }
    Ok(())
}

/// Every text of a document; a body that HAR or Envoy's tap keeps as base64 as what it was.
fn texts(tree: &Json, to: &mut impl FnMut(&[u8])) {
    match tree {
        Json::Text(text) => to(text.as_bytes()),
        Json::List(items) => items.iter().for_each(|item| texts(item, to)),
        Json::Object(fields) => {
            let encoded = tree.get("encoding").and_then(Json::text) == Some("base64");
            for (key, field) in fields {
                let body = (encoded && key == "text") || key == "as_bytes";
                match field
                    .text()
                    .filter(|_| body)
                    .and_then(|text| STANDARD.decode(text).ok())
                {
                    Some(bytes) => to(&bytes),
                    None => texts(field, to),
                }
            }
        }
        Json::Null | Json::Flag(_) | Json::Number(_) => {}
    }
}

fn look(table: &Table, text: &[u8], hits: &mut Hits) {
    let mut last = (usize::MAX, String::new());
    table.search(text, 0, text.len(), &mut |_, here| {
        let rest = text.get(here.start..).unwrap_or_default();
        let secret = table
            .of_form(here.form)
            .and_then(|(n, _)| table.secrets().get(n as usize));
        if let (End::At(_), Some(secret)) = (table.end(here.form, rest), secret) {
            // Two forms that are the same stand at one place.
            if last != (here.start, secret.id.clone()) {
                *hits.by_id.entry(secret.id.clone()).or_default() += 1;
                last = (here.start, secret.id.clone());
            }
        }
        true
    });
}
