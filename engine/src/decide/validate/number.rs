//! What stands around a number and says that it is a part of something else: `0.4111…`, `12-4111…`, `4111….5`.

use super::Seen;

/// A digit and a dot or hyphen stand before it, or the pattern saw such a thing behind it.
pub(super) fn is_part(seen: &Seen) -> bool {
    let front = seen.front_text();
    let joined = matches!(front.as_ref(), [.., d, b'.' | b'-'] if d.is_ascii_digit());
    joined || front.ends_with(b".") || !seen.behind.is_empty()
}

/// The decimal digits of a text as numbers.
pub(super) fn digits(text: &[u8]) -> impl DoubleEndedIterator<Item = u8> + '_ {
    text.iter().filter(|b| b.is_ascii_digit()).map(|b| b - b'0')
}

/// The first `n` digits as one number.
pub(super) fn leading(text: &[u8], n: usize) -> u32 {
    digits(text).take(n).fold(0, |v, d| v * 10 + u32::from(d))
}
