//! `keepmum scan --jsonl`: one text a line, one answer a line, in order.
//!
//! The other program may wait for an answer before it writes the next line, so that what was written is handed over
//! whenever there is no whole line left to work on.

use std::borrow::Cow;
use std::io::{BufRead as _, BufReader, Read, Write};

use anyhow::{Context as _, Result, anyhow};
use keepmum_engine::{Body, BodyKind, Engine, Exchange, Flow, Workspace};
use serde::de::{Deserializer, Visitor};
use serde_json::value::RawValue;

use crate::{Ended, complain, json};

#[derive(serde::Deserialize)]
struct Line<'a> {
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    text: Text<'a>,
}

/// A JSON string as bytes: UTF-8, and half a surrogate pair as if it were a character.
struct Text<'a>(Cow<'a, [u8]>);

impl<'de: 'a, 'a> serde::Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Text<'a>, D::Error> {
        struct Bytes;
        impl<'de> Visitor<'de> for Bytes {
            type Value = Cow<'de, [u8]>;
            fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
                f.write_str("a string")
            }
            fn visit_borrowed_bytes<E>(self, v: &'de [u8]) -> Result<Self::Value, E> {
                Ok(Cow::Borrowed(v))
            }
            fn visit_bytes<E>(self, v: &[u8]) -> Result<Self::Value, E> {
                Ok(Cow::Owned(v.to_vec()))
            }
        }
        d.deserialize_bytes(Bytes).map(Text)
    }
}

/// Answers line by line.
pub fn run(engine: &Engine, mut input: BufReader<impl Read>, output: &mut impl Write, ended: &mut Ended) -> Result<()> {
    let mut work = Workspace::default();
    let (mut line, mut out) = (Vec::new(), Vec::new());
    for number in 1u64.. {
        if memchr::memchr(b'\n', input.buffer()).is_none() {
            output.flush()?;
        }
        line.clear();
        if input
            .read_until(b'\n', &mut line)
            .context("cannot read standard input")?
            == 0
        {
            break;
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        match serde_json::from_slice::<Line>(&line) {
            Ok(asked) => {
                if answer(engine, &mut work, &asked, &mut out, output)? && *ended == Ended::Clean {
                    *ended = Ended::Found;
                }
            }
            Err(e) => {
                // Whoever pairs answers with lines by their order must not lose count.
                *ended = Ended::Failed;
                let why = format!(
                    "line {number}, column {}: expected {{\"id\":…,\"text\":\"…\"}}",
                    e.column()
                );
                output.write_all(b"{\"id\":null,\"error\":")?;
                json::string(output, why.as_bytes())?;
                output.write_all(b"}\n")?;
                complain(&anyhow!(why));
            }
        }
    }
    output.flush()?;
    Ok(())
}

/// Redacts one text, as an exchange of its own. Returns whether something was found.
fn answer(engine: &Engine, work: &mut Workspace, asked: &Line, out: &mut Vec<u8>, to: &mut impl Write) -> Result<bool> {
    let text = &asked.text.0;
    let mut exchange = Exchange::listing_all();
    let mut body = Body::new(BodyKind::default());
    out.clear();
    if body.push(engine, work, &mut exchange, text, out) == Flow::Pass {
        // Nothing is held behind it either.
        out.extend_from_slice(text);
    }
    body.finish(engine, work, &mut exchange, out);
    write!(to, "{{\"id\":{},\"text\":", asked.id.map_or("null", RawValue::get))?;
    json::string(to, out)?;
    to.write_all(b",\"findings\":[")?;
    for (i, f) in exchange.findings().iter().enumerate() {
        let comma = if i == 0 { "" } else { "," };
        let (detector, start, end) = (f.detector(engine), f.start(), f.end());
        write!(
            to,
            "{comma}{{\"detector\":\"{detector}\",\"start\":{start},\"end\":{end}}}"
        )?;
    }
    let blocked = if exchange.blocked().is_some() {
        ",\"blocked\":true"
    } else {
        ""
    };
    writeln!(to, "]{blocked}}}")?;
    Ok(!exchange.findings().is_empty())
}
