//! A compiled policy with its memory: a text in, a text out, and what was found in it.

use std::sync::Arc;

use keepmum_engine::fingerprints::publish::Publisher;
use keepmum_engine::fingerprints::{Secret, Stage, Table};
use keepmum_engine::{Body, BodyKind, Engine, Exchange, Finding, Flow, PolicyError, Workspace};
use serde_json::json;
use zeroize::Zeroize;

/// What the buffers may keep between two texts.
const KEPT: usize = 1 << 20;

/// Why an exact secret is not armed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// No call of [`Machine::begin`] came first, or the key is too short.
    Key,
    /// It is too short, or there are too many.
    Length,
}

/// One policy at work.
pub struct Machine {
    pub(crate) engine: Engine,
    pub(crate) work: Workspace,
    pub(crate) input: Vec<u8>,
    pub(crate) out: Vec<u8>,
    pub(crate) findings: String,
    publisher: Option<(Publisher, Vec<u8>)>,
}

impl Machine {
    /// Compiles a policy. `environment` says what is in a variable that the policy names.
    ///
    /// # Errors
    /// All that is wrong in it, as JSON: a list of `path` and `why`.
    pub fn new(policy: &[u8], environment: &dyn Fn(&str) -> Option<Vec<u8>>) -> Result<Machine, String> {
        let engine = Engine::with_environment(policy, environment).map_err(|e| mistakes(&e))?;
        Ok(Machine {
            engine,
            work: Workspace::default(),
            input: Vec::new(),
            out: Vec::new(),
            findings: String::new(),
            publisher: None,
        })
    }

    /// Room for so many bytes of input; `None`: there is no memory for them.
    pub fn input(&mut self, len: usize) -> Option<*const u8> {
        if self.input.len() < len {
            let more = len.checked_sub(self.input.len())?;
            self.input.try_reserve(more).ok()?;
            self.input.resize(len, 0);
        }
        Some(self.input.as_ptr())
    }

    /// Redacts the first bytes of the input as an exchange of its own. What was found comes back with whether the output
    /// differs; it then is [`Machine::out`].
    pub fn redact(&mut self, len: usize, content_type: Option<&[u8]>, keep_length: bool) -> Outcome {
        let mut exchange = Exchange::listing_all();
        let mut body = match content_type {
            Some(name) => Body::of_type(name, keep_length),
            None => Body::new(BodyKind {
                keep_length,
                ..BodyKind::default()
            }),
        };
        self.out.clear();
        self.out.shrink_to(KEPT);
        let (engine, work, out) = (&self.engine, &mut self.work, &mut self.out);
        let Some(text) = self.input.get(..len) else {
            return Outcome::LOST;
        };
        let flow = body.push(engine, work, &mut exchange, text, out);
        body.finish(engine, work, &mut exchange, out);
        // Behind what passes nothing is held, so that the end had nothing to say.
        let changed = flow == Flow::Out && out.as_slice() != text;
        let outcome = Outcome {
            changed,
            found: exchange.findings().len(),
            blocked: exchange.blocked().is_some(),
        };
        self.tell(exchange.findings());
        if self.input.len() > KEPT {
            self.input.truncate(KEPT);
            self.input.shrink_to(KEPT);
        }
        outcome
    }

    /// What the last text became, or the last piece of a stream.
    #[must_use]
    pub fn out(&self) -> &[u8] {
        &self.out
    }

    /// What was found in the last text, as a list in JSON: detector, action, start and end as offsets of its bytes.
    #[must_use]
    pub fn findings(&self) -> &str {
        &self.findings
    }

    pub(crate) fn tell(&mut self, findings: &[Finding]) {
        self.findings.clear();
        if findings.is_empty() {
            return;
        }
        let one = |f: &Finding| {
            let action = if self.engine.enforces() {
                f.action().name()
            } else {
                "report"
            };
            json!({"detector": f.detector(&self.engine), "action": action, "start": f.start(), "end": f.end()})
        };
        self.findings = serde_json::Value::from_iter(findings.iter().map(one)).to_string();
    }

    /// Begins a set of exact secrets under a key that nobody else needs to know.
    #[must_use]
    pub fn begin(&mut self, key: &[u8], salt: &[u8]) -> bool {
        self.publisher = Publisher::new(key, salt).ok().map(|p| (p, key.to_vec()));
        self.publisher.is_some()
    }

