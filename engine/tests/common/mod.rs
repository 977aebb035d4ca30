//! What the engine's tests share: run a body through in pieces.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use keepmum_engine::{Body, BodyKind, Engine, Exchange, Flow, Unread, Workspace};

pub const JSON: BodyKind = BodyKind {
    json: true,
    keep_length: false,
};
pub const PLAIN: BodyKind = BodyKind {
    json: false,
    keep_length: false,
};

/// What came out, and what was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    pub out: Vec<u8>,
    pub found: Vec<(String, u64, u64)>,
    pub unread: Vec<Unread>,
    pub most_memory: usize,
}

pub fn engine(policy: &str) -> Engine {
    let key = |name: &str| (name == "KEEPMUM_HASH_KEY").then(|| concat!("fake-q7Lx2v", "-Rz9KpT-n4Wb8s").into());
    Engine::with_environment(policy.as_bytes(), &key).unwrap()
}

pub fn run<'a>(engine: &Engine, kind: BodyKind, pieces: impl IntoIterator<Item = &'a [u8]>) -> Run {
    run_body(engine, Body::new(kind), pieces)
}

/// The same with a body of any sort.
pub fn run_body<'a>(engine: &Engine, mut body: Body, pieces: impl IntoIterator<Item = &'a [u8]>) -> Run {
    let (mut work, mut exchange) = (Workspace::default(), Exchange::default());
    let (mut all, mut out) = (Vec::new(), Vec::new());
    let mut most_memory = 0;
    for piece in pieces {
        out.clear();
        match body.push(engine, &mut work, &mut exchange, piece, &mut out) {
            Flow::Pass => {
                assert!(out.is_empty(), "a chunk that passes writes nothing");
                all.extend_from_slice(piece);
            }
            Flow::Out => all.extend_from_slice(&out),
        }
        most_memory = most_memory.max(body.memory());
    }
    out.clear();
    body.finish(engine, &mut work, &mut exchange, &mut out);
    all.extend_from_slice(&out);
    let mut found: Vec<_> = exchange
        .findings()
        .iter()
        .map(|f| (f.detector(engine).to_owned(), f.start(), f.end()))
        .collect();
    // A field is told when its value has ended, a detector when its edit is settled: the order of telling is free.
    found.sort_by_key(|f| (f.1, f.2));
    Run {
        out: all,
        found,
        unread: exchange.take_unread(),
        most_memory,
    }
}

pub fn whole(engine: &Engine, kind: BodyKind, text: &[u8]) -> Run {
    run(engine, kind, [text])
}

/// Every cut in two, and single bytes, give what the whole gives.
pub fn assert_cuts_do_not_matter(engine: &Engine, kind: BodyKind, text: &[u8]) {
    assert_cuts_of_do_not_matter(engine, &Body::new(kind), text);
}

/// The same with a body of any sort.
pub fn assert_cuts_of_do_not_matter(engine: &Engine, body: &Body, text: &[u8]) -> Run {
    let want = run_body(engine, body.clone(), [text]);
    let bytes = run_body(engine, body.clone(), text.chunks(1));
    assert_same(&bytes, &want, text, "single bytes");
    for at in 0..=text.len() {
        let got = run_body(engine, body.clone(), [&text[..at], &text[at..]]);
        assert_same(&got, &want, text, &format!("cut at {at}"));
    }
    want
}

pub fn assert_same(got: &Run, want: &Run, text: &[u8], how: &str) {
    assert!(
        got.out == want.out && got.found == want.found && got.unread == want.unread,
        "{how} of {:?}\n  got {:?} {:?}\n want {:?} {:?}",
        String::from_utf8_lossy(text),
        String::from_utf8_lossy(&got.out),
        got.found,
        String::from_utf8_lossy(&want.out),
        want.found
    );
}

/// The output, whatever the cut, and that a second pass changes nothing.
pub fn check(policy: &str, kind: BodyKind, text: &str, want: &str) {
    let e = engine(policy);
    let got = whole(&e, kind, text.as_bytes());
    assert_eq!(String::from_utf8_lossy(&got.out), want, "of {text:?}");
    assert_cuts_do_not_matter(&e, kind, text.as_bytes());
    let twice = whole(&e, kind, &got.out);
    assert_eq!(String::from_utf8_lossy(&twice.out), want, "a second pass over {text:?}");
    assert!(twice.found.is_empty(), "a second pass finds {:?}", twice.found);
}

/// A text in pieces: cut where these numbers fall in it.
pub fn at_cuts<'t>(text: &'t [u8], cuts: &[usize]) -> Vec<&'t [u8]> {
    let mut at: Vec<usize> = cuts.iter().map(|c| c % (text.len() + 1)).collect();
    at.sort_unstable();
    let mut rest = (0, text);
    let mut pieces = Vec::new();
    for cut in at {
        let (piece, behind) = rest.1.split_at(cut - rest.0);
        pieces.push(piece);
        rest = (cut, behind);
    }
    pieces.push(rest.1);
    pieces
}

/// docs/POLICY.md has this between its two marks; with KEEPMUM_BLESS in the environment it is written there.
pub fn assert_blessed(test: &str, (begin, end): (&str, &str), table: &str) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/POLICY.md");
    let text = std::fs::read_to_string(path).unwrap();
    let (before, rest) = text.split_once(begin).expect("the mark before the table");
    let (now, after) = rest.split_once(end).expect("the mark behind it");
    if std::env::var_os("KEEPMUM_BLESS").is_some() {
        std::fs::write(path, format!("{before}{begin}{table}{end}{after}")).unwrap();
    } else {
        assert!(
            now == table,
            "docs/POLICY.md is stale: KEEPMUM_BLESS=1 cargo test -p keepmum-engine --test {test}"
        );
    }
}
