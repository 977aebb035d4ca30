//! `not-documented`: the keys in AWS's own documents, which end in `EXAMPLE` or `EXAMPLEKEY` and stand in every copy of them.
//!
//! Only at the end, and in capitals: a key with the word somewhere in it may be one that somebody changed a little.

pub(super) fn accepts(value: &[u8]) -> bool {
    let value = value.strip_suffix(b"KEY").unwrap_or(value);
    !value.ends_with(b"EXAMPLE")
}

#[cfg(test)]
mod tests {
    use super::accepts;

    #[test]
    fn documents_say_so_at_the_end() {
        for (value, is) in [
            ("AKIAFAKE0123FAKE4567", true),
            ("AKIAEXAMPLE0123FAKE4", true),
            ("AKIAFAKE0123FEXAMPLE", false),
            ("FAKEfake0123/FAKEfake/FAKEfake4EXAMPLEKEY", false),
        ] {
            assert_eq!(accepts(value.as_bytes()), is, "{value}");
        }
    }
}
