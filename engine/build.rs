//! Puts the catalogue (`detectors/*.toml`) into the crate as Rust tables.
//!
//! The files are read and checked for form here, so that a bad one stops the build with its name; what only the
//! engine can judge (patterns, examples) is checked by `tests/catalogue.rs`. Tables, because the module then needs
//! no parser for them.

use std::{env, error::Error, fs, path::Path};

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    id: String,
    name: String,
    description: String,
    pack: String,
    pattern: String,
    reference: String,
    #[serde(default)]
    validators: Vec<String>,
    matches: Vec<toml::Value>,
    near_misses: Vec<toml::Value>,
}

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=detectors");
    let mut paths: Vec<_> = fs::read_dir("detectors")?
        .collect::<Result<Vec<_>, _>>()?
        .into_iter()
        .map(|e| e.path())
        .collect();
    paths.retain(|p| p.extension().is_some_and(|e| e == "toml"));
    paths.sort();
    let mut out = String::from("&[\n");
    let mut examples = String::from("&[\n");
    for path in paths {
        let name = path.display().to_string();
        let file: File = toml::from_str(&fs::read_to_string(&path)?).map_err(|e| format!("{name}: {e}"))?;
        if path.file_stem().and_then(|s| s.to_str()) != Some(&file.id) {
            return Err(format!("{name}: id `{}` is not the file's name", file.id).into());
        }
        if !file
            .id
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            || file.id.len() > 48
        {
            return Err(format!("{name}: id must be kebab-case, 48 bytes at most").into());
        }
        for (field, empty) in [
            ("name", file.name.is_empty()),
            ("description", file.description.is_empty()),
            ("reference", !file.reference.starts_with("https://")),
            ("matches", file.matches.is_empty()),
            ("near_misses", file.near_misses.is_empty()),
        ] {
            if empty {
                return Err(format!("{name}: `{field}` is missing or not of its form").into());
            }
        }
        out.push_str(&format!(
            "BuiltIn {{ id: {:?}, name: {:?}, pack: {:?}, pattern: {:?}, validators: &{:?} }},\n",
            file.id, file.name, file.pack, file.pattern, file.validators
        ));
        let join = |v: &[toml::Value]| -> Result<Vec<String>, String> {
            v.iter()
                .map(|v| text(v).ok_or(format!("{name}: an example is a string or a list of strings")))
                .collect()
        };
        examples.push_str(&format!(
            "Examples {{ id: {:?}, description: {:?}, reference: {:?}, matches: &{:?}, near_misses: &{:?} }},\n",
            file.id,
            file.description,
            file.reference,
            join(&file.matches)?,
            join(&file.near_misses)?
        ));
    }
    out.push(']');
    examples.push(']');
    let dir = env::var("OUT_DIR")?;
    fs::write(Path::new(&dir).join("catalogue.rs"), out)?;
    fs::write(Path::new(&dir).join("examples.rs"), examples)?;
    Ok(())
}

fn text(v: &toml::Value) -> Option<String> {
    match v {
        toml::Value::String(s) => Some(s.clone()),
        toml::Value::Array(parts) => parts.iter().map(|p| p.as_str()).collect(),
        _ => None,
    }
}
