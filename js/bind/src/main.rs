//! `keepmum-js-bind MODULE FOLDER`: the module as JavaScript loads it, and the JavaScript that loads it.
//!
//! The generator as a library, not its program: a program would have to be installed, in the very version of the crate, on every
//! machine that builds this.

use std::path::PathBuf;

use anyhow::{Context, Result};
use wasm_bindgen_cli_support::Bindgen;

fn main() -> Result<()> {
    let mut args = std::env::args_os().skip(1).map(PathBuf::from);
    let usage = "usage: keepmum-js-bind MODULE FOLDER";
    let (module, folder) = (args.next().context(usage)?, args.next().context(usage)?);
    Bindgen::new()
        .input_path(module)
        .web(true)?
        .omit_default_module_path(true)
        .typescript(false)
        .remove_name_section(true)
        .remove_producers_section(true)
        .out_name("engine")
        .generate(folder)
}
