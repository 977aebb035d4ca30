//! Files, directories with a file for each secret, and dotenv files; watched, not polled.
//!
//! Kubernetes and the Secrets Store CSI driver replace all files of a mount at once: they are links into `..data`, which is itself
//! a link that is renamed over. Directories are therefore watched, never files, which would be watched on after they are gone,
//! and what was read while `..data` moved is read again.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use notify::{EventKind, RecursiveMode, Watcher as _};
use tokio::sync::mpsc;
use zeroize::Zeroizing;

use super::{Down, Missing, Read, Source};
use crate::config;
use crate::leaves;
use crate::secret::{Secret, Value};

/// A larger file is no secret.
const FILE_BYTES: u64 = 1 << 20;
/// More files of one source are not read.
const MOST_FILES: usize = 10_000;
/// Directories below the one that is named.
const DEPTH: usize = 4;
/// What changes together is read once.
const SETTLE: Duration = Duration::from_millis(50);
/// Reads while the mount is being replaced.
const TRIES: usize = 5;

/// A path and what watches it.
pub(super) struct Watched {
    path: PathBuf,
    names: Vec<String>,
    dotenv: bool,
    watch: Option<Watch>,
}

struct Watch {
    events: mpsc::Receiver<()>,
    _watcher: notify::RecommendedWatcher,
}

impl Watched {
    pub(super) fn files(config: config::Files) -> Watched {
        Watched {
            path: config.path,
            names: config.names,
            dotenv: false,
            watch: None,
        }
    }

    pub(super) fn dotenv(config: config::Dotenv) -> Watched {
        Watched {
            path: config.path,
            names: config.names,
            dotenv: true,
            watch: None,
        }
    }

    fn directory(&self) -> PathBuf {
        let parent = || {
            self.path
                .parent()
                .filter(|p| !p.as_os_str().is_empty())
                .map_or(".".into(), Path::to_owned)
        };
        if self.path.is_dir() {
            self.path.clone()
        } else {
            parent()
        }
    }

    fn watch(&self) -> notify::Result<Watch> {
        let (to, events) = mpsc::channel(1);
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // To read a file is an event too.
            if !event.is_ok_and(|e| matches!(e.kind, EventKind::Access(_))) {
                // One that is waiting says it already.
                let _ = to.try_send(());
            }
        })?;
        let mode = if self.path.is_dir() {
            RecursiveMode::Recursive
        } else {
            RecursiveMode::NonRecursive
        };
        watcher.watch(&self.directory(), mode)?;
        Ok(Watch {
            events,
            _watcher: watcher,
        })
    }

    fn all(&self) -> Result<Read, Down> {
        let mut read = Read::default();
        for _ in 0..TRIES {
            let before = generation(&self.directory());
            read = if self.dotenv {
                self.one_dotenv()?
            } else {
                self.every_file()?
            };
            if generation(&self.directory()) == before {
                break;
            }
        }
        leaves::add_pairs(&mut read.secrets);
        Ok(read)
    }

    fn one_dotenv(&self) -> Result<Read, Down> {
        let shown = self.path.display();
        let bytes = content(&self.path).map_err(|e| Down(format!("{shown}: {e}")))?;
        let Ok(text) = std::str::from_utf8(&bytes) else {
            return Err(Down(format!("{shown}: not UTF-8")));
        };
        let version = version(&self.path, generation(&self.directory()).as_deref());
        let (pairs, wrong) = leaves::dotenv(text);
        let secret = |(name, value): (String, Value)| Secret {
            value,
            ..Secret::new(format!("dotenv:{shown}#{name}"), version.clone(), "")
        };
        let mut read = Read {
            secrets: pairs.into_iter().map(secret).collect(),
            missing: Vec::new(),
        };
        read.secrets.retain(|s| !s.value.is_empty());
        if wrong > 0 {
            let why =
                format!("{wrong} lines cannot be read as NAME=value in full; their values are taken as they stand");
            crate::log::tell(&format!("dotenv:{shown}: {why}"));
        }
        for name in &self.names {
            let id = format!("dotenv:{shown}#{name}");
            if !read.secrets.iter().any(|s| s.id == id) {
                read.missing.push(Missing::gone(id, "not in the file, or empty"));
            }
        }
        Ok(read)
    }

    fn every_file(&self) -> Result<Read, Down> {
        let shown = self.path.display();
        let kind = fs::metadata(&self.path).map_err(|e| Down(format!("{shown}: {}", e.kind())))?;
        let mut read = Read::default();
        if kind.is_dir() {
            let generation = generation(&self.path);
            let mut left = MOST_FILES;
            let walked = walk(&self.path, DEPTH, &mut left, generation.as_deref(), &mut read);
            walked.map_err(|e| Down(format!("{shown}: {}", e.kind())))?;
            if left == 0 {
                read.missing.push(Missing::unread(
                    format!("file:{shown}"),
                    format!("more than {MOST_FILES} files"),
                ));
            }
        } else {
            take(&self.path, generation(&self.directory()).as_deref(), &mut read);
        }
        for name in &self.names {
            let id = format!("file:{}", self.path.join(name).display());
            let there = |known: &str| known == id;
            if !read.secrets.iter().any(|s| there(&s.id)) && !read.missing.iter().any(|m| there(&m.id)) {
                read.missing
                    .push(Missing::gone(id, "there is no such file, or it is empty"));
            }
        }
        Ok(read)
    }
}

