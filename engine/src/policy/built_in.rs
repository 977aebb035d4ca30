//! A detector of the catalogue, compiled: `custom.rs` does the same for the policy's own.

use crate::catalogue;
use crate::decide::validate;
use crate::detect::program::Program;
use crate::engine::Detector;
use crate::rewrite::Defang;

pub(super) fn detector(d: &'static catalogue::BuiltIn) -> Result<Detector, String> {
    let mut validators = Vec::new();
    for name in d.validators {
        validators.push(validate::named(name)?);
    }
    // What begins at a class costs a look at every byte: only packs that are asked for by name may have it.
    let program = match d.pack {
        "pii" => Program::compile_unanchored(d.pattern)?,
        _ => Program::compile(d.pattern)?,
    };
    if matches!(d.pack, "secrets" | "tokens" | "generic") && !d.validators.contains(&"not-filler") {
        // Whatever the format: `ghp_xxxx…` is one, and no secret.
        validators.push(validate::named("not-filler")?);
    }
    let rank = catalogue::PACKS.iter().position(|p| *p == d.pack);
    let rank = u8::try_from(rank.unwrap_or(catalogue::PACKS.len()) + 1).unwrap_or(u8::MAX);
    Ok(Detector {
        id: d.id.to_owned(),
        program,
        validators,
        terms: None,
        defang: d.defang.and_then(Defang::named),
        rank,
    })
}
