//! The packs `pii` and `error-leaks`: what they leave behind is a valid document that can still be read.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{JSON, assert_cuts_do_not_matter, engine, run, whole};
use keepmum_engine::BodyKind;
use proptest::prelude::*;

const PII: &str = r#"{"detectors":{"packs":["pii"]}}"#;
const LEAKS: &str = r#"{"detectors":{"packs":["error-leaks"]}}"#;

/// What comes out, whatever the cut.
fn rewritten(policy: &str, kind: BodyKind, text: &str) -> String {
    let e = engine(policy);
    assert_cuts_do_not_matter(&e, kind, text.as_bytes());
    String::from_utf8(whole(&e, kind, text.as_bytes()).out).unwrap()
}

/// A processor's published test number.
fn card() -> String {
    ["4242", "4242", "4242", "4242"].concat()
}

#[test]
fn a_card_that_is_a_number_becomes_a_string() {
    let text = format!(r#"{{"n":1,"card":{},"pan":"{}","at":0.{}}}"#, card(), card(), card());
    let want = format!(
        r#"{{"n":1,"card":"[REDACTED:payment-card-number]","pan":"[REDACTED:payment-card-number]","at":0.{}}}"#,
        card()
    );
    assert_eq!(rewritten(PII, JSON, &text), want);
}

#[test]
fn escapes_hide_no_beginning_and_stay_whole() {
    for (text, want) in [
        (
            r#"{"to":"\u003cfake@mail.example\u003e"}"#,
            r#"{"to":"\u003c[REDACTED:email-address]\u003e"}"#,
        ),
        (
            r#"{"a":"x\nfake@mail.example"}"#,
            r#"{"a":"x\n[REDACTED:email-address]"}"#,
        ),
        (
            r#"{"a":"{\"b\":\"x\\nfake@mail.example\"}"}"#,
            r#"{"a":"{\"b\":\"x\\n[REDACTED:email-address]\"}"}"#,
        ),
        (
            r#"{"tel":"\u002B442079460958"}"#,
            r#"{"tel":"[REDACTED:phone-number]"}"#,
        ),
        (
            r#"{"a":"fake\u002bshop@mail.example"}"#,
            r#"{"a":"[REDACTED:email-address]"}"#,
        ),
        (
            r#"{"a":"fake\u0040mail.example"}"#,
            r#"{"a":"[REDACTED:email-address]"}"#,
        ),
    ] {
        assert_eq!(rewritten(PII, JSON, text), want);
    }
    assert_eq!(
        rewritten(
            LEAKS,
            JSON,
            r#"{"a":"to\ndb-1.shop.internal","b":"\u000adb-2.internal"}"#
        ),
        r#"{"a":"to\n[REDACTED:internal-host-name]","b":"\u000a[REDACTED:internal-host-name]"}"#
    );
}

#[test]
fn a_trace_of_many_lines_becomes_one_label() {
    let frame = |n: usize| format!("\tat com.example.fake.Orders.find{n}(Orders.java:{n})\n");
    let frames: String = (1..60).map(frame).collect();
    let text = format!(
        "java.lang.IllegalStateException: fake\n{frames}Caused by: fake\n{}",
        frame(7)
    );
    let e = engine(LEAKS);
    for pieces in [1, 7, 1000, text.len()] {
        let got = run(&e, BodyKind::default(), text.as_bytes().chunks(pieces));
        assert_eq!(
            String::from_utf8(got.out).unwrap(),
            "java.lang.IllegalStateException: fake\n\t[REDACTED:java-stack-trace]\nCaused by: fake\n\
             \t[REDACTED:java-stack-trace]\n"
        );
    }
}

/// Far more than is held for one candidate.
#[test]
fn a_trace_without_end_is_swallowed_in_bounded_memory() {
    let frame = "    at fake (/srv/fake/run.js:10:5)\n";
    let text = format!("Error: fake\n{}done", frame.repeat(4000));
    let e = engine(LEAKS);
    for pieces in [100, 4096, text.len()] {
        let got = run(&e, BodyKind::default(), text.as_bytes().chunks(pieces));
        assert!(got.most_memory < 128 * 1024, "{} bytes held", got.most_memory);
        let out = String::from_utf8(got.out).unwrap();
        assert_eq!(out, "Error: fake\n    [REDACTED:node-stack-trace]\ndone");
    }
}

/// Where line feeds are escaped, a quote ends the text, in a log as well as in JSON.
#[test]
fn a_line_of_a_log_stays_json() {
    let text = r#"{"e":"Traceback\n  File \"/srv/fake/app.py\", line 10, in run\n    x = f(\"y\")","n":1}"#;
    let want = r#"{"e":"Traceback\n  [REDACTED:python-traceback]","n":1}"#;
    for kind in [JSON, BodyKind::default()] {
        assert_eq!(rewritten(LEAKS, kind, text), want);
    }
}

#[test]
fn what_only_looks_like_it_stays() {
    let text = r#"{"uuid":"123e4567-e89b-12d3-a456-426614174000","at":1700000000000,"v":"10.4.22-1","x":[1.5,-2e10],
        "img":"logo@2x.png","pkg":"fake@1.2.3","t":"2024-01-02T03:04:05+02:00","js":"e.local=a.internal,b.localStorage",
        "bin":"/usr/bin/env","url":"https://shop.example/home/page","host":"localhost:8080","node":"node:internal/fake"}"#;
    assert_eq!(
        rewritten(r#"{"detectors":{"packs":["pii","error-leaks"]}}"#, JSON, text),
        text
    );
}

/// A run of host characters longer than a host name has no beginning, however it is cut.
#[test]
fn runs_before_an_anchor_are_held_only_so_long() {
    let e = engine(LEAKS);
    for front in [200, 236, 240, 245, 250, 254, 300, 600] {
        let text = format!("http://{}.shop.internal/ and db-1.internal", "a1.".repeat(front / 3));
        assert_cuts_do_not_matter(&e, BodyKind::default(), text.as_bytes());
        let got = run(&e, BodyKind::default(), text.as_bytes().chunks(1));
        assert!(got.most_memory < 8 * 1024, "{front}: {} bytes held", got.most_memory);
    }
}

/// Pieces of what the two packs look for, of what stands around it, and of runs that are too long.
const PIECES: [&str; 36] = [
    "fake",
    "@",
    "mail.example",
    "fake@mail.example",
    ".internal",
    "db-1",
    ".shop",
    "\\u002b",
    "\\u002",
    "\\n",
    "\\",
    "%40",
    "4242",
    "42424242",
    "4",
    "-",
    ".",
    " ",
    ":5432",
    "\"",
    "//",
    "10.20.30.40",
    "123-45-6789",
    "+442079460958",
    "2a01:4f8::1",
    "at ",
    "f (/srv/a.js:1:2)",
    "\n",
    "\t",
    ".rb:1:in 'a'",
    "at a.b.C.d(C.java:1)",
    concat!("/ho", "me/fake/app/b.py"),
    "a1.b2-c3.",
    "DE89370400440532013000",
    ",",
    "\u{e9}",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_cut_changes_the_output(
        parts in prop::collection::vec((0usize..PIECES.len(), 1usize..40), 1..14),
        cuts in prop::collection::vec(0usize..4000, 0..8),
        json: bool,
    ) {
        let repeat = |(p, n): &(usize, usize)| PIECES[*p].repeat(if *n > 30 { *n } else { 1 });
        let text: String = parts.iter().map(repeat).collect();
        let text = text.as_bytes();
        let e = engine(r#"{"detectors":{"packs":["pii","error-leaks"]}}"#);
        let kind = BodyKind { json, keep_length: false };
        let want = whole(&e, kind, text);
        let mut at: Vec<usize> = cuts.iter().map(|c| c % (text.len() + 1)).chain([0, text.len()]).collect();
        at.sort_unstable();
        let got = run(&e, kind, at.windows(2).map(|w| &text[w[0]..w[1]]));
        prop_assert_eq!(String::from_utf8_lossy(&got.out), String::from_utf8_lossy(&want.out));
        prop_assert_eq!(&got.found, &want.found);
        let bytes = run(&e, kind, text.chunks(1));
        prop_assert_eq!(String::from_utf8_lossy(&bytes.out), String::from_utf8_lossy(&want.out));
        prop_assert!(got.most_memory < 128 * 1024);
    }
}

/// The run in front of an anchor is too long, and an escape in it belongs to one detector's class and not to another's.
#[test]
fn an_escape_in_a_run_that_is_too_long_is_not_cut() {
    let e = engine(r#"{"detectors":{"packs":["pii","error-leaks"]}}"#);
    let text = format!("{}\\u002bfake.rb:1:in 'a'", "DE89370400440532013000".repeat(31));
    let kind = BodyKind::default();
    let want = whole(&e, kind, text.as_bytes());
    for cut in text.len() - 30..text.len() {
        let (front, behind) = text.as_bytes().split_at(cut);
        assert_eq!(run(&e, kind, [front, behind].into_iter()).out, want.out, "cut at {cut}");
    }
    assert_eq!(run(&e, kind, text.as_bytes().chunks(1)).out, want.out);
}

/// A statement as a value, however it is quoted inside, goes whole; text with the words of SQL in it stays.
#[test]
fn a_statement_as_a_value_goes() {
    let label = "[REDACTED:sql-statement-value]";
    for (text, want) in [
        (
            r#"{"error":"boom","sql":"SELECT \"Order\".\"id\" FROM \"orders\" AS \"Order\" WHERE \"Order\".\"id\" = 7;","code":7}"#,
            format!(r#"{{"error":"boom","sql":"{label}","code":7}}"#),
        ),
        (
            r#"{"sql":"select id,\n  name\nfrom fake_users where name = 'x'","n":1}"#,
            format!(r#"{{"sql":"{label}","n":1}}"#),
        ),
        (
            r#"{"parent":{"sql":"SELECT * FROM fake"},"a":"x"}"#,
            format!(r#"{{"parent":{{"sql":"{label}"}},"a":"x"}}"#),
        ),
        (
            r#"{"detail":"DELETE FROM fake WHERE id = 7"}"#,
            format!(r#"{{"detail":"{label}"}}"#),
        ),
    ] {
        assert_eq!(rewritten(LEAKS, JSON, text), want);
    }
    for text in [
        r#"{"message":"Please select one of the plans from the list"}"#,
        r#"{"query":"with love from","sql":"no"}"#,
        r#"{"hint":"Select a country from the list to update the price"}"#,
        r#"{"a":"https://www.example.com/select?from=update"}"#,
    ] {
        assert_eq!(rewritten(LEAKS, JSON, text), text);
    }
}

/// What an error's headers say of hosts inside.
#[test]
fn private_addresses_and_hosts_go() {
    for (text, want) in [
        (
            r#"Basic realm="10.1.2.3""#,
            r#"Basic realm="[REDACTED:private-address]""#,
        ),
        ("http://10.2.3.4/x", "http://[REDACTED:private-address]/x"),
        ("http://10.2.3.4:8080/x", "http://[REDACTED:private-endpoint]/x"),
        ("https://orders.shop.corp/x", "https://[REDACTED:internal-host-name]/x"),
        (
            "Basic realm=\"db-7.lan\"",
            "Basic realm=\"[REDACTED:internal-host-name]\"",
        ),
        ("https://www.example.com/x", "https://www.example.com/x"),
        ("https://203.0.113.7/x", "https://203.0.113.7/x"),
        ("Basic realm=\"shop 10.1\"", "Basic realm=\"shop 10.1\""),
    ] {
        assert_eq!(rewritten(LEAKS, BodyKind::default(), text), want);
    }
}
