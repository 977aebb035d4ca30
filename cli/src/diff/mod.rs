//! `keepmum diff`: what another policy would redact of captured traffic, and what it would not any more.
//!
//! Both policies go through the same module with the same captures, and findings are compared, not texts of policies: whoever
//! reviews a change wants to know what it does.

mod compare;
mod tell;

use std::io::{self, Write as _};

use anyhow::{Result, bail};

use crate::Ended;
use crate::args::{Diff, FailOn};
use crate::replay::traffic::{Policy, Stage, captures};
use compare::{Difference, Kind};

/// Does what was asked for.
pub fn run(options: &Diff) -> Result<Ended> {
    if options.fail_on.len() > 1 && options.fail_on.contains(&FailOn::None) {
        bail!("--fail-on: none goes with no other kind");
    }
    let (old, new) = (Policy::read(Some(&options.old))?, Policy::read(Some(&options.new))?);
    let stage = Stage::of(&options.harness)?;
    let exchanges = captures(&options.captures)?;
    let before = stage.replay(&old, exchanges.clone(), false)?;
    let after = stage.replay(&new, exchanges, false)?;
    let found = compare::compare(&before, &after);
    let text = if options.json {
        format!("{:#}\n", tell::json(&before, &found))
    } else {
        tell::lines(&before, &found)
    };
    io::stdout().lock().write_all(text.as_bytes())?;
    let fails = |d: &Difference| {
        options.fail_on.iter().any(|on| match on {
            FailOn::Any => true,
            FailOn::None => false,
            FailOn::Gained => d.kind == Kind::Gained,
            FailOn::Lost => d.kind == Kind::Lost,
            FailOn::Moved => d.kind == Kind::Moved,
        })
    };
    Ok(if found.iter().any(fails) {
        Ended::Unwell
    } else {
        Ended::Found
    })
}
