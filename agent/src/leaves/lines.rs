//! Texts of `NAME=value` lines, as dotenv files have them.

use zeroize::Zeroizing;

use super::value;
use crate::secret::Value;

/// The values, if every line is blank, a comment or such a pair. One line alone must look like a variable of the
/// environment, since base64 ends in `=` too.
pub(super) fn parts(text: &str) -> Option<Vec<(String, Value)>> {
    let mut lines = 0;
    for line in text.lines().map(str::trim) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let line = line.strip_prefix("export ").unwrap_or(line);
        let (name, text) = line.split_once('=')?;
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
        let shouted = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
        let several = text_is_several(lines, text, name.chars().all(shouted));
        if name.is_empty() || !name.chars().all(word) || name.starts_with(|c: char| c.is_ascii_digit()) || !several {
            return None;
        }
        lines += 1;
    }
    let single = lines == 1 && !text.starts_with(|c: char| c.is_ascii_uppercase());
    (lines > 0 && !single).then(|| pairs(text).0)
}

fn text_is_several(before: usize, text: &str, shouted: bool) -> bool {
    let padding = text.is_empty() || text == "=";
    !padding || shouted || before > 0
}

/// The pairs, and the numbers of lines that cannot be read. What stands between quotes is taken with the escapes undone,
/// and as it stands, since readers of such files differ; so is a `$NAME`, which some replace.
pub(crate) fn pairs(text: &str) -> (Vec<(String, Value)>, usize) {
    let mut named: Vec<(String, Value)> = Vec::new();
    let mut wrong = 0;
    for pair in dotenvy::from_read_iter(text.as_bytes()) {
        match pair {
            Ok((name, text)) => named.push((name, Zeroizing::new(text.into_bytes()))),
            Err(_) => wrong += 1,
        }
    }
    for line in text.lines().map(str::trim).filter(|l| !l.starts_with('#')) {
        let line = line.strip_prefix("export ").unwrap_or(line);
        let Some((name, text)) = line.split_once('=') else {
            continue;
        };
        let (name, text) = (name.trim(), text.trim());
        let bare = |q| text.strip_prefix(q).and_then(|t: &str| t.strip_suffix(q));
        let text = bare('"').or_else(|| bare('\'')).unwrap_or(text);
        let text = value(text);
        if !named.iter().any(|(n, v)| n == name && *v == text) {
            named.push((name.to_owned(), text));
        }
    }
    (named, wrong)
}
