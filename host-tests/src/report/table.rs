//! The table for the terminal: one line for what was found, grouped where the same was found again.

use std::fmt::Write as _;

use super::mask::{masked, visible};
use super::parts::{self, Bodies};
use super::{Case, Outcome};

/// A line of the table. All of it is fit to be printed.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Row {
    /// The exchange's name.
    pub exchange: String,
    /// `response.body`, `response.header.location`, …; `-` if nothing was found.
    pub place: String,
    /// The detector's id.
    pub detector: String,
    /// `label`, `mask`, …
    pub action: String,
    /// What was found, masked.
    pub before: String,
    /// What stands there now.
    pub after: String,
    /// How often the same was found in the same place.
    pub count: usize,
}

/// Whether the table may use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Paint {
    /// Text only: for files and pipes.
    #[default]
    Plain,
    /// ANSI colours: for terminals.
    Ansi,
}

/// An after-text longer than this is cut.
const WIDEST: usize = 44;

/// The lines of some cases; a case without findings has one that says what became of it.
pub fn rows(cases: &[Case]) -> Vec<Row> {
    cases.iter().flat_map(rows_of).collect()
}

fn rows_of(case: &Case) -> Vec<Row> {
    let name = visible(case.exchange.name.as_bytes());
    let nothing = |after: String| Row {
        exchange: name.clone(),
        place: "-".to_owned(),
        detector: "-".to_owned(),
        action: "-".to_owned(),
        before: "-".to_owned(),
        after,
        count: 1,
    };
    let replay = match &case.outcome {
        Outcome::Replayed(replay) => replay,
        Outcome::NotReplayed(why) => return vec![nothing(format!("not replayed: {}", visible(why.as_bytes())))],
    };
    let bodies = Bodies::of(&case.exchange.response, replay);
    let mut rows: Vec<Row> = Vec::new();
    let mut shown = 0;
    for part in parts::parts(&case.exchange.response, replay, &bodies) {
        for piece in part.findings() {
            let Some(finding) = piece.finding else { continue };
            shown += 1;
            let after = if !piece.sent {
                "(reset before)".to_owned()
            } else if piece.after == piece.before {
                "(unchanged)".to_owned()
            } else if piece.after.is_empty() {
                "(removed)".to_owned()
            } else {
                shortened(&visible(piece.after))
            };
            add(
                &mut rows,
                Row {
                    exchange: name.clone(),
                    place: visible(part.place.as_bytes()),
                    detector: visible(finding.detector.as_bytes()),
                    action: visible(finding.action.as_bytes()),
                    before: masked(piece.before),
                    after,
                    count: 1,
                },
            );
        }
    }
    // What could not be matched with the output is still told: the module says that it found it.
    if shown < replay.findings.len() {
        rows.clear();
        for finding in &replay.findings {
            add(
                &mut rows,
                Row {
                    exchange: name.clone(),
                    place: visible(finding.place.as_bytes()),
                    detector: visible(finding.detector.as_bytes()),
                    action: visible(finding.action.as_bytes()),
                    before: masked(&[]),
                    after: "(the message was replaced)".to_owned(),
                    count: 1,
                },
            );
        }
    }
    if rows.is_empty() {
        rows.push(nothing(nothing_found(case)));
    }
    for fault in case.faults() {
        rows.push(Row {
            detector: "FAULT".to_owned(),
            ..nothing(visible(fault.as_bytes()))
        });
    }
    rows
}

fn nothing_found(case: &Case) -> String {
    let changed = if case.body_unchanged() {
        "body unchanged"
    } else {
        "body replaced"
    };
    let reasons: Vec<_> = case.uninspected().into_iter().map(|(reason, _)| reason).collect();
    if reasons.is_empty() {
        changed.to_owned()
    } else {
        format!("{changed}; not inspected: {}", visible(reasons.join(", ").as_bytes()))
    }
}

fn add(rows: &mut Vec<Row>, row: Row) {
    match rows.iter_mut().find(|known| {
        Row {
            count: 1,
            ..(*known).clone()
        } == row
    }) {
        Some(known) => known.count += 1,
        None => rows.push(row),
    }
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= WIDEST {
        return text.to_owned();
    }
    text.chars().take(WIDEST - 1).chain(['…']).collect()
}

