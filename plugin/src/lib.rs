//! The proxy-wasm module: it turns Envoy's callbacks into calls of the engine, and nothing else.
//!
//! Off wasm32 this crate is empty: the host functions exist only inside a proxy. See ARCHITECTURE.md.
#![cfg(target_arch = "wasm32")]
// `main!` makes a public function of its own.
#![allow(missing_docs)]

mod audit;
mod body;
mod headers;
mod host;
mod instances;
mod known;
mod memory;
mod metrics;
mod request;
mod response;
mod root;

proxy_wasm::main! {{
    // A panic text can quote what was being read: the location is all that may be told.
    std::panic::set_hook(Box::new(|info| {
        let (file, line) = info.location().map_or(("unknown", 0), |l| (l.file(), l.line()));
        host::log(host::Level::Critical, &format!("keepmum stopped at {file}:{line}"));
    }));
    proxy_wasm::set_root_context(|_| Box::new(root::Root::default()));
}}
