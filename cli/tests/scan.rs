//! `keepmum scan` as another program sees it: bytes, lines, order, exit codes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::{Folder, keepmum, secret, url};

#[test]
fn exit_codes_are_greps() {
    let folder = Folder::new("exit");
    folder.put("found", url("a").as_bytes());
    folder.put("clean", b"nothing here\n");
    for (files, code) in [
        (&["found"][..], 0),
        (&["clean"], 1),
        (&["clean", "found"], 0),
        (&["found", "not-there"], 2),
        (&["."], 2),
    ] {
        let files: Vec<_> = files.iter().map(|f| folder.path(f)).collect();
        let ran = keepmum(&["scan"], &files, b"");
        assert_eq!(ran.code, code, "{files:?}: {}", ran.stderr);
    }
    assert_eq!(keepmum(&["scan", "--no-such-option"], &[], b"").code, 2);
}

#[test]
fn an_unreadable_file_is_named_and_the_others_go_on() {
    let folder = Folder::new("unreadable");
    folder.put("one", b"first ");
    folder.put("two", url("b").as_bytes());
    let ran = keepmum(&["scan"], &["one", "gone", "two"].map(|f| folder.path(f)), b"");
    assert_eq!(ran.code, 2);
    assert_eq!(
        ran.stdout,
        b"first postgres://b:[REDACTED:postgres-url-password]@db/shop\n"
    );
    assert!(ran.stderr.contains("gone"), "{}", ran.stderr);
}

#[test]
fn bytes_that_are_no_text_pass() {
    let mut input: Vec<u8> = (0..=255).collect();
    input.extend_from_slice(url("c").as_bytes());
    input.extend_from_slice(b"\0\xff\xfe");
    let ran = keepmum(&["scan"], &[], &input);
    let mut expected: Vec<u8> = (0..=255).collect();
    expected.extend_from_slice(b"postgres://c:[REDACTED:postgres-url-password]@db/shop\n\0\xff\xfe");
    assert_eq!((ran.code, ran.stdout), (0, expected));
}

#[test]
fn findings_say_where_and_not_what() {
    let folder = Folder::new("findings");
    let text = format!("é {} and {}", url("a"), url("b"));
    folder.put("text", text.as_bytes());
    let path = folder.path("text");
    let ran = keepmum(&["scan", "--findings"], std::slice::from_ref(&path), b"");
    let at = |n| text.match_indices(&secret()).nth(n).unwrap().0;
    let expected: String = [0, 1]
        .map(|n| format!("{path}:{} postgres-url-password label\n", at(n)))
        .concat();
    assert_eq!((ran.code, ran.text()), (0, expected));
    assert!(!ran.text().contains(&secret()));
}

