//! Bytes that nobody can guess, from the system.

/// A system that has none is one on which nothing secret can be done.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if getrandom::fill(&mut bytes).is_err() {
        std::process::abort();
    }
    bytes
}
