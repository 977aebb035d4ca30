//! `keepmum scan`: bytes in, redacted bytes out.

mod files;
mod jsonl;

use std::io::{self, BufReader, BufWriter};

use anyhow::Result;

use crate::args::Scan;
use crate::{Ended, is_broken_pipe, policy};

/// Bytes that are read or written at once.
const CHUNK: usize = 64 * 1024;

/// Does what was asked for.
pub fn run(options: &Scan) -> Result<Ended> {
    let engine = policy::engine(&options.choice)?;
    let mut output = BufWriter::with_capacity(CHUNK, io::stdout().lock());
    let mut ended = Ended::Clean;
    let done = if options.jsonl {
        let input = BufReader::with_capacity(CHUNK, io::stdin().lock());
        jsonl::run(&engine, input, &mut output, &mut ended)
    } else {
        files::run(&engine, options, &mut output, &mut ended)
    };
    match done {
        Ok(()) => Ok(ended),
        // Whoever read the output has seen enough. What is left in the buffer has nowhere to go.
        Err(e) if is_broken_pipe(&e) => {
            drop(output.into_parts());
            Ok(ended)
        }
        Err(e) => Err(e),
    }
}
