//! Plants: fake secrets, kept in parts in `plants.json`, for which captures on disk hold only placeholders.
//!
//! A placeholder is `{{plant:NAME}}`; `{{plant:NAME:12:40}}` is a piece of it, where a chunk boundary cuts the
//! secret; `{{plant:NAME|FORM}}` is the secret as some encoder writes it, and a piece counts in bytes of that form.
//! So a repository with captures trips no scanner, and what is replayed is what the wire held. `record/plants.py`
//! is the other direction. Not a template engine: there is nothing else to substitute.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};

use super::json::{self, At};
use crate::exchange::{Exchange, Message, Planted};

/// The table's file name.
pub(super) const TABLE: &str = "plants.json";
const OPEN: &[u8] = b"{{plant:";
const CLOSE: &[u8] = b"}}";

/// How an encoder wrote a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Plain,
    /// A JSON string's inside: quotes, backslashes and control characters escaped.
    Json,
    /// The same as PHP writes it: slashes escaped too.
    JsonSlash,
    /// Every byte as `\u00xx`.
    JsonUnicode,
    /// Percent-encoded, all but the unreserved characters of RFC 3986.
    Url,
}

impl Form {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "" => Self::Plain,
            "json" => Self::Json,
            "json-slash" => Self::JsonSlash,
            "json-unicode" => Self::JsonUnicode,
            "url" => Self::Url,
            _ => return None,
        })
    }

    fn write(self, value: &str) -> String {
        let json = |value: &str| {
            let quoted = serde_json::Value::from(value).to_string();
            quoted[1..quoted.len() - 1].to_owned()
        };
        match self {
            Self::Plain => value.to_owned(),
            Self::Json => json(value),
            Self::JsonSlash => json(value).replace('/', "\\/"),
            Self::JsonUnicode => each_byte(value, |out, byte| write!(out, "\\u{byte:04x}")),
            Self::Url => each_byte(value, |out, byte| match byte {
                b'-' | b'.' | b'_' | b'~' => write!(out, "{}", char::from(byte)),
                _ if byte.is_ascii_alphanumeric() => write!(out, "{}", char::from(byte)),
                _ => write!(out, "%{byte:02X}"),
            }),
        }
    }
}

/// A secret as encoders write it, each way once.
pub(crate) fn written(secret: &[u8]) -> Vec<Vec<u8>> {
    let mut all = vec![secret.to_vec()];
    if let Ok(secret) = std::str::from_utf8(secret) {
        for form in [Form::Json, Form::JsonSlash, Form::JsonUnicode, Form::Url] {
            let text = form.write(secret).into_bytes();
            if !all.contains(&text) {
                all.push(text);
            }
        }
    }
    all
}

fn each_byte(value: &str, write: impl Fn(&mut String, u8) -> std::fmt::Result) -> String {
    value.bytes().fold(String::new(), |mut out, byte| {
        // Writing to a String does not fail.
        let _ = write(&mut out, byte);
        out
    })
}

/// What stands between `{{plant:` and `}}`.
struct Placeholder<'a> {
    name: &'a str,
    piece: Option<Range<usize>>,
    form: Form,
}

impl<'a> Placeholder<'a> {
    fn parse(inside: &'a [u8]) -> Option<Self> {
        let inside = std::str::from_utf8(inside).ok()?;
        let (rest, form) = inside.split_once('|').unwrap_or((inside, ""));
        let mut fields = rest.split(':');
        let name = fields.next()?;
        let piece = match (fields.next(), fields.next(), fields.next()) {
            (None, ..) => None,
            (Some(from), Some(to), None) => Some(from.parse().ok()?..to.parse().ok()?),
            _ => return None,
        };
        Some(Self {
            name,
            piece,
            form: Form::named(form)?,
        })
    }
}

/// The table of plants. Its `Debug` shows names only.
pub struct Plants {
    values: BTreeMap<String, String>,
}

impl std::fmt::Debug for Plants {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.values.keys()).finish()
    }
}

impl Plants {
    /// The table in a folder or in the one above it, if there is one.
    pub fn beside(folder: &Path) -> Result<Option<Self>> {
        let above = folder.join("..");
        for folder in [folder, &above] {
            let file = folder.join(TABLE);
            if file.exists() {
                return Self::read(&file).map(Some);
            }
        }
        Ok(None)
    }

    fn read(file: &Path) -> Result<Self> {
        let documents = json::documents(file)?;
        let [document] = documents.as_slice() else {
            bail!("{}: expected one JSON object", file.display());
        };
        let plants = At::root(file, "", document).get(&["plants"])?;
        let mut values = BTreeMap::new();
        for name in plants.keys()? {
            let plant = plants.get(&[name])?;
            let mut value = String::new();
            for part in plant.get(&["parts"])?.list()? {
                value += part.text()?;
            }
            if value.is_empty() {
                return Err(plant.error("parts: a plant without a value"));
            }
            values.insert(name.to_owned(), value);
        }
        Ok(Self { values })
    }

    /// Every plant, by name.
    pub fn all(&self) -> Vec<Planted> {
        self.values.keys().filter_map(|name| self.named(name)).collect()
    }

    /// One plant.
    pub fn named(&self, name: &str) -> Option<Planted> {
        let value = self.values.get(name)?;
        Some(Planted {
            name: name.to_owned(),
            value: value.as_bytes().to_vec(),
        })
    }

