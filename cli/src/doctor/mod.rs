//! `keepmum doctor`: what is wrong around a policy, in the configuration of the proxy that runs it.
//!
//! Envoy and Istio take configurations in which the module runs and sees nothing: a compressor on its wrong side, a route that
//! switches it off, a failure policy that lets everything through. Each finding has the field, what is wrong and what to do. What
//! Envoy itself refuses is left to `envoy --mode validate`.

mod envoy;
mod istio;
mod order;
mod plugin;
mod routes;

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use keepmum_engine::{nearest, shown as shown_key};
use serde::Serialize;
use serde_json::Value;

use crate::Ended;
use crate::args::Doctor;
use crate::tree::{At, shown};

/// Bytes of a configuration: those that are larger are made by a control plane, and asked for there.
const MOST: u64 = 5 * 1024 * 1024;

/// Documents in one file.
const DOCUMENTS: usize = 256;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Responses leave unread, or the proxy refuses the configuration.
    Error,
    /// Some do, or it fails in some cases.
    Warning,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub severity: Severity,
    pub file: String,
    pub path: String,
    pub what: String,
    #[serde(rename = "do")]
    pub to_do: String,
}

/// A file under examination, and what was found in it.
pub struct Patient {
    file: PathBuf,
    /// Before every path, if the file has several documents.
    document: String,
    pub findings: Vec<Finding>,
}

impl Patient {
    fn of(file: &Path) -> Patient {
        Patient {
            file: file.to_owned(),
            document: String::new(),
            findings: Vec::new(),
        }
    }

    fn add(&mut self, severity: Severity, path: &str, what: impl Into<String>, to_do: &str) {
        self.findings.push(Finding {
            severity,
            file: self.file.display().to_string(),
            path: format!("{}{}", self.document, shown(path)),
            what: what.into(),
            to_do: to_do.to_owned(),
        });
    }

    pub fn error(&mut self, path: &str, what: impl Into<String>, to_do: &str) {
        self.add(Severity::Error, path, what, to_do);
    }

    pub fn warning(&mut self, path: &str, what: impl Into<String>, to_do: &str) {
        self.add(Severity::Warning, path, what, to_do);
    }

    /// Fields that the proxy does not know and drops without a word, where a file or a server hands them over.
    pub fn unknown(&mut self, at: &At, known: &[&str]) {
        for (key, _) in at.members().filter(|(key, _)| !known.contains(key) && *key != "@type") {
            let near = nearest(key, known).map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            let path = format!("{}.{}", at.path, shown_key(key));
            let what = format!("no such field{near}");
            self.warning(
                &path,
                what,
                "correct its name: in what comes from a file or a server the proxy drops it without a word",
            );
        }
    }

    /// A file that the configuration refers to. Where it lies at the proxy it need not lie here: beside the one that
    /// names it will do.
    fn referred(&self, name: &str) -> PathBuf {
        let named = PathBuf::from(name);
        if named.exists() {
            return named;
        }
        let beside = named.file_name().map(|last| self.file.with_file_name(last));
        beside.filter(|path| path.exists()).unwrap_or(named)
    }
}

/// Does what was asked for.
pub fn run(options: &Doctor) -> Result<Ended> {
    let mut findings = Vec::new();
    for file in &options.files {
        findings.extend(examine(file)?);
    }
    findings.sort_by_key(|f| f.severity);
    let mut to = io::stdout().lock();
    if options.json {
        serde_json::to_writer_pretty(&mut to, &serde_json::json!({"findings": findings}))?;
        writeln!(to)?;
    } else {
        for f in &findings {
            let severity = match f.severity {
                Severity::Error => "error  ",
                Severity::Warning => "warning",
            };
            let file =
                if options.files.len() > 1 || !options.files.iter().any(|one| one.display().to_string() == f.file) {
                    format!("{}: ", f.file)
                } else {
                    String::new()
                };
            writeln!(to, "{severity} {file}{}: {}\n        {}", f.path, f.what, f.to_do)?;
        }
    }
    Ok(if findings.is_empty() {
        Ended::Found
    } else {
        Ended::Unwell
    })
}

fn examine(file: &Path) -> Result<Vec<Finding>> {
    let documents = documents(file)?;
    let several = documents.len() > 1;
    let mut patient = Patient::of(file);
    let mut known = 0;
    for (number, document) in documents.iter().enumerate() {
        if several {
            patient.document = format!("document {}: ", number + 1);
        }
        let at = At::root(document);
        let is_plugin = at.get("kind").is_some_and(|kind| kind.text() == Some("WasmPlugin"));
        let envoy = [
            "static_resources",
            "dynamic_resources",
            "filter_chains",
            "http_filters",
            "resources",
        ];
        if is_plugin {
            istio::examine(&at, &mut patient);
        } else if at.get("kind").is_none() && envoy.iter().any(|key| at.get(key).is_some()) {
            envoy::examine(&at, &mut patient);
        } else {
            continue;
        }
        known += 1;
    }
    if known == 0 {
        bail!(
            "{}: neither an Envoy bootstrap, listener, HTTP connection manager (`http_filters`) or file of resources, nor an Istio WasmPlugin; \
             of a part of one give the whole, since what stands around the filter is examined too",
            file.display()
        );
    }
    Ok(patient.findings)
}

/// The documents of a file: YAML separated by `---`, or JSON.
fn documents(file: &Path) -> Result<Vec<Value>> {
    let mut text = Vec::new();
    let open = File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
    let read = open.take(MOST + 1).read_to_end(&mut text);
    read.with_context(|| format!("cannot read {}", file.display()))?;
    if text.len() as u64 > MOST {
        bail!("{}: larger than {} MiB", file.display(), MOST >> 20);
    }
    let Ok(text) = String::from_utf8(text) else {
        bail!("{}: not UTF-8", file.display());
    };
    let mut documents = Vec::new();
    for part in parts(&text) {
        let tree = match keepmum_engine::tree(part.as_bytes()) {
            Ok(tree) => tree,
            Err(e) => bail!("{}: {e}", file.display()),
        };
        documents.push(tree);
        if documents.len() > DOCUMENTS {
            bail!("{}: more than {DOCUMENTS} documents", file.display());
        }
    }
    Ok(documents)
}

/// What stands between lines that separate documents.
fn parts(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    for line in text.split_inclusive('\n') {
        if line.trim_end() == "---" || line.starts_with("--- ") {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            // A line feed at the beginning would be that of a binary Struct.
            part.push_str(if part.is_empty() {
                line.trim_start_matches('\n')
            } else {
                line
            });
        }
    }
    let says_something = |part: &String| {
        let mut lines = part.lines().map(str::trim);
        lines.any(|line| !line.is_empty() && !line.starts_with('#') && line != "...")
    };
    parts.retain(says_something);
    parts
}
