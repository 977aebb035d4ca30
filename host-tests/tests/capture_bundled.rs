//! The captures that come with the project: each holds what it claims, and none of it in clear on disk.
//!
//! Without the first, a test that a secret is gone from the output could not fail; without the second, a scanner
//! would rightly refuse the repository.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use keepmum_host_tests::capture::{self, Plants};
use keepmum_host_tests::exchange::{End, Exchange, Message, Origin};

fn bundled() -> Vec<Exchange> {
    capture::bundled().unwrap_or_else(|why| panic!("{why:#}"))
}

fn named(name: &str) -> Exchange {
    bundled()
        .into_iter()
        .find(|e| e.name == name)
        .unwrap_or_else(|| panic!("no capture {name}"))
}

#[test]
fn every_capture_holds_its_planted_secrets_in_the_response() {
    for exchange in bundled() {
        let found = capture::leaked(&exchange.planted, &exchange.response);
        let planted: Vec<_> = exchange.planted.iter().map(|p| p.name.as_str()).collect();
        assert_eq!(found, planted, "{}", exchange.name);
        assert!(
            !exchange.about.is_empty() && !exchange.response.headers.is_empty(),
            "{}",
            exchange.name
        );
    }
}

#[test]
fn no_placeholder_is_left() {
    for exchange in bundled() {
        for message in [&exchange.request, &exchange.response] {
            let mut all = message.body_bytes();
            for (name, value) in message.headers.iter().chain(message.trailers.iter().flatten()) {
                all.extend_from_slice(name);
                all.extend_from_slice(value);
            }
            assert!(memchr::memmem::find(&all, b"{{plant").is_none(), "{}", exchange.name);
        }
    }
}

#[test]
fn a_content_length_counts_the_body() {
    for exchange in bundled() {
        for message in [&exchange.request, &exchange.response] {
            let Some(stated) = message.header("content-length") else {
                continue;
            };
            if exchange.request.header(":method") == Some(b"HEAD") && message.body.is_empty() {
                continue;
            }
            let stated: usize = std::str::from_utf8(stated).unwrap().parse().unwrap();
            assert_eq!(stated, message.body_bytes().len(), "{}", exchange.name);
        }
    }
}

/// Names are unique, and those that the task asks for are there.
#[test]
fn the_set_is_complete() {
    let names: Vec<_> = bundled().into_iter().map(|e| e.name).collect();
    let unique: BTreeSet<_> = names.iter().collect();
    assert_eq!(unique.len(), names.len());
    for name in [
        "node-stack-trace",
        "aws-get-secret-value",
        "directory-listing",
        "dot-env",
        "django-debug-page",
        "customer-list",
        "redirect-with-token",
        "set-cookie-jwt",
        "connect-failure",
        "html-page",
        "png-image",
        "empty-204",
        "head-request",
        "event-stream",
        "trailers-with-url",
        "split-secret",
        "reset-mid-body",
    ] {
        assert!(unique.contains(&name.to_owned()), "no {name}");
    }
}

#[test]
fn each_capture_is_the_case_that_its_name_says() {
    fn body_len(message: &Message) -> usize {
        message.body_bytes().len()
    }
    type Check = fn(&Exchange) -> bool;
    let checks: [(&str, Check); 11] = [
        ("customer-list", |e| {
            body_len(&e.response) > 1 << 20 && e.response.body.len() > 60
        }),
        ("customer-list", |e| {
            e.response.header("transfer-encoding") == Some(b"chunked")
        }),
        ("set-cookie-jwt", |e| {
            e.response.headers.iter().filter(|(n, _)| n == b"set-cookie").count() == 3
        }),
        ("connect-failure", |e| {
            e.origin == Origin::ConnectFailure && e.response.header(":status") == Some(b"503")
        }),
        ("empty-204", |e| e.response.body.is_empty()),
        ("head-request", |e| {
            e.response.body.is_empty() && e.response.header("content-length").is_some()
        }),
        ("event-stream", |e| e.response.body.len() == 6),
        ("trailers-with-url", |e| {
            e.response.trailers.as_ref().is_some_and(|t| t.len() == 2)
        }),
        ("split-secret", |e| e.response.body.len() == 2),
        ("reset-mid-body", |e| e.response.end == End::Reset),
        ("png-image", |e| e.response.body_bytes().starts_with(b"\x89PNG")),
    ];
    for (name, check) in checks {
        assert!(check(&named(name)), "{name}");
    }
}

#[test]
fn the_split_secret_is_whole_in_no_chunk() {
    let exchange = named("split-secret");
    let value = &exchange.planted[0].value;
    assert!(
        exchange
            .response
            .body
            .iter()
            .all(|chunk| memchr::memmem::find(chunk, value).is_none())
    );
    assert!(memchr::memmem::find(&exchange.response.body_bytes(), value).is_some());
}

#[test]
fn the_list_holds_an_escaped_secret_that_a_search_for_its_bytes_misses() {
    let exchange = named("customer-list");
    let escaped = exchange.planted.iter().find(|p| p.name == "stripe-list-key").unwrap();
    assert!(memchr::memmem::find(&exchange.response.body_bytes(), &escaped.value).is_none());
    serde_json::from_slice::<serde_json::Value>(&exchange.response.body_bytes()).unwrap();
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

/// Every string in a JSON document, and what it is as base64.
fn strings(value: &serde_json::Value, out: &mut Vec<Vec<u8>>) {
    use serde_json::Value;
    match value {
        Value::String(text) => {
            if let Ok(decoded) = base64::engine::general_purpose::STANDARD.decode(text) {
                out.push(decoded);
            }
            out.push(text.clone().into_bytes());
        }
        Value::Array(list) => list.iter().for_each(|v| strings(v, out)),
        Value::Object(object) => object.values().for_each(|v| strings(v, out)),
        _ => {}
    }
}

#[test]
fn no_plant_stands_in_clear_on_disk() {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    let plants = Plants::beside(&capture::bundled_folder()).unwrap().unwrap().all();
    assert!(plants.len() > 20);
    for file in files(&manifest.join("captures"))
        .into_iter()
        .chain(files(&manifest.join("record")))
    {
        if file
            .components()
            .any(|part| part.as_os_str() == "node_modules" || part.as_os_str() == "__pycache__")
        {
            continue;
        }
        let bytes = std::fs::read(&file).unwrap();
        let mut texts = vec![bytes.clone()];
        for document in serde_json::Deserializer::from_slice(&bytes).into_iter().flatten() {
            strings(&document, &mut texts);
        }
        // One message with all of it, apart: the same search that finds a leak in a response.
        let message = Message {
            body: vec![texts.join(&b"\0\0"[..])],
            ..Message::default()
        };
        let found = capture::leaked(&plants, &message);
        assert!(found.is_empty(), "{}: {found:?}", file.display());
    }
}
