//! Short names for the plants of the captures, and what stands in place of each once it is redacted.
//!
//! `{{key}}` is the plant, `{{key:2:5|json}}` a piece of it as some encoder writes it (see the captures' README);
//! `{{key!}}` is the label that takes its place, `{{key*}}` the mask of equal length.

use std::cell::RefCell;
use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use keepmum_host_tests::capture::{Plants, bundled_folder};
use keepmum_host_tests::exchange::Planted;
use serde::Deserialize;

/// A short name's meaning.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Name {
    plant: String,
    detector: String,
}

/// Puts secrets in the place of names, and notes which.
#[derive(Debug)]
pub struct Fill<'a> {
    names: &'a BTreeMap<String, Name>,
    plants: &'a Plants,
    met: RefCell<Vec<String>>,
}

/// The plants of the captures.
///
/// # Errors
/// There are none.
pub fn plants() -> Result<Plants> {
    Plants::beside(&bundled_folder())?.context("the captures have no plants")
}

impl<'a> Fill<'a> {
    /// Nothing is met yet.
    #[must_use]
    pub fn new(names: &'a BTreeMap<String, Name>, plants: &'a Plants) -> Self {
        let met = RefCell::default();
        Self { names, plants, met }
    }

    /// The secrets met so far.
    #[must_use]
    pub fn planted(&self) -> Vec<Planted> {
        let met = self.met.borrow();
        met.iter().filter_map(|name| self.plants.named(name)).collect()
    }

    /// The text with secrets in it.
    ///
    /// # Errors
    /// A name is unknown, or a piece ends beyond its secret.
    pub fn text(&self, text: &str) -> Result<Vec<u8>> {
        let (mut out, mut rest) = (Vec::with_capacity(text.len()), text);
        while let Some((before, after)) = rest.split_once("{{") {
            out.extend_from_slice(before.as_bytes());
            let (inside, after) = after.split_once("}}").context("a name without an end")?;
            rest = after;
            let end = inside.find([':', '|', '!', '*']).unwrap_or(inside.len());
            let (short, how) = inside.split_at(end);
            let Some(name) = self.names.get(short) else {
                bail!("no name {short}");
            };
            if how == "!" {
                out.extend_from_slice(format!("[REDACTED:{}]", name.detector).as_bytes());
                continue;
            }
            let (piece, mask) = how.strip_suffix('*').map_or((how, false), |piece| (piece, true));
            let placeholder = format!("{{{{plant:{}{piece}}}}}", name.plant);
            let value = self.plants.text(placeholder.as_bytes())?;
            if mask {
                out.extend(value.iter().map(|_| b'*'));
                continue;
            }
            let mut all = self.met.borrow_mut();
            if !all.contains(&name.plant) {
                all.push(name.plant.clone());
            }
            out.extend_from_slice(&value);
        }
        out.extend_from_slice(rest.as_bytes());
        Ok(out)
    }
}
