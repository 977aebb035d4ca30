//! What stands before a place in a text, read as the text means it.

use super::CONTEXT;
use crate::detect::program::is_word;

/// The character before `data[i]`, read through an escape, a percent-encoding or a terminal's colour that may stand there.
pub(crate) fn byte_before(data: &[u8], i: usize, (context, context_len): &([u8; CONTEXT], usize)) -> Option<u8> {
    let back = |n: usize| {
        if n <= i {
            return data.get(i - n).copied();
        }
        let n = n - i;
        if n <= *context_len {
            context.get(CONTEXT - n).copied()
        } else {
            None
        }
    };
    let last = back(1)?;
    let hex = |n: usize| {
        back(n)
            .and_then(|b| char::from(b).to_digit(16))
            .and_then(|d| u8::try_from(d).ok())
    };
    let two = || Some(hex(2)? << 4 | hex(1)?);
    if let Some(c) = two() {
        let percent =
            back(3) == Some(b'%') || (back(5) == Some(b'%') && back(4) == Some(b'2') && back(3) == Some(b'5'));
        let x = back(3) == Some(b'x') && back(4) == Some(b'\\');
        let unicode = back(5) == Some(b'u') && back(6) == Some(b'\\');
        if unicode && let (Some(a), Some(b)) = (hex(4), hex(3)) {
            return Some(if a == 0 && b == 0 { c } else { 0x80 });
        }
        if percent || x || (back(3) == Some(b'=') && !is_word(c)) {
            return Some(c);
        }
    }
    let slash = || {
        let percent = back(4) == Some(b'%') && back(3) == Some(b'5') && matches!(back(2), Some(b'C' | b'c'));
        back(2) == Some(b'\\') || percent
    };
    if matches!(last, b'n' | b'r' | b't' | b'b' | b'f') && slash() {
        return Some(b'\n');
    }
    if last == b'm' {
        let digits = (2..10)
            .take_while(|n| back(*n).is_some_and(|b| b.is_ascii_digit() || b == b';'))
            .count();
        if back(2 + digits) == Some(b'[') {
            return Some(b'm' & 0x1f);
        }
    }
    Some(last)
}
