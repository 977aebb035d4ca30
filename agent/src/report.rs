//! What a dry run prints: which secrets there are, which are taken, and why the others are not. Never a value.

use std::fmt;

use serde_json::{Value, json};

use crate::hits::Hits;
use crate::source::{Down, Missing};
use crate::store::Store;

/// The admission report.
#[derive(Debug, Default)]
pub struct Report {
    rows: Vec<Row>,
    missing: Vec<String>,
    complete: bool,
    hits: Option<Hits>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    id: String,
    version: String,
    stage: &'static str,
    /// `None`: taken.
    refused: Option<(&'static str, &'static str)>,
}

impl Report {
    pub(crate) fn new(store: &Store, missing: Vec<String>, complete: bool, hits: Option<Hits>) -> Report {
        let mut rows = Vec::new();
        for (judged, version, stage) in store.judged() {
            let row = |id: &str, refused| Row {
                id: id.to_owned(),
                version: version.to_owned(),
                stage: stage.name(),
                refused,
            };
            rows.extend(judged.taken.iter().map(|s| row(&s.id, None)));
            rows.extend(judged.refused.iter().map(|(id, r)| row(id, Some((r.name(), r.why())))));
        }
        rows.sort();
        Report {
            rows,
            missing,
            complete,
            hits,
        }
    }

    /// Nothing that is required is missing.
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// How often captures hold a value that was taken, if any were looked through.
    fn hits(&self, row: &Row) -> Option<u64> {
        let hits = self.hits.as_ref().filter(|_| row.refused.is_none())?;
        Some(hits.by_id.get(&row.id).copied().unwrap_or(0))
    }

    /// For programs.
    pub fn json(&self) -> Value {
        let row = |r: &Row| match r.refused {
            None => json!({"id": r.id, "version": r.version, "stage": r.stage, "taken": true, "hits": self.hits(r)}),
            Some((reason, _)) => {
                json!({"id": r.id, "version": r.version, "stage": r.stage, "taken": false, "reason": reason})
            }
        };
        let taken = self.rows.iter().filter(|r| r.refused.is_none()).count();
        json!({
            "secrets": self.rows.iter().map(row).collect::<Vec<_>>(),
            "missing": self.missing,
            "taken": taken,
            "refused": self.rows.len() - taken,
            "captures": self.hits.as_ref().map(|h| json!({"files": h.files, "bytes": h.bytes, "left_out": h.left_out})),
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wide = |get: fn(&Row) -> usize, least| self.rows.iter().map(get).max().unwrap_or(0).clamp(least, 60);
        let (ids, versions) = (
            wide(|r| r.id.chars().count(), 2),
            wide(|r| r.version.chars().count(), 7),
        );
        writeln!(
            f,
            "{:<8} {:<ids$} {:<versions$} {:<8} WHY",
            "", "ID", "VERSION", "STAGE"
        )?;
        for r in &self.rows {
            let hits = self.hits(r).map(|n| format!("{n} in captures")).unwrap_or_default();
            let (word, why) = r.refused.map_or(("taken", hits.as_str()), |(_, why)| ("refused", why));
            let line = format!("{word:<8} {:<ids$} {:<versions$} {:<8} {why}", r.id, r.version, r.stage);
            writeln!(f, "{}", line.trim_end())?;
        }
        for missing in &self.missing {
            writeln!(f, "missing  {missing}")?;
        }
        let taken = self.rows.iter().filter(|r| r.refused.is_none()).count();
        let (refused, missing) = (self.rows.len() - taken, self.missing.len());
        if let Some(h) = &self.hits {
            writeln!(
                f,
                "captures: {} files, {} bytes, {} left out",
                h.files, h.bytes, h.left_out
            )?;
        }
        writeln!(f, "{taken} taken, {refused} refused, {missing} missing")
    }
}

/// What is missing of a source, for people.
pub(crate) fn shown(name: &str, read: &Result<Vec<Missing>, Down>) -> Vec<String> {
    match read {
        Ok(missing) => missing.iter().map(|m| format!("{name}: {m}")).collect(),
        Err(down) => vec![format!("{name}: {down}")],
    }
}
