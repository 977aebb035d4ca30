//! Values of a detector that nobody wrote: drawn from its pattern, and where its secret stands in a text.
//!
//! The examples in a detector's file are few and look alike. What is drawn tests that everything which the pattern says
//! is really found: in each context, whatever its letters, and whole. It says nothing on whether the pattern is right: for
//! that there are the texts that were written by hand.

use anyhow::{Context, Result};
use regex::bytes::{Regex, RegexBuilder};
use regex_syntax::hir::{Class, Hir, HirKind};

use crate::seeded::{ALNUM, Seeded};

/// A detector's pattern, read by other code than the engine's.
#[derive(Debug)]
pub struct Pattern {
    hir: Hir,
    regex: Regex,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// It is not a regular expression.
    pub fn new(pattern: &str) -> Result<Pattern> {
        let hir = regex_syntax::ParserBuilder::new()
            .unicode(false)
            .utf8(false)
            .build()
            .parse(pattern)?;
        let regex = RegexBuilder::new(pattern).unicode(false).size_limit(64 << 20).build()?;
        Ok(Pattern { hir, regex })
    }

    /// Where the secret stands in a text: the group of that name, or all that matched.
    pub fn secret_in(&self, text: &str) -> Option<(usize, usize)> {
        let found = self.regex.captures(text.as_bytes())?;
        let m = found.name("secret").or_else(|| found.get(0))?;
        Some((m.start(), m.end()))
    }

    /// Whether it needs no more than the value, wherever that stands.
    pub fn knows_alone(&self, value: &str) -> bool {
        let text = format!("x = \"{value}\" y");
        self.secret_in(&text) == Some((5, 5 + value.len()))
    }

    /// A text that it matches from end to end.
    ///
    /// # Errors
    /// Nothing that was drawn matches.
    pub fn draw(&self, seed: &mut Seeded) -> Result<String> {
        for _ in 0..20 {
            let mut out = String::new();
            draw(&self.hir, seed, &mut out);
            let found = self.regex.find(out.as_bytes()).map(|m| (m.start(), m.end()));
            if found == Some((0, out.len())) {
                return Ok(out);
            }
        }
        None.context("nothing that was drawn matches")
    }
}

fn draw(hir: &Hir, seed: &mut Seeded, out: &mut String) {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(l) => out.push_str(&String::from_utf8_lossy(&l.0)),
        HirKind::Class(class) => out.push_str(&seed.run(&letters(class), 1)),
        HirKind::Capture(c) => draw(&c.sub, seed, out),
        HirKind::Concat(all) => all.iter().for_each(|h| draw(h, seed, out)),
        HirKind::Alternation(all) => {
            let at = seed.below(all.len());
            if let Some(h) = all.get(at) {
                draw(h, seed, out);
            }
        }
        HirKind::Repetition(r) => {
            let min = usize::try_from(r.min).unwrap_or(0);
            let max = r.max.map_or(min + 12, |m| usize::try_from(m).unwrap_or(min));
            let blank = matches!(r.sub.kind(), HirKind::Class(c) if letters(c) == " ");
            // White space is there or not; a user or a host has a few letters; a group comes once, or not at all.
            let most = match r.sub.kind() {
                _ if blank => min.max(1),
                HirKind::Class(_) => min + 12,
                _ => min + 1,
            };
            let least = match r.sub.kind() {
                HirKind::Class(_) if !blank && max > 8 => min.max(8),
                _ => min,
            };
            for _ in 0..seed.between(least.min(max), most.min(max).max(least.min(max))) {
                draw(&r.sub, seed, out);
            }
        }
    }
}

/// The characters of a class that values really have: of a wide one only letters and digits.
fn letters(class: &Class) -> String {
    let all: String = (0x20u8..0x7f)
        .filter(|b| match class {
            Class::Bytes(c) => c.ranges().iter().any(|r| (r.start()..=r.end()).contains(b)),
            Class::Unicode(c) => c
                .ranges()
                .iter()
                .any(|r| (r.start()..=r.end()).contains(&char::from(*b))),
        })
        .map(char::from)
        .collect();
    let plain = |c: &char| ALNUM.contains(*c);
    if all.len() > 70 || all.contains(' ') && all.chars().any(|c| plain(&c)) {
        all.chars().filter(plain).collect()
    } else if all.contains(' ') {
        " ".to_owned()
    } else if all.is_empty() {
        "\n".to_owned()
    } else {
        all
    }
}

#[cfg(test)]
mod tests {
    use super::Pattern;
    use crate::seeded::Seeded;

    #[test]
    fn what_is_drawn_matches_and_its_secret_is_known() {
        let p = Pattern::new(r#"acme://[^\s:"]{0,256}:(?<secret>[^\s"]{1,2048})@"#).unwrap();
        let text = p.draw(&mut Seeded::of("t", 0)).unwrap();
        let (from, to) = p.secret_in(&text).unwrap();
        assert!(
            text.starts_with("acme://") && text.len() == to + 1 && to - from >= 8,
            "{text}"
        );
        assert!(!p.knows_alone(&text[from..to]));
        let p = Pattern::new(r"\bacme_[0-9a-f]{32}\b").unwrap();
        let text = p.draw(&mut Seeded::of("t", 0)).unwrap();
        assert!(text.len() == 37 && p.knows_alone(&text));
    }
}
