//! The bodies of the table through the engine alone: what needs no proxy needs none.
//!
//! With `KEEPMUM_CASES` they are written to that file as well, a line of JSON for each, for runners in other languages.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may stop")]

use std::fs::File;
use std::io::{BufWriter, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keepmum_engine::{Body, Engine, Exchange, Flow, Workspace};
use keepmum_scenarios::table::{Way, all};
use serde_json::json;

#[test]
fn bodies_come_out_of_the_engine_as_of_the_proxy() {
    let table = all().unwrap();
    let (mut wrong, mut runs) = (Vec::new(), 0);
    let cases = std::env::var_os("KEEPMUM_CASES");
    let mut cases = cases.map(|path| BufWriter::new(File::create(path).unwrap()));
    for scenario in table.iter().filter(|s| s.alone) {
        let engine = Engine::new(scenario.policy.to_string().as_bytes()).unwrap();
        for cut in scenario.cuts() {
            let message = scenario.exchange(cut, Way::TwoTwo).response;
            let content_type = message.header("content-type").unwrap_or_default();
            let keep_length =
                content_type.starts_with(b"application/grpc") || message.header(":status") == Some(b"206");
            let mut body = Body::of_type(content_type, keep_length);
            let (mut work, mut exchange, mut out) = (Workspace::default(), Exchange::default(), Vec::new());
            for piece in &message.body {
                if body.push(&engine, &mut work, &mut exchange, piece, &mut out) == Flow::Pass {
                    out.extend_from_slice(piece);
                }
            }
            body.finish(&engine, &mut work, &mut exchange, &mut out);
            runs += 1;
            if let Some(cases) = &mut cases {
                let text = |bytes: &[u8]| STANDARD.encode(bytes);
                let line = json!({
                    "name": format!("{}/{}", scenario.name, cut.name()),
                    "policy": scenario.policy,
                    "type": String::from_utf8_lossy(content_type),
                    "keep_length": keep_length,
                    "pieces": message.body.iter().map(|piece| text(piece)).collect::<Vec<_>>(),
                    "want": text(&out),
                });
                writeln!(cases, "{line}").unwrap();
            }
            if out != scenario.client.message.body_bytes() {
                wrong.push(format!("{}/{}: other body", scenario.name, cut.name()));
            }
        }
    }
    eprintln!("{runs} bodies");
    assert!(runs > 0 && wrong.is_empty(), "{}", wrong.join("\n"));
}
