//! Benign text of the real world, taken at run time from what is installed: the packages of Node, Python's library, the
//! sources of this project's own dependencies, `/usr/share`; and from npm's registry, when it can be reached, a fixed list of
//! packages that web pages are made of.
//!
//! Not in the repository: megabytes of others' work under their licences. Not made up either: the near misses that a
//! detector trips over are those that nobody thought of.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use keepmum_engine::Engine;
use serde_json::{Value, json};

use crate::scan::{kind, scan};

/// A file.
#[derive(Clone, Debug)]
pub struct Benign {
    /// What it is: `script`, `style`, `map`, `lock`, `picture`, `document`, `data`, `source`.
    pub kind: &'static str,
    /// Where it was.
    pub path: PathBuf,
    /// Its bytes.
    pub text: Vec<u8>,
}

/// What is fetched, by name and version. (swagger-ui and mermaid: scripts and source maps; pdfmake: fonts in base64;
/// video.js: styles with fonts in base64; galaxy: OpenAPI; the icons: SVG.)
const PACKAGES: &[&str] = &[
    "swagger-ui-dist@5.17.14",
    "react-dom@18.3.1",
    "bootstrap@5.3.3",
    "mermaid@10.9.1",
    "pdfmake@0.2.10",
    "video.js@8.17.4",
    "bootstrap-icons@1.11.3",
    "@scalar/galaxy@0.2.5",
    "i18n-iso-countries@7.11.2",
    "jquery@3.7.1",
];

/// The time that fetching may take.
const FETCH: Duration = Duration::from_secs(90);

/// Bytes of one kind, and of one file: variety counts, not mass.
const OF_A_KIND: usize = 4_500_000;
const OF_A_FILE: usize = 1_500_000;

/// Folders of texts that are made to look like secrets, or that hold test keys.
const NOT_IN: &[&str] = &[
    "site-packages",
    "dist-packages",
    "test",
    "tests",
    "testdata",
    "__tests__",
    "fixtures",
    "examples",
    "benches",
    "spec",
];

/// Collects benign text, about 20 MB. `target` is where packages are kept for the next run.
pub fn collect(target: &Path, say: &mut dyn FnMut(&str)) -> Vec<Benign> {
    let mut roots = Vec::new();
    match fetch(target) {
        Ok(folder) => roots.push(folder),
        Err(why) => say(&format!("benign: without packages from npm: {why}")),
    }
    roots.extend(installed());
    let mut all = Vec::new();
    let mut size: BTreeMap<&'static str, usize> = BTreeMap::new();
    for root in roots {
        let mut files = Vec::new();
        walk(&root, 0, &mut files);
        files.sort();
        for path in files {
            let Some(kind) = kind_of(&path) else { continue };
            let of_kind = size.entry(kind).or_default();
            let len = path
                .metadata()
                .map_or(0, |m| usize::try_from(m.len()).unwrap_or(usize::MAX));
            if !(200..=OF_A_FILE).contains(&len) || *of_kind + len > OF_A_KIND {
                continue;
            }
            if let Ok(text) = std::fs::read(&path) {
                *of_kind += text.len();
                all.push(Benign { kind, path, text });
            }
        }
    }
    all
}

/// Folders that hold packages on most machines.
fn installed() -> Vec<PathBuf> {
    let mut all = Vec::new();
    let mut ask = |program: &str, args: &[&str]| {
        let out = Command::new(program)
            .args(args)
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .output();
        let text = out.map(|o| String::from_utf8_lossy(&o.stdout).trim().to_owned());
        all.extend(text.ok().filter(|t| !t.is_empty()).map(PathBuf::from));
    };
    ask("npm", &["root", "-g"]);
    ask(
        "python3",
        &["-c", "import sysconfig; print(sysconfig.get_paths()['stdlib'])"],
    );
    ask("rustc", &["--print", "sysroot"]);
    all.extend(dependencies());
    all.extend(
        [
            "/usr/share/javascript",
            "/usr/share/icons",
            "/usr/share/doc",
            "/usr/share/nodejs",
        ]
        .map(PathBuf::from),
    );
    all.retain(|p| p.is_dir());
    all
}

