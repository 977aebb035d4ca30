//! Exact secrets through the engine: in every form, wherever they stand, however the text is cut; what is held back for them; and what
//! the client sent itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;

use keepmum_engine::fingerprints::publish::Publisher;
use keepmum_engine::fingerprints::{Secret, Stage, Table, forms};
use keepmum_engine::{Body, BodyKind, Engine, Exchange, Flow, Workspace};

const SHARED: &[u8] = b"64fb5ac9a0a3c6b5d1e8f7720f9a1b3c";

const POLICY: &[u8] = b"detectors: {packs: []}\nknown_secrets: {feed: {cluster: agent}}";

fn engine(policy: &[u8]) -> Engine {
    Engine::with_environment(policy, &|name| (name == "KEEPMUM_AGENT_KEY").then(|| SHARED.to_vec())).unwrap()
}

fn work(secrets: &[(&[u8], Stage)]) -> Workspace {
    let mut publisher = Publisher::new(SHARED, b"sixteen bytes 01").unwrap();
    for (i, (value, stage)) in secrets.iter().enumerate() {
        let secret = Secret {
            id: format!("test:{i}"),
            version: "7".to_owned(),
            stage: *stage,
        };
        publisher.add(secret, value).unwrap();
    }
    let (body, seal) = publisher.finish(1, 0).seal(SHARED).unwrap();
    let mut work = Workspace::default();
    work.know(Some(Arc::new(Table::open(SHARED, &body, &seal, None).unwrap())));
    work
}

/// What leaves of a body that comes in these pieces, and how much was held at most behind a piece.
fn through(engine: &Engine, work: &mut Workspace, exchange: &mut Exchange, pieces: &[&[u8]]) -> (Vec<u8>, usize) {
    let (mut body, mut out, mut held) = (Body::new(BodyKind::default()), Vec::new(), 0);
    for piece in pieces {
        if body.push(engine, work, exchange, piece, &mut out) == Flow::Pass {
            out.extend_from_slice(piece);
        }
        held = held.max(body.held());
    }
    body.finish(engine, work, exchange, &mut out);
    (out, held)
}

/// A value that no detector knows, from a seed.
fn value(seed: usize) -> Vec<u8> {
    let alphabet: &[u8] = match seed % 3 {
        0 => b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
        1 => b"abcdefghjkmnpqrstuvwxyzABCDEFGHJKMNPQRST23456789!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~ ",
        _ => b"0123456789abcdef",
    };
    let mut x = seed as u64 + 1;
    let one = |_| {
        x = x
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        alphabet[usize::try_from(x >> 33).unwrap() % alphabet.len()]
    };
    (0..16 + seed % 30).map(one).collect()
}

#[test]
fn every_form_goes_however_the_text_is_cut() {
    let values: Vec<Vec<u8>> = (0..40).map(value).collect();
    let secrets: Vec<_> = values.iter().map(|v| (v.as_slice(), Stage::Current)).collect();
    let (engine, mut work) = (engine(POLICY), work(&secrets));
    for (i, value) in values.iter().enumerate() {
        for form in forms::expand(value) {
            // What stands next to base64 is base64 too.
            let next: &[u8] = if form.name.starts_with("base64") { b"" } else { b"xY1" };
            let around = |text: &[u8]| [b"{\"note\": \"id9 ", text, next, b" and \xc3\xa4 more\"}\n"].concat();
            let (text, want) = (around(&form.text), around(b"[REDACTED:known-secret]"));
            for cut in 0..=text.len() {
                let (out, _) = through(
                    &engine,
                    &mut work,
                    &mut Exchange::default(),
                    &[&text[..cut], &text[cut..]],
                );
                assert_eq!(
                    String::from_utf8_lossy(&out),
                    String::from_utf8_lossy(&want),
                    "{} of {i}, cut at {cut}",
                    form.name
                );
            }
            let bytes: Vec<&[u8]> = text.chunks(1).collect();
            let (out, _) = through(&engine, &mut work, &mut Exchange::default(), &bytes);
            assert_eq!(out, want, "{} of {i}, byte by byte", form.name);
        }
    }
}

#[test]
fn text_without_a_secret_is_held_no_longer_than_it_could_begin_one() {
    let values: Vec<Vec<u8>> = (0..60).map(value).collect();
    let secrets: Vec<_> = values.iter().map(|v| (v.as_slice(), Stage::Current)).collect();
    let (engine, mut work) = (engine(POLICY), work(&secrets));
    let event: &[u8] = b"data: {\"choices\":[{\"delta\":{\"content\":\" Hello2You aB1\"}}]}\n\n";
    let (out, held) = through(&engine, &mut work, &mut Exchange::default(), &[event; 50]);
    assert_eq!(out, event.repeat(50));
    assert_eq!(held, 0, "no form begins with the end of a line");
    let prose: &[u8] = b"An ordinary text of words, 12 numbers and SomeNames, cut in the middle of a wo";
    let (out, held) = through(&engine, &mut work, &mut Exchange::default(), &[prose; 50]);
    assert_eq!(out, prose.repeat(50));
    assert!(held <= 160, "{held}");
}

