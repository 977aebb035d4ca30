//! The language of `engine/testdata`: text with `{{…}}`, in which random values are made at run time.
//!
//! ```text
//! db_password = "{{!'hunter-'|alnum:12}}"   # a literal and 12 letters or digits; `!`: it must go
//! {"next": "{{v>percent>json}}"}            # the caller's value, percent-encoded, then escaped for JSON
//! ```
//!
//! Values are made, not written down, so that no file here trips a scanner of pushed commits, and so that a text comes in
//! as many variants as are asked for.

use anyhow::{Context, Result, anyhow, bail};

use crate::encode::encode;
use crate::seeded::{ALNUM, Seeded};

/// What stands for `v` in a template: a text, and the stretch of it that must go.
#[derive(Clone, Copy, Debug)]
pub struct Value<'a> {
    /// All of it.
    pub text: &'a str,
    /// What must go.
    pub secret: &'a str,
}

/// A text that was made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Made {
    /// The text.
    pub text: String,
    /// What must go, as it is spelled in the text, with its offset. Where it is part of an encoding that cannot be cut at
    /// characters (base64), the stretch is the whole encoding.
    pub spans: Vec<(usize, usize)>,
    /// What must go, before it was encoded.
    pub plain: Vec<String>,
}

/// Makes a text.
///
/// # Errors
/// The template is not of its form.
pub fn make(template: &str, value: Option<Value>, seed: &mut Seeded) -> Result<Made> {
    let mut made = Made::default();
    let mut rest = template;
    while let Some(at) = rest.find("{{") {
        made.text.push_str(rest.get(..at).unwrap_or_default());
        let inside = rest.get(at + 2..).unwrap_or_default();
        // A literal may hold braces; a tag ends at the first `}}` outside of quotes.
        let end = tag_end(inside).with_context(|| format!("no }}}} behind {{{{ in {template:?}"))?;
        tag(inside.get(..end).unwrap_or_default(), value, seed, &mut made)?;
        rest = inside.get(end + 2..).unwrap_or_default();
    }
    made.text.push_str(rest);
    Ok(made)
}

fn tag_end(inside: &str) -> Option<usize> {
    let mut quoted = false;
    inside.bytes().enumerate().position(|(i, b)| {
        quoted ^= b == b'\'';
        !quoted && inside.get(i..).is_some_and(|r| r.starts_with("}}"))
    })
}

fn tag(tag: &str, value: Option<Value>, seed: &mut Seeded, made: &mut Made) -> Result<()> {
    let (must_go, tag) = tag.strip_prefix('!').map_or((false, tag), |t| (true, t));
    let mut filters = split(tag, '>').into_iter();
    let parts = filters.next().unwrap_or_default();
    let filters: Vec<&str> = filters.collect();
    let start = made.text.len();
    if parts == "v" {
        let value = value.context("this template has no value")?;
        return put_value(value, &filters, made);
    }
    let mut text = String::new();
    for part in split(parts, '|') {
        text.push_str(&atom(part, seed)?);
    }
    let plain = text.clone();
    for f in filters {
        text = encode(f, &text).ok_or_else(|| anyhow!("no filter {f}"))?;
    }
    made.text.push_str(&text);
    if must_go {
        made.spans.push((start, made.text.len()));
        made.plain.push(plain);
    }
    Ok(())
}

/// The caller's value: what must go is known by its place, through all encodings that go character by character.
fn put_value(value: Value, filters: &[&str], made: &mut Made) -> Result<()> {
    let at = value.text.find(value.secret).context("the secret is not in the text")?;
    let (front, behind) = (value.text.get(..at), value.text.get(at + value.secret.len()..));
    let mut three = [front, Some(value.secret), behind].map(|s| s.unwrap_or_default().to_owned());
    let start = made.text.len();
    let mut cuttable = true;
    for f in filters {
        cuttable &= !f.starts_with("base64");
        if cuttable {
            for part in &mut three {
                *part = encode(f, part).ok_or_else(|| anyhow!("no filter {f}"))?;
            }
        } else {
            let all = encode(f, &three.concat()).ok_or_else(|| anyhow!("no filter {f}"))?;
            three = [String::new(), all, String::new()];
        }
    }
    made.text.push_str(&three.concat());
    if !value.secret.is_empty() {
        made.spans
            .push((start + three[0].len(), start + three[0].len() + three[1].len()));
        made.plain.push(value.secret.to_owned());
    }
    Ok(())
}

