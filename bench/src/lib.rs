//! What is measured, as code that is the same natively and in wasm: the engine, and the search it is compared with.
//!
//! The baseline is a pass of `aho_corasick`'s DFA over the same bytes for the same anchors: the fastest way in general use
//! to find many literals where there are no vector instructions. It does less than the engine: it only finds, and it
//! starts afresh with each chunk, so that an anchor cut in two is lost on it. Both are favours to the baseline.
//!
//! As a wasm module this exports `alloc`, `prepare`, `engine_pass`, `anchor_pass`, `compile`, `route_pass` and `know`; the module keeps one subject.

use std::sync::Arc;

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use keepmum_engine::fingerprints::Table;
use keepmum_engine::{Body, BodyKind, Engine, Exchange, Flow, RequestFacts, Workspace};

#[cfg(target_family = "wasm")]
mod exports;

/// What opens the sets of fingerprints.
pub const KEY: &[u8] = b"a key of the benchmarks, 5b1f8c07";

/// Requests of one [`Subject::route_pass`].
pub const ROUTED: u32 = 3_000;

/// A policy with so many routes and names of fields, of the kinds that people write.
pub fn policy_of(routes: usize, fields: usize) -> String {
    let route = |i: usize| {
        let asks = match i % 4 {
            0 => format!("hosts: [h{i}.example.com], paths: [/api/**]"),
            1 => format!("hosts: ['*.t{i}.example.com'], methods: [GET]"),
            2 => format!("paths: [/api/v{i}/**, /v{i}/*/keys]"),
            _ => format!("hosts: ['*.example.com'], paths: ['/shop/{i}/**/*.json'], status: [2xx]"),
        };
        format!("  - {{name: r{i}, match: {{{asks}}}, response: {{action: mask}}}}\n")
    };
    let names: Vec<String> = (0..fields).map(|i| format!("field{i}")).collect();
    let fields = match fields {
        0 => String::new(),
        _ => format!("fields: [{{names: [{}]}}]\n", names.join(", ")),
    };
    let routes: String = (0..routes).map(route).collect();
    format!("{fields}routes:\n{routes}")
}

/// Pieces in which a proxy hands over a body.
pub const CHUNK: usize = 16 * 1024;

/// Bodies, and the two ways to go through them.
pub struct Subject {
    engine: Engine,
    anchors: AhoCorasick,
    work: Workspace,
    out: Vec<u8>,
    /// Bodies end to end.
    pub data: Vec<u8>,
    /// The length of each of them.
    pub each: usize,
    /// They are JSON.
    pub json: bool,
}

/// Findings of the last pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// By the engine, by detector and part.
    pub times: u64,
    /// Bytes that left changed or were copied.
    pub copied: u64,
}

impl Subject {
    /// The default policy, and nothing to go through yet.
    ///
    /// # Errors
    /// The catalogue does not compile, or the DFA would be too large.
    pub fn new() -> Result<Self, String> {
        let engine = Engine::new(b"{}").map_err(|e| e.to_string())?;
        let literals: Vec<&[u8]> = engine.anchors().collect();
        let builder = AhoCorasick::builder().kind(Some(AhoCorasickKind::DFA)).build(&literals);
        let anchors = builder.map_err(|e| e.to_string())?;
        Ok(Self {
            engine,
            anchors,
            work: Workspace::default(),
            out: Vec::new(),
            data: Vec::new(),
            each: 1,
            json: false,
        })
    }

    /// How many anchors both look for.
    pub fn anchors(&self) -> usize {
        self.anchors.patterns_len()
    }

    /// Takes every body through the engine, each as an exchange of its own.
    pub fn engine_pass(&mut self) -> Found {
        let mut found = Found::default();
        for whole in self.data.chunks(self.each.max(1)) {
            let mut exchange = Exchange::default();
            let mut body = Body::new(BodyKind {
                json: self.json,
                keep_length: false,
            });
            for chunk in whole.chunks(CHUNK) {
                self.out.clear();
                if body.push(&self.engine, &mut self.work, &mut exchange, chunk, &mut self.out) == Flow::Out {
                    found.copied += self.out.len() as u64;
                }
            }
            self.out.clear();
            body.finish(&self.engine, &mut self.work, &mut exchange, &mut self.out);
            found.copied += self.out.len() as u64;
            found.times += exchange.counts().map(|c| c.times()).sum::<u64>();
        }
        found
    }

    /// Looks for the anchors in every body, and returns how many stand there.
    pub fn anchor_pass(&self) -> u64 {
        let chunks = self.data.chunks(self.each.max(1)).flat_map(|whole| whole.chunks(CHUNK));
        chunks.map(|chunk| self.anchors.find_iter(chunk).count() as u64).sum()
    }

    /// Reads a policy, which takes the place of the one that was there; `false`: it is refused.
    pub fn compile(&mut self, policy: &[u8]) -> bool {
        match Engine::new(policy) {
            Ok(engine) => {
                self.engine = engine;
                true
            }
            Err(_) => false,
        }
    }

    /// Looks for the exact secrets of a set, of which the first line is the seal, from now on, and returns how many forms they have; 0: it
    /// is refused.
    pub fn know(&mut self, set: &[u8]) -> usize {
        let policy = b"known_secrets: {feed: {cluster: agent}}";
        let engine = Engine::with_environment(policy, &|_| Some(KEY.to_vec()));
        let (Ok(engine), Some(end)) = (engine, set.iter().position(|b| *b == b'\n')) else {
            return 0;
        };
        let (seal, body) = set.split_at(end);
        let seal = std::str::from_utf8(seal).unwrap_or_default();
        let Ok(table) = Table::open(KEY, body.get(1..).unwrap_or_default(), seal, None) else {
            return 0;
        };
        let forms = table.forms();
        self.engine = engine;
        self.work.know(Some(Arc::new(table)));
        forms
    }

    /// Chooses among the routes for [`ROUTED`] requests, and returns for how many there was one.
    pub fn route_pass(&self) -> u64 {
        let requests: [(&[u8], &[u8]); 3] = [
            (b"h196.example.com", b"/api/v5/things/7"),
            (b"none.example.org", b"/v198/x/keys"),
            (b"a.t197.example.com", b"/"),
        ];
        let mut taken = 0;
        for (host, path) in requests.iter().cycle().take(ROUTED as usize) {
            let facts = RequestFacts {
                host,
                path,
                method: b"GET",
                headers: &[],
                metadata: &|_, _| None,
            };
            let routed = std::hint::black_box(&self.engine).route(std::hint::black_box(&facts));
            taken += u64::from(!routed.may_be_default());
        }
        taken
    }

    /// The engine, for what else is asked of it.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }
}
