//! The corpus: texts with secrets, and texts without, made from `engine/testdata` and from the detectors' own files.
//!
//! Made at run time, so that thousands of texts follow the catalogue as it grows, and none of them stands in a file.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use keepmum_engine::catalogue::{self, BuiltIn, Examples};
use serde::Deserialize;

use crate::draw::Pattern;
use crate::scan;
use crate::seeded::Seeded;
use crate::template::{Made, Value, make};

/// A text and what is known of it.
#[derive(Clone, Debug)]
pub struct Text {
    /// The family or detector, the context, a number.
    pub name: String,
    /// For positives: the pack that must find it.
    pub pack: String,
    /// The detector it was made for: that one must find it, or (in a negative) must not.
    pub detector: Option<String>,
    /// For negatives: the packs that must leave it alone.
    pub packs: Vec<String>,
    /// The encoding that must be read for it.
    pub layer: Option<String>,
    /// The text, and what must go.
    pub made: Made,
    /// It is enough that something of what must go is changed.
    pub touch: bool,
}

/// All texts.
#[derive(Clone, Debug, Default)]
pub struct Corpus {
    /// With secrets.
    pub positives: Vec<Text>,
    /// Without.
    pub negatives: Vec<Text>,
    /// Examples in which it is not known where the secret stands: they are left out.
    pub unplaced: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Contexts {
    context: Vec<Context>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Context {
    name: String,
    of: Of,
    #[serde(default)]
    one_line: bool,
    layer: Option<String>,
    text: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Of {
    Value,
    Text,
    Both,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    family: Vec<Family>,
    #[serde(default)]
    format: Vec<Format>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Family {
    name: String,
    #[serde(default)]
    pack: String,
    #[serde(default = "all_but_pii")]
    packs: Vec<String>,
    times: usize,
    #[serde(default)]
    touch: bool,
    texts: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Format {
    pack: String,
    shapes: Vec<String>,
}

fn all_but_pii() -> Vec<String> {
    let all = catalogue::PACKS.iter().filter(|p| **p != "pii");
    all.map(|p| (*p).to_owned()).collect()
}

/// Texts made of each shape of a format, and of each detector, each in a context of its own.
const PER_SHAPE: usize = 3;
const PER_DETECTOR: usize = 8;

/// Where the data is.
pub fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../engine/testdata")
}

impl Corpus {
    /// Makes it from a folder such as `engine/testdata`, and from the catalogue.
    ///
    /// # Errors
    /// A file is missing or not of its form: which, and why.
    pub fn load(folder: &Path) -> Result<Corpus> {
        let contexts: Contexts = read(&folder.join("contexts.toml"))?;
        let mut corpus = Corpus::default();
        for (place, positive) in [("positives", true), ("negatives", false)] {
            for path in files(&folder.join(place))? {
                let file: File = read(&path)?;
                let name = path.display().to_string();
                corpus.families(&file.family, positive).with_context(|| name.clone())?;
                corpus.formats(&file.format, &contexts.context).context(name)?;
            }
        }
        for (d, x) in catalogue::BUILT_IN.iter().zip(catalogue::EXAMPLES) {
            corpus.detector(d, x, &contexts.context).context(d.id)?;
        }
        Ok(corpus)
    }

    fn families(&mut self, families: &[Family], positive: bool) -> Result<()> {
        for f in families {
            ensure!(
                positive == catalogue::PACKS.contains(&f.pack.as_str()),
                "{}: a family of positives names its pack, one of negatives does not",
                f.name
            );
            for (i, template) in f.texts.iter().enumerate() {
                for n in 0..f.times {
                    let name = format!("{}/{i}/{n}", f.name);
                    let made = make(template, None, &mut Seeded::of(&name, n)).with_context(|| name.clone())?;
                    ensure!(
                        positive != made.spans.is_empty(),
                        "{name}: what must go is marked in positives only"
                    );
                    let all = if positive {
                        &mut self.positives
                    } else {
                        &mut self.negatives
                    };
                    all.push(Text {
                        name,
                        pack: f.pack.clone(),
                        detector: None,
                        packs: if positive { Vec::new() } else { f.packs.clone() },
                        layer: None,
                        made,
                        touch: f.touch,
                    });
                }
            }
        }
        Ok(())
    }

    fn formats(&mut self, formats: &[Format], contexts: &[Context]) -> Result<()> {
        for (f, format) in formats.iter().enumerate() {
            for (i, shape) in format.shapes.iter().enumerate() {
                for n in 0..PER_SHAPE {
                    let name = format!("format/{}/{f}/{i}/{n}", format.pack);
                    let mut seed = Seeded::of(&name, n);
                    let value = make(&format!("{{{{!{shape}}}}}"), None, &mut seed).with_context(|| shape.clone())?;
                    let value = value.text;
                    let context = pick(contexts, Of::Value, &value, i * PER_SHAPE + n)?;
                    let whole = Value {
                        text: &value,
                        secret: &value,
                    };
                    self.put(&name, &format.pack, None, context, whole, &mut seed)?;
                }
            }
        }
        Ok(())
    }

    /// A detector's examples and values drawn from its pattern, in contexts; its near misses, and values that just miss.
    fn detector(&mut self, d: &BuiltIn, x: &Examples, contexts: &[Context]) -> Result<()> {
        let pattern = Pattern::new(d.pattern)?;
        let turn = d.id.bytes().map(usize::from).sum::<usize>();
        for n in 0..PER_DETECTOR {
            let name = format!("{}/{n}", d.id);
            let mut seed = Seeded::of(&name, n);
            // A check on the value rejects most of what is drawn from a pattern.
            let drawn = n % 2 == 1 && d.pack != "generic" && d.validators.iter().all(|v| *v == "not-placeholder");
            let text = match x.matches.get(n / 2 % x.matches.len().max(1)) {
                Some(example) if !drawn => (*example).to_owned(),
                _ => pattern.draw(&mut seed)?,
            };
            // The longest match says where a generic secret stands, and an ordinary regex takes the first.
            let secret = if d.pack == "generic" {
                found_in(d, &text)?
            } else {
                secret_of(&pattern, &text)
            };
            let Some(secret) = secret else {
                self.unplaced.push(name);
                continue;
            };
            let secret = secret.as_str();
            let alone = pattern.knows_alone(secret);
            let (of, text) = if alone && drawn {
                (Of::Value, secret)
            } else {
                (Of::Text, text.as_str())
            };
            let context = pick(contexts, of, text, turn + n * 7)?;
            self.put(&name, d.pack, Some(d.id), context, Value { text, secret }, &mut seed)?;
        }
        for (n, text) in x.near_misses.iter().enumerate() {
            self.near_miss(d, &format!("near/{n}"), text, contexts, turn + n)?;
        }
        Ok(())
    }

    fn near_miss(&mut self, d: &BuiltIn, what: &str, text: &str, contexts: &[Context], turn: usize) -> Result<()> {
        for n in 0..2 {
            let name = format!("{}/{what}/{n}", d.id);
            // Encodings of which a near miss may become a match are left out: they bring borders of their own.
            let plain: Vec<Context> = contexts.iter().filter(|c| c.layer.is_none()).cloned().collect();
            let context = pick(&plain, Of::Text, text, turn + n * 5)?;
            let mut seed = Seeded::of(&name, n);
            let mut made = make(&context.text, Some(Value { text, secret: text }), &mut seed)?;
            (made.spans, made.plain) = (Vec::new(), Vec::new());
            self.negatives.push(Text {
                name: format!("{name}/{}", context.name),
                pack: String::new(),
                detector: Some(d.id.to_owned()),
                packs: vec![d.pack.to_owned()],
                layer: None,
                made,
                touch: false,
            });
        }
        Ok(())
    }

    fn put(
        &mut self,
        name: &str,
        pack: &str,
        detector: Option<&str>,
        context: &Context,
        value: Value,
        seed: &mut Seeded,
    ) -> Result<()> {
        let made = make(&context.text, Some(value), seed).with_context(|| context.name.clone())?;
        self.positives.push(Text {
            name: format!("{name}/{}", context.name),
            pack: pack.to_owned(),
            detector: detector.map(str::to_owned),
            packs: Vec::new(),
            layer: context.layer.clone(),
            made,
            // How much of a line goes with what it tells is the detector's matter.
            touch: pack == "error-leaks",
        });
        Ok(())
    }
}

/// What the engine itself finds in an example.
fn found_in(d: &BuiltIn, text: &str) -> Result<Option<String>> {
    let engine = scan::engine(&[d.pack], "")?;
    let found = scan::scan(&engine, scan::kind(text.as_bytes()), [text.as_bytes()]).found;
    let own = found.iter().find(|f| f.0 == d.id);
    Ok(own.and_then(|f| text.get(f.1..f.2)).map(str::to_owned))
}

/// Where the secret of an example stands, whose escapes may have to be undone for the pattern to find it.
fn secret_of(pattern: &Pattern, text: &str) -> Option<String> {
    let mut plain = text.to_owned();
    for _ in 0..3 {
        if let Some((from, to)) = pattern.secret_in(&plain) {
            let secret = plain.get(from..to)?;
            return text.contains(secret).then(|| secret.to_owned());
        }
        plain = undo_escapes(&plain);
    }
    None
}

fn undo_escapes(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match (c, rest.clone().next()) {
            ('\\', Some('u')) => {
                let hex: String = rest.clone().skip(1).take(4).collect();
                let code = u32::from_str_radix(&hex, 16).ok().and_then(char::from_u32);
                out.push(code.unwrap_or('u'));
                rest.nth(if code.is_some() { 4 } else { 0 });
            }
            ('\\', Some(next)) => {
                rest.next();
                out.push(if next == 'n' { '\n' } else { next });
            }
            _ => out.push(c),
        }
    }
    out
}

/// The contexts that can hold this value, in turn.
fn pick<'c>(contexts: &'c [Context], of: Of, value: &str, turn: usize) -> Result<&'c Context> {
    let fits: Vec<&Context> = contexts
        .iter()
        .filter(|c| c.of == of || c.of == Of::Both)
        .filter(|c| !(c.one_line && value.contains(['\n', '\r'])))
        .collect();
    let Some(one) = fits.get(turn % fits.len().max(1)) else {
        bail!("no context holds this value");
    };
    Ok(one)
}

fn read<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    toml::from_str(&text).with_context(|| path.display().to_string())
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        all.push(entry?.path());
    }
    all.retain(|p| p.extension().is_some_and(|e| e == "toml"));
    all.sort();
    Ok(all)
}
