//! `keepmum agent` as it runs, before real files, a real socket, moto for AWS Secrets Manager, and a server that speaks Vault's API.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[cfg(feature = "aws")]
mod aws;
mod harness;
#[cfg(feature = "aws")]
#[allow(dead_code)]
#[path = "../../../envoy/src/install.rs"]
mod install;
mod local;
mod vault;
mod vault_server;

/// What the installer of packages asks of the crate that it stands in: where to put them.
#[cfg(feature = "aws")]
fn target() -> std::path::PathBuf {
    let tmp = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    tmp.parent().unwrap_or(tmp).to_owned()
}

/// And which version of Envoy it may be given.
#[cfg(feature = "aws")]
const VERSION: &str = "";
