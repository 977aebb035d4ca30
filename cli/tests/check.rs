//! `keepmum check`: what it prints, and how it ends.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

fn check(policy: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_keepmum"))
        .args(["check", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(policy.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn a_policy_that_is_taken_says_nothing() {
    for policy in ["", "{}", "mode: report\n"] {
        let output = check(policy);
        assert_eq!(
            (output.status.code(), output.stdout.as_slice()),
            (Some(0), &b""[..]),
            "{policy}"
        );
    }
}

#[test]
fn everything_that_is_wrong_has_a_line_in_the_proxys_words() {
    let output = check("mode: reprot\nfeilds: []\n");
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert!(
        lines[0].starts_with("feilds: no such key; did you mean `fields`?"),
        "{text}"
    );
    assert_eq!(
        lines[1],
        "mode: no such word; did you mean `report`? expected one of enforce, report"
    );
}
