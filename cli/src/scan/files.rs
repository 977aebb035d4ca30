//! `keepmum scan [FILE…]`: files through the engine in chunks, so that memory does not grow with them.
//!
//! Each file is an exchange of its own. Bytes are bytes: what is no UTF-8 passes as it came.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use anyhow::{Context as _, Result, anyhow, bail};
use keepmum_engine::{Body, BodyKind, Engine, Exchange, Flow, Workspace};

use super::CHUNK;
use crate::args::Scan;
use crate::{Ended, complain};

/// Where a file is read, what is written, and how much of it.
struct Pass<'a, W> {
    engine: &'a Engine,
    work: Workspace,
    /// Findings are listed in place of the redacted text.
    list: bool,
    output: &'a mut W,
}

/// Takes one file after the other. One that cannot be read is named, and the others are read all the same.
pub fn run(engine: &Engine, options: &Scan, output: &mut impl Write, ended: &mut Ended) -> Result<()> {
    let mut pass = Pass {
        engine,
        work: Workspace::default(),
        list: options.findings,
        output,
    };
    let standard = [Path::new("-").to_path_buf()];
    let files = if options.files.is_empty() {
        &standard[..]
    } else {
        &options.files
    };
    for path in files {
        let read = match open(path, options.findings) {
            Ok(Some(file)) => pass.stream(path, file, ended)?,
            Ok(None) => pass.stream(path, io::stdin().lock(), ended)?,
            Err(e) => Err(e),
        };
        if let Err(e) = read {
            *ended = Ended::Failed;
            complain(&e);
        }
    }
    pass.output.flush()?;
    Ok(())
}

/// `None`: standard input.
fn open(path: &Path, list: bool) -> Result<Option<File>> {
    if path == Path::new("-") {
        return Ok(None);
    }
    let name = || path.display().to_string();
    let file = File::open(path).with_context(name)?;
    if !list && is_output(&file) {
        bail!("{}: is the output too", name());
    }
    Ok(Some(file))
}

/// Appending to the file that is read would never end.
#[cfg(unix)]
fn is_output(file: &File) -> bool {
    use std::os::fd::AsFd as _;
    use std::os::unix::fs::MetadataExt as _;
    let stdout = io::stdout().as_fd().try_clone_to_owned().map(File::from);
    match (file.metadata(), stdout.and_then(|f| f.metadata())) {
        (Ok(a), Ok(b)) => a.is_file() && (a.dev(), a.ino()) == (b.dev(), b.ino()),
        _ => false,
    }
}

#[cfg(not(unix))]
fn is_output(_: &File) -> bool {
    false
}

impl<W: Write> Pass<'_, W> {
    /// The outer error is the output's, the inner one the file's.
    fn stream(&mut self, path: &Path, mut file: impl Read, ended: &mut Ended) -> Result<Result<()>> {
        let kind = BodyKind {
            json: path.extension().is_some_and(|e| e.eq_ignore_ascii_case("json")),
            ..BodyKind::default()
        };
        let (mut exchange, mut body) = (Exchange::listing_all(), Body::new(kind));
        let (mut chunk, mut out) = (vec![0; CHUNK], Vec::new());
        let mut failed = Ok(());
        loop {
            let n = match file.read(&mut chunk) {
                Ok(n) => n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => {
                    failed = Err(anyhow!(e).context(path.display().to_string()));
                    0
                }
            };
            let new = chunk.get(..n).unwrap_or_default();
            out.clear();
            let flow = if n > 0 {
                body.push(self.engine, &mut self.work, &mut exchange, new, &mut out)
            } else {
                body.finish(self.engine, &mut self.work, &mut exchange, &mut out);
                Flow::Out
            };
            if !self.list {
                self.output.write_all(if flow == Flow::Pass { new } else { &out })?;
                // Whoever writes to a pipe line by line may wait for what comes of it.
                self.output.flush()?;
            }
            for f in exchange.take_findings() {
                if *ended == Ended::Clean {
                    *ended = Ended::Found;
                }
                if self.list {
                    self.output.write_all(path.as_os_str().as_encoded_bytes())?;
                    let action = if self.engine.enforces() {
                        f.action().name()
                    } else {
                        "report"
                    };
                    writeln!(self.output, ":{} {} {action}", f.start(), f.detector(self.engine))?;
                }
            }
            if exchange.blocked().is_some() {
                let name = path.display();
                return Ok(Err(anyhow!(
                    "{name}: the policy blocks what was found in it; the rest is left out"
                )));
            }
            if n == 0 {
                return Ok(failed);
            }
        }
    }
}