    /// Takes the first bytes of the input into it, and forgets them.
    ///
    /// # Errors
    /// It is not armed.
    pub fn arm(&mut self, id: &str, len: usize) -> Result<(), Refused> {
        let secret = Secret {
            id: id.to_owned(),
            version: "1".to_owned(),
            stage: Stage::Current,
        };
        let added = match (&mut self.publisher, self.input.get(..len)) {
            (Some((publisher, _)), Some(value)) => publisher.add(secret, value).map(drop).ok_or(Refused::Length),
            (None, _) => Err(Refused::Key),
            (_, None) => Err(Refused::Length),
        };
        self.input.as_mut_slice().zeroize();
        added
    }

    /// The set holds from now on, in place of the one before.
    #[must_use]
    pub fn know(&mut self) -> bool {
        let Some((publisher, mut key)) = self.publisher.take() else {
            return false;
        };
        let table = publisher.finish(1, 0).seal(&key);
        let table = table
            .ok()
            .and_then(|(body, seal)| Table::open(&key, &body, &seal, None).ok());
        key.zeroize();
        let armed = table.is_some();
        if armed {
            self.engine.arm_known();
            self.work.know(table.map(Arc::new));
        }
        armed
    }

    /// What the armed detectors are called, and what else is to be said of the policy: JSON.
    #[must_use]
    pub fn about(&self) -> String {
        let engine = &self.engine;
        json!({
            "detectors": engine.ids().collect::<Vec<_>>(),
            "enforces": engine.enforces(),
            "version": engine.version(),
        })
        .to_string()
    }
}

/// What became of a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The output differs from the input.
    pub changed: bool,
    /// How many findings there are.
    pub found: usize,
    /// The policy blocks it.
    pub blocked: bool,
}

impl Outcome {
    /// The caller says more than there is: nothing may pass.
    pub(crate) const LOST: Outcome = Outcome {
        changed: true,
        found: 0,
        blocked: true,
    };

    /// In one number: two bits, and the findings above them.
    #[must_use]
    pub fn packed(self) -> u32 {
        let found = u32::try_from(self.found).unwrap_or(u32::MAX).min(u32::MAX >> 2);
        found << 2 | u32::from(self.blocked) << 1 | u32::from(self.changed)
    }
}

fn mistakes(error: &PolicyError) -> String {
    let one = |m: &keepmum_engine::Mistake| json!({"path": m.path(), "why": m.why()});
    serde_json::Value::from_iter(error.mistakes().iter().map(one)).to_string()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{Machine, Outcome};

    fn machine(policy: &str) -> Result<Machine, String> {
        Machine::new(policy.as_bytes(), &|_| None)
    }

    fn put(machine: &mut Machine, text: &[u8]) -> usize {
        machine.input(text.len()).unwrap();
        machine.input[..text.len()].copy_from_slice(text);
        text.len()
    }

    #[test]
    fn a_text_comes_back_only_if_it_changed() {
        let mut m = machine("{}").unwrap();
        let len = put(&mut m, b"nothing to see, but a beginning: postgres://");
        assert_eq!(m.redact(len, None, false), Outcome::default());
        let len = put(&mut m, b"postgres://app:hunter2-hunter2@db/shop");
        let outcome = m.redact(len, None, false);
        assert!(outcome.changed && outcome.found == 1 && !outcome.blocked);
        assert_eq!(m.out(), b"postgres://app:[REDACTED:postgres-url-password]@db/shop");
        assert!(m.findings().contains("\"start\":15"), "{}", m.findings());
    }

    #[test]
    fn mistakes_are_told_with_their_fields() {
        let Err(told) = machine(r#"{"feilds":[],"mode":1}"#) else {
            unreachable!("it is wrong")
        };
        assert!(
            told.contains(r#""path":"feilds""#) && told.contains(r#""path":"mode""#),
            "{told}"
        );
    }

    #[test]
    fn exact_secrets_are_found_in_their_forms() {
        let mut m = machine("{}").unwrap();
        assert!(!m.know());
        assert!(m.begin(&[7; 32], &[9; 16]));
        let len = put(&mut m, b"quite/plain words+1");
        m.arm("env:A", len).unwrap();
        assert!(
            m.input.len() >= len && m.input.iter().all(|b| *b == 0),
            "it is forgotten"
        );
        assert!(m.redact(1 << 20, None, false).blocked, "there is not so much");
        assert!(m.know());
        for text in ["x quite/plain words+1 y", "?a=quite%2Fplain%20words%2B1&b"] {
            let len = put(&mut m, text.as_bytes());
            assert!(m.redact(len, None, false).changed, "{text}");
            assert!(
                m.out()
                    .windows(14)
                    .any(|w| w == b"known-secret]&" || w.starts_with(b"known-secret]"))
            );
        }
    }
}
