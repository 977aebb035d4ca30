//! Step two, Text → Candidate: anchors in one pass, patterns only from an anchor.

pub(crate) mod anchors;
pub(crate) mod classes;
pub(crate) mod form;
pub(crate) mod front;
mod glance;
pub(crate) mod lane;
pub(crate) mod program;
mod rarity;
pub(crate) mod shortcuts;
pub(crate) mod sieve;
pub(crate) mod track;
