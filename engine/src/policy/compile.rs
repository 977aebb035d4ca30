//! Policy as written → engine. All that can fail fails here, with the field's name.

use std::collections::BTreeMap;

use crate::catalogue;
use crate::decide::validate;
use crate::decode::Decode;
use crate::detect::anchors::{Anchor, Anchors};
use crate::detect::classes::Classes;
use crate::detect::front::Fronts;
use crate::detect::program::Program;
use crate::error::PolicyError;
use crate::limits;
use crate::policy::custom;
use crate::policy::written::{Layer, Mode, Part, Policy};
use crate::{
    Engine,
    engine::{Detector, FieldRule},
};

pub(crate) fn compile(text: &[u8]) -> Result<Engine, PolicyError> {
    let engine = build(read(text)?)?;
    Ok(engine)
}

fn read(text: &[u8]) -> Result<Policy, PolicyError> {
    if text.len() > limits::POLICY_BYTES {
        return Err(PolicyError::new(
            ".",
            format!("{} bytes; {} are allowed", text.len(), limits::POLICY_BYTES),
        ));
    }
    if text.iter().all(u8::is_ascii_whitespace) {
        return Ok(Policy::default());
    }
    let mut json = serde_json::Deserializer::from_slice(text);
    let policy: Policy = serde_path_to_error::deserialize(&mut json).map_err(|e| {
        let path = Some(e.path().to_string())
            .filter(|p| p != "?")
            .unwrap_or_else(|| ".".to_owned());
        PolicyError::new(path, scrub(&e.into_inner()))
    })?;
    json.end().map_err(|e| PolicyError::new(".", scrub(&e)))?;
    if policy.version != 1 {
        return Err(PolicyError::new("version", "this module reads version 1"));
    }
    Ok(policy)
}

/// serde_json quotes the offending value in some of its texts; a value may be a secret.
fn scrub(e: &serde_json::Error) -> String {
    let text = e.to_string();
    if e.is_data() && (text.starts_with("invalid") || text.starts_with("unknown variant")) {
        let kind = text.split([' ', ':']).take(2).collect::<Vec<_>>().join(" ");
        let expected = text.rsplit_once("expected ").map(|(_, x)| format!(": expected {x}"));
        return kind + &expected.unwrap_or_else(|| format!(" (line {}, column {})", e.line(), e.column()));
    }
    text
}

fn build(policy: Policy) -> Result<Engine, PolicyError> {
    let mut detectors = Vec::new();
    for (i, pack) in policy.detectors.packs.iter().enumerate() {
        if !catalogue::PACKS.contains(&pack.as_str()) {
            let known = catalogue::PACKS.join(", ");
            return Err(PolicyError::new(
                format!("detectors.packs[{i}]"),
                format!("no such pack; there are {known}"),
            ));
        }
    }
    for (i, id) in policy.detectors.disable.iter().enumerate() {
        if !catalogue::BUILT_IN.iter().any(|d| d.id == id) {
            return Err(PolicyError::new(
                format!("detectors.disable[{i}]"),
                "no built-in detector has this id",
            ));
        }
    }
    for d in catalogue::BUILT_IN {
        let wanted = policy.detectors.packs.iter().any(|p| p == d.pack);
        if wanted && !policy.detectors.disable.iter().any(|id| id == d.id) {
            let validators: Result<Vec<_>, String> = d.validators.iter().map(|name| validate::named(name)).collect();
            let mut validators =
                validators.map_err(|why| PolicyError::new(format!("engine/detectors/{}.toml", d.id), why))?;
            // What begins at a class costs a look at every byte: only packs that are asked for by name may have it.
            let compiled = match d.pack {
                "pii" => Program::compile_unanchored(d.pattern),
                _ => Program::compile(d.pattern),
            };
            let program = compiled.map_err(|why| PolicyError::new(format!("engine/detectors/{}.toml", d.id), why))?;
            if matches!(d.pack, "secrets" | "tokens" | "generic") && !d.validators.contains(&"not-filler") {
                // Whatever the format: `ghp_xxxx…` is one, and no secret.
                validators.push(
                    validate::named("not-filler")
                        .map_err(|why| PolicyError::new(format!("engine/detectors/{}.toml", d.id), why))?,
                );
            }
            let rank = catalogue::PACKS
                .iter()
                .position(|p| *p == d.pack)
                .unwrap_or(catalogue::PACKS.len());
            let rank = u8::try_from(rank + 1).unwrap_or(u8::MAX);
            detectors.push(Detector {
                id: d.id.to_owned(),
                program,
                validators,
                terms: None,
                rank,
            });
        }
    }
    if policy.detectors.custom.len() > limits::CUSTOM_DETECTORS {
        return Err(PolicyError::new(
            "detectors.custom",
            format!("{} are allowed", limits::CUSTOM_DETECTORS),
        ));
    }
    let first_custom = detectors.len();
    for (i, c) in policy.detectors.custom.iter().enumerate() {
        detectors.push(custom::detector(i, c, &detectors)?);
    }
    let mut fields: Vec<FieldRule> = Vec::new();
    let mut names = BTreeMap::new();
    for (i, f) in policy.fields.iter().enumerate() {
        if f.names.is_empty() {
            return Err(PolicyError::new(
                format!("fields[{i}].names"),
                "expected at least one field name",
            ));
        }
        for (k, name) in f.names.iter().enumerate() {
            if name.is_empty() || name.len() > limits::FIELD_NAME_BYTES {
                let why = format!("expected 1 to {} bytes", limits::FIELD_NAME_BYTES);
                return Err(PolicyError::new(format!("fields[{i}].names[{k}]"), why));
            }
            names
                .entry(name.to_ascii_lowercase().into_bytes())
                .or_insert(u16::try_from(i).unwrap_or(u16::MAX));
        }
        fields.push(FieldRule {
            action: f.action.unwrap_or(policy.response.action),
        });
    }
    let own = detectors.get(first_custom..).unwrap_or_default();
    for (i, (c, d)) in policy.detectors.custom.iter().zip(own).enumerate() {
        let alone = |d| assemble(vec![d], Vec::new(), BTreeMap::new(), &Policy::default());
        let wrong = |(field, why)| PolicyError::new(format!("detectors.custom[{i}].{field}"), why);
        custom::examples(c, d, alone).map_err(wrong)?;
    }
    assemble(detectors, fields, names, &policy)
}

