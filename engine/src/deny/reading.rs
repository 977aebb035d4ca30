//! What a server may make of a path: as RFC 3986 reads it, and as less careful ones do.
//!
//! Tomcat drops `;parameters` before it resolves `..`; IIS takes `\` for `/`, and Windows drops dots and blanks at the end of
//! a name and `::$DATA`; some decode twice, or stop at a NUL. All of that together is one more reading, once for each time
//! that something can be decoded, three times at most.

use crate::policy::glob::path_of;

/// Decoding more than three times is nobody's mistake.
const DECODED: usize = 3;

/// The first answer that one of the readings gets. Each is in lower case and has no query.
pub(super) fn all<T>(target: &[u8], mut ask: impl FnMut(&[u8]) -> Option<T>) -> Option<T> {
    let strict = path_of(target);
    let answer = if strict.iter().any(u8::is_ascii_uppercase) {
        ask(&strict.to_ascii_lowercase())
    } else {
        ask(&strict)
    };
    if answer.is_some() || is_plain(&strict) {
        return answer;
    }
    let end = target
        .iter()
        .position(|b| matches!(b, b'?' | b'#'))
        .unwrap_or(target.len());
    let mut path = target.get(..end).unwrap_or_default().to_ascii_lowercase();
    for _ in 0..DECODED {
        let (decoded, changed) = decode(&path);
        if let Some(answer) = ask(&lax(&decoded)) {
            return Some(answer);
        }
        if !changed {
            break;
        }
        path = decoded;
    }
    None
}

/// Nobody reads this one otherwise.
fn is_plain(path: &[u8]) -> bool {
    let odd = |b: &u8| matches!(b, b'%' | b';' | b'\\' | b':' | 0..=b' ' | 0x7f);
    let dot_before = |w: &[u8]| matches!(w, b"./");
    !path.iter().any(odd) && !path.windows(2).any(dot_before) && !path.ends_with(b".") && !path.ends_with(b"/")
}

/// Percent-encoding undone once, wherever it stands.
fn decode(path: &[u8]) -> (Vec<u8>, bool) {
    let hex = |at: usize| {
        let digit = path.get(at).and_then(|b| char::from(*b).to_digit(16));
        digit.and_then(|d| u8::try_from(d).ok())
    };
    let mut out = Vec::with_capacity(path.len());
    let mut i = 0;
    while let Some(b) = path.get(i) {
        if *b == b'%'
            && let (Some(high), Some(low)) = (hex(i + 1), hex(i + 2))
        {
            out.push((high << 4 | low).to_ascii_lowercase());
            i += 3;
        } else {
            out.push(*b);
            i += 1;
        }
    }
    let changed = out.len() != path.len();
    (out, changed)
}

/// Parameters, odd ends of names, and steps upwards taken out of a decoded path.
fn lax(path: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(path.len() + 1);
    for segment in path.split(|b| matches!(b, b'/' | b'\\')) {
        let end = segment.iter().position(|b| matches!(b, b';' | b'?' | b'#' | 0));
        let segment = segment.get(..end.unwrap_or(segment.len())).unwrap_or_default();
        let stream = segment.windows(3).position(|w| w == b"::$");
        let segment = segment.get(..stream.unwrap_or(segment.len())).unwrap_or_default();
        if segment == b".." {
            out.truncate(out.iter().rposition(|b| *b == b'/').unwrap_or(0));
            continue;
        }
        let kept = segment.iter().rposition(|b| !matches!(b, b'.' | 0..=b' ' | 0x7f));
        if let Some(kept) = kept {
            out.push(b'/');
            out.extend_from_slice(segment.get(..=kept).unwrap_or_default());
        }
    }
    if out.is_empty() {
        out.push(b'/');
    }
    out
}
