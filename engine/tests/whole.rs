//! Bodies that are files of secrets as a whole (`deny.bodies`): what leaves of them, whatever the cut and the kind.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{JSON, PLAIN, assert_cuts_do_not_matter, check, engine, run, whole};
use keepmum_engine::{Body, BodyKind, Engine, Exchange, Workspace};

fn fake() -> String {
    ["FAKE", "fakefake", "FAKE1", "9xyz"].concat()
}

fn dotenv() -> String {
    format!("APP_NAME=shop\nDB_HOST=db-7\nDB_PASSWORD={}\n", fake())
}

#[test]
fn nothing_of_a_file_leaves() {
    let docker = format!("{{\"auths\":{{\"r.test\":{{\"auth\":\"{}\"}}}}}}", fake());
    for (action, kind, text, want) in [
        ("label", PLAIN, dotenv(), "[REDACTED:dotenv-file]"),
        (
            "{label: {template: '[GONE:{detector}]'}}",
            PLAIN,
            dotenv(),
            "[GONE:dotenv-file]",
        ),
        ("remove", PLAIN, dotenv(), ""),
        ("label", JSON, docker.clone(), "\"[REDACTED:docker-config-file]\""),
        ("remove", JSON, docker.clone(), "null"),
        ("block", PLAIN, dotenv(), ""),
    ] {
        let policy = format!("deny: {{bodies: {action}}}");
        if action != "block" {
            check(&policy, kind, &text, want);
        }
        let run = whole(&engine(&policy), kind, text.as_bytes());
        assert_eq!(String::from_utf8_lossy(&run.out), want, "{action}");
        assert_eq!(run.found.len(), 1, "{:?}", run.found);
    }
}

#[test]
fn its_length_stays_where_it_must() {
    let kind = BodyKind {
        keep_length: true,
        ..PLAIN
    };
    let engine = engine("deny: {bodies: label}");
    let text = dotenv() + &"MORE=text\n".repeat(1000);
    assert_eq!(whole(&engine, kind, text.as_bytes()).out, b"*".repeat(text.len()));
    assert_eq!(
        run(&engine, kind, text.as_bytes().chunks(700)).out,
        b"*".repeat(text.len())
    );
}

#[test]
fn report_counts_and_leaves_the_rest_to_the_detectors() {
    let key = ["sk_live_", "FAKEfakeFAKEfakeFAKE0001"].concat();
    let text = format!("APP=shop\nSTRIPE_SECRET={key}\n");
    let engine = engine("deny: {bodies: report}");
    assert_cuts_do_not_matter(&engine, PLAIN, text.as_bytes());
    let run = whole(&engine, PLAIN, text.as_bytes());
    assert_eq!(
        String::from_utf8_lossy(&run.out),
        "APP=shop\nSTRIPE_SECRET=[REDACTED:stripe-secret-key]\n"
    );
    let ids: Vec<&str> = run.found.iter().map(|(id, ..)| id.as_str()).collect();
    assert_eq!(ids, ["dotenv-file", "stripe-secret-key"]);
}

#[test]
fn mode_report_changes_nothing_and_finds_the_same() {
    let report = engine("mode: report\ndeny: {bodies: label}");
    let run = whole(&report, PLAIN, dotenv().as_bytes());
    assert_eq!(run.out, dotenv().as_bytes());
    let enforced = whole(&engine("deny: {bodies: label}"), PLAIN, dotenv().as_bytes());
    assert_eq!(run.found, enforced.found);
    assert_cuts_do_not_matter(&report, PLAIN, dotenv().as_bytes());
}

#[test]
fn what_is_no_file_leaves_as_ever_and_at_once() {
    let engine = engine("deny: {bodies: label}");
    let (mut work, mut exchange, mut out) = (Workspace::default(), Exchange::default(), Vec::new());
    for text in [
        "data: {\"a\":1}\n\n",
        "<p>page</p>\n",
        "{\"id\":7}\n",
        "plain prose, and more\n",
    ] {
        let mut body = Body::new(PLAIN);
        body.push(&engine, &mut work, &mut exchange, text.as_bytes(), &mut out);
        assert_eq!(body.held(), 0, "{text}");
        assert!(out.is_empty(), "a copy of {text}");
        assert_cuts_do_not_matter(&engine, PLAIN, text.as_bytes());
    }
    for text in ["A=1\nB=2\n", "{\"type\":\"x\"}", "machine", "[default]\na=b\n"] {
        check("deny: {bodies: label}", PLAIN, text, text);
    }
    let long = format!("A=1\n{}", "NAME=text of a line\n".repeat(1000));
    let run = run(&engine, PLAIN, long.as_bytes().chunks(100));
    assert_eq!(run.out, long.as_bytes());
    assert!(run.most_memory < 32 * 1024, "{}", run.most_memory);
}

#[test]
fn what_would_keep_a_part_is_refused() {
    for (policy, part) in [
        ("deny: {bodies: mask}", "deny.bodies: nothing of such a body can stay"),
        (
            "response: {scan: [headers]}\ndeny: {bodies: label}",
            "deny.bodies: bodies are not looked at",
        ),
        ("deny: {bodies: labels}", "deny.bodies: no such word"),
    ] {
        let e = Engine::new(policy.as_bytes()).unwrap_err();
        assert!(
            e.mistakes().iter().any(|m| m.to_string().starts_with(part)),
            "{policy}: {e}"
        );
    }
}
