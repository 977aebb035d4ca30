//! Where secrets live. A source is read as a whole, tells when it is worth reading again, and says what it lacks by name.
//!
//! Each runs as a task of its own, so that one that hangs holds up no other. What it read last stays in the set while it is
//! down: that is the store's, not the source's.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time;

use crate::config::{SourceConfig, SourceKind};
use crate::secret::Secret;

#[cfg(feature = "aws")]
mod aws;
mod env;
mod files;
mod vault;

/// What a source has.
#[derive(Debug, Default)]
pub struct Read {
    /// What it has.
    pub secrets: Vec<Secret>,
    /// What should be there and is not.
    pub missing: Vec<Missing>,
}

/// A secret that should be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// Its id.
    pub id: String,
    /// Why it is not there.
    pub why: String,
    /// The source says that there is none; otherwise it could not be read, and its last value stays.
    pub gone: bool,
}

impl Missing {
    pub(crate) fn gone(id: impl Into<String>, why: impl Into<String>) -> Missing {
        Missing {
            id: id.into(),
            why: why.into(),
            gone: true,
        }
    }

    pub(crate) fn unread(id: impl Into<String>, why: impl Into<String>) -> Missing {
        Missing {
            id: id.into(),
            why: why.into(),
            gone: false,
        }
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.id, self.why)
    }
}

/// A source that cannot be read at all. Never says more than the place and the kind of error: answers hold secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Down(pub String);

impl fmt::Display for Down {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a source's task tells, and which source it is.
pub(crate) type Told = (usize, Result<Read, Down>);

/// A place where secrets live.
pub(crate) trait Source: Send + 'static {
    /// All that it has now.
    fn read(&mut self) -> impl Future<Output = Result<Read, Down>> + Send;

    /// Returns when it is worth reading again; may be given up and called anew.
    fn changed(&mut self) -> impl Future<Output = ()> + Send;
}

/// No source may take longer to be read.
const READ_WITHIN: Duration = Duration::from_secs(120);

/// Begins a task for a source, which tells what it reads.
pub(crate) fn begin(index: usize, config: &SourceConfig, to: mpsc::Sender<Told>) -> tokio::task::JoinHandle<()> {
    match config.kind.clone() {
        SourceKind::Env(config) => tokio::spawn(tend(index, env::Env::new(config), to)),
        SourceKind::Dotenv(config) => tokio::spawn(tend(index, files::Watched::dotenv(config), to)),
        SourceKind::Files(config) => tokio::spawn(tend(index, files::Watched::files(config), to)),
        SourceKind::Vault(config) => tokio::spawn(tend(index, vault::Vault::new(config), to)),
        #[cfg(feature = "aws")]
        SourceKind::Aws(config) => tokio::spawn(tend(index, aws::SecretsManager::new(config), to)),
        #[cfg(not(feature = "aws"))]
        SourceKind::Aws(_) => tokio::spawn(async {}),
    }
}

async fn tend(index: usize, mut source: impl Source, to: mpsc::Sender<Told>) {
    let mut failures = 0;
    loop {
        let late = || Err(Down(format!("not read within {} s", READ_WITHIN.as_secs())));
        let read = time::timeout(READ_WITHIN, source.read())
            .await
            .unwrap_or_else(|_| late());
        let complete = read.as_ref().is_ok_and(|read| read.missing.is_empty());
        failures = if complete { 0 } else { failures + 1 };
        if to.send((index, read)).await.is_err() {
            return;
        }
        if failures == 0 {
            source.changed().await;
        } else {
            tokio::select! {
                () = source.changed() => time::sleep(pause(0)).await,
                () = time::sleep(pause(failures)) => {}
            }
        }
    }
}

/// Doubles from half a second to a minute, and is spread by a fifth, so that many agents do not ask at once.
fn pause(failures: u32) -> Duration {
    let whole = 500_u64
        .saturating_mul(1 << failures.saturating_sub(1).min(7))
        .min(60_000);
    let lot = u64::from(crate::random::<1>()[0]);
    Duration::from_millis(whole - whole * lot / 255 / 5)
}

#[cfg(test)]
mod tests {
    use super::pause;

    #[test]
    fn pauses_grow_to_a_minute() {
        for (failures, most) in [(1, 500), (2, 1_000), (8, 60_000), (1_000, 60_000)] {
            let ms = pause(failures).as_millis();
            assert!(ms <= most && ms >= most * 4 / 5 - 1, "{failures}: {ms}");
        }
    }
}
