//! What an engine did, step by step, for `keepmum explain`.
//!
//! Only with the feature `explain`: without it a trace is a type without a byte, and noting a step is no code at all. Not a
//! logger: a module must not carry it, and nothing here holds a value, only offsets.

#![cfg_attr(not(feature = "explain"), allow(dead_code))]

use crate::Engine;

/// One thing that happened to one detector at one place. Offsets point into the INPUT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    pub(crate) detector: u16,
    /// Where its anchor stands.
    pub start: u64,
    /// What came of it.
    pub what: What,
}

/// What came of a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// One of the detector's anchors stands here. `fits`: what is around it may be a match, as far as a glance tells.
    Anchor {
        /// See there.
        fits: bool,
    },
    /// The pattern matched.
    Matched {
        /// The part that would have to go.
        secret: (u64, u64),
        /// What was thought of it.
        verdict: Verdict,
    },
}

/// What is thought of a match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is a secret.
    Secret,
    /// It is no text at all.
    Empty,
    /// The engine itself put it there.
    OwnLabel,
    /// The validator with this name rejects it.
    Rejected(&'static str),
    /// The policy's `allow` has it.
    Allowed,
}

impl Step {
    /// The detector's id.
    pub fn detector<'e>(&self, engine: &'e Engine) -> &'e str {
        engine.detectors.get(usize::from(self.detector)).map_or("", |d| &d.id)
    }
}

#[cfg(feature = "explain")]
impl Step {
    fn moved(&mut self, begin: &impl Fn(u64) -> u64, end: &impl Fn(u64) -> u64) {
        self.start = begin(self.start);
        if let What::Matched { secret, .. } = &mut self.what {
            *secret = (begin(secret.0), end(secret.1));
        }
    }
}

/// The steps of one exchange, if somebody wants to know them.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Trace {
    #[cfg(feature = "explain")]
    pub(crate) steps: Option<Vec<Step>>,
}

#[cfg_attr(not(feature = "explain"), allow(unused_variables))]
impl Trace {
    #[inline]
    pub(crate) fn note(&mut self, step: impl FnOnce() -> Step) {
        #[cfg(feature = "explain")]
        if let Some(steps) = &mut self.steps {
            steps.push(step());
        }
    }

    /// An empty one, for a text inside this one's.
    #[inline]
    pub(crate) fn inside(&self) -> Trace {
        Trace {
            #[cfg(feature = "explain")]
            steps: self.steps.as_ref().map(|_| Vec::new()),
        }
    }

    /// How many steps there are.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        #[cfg(feature = "explain")]
        return self.steps.as_ref().map_or(0, Vec::len);
        #[cfg(not(feature = "explain"))]
        0
    }

    /// Puts steps from the one with this number on where they stand in the input.
    #[inline]
    pub(crate) fn move_from(&mut self, from: usize, place: impl Fn(u64) -> u64) {
        #[cfg(feature = "explain")]
        for step in self.steps.iter_mut().flatten().skip(from) {
            step.moved(&place, &place);
        }
    }

    /// Takes over the steps in a text inside this one's: where a stretch begins out here, and where it ends.
    #[inline]
    pub(crate) fn absorb(&mut self, inside: &mut Trace, begin: impl Fn(u64) -> u64, end: impl Fn(u64) -> u64) {
        #[cfg(feature = "explain")]
        if let (Some(steps), Some(inner)) = (&mut self.steps, &mut inside.steps) {
            steps.extend(inner.drain(..).map(|mut step| {
                step.moved(&begin, &end);
                step
            }));
        }
    }
}
