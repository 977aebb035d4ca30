//! The command line: what can be asked for, and its help text.

use anyhow::{Context, Result, bail};

/// What `cargo xtask --help` prints.
pub const HELP: &str = "\
usage: cargo xtask <command>

  setup                    get what is missing: a wasm32 standard library, rustfmt, clippy, Python's venv
  build                    build the module and print where it is, its size and its SHA-256
  npm                      make the tarball of the npm package and print where it is
  playground               build the playground and serve it on loopback, until Ctrl-C
  bench-js                 the npm package's figures
  demo                     replay the bundled captures under wasmtime, print what was redacted, write a report
  demo --envoy             the same, then a real Envoy on loopback to try with curl, until Ctrl-C
       --for SECONDS         with --envoy: end by itself
  test                     everything; the last line counts what passed, failed and was skipped
       --only NAME           one part (can be repeated); `--list` names them
       --envoy-versions all  the Envoy part on every supported version, not only the newest
                             (or a list: 1.40.0,1.38.2)
  bench [ARGS]             the benchmarks; ARGS go to them
  score [ARGS]             recall, precision and changes per MB on the corpus and on benign text; ARGS go to it
  bless                    write what comes out of the captures as what is expected, and the tables of docs/DETECTORS.md;
                           read the diff before you commit it
       --docs                only the tables
  tidy                     check the rules that a compiler does not: paths in documents, file sizes, lints in every crate

A part of `test` whose tool cannot be had is skipped, with the reason and the command that would enable it.
With CI=true in the environment that is a failure.";

/// A parsed command line.
#[derive(Debug, PartialEq, Eq)]
pub enum Ask {
    Help,
    Setup,
    Build,
    Npm,
    Playground,
    /// The npm package's figures.
    BenchJs,
    Demo(Demo),
    Test(Test),
    Bench(Vec<String>),
    Score(Vec<String>),
    /// `docs`: only the document that is made from the catalogue.
    Bless {
        docs: bool,
    },
    Tidy,
}

/// What `demo` was asked for.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Demo {
    pub envoy: bool,
    pub seconds: Option<u64>,
}

/// What `test` was asked for.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Test {
    pub list: bool,
    pub only: Vec<String>,
    pub envoy_versions: Option<String>,
}

/// Reads the process's arguments.
pub fn parse() -> Result<Ask> {
    read(lexopt::Parser::from_env())
}

fn read(mut parser: lexopt::Parser) -> Result<Ask> {
    use lexopt::prelude::{Long, Short, Value};
    let mut command = None;
    let (mut demo, mut test) = (Demo::default(), Test::default());
    let mut docs = false;
    let is = |command: &Option<String>, name: &str| command.as_deref() == Some(name);
    while let Some(arg) = parser.next()? {
        match arg {
            Long("help") | Short('h') => return Ok(Ask::Help),
            Value(name) if command.is_none() => {
                let name = name.to_string_lossy().into_owned();
                if name == "bench" {
                    let rest = parser.raw_args()?.map(|a| a.to_string_lossy().into_owned());
                    return Ok(Ask::Bench(rest.collect()));
                }
                if name == "score" {
                    let rest = parser.raw_args()?.map(|a| a.to_string_lossy().into_owned());
                    return Ok(Ask::Score(rest.collect()));
                }
                command = Some(name);
            }
            Long("envoy") if is(&command, "demo") => demo.envoy = true,
            Long("for") if is(&command, "demo") => {
                let seconds = parser.value()?.to_string_lossy().into_owned();
                demo.seconds = Some(seconds.parse().context("--for takes a number of seconds")?);
            }
            Long("docs") if is(&command, "bless") => docs = true,
            Long("list") if is(&command, "test") => test.list = true,
            Long("only") if is(&command, "test") => test.only.push(parser.value()?.to_string_lossy().into_owned()),
            Long("envoy-versions") if is(&command, "test") => {
                test.envoy_versions = Some(parser.value()?.to_string_lossy().into_owned());
            }
            other => return Err(anyhow::Error::from(other.unexpected()).context("see cargo xtask --help")),
        }
    }
    Ok(match command.as_deref() {
        None | Some("help") => Ask::Help,
        Some("setup") => Ask::Setup,
        Some("build") => Ask::Build,
        Some("npm") => Ask::Npm,
        Some("playground") => Ask::Playground,
        Some("bench-js") => Ask::BenchJs,
        Some("demo") => Ask::Demo(demo),
        Some("test") => Ask::Test(test),
        Some("bless") => Ask::Bless { docs },
        Some("tidy") => Ask::Tidy,
        Some(other) => bail!("there is no command {other}; see cargo xtask --help"),
    })
}

#[cfg(test)]
mod tests {
    use super::{Ask, Demo, Test, read};

    fn ask(words: &[&str]) -> Option<Ask> {
        read(lexopt::Parser::from_args(words)).ok()
    }

    #[test]
    fn options_belong_to_their_command() {
        let demo = Demo {
            envoy: true,
            seconds: Some(5),
        };
        assert_eq!(ask(&["demo", "--envoy", "--for", "5"]), Some(Ask::Demo(demo)));
        let test = Test {
            only: vec!["fmt".into(), "tidy".into()],
            ..Test::default()
        };
        assert_eq!(ask(&["test", "--only", "fmt", "--only=tidy"]), Some(Ask::Test(test)));
        assert_eq!(
            ask(&["bench", "--quick", "x"]),
            Some(Ask::Bench(vec!["--quick".into(), "x".into()]))
        );
        assert_eq!(
            ask(&["score", "--packs", "pii"]),
            Some(Ask::Score(vec!["--packs".into(), "pii".into()]))
        );
        assert_eq!(ask(&["bless", "--docs"]), Some(Ask::Bless { docs: true }));
        assert_eq!(ask(&[]), Some(Ask::Help));
        assert_eq!(ask(&["tidy", "--envoy"]), None);
        assert_eq!(ask(&["demo", "--for", "soon"]), None);
        assert_eq!(ask(&["deploy"]), None);
    }
}
