//! From the command line to replayed exchanges: the module, a policy, the captures.
//!
//! The module itself runs, in a host that behaves as Envoy does. What the proxy would do with headers, trailers, errors and routes
//! is written down in the module, and a second description of it here would be one that nobody deploys.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow, bail};
use keepmum_engine::{Engine, RequestFacts, ResponseFacts};
use keepmum_host_tests::capture;
use keepmum_host_tests::exchange::Exchange;
use keepmum_host_tests::host::{Module, Options};
use keepmum_host_tests::replay::Replayer;
use keepmum_host_tests::report::{Case, Outcome};
use sha2::{Digest as _, Sha256};

use crate::args::Harness;
use crate::policy::{environment, metadata_of};
use crate::replay::pointers;

/// The module's name where it lies beside the program.
const MODULE: &str = "keepmum_plugin.wasm";

/// The module, and how it is run.
pub struct Stage {
    module: Module,
    /// Its file's name.
    pub name: String,
    /// Its SHA-256, in hex.
    pub digest: String,
    options: Options,
    metadata: BTreeMap<(String, String), Vec<u8>>,
}

/// A policy that the engine takes.
pub struct Policy {
    text: Vec<u8>,
    engine: Arc<Engine>,
    /// The variables that it asks for.
    variables: Vec<(String, String)>,
}

/// What came of all exchanges.
#[derive(Default)]
pub struct Replayed {
    pub cases: Vec<Case>,
    /// The route that each was on.
    pub routes: Vec<String>,
    /// Where each of its findings stood in a JSON body.
    pub pointers: Vec<Vec<Option<String>>>,
}

impl Policy {
    /// Reads one; what is wrong with it is told in the words of `keepmum check`.
    pub fn read(file: Option<&Path>) -> Result<Policy> {
        let Some(file) = file else {
            return Policy::of(Vec::new(), "the default policy");
        };
        let text = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        Policy::of(text, &file.display().to_string())
    }

    fn of(text: Vec<u8>, name: &str) -> Result<Policy> {
        let asked = RefCell::new(BTreeMap::new());
        let variable = |name: &str| {
            let value = environment(name)?;
            let text = String::from_utf8_lossy(&value).into_owned();
            asked.borrow_mut().insert(name.to_owned(), text);
            Some(value)
        };
        let engine = Engine::with_environment(&text, &variable).map_err(|e| anyhow!("{name}: {e}"))?;
        Ok(Policy {
            text,
            engine: Arc::new(engine),
            variables: asked.into_inner().into_iter().collect(),
        })
    }
}

impl Stage {
    /// Loads the module.
    pub fn of(harness: &Harness) -> Result<Stage> {
        let file = module(harness)?;
        let wasm = std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let module = Module::from_bytes(&wasm).with_context(|| file.display().to_string())?;
        let mut options = Options {
            http2: harness.http2,
            ..Options::default()
        };
        let mut metadata = BTreeMap::new();
        for written in &harness.metadata {
            let (namespace, key, value) = metadata_of(written)?;
            let property = format!("xds.route_metadata.filter_metadata.{namespace}.{key}");
            options.properties.insert(property, value.clone());
            metadata.insert((namespace, key), value);
        }
        Ok(Stage {
            module,
            name: file.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            digest: Sha256::digest(&wasm).iter().map(|byte| format!("{byte:02x}")).collect(),
            options,
            metadata,
        })
    }

    /// Replays all of them. `own`: an exchange's own policy goes before this one.
    pub fn replay(&self, policy: &Policy, exchanges: Vec<Exchange>, own: bool) -> Result<Replayed> {
        let mut options = self.options.clone();
        options.configuration = policy.text.clone();
        options.environment = policy.variables.clone();
        let mut replayer = Replayer::new(&self.module, options);
        let mut replayed = Replayed::default();
        for mut exchange in exchanges {
            if !own {
                exchange.policy = None;
            }
            let outcome = if exchange.response.headers.is_empty() {
                Outcome::NotReplayed("the capture holds no response".to_owned())
            } else {
                let replay = replayer.replay(&exchange).with_context(|| exchange.name.clone())?;
                Outcome::Replayed(Box::new(replay))
            };
            let engine = match &exchange.policy {
                Some(own) => Policy::of(serde_json::to_vec(own)?, &exchange.name)?.engine,
                None => policy.engine.clone(),
            };
            let findings = match &outcome {
                Outcome::Replayed(replay) => replay.findings.as_slice(),
                Outcome::NotReplayed(_) => &[],
            };
            replayed.pointers.push(pointers::of(&engine, &exchange, findings));
            replayed.routes.push(self.route(&engine, &exchange));
            replayed.cases.push(Case { exchange, outcome });
        }
        Ok(replayed)
    }

    fn route(&self, engine: &Engine, exchange: &Exchange) -> String {
        let (request, response) = (&exchange.request, &exchange.response);
        let first = |name| request.header(name).unwrap_or_default();
        let facts = RequestFacts {
            host: first(":authority"),
            path: first(":path"),
            method: first(":method"),
            headers: &request.headers,
            metadata: &|namespace, key| self.metadata.get(&(namespace.to_owned(), key.to_owned())).cloned(),
        };
        let status = response.header(":status").and_then(|s| std::str::from_utf8(s).ok());
        let answer = ResponseFacts {
            status: status.and_then(|s| s.parse().ok()).unwrap_or(0),
            content_type: response.header("content-type").unwrap_or_default(),
        };
        let routed = engine.route(&facts);
        let settled = routed.settle(engine, &answer);
        settled.map_or(engine.name(), |e| e.name()).to_owned()
    }
}

impl Replayed {
    /// Each with its route.
    pub fn iter(&self) -> impl Iterator<Item = (&Case, &str)> {
        self.cases.iter().zip(self.routes.iter().map(String::as_str))
    }
}

/// How often something was counted in an exchange (`findings`).
pub fn counted(case: &Case, what: &str) -> i64 {
    case.replay().map_or(0, |replay| replay.counted(what))
}

/// Whether something was done with the whole message (`denied`), and not only counted as what `enforce` would do.
pub fn happened(case: &Case, what: &str) -> bool {
    case.replay()
        .is_some_and(|replay| replay.counted(what) > 0 && !replay.only_reports())
}

/// Reads every capture; names come out unique.
pub fn captures(paths: &[PathBuf]) -> Result<Vec<Exchange>> {
    let mut all = Vec::new();
    for path in paths {
        all.extend(capture::read(path)?);
    }
    capture::make_unique(&mut all);
    Ok(all)
}

fn module(harness: &Harness) -> Result<PathBuf> {
    let named = harness.wasm.clone();
    if let Some(file) = named.or_else(|| std::env::var_os("KEEPMUM_WASM").map(PathBuf::from)) {
        return Ok(file);
    }
    let beside = std::env::current_exe()?.with_file_name(MODULE);
    if !beside.exists() {
        bail!(
            "which module? Give --wasm FILE, set KEEPMUM_WASM, or put {MODULE} beside this program (`cargo xtask build` makes it)"
        );
    }
    Ok(beside)
}
