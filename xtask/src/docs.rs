//! The part of docs/DETECTORS.md that is made from the catalogue.
//!
//! The program `keepmum` prints it: a reader of the catalogue's files in this crate would be a second one, and could not know
//! what validators say of themselves. What stands outside the two marks is written by hand and stays.

use std::fs;

use anyhow::{Context, Result};

use crate::run::{ask, say};
use crate::{parts, workspace};

/// The document.
const FILE: &str = "docs/DETECTORS.md";

const BEGIN: &str = "<!-- from here on: cargo xtask bless --docs -->\n";
const END: &str = "<!-- up to here -->\n";

/// Writes the document anew, if it must be.
pub fn bless() -> Result<()> {
    let (is, wanted) = compare()?;
    if is != wanted {
        fs::write(workspace::root().join(FILE), wanted).with_context(|| format!("cannot write {FILE}"))?;
        say(&format!("bless: {FILE} was written anew"));
    }
    Ok(())
}

/// What is wrong with the document.
pub fn check() -> Result<Option<String>> {
    let (is, wanted) = compare()?;
    Ok((is != wanted).then(|| format!("{FILE}: not what the catalogue says; run cargo xtask bless --docs")))
}

/// The document as it is, and as it must be.
fn compare() -> Result<(String, String)> {
    let path = workspace::root().join(FILE);
    let is = fs::read_to_string(&path).with_context(|| format!("cannot read {FILE}"))?;
    let program = parts::program("keepmum")?;
    let made = ask(&program.to_string_lossy(), &["detectors", "--markdown"]).context("keepmum detectors failed")?;
    let wanted = spliced(&is, &made).with_context(|| format!("{FILE} lacks one of its two marks: {BEGIN}{END}"))?;
    Ok((is, wanted))
}

/// Puts what was made between the marks.
fn spliced(text: &str, made: &str) -> Option<String> {
    let (front, rest) = text.split_once(BEGIN)?;
    let (_, back) = rest.split_once(END)?;
    Some(format!("{front}{BEGIN}\n{made}\n\n{END}{back}"))
}

#[cfg(test)]
mod tests {
    use super::{BEGIN, END, spliced};

    #[test]
    fn only_what_stands_between_the_marks_is_replaced() {
        let text = format!("by hand\n{BEGIN}old\n{END}more by hand\n");
        let new = spliced(&text, "new").unwrap();
        assert_eq!(new, format!("by hand\n{BEGIN}\nnew\n\n{END}more by hand\n"));
        assert_eq!(spliced(&new, "new").as_ref(), Some(&new));
        assert_eq!(spliced("no marks", "new"), None);
        assert_eq!(spliced(&format!("{END}{BEGIN}"), "new"), None);
    }
}
