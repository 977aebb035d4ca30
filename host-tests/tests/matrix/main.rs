//! The evasion matrix: planted secrets, by the ways in which they are spelt and the places in which they stand, through
//! the module. README.md and docs/COVERAGE.md have the table: a cell in which a secret gets through is there as not covered, and one that
//! is covered there must be.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test may stop"
)]

#[path = "../common/mod.rs"]
mod common;
mod encodings;
mod places;

use std::fmt::Write as _;
use std::path::Path;

use common::{module, options};
use encodings::Encoding;
use keepmum_host_tests::replay::Replayer;

/// Synthetic secrets: a key that an anchor begins, a token that keeps a checksum, a URL with a password in it.
fn secrets() -> [String; 3] {
    [
        common::key(),
        format!("gl{}{}", "pat-", "FaKe0fAkE1FaKe2fAkE3"),
        format!("postgres{}{}@db.example:5432/shop", "://shop:", "FaKe-pw-0fAkE1"),
    ]
}

/// What must not be read by anybody: most of the secret, which for a URL is its password.
fn core(secret: &str) -> &str {
    let password = secret.split_once("://shop:").and_then(|(_, rest)| rest.split_once('@'));
    password.map_or_else(|| &secret[secret.len() - 12..], |(password, _)| password)
}

/// `leaked` of `all` ways to cut and secrets; `None`: there is no such thing.
struct Cell {
    leaked: usize,
    all: usize,
}

fn table(policy: &str) -> Vec<(&'static str, Vec<Option<Cell>>)> {
    let module = module();
    let mut replayer = Replayer::new(&module, options(policy));
    let mut rows = Vec::new();
    for (name, encoding) in encodings::ALL {
        let mut row = Vec::new();
        for place in places::ALL {
            // A body of messages is none any more if its heads are in UTF-16.
            let none = match encoding {
                Encoding::Secret(_) => false,
                Encoding::Body(_, said) => !place.in_body || (said.is_empty() && place.has_messages()),
            };
            if none {
                row.push(None);
                continue;
            }
            let mut cell = Cell { leaked: 0, all: 0 };
            for secret in secrets() {
                let spelt = match encoding {
                    Encoding::Secret(spell) => spell(&secret),
                    Encoding::Body(..) => secret.clone(),
                };
                for piece in [usize::MAX, 64, 13, 1] {
                    let exchange = match encoding {
                        Encoding::Secret(_) => place.exchange(&spelt, <[u8]>::to_vec, "", piece),
                        Encoding::Body(whole, said) => place.exchange(&spelt, whole, said, piece),
                    };
                    let r = replayer.replay(&exchange).unwrap();
                    assert!(r.failure.is_none(), "{name}, {}: {:?}", place.name, r.failure);
                    let got = &r.client.message;
                    let headers = got.headers.iter().chain(got.trailers.iter().flatten());
                    let all: Vec<u8> = headers.flat_map(|(_, v)| [v.as_slice(), b"\n"].concat()).collect();
                    let body = got.body.concat();
                    let undone = [(place.undo)(&body), (place.undo)(&encodings::unzipped(&body))];
                    let seen = undone.into_iter().chain([all, body]).any(|bytes| {
                        let core = core(&secret).as_bytes();
                        let readings = encodings::readings(&bytes, 2);
                        readings.iter().any(|r| r.windows(core.len()).any(|w| w == core))
                    });
                    cell.all += 1;
                    cell.leaked += usize::from(seen);
                }
            }
            row.push(Some(cell));
        }
        rows.push((*name, row));
    }
    rows
}

/// A client who gets what the upstream sent reads every secret, so that a cell without one says something.
#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn what_is_not_redacted_is_read() {
    for (name, row) in table(r#"{"mode":"report"}"#) {
        for (cell, place) in row.iter().zip(places::ALL) {
            let all = cell.as_ref().is_none_or(|c| c.leaked == c.all);
            assert!(all, "{name}, {}", place.name);
        }
    }
}

#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn what_is_covered_stays_covered() {
    let rows = table("{}");
    let mut text = String::from("| |");
    for place in places::ALL {
        write!(text, " {} |", place.name).unwrap();
    }
    text.push_str(&format!("\n| --- |{}\n", " --- |".repeat(places::ALL.len())));
    let (mut covered, mut open, mut exchanges) = (0, 0, 0);
    for (name, row) in &rows {
        write!(text, "| {name} |").unwrap();
        for cell in row {
            match cell {
                None => text.push_str("  |"),
                Some(c) => {
                    exchanges += c.all;
                    if c.leaked == 0 {
                        covered += 1;
                        text.push_str(" ✓ |");
                    } else {
                        open += 1;
                        write!(text, " {}/{} |", c.all - c.leaked, c.all).unwrap();
                    }
                }
            }
        }
        text.push('\n');
    }
    writeln!(
        text,
        "\n{covered} cells are covered, {open} are not; {exchanges} exchanges."
    )
    .unwrap();
    println!("{text}");
    for doc in ["README.md", "docs/COVERAGE.md"] {
        bless(doc, &text);
    }
}

/// Writes the table into a document, or fails if another one is there.
fn bless(doc: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(doc);
    let whole = std::fs::read_to_string(&path).unwrap();
    let (begin, end) = ("<!-- evasion matrix: blessed -->\n", "<!-- end of evasion matrix -->");
    let (front, rest) = whole.split_once(begin).expect("the table's beginning");
    let (old, back) = rest.split_once(end).expect("the table's end");
    if std::env::var_os("KEEPMUM_BLESS").is_some() {
        std::fs::write(&path, format!("{front}{begin}{text}{end}{back}")).unwrap();
        return;
    }
    assert_eq!(old, text, "{doc} is stale: KEEPMUM_BLESS=1 writes it anew");
}
