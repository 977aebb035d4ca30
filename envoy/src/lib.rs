//! A real Envoy between a server that repeats captured responses and a client that sees every byte.
//!
//! The wasmtime host of `keepmum-host-tests` is a model of Envoy; this crate is how the model is kept honest. It sees the
//! `.wasm` file and captures, never the engine. Everything listens on loopback, on ports that the kernel chose, and every
//! process that is started here is ended here, by its own pid.
//!
//! Reading order: [`config`] makes a configuration from the operator's `bootstrap.yaml`, [`install`] gets the program,
//! [`process`] runs it, [`upstream`] and [`http2_upstream`] answer behind it, [`client`] and [`http2`] ask in front of it,
//! [`lab`] does all of that for a set of captures, [`compare`] says what differs, [`search`] looks for planted secrets.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod client;
pub mod compare;
pub mod config;
pub mod http2;
pub mod http2_upstream;
pub mod install;
pub mod lab;
pub mod process;
pub mod search;
pub mod upstream;
pub mod wire;

use std::path::{Path, PathBuf};

/// The versions that the matrix runs, newest first. 1.38.3 is left out because its build has no V8.
pub const VERSIONS: [&str; 5] = ["1.40.0", "1.39.3", "1.38.2", "1.37.0", "1.36.4"];

/// The version that tests use when nothing else is asked for.
pub const VERSION: &str = VERSIONS[0];

/// The root of the repository.
#[must_use]
pub fn repository() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// Cargo's build folder: what is downloaded or logged goes under it, so that `cargo clean` removes it.
#[must_use]
pub fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => repository().join(dir),
        None => repository().join("target"),
    }
}
