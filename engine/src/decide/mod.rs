//! Step three, Candidate → Verdict: is it a secret, may it stay all the same, and what is to be done with it?

pub(crate) mod confirm;
pub(crate) mod custom;
pub(crate) mod own;
pub(crate) mod validate;
pub(crate) mod whole;
