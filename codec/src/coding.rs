//! The names of codings (RFC 9110 section 8.4.1), and what a list of them says.

use alloc::vec::Vec;

/// A coding that can be undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// RFC 1952, also called `x-gzip`.
    Gzip,
    /// RFC 1950, or RFC 1951 without its wrapper.
    Deflate,
    /// RFC 7932.
    #[cfg(feature = "brotli")]
    Brotli,
    /// RFC 8878.
    #[cfg(feature = "zstd")]
    Zstd,
}

/// A coding that cannot be undone, or too many of them on top of each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unknown;

/// Codings on top of each other: more are nobody's intention.
const DEEPEST: usize = 3;

impl Coding {
    fn named(name: &[u8]) -> Result<Coding, Unknown> {
        let is = |other: &str| name.eq_ignore_ascii_case(other.as_bytes());
        match () {
            () if is("gzip") || is("x-gzip") => Ok(Coding::Gzip),
            () if is("deflate") => Ok(Coding::Deflate),
            #[cfg(feature = "brotli")]
            () if is("br") => Ok(Coding::Brotli),
            #[cfg(feature = "zstd")]
            () if is("zstd") => Ok(Coding::Zstd),
            () => Err(Unknown),
        }
    }
}

/// The codings that values of `content-encoding` name, in the order in which they were applied. None: the body is plain.
pub fn codings<'v>(values: impl Iterator<Item = &'v [u8]>) -> Result<Vec<Coding>, Unknown> {
    let mut list = Vec::new();
    for name in values.flat_map(|v| v.split(|b| *b == b',')) {
        let name = name.trim_ascii();
        if name.is_empty() || name.eq_ignore_ascii_case(b"identity") {
            continue;
        }
        list.push(Coding::named(name)?);
        if list.len() > DEEPEST {
            return Err(Unknown);
        }
    }
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        let of = |values: &[&str]| codings(values.iter().map(|v| v.as_bytes()));
        assert_eq!(of(&[]), Ok(vec![]));
        assert_eq!(of(&["identity", " ,, "]), Ok(vec![]));
        assert_eq!(of(&["GZip, identity", "x-gzip"]), Ok(vec![Coding::Gzip, Coding::Gzip]));
        assert_eq!(of(&["deflate"]), Ok(vec![Coding::Deflate]));
        #[cfg(all(feature = "brotli", feature = "zstd"))]
        assert_eq!(of(&["br,zstd"]), Ok(vec![Coding::Brotli, Coding::Zstd]));
        for unknown in ["compress", "aes128gcm", "gzip;q=1", "dcb", "gzip,gzip,gzip,gzip"] {
            assert_eq!(of(&[unknown]), Err(Unknown), "{unknown}");
        }
    }
}
