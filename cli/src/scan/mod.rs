//! `keepmum scan`: bytes in, redacted bytes out.

mod jsonl;

use std::io::{self, BufReader, BufWriter};

use anyhow::Result;

use crate::args::Scan;
use crate::{Ended, policy};

/// Bytes that are read or written at once.
const CHUNK: usize = 64 * 1024;

/// Does what was asked for.
pub fn run(options: &Scan) -> Result<Ended> {
    let engine = policy::engine(&options.choice)?;
    let input = BufReader::with_capacity(CHUNK, io::stdin().lock());
    let output = BufWriter::with_capacity(CHUNK, io::stdout().lock());
    if !options.jsonl {
        anyhow::bail!("only --jsonl is there yet");
    }
    jsonl::run(&engine, input, output)
}