/// Cuts at a separator that stands outside of quotes.
fn split(text: &str, by: char) -> Vec<&str> {
    let mut quoted = false;
    text.split(|c| {
        quoted ^= c == '\'';
        c == by && !quoted
    })
    .collect()
}

fn atom(part: &str, seed: &mut Seeded) -> Result<String> {
    if let Some(literal) = part.strip_prefix('\'').and_then(|p| p.strip_suffix('\'')) {
        return Ok(literal.to_owned());
    }
    let (kind, len) = part.split_once(':').unwrap_or((part, ""));
    let (low, high) = len.split_once('-').unwrap_or((len, len));
    let (low, high): (usize, usize) = (low.parse().unwrap_or(1), high.parse().unwrap_or(1));
    let hex = "0123456789abcdef";
    let mut run = |alphabet: &str| {
        let n = seed.between(low, high);
        seed.run(alphabet, n)
    };
    Ok(match kind {
        "hex" => run(hex),
        "HEX" => run("0123456789ABCDEF"),
        "alnum" => run(ALNUM),
        "low" => run("0123456789abcdefghijklmnopqrstuvwxyz"),
        "up" => run("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
        "lower" => run("abcdefghijklmnopqrstuvwxyz"),
        "upper" => run("ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
        "digits" => run("0123456789"),
        "one" => run("123456789"),
        "b32" => run("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"),
        "b64" => run(&format!("{ALNUM}+/")),
        "b64u" => run(&format!("{ALNUM}-_")),
        "num" => seed.between(low, high).to_string(),
        "pass" => password(seed, low, high),
        "uuid" => seed.uuid(),
        "UUID" => seed.uuid().to_uppercase(),
        "word" => seed.word().to_owned(),
        "Word" => {
            let w = seed.word();
            w.get(..1).unwrap_or_default().to_uppercase() + w.get(1..).unwrap_or_default()
        }
        "words" => {
            let n = seed.between(low, high);
            (0..n).map(|_| seed.word()).collect::<Vec<_>>().join(" ")
        }
        "date" => format!("2026-{:02}-{:02}", seed.between(1, 12), seed.between(1, 28)),
        "time" => format!("{:02}:{:02}:{:02}", seed.below(24), seed.below(60), seed.below(60)),
        "version" => format!("{}.{}.{}", seed.below(20), seed.below(40), seed.below(30)),
        other => bail!("no kind {other:?}"),
    })
}

/// What a person or a generator of passwords makes: words, digits, and characters that no syntax needs.
fn password(seed: &mut Seeded, low: usize, high: usize) -> String {
    let n = seed.between(low, high).max(6);
    let mut text = seed.run(ALNUM, n - 3);
    for alphabet in ["23456789", "ABCDEFGHJK", "!^*~-_"] {
        let at = seed.below(text.len());
        text.insert_str(at, &seed.run(alphabet, 1));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Value, make};
    use crate::seeded::Seeded;

    fn made(template: &str, value: Option<Value>) -> super::Made {
        make(template, value, &mut Seeded::of("t", 0)).unwrap()
    }

    #[test]
    fn what_must_go_is_known_by_place() {
        let m = made("k={{!'a|b}}'|digits:3}};", None);
        assert!(
            m.text.starts_with("k=a|b}}") && m.text.ends_with(';') && m.text.len() == 11,
            "{}",
            m.text
        );
        assert_eq!(m.spans, [(2, 10)]);
    }

    #[test]
    fn a_value_is_encoded_with_its_place() {
        let value = Value {
            text: "user:p\"w@",
            secret: "p\"w",
        };
        let m = made("{\"u\":\"{{v>json>json}}\"}", Some(value));
        assert_eq!(m.text, r#"{"u":"user:p\\\"w@"}"#);
        assert_eq!(m.text.get(m.spans[0].0..m.spans[0].1), Some(r#"p\\\"w"#));
        let m = made("{{v>base64}}", Some(value));
        assert_eq!(m.spans, [(0, m.text.len())]);
    }

    #[test]
    fn mistakes_are_told() {
        for wrong in ["{{hex:4", "{{hax:4}}", "{{v}}", "{{hex:4>rot13}}"] {
            assert!(make(wrong, None, &mut Seeded::of("t", 0)).is_err(), "{wrong}");
        }
    }
}
