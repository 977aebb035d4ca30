//! A proxy-wasm host on wasmtime that treats a stream as Envoy 1.40 does.
//!
//! Why not the proxy-wasm test framework: it scripts expected host calls, so it pins their order and models
//! no stream. Here nothing is scripted. A module is given an exchange, and what comes out is what a client
//! and an upstream would have seen, pauses, buffer limits, local replies and traps included.
//!
//! Reading order: `options` and `module` (what is loaded, how), `vm` (the public handle), `filter` (the
//! stream as Envoy's filter manager drives it; `ask` and `exit` are its two ends), `stream` (its state), `imports` (the host calls).

mod ask;
mod clock;
mod exit;
mod feed;
mod filter;
mod headers;
mod imports;
mod instance;
mod linker;
mod log;
mod memory;
mod metrics;
mod module;
mod options;
mod outcome;
mod pairs;
mod properties;
mod reply;
mod shared;
mod state;
mod status;
mod stream;
mod vm;

pub use log::{LogLevel, LogLine};
pub use module::Module;
pub use options::{CallReply, FailurePolicy, Options, Profile};
pub use outcome::{Ended, Outcome, Seen};
pub use stream::Direction;
pub use vm::{Refused, StreamId, Vm};
