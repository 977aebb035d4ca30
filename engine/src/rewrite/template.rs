//! Labels: a text in brackets with the detector's id in it, which the engine knows again when it meets it.

/// What stands before the digits of a tag. No colon: `[HASH:0123…` would read like a key and its value.
pub(crate) const TAG_HEAD: &[u8] = b"[HASH-";

/// Digits of a tag.
const TAG_DIGITS: usize = 16;

/// Most bytes of a template.
pub(crate) const TEMPLATE_BYTES: usize = 64;

/// The longest id.
const ID_BYTES: usize = 64;

const ID: &str = "{detector}";

/// A label's text around the id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template {
    head: std::borrow::Cow<'static, str>,
    /// `None`: the id is not in it.
    tail: Option<std::borrow::Cow<'static, str>>,
}

impl Default for Template {
    fn default() -> Template {
        Template::FIRST
    }
}

impl Template {
    pub(crate) const FIRST: Template = Template {
        head: std::borrow::Cow::Borrowed("[REDACTED:"),
        tail: Some(std::borrow::Cow::Borrowed("]")),
    };

    /// Reads one as it is written in a policy, or says what it may be.
    pub(crate) fn read(text: &str) -> Result<Template, String> {
        let (head, tail) = match text.split_once(ID) {
            Some((head, tail)) => (head, Some(tail)),
            None => (text, None),
        };
        let inner = text
            .strip_prefix('[')
            .and_then(|t| t.strip_suffix(']'))
            .map(|t| t.replacen(ID, "", 1))
            .ok_or("expected a text in square brackets, such as [REDACTED:{detector}]")?;
        if text.len() > TEMPLATE_BYTES {
            return Err(format!("it has {} bytes; {TEMPLATE_BYTES} are allowed", text.len()));
        }
        // With a dot it could be the name of a host.
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b':');
        if !inner.bytes().all(plain) {
            return Err(
                "expected letters, digits, `-`, `_` and `:` between the brackets, and {detector} once: \
                        a label stands in JSON, HTML, cookies and URLs"
                    .to_owned(),
            );
        }
        if inner.matches(':').count() > 1 || tail.is_some_and(|t| t.contains(':')) {
            return Err(
                "expected one `:` at most, before {detector}: what follows a colon reads like a value".to_owned(),
            );
        }
        if !text.bytes().any(|b| b.is_ascii_alphanumeric()) {
            return Err("expected a letter in it".to_owned());
        }
        Ok(Template {
            head: head.to_owned().into(),
            tail: tail.map(|t| t.to_owned().into()),
        })
    }

    pub(crate) fn write(&self, id: &str, out: &mut Vec<u8>) {
        out.extend_from_slice(self.head.as_bytes());
        if let Some(tail) = &self.tail {
            out.extend_from_slice(id.as_bytes());
            out.extend_from_slice(tail.as_bytes());
        }
    }

    /// The text is a label of it.
    pub(crate) fn is(&self, text: &[u8]) -> bool {
        let rest = text.strip_prefix(self.head.as_bytes());
        match &self.tail {
            None => rest == Some(b""),
            Some(tail) => rest.and_then(|r| r.strip_suffix(tail.as_bytes())).is_some_and(is_id),
        }
    }

    /// The text is what follows the colon of a label, and `front` ends in what precedes it.
    pub(crate) fn is_behind_colon(&self, front: &[u8], text: &[u8]) -> bool {
        if front.last() != Some(&b':') {
            return false;
        }
        let head = self.head.as_bytes();
        let Some(at) = head.iter().position(|b| *b == b':') else {
            return false;
        };
        let (before, after) = head.split_at(at + 1);
        let rest = text.strip_prefix(after);
        front.ends_with(before)
            && match &self.tail {
                None => rest == Some(b""),
                Some(tail) => rest.and_then(|r| r.strip_suffix(tail.as_bytes())).is_some_and(is_id),
            }
    }
}

pub(crate) fn write_tag(tag: u64, id: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(TAG_HEAD);
    out.extend_from_slice(format!("{tag:016x}:{id}]").as_bytes());
}

/// The text is a label with a tag.
pub(crate) fn is_tag(text: &[u8]) -> bool {
    let rest = text.strip_prefix(TAG_HEAD).and_then(|r| r.split_at_checked(TAG_DIGITS));
    rest.is_some_and(|(digits, rest)| is_digits(digits) && rest.strip_prefix(b":").is_some_and(is_rest))
}

/// The text is what follows the colon of such a label, or its digits.
pub(crate) fn is_in_tag(front: &[u8], text: &[u8]) -> bool {
    let digits = || {
        front
            .strip_suffix(b":")
            .and_then(|f| f.split_at_checked(f.len().checked_sub(TAG_DIGITS)?))
    };
    let behind = || is_rest(text) && digits().is_some_and(|(f, d)| f.ends_with(TAG_HEAD) && is_digits(d));
    (front.ends_with(TAG_HEAD) && text.get(..TAG_DIGITS).is_some_and(is_digits)) || behind()
}

fn is_digits(text: &[u8]) -> bool {
    text.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_rest(text: &[u8]) -> bool {
    text.strip_suffix(b"]").is_some_and(is_id)
}

pub(crate) fn is_id(id: &[u8]) -> bool {
    let kebab = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-';
    !id.is_empty() && id.len() <= ID_BYTES && id.iter().all(kebab)
}

#[cfg(test)]
mod tests {
    use super::{Template, is_in_tag, is_tag, write_tag};

    #[test]
    fn a_template_is_read_or_refused() {
        for good in [
            "[REDACTED:{detector}]",
            "[GONE]",
            "[acme-{detector}]",
            "[{detector}]",
            "[A:gone]",
        ] {
            let t = Template::read(good).unwrap_or_default();
            let mut label = Vec::new();
            t.write("fake-token", &mut label);
            assert_eq!(label, good.replace("{detector}", "fake-token").as_bytes());
            assert!(t.is(&label), "{good}");
            if let Some(at) = label.iter().position(|b| *b == b':') {
                let (front, text) = label.split_at(at + 1);
                assert!(t.is_behind_colon(front, text), "{good}");
            }
        }
        for bad in [
            "",
            "[]",
            "GONE",
            "[\"]",
            "[a b]",
            "[<b>]",
            "[a,b]",
            "[{detector}{detector}]",
            "[{detector}:x]",
            "[a:b:c]",
        ] {
            assert!(Template::read(bad).is_err(), "{bad}");
        }
        assert!(Template::read(&format!("[{}]", "a".repeat(64))).is_err());
    }

    #[test]
    fn a_tag_is_known_again() {
        let mut label = Vec::new();
        write_tag(0x12, "fake-token", &mut label);
        assert_eq!(label, b"[HASH-0000000000000012:fake-token]");
        assert!(is_tag(&label));
        assert!(is_in_tag(b"a [HASH-", b"0000000000000012"));
        assert!(is_in_tag(b"[HASH-0000000000000012:", b"fake-token]"));
        assert!(!is_in_tag(b"HASH-0000000000000012:", b"fake-token]"));
    }
}