    /// Puts the secrets in the place of placeholders, and lists those of the response as planted. `declared` is
    /// what the capture says of itself: it must be exactly what is there. Errors never hold a value.
    pub(super) fn fill(&self, exchange: &mut Exchange, declared: Option<&[String]>) -> Result<()> {
        let mut ignored = Vec::new();
        self.fill_message(&mut exchange.request, &mut ignored)
            .context("request")?;
        let mut met = Vec::new();
        self.fill_message(&mut exchange.response, &mut met)
            .context("response")?;
        let names = match declared {
            None => met,
            Some(declared) => {
                for name in declared {
                    ensure!(met.contains(name), "{name} does not occur in the response");
                }
                for name in &met {
                    ensure!(declared.contains(name), "the response also holds {name}");
                }
                declared.to_vec()
            }
        };
        exchange.planted = names.iter().filter_map(|name| self.named(name)).collect();
        Ok(())
    }

    fn fill_message(&self, message: &mut Message, met: &mut Vec<String>) -> Result<()> {
        let trailers = message.trailers.iter_mut().flatten();
        for (name, value) in message.headers.iter_mut().chain(trailers) {
            *value = self
                .fill_bytes(value, met)
                .with_context(|| String::from_utf8_lossy(name).into_owned())?;
        }
        for (index, chunk) in message.body.iter_mut().enumerate() {
            *chunk = self
                .fill_bytes(chunk, met)
                .with_context(|| format!("body chunk {index}"))?;
        }
        Ok(())
    }

    /// A text with secrets in the place of placeholders.
    ///
    /// # Errors
    /// A placeholder is broken, or names what is not in the table.
    pub fn text(&self, text: &[u8]) -> Result<Vec<u8>> {
        self.fill_bytes(text, &mut Vec::new())
    }

    fn fill_bytes(&self, text: &[u8], met: &mut Vec<String>) -> Result<Vec<u8>> {
        let mut out = Vec::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = memchr::memmem::find(rest, OPEN) {
            let inside = &rest[at + OPEN.len()..];
            let end = memchr::memmem::find(inside, CLOSE);
            let shown = || String::from_utf8_lossy(&inside[..inside.len().min(60)]).into_owned();
            let Some((placeholder, end)) = end.and_then(|end| Some((Placeholder::parse(&inside[..end])?, end))) else {
                bail!("not a placeholder: {{{{plant:{}", shown());
            };
            let Some(value) = self.values.get(placeholder.name) else {
                bail!("{TABLE} has no {}", placeholder.name);
            };
            let written = placeholder.form.write(value);
            let piece = placeholder.piece.unwrap_or(0..written.len());
            let Some(piece) = written.as_bytes().get(piece) else {
                bail!("a piece beyond the end of {}", placeholder.name);
            };
            out.extend_from_slice(&rest[..at]);
            out.extend_from_slice(piece);
            rest = &inside[end + CLOSE.len()..];
            if !met.iter().any(|name| name == placeholder.name) {
                met.push(placeholder.name.to_owned());
            }
        }
        out.extend_from_slice(rest);
        Ok(out)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may stop")]
mod tests {
    use super::*;

    fn table() -> Plants {
        let values = [("pass", "a/b\"c\nd&e"), ("key", "0123456789")];
        Plants {
            values: values.map(|(k, v)| (k.into(), v.into())).into(),
        }
    }

    #[test]
    fn a_placeholder_becomes_the_value_its_form_or_a_piece_of_it() {
        for (written, expected) in [
            ("none", "none"),
            ("", ""),
            ("{{plant:key}}", "0123456789"),
            ("<{{plant:key}}{{plant:key}}>", "<01234567890123456789>"),
            ("{{plant:key:2:5}}", "234"),
            ("{{plant:key:0:0}}", ""),
            ("{{plant:pass|json}}", r#"a/b\"c\nd&e"#),
            ("{{plant:pass|json-slash}}", r#"a\/b\"c\nd&e"#),
            ("{{plant:pass|url}}", "a%2Fb%22c%0Ad%26e"),
            ("{{plant:key:0:12|json-unicode}}", r"\u0030\u0031"),
            ("{{plan:key}} }} {{", "{{plan:key}} }} {{"),
        ] {
            let filled = table().fill_bytes(written.as_bytes(), &mut Vec::new());
            assert_eq!(filled.unwrap(), expected.as_bytes(), "{written}");
        }
    }

    #[test]
    fn a_broken_placeholder_is_an_error_that_holds_no_value() {
        for (written, why) in [
            ("{{plant:key", "not a placeholder"),
            ("{{plant:key:1}}", "not a placeholder"),
            ("{{plant:key:1:2:3}}", "not a placeholder"),
            ("{{plant:key:x:2}}", "not a placeholder"),
            ("{{plant:key|rot13}}", "not a placeholder"),
            ("{{plant:other}}", "has no other"),
            ("{{plant:key:4:11}}", "beyond the end"),
            ("{{plant:key:4:3}}", "beyond the end"),
        ] {
            let error = table().fill_bytes(written.as_bytes(), &mut Vec::new());
            let text = format!("{:#}", error.unwrap_err());
            assert!(text.contains(why), "{written}: {text}");
            assert!(!text.contains("0123"), "{text}");
        }
    }

    #[test]
    fn what_a_capture_declares_must_be_what_it_holds() {
        let exchange = || Exchange {
            response: Message {
                headers: vec![(b"x-key".to_vec(), b"{{plant:key}}".to_vec())],
                ..Message::default()
            },
            ..Exchange::default()
        };
        for (declared, why) in [(vec![], "also holds key"), (vec!["key", "pass"], "pass does not occur")] {
            let declared: Vec<_> = declared.into_iter().map(str::to_owned).collect();
            let error = table().fill(&mut exchange(), Some(&declared)).unwrap_err();
            assert!(format!("{error:#}").contains(why), "{error:#}");
        }
        let mut undeclared = exchange();
        table().fill(&mut undeclared, None).unwrap();
        assert_eq!(undeclared.planted, table().named("key").into_iter().collect::<Vec<_>>());
    }
}
