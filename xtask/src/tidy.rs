//! Rules that neither rustc nor clippy checks: documents name files that exist, files stay short, crates share the lints.
//!
//! Each finding is one line with the file, the line and what to do. It reads files, in well under a second; only for the tables
//! of docs/DETECTORS.md it asks the program `keepmum`, which is built for that.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::{docs, run, workspace};

/// The longest file that is not a table, its own unit tests not counted.
const LINES: usize = 500;

/// The longest file of integration tests, which is mostly a table of cases.
const CASES: usize = 800;

/// Folders that are not looked into.
const SKIPPED: [&str; 5] = ["target", ".git", "node_modules", "__pycache__", ".venv"];

/// Text that belongs to somebody's machine, not to the project: add what must not come back. Spelled in two parts, so that
/// this file passes its own check.
const FORBIDDEN: [&str; 4] = [
    concat!("/wo", "rk/"),
    concat!("sha", "red/"),
    concat!("/ro", "ot/"),
    concat!("/ho", "me/"),
];

/// The files that may hold `unsafe`; each opens by saying why it is sound.
const UNSAFE: [&str; 5] = [
    "plugin/src/host.rs",
    "bench/src/exports.rs",
    "engine/src/detect/sieve.rs",
    "known/src/places.rs",
    "plugin/src/memory.rs",
];

/// The kinds of file that are read as text.
const TEXT: [&str; 12] = [
    "rs", "md", "toml", "yaml", "yml", "json", "jsonl", "sh", "py", "js", "wat", "html",
];

/// What a name in backticks ends with when it is a file of this repository.
const NAMED: [&str; 8] = [".rs", ".md", ".toml", ".yaml", ".yml", ".json", ".sh", ".py"];

/// Prints what is wrong.
pub fn report() -> Result<ExitCode> {
    let mut found = check(&workspace::root())?;
    found.extend(docs::check()?);
    for line in &found {
        eprintln!("{line}");
    }
    run::say(&format!("tidy: {} findings", found.len()));
    Ok(if found.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Everything that is wrong in this repository.
pub fn check(root: &Path) -> Result<Vec<String>> {
    let mut files = Vec::new();
    walk(root, root, &mut files)?;
    files.sort();
    let mut found = Vec::new();
    for file in &files {
        let extension = file.extension().and_then(|e| e.to_str()).unwrap_or_default();
        if !TEXT.contains(&extension) {
            continue;
        }
        let bytes = fs::read(root.join(file)).with_context(|| format!("cannot read {}", file.display()))?;
        let text = String::from_utf8_lossy(&bytes);
        found.extend(words(file, &text));
        found.extend(length(file, extension, &text));
        match extension {
            "rs" => found.extend(source(file, &text)),
            "md" => found.extend(names(root, file, &text, &files)),
            "toml" if file.ends_with("Cargo.toml") => found.extend(lints(file, &text)),
            _ => {}
        }
    }
    Ok(found)
}

fn walk(root: &Path, folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            if !SKIPPED.contains(&name.as_str()) {
                walk(root, &path, files)?;
            }
        } else if let Ok(inside) = path.strip_prefix(root) {
            files.push(inside.to_path_buf());
        }
    }
    Ok(())
}

fn words(file: &Path, text: &str) -> Vec<String> {
    // Recorded traffic and a copied schema say what they say, and one validator is about such places.
    if is_data(file) || file.ends_with("validate/server_path.rs") {
        return Vec::new();
    }
    let lines = text.lines().enumerate();
    lines
        .flat_map(|(i, line)| {
            let hits = FORBIDDEN.iter().filter(move |word| has(line, word));
            hits.map(move |word| format!("{}:{}: {word} has no place in this repository", file.display(), i + 1))
        })
        .collect()
}

/// Whether it stands there other than in a web address, which says what it says.
fn has(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let front = line.get(..at).unwrap_or_default();
        let begin = front
            .rfind(|c: char| c.is_whitespace() || "(\"'".contains(c))
            .map_or(0, |i| i + 1);
        !front.get(begin..).unwrap_or_default().starts_with("https://")
    })
}

fn length(file: &Path, extension: &str, text: &str) -> Option<String> {
    let table = is_data(file) || file.ends_with("docs/DETECTORS.md") || matches!(extension, "json" | "jsonl" | "toml");
    let lines = text.lines().take_while(|line| *line != "#[cfg(test)]").count();
    let limit = if file.components().any(|c| c.as_os_str() == "tests") {
        CASES
    } else {
        LINES
    };
    (!table && lines > limit).then(|| format!("{}: {lines} lines; at {limit} it is two things", file.display()))
}

/// Recorded, copied or listed, not written.
fn is_data(file: &Path) -> bool {
    ["captures", "detectors", "testdata", "site"]
        .iter()
        .any(|folder| file.components().any(|c| c.as_os_str() == *folder))
}