impl Source for Watched {
    async fn read(&mut self) -> Result<Read, Down> {
        if self.watch.is_none() {
            let watch = self
                .watch()
                .map_err(|e| Down(format!("{}: cannot be watched: {:?}", self.path.display(), e.kind)))?;
            self.watch = Some(watch);
        }
        let read = self.all();
        // A directory that was removed and made anew is another one.
        if read.is_err() {
            self.watch = None;
        }
        read
    }

    async fn changed(&mut self) {
        match &mut self.watch {
            Some(watch) => {
                watch.events.recv().await;
                tokio::time::sleep(SETTLE).await;
                while watch.events.try_recv().is_ok() {}
            }
            None => std::future::pending().await,
        }
    }
}

/// What `..data` points to.
fn generation(directory: &Path) -> Option<PathBuf> {
    fs::read_link(directory.join("..data")).ok()
}

fn walk(
    directory: &Path,
    depth: usize,
    left: &mut usize,
    generation: Option<&Path>,
    read: &mut Read,
) -> io::Result<()> {
    let mut entries: Vec<PathBuf> = fs::read_dir(directory)?
        .filter_map(|e| e.ok().map(|e| e.path()))
        .collect();
    entries.sort();
    for path in entries {
        let name = path
            .file_name()
            .map(|n| n.to_string_lossy().into_owned())
            .unwrap_or_default();
        // `..data` and what it points to.
        if name.starts_with("..") || *left == 0 {
            continue;
        }
        match fs::metadata(&path) {
            Ok(kind) if kind.is_dir() => {
                if depth > 0 {
                    walk(&path, depth - 1, left, generation, read)?;
                }
            }
            Ok(kind) if kind.is_file() => {
                *left -= 1;
                take(&path, generation, read);
            }
            // A socket, a pipe: not a secret.
            Ok(_) => {}
            Err(e) => read.missing.push(Missing::unread(
                format!("file:{}", path.display()),
                e.kind().to_string(),
            )),
        }
    }
    Ok(())
}

fn take(path: &Path, generation: Option<&Path>, read: &mut Read) {
    let id = format!("file:{}", path.display());
    match content(path) {
        Ok(value) if value.is_empty() => {}
        Ok(value) => read.secrets.push(Secret {
            value,
            ..Secret::new(id, version(path, generation), "")
        }),
        Err(why) => read.missing.push(Missing::unread(id, why)),
    }
}

/// What a file holds, without the line end that editors leave behind a text.
fn content(path: &Path) -> Result<Value, String> {
    let kind = |e: io::Error| e.kind().to_string();
    let file = fs::File::open(path).map_err(kind)?;
    let size = file.metadata().map_err(kind)?.len();
    let mut value = Zeroizing::new(Vec::with_capacity(
        usize::try_from(size.min(FILE_BYTES) + 1).unwrap_or(0),
    ));
    file.take(FILE_BYTES + 1).read_to_end(&mut value).map_err(kind)?;
    if value.len() as u64 > FILE_BYTES {
        return Err(format!("larger than {FILE_BYTES} bytes"));
    }
    if std::str::from_utf8(&value).is_ok() {
        let end = value
            .iter()
            .rposition(|b| !matches!(b, b'\n' | b'\r'))
            .map_or(0, |i| i + 1);
        value.truncate(end);
    }
    Ok(value)
}

/// The name of the directory behind `..data`, or when the file was written.
fn version(path: &Path, generation: Option<&Path>) -> String {
    if let Some(generation) = generation {
        return generation.to_string_lossy().into_owned();
    }
    let written = fs::metadata(path).and_then(|m| m.modified()).ok();
    let since = written.and_then(|t| t.duration_since(UNIX_EPOCH).ok());
    since.map(|d| d.as_secs().to_string()).unwrap_or_default()
}
