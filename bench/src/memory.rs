//! What a stream holds, as `keepmum-bench-memory` counts it: the lines of the table.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// What a stream may hold, in bytes.
pub const BOUND: u64 = 128 * 1024;

/// A line of the table, in bytes.
pub struct Line {
    /// What passed.
    pub body: String,
    /// The most that `Body::memory` said.
    pub said: u64,
    /// The most that the heap had grown by between two chunks: the stream and its exchange.
    pub heap: u64,
    /// What the thread's workspace has grown to, which all streams share.
    pub shared: u64,
    /// By how much the module's linear memory grew.
    pub linear: u64,
    /// Megabytes a second, natively.
    pub speed: u64,
    /// As it was printed.
    pub json: Value,
}

impl Line {
    fn read(text: &str) -> Result<Self> {
        let json: Value = serde_json::from_str(text)?;
        let number = |name: &str| {
            json[name]
                .as_f64()
                .map(|n| n as u64)
                .with_context(|| format!("no {name} in {text}"))
        };
        Ok(Self {
            body: json["body"].as_str().unwrap_or_default().to_owned(),
            said: number("body_memory")?,
            heap: number("heap")?,
            shared: number("workspace")?,
            linear: number("linear_memory_growth")?,
            speed: number("native_mb_per_s")?,
            json,
        })
    }

    /// It stays within the bound.
    pub fn holds(&self) -> bool {
        self.heap < BOUND && self.linear <= BOUND
    }
}

/// All lines; `total` bytes pass in each.
pub fn run(module: &Path, total: usize, say: &mut dyn FnMut(&str)) -> Result<Vec<Line>> {
    // Cargo puts the programs of a package side by side.
    let program = std::env::current_exe()?.with_file_name("keepmum-bench-memory");
    let mut child = Command::new(&program)
        .arg(module)
        .arg(total.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", program.display()))?;
    let mut lines = Vec::new();
    if let Some(out) = child.stdout.take() {
        for text in BufReader::new(out).lines() {
            let line = Line::read(&text?)?;
            say(&line.body);
            lines.push(line);
        }
    }
    ensure!(child.wait()?.success(), "{} failed", program.display());
    Ok(lines)
}
