//! `keepmum explain` and `keepmum detectors` as a person or another program sees them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{Folder, keepmum, secret, url};
use serde_json::Value;

/// One of every outcome.
fn text() -> String {
    let placeholder = "mysql://b:${DB_PASSWORD}@h/";
    let done = "amqp://u:[REDACTED:amqp-url-password]@h";
    let [allowed, nothing] = ["redis://c:an-allowed-Passw0rd@h", "https://h.example/"];
    format!("é {}{} {placeholder} {done} {allowed} {nothing}\n", url("a"), secret())
}

const POLICY: &str = r#"{"allow": [{"value": "an-allowed-Passw0rd"}],
    "detectors": {"custom": [{"id": "whole-url", "pattern": "postgres://[a-z:@/A-Z0-9-]{1,80}"}]}}"#;

fn explain(args: &[&str]) -> (common::Ran, Folder) {
    let folder = Folder::new(&format!("explain-{}", args.len()));
    folder.put("text", text().as_bytes());
    folder.put("policy.json", POLICY.as_bytes());
    let (policy, file) = (folder.path("policy.json"), folder.path("text"));
    let args = [&["explain", "--policy", &policy], args, &[&file]].concat();
    (keepmum(&args, &[], b""), folder)
}

#[test]
fn every_outcome_is_told() {
    let (ran, _folder) = explain(&["--json"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(!ran.text().contains(&secret()) && !ran.text().contains("Passw0rd"));
    let told: Value = serde_json::from_str(&ran.text()).unwrap();
    let of = |detector: &str, outcome: &str| {
        let all = told["places"].as_array().unwrap();
        let one = all
            .iter()
            .find(|p| p["detector"] == detector && p["outcome"] == outcome);
        one.unwrap_or_else(|| panic!("{detector} {outcome} is not in {told:#}"))
            .clone()
    };
    let stretch = |p: &Value| {
        let at = |key: &str| usize::try_from(p["secret"][key].as_u64().unwrap()).unwrap();
        text()[at("start")..at("end")].to_owned()
    };
    assert_eq!(stretch(&of("whole-url", "redacted")), url("a").trim());
    let lost = of("postgres-url-password", "lost");
    assert_eq!((stretch(&lost), &lost["to"]), (secret(), &"whole-url".into()));
    assert_eq!(lost["because"], "it begins earlier");
    let again = of("postgres-url-password", "repeated");
    assert_eq!((again["line"].as_u64(), again["column"].as_u64()), (Some(2), Some(1)));
    assert_eq!(of("mysql-url-password", "rejected")["validator"], "not-placeholder");
    of("amqp-url-password", "own-label");
    of("redis-url-password", "allowed");
    of("basic-auth-url", "no-match");
}

#[test]
fn values_are_shown_only_when_they_are_asked_for() {
    let (ran, _folder) = explain(&[]);
    assert!(!ran.text().contains("Passw0rd") && ran.text().contains("rejected by not-placeholder"));
    let (ran, _folder) = explain(&["--show-values", "--"]);
    assert!(ran.text().contains(url("a").trim()), "{}", ran.text());
}

#[test]
fn places_in_json_have_a_pointer() {
    let folder = Folder::new("explain-pointer");
    folder.put(
        "body.json",
        format!(r#"{{"a":[1,{{"url":"{}"}}]}}"#, url("a").trim()).as_bytes(),
    );
    let file = folder.path("body.json");
    let ran = keepmum(&["explain", &file], &[], b"");
    assert!(ran.text().contains(" /a/1/url "), "{}", ran.text());
    let told: Value = serde_json::from_str(&keepmum(&["explain", "--json", &file], &[], b"").text()).unwrap();
    let places = told["places"].as_array().unwrap();
    assert!(places.iter().any(|p| p["pointer"] == "/a/1/url"), "{told:#}");
}

#[test]
fn places_in_encoded_text_are_places_in_the_input() {
    let utf16: Vec<u8> = url("a").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let told: Value = serde_json::from_str(&keepmum(&["explain", "--json"], &[], &utf16).text()).unwrap();
    let at = 2 * url("a").find(&secret()).unwrap();
    let one = |told: &Value, outcome: &str| {
        let all = told["places"].as_array().unwrap();
        all.iter()
            .find(|p| p["outcome"] == outcome)
            .cloned()
            .unwrap_or_else(|| panic!("{told:#}"))
    };
    let place = one(&told, "redacted");
    assert_eq!(
        (&place["secret"]["start"], &place["detector"]),
        (&at.into(), &"postgres-url-password".into())
    );
    // `mysql://u:${PASSWORD}@host/`, in base64 so as not to need an encoder.
    let text = r#"{"k": "bXlzcWw6Ly91OiR7UEFTU1dPUkR9QGhvc3Qv"}"#;
    let told: Value = serde_json::from_str(&keepmum(&["explain", "--json", text], &[], b"").text()).unwrap();
    let place = one(&told, "rejected");
    let stretch = (&place["secret"]["start"], &place["secret"]["end"]);
    assert_eq!(
        stretch,
        (&(7 + 10 / 3 * 4).into(), &(7 + 21_usize.div_ceil(3) * 4).into())
    );
}

#[test]
fn what_other_packs_would_take_is_told() {
    let text = "mail to someone@mail.acme-corp.example-site.org please";
    let told: Value = serde_json::from_str(&keepmum(&["explain", "--json", text], &[], b"").text()).unwrap();
    let unasked = told["unasked"].as_array().unwrap();
    assert_eq!(unasked.len(), 1, "{told:#}");
    assert_eq!(
        (&unasked[0]["pack"], &unasked[0]["secret"]["start"]),
        (&"pii".into(), &8.into())
    );
    let told: Value =
        serde_json::from_str(&keepmum(&["explain", "--packs", "pii", "--json", text], &[], b"").text()).unwrap();
    assert!(told["unasked"].as_array().unwrap().is_empty() && told["places"][0]["outcome"] == "redacted");
}

#[test]
fn a_text_can_be_given_in_three_ways() {
    let line = "connect to redis://x:0ne-Passw0rd@h";
    let folder = Folder::new("ways");
    folder.put("text", line.as_bytes());
    let expected = keepmum(&["explain"], &[], line.as_bytes()).text();
    assert!(expected.contains("redis-url-password"));
    for (arg, input) in [("-", line), (line, ""), (&folder.path("text"), "")] {
        let ran = keepmum(&["explain", arg], &[], input.as_bytes());
        assert_eq!((ran.code, ran.text()), (0, expected.clone()));
    }
    assert_eq!(keepmum(&["explain", "nothing in here"], &[], b"").code, 1);
    assert_eq!(keepmum(&["explain", "."], &[], b"").code, 2);
}

#[test]
fn any_bytes_can_be_explained() {
    let input: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    assert_eq!(keepmum(&["explain", "--json"], &[], &input).code, 1);
    let flood = "sk_live_".repeat(100_000);
    assert_eq!(keepmum(&["explain"], &[], flood.as_bytes()).code, 1);
    let much = vec![b'x'; 17 << 20];
    assert_eq!(keepmum(&["explain"], &[], &much).code, 2);
}

#[test]
fn the_catalogue_is_listed() {
    let all: Value = serde_json::from_str(&keepmum(&["detectors", "--json"], &[], b"").text()).unwrap();
    let all = all.as_array().unwrap();
    assert!(all.len() > 200);
    for d in all {
        for key in ["id", "name", "pack", "description", "reference", "pattern"] {
            assert!(d[key].as_str().is_some_and(|t| !t.is_empty()), "{d}");
        }
        assert!(d["anchors"].is_array());
        assert!(d["validators"].is_array());
    }
    let tokens = keepmum(&["detectors", "--pack", "tokens"], &[], b"");
    let expected = all.iter().filter(|d| d["pack"] == "tokens").count();
    assert_eq!((tokens.code, tokens.text().lines().count()), (0, expected));
    let ran = keepmum(&["detectors", "--pack", "nonsense"], &[], b"");
    assert!(
        ran.code == 2 && ran.stderr.contains("secrets, tokens"),
        "{}",
        ran.stderr
    );
}
