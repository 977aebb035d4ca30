//! A detector's file that is not as it must be stops the build: with its name, the field, and what would be right.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, dead_code)]

#[path = "../build/file.rs"]
mod file;

use std::path::Path;

use keepmum_engine::catalogue;

const GOOD: &str = r#"
id = "acme"
name = "Acme"
description = "A key. It opens doors."
pack = "secrets"
pattern = "acme_[a-z]{9}"
reference = "https://acme.example/"
validators = ["not-placeholder"]
matches = ["x acme_abcdefghi", ["acme", "_abcdefghi"]]
near_misses = ["acme_"]
"#;

fn packs() -> Vec<String> {
    file::packs_in(&std::fs::read_to_string("src/catalogue.rs").unwrap())
}

fn validators() -> Vec<String> {
    file::names_in(Path::new("src/decide/validate")).unwrap()
}

fn read(text: &str) -> Result<file::File, String> {
    let known = file::Known {
        packs: &packs(),
        validators: &validators(),
    };
    file::read(Path::new("engine/detectors/acme.toml"), text, &known)
}

#[test]
fn the_names_that_files_can_use_are_those_there_are() {
    assert_eq!(packs(), catalogue::PACKS);
    let mut there: Vec<_> = catalogue::validators().map(|(name, _)| name.to_owned()).collect();
    there.sort();
    assert_eq!(validators(), there);
}

#[test]
fn a_good_file_is_read() {
    let good = read(GOOD).unwrap();
    assert_eq!(good.matches[1].text(), "acme_abcdefghi");
}

#[test]
fn a_bad_file_is_named_with_the_field() {
    for (from, to, field, why) in [
        ("near_misses = [\"acme_\"]", "", "near_misses", "missing field"),
        (
            "near_misses = [\"acme_\"]",
            "near_misses = []",
            "near_misses",
            "at least one",
        ),
        (
            "matches = [\"x acme_abcdefghi\", [\"acme\", \"_abcdefghi\"]]",
            "matches = []",
            "matches",
            "at least one",
        ),
        (
            "near_misses = [\"acme_\"]",
            "near_misses = [5]",
            "near_misses",
            "a string or a list",
        ),
        (
            "\"not-placeholder\"",
            "\"luck\"",
            "validators",
            "no validator is called luck",
        ),
        ("\"secrets\"", "\"misc\"", "pack", "no such pack"),
        ("id = \"acme\"", "id = \"other\"", "id", "not the file's name"),
        ("id = \"acme\"", "id = \"Acme\"", "id", "kebab-case"),
        ("name = \"Acme\"", "name = \"\"", "name", "is empty"),
        ("https://acme", "http://acme", "reference", "https://"),
        (
            "name = \"Acme\"",
            "name = \"Acme\"\nnome = \"x\"",
            "nome",
            "unknown field",
        ),
        ("id = \"acme\"", "id = \"acme", "id", "TOML parse error"),
    ] {
        assert!(GOOD.contains(from), "{from}");
        let wrong = read(&GOOD.replace(from, to)).map(drop).unwrap_err();
        let named = wrong.starts_with("engine/detectors/acme.toml: ");
        assert!(named && wrong.contains(field) && wrong.contains(why), "{to}: {wrong}");
    }
}
