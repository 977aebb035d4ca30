//! `keepmum check`: what it prints, and how it ends.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

fn check(policy: &str) -> Output {
    check_with(policy, &[])
}

fn check_with(policy: &str, more: &[&str]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_keepmum"))
        .args(["check", "-"])
        .args(more)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
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

#[test]
fn a_key_that_can_be_guessed_is_refused_without_being_told() {
    let policy = r#"{"response":{"action":{"hash":{"key_env":"KEEPMUM_CHECK_KEY"}}}}"#;
    for (key, says) in [
        (None, "there is no such variable in the environment"),
        (Some(""), "it is empty"),
        (Some("changeme-changeme-changeme"), "its value can be guessed"),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_keepmum"));
        command
            .args(["check", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        command
            .env_remove("KEEPMUM_CHECK_KEY")
            .envs(key.map(|key| ("KEEPMUM_CHECK_KEY", key)));
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(policy.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(
            text.starts_with("response.action.hash.key_env: ") && text.contains(says),
            "{text}"
        );
        assert!(!text.contains("changeme"), "{text}");
    }
}

#[test]
fn the_number_of_a_policy_is_the_same_in_yaml_and_in_json() {
    let number = |policy: &str| String::from_utf8(check_with(policy, &["--revision"]).stdout).unwrap();
    assert_eq!(number("revision: 12\n"), "12\n");
    let yaml = number("# by hand\nmode: report\naudit: {log: false}\n");
    assert_eq!(yaml, number(r#"{"audit":{"log":false},"mode":"report"}"#));
    assert!(yaml.trim().parse::<u32>().is_ok(), "{yaml}");
}

/// The engine's own test plants secrets everywhere; here, that nothing else prints them.
#[test]
fn a_secret_that_was_pasted_for_a_key_is_not_printed() {
    let secret = ["ghp", "_", "q8W7e6R5t4Y3u2I1o0P9a8S7d6F5g4H3j2K1"].concat();
    for (policy, path) in [
        (format!("{secret}: 1\n"), "<a key of 40 characters>: no such key"),
        (
            format!("allow: [{{{secret}: 1}}]\n"),
            "allow[0].<a key of 40 characters>: no such key",
        ),
        (
            format!("detectors: {{actions: {{{secret}: mask}}}}\n"),
            "detectors.actions.<a key of 40 characters>: no detector",
        ),
    ] {
        let output = check(&policy);
        assert_eq!(output.status.code(), Some(2));
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(
            text.contains(path) && !text.contains(&secret[4..12]),
            "{}",
            text.replace(&secret, "…")
        );
    }
}

#[test]
fn a_route_that_is_never_reached_is_a_warning() {
    let routes = "routes:\n  - {name: all, match: {paths: [/**]}, mode: report}\n  - {name: api, match: {paths: [/api/**]}, mode: enforce}\n";
    let output = check_with(routes, &["--revision"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8(output.stdout).unwrap().trim().parse::<u32>().is_ok());
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(
        told.starts_with("warning: routes[1].match: never reached: routes[0] "),
        "{told}"
    );
    assert!(
        check("routes: [{name: api, match: {paths: [/api/**]}}]")
            .stderr
            .is_empty()
    );
}
