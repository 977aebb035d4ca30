//! The report on hostile text, on secrets that were found, missed and escaped, and on large bodies: read as HTML text, since
//! what must not be in it is easier to name than what must.

use std::collections::BTreeMap;

use super::*;
use crate::exchange::Planted;
use crate::replay::{Finding, Seen};

const HOSTILE: &str = "<script>alert(1)</script>\"'&\u{202e}\u{1b}[31m";

fn header(name: &str, value: &str) -> (Vec<u8>, Vec<u8>) {
    (name.as_bytes().to_vec(), value.as_bytes().to_vec())
}

/// A case whose every text from the wire is hostile, with a secret that was cut and one that was missed.
fn case(body_after: &str) -> Case {
    let before = format!("{HOSTILE} key=SECRETSECRETSECRET; other=MISSEDMISSEDMISSED; {HOSTILE}");
    let start = before.find("SECRET").unwrap() as u64;
    let request = vec![
        header(":method", "GET"),
        header(":path", "/x?token=QUERYSECRET"),
        header(":authority", HOSTILE),
    ];
    let fields = vec![
        header(":status", "200"),
        header("x-<u>", HOSTILE),
        header("etag", HOSTILE),
    ];
    let response = Message {
        headers: fields.clone(),
        body: vec![before.into_bytes()],
        ..Message::default()
    };
    let after = Message {
        headers: fields[..2].to_vec(),
        body: vec![body_after.replace("HOSTILE", HOSTILE).into_bytes()],
        ..Message::default()
    };
    let plant = |name: &str, value: &str| Planted {
        name: name.into(),
        value: value.into(),
    };
    Case {
        exchange: Exchange {
            name: HOSTILE.into(),
            about: HOSTILE.into(),
            request: Message {
                headers: request,
                ..Message::default()
            },
            response,
            planted: vec![
                plant("cut", "SECRETSECRETSECRET"),
                plant("missed", "MISSEDMISSEDMISSED"),
            ],
            ..Exchange::default()
        },
        outcome: Outcome::Replayed(Box::new(Replay {
            client: Seen {
                status: 200,
                message: after,
                ended: Ended::Complete,
            },
            upstream: None,
            logs: Vec::new(),
            findings: vec![Finding {
                detector: "some-<key>".into(),
                place: "response.body".into(),
                action: "label".into(),
                start,
                end: start + 18,
            }],
            metrics: BTreeMap::new(),
            told: BTreeMap::new(),
            grew: BTreeMap::from([("keepmum.uninspected.reason.<i>".to_owned(), 1)]),
            strict: vec![HOSTILE.into()],
            fuel: 0,
            peak_memory: 0,
            memory_growth: 0,
            peak_held: 0,
            failure: None,
        })),
    }
}

const REDACTED: &str = "HOSTILE key=[REDACTED:some-<key>]; other=MISSEDMISSEDMISSED; HOSTILE";

#[test]
fn nothing_from_the_wire_is_markup_or_invisible() {
    for after in [REDACTED, "HOSTILE", ""] {
        let page = html(
            &[case(after)],
            &About {
                module: HOSTILE.into(),
                policy: HOSTILE.into(),
                ..About::default()
            },
        );
        for forbidden in [
            "<script",
            "<u>",
            "<key>",
            "<i>",
            "\u{202e}",
            "\u{1b}",
            "http://",
            "https://",
            "QUERYSECRET",
        ] {
            assert!(!page.contains(forbidden), "{forbidden:?} for {after:?}");
        }
        assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    }
}

#[test]
fn secrets_are_masked_on_both_sides_unless_asked_for() {
    for after in [REDACTED, "key=SECRETSECRETSECRET", "HOSTILE"] {
        let page = html(&[case(after)], &About::default());
        assert!(
            !page.contains("SECRETSECRET") && !page.contains("MISSEDMISSED"),
            "{after}"
        );
    }
    let shown = html(
        &[case(REDACTED)],
        &About {
            show_secrets: true,
            ..About::default()
        },
    );
    assert!(
        shown.contains("SECRETSECRET")
            && shown.contains("MISSEDMISSED")
            && shown.contains("handle this file as a secret")
    );
}

#[test]
fn what_was_found_put_missed_and_not_inspected_is_told() {
    let page = html(&[case(REDACTED)], &About::default());
    for expected in [
        "<mark class=\"cut\" title=\"some-&lt;key&gt;\">•••••• 18 bytes</mark>",
        "<mark class=\"put\" title=\"some-&lt;key&gt;\">[REDACTED:some-&lt;key&gt;]</mark>",
        "<mark class=\"missed\" title=\"planted, not found\">•••••• 18 bytes</mark>",
        "reached the client: missed",
        "not inspected: &lt;i&gt;",
        "1 host call remark",
        "taken out",
        "default-src 'none'",
    ] {
        assert!(page.contains(expected), "{expected}\n{page}");
    }
}

#[test]
fn a_large_body_is_shown_around_its_findings() {
    let mut case = case("");
    let filler = "lorem ipsum é ".repeat(40_000);
    case.exchange.response.body = vec![format!("{filler}SECRETSECRETSECRET{filler}").into_bytes()];
    if let Outcome::Replayed(replay) = &mut case.outcome {
        replay.client.message.body = vec![format!("{filler}[REDACTED:some-<key>]{filler}").into_bytes()];
        replay.findings[0].start = filler.len() as u64;
        replay.findings[0].end = filler.len() as u64 + 18;
    }
    let page = html(&[case], &About::default());
    assert!(page.len() < 40_000, "{}", page.len());
    assert!(page.contains("[REDACTED:some-&lt;key&gt;]") && !page.contains('\u{fffd}'));
    assert_eq!(page.matches("… 599.8 kB …").count(), 4);
}

/// A secret that the module missed, across the edge of what is shown.
#[test]
fn no_half_of_a_secret_is_shown_at_an_edge() {
    for distance in 200..280 {
        let mut case = case("");
        let gap = "x".repeat(distance);
        let rest = "y".repeat(5_000);
        let text = |found: &str| format!("{found}{gap}MISSEDMISSEDMISSED{rest}");
        case.exchange.response.body = vec![text("SECRETSECRETSECRET").into_bytes()];
        if let Outcome::Replayed(replay) = &mut case.outcome {
            replay.client.message.body = vec![text("[REDACTED:some-<key>]").into_bytes()];
            replay.findings[0].start = 0;
            replay.findings[0].end = 18;
        }
        let page = html(&[case], &About::default());
        assert!(page.contains("[REDACTED:") && !page.contains("MISSED"), "{distance}");
    }
}

#[test]
fn an_exchange_that_was_not_replayed_says_why() {
    let mut case = case("");
    case.outcome = Outcome::NotReplayed(format!("it holds no response {HOSTILE}"));
    let page = html(&[case], &About::default());
    assert!(page.contains("Not replayed: it holds no response &lt;script"));
}
