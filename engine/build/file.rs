//! A detector's file as it is written, and what is wrong with it.
//!
//! Apart from the build script, so that its tests can hand it bad files: a script has none of its own. Patterns and examples are
//! for the engine to judge: the tests of the catalogue do that.

use std::path::Path;

use serde::Deserialize;

/// One `engine/detectors/*.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    pub id: String,
    pub name: String,
    pub description: String,
    pub pack: String,
    pub pattern: String,
    pub reference: String,
    #[serde(default)]
    pub validators: Vec<String>,
    #[serde(default)]
    pub defang: Option<String>,
    pub matches: Vec<Example>,
    pub near_misses: Vec<Example>,
}

/// A text, or the parts that it is put together from.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "an example is a string or a list of strings")]
pub enum Example {
    Whole(String),
    Parts(Vec<String>),
}

impl Example {
    pub fn text(&self) -> String {
        match self {
            Example::Whole(text) => text.clone(),
            Example::Parts(parts) => parts.concat(),
        }
    }
}

/// The forms by which a value can be defanged: `rewrite/defang.rs` has them.
const DEFANG: &[&str] = &["jwt", "url"];

/// What names in files can mean.
pub struct Known<'a> {
    pub packs: &'a [String],
    pub validators: &'a [String],
}

/// Reads a file, or says which field of which file is wrong, and what would be right.
pub fn read(path: &Path, text: &str, known: &Known) -> Result<File, String> {
    let name = path.display();
    let file: File = toml::from_str(text).map_err(|e| format!("{name}: {e}"))?;
    let kebab = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let wrong = if !file.id.bytes().all(kebab) || file.id.is_empty() || file.id.len() > 48 {
        Some(("id", "expected kebab-case, 48 bytes at most".to_owned()))
    } else if path.file_stem().and_then(|s| s.to_str()) != Some(&file.id) {
        Some(("id", format!("`{}` is not the file's name", file.id)))
    } else if file.name.is_empty() {
        Some(("name", "is empty".into()))
    } else if file.description.is_empty() {
        Some((
            "description",
            "is empty; say what was found and what an attacker gains by it".into(),
        ))
    } else if !file.reference.starts_with("https://") {
        Some(("reference", "expected an address that begins with https://".into()))
    } else if !known.packs.contains(&file.pack) {
        Some(("pack", format!("no such pack; there are {}", known.packs.join(", "))))
    } else if let Some(v) = file.validators.iter().find(|v| !known.validators.contains(v)) {
        let all = known.validators.join(", ");
        Some(("validators", format!("no validator is called {v}; there are {all}")))
    } else if file.defang.as_deref().is_some_and(|d| !DEFANG.contains(&d)) {
        Some(("defang", format!("no such form; there are {}", DEFANG.join(", "))))
    } else if file.matches.is_empty() {
        Some((
            "matches",
            "expected at least one text in which it finds something".into(),
        ))
    } else if file.near_misses.is_empty() {
        Some((
            "near_misses",
            "expected at least one text in which it finds nothing".into(),
        ))
    } else {
        None
    };
    match wrong {
        Some((field, why)) => Err(format!("{name}: {field}: {why}")),
        None => Ok(file),
    }
}

/// The values of `name: "…"` in a folder of Rust sources: the validators that there are, which only the engine itself could list.
pub fn names_in(folder: &Path) -> std::io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let source = std::fs::read_to_string(entry?.path())?;
        let named = source
            .split("validator(")
            .skip(1)
            .filter_map(|l| l.trim_start().strip_prefix('"'));
        names.extend(named.filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())));
    }
    names.sort();
    Ok(names)
}

/// The texts in `PACKS: &[&str] = &[…]` in a Rust source.
pub fn packs_in(source: &str) -> Vec<String> {
    let list = source
        .split_once("PACKS: &[&str] = &[")
        .and_then(|(_, rest)| rest.split_once(']'));
    let texts = list.map_or("", |(list, _)| list).split('"').skip(1).step_by(2);
    texts.map(str::to_owned).collect()
}
