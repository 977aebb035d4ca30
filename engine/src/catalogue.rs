//! The detectors that come with the engine, as data: `detectors/*.toml`, put here by `build.rs`.

/// A detector as its file has it.
#[derive(Clone, Copy, Debug)]
pub struct BuiltIn {
    /// Kebab-case, unique.
    pub id: &'static str,
    /// For people.
    pub name: &'static str,
    /// How sure a match is: one of [`PACKS`].
    pub pack: &'static str,
    /// See `detect/program.rs`.
    pub pattern: &'static str,
    /// Names of further checks on the value: `decide/validate/`.
    pub validators: &'static [&'static str],
    /// The form of its values, by which the action `defang` takes only a part of them: see `rewrite/defang.rs`.
    pub defang: Option<&'static str>,
}

impl BuiltIn {
    /// The literals by which it is found (none: it begins at a class), or why its pattern is refused. For documentation.
    pub fn anchors(&self) -> Result<Vec<Vec<u8>>, String> {
        crate::detect::program::Program::compile_unanchored(self.pattern).map(|p| p.anchors)
    }
}

/// What a detector's file has for its tests and for documentation.
#[derive(Clone, Copy, Debug)]
pub struct Examples {
    /// The detector.
    pub id: &'static str,
    /// What was found and what an attacker gains by it.
    pub description: &'static str,
    /// The vendor's documentation.
    pub reference: &'static str,
    /// Texts in which it finds exactly one secret.
    pub matches: &'static [&'static str],
    /// Texts in which it finds none.
    pub near_misses: &'static [&'static str],
}

/// The checks that a detector's file can name, each with what it rejects (completes "the value is").
pub fn validators() -> impl Iterator<Item = (&'static str, &'static str)> {
    crate::decide::validate::ALL.iter().map(|v| (v.name, v.rejects))
}

/// What can be said of a value beyond its pattern, each with what it says (completes "the value"): checksums and structures
/// that vendors have documented. They reject nothing.
pub fn confirmations() -> impl Iterator<Item = (&'static str, &'static str)> {
    crate::decide::confirm::ALL.iter().map(|c| (c.name, c.says))
}

/// Whether a value that this detector found bears its checksum or structure; `None` where it has none.
pub fn confirm(detector: &str, value: &[u8]) -> Option<bool> {
    crate::decide::confirm::confirm(detector, value)
}

/// All detectors, by id.
pub static BUILT_IN: &[BuiltIn] = include!(concat!(env!("OUT_DIR"), "/catalogue.rs"));

/// Examples for all detectors, in the same order. Not referred to by the engine itself, so a module leaves it out.
pub static EXAMPLES: &[Examples] = include!(concat!(env!("OUT_DIR"), "/examples.rs"));

/// The packs that detectors can be in, the surest first: where two detectors find the same stretch, it goes by the surer one's
/// name.
pub const PACKS: &[&str] = &["secrets", "tokens", "generic", "pii", "error-leaks"];