/// The sources of the packages in this repository's own lock file, which whoever built this has.
fn dependencies() -> Vec<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| {
        let home = std::env::var_os("HOME")?;
        Some(Path::new(&home).join(".cargo"))
    });
    let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.lock");
    let (Some(home), Ok(lock)) = (home, std::fs::read_to_string(lock)) else {
        return Vec::new();
    };
    let mut names = Vec::new();
    let mut name = "";
    for line in lock.lines() {
        let quoted = line.split('"').nth(1).unwrap_or_default();
        if line.starts_with("name = ") {
            name = quoted;
        } else if line.starts_with("version = ") {
            names.push(format!("{name}-{quoted}"));
        }
    }
    let Ok(indexes) = std::fs::read_dir(home.join("registry/src")) else {
        return Vec::new();
    };
    let indexes: Vec<PathBuf> = indexes.filter_map(|e| Some(e.ok()?.path())).collect();
    names
        .iter()
        .flat_map(|n| indexes.iter().map(move |i| i.join(n)))
        .collect()
}

/// Packages from npm's registry through its own client, unpacked side by side.
fn fetch(target: &Path) -> Result<PathBuf, String> {
    let folder = target.join("benign");
    std::fs::create_dir_all(&folder).map_err(|e| e.to_string())?;
    let begun = Instant::now();
    for package in PACKAGES {
        let name = package.replace(['/', '@'], "_");
        let place = folder.join(&name);
        if place.join("package").is_dir() {
            continue;
        }
        let left = FETCH.saturating_sub(begun.elapsed());
        std::fs::create_dir_all(&place).map_err(|e| e.to_string())?;
        let packed = run(
            Command::new("npm")
                .args(["pack", "--silent", package])
                .current_dir(&place),
            left,
        )?;
        let file = packed.lines().last().unwrap_or_default().to_owned();
        run(Command::new("tar").args(["xzf", &file]).current_dir(&place), left)?;
    }
    Ok(folder)
}

/// A command that is ended when its time is over.
fn run(command: &mut Command, limit: Duration) -> Result<String, String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| format!("{program}: {e}"))?;
    let begun = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => break,
            Ok(Some(status)) => return Err(format!("{program} failed ({status})")),
            Ok(None) if begun.elapsed() > limit => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("{program} took too long"));
            }
            Ok(None) => std::thread::sleep(Duration::from_millis(50)),
            Err(e) => return Err(e.to_string()),
        }
    }
    let mut out = String::new();
    if let Some(mut stream) = child.stdout.take() {
        let _ = std::io::Read::read_to_string(&mut stream, &mut out);
    }
    Ok(out)
}

fn walk(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.filter_map(Result::ok) {
        let path = entry.path();
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_file() {
            files.push(path);
        } else if kind.is_dir() && depth < 12 {
            let name = entry.file_name();
            if !NOT_IN.iter().any(|n| name.eq_ignore_ascii_case(n)) {
                walk(&path, depth + 1, files);
            }
        }
    }
}

fn kind_of(path: &Path) -> Option<&'static str> {
    let name = path.file_name()?.to_str()?.to_ascii_lowercase();
    let lock = name.ends_with(".lock") || name.contains("-lock.") || name.contains("shrinkwrap") || name == "record";
    Some(match path.extension().and_then(|e| e.to_str()).unwrap_or_default() {
        _ if lock => "lock",
        "js" | "mjs" | "cjs" => "script",
        "css" => "style",
        "map" => "map",
        "svg" => "picture",
        "html" | "htm" | "md" | "xml" | "rst" => "document",
        "json" | "yaml" | "yml" | "csv" => "data",
        "ts" | "py" | "rs" | "toml" => "source",
        _ => return None,
    })
}

/// What packs change in benign text.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// Findings.
    pub times: u64,
    /// Bytes that were looked at.
    pub bytes: usize,
    /// By detector.
    pub by_detector: BTreeMap<String, u64>,
    /// Where: the detector, the file, the offset, the length. Never the text.
    pub places: Vec<Value>,
}

impl Changes {
    /// For each megabyte.
    pub fn per_mb(&self) -> f64 {
        self.times as f64 / (self.bytes as f64 / 1e6).max(1e-9)
    }
}

/// Takes all files through an engine.
pub fn changes(files: &[Benign], engine: &Engine) -> Changes {
    let mut all = Changes::default();
    for f in files {
        let got = scan(engine, kind(&f.text), f.text.chunks(16 * 1024));
        all.times += got.times;
        all.bytes += f.text.len();
        for (id, from, to) in got.found {
            let file = f.path.display().to_string();
            all.places
                .push(json!({"detector": id, "file": file, "at": from, "bytes": to - from}));
            *all.by_detector.entry(id).or_default() += 1;
        }
    }
    all
}