#[test]
fn an_unknown_pack_is_answered_with_those_there_are() {
    let ran = keepmum(&["scan", "--packs", "secrets,nonsense"], &[], b"");
    assert_eq!(ran.code, 2);
    assert!(
        ran.stderr.contains("`nonsense`") && ran.stderr.contains("secrets, tokens"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_wrong_policy_is_told_by_file_field_and_reason() {
    let folder = Folder::new("policy");
    for (policy, field) in [
        (r#"{"detectors": {"pakcs": []}}"#, "detectors.pakcs"),
        (
            r#"{"detectors": {"custom": [{"id": "x", "pattern": "("}]}}"#,
            "detectors.custom[0].pattern",
        ),
        (r#"{"mode": 5}"#, "mode"),
        ("[", "."),
    ] {
        folder.put("policy.json", policy.as_bytes());
        let path = folder.path("policy.json");
        for more in [&["scan"][..], &["scan", "--packs", "tokens"]] {
            let ran = keepmum(&[more, &["--policy", &path]].concat(), &[], b"");
            assert_eq!(ran.code, 2, "{policy}");
            assert!(
                ran.stderr.contains(&format!("{path}: {field}")),
                "{policy}: {}",
                ran.stderr
            );
        }
    }
    assert_eq!(keepmum(&["scan", "--policy", &folder.path("gone")], &[], b"").code, 2);
}

#[test]
fn packs_take_the_place_of_the_policys() {
    let folder = Folder::new("packs");
    folder.put(
        "policy.json",
        br#"{"detectors": {"packs": []}, "response": {"action": "mask"}}"#,
    );
    let path = folder.path("policy.json");
    let run = |more: &[&str]| keepmum(&[&["scan", "--policy", &path], more].concat(), &[], url("d").as_bytes());
    assert_eq!(run(&[]).code, 1);
    let ran = run(&["--packs", "secrets"]);
    assert_eq!(
        (ran.code, ran.text()),
        (0, url("d").replace(&secret(), &"*".repeat(secret().len())))
    );
}

#[test]
fn a_line_is_answered_before_the_next_is_written() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_keepmum"))
        .args(["scan", "--jsonl"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut to = child.stdin.take().unwrap();
    let mut from = BufReader::new(child.stdout.take().unwrap());
    for i in 0..3 {
        let line = serde_json::json!({"id": i, "text": url("e")});
        writeln!(to, "{line}").unwrap();
        // Half a line more must not keep the answer back.
        write!(to, "{{\"id\": \"half\", ").unwrap();
        let mut answer = String::new();
        from.read_line(&mut answer).unwrap();
        let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(answer["id"], i);
        writeln!(to, "\"text\": \"\"}}").unwrap();
        from.read_line(&mut String::new()).unwrap();
    }
    drop(to);
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_pipe_is_answered_before_it_ends() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_keepmum"))
        .arg("scan")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut to = child.stdin.take().unwrap();
    let mut from = BufReader::new(child.stdout.take().unwrap());
    for _ in 0..2 {
        to.write_all(url("f").as_bytes()).unwrap();
        let mut line = String::new();
        from.read_line(&mut line).unwrap();
        assert_eq!(line, "postgres://f:[REDACTED:postgres-url-password]@db/shop\n");
    }
    drop(to);
    assert!(child.wait().unwrap().success());
}

#[test]
fn lines_are_answered_in_order_whatever_they_hold() {
    let texts = [
        url("g"),
        String::new(),
        "quote \" backslash \\ nul \0 \u{1f600}".into(),
        "no secret".into(),
        format!("é\u{1f600}{}", url("h")),
    ];
    let ids = [
        r#"1"#,
        r#""a\u0041""#,
        r#"[1.50,{"k":null}]"#,
        "null",
        "12345678901234567890123",
    ];
    let mut input = String::new();
    for (id, text) in ids.iter().zip(&texts) {
        input += &format!("{{\"text\": {}, \"id\": {id}}}\n", serde_json::json!(text));
    }
    let ran = keepmum(&["scan", "--jsonl"], &[], input.as_bytes());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let answers: Vec<String> = ran.text().lines().map(str::to_owned).collect();
    assert_eq!(answers.len(), texts.len());
    for ((id, text), answer) in ids.iter().zip(&texts).zip(&answers) {
        assert!(answer.starts_with(&format!("{{\"id\":{id},")), "{answer}");
        let answer: serde_json::Value = serde_json::from_str(answer).unwrap();
        assert_eq!(
            answer["text"],
            text.replace(&secret(), "[REDACTED:postgres-url-password]")
        );
        for finding in answer["findings"].as_array().unwrap() {
            let at = |key: &str| usize::try_from(finding[key].as_u64().unwrap()).unwrap();
            assert_eq!(text[at("start")..at("end")], secret());
        }
        let many = text.matches(&secret()).count();
        assert_eq!(answer["findings"].as_array().unwrap().len(), many);
    }
}

#[test]
fn each_line_is_an_exchange_of_its_own() {
    let bare = format!("{{\"id\":2,\"text\":\"{}\"}}\n", secret());
    let input = format!("{}\n{bare}", serde_json::json!({"id": 1, "text": url("i")}));
    let ran = keepmum(&["scan", "--jsonl"], &[], input.as_bytes());
    assert_eq!(ran.text().lines().count(), 2);
    assert!(ran.text().lines().nth(1).unwrap().contains(&secret()));
}

#[test]
fn a_line_that_is_no_question_is_named_and_the_others_answered() {
    let input = b"{\"id\":1,\"text\":\"a\"}\nnonsense\n\n{\"id\":2}\n{\"id\":3,\"text\":\"half \\ud83d\"}\n{\"id\":4,\"text\":\"\xff\"}";
    let ran = keepmum(&["scan", "--jsonl"], &[], input);
    assert_eq!(ran.code, 2);
    let lines: Vec<String> = ran.text().lines().map(str::to_owned).collect();
    assert_eq!(lines[0], r#"{"id":1,"text":"a","findings":[]}"#);
    assert!(lines[1].starts_with(r#"{"id":null,"error":"line 2, "#), "{}", lines[1]);
    assert!(lines[2].starts_with(r#"{"id":null,"error":"line 4, "#), "{}", lines[2]);
    assert_eq!(lines[3], r#"{"id":3,"text":"half \ud83d","findings":[]}"#);
    assert_eq!(lines.len(), 5);
    assert!(ran.stderr.contains("line 2") && ran.stderr.contains("line 4"));
}

#[test]
fn a_line_of_50_megabytes_takes_bounded_time() {
    let flood = "sk_live_".repeat(50 * 1024 * 1024 / 8);
    let line = format!("{{\"id\":1,\"text\":\"{flood}\"}}\n");
    let begun = Instant::now();
    let ran = keepmum(&["scan", "--jsonl"], &[], line.as_bytes());
    assert_eq!(ran.code, 1);
    assert_eq!(ran.stdout.len(), line.len() + ",\"findings\":[]".len());
    let plain = keepmum(&["scan"], &[], flood.as_bytes());
    assert_eq!((plain.code, plain.stdout.len()), (1, flood.len()));
    assert!(begun.elapsed() < Duration::from_secs(120), "{:?}", begun.elapsed());
}

#[test]
fn a_closed_output_ends_it_quietly() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_keepmum"))
        .arg("scan")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut to = child.stdin.take().unwrap();
    // How much it takes before it notices is the pipe's affair.
    let _ = to.write_all(&vec![b'x'; 1 << 20]);
    drop(to);
    let out = child.wait_with_output().unwrap();
    assert_eq!(out.stderr, b"");
    assert_eq!(out.status.code(), Some(1));
}
