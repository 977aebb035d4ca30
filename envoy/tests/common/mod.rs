//! What the tests share: which module, which Envoys.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::path::PathBuf;

use keepmum_envoy::{VERSION, VERSIONS, install};

/// The module under test: an explicit path, never whatever lies in `target/`.
pub fn module() -> PathBuf {
    std::env::var_os("KEEPMUM_WASM")
        .map(PathBuf::from)
        .expect("KEEPMUM_WASM is not set: use cargo xtask test --only envoy")
}

/// The Envoys to test with: `KEEPMUM_ENVOY_VERSIONS` is `all`, a list, or nothing for the newest.
pub fn envoys() -> Vec<(String, PathBuf)> {
    let asked = std::env::var("KEEPMUM_ENVOY_VERSIONS").unwrap_or_default();
    let versions: Vec<&str> = match asked.as_str() {
        "" => vec![VERSION],
        "all" => VERSIONS.to_vec(),
        list => list.split(',').collect(),
    };
    versions
        .into_iter()
        .map(|v| (v.to_owned(), install::envoy(v).expect("Envoy can be installed")))
        .collect()
}
