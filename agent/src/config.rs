//! The configuration: read and checked once, into one value, before anything is asked or opened.
//!
//! Credentials of sources never stand in it: it names variables and files that hold them.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

pub use read::Mistake;
use read::{At, Mistakes};

pub(crate) mod read;
mod sources;

pub use sources::{Auth, Aws, Database, Dotenv, Env, Files, From, Kv, SourceConfig, SourceKind, Vault};

/// Everything that the agent is told.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where fingerprints are served.
    pub listen: Listen,
    /// How long a replaced value stays armed.
    pub grace: Duration,
    /// How long required secrets are waited for at start.
    pub start_within: Duration,
    /// The variable with the key under which the set is sealed, which the plugin has too.
    pub key_env: String,
    /// What is not taken into the set.
    pub admission: AdmissionConfig,
    /// Where secrets live.
    pub sources: Vec<SourceConfig>,
}

/// Where fingerprints are served: on this host only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listen {
    /// A loopback address.
    Tcp(SocketAddr),
    /// A Unix socket, and its permissions.
    Unix(PathBuf, u32),
}

/// What is not taken into the set.
#[derive(Clone, Debug, PartialEq)]
pub struct AdmissionConfig {
    /// Shorter values are refused.
    pub min_bytes: usize,
    /// Values that take fewer guesses are refused: the logarithm to base 10.
    pub min_guesses_log10: f64,
    /// Ids, as globs, that are taken in spite of being guessable or structural, not of being too short.
    pub accept: Vec<String>,
    /// Ids, as globs, that are refused.
    pub refuse: Vec<String>,
}

impl Default for AdmissionConfig {
    fn default() -> AdmissionConfig {
        AdmissionConfig {
            min_bytes: 8,
            min_guesses_log10: 8.0,
            accept: Vec::new(),
            refuse: Vec::new(),
        }
    }
}

/// Everything that is wrong with a configuration, a line for each.
#[derive(Debug, PartialEq, Eq)]
pub struct ConfigError(Vec<Mistake>);

impl ConfigError {
    /// In the order of the document.
    pub fn mistakes(&self) -> &[Mistake] {
        &self.0
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, mistake) in self.0.iter().enumerate() {
            write!(f, "{}{mistake}", if i == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// Reads YAML or JSON.
    ///
    /// # Errors
    /// Every mistake, with its field path.
    pub fn read(text: &[u8]) -> Result<Config, ConfigError> {
        let tree = keepmum_engine::tree(text).map_err(|e| {
            let told = e.mistakes().iter();
            let mistake = |m: &keepmum_engine::Mistake| Mistake {
                path: m.path().to_owned(),
                why: m.why().to_owned(),
            };
            ConfigError(told.map(mistake).collect())
        })?;
        let mut to = Mistakes::default();
        let config = whole(&At::root(&tree), &mut to);
        match config {
            Some(config) if to.0.is_empty() => Ok(config),
            _ => Err(ConfigError(to.0)),
        }
    }
}

fn whole(at: &At<'_>, to: &mut Mistakes) -> Option<Config> {
    let mut fields = at.fields(to);
    if let Some(version) = fields.take("version") {
        version.whole(1, 1, to);
    }
    let listen = match fields.take("listen") {
        None => Some(Listen::Tcp(SocketAddr::from(([127, 0, 0, 1], 8470)))),
        Some(at) => listen(&at, to),
    };
    let second = Duration::from_secs(1);
    let grace = fields.duration("grace", Duration::ZERO, Duration::from_secs(3600), to);
    let start_within = fields.duration("start_within", second, Duration::from_secs(30), to);
    let key_env = fields
        .text("key_env", to)
        .unwrap_or_else(|| "KEEPMUM_AGENT_KEY".to_owned());
    let admission = fields
        .take("admission")
        .map(|at| admission(&at, to))
        .unwrap_or_default();
    let items = fields.need("sources", to).map(|at| at.list(to)).unwrap_or_default();
    let sources: Vec<_> = items.iter().filter_map(|item| sources::source(item, to)).collect();
    for (i, source) in sources.iter().enumerate() {
        if sources.iter().take(i).any(|s| s.name == source.name) && items.len() == sources.len() {
            to.add(
                &format!("sources[{i}].name"),
                "another source has this name; give one to each of a type",
            );
        }
    }
    fields.end(to);
    let listen = listen?;
    Some(Config {
        listen,
        grace,
        start_within,
        key_env,
        admission,
        sources,
    })
}

fn listen(at: &At<'_>, to: &mut Mistakes) -> Option<Listen> {
    let mut fields = at.fields(to);
    let mode = fields.text("mode", to);
    let listen = match fields.one_of(&["tcp", "unix"], to) {
        Some(("tcp", at)) => {
            if mode.is_some() {
                to.add(&fields.at("mode"), "permissions are for Unix sockets");
            }
            let address = at.text(to).and_then(|text| text.parse::<SocketAddr>().ok());
            match address.filter(|a| a.ip().is_loopback()) {
                Some(address) => Some(Listen::Tcp(address)),
                None => {
                    to.add(&at.path, "expected a loopback address and port, such as 127.0.0.1:8470");
                    None
                }
            }
        }
        Some((_, at)) => {
            let octal = |text: &String| u32::from_str_radix(text, 8).ok().filter(|m| *m <= 0o777);
            let permissions = mode.as_ref().map_or(Some(0o600), octal);
            if permissions.is_none() {
                to.add(&fields.at("mode"), "expected permissions in octal, such as \"0660\"");
            }
            at.text(to)
                .zip(permissions)
                .map(|(path, mode)| Listen::Unix(path.into(), mode))
        }
        None => None,
    };
    fields.end(to);
    listen
}

fn admission(at: &At<'_>, to: &mut Mistakes) -> AdmissionConfig {
    let mut fields = at.fields(to);
    let min_bytes = fields.whole("min_bytes", (8, 64), 8, to);
    let guesses = fields.whole("min_guesses_log10", (4, 20), 8, to);
    let mut globs = |key| {
        let globs = fields.texts(key, to);
        for glob in globs.iter().filter(|g| globset::Glob::new(g).is_err()) {
            let i = globs.iter().position(|g| g == glob).unwrap_or_default();
            to.add(
                &format!("{}[{i}]", fields.at(key)),
                "expected a glob, such as aws:prod/* or *#username",
            );
        }
        globs
    };
    let (accept, refuse) = (globs("accept"), globs("refuse"));
    fields.end(to);
    AdmissionConfig {
        min_bytes: usize::try_from(min_bytes).unwrap_or(8),
        min_guesses_log10: guesses as f64,
        accept,
        refuse,
    }
}

#[cfg(test)]
mod tests;
