//! Base64 inside a text: what it holds is masked in place, the rest of it leaves as it came, whatever the cut.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{JSON, PLAIN, Run, assert_cuts_do_not_matter, at_cuts, engine, run, whole};
use keepmum_engine::{BodyKind, Exchange, Workspace};
use proptest::prelude::*;

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

fn encode(alphabet: &[u8; 64], text: &[u8]) -> String {
    let mut out = String::new();
    for three in text.chunks(3) {
        let mut bits = 0u32;
        for i in 0..3 {
            bits = bits << 8 | u32::from(three.get(i).copied().unwrap_or(0));
        }
        for i in 0..=three.len() {
            out.push(char::from(alphabet[(bits >> (18 - 6 * i) & 63) as usize]));
        }
    }
    out
}

fn base64(text: &str) -> String {
    let mut out = encode(STANDARD, text.as_bytes());
    while !out.len().is_multiple_of(4) {
        out.push('=');
    }
    out
}

fn url(text: &str) -> String {
    encode(URL, text.as_bytes())
}

fn decode(text: &str) -> String {
    let mut out = Vec::new();
    let (mut bits, mut have) = (0u32, 0);
    for c in text.bytes().filter(|b| *b != b'\\' && *b != b'=') {
        let v = STANDARD
            .iter()
            .position(|a| *a == c)
            .or(URL.iter().position(|a| *a == c));
        bits = bits << 6 | u32::try_from(v.unwrap()).unwrap();
        have += 6;
        if have >= 8 {
            have -= 8;
            out.push((bits >> have & 255) as u8);
        }
    }
    String::from_utf8(out).unwrap()
}

fn stripe() -> String {
    format!("sk{}{}", "_live_", "FAKEfakeFAKEfakeFAKE0001")
}

fn postgres(password: &str) -> String {
    format!("postgres{}app:{password}@db.internal:5432/shop", "://")
}

/// Everything that is promised of any text: cuts, a second pass.
fn promised(policy: &str, kind: BodyKind, text: &str) -> Run {
    let e = engine(policy);
    let got = whole(&e, kind, text.as_bytes());
    assert_cuts_do_not_matter(&e, kind, text.as_bytes());
    let twice = whole(&e, kind, &got.out);
    assert!(
        twice.out == got.out && twice.found.is_empty(),
        "a second pass finds {:?} in {:?}",
        twice.found,
        String::from_utf8_lossy(&got.out)
    );
    got
}

fn check(policy: &str, kind: BodyKind, text: &str, want: &str, found: &[&str]) {
    let got = promised(policy, kind, text);
    assert_eq!(String::from_utf8_lossy(&got.out), want, "of {text:?}");
    let ids: Vec<_> = got.found.iter().map(|f| f.0.as_str()).collect();
    assert_eq!(ids, found, "in {text:?}");
}

#[test]
fn a_secret_inside_becomes_a_mask_and_the_rest_stays() {
    let stars = "*".repeat(stripe().len());
    for encoded in [base64, url] {
        for front in ["", ";", ", ", "key: "] {
            for back in ["", "\n", " and more text?>~"] {
                let (before, after) = (
                    encoded(&format!("{front}{}{back}", stripe())),
                    encoded(&format!("{front}{stars}{back}")),
                );
                check(
                    "{}",
                    PLAIN,
                    &format!("x {before} y"),
                    &format!("x {after} y"),
                    &["stripe-secret-key"],
                );
                check(
                    "{}",
                    JSON,
                    &format!("{{\"a\":\"{before}\"}}"),
                    &format!("{{\"a\":\"{after}\"}}"),
                    &["stripe-secret-key"],
                );
            }
        }
    }
}

#[test]
fn a_kubernetes_secret_in_json_and_yaml() {
    let (before, after) = (
        base64(&postgres("hunter2-hunter2")),
        base64(&postgres("***************")),
    );
    for (front, back) in [
        ("apiVersion: v1\nkind: Secret\ndata:\n  url: ", "\n  name: c2hvcA==\n"),
        (
            "{\"kind\":\"Secret\",\"data\":{\"url\":\"",
            "\",\"name\":\"c2hvcA==\"}}",
        ),
        ("{\"last\":\"{\\\"data\\\":{\\\"url\\\":\\\"", "\\\"}}\\n\"}"),
        ("{\"yaml\":\"data:\\n  url:\\n", "\\n\"}"),
        ("{\"yaml\":\"data:\\u000a", "\\u000a\"}"),
    ] {
        check(
            "{}",
            JSON,
            &format!("{front}{before}{back}"),
            &format!("{front}{after}{back}"),
            &["postgres-url-password"],
        );
    }
}

