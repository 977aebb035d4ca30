//! Puts the catalogue (`detectors/*.toml`) into the crate as Rust tables.
//!
//! The files are read and checked for form here, so that a bad one stops the build with its name and the field; what only
//! the engine can judge (patterns, examples) is checked by `tests/catalogue.rs`. Tables, because the module then needs no
//! parser for them.

use std::{collections::BTreeMap, env, error::Error, fs, path::Path};

#[path = "build/file.rs"]
mod file;

const VALIDATORS: &str = "src/decide/validate";
const PACKS: &str = "src/catalogue.rs";

fn main() -> Result<(), Box<dyn Error>> {
    for path in ["detectors", "build", VALIDATORS, PACKS] {
        println!("cargo::rerun-if-changed={path}");
    }
    let known = file::Known {
        packs: &file::packs_in(&fs::read_to_string(PACKS)?),
        validators: &file::names_in(Path::new(VALIDATORS))?,
    };
    let mut files = BTreeMap::new();
    for entry in fs::read_dir("detectors")? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "toml") {
            let named = Path::new("engine").join(&path);
            let file = file::read(&named, &fs::read_to_string(&path)?, &known)?;
            // The file's name is the id, so that two files cannot have one.
            files.insert(path, file);
        }
    }
    let mut out = String::from("&[\n");
    let mut examples = String::from("&[\n");
    for file in files.values() {
        out.push_str(&format!(
            "BuiltIn {{ id: {:?}, name: {:?}, pack: {:?}, pattern: {:?}, validators: &{:?}, defang: {:?} }},\n",
            file.id, file.name, file.pack, file.pattern, file.validators, file.defang
        ));
        let texts = |v: &[file::Example]| v.iter().map(file::Example::text).collect::<Vec<_>>();
        examples.push_str(&format!(
            "Examples {{ id: {:?}, description: {:?}, reference: {:?}, matches: &{:?}, near_misses: &{:?} }},\n",
            file.id,
            file.description,
            file.reference,
            texts(&file.matches),
            texts(&file.near_misses)
        ));
    }
    out.push(']');
    examples.push(']');
    let dir = env::var("OUT_DIR")?;
    fs::write(Path::new(&dir).join("catalogue.rs"), out)?;
    fs::write(Path::new(&dir).join("examples.rs"), examples)?;
    Ok(())
}
