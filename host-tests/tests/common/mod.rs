//! What tests of the module under wasmtime share: a planted key, the module itself, and how it is started.

#![allow(dead_code, reason = "each test uses its part")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may stop")]

use std::path::Path;

use keepmum_host_tests::exchange::{Exchange, Headers, Message};
use keepmum_host_tests::host::{LogLevel, Module, Options};

/// A synthetic key, built here so that no file holds it.
pub fn key() -> String {
    format!("sk{}{}", "_live_", "FAKEfakeFAKEfakeFAKE0001")
}

/// The module that the set-up has built.
pub fn module() -> Module {
    let wasm = std::env::var_os("KEEPMUM_WASM").expect("KEEPMUM_WASM names the module");
    Module::load(Path::new(&wasm)).unwrap()
}

/// With this policy, and everything logged.
pub fn options(policy: &str) -> Options {
    Options {
        configuration: policy.into(),
        log_level: LogLevel::Trace,
        ..Options::default()
    }
}

/// Headers from text.
pub fn pairs(list: &[(&str, &str)]) -> Headers {
    list.iter()
        .map(|(n, v)| (n.as_bytes().to_vec(), v.as_bytes().to_vec()))
        .collect()
}

/// A GET of `/` that is answered with plain text, one header besides, and this body.
pub fn answered(name: &str, header: (&str, &str), body: &[&str]) -> Exchange {
    Exchange {
        name: name.into(),
        request: Message {
            headers: pairs(&[
                (":method", "GET"),
                (":path", "/"),
                (":scheme", "http"),
                (":authority", "a.example"),
            ]),
            ..Message::default()
        },
        response: Message {
            headers: pairs(&[(":status", "200"), ("content-type", "text/plain"), header]),
            body: body.iter().map(|b| b.as_bytes().to_vec()).collect(),
            ..Message::default()
        },
        ..Exchange::default()
    }
}
