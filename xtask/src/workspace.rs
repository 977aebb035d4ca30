//! Where things are. Every other file of this crate asks here, so that no path is spelled twice.

use std::path::{Path, PathBuf};

/// The root of the repository.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// Cargo's build folder.
pub fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => root().join(dir),
        None => root().join("target"),
    }
}

/// Where everything that a test run prints is kept, for the search for planted secrets.
pub fn logs() -> PathBuf {
    target().join("logs")
}

/// The crates, by folder, in dependency order.
pub const CRATES: [(&str, &str); 13] = [
    ("engine", "keepmum-engine"),
    ("codec", "keepmum-codec"),
    ("plugin", "keepmum-plugin"),
    ("cli", "keepmum-cli"),
    ("host-tests", "keepmum-host-tests"),
    ("scenarios", "keepmum-scenarios"),
    ("envoy", "keepmum-envoy"),
    ("bench", "keepmum-bench"),
    ("score", "keepmum-score"),
    ("agent", "keepmum-agent"),
    ("js/wasm", "keepmum-js"),
    ("js/bind", "keepmum-js-bind"),
    ("xtask", "xtask"),
];