/// The table as text, without colours.
pub fn table(rows: &[Row]) -> String {
    table_painted(rows, Paint::Plain)
}

/// The table as text. An exchange's name stands on its first line only.
pub fn table_painted(rows: &[Row], paint: Paint) -> String {
    const HEAD: [&str; 6] = ["exchange", "place", "detector", "action", "before", "after"];
    let cells: Vec<[String; 6]> = rows.iter().map(cells).collect();
    let width = |column: usize| {
        let texts = cells
            .iter()
            .filter_map(|row| row.get(column))
            .map(|text| text.chars().count());
        texts.chain([HEAD[column].len()]).max().unwrap_or_default()
    };
    let widths: [usize; 6] = std::array::from_fn(width);
    let mut out = String::new();
    line(&mut out, &HEAD.map(str::to_owned), &widths, paint, [Some("1"); 6]);
    let rule = widths.map(|width| "─".repeat(width));
    line(&mut out, &rule, &widths, paint, [Some("2"); 6]);
    let mut last = "";
    for (row, mut cells) in rows.iter().zip(cells) {
        if row.exchange == last {
            cells[0].clear();
        }
        last = &row.exchange;
        line(&mut out, &cells, &widths, paint, colours(row));
    }
    out
}

fn cells(row: &Row) -> [String; 6] {
    let times = if row.count > 1 {
        format!(" ×{}", row.count)
    } else {
        String::new()
    };
    [
        row.exchange.clone(),
        row.place.clone(),
        row.detector.clone(),
        row.action.clone(),
        row.before.clone(),
        format!("{}{times}", row.after),
    ]
}

/// The colour of each cell, as ANSI's number.
fn colours(row: &Row) -> [Option<&'static str>; 6] {
    match row.detector.as_str() {
        "FAULT" => [None, None, Some("1;31"), None, None, Some("31")],
        "-" => [None, Some("2"), Some("2"), Some("2"), Some("2"), Some("2")],
        _ if row.after == "(unchanged)" => [None, None, Some("36"), Some("33"), None, Some("33")],
        _ => [None, None, Some("36"), None, Some("2"), Some("32")],
    }
}

fn line(out: &mut String, cells: &[String; 6], widths: &[usize; 6], paint: Paint, colours: [Option<&str>; 6]) {
    let mut text = String::new();
    for ((cell, width), colour) in cells.iter().zip(widths).zip(colours) {
        if !text.is_empty() {
            text.push_str("  ");
        }
        let padding = " ".repeat(width.saturating_sub(cell.chars().count()));
        // Writing to a String does not fail.
        let _ = match colour.filter(|_| paint == Paint::Ansi && !cell.is_empty()) {
            Some(colour) => write!(text, "\x1b[{colour}m{cell}\x1b[0m{padding}"),
            None => write!(text, "{cell}{padding}"),
        };
        if text.is_empty() {
            text.push(' ');
        }
    }
    out.push_str(text.trim_end());
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(exchange: &str, detector: &str, after: &str, count: usize) -> Row {
        Row {
            exchange: exchange.into(),
            place: "response.body".into(),
            detector: detector.into(),
            action: "label".into(),
            before: "sk_l••••••".into(),
            after: after.into(),
            count,
        }
    }

    #[test]
    fn columns_are_aligned_and_a_name_is_not_repeated() {
        let text = table(&[
            row("one", "stripe", "[REDACTED:stripe]", 1),
            row("one", "x", "", 3),
            row("a-longer-one", "x", "y", 1),
        ]);
        let expected = "\
exchange      place          detector  action  before      after
────────────  ─────────────  ────────  ──────  ──────────  ─────────────────
one           response.body  stripe    label   sk_l••••••  [REDACTED:stripe]
              response.body  x         label   sk_l••••••   ×3
a-longer-one  response.body  x         label   sk_l••••••  y
";
        assert_eq!(text, expected);
    }

    #[test]
    fn colours_are_asked_for() {
        let rows = [row("one", "FAULT", "x", 1), row("two", "-", "x", 1)];
        assert!(!table(&rows).contains('\x1b'));
        assert!(table_painted(&rows, Paint::Ansi).contains("\x1b[1;31mFAULT\x1b[0m"));
    }
}