#[test]
fn a_registrys_credentials_inside_a_kubernetes_secret() {
    let config = |auth: &str| {
        base64(&format!(
            "{{\"auths\":{{\"https://registry.internal/v1/\":{{\"auth\":\"{auth}\"}}}}}}"
        ))
    };
    let auth = base64("deploy:hunter2-hunter2-fake");
    let before = config(&auth);
    let after = config(&"*".repeat(auth.len()));
    let got = promised("{}", JSON, &format!("{{\".dockerconfigjson\":\"{before}\"}}"));
    assert_eq!(got.found.len(), 1);
    assert_eq!(got.found[0].0, "docker-config-auth");
    let out = String::from_utf8(got.out).unwrap();
    let inner = decode(&out[22..out.len() - 2]);
    assert!(
        !inner.contains(&auth[..12]) && inner.contains("\"auth\":\"****"),
        "{inner}"
    );
    assert_eq!(out.len(), before.len() + 24);
    assert_eq!(after.len(), before.len());
}

#[test]
fn base64_inside_base64_is_read_twice_and_no_deeper() {
    let secret = |s: &str| base64(&format!("{{\"config\":\"{}\"}}", base64(s)));
    let (one, stars) = (
        secret(&postgres("hunter2-hunter2")),
        secret(&postgres("***************")),
    );
    check(
        "{}",
        JSON,
        &format!("\"{one}\""),
        &format!("\"{stars}\""),
        &["postgres-url-password"],
    );
    let deeper = base64(&format!("the text {one} of it"));
    check("{}", JSON, &format!("\"{deeper}\""), &format!("\"{deeper}\""), &[]);
}

#[test]
fn a_slash_may_be_escaped() {
    // Its base64 has slashes: `?` and `~` stand at every place of a group.
    let text = |p: &str| format!("???~~~ ?o? {} ??>>??~??", postgres(p));
    let (before, after) = (base64(&text("hunter2?hunter2")), base64(&text("***************")));
    assert!(before.matches('/').count() > 3);
    for slash in ["\\/", "\\\\/", "\\\\\\/"] {
        let raw = before.replace('/', slash);
        let got = promised("{}", JSON, &format!("{{\"a\":\"{raw}\"}}"));
        assert_eq!(got.found.len(), 1, "{raw}");
        let out = String::from_utf8(got.out).unwrap();
        assert_eq!(decode(&out[6..out.len() - 2]), text("***************"), "{out}");
        assert_eq!(decode(&after), text("***************"));
    }
}

#[test]
fn what_was_found_is_removed_where_it_comes_again() {
    let password = "hunter2-hunter2";
    let run = base64(&postgres(password));
    let masked = base64(&postgres("***************"));
    // Inside first, then outside.
    check(
        "{}",
        PLAIN,
        &format!("{password} {run} {password} x"),
        &format!("{password} {masked} [REDACTED:postgres-url-password] x"),
        &["postgres-url-password", "postgres-url-password"],
    );
    // Outside first, then inside.
    check(
        "{}",
        PLAIN,
        &format!(
            "{} {} x",
            postgres(password),
            base64("the word is hunter2-hunter2 today")
        ),
        &format!(
            "{} {} x",
            postgres("[REDACTED:postgres-url-password]"),
            base64("the word is *************** today")
        ),
        &["postgres-url-password", "postgres-url-password"],
    );
    // Another run.
    check(
        "{}",
        PLAIN,
        &format!("{run}.{run} {}", base64("the word is hunter2-hunter2 today")),
        &format!("{masked}.{masked} {}", base64("the word is *************** today")),
        &[
            "postgres-url-password",
            "postgres-url-password",
            "postgres-url-password",
        ],
    );
}

