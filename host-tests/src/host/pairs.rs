//! The wire form of a list of pairs: a count, the lengths, then each key and value with a NUL after it.

use crate::exchange::Headers;

/// More pairs than this are refused, by answering with no pair at all.
pub(super) const MAX_PAIRS: usize = 1024;
/// And so is a longer blob.
pub(super) const MAX_BYTES: usize = 1024 * 1024;

/// Writes pairs out.
pub(super) fn marshal(pairs: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let bytes = pairs.iter().map(|(k, v)| k.len() + v.len() + 10).sum::<usize>();
    let mut out = Vec::with_capacity(4 + bytes);
    out.extend_from_slice(&(pairs.len() as u32).to_le_bytes());
    for (key, value) in pairs {
        out.extend_from_slice(&(key.len() as u32).to_le_bytes());
        out.extend_from_slice(&(value.len() as u32).to_le_bytes());
    }
    for (key, value) in pairs {
        out.extend_from_slice(key);
        out.push(0);
        out.extend_from_slice(value);
        out.push(0);
    }
    out
}

/// Reads pairs. `None` is what Envoy takes for an empty list and answers OK to, so that a caller that
/// replaces a header map deletes every header.
pub(super) fn unmarshal(blob: &[u8]) -> Option<Headers> {
    if blob.is_empty() {
        return Some(Vec::new());
    }
    if blob.len() > MAX_BYTES {
        return None;
    }
    let word = |at: usize| -> Option<usize> {
        let bytes = blob.get(at..at.checked_add(4)?)?;
        Some(u32::from_le_bytes(bytes.try_into().ok()?) as usize)
    };
    let count = word(0)?;
    if count > MAX_PAIRS {
        return None;
    }
    let mut at = 4 + count * 8;
    let mut take = |len: usize| -> Option<Vec<u8>> {
        let bytes = blob.get(at..at.checked_add(len)?)?;
        if *blob.get(at + len)? != 0 {
            return None;
        }
        at += len + 1;
        Some(bytes.to_vec())
    };
    let mut pairs = Vec::with_capacity(count);
    for i in 0..count {
        let key = take(word(4 + i * 8)?)?;
        let value = take(word(8 + i * 8)?)?;
        pairs.push((key, value));
    }
    Some(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let pairs = vec![(b"a".to_vec(), b"".to_vec()), (b"".to_vec(), b"\xff\0x".to_vec())];
        assert_eq!(unmarshal(&marshal(&pairs)), Some(pairs));
    }

    #[test]
    fn a_blob_that_is_cut_is_no_list() {
        let blob = marshal(&[(b"key".to_vec(), b"value".to_vec())]);
        for cut in 1..blob.len() {
            assert_eq!(unmarshal(&blob[..cut]), None, "cut at {cut}");
        }
    }
}
