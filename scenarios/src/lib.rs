//! The table of scenarios: what a server and a client send, and what the other side must see of it.
//!
//! One table for three runners (the engine alone, the wasmtime host, a real Envoy), so that what holds in one holds in all.
//! It is data, because a case in code is a case for one runner. `table/*.toml` holds it: secrets stand there as the
//! placeholders of the captures' `plants.json`, and what is compressed or large is described and built here.
//!
//! Reading order: [`table`] has the types of the files, [`text`] builds bytes, [`plants`] puts secrets in,
//! [`cuts`] says where bodies are cut, [`judge`] compares what arrived with what must.

pub mod cuts;
pub mod judge;
pub mod plants;
pub mod table;
pub mod text;

pub use cuts::Cut;
pub use judge::Got;
pub use table::{Scenario, all};
