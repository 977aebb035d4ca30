//! `keepmum detectors`: the catalogue, for people, for programs, and as the tables of docs/DETECTORS.md.

use std::io::{self, BufWriter, Write};

use anyhow::{Result, anyhow};
use keepmum_engine::catalogue::{self, BuiltIn, Examples};

use crate::args::Detectors;
use crate::{Ended, is_broken_pipe, policy};

/// Does what was asked for.
pub fn run(options: &Detectors) -> Result<Ended> {
    if let Some(pack) = &options.pack {
        policy::known("--pack", pack)?;
    }
    let wanted = |d: &BuiltIn| options.pack.as_deref().is_none_or(|p| p == d.pack);
    let all: Vec<(&BuiltIn, &Examples)> = catalogue::BUILT_IN
        .iter()
        .zip(catalogue::EXAMPLES)
        .filter(|(d, _)| wanted(d))
        .collect();
    let mut to = BufWriter::new(io::stdout().lock());
    let told = if options.json {
        json(&all, &mut to)
    } else if options.markdown {
        markdown(&all, &mut to)
    } else {
        lines(&all, &mut to)
    };
    match told.and_then(|()| Ok(to.flush()?)) {
        Err(e) if is_broken_pipe(&e) => drop(to.into_parts()),
        told => told?,
    }
    Ok(if all.is_empty() { Ended::Clean } else { Ended::Found })
}

fn lines(all: &[(&BuiltIn, &Examples)], to: &mut impl Write) -> Result<()> {
    let id = all.iter().map(|(d, _)| d.id.len()).max().unwrap_or(0);
    for (d, _) in all {
        writeln!(to, "{:id$}  {:11}  {}", d.id, d.pack, d.name)?;
    }
    Ok(())
}

fn json(all: &[(&BuiltIn, &Examples)], to: &mut impl Write) -> Result<()> {
    let mut list = Vec::new();
    for (d, e) in all {
        let anchors = d.anchors().map_err(|why| anyhow!("{}: {why}", d.id))?;
        let anchors: Vec<_> = anchors
            .iter()
            .map(|a| String::from_utf8_lossy(a).into_owned())
            .collect();
        list.push(serde_json::json!({
            "id": d.id,
            "name": d.name,
            "pack": d.pack,
            "description": e.description,
            "reference": e.reference,
            "validators": d.validators,
            "pattern": d.pattern,
            "anchors": anchors,
        }));
    }
    serde_json::to_writer_pretty(&mut *to, &list).map_err(io::Error::from)?;
    writeln!(to)?;
    Ok(())
}

/// Text in a table's cell.
fn cell(text: &str) -> String {
    text.split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .replace('|', "\\|")
        .replace('<', "&lt;")
}

fn markdown(all: &[(&BuiltIn, &Examples)], to: &mut impl Write) -> Result<()> {
    writeln!(to, "## Validators\n")?;
    writeln!(
        to,
        "A detector can ask for further checks on the value that its pattern found.\n"
    )?;
    writeln!(to, "| validator | rejects a value that is |\n| --- | --- |")?;
    for (name, rejects) in catalogue::validators() {
        writeln!(to, "| `{name}` | {} |", cell(rejects))?;
    }
    for pack in catalogue::PACKS {
        let of: Vec<_> = all.iter().filter(|(d, _)| d.pack == *pack).collect();
        writeln!(to, "\n## Pack `{pack}`: {} detectors\n", of.len())?;
        if of.is_empty() {
            continue;
        }
        writeln!(
            to,
            "| id | name | what an attacker gains | validators |\n| --- | --- | --- | --- |"
        )?;
        for (d, e) in of {
            let validators: Vec<_> = d.validators.iter().map(|v| format!("`{v}`")).collect();
            writeln!(
                to,
                "| `{}` | [{}]({}) | {} | {} |",
                d.id,
                cell(d.name),
                e.reference,
                cell(e.description),
                validators.join(", ")
            )?;
        }
    }
    Ok(())
}
