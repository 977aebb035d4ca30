//! What must hold for each text of the corpus, whatever it is: a cut changes nothing, a second pass changes nothing, JSON
//! stays JSON, and a value that was found is gone wherever it comes again.

use keepmum_engine::Engine;

use crate::corpus::Text;
use crate::scan::{is_json, kind, leaks, scan};
use crate::seeded::Seeded;

/// How many cuts are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cuts {
    /// Each of the cuts in two, single bytes, and some in several.
    All,
    /// Single bytes, and some in several.
    Some,
}

/// What does not hold for a text, in words.
pub fn check(engine: &Engine, text: &Text, cuts: Cuts) -> Option<String> {
    let bytes = text.made.text.as_bytes();
    let kind = kind(bytes);
    let want = scan(engine, kind, [bytes]);
    if scan(engine, kind, bytes.chunks(1)) != want {
        return Some(format!("{}: single bytes give another output", text.name));
    }
    if cuts == Cuts::All {
        for at in 1..bytes.len() {
            let (a, b) = bytes.split_at(at);
            if scan(engine, kind, [a, b]) != want {
                return Some(format!("{}: a cut at {at} gives another output", text.name));
            }
        }
    }
    let mut seed = Seeded::of(&text.name, bytes.len());
    for n in 0..8 {
        let (mut pieces, mut rest) = (Vec::new(), bytes);
        while !rest.is_empty() {
            let (a, b) = rest.split_at(seed.between(1, 9 + 8 * n).min(rest.len()));
            pieces.push(a);
            rest = b;
        }
        if scan(engine, kind, pieces) != want {
            return Some(format!("{}: pieces at random ({n}) give another output", text.name));
        }
    }
    let again = scan(engine, kind, [want.out.as_slice()]);
    if again.out != want.out || !again.found.is_empty() {
        let by: Vec<&str> = again.found.iter().map(|f| f.0.as_str()).collect();
        return Some(format!("{}: a second pass finds {by:?}", text.name));
    }
    (kind.json && !is_json(&want.out)).then(|| format!("{}: it was JSON, and is none any more", text.name))
}

/// Whether a value that was found in a text is also removed behind it, where nothing says what it is. `None`: nothing was
/// found, or the value is one that is not remembered (`docs/POLICY.md`): a word, syntax, too short or too long.
pub fn comes_again(engine: &Engine, text: &Text) -> Option<bool> {
    let made = &text.made;
    let found = scan(engine, kind(made.text.as_bytes()), [made.text.as_bytes()]);
    let value = made.plain.first().filter(|v| memorable(v))?;
    // Exactly the value, or another one was remembered (with what stood around it).
    let exact = |s: &(usize, usize)| found.found.iter().any(|f| (f.1, f.2) == *s);
    if text.touch || !made.spans.iter().all(exact) || found.found.is_empty() || leaks(made, &found.out).is_some() {
        return None;
    }
    let tail = format!("{}\n{{\"note\":\"it was {value} then\"}}\n", made.text);
    let out = scan(engine, keepmum_engine::BodyKind::default(), [tail.as_bytes()]).out;
    // Where it also stands in a place of its own (a public key with the same letters), that is not the tail's matter.
    let tail = out.rsplit(|b| *b == b'{').next().unwrap_or_default();
    Some(!String::from_utf8_lossy(tail).contains(value.as_str()))
}

/// A value that cannot be a word, a key or a piece of syntax.
pub fn memorable(value: &str) -> bool {
    let any = |f: fn(char) -> bool| value.chars().any(f);
    let classes = [
        any(|c| c.is_ascii_lowercase()),
        any(|c| c.is_ascii_uppercase()),
        any(|c| !c.is_ascii_alphanumeric() && !"_-.".contains(c)),
    ];
    let kinds = classes.iter().filter(|c| **c).count();
    (8..=512).contains(&value.len())
        && any(|c| c.is_ascii_digit())
        && (kinds > 1 || kinds == 1 && value.len() >= 12)
        && !any(|c| c.is_whitespace() || "\"'{}[]<>(),;:=\\".contains(c))
}