#[test]
fn a_long_secret_is_found_from_its_beginning_to_its_end() {
    let long: Vec<u8> = (0..90).flat_map(|i| [value(3 * i), b"\n".to_vec()].concat()).collect();
    let (engine, mut work) = (engine(POLICY), work(&[(&long, Stage::Current)]));
    let text = [b"here: ", long.as_slice(), b" end\n"].concat();
    let pieces: Vec<&[u8]> = text.chunks(100).collect();
    let (out, held) = through(&engine, &mut work, &mut Exchange::default(), &pieces);
    assert_eq!(String::from_utf8_lossy(&out), "here: [REDACTED:known-secret] end\n");
    assert!(held <= 16 * 1024);
    // Its beginning alone is not it.
    let part = [&text[..1000], b" and something else\n"].concat();
    let pieces: Vec<&[u8]> = part.chunks(100).collect();
    let (out, _) = through(&engine, &mut work, &mut Exchange::default(), &pieces);
    assert_eq!(out, part);
}

#[test]
fn what_the_client_sent_and_what_is_no_longer_used_are_called_by_other_names() {
    let values: Vec<Vec<u8>> = (0..4).map(value).collect();
    let stages = [Stage::Current, Stage::Previous, Stage::Pending, Stage::Current];
    let secrets: Vec<_> = values.iter().map(|v| v.as_slice()).zip(stages).collect();
    let (engine, mut work) = (engine(POLICY), work(&secrets));
    let mut exchange = Exchange::default();
    let query: Vec<u8> = forms::expand(&values[3])
        .into_iter()
        .find(|f| f.name == "base64/0")
        .unwrap()
        .text
        .to_vec();
    exchange.sent(&work, &[b"/search?q=", query.as_slice()].concat());
    let text = values
        .iter()
        .flat_map(|v| [v.as_slice(), b"\n"].concat())
        .collect::<Vec<u8>>();
    let (out, _) = through(&engine, &mut work, &mut exchange, &[&text]);
    assert_eq!(
        String::from_utf8_lossy(&out),
        "[REDACTED:known-secret]\n[REDACTED:known-secret-previous]\n[REDACTED:known-secret-pending]\n[REDACTED:known-secret-reflected]\n"
    );
    let hits: Vec<_> = exchange
        .known_hits()
        .map(|h| (h.secret.id.as_str(), h.reflected, h.times))
        .collect();
    assert_eq!(
        hits,
        [
            ("test:0", false, 1),
            ("test:1", false, 1),
            ("test:2", false, 1),
            ("test:3", true, 1)
        ]
    );
}

#[test]
fn inside_base64_that_holds_more_it_is_found_too() {
    let secret = value(0);
    let (engine, mut work) = (engine(POLICY), work(&[(&secret, Stage::Current)]));
    let inside = [b"{\"user\": \"someone\", \"password\": \"", secret.as_slice(), b"\"}"].concat();
    let text = base64(&inside);
    let (out, _) = through(&engine, &mut work, &mut Exchange::default(), &[b"token ", &text, b"\n"]);
    assert!(
        !out.windows(8).any(|w| text[60..].windows(8).any(|t| t == w)),
        "{}",
        String::from_utf8_lossy(&out)
    );
}

fn base64(bytes: &[u8]) -> Vec<u8> {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = Vec::new();
    for three in bytes.chunks(3) {
        let n = three.iter().fold(0u32, |n, b| n << 8 | u32::from(*b)) << (8 * (3 - three.len()));
        let chars = (0..4).map(|i| alphabet[usize::try_from(n >> (18 - 6 * i) & 63).unwrap()]);
        out.extend(chars.take(three.len() + 1));
        out.extend(std::iter::repeat_n(b'=', 3 - three.len()));
    }
    out
}

#[test]
fn a_policy_that_asks_for_the_impossible_is_refused() {
    let cases = [
        ("known_secrets: {}", "known_secrets.feed: missing"),
        (
            "known_secrets: {feed: {cluster: ''}}",
            "known_secrets.feed.cluster: expected",
        ),
        (
            "known_secrets: {feed: {cluster: a, path: x}}",
            "known_secrets.feed.path: expected",
        ),
        (
            "known_secrets: {feed: {cluster: a, every: 5}}",
            "known_secrets.feed.every: a number stands here; expected a time",
        ),
        (
            "known_secrets: {feed: {cluster: a, every: 5s, stale_after: 1s}}",
            "known_secrets.feed.stale_after: it is shorter",
        ),
        (
            "known_secrets: {feed: {cluster: a}, action: hash}",
            "known_secrets.action: a hash of",
        ),
        (
            "known_secrets: {feed: {cluster: a}, action: defang}",
            "known_secrets.action: nobody knows",
        ),
        (
            "known_secrets: {feed: {cluster: a}, action: {mask: {keep_last: 4}}}",
            "known_secrets.action.mask: nothing",
        ),
        (
            "known_secrets: {feed: {cluster: a, key_env: NO_KEY}}",
            "known_secrets.feed.key_env: there is no such variable",
        ),
        (
            "known_secrets: {feed: {cluster: a, key_env: WEAK}}",
            "known_secrets.feed.key_env: its value can be guessed",
        ),
        ("known_secrets: {env: [A]}", "known_secrets.env: no such key"),
    ];
    for (policy, want) in cases {
        let environment = |name: &str| match name {
            "WEAK" => Some(b"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa".to_vec()),
            "KEEPMUM_AGENT_KEY" => Some(SHARED.to_vec()),
            _ => None,
        };
        let error = Engine::with_environment(policy.as_bytes(), &environment)
            .unwrap_err()
            .to_string();
        assert!(error.contains(want), "{policy}: {error}");
    }
}
