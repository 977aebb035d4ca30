//! Where a form ends that an encoder made longer.
//!
//! Its length in bytes would tell how many signs of each kind the value holds; so the set tells how many characters it has, which is
//! the same for all forms, and the end is found by counting those.

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Walk {
    /// Bytes.
    Bytes,
    /// Bytes, three of which may be one: `%2F`.
    Percent,
    /// Units of UTF-16, some of which a backslash begins: `\\`, `\u00e4`.
    Json,
    /// Characters, some of which an ampersand begins: `&lt;`, `&#39;`.
    Html,
}

/// The longest reference that is one character, and the most bytes that count as one.
const REFERENCE: usize = 8;

impl Walk {
    pub(crate) fn of_number(number: u8) -> Option<Walk> {
        [Walk::Bytes, Walk::Percent, Walk::Json, Walk::Html]
            .get(usize::from(number))
            .copied()
    }

    #[cfg(feature = "publish")]
    pub(crate) fn number(self) -> u8 {
        self as u8
    }

    /// How long a form is of which so many are counted, at the beginning of a text. `None`: longer than the text.
    pub(crate) fn bytes(self, text: &[u8], count: usize) -> Option<usize> {
        let (mut at, mut counted) = (0, 0);
        if self == Walk::Bytes {
            return (count <= text.len()).then_some(count);
        }
        while counted < count {
            let rest = text.get(at..)?;
            let (bytes, units) = self.one(rest)?;
            (at, counted) = (at + bytes, counted + units);
        }
        (at <= text.len()).then_some(at)
    }

    /// The most bytes that so many can take.
    pub(crate) fn most(self, count: usize) -> usize {
        if self == Walk::Bytes { count } else { count * REFERENCE }
    }

    /// Every place at which a form can begin of which so many stand before the end of a text; told from the nearest on.
    pub(crate) fn starts(self, text: &[u8], count: usize, mut told: impl FnMut(usize) -> bool) -> bool {
        let Some(nearest) = text.len().checked_sub(count) else {
            return true;
        };
        let first = text.len().saturating_sub(self.most(count));
        let lead = |b: &u8| matches!(b, b'%' | b'\\' | b'&' | 0x80..);
        if self == Walk::Bytes || !text.get(first..).unwrap_or_default().iter().any(lead) {
            return told(nearest);
        }
        let begins = |at: &usize| text.get(*at..).is_some_and(|t| self.bytes(t, count) == Some(t.len()));
        (first..=nearest).rev().filter(begins).all(&mut told)
    }

    /// How many are counted in a form.
    #[cfg(feature = "publish")]
    pub(crate) fn count(self, form: &[u8]) -> usize {
        let (mut at, mut counted) = (0, 0);
        if self == Walk::Bytes {
            return form.len();
        }
        while let Some((bytes, units)) = form.get(at..).and_then(|rest| self.one(rest)) {
            (at, counted) = (at + bytes, counted + units);
        }
        counted
    }

    /// The bytes of the next one, and how many it counts as.
    fn one(self, text: &[u8]) -> Option<(usize, usize)> {
        let first = *text.first()?;
        Some(match (self, first) {
            (Walk::Percent, b'%') => (3, 1),
            (Walk::Json, b'\\') if text.get(1) == Some(&b'u') => (6, 1),
            (Walk::Json, b'\\') => (2, 1),
            (Walk::Html, b'&') => {
                let end = text.iter().take(REFERENCE).position(|b| *b == b';');
                // Whether it is one is not known before its end is there.
                match end {
                    Some(end) => (end + 1, 1),
                    None if text.len() < REFERENCE => return None,
                    None => (1, 1),
                }
            }
            (Walk::Bytes | Walk::Percent, _) => (1, 1),
            (Walk::Json, 0xf0..) => (4, 2),
            (_, 0xf0..) => (4, 1),
            (_, 0xe0..) => (3, 1),
            (_, 0xc0..) => (2, 1),
            _ => (1, 1),
        })
    }
}

#[cfg(all(test, feature = "publish"))]
mod tests {
    use super::Walk;

    #[test]
    fn forms_end_where_their_characters_do() {
        let cases = [
            (Walk::Bytes, "abc", 3),
            (Walk::Percent, "a%2fb%C3%A4", 5),
            (Walk::Json, r#"a\\b\"\u00e4\/ä😀\ud83d\ude00"#, 11),
            (Walk::Html, "a&lt;&#39;&#x2F;ä😀", 6),
        ];
        for (walk, form, count) in cases {
            assert_eq!(walk.count(form.as_bytes()), count, "{form}");
            let behind = [form.as_bytes(), b"% behind"].concat();
            assert_eq!(walk.bytes(&behind, count), Some(form.len()), "{form}");
            for cut in 0..form.len() {
                assert_eq!(walk.bytes(&behind[..cut], count), None, "{form} {cut}");
            }
        }
    }
}