#[test]
fn fields_inside_lose_their_values() {
    let p = r#"{"fields":[{"names":["password"]}],"detectors":{"packs":[]}}"#;
    check(
        p,
        JSON,
        &format!("{{\"a\":\"{}\"}}", base64(r#"{"user":"app","password":"hunter2"}"#)),
        &format!("{{\"a\":\"{}\"}}", base64(r#"{"user":"app","password":"*******"}"#)),
        &["field"],
    );
}

#[test]
fn report_mode_finds_the_same_and_changes_nothing() {
    let text = format!("x {} y", base64(&postgres("hunter2-hunter2")));
    let got = promised_in_report(&text);
    assert_eq!(got.out, text.as_bytes());
    let enforced = whole(&engine("{}"), PLAIN, text.as_bytes());
    assert_eq!(got.found, enforced.found);
}

fn promised_in_report(text: &str) -> Run {
    let e = engine(r#"{"mode":"report"}"#);
    assert_cuts_do_not_matter(&e, PLAIN, text.as_bytes());
    whole(&e, PLAIN, text.as_bytes())
}

#[test]
fn an_edit_outside_has_the_run_and_is_counted_once() {
    let tokens = r#"{"detectors":{"packs":["secrets","tokens"]}}"#;
    let secret = format!("{{\"sub\":\"fake\",\"url\":\"{}\"}}", postgres("hunter2-hunter2"));
    let jwt = format!(
        "{}.{}.FAKEfakeFAKEfake0123456789FAKE",
        url("{\"alg\":\"HS256\"}"),
        url(&secret)
    );
    check(
        tokens,
        PLAIN,
        &format!("a {jwt} b"),
        "a [REDACTED:json-web-token] b",
        &["json-web-token"],
    );
    // A signed token is not taken apart.
    check("{}", PLAIN, &format!("a {jwt} b"), &format!("a {jwt} b"), &[]);
    let pem = format!(
        "-----BEGIN {0}-----\n{1}\n{1}\n-----END {0}-----\n",
        "PRIVATE KEY", "FAKEfakeFAKEfakeFAKEfakeFAKEfakeFAKEfakeFAKEfakeFAKEfakeFAKEfake"
    );
    let got = promised("{}", PLAIN, &format!("key: {}\n", base64(&pem)));
    assert_eq!(got.found.len(), 1, "{:?}", got.found);
    assert_eq!(got.found[0].0, "private-key-pem-base64");
}

#[test]
fn what_is_no_text_leaves_as_it_came() {
    let noise: Vec<u8> = (0..600u32)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    for magic in [
        b"\x89PNG\r\n\x1a\n".as_slice(),
        b"\xff\xd8\xff\xe0\0\x10JFIF",
        b"GIF89a",
        b"RIFF\x24\x12\0\0WEBPVP8 ",
        b"%PDF-1.7\n",
        b"PK\x03\x04",
        b"\x1f\x8b\x08\0",
        b"wOF2",
    ] {
        let image = [magic, &noise, stripe().as_bytes()].concat();
        let text = format!("<img src=\"data:image/png;base64,{}\">", encode(STANDARD, &image));
        check("{}", PLAIN, &text, &text, &[]);
    }
    for text in [
        "0c3f5a77-9a1e-4b6e-a0d5-3f1c2b4a5968",
        "/articles/a-long-title-of-many-words-2026/edit",
    ] {
        check("{}", PLAIN, text, text, &[]);
    }
}

#[test]
fn a_run_is_known_by_its_capitals_wherever_it_stands() {
    let (before, after) = (
        base64(&postgres("hunter2-hunter2")),
        base64(&postgres("***************")),
    );
    for front in 0..40 {
        let x = "x ".repeat(front) + &"y".repeat(front % 3) + "=";
        let text = format!("{x}{before} z");
        assert_eq!(
            String::from_utf8(whole(&engine("{}"), PLAIN, text.as_bytes()).out).unwrap(),
            format!("{x}{after} z")
        );
    }
}

#[test]
fn basic_credentials_go_from_the_value_of_a_header() {
    let e = engine(r#"{"detectors":{"packs":["secrets","tokens"]}}"#);
    for (user, scheme) in [("deploy:hunter2", "Basic"), ("a:hunter2-hunter2-fake", "basic")] {
        let value = format!("{scheme} {}", base64(user));
        let mut exchange = Exchange::default();
        let out = exchange.value(&e, &mut Workspace::default(), value.as_bytes()).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            format!("{scheme} [REDACTED:basic-credentials]")
        );
    }
}

#[test]
fn the_layer_can_be_switched_off() {
    let text = format!("x {} y", base64(&postgres("hunter2-hunter2")));
    check(r#"{"response":{"decode":["percent"]}}"#, PLAIN, &text, &text, &[]);
}

#[test]
fn a_body_that_keeps_its_length_keeps_it() {
    let kind = BodyKind {
        json: true,
        keep_length: true,
    };
    let text = format!("{{\"a\":\"{}\"}}", base64(&postgres("hunter2-hunter2")));
    let got = promised("{}", kind, &text);
    assert_eq!(got.out.len(), text.len());
    assert_eq!(got.found.len(), 1);
}

#[test]
fn a_run_is_read_to_its_bound_and_followed_to_its_end() {
    let e = engine("{}");
    let filler = "plain words and nothing else. ".repeat(400);
    let (near, far) = (format!("{} {filler}", stripe()), format!("{filler} {}", stripe()));
    let got = whole(&e, PLAIN, base64(&near).as_bytes());
    assert_eq!(got.found.len(), 1);
    let text = base64(&far);
    for pieces in [1, 7, 1000, text.len()] {
        let got = run(&e, PLAIN, text.as_bytes().chunks(pieces));
        assert!(got.out == text.as_bytes() && got.found.is_empty());
        assert!(got.most_memory < 128 * 1024, "{} held", got.most_memory);
    }
}

#[test]
fn floods_pass_in_linear_time_and_bounded_memory() {
    let e = engine("{}");
    let text = |unit: &str| unit.repeat((1 << 20) / unit.len());
    for flood in [
        "A".to_owned(),
        "QUJDREVGR0hJSktMTU5PUFF ".to_owned(),
        base64("sk_live_"),
        base64("{\"a\":\"eyJ"),
        base64("some text, "),
        format!("{} ", base64(&stripe())),
        format!("{} ", base64(&base64(&stripe()))),
        "\\/".to_owned(),
        "a\\".to_owned(),
        "a\\\\\\\\\\/".to_owned(),
        "\\\\\\\\\\/".to_owned(),
        "SGVs\\/".to_owned(),
        format!("{}.", base64("the first words")),
    ] {
        let text = text(&flood);
        let start = std::time::Instant::now();
        for pieces in [16 * 1024, 1000] {
            let got = run(&e, JSON, text.as_bytes().chunks(pieces));
            assert!(
                got.most_memory < 128 * 1024,
                "{flood} in {pieces}: {} held",
                got.most_memory
            );
        }
        // A debug build on a busy machine; what is not linear takes minutes.
        assert!(start.elapsed().as_secs() < 60, "{flood}: {:?}", start.elapsed());
    }
}

const POLICIES: [&str; 4] = [
    r#"{"detectors":{"packs":["secrets","tokens"]},"fields":[{"names":["password"]}]}"#,
    r#"{"response":{"action":"mask"}}"#,
    r#"{"response":{"action":"remove"},"detectors":{"custom":[{"id":"acme","pattern":"acme_[0-9]{4}"},{"id":"run","pattern":"RkFL[A-Za-z0-9]{8,40}"}]}}"#,
    r#"{"mode":"report","fields":[{"names":["password"]}]}"#,
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Text with runs of base64 inside, of text with secrets inside: the cut does not matter.
    #[test]
    fn no_cut_changes_the_output(
        parts in prop::collection::vec((0usize..5, prop::collection::vec(0usize..18, 1..6)), 1..6),
        cuts in prop::collection::vec(0usize..3000, 0..8),
        policy in 0usize..4,
        kind in 0usize..4,
    ) {
        let piece = |p: &usize| match p {
            0 => stripe(),
            1 => postgres("hunter2-hunter2"),
            2 => "hunter2-hunter2".to_owned(),
            3 => "{\"password\":\"hunter2\",".to_owned(),
            4 => "\"}".to_owned(),
            5 => "acme_1234".to_owned(),
            6 => " some words ".to_owned(),
            7 => "???".to_owned(),
            8 => "FAKEfake".to_owned(),
            9 => "\\".to_owned(),
            10 => "/".to_owned(),
            11 => "é€".to_owned(),
            12 => "\u{1}\u{2}\u{3}".to_owned(),
            13 => base64(&stripe()),
            14 => format!("{{\"auth\":\"{}\"}}", base64("deploy:hunter2-hunter2")),
            15 => "sk_li".to_owned(),
            16 => ".".to_owned(),
            _ => "ab".to_owned(),
        };
        let text: String = parts.iter().map(|(how, inner)| {
            let inner: String = inner.iter().map(piece).collect();
            match how {
                0 => inner,
                1 => base64(&inner),
                2 => format!(" \"{}\" ", base64(&inner)),
                3 => url(&inner),
                _ => base64(&inner).replace('/', "\\/"),
            }
        }).collect();
        let text = text.as_bytes();
        let e = engine(POLICIES[policy]);
        let kind = BodyKind { json: kind & 1 == 1, keep_length: kind & 2 == 2 };
        let want = whole(&e, kind, text);
        if kind.keep_length {
            prop_assert_eq!(want.out.len(), text.len());
        }
        let got = run(&e, kind, at_cuts(text, &cuts));
        prop_assert_eq!(String::from_utf8_lossy(&got.out), String::from_utf8_lossy(&want.out));
        prop_assert_eq!(&got.found, &want.found);
        let bytes = run(&e, kind, text.chunks(1));
        prop_assert_eq!(String::from_utf8_lossy(&bytes.out), String::from_utf8_lossy(&want.out));
        prop_assert_eq!(&bytes.found, &want.found);
    }
}