/// Puts the parts together.
fn assemble(
    detectors: Vec<Detector>,
    fields: Vec<FieldRule>,
    field_names: BTreeMap<Vec<u8>, u16>,
    policy: &Policy,
) -> Result<Engine, PolicyError> {
    let scan = &policy.response.scan;
    let undone = |layer| policy.response.decode.contains(&layer);
    let decode = Decode {
        percent: undone(Layer::Percent),
        entities: undone(Layer::Html),
        base64: undone(Layer::Base64),
        utf16: undone(Layer::Utf16),
    };
    let anchors = anchors(&detectors, decode)?;
    let number = |i: usize| u16::try_from(i).unwrap_or(u16::MAX);
    Ok(Engine {
        classes: Classes::new(
            detectors.iter().enumerate().map(|(i, d)| (number(i), &d.program)),
            decode,
        ),
        fronts: Fronts::new(detectors.iter().filter_map(|d| d.program.front)),
        numbers: detectors.iter().any(|d| d.program.can_be_number),
        detectors,
        anchors,
        fields,
        field_names,
        allow: policy.allow.iter().map(|a| a.value.clone().into_bytes()).collect(),
        decode,
        action: policy.response.action,
        enforce: policy.mode == Mode::Enforce,
        scan_headers: scan.contains(&Part::Headers),
        scan_body: scan.contains(&Part::Body),
        scan_trailers: scan.contains(&Part::Trailers),
        errors: policy.errors.clone(),
        on_encoded: policy.on_uninspectable.encoding,
        audit_log: policy.audit.log,
    })
}

fn anchors(detectors: &[Detector], decode: Decode) -> Result<Anchors, PolicyError> {
    let mut all: BTreeMap<&[u8], Anchor> = BTreeMap::new();
    for (i, d) in detectors.iter().enumerate() {
        let anchors = d.program.anchors.iter().zip(d.program.shortcuts.runs());
        for (own, (a, run)) in anchors.enumerate() {
            let anchor = all.entry(a).or_insert_with(|| Anchor {
                bytes: a.clone(),
                detectors: Vec::new(),
                at_border: true,
                run: u16::MAX,
            });
            let number = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
            anchor.detectors.push((number(i), number(own)));
            anchor.at_border &= d.program.starts_at_border && d.program.front.is_none();
            anchor.run = anchor.run.min(if d.program.front.is_none() { run } else { 0 });
        }
    }
    if all.len() >= usize::from(u16::MAX) {
        return Err(PolicyError::new("detectors", "too many anchors"));
    }
    Ok(Anchors::new(all.into_values().collect(), decode))
}
