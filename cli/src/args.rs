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
    Doctor(Doctor),
    #[cfg(feature = "agent")]
    Agent(Agent),
    #[cfg(feature = "replay")]
    Replay(Replay),
    #[cfg(feature = "replay")]
    Diff(Diff),
}

/// Says what is wrong around the policy: filter order, failure policy, limits, routes that switch it off
///
/// Exit status: 0 nothing, 1 something was found, 2 a file cannot be read.
#[derive(Debug, clap::Args)]
pub struct Doctor {
    /// An Envoy bootstrap or listener (YAML or JSON), or an Istio WasmPlugin
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Reads secrets where they live and serves fingerprints of them to the proxy; docs/AGENT.md
///
/// Runs until it is ended. Exit status: 2 it does not start, and says everything that is missing. With --dry-run: 0 all that is
/// required is there, 1 something is missing, 2 the configuration is wrong.
#[cfg(feature = "agent")]
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Agent {
    #[command(subcommand)]
    pub command: Option<AgentCommand>,
    /// The configuration, YAML or JSON
    #[arg(long, value_name = "FILE", required = true)]
    pub config: Option<PathBuf>,
    /// Read every source once and print which values would be taken, which not, and why; never a value
    #[arg(long)]
    pub dry_run: bool,
    /// Count how often captured traffic holds each value: HAR files, Envoy taps or any others, or a folder of them
    #[arg(long, value_name = "PATH", requires = "dry_run")]
    pub captures: Option<PathBuf>,
    /// Print JSON
    #[arg(long, requires = "dry_run")]
    pub json: bool,
}

/// What can be asked of agent and proxy together.
#[cfg(feature = "agent")]
#[derive(Debug, Subcommand)]
pub enum AgentCommand {
    /// Asks the proxy for the agent's canary, on a route that leads to the agent's /v1/canary
    ///
    /// Exit status: 0 it was redacted, so that the set is armed; 1 it came back; 2 neither.
    Probe {
        /// Where, such as http://127.0.0.1:10000/v1/canary
        #[arg(value_name = "URL")]
        url: String,
        /// The variable with the key that agent and proxy share
        #[arg(long, value_name = "NAME", default_value = "KEEPMUM_AGENT_KEY")]
        key_env: String,
    },
}

/// How captured traffic is put through the module.
#[cfg(feature = "replay")]
#[derive(Debug, clap::Args)]
pub struct Harness {
    /// The module to replay through; without it $KEEPMUM_WASM, or keepmum_plugin.wasm beside this program
    #[arg(long, value_name = "FILE")]
    pub wasm: Option<PathBuf>,
    /// Frame bodies as HTTP/2 does
    #[arg(long)]
    pub http2: bool,
    /// What Envoy's route has in metadata.filter_metadata, for all exchanges, typed as in YAML (text that looks like a number or like true in quotes); may be given several times
    #[arg(long, value_name = "NS:KEY=VALUE")]
    pub metadata: Vec<String>,
}

/// Replays captured traffic through the module itself, and checks what is expected of a policy
///
/// Captures are HAR 1.2 files, what Envoy's tap filter writes, or folders of these. Exit status: 0 all is well; 1 an expectation
/// failed, a planted secret reached the client, a stream hangs or is reset, or the module failed; 2 it could not run.
#[cfg(feature = "replay")]
#[derive(Debug, clap::Args)]
pub struct Replay {
    /// HAR files, Envoy taps, or folders of them
    #[arg(value_name = "CAPTURES", required = true)]
    pub captures: Vec<PathBuf>,
    /// The policy, as the proxy takes it; without it an exchange's own, or the default one
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// What is expected; without it expect.yaml in a folder of captures, FILE.expect.yaml beside a file
    #[arg(long, value_name = "FILE")]
    pub expect: Option<PathBuf>,
    #[command(flatten)]
    pub harness: Harness,
    /// Print JSON in place of the table; it holds no secrets
    #[arg(long)]
    pub json: bool,
    /// Write a report to this file
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Show secrets in clear in that report
    #[arg(long, requires = "html")]
    pub show_secrets: bool,
}

/// Says which redactions of captured traffic another policy gains, loses or moves
///
/// Exit status: 0 no difference, or none that --fail-on names; 1 such a difference; 2 it could not run.
#[cfg(feature = "replay")]
#[derive(Debug, clap::Args)]
pub struct Diff {
    /// The policy that is in force
    #[arg(value_name = "OLD")]
    pub old: PathBuf,
    /// The policy that is to be
    #[arg(value_name = "NEW")]
    pub new: PathBuf,
    /// A HAR file, an Envoy tap, or a folder of them; may be given several times
    #[arg(long, value_name = "PATH", required = true)]
    pub captures: Vec<PathBuf>,
    /// Differences that end with status 1
    #[arg(long, value_name = "KIND", value_delimiter = ',', default_value = "any")]
    pub fail_on: Vec<FailOn>,
    #[command(flatten)]
    pub harness: Harness,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// A kind of difference.
#[cfg(feature = "replay")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum FailOn {
    /// Something is redacted that was not
    Gained,
    /// Something is not redacted any more
    Lost,
    /// Something is redacted otherwise: by another detector or action, or with other ends
    Moved,
    /// Any of them
    Any,
    /// None of them
    None,
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
/// Exit status: 0 nothing is wrong (warnings, to standard error, make no difference), 2 something is.
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

/// Says why a text was or was not redacted; with --request which rules hold for a request, and how long its response is held
///
/// Exit status: 0 something was found (or a request was explained), 1 nothing was found, 2 something went wrong.
#[derive(Debug, clap::Args)]
pub struct Explain {
    #[command(flatten)]
    pub choice: Choice,
    #[command(flatten)]
    pub asked: Asked,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Print the values too, as they stand; otherwise only their length is told
    #[arg(long, conflicts_with = "request")]
    pub show_values: bool,
    /// A file, if there is one of this name; otherwise the text itself. - or none is standard input
    #[arg(value_name = "TEXT|FILE", conflicts_with = "request")]
    pub text: Option<std::ffi::OsString>,
}

/// A request, and what is known of its response.
#[derive(Debug, clap::Args)]
pub struct Asked {
    /// Explain a request: which route it is on and why, which rules hold there, how many bytes can be held back
    #[arg(long, value_name = "'GET https://HOST/PATH'")]
    pub request: Option<String>,
    /// A header of the request; may be given several times
    #[arg(short = 'H', long = "header", value_name = "'NAME: VALUE'", requires = "request")]
    pub headers: Vec<String>,
    /// The response's status
    #[arg(long, value_name = "CODE", requires = "request", value_parser = clap::value_parser!(u16).range(100..=599))]
    pub status: Option<u16>,
    /// The response's content type
    #[arg(long, value_name = "TYPE", requires = "request")]
    pub content_type: Option<String>,
    /// What Envoy's route has in metadata.filter_metadata, typed as in YAML (text that looks like a number or like true in quotes); may be given several times
    #[arg(long, value_name = "NS:KEY=VALUE", requires = "request")]
    pub metadata: Vec<String>,
}

impl Asked {
    /// Something is known of a request. Where there is a text clap lets it pass without the request.
    pub fn is_given(&self) -> bool {
        let lists = [&self.headers, &self.metadata];
        self.status.is_some() || self.content_type.is_some() || lists.iter().any(|list| !list.is_empty())
    }
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