fn source(file: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    if !text.starts_with("//!") {
        found.push(format!(
            "{}:1: opens with //!: what the file is for, and why not the obvious other way",
            file.display()
        ));
    }
    let allowed = UNSAFE.iter().any(|f| file == Path::new(f));
    let uses = |line: &str| line.contains(concat!("allow(", "unsafe_code")) || line.trim_start().starts_with("unsafe ");
    if let Some(i) = text.lines().position(uses).filter(|_| !allowed) {
        found.push(format!(
            "{}:{}: unsafe is for {}",
            file.display(),
            i + 1,
            UNSAFE.join(" and ")
        ));
    }
    found
}

fn lints(file: &Path, text: &str) -> Option<String> {
    let shares = text.contains("[lints]\nworkspace = true") || text.contains("[workspace.lints");
    (!shares).then(|| format!("{}: lacks [lints] workspace = true", file.display()))
}

/// Files and folders that a document names, in backticks or as links, and that do not exist.
fn names(root: &Path, file: &Path, text: &str, files: &[PathBuf]) -> Vec<String> {
    let mut found = Vec::new();
    let mut fenced = false;
    for (i, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        let links = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        let links = links
            .filter(|l| !l.contains("://") && !l.starts_with(['#', '/']))
            .map(|l| l.split('#').next().unwrap_or(l));
        let marked = line.split('`').skip(1).step_by(2).filter(|name| is_path(root, name));
        for name in marked.chain(links) {
            if !exists(root, file, name, files) {
                found.push(format!(
                    "{}:{}: names {name}, which does not exist",
                    file.display(),
                    i + 1
                ));
            }
        }
    }
    found
}

/// Whether a text in backticks means a place in this repository, not a media type, a command or a pattern.
fn is_path(root: &Path, name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    if name.is_empty() || !name.chars().all(plain) || name.starts_with(['/', '-']) || name.starts_with("target/") {
        return false;
    }
    let first = name.split('/').next().unwrap_or_default();
    let inside = name.contains('/') && !first.is_empty() && root.join(first).is_dir();
    inside
        || (name.contains('/') && name.ends_with('/'))
        || NAMED.iter().any(|end| name.ends_with(end) && name.len() > end.len())
}

fn exists(root: &Path, document: &Path, name: &str, files: &[PathBuf]) -> bool {
    let beside = document.parent().map(|folder| root.join(folder).join(name));
    root.join(name).exists()
        || beside.is_some_and(|path| path.exists())
        // A bare name, such as that of one file of a crate that the sentence is about.
        || files.iter().any(|file| file.ends_with(name))
        || (name.ends_with('/') && files.iter().any(|file| file.to_string_lossy().contains(&format!("/{name}"))))
}

#[cfg(test)]
mod tests {
    use super::{check, is_path};
    use crate::workspace;

    #[test]
    fn a_bad_repository_is_told_what_is_wrong() {
        let root = workspace::target().join("tidy-test");
        let _ = std::fs::remove_dir_all(&root);
        std::fs::create_dir_all(root.join("a/src")).unwrap();
        let put = |name: &str, text: &str| std::fs::write(root.join(name), text).unwrap();
        put("a/Cargo.toml", "[package]\nname = \"a\"\n");
        put("a/src/lib.rs", "fn f() {\n    unsafe { g() }\n}\n");
        put("a/src/long.rs", &["//! Long.\n", &"\n".repeat(600)].concat());
        put(
            "README.md",
            "`a/src/lib.rs` `a/src/gone.rs` `text/html` [x](docs/none.md) [y](https://e.example/z)\n",
        );
        put(
            "a/notes.md",
            concat!("in /wo", "rk/here\n[x](https://e.example/ho", "me/x) /\n"),
        );
        let found = check(&root).unwrap();
        let expected = [
            "README.md:1: names a/src/gone.rs",
            "README.md:1: names docs/none.md",
            "a/Cargo.toml: lacks [lints]",
            "a/notes.md:1:",
            "a/src/lib.rs:1: opens with",
            "a/src/lib.rs:2: unsafe",
            "a/src/long.rs: 601 lines",
        ];
        assert_eq!(found.len(), expected.len(), "{found:#?}");
        for (line, start) in found.iter().zip(expected) {
            assert!(line.starts_with(start), "{line} should start with {start}");
        }
    }

    #[test]
    fn a_media_type_is_no_path() {
        let root = workspace::root();
        for name in [
            "application/json",
            "GET /",
            "target/demo/report.html",
            "cargo xtask test",
            "x-*",
            "/etc/envoy",
        ] {
            assert!(!is_path(&root, name), "{name}");
        }
        for name in [
            "engine/src",
            "ARCHITECTURE.md",
            "envoy/bootstrap.yaml",
            "no-such-folder/",
        ] {
            assert!(is_path(&root, name), "{name}");
        }
    }
}
