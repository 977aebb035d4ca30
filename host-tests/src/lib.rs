//! Replays captured traffic into a proxy-wasm module, and shows what a client would have received.
//!
//! `exchange` is one HTTP exchange as bytes. `capture` reads exchanges from the formats in which people have
//! them; `host` runs a module as Envoy does; `replay` sends an exchange through it; `report` shows the result.
//! The module is known only as a `.wasm` file: nothing here depends on the engine, so that what is tested is
//! what is deployed.

pub mod capture;
pub mod exchange;
pub mod host;
pub mod replay;
pub mod report;
