//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// Finds secrets in text and takes them out
#[derive(Debug, Parser)]
#[command(name = "keepmum", version, max_term_width = 100)]
pub struct Args {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    Check(Check),
    Scan(Scan),
    Explain(Explain),
    Detectors(Detectors),
}

/// Which detectors look.
#[derive(Debug, clap::Args)]
pub struct Choice {
    /// Packs of detectors, such as secrets,tokens; in place of the policy's
    #[arg(long, value_delimiter = ',', value_name = "A,B")]
    pub packs: Option<Vec<String>>,
    /// A policy (YAML or JSON), as the proxy takes it; without it the default one
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
}

/// Says everything that is wrong with a policy, in the words in which the proxy would refuse it
///
/// Exit status: 0 nothing is wrong, 2 something is.
#[derive(Debug, clap::Args)]
pub struct Check {
    /// The policy: YAML, JSON or a binary google.protobuf.Struct; - is standard input
    #[arg(value_name = "POLICY", required_unless_present = "schema")]
    pub policy: Option<PathBuf>,
    /// Print the JSON Schema of policies
    #[arg(long, conflicts_with = "policy")]
    pub schema: bool,
    /// Print the number that metrics and audit lines have for the policy, if nothing is wrong with it
    #[arg(long)]
    pub revision: bool,
}

/// Redacts files, or standard input, to standard output
///
/// Exit status: 0 something was found, 1 nothing was found, 2 something went wrong.
#[derive(Debug, clap::Args)]
pub struct Scan {
    #[command(flatten)]
    pub choice: Choice,
    /// Read lines {"id":…,"text":"…"} and answer each with {"id":…,"text":"<redacted>","findings":[…]}, in order
    ///
    /// Each line is looked at by itself. Offsets in findings count bytes of the text in UTF-8.
    #[arg(long, conflicts_with_all = ["files", "findings"])]
    pub jsonl: bool,
    /// List what was found, as path:offset detector action, in place of the redacted text
    #[arg(long)]
    pub findings: bool,
    /// Files to read, one after the other; - or none is standard input. A name that ends in .json says that it is JSON
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

/// Says which detectors looked at a text, which matched, and why something was or was not redacted
///
/// Exit status: 0 something was found, 1 nothing was found, 2 something went wrong.
#[derive(Debug, clap::Args)]
pub struct Explain {
    #[command(flatten)]
    pub choice: Choice,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Print the values too, as they stand; otherwise only their length is told
    #[arg(long)]
    pub show_values: bool,
    /// A file, if there is one of this name; otherwise the text itself. - or none is standard input
    #[arg(value_name = "TEXT|FILE")]
    pub text: Option<std::ffi::OsString>,
}

/// Lists the detectors that come with the program
#[derive(Debug, clap::Args)]
pub struct Detectors {
    /// Only this pack
    #[arg(long, value_name = "PACK")]
    pub pack: Option<String>,
    /// Print JSON, with patterns and anchors too
    #[arg(long, conflicts_with = "markdown")]
    pub json: bool,
    /// Print the tables of docs/DETECTORS.md
    #[arg(long, hide = true)]
    pub markdown: bool,
}
