//! `keepmum diff`: what two policies do differently, through the module.
#![cfg(feature = "replay")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may stop")]

mod common;

use common::{Folder, Ran, keepmum};
use keepmum_host_tests::capture;
use serde_json::Value;

/// Over the bundled captures.
fn diff(folder: &Folder, old: &str, new: &str, args: &[&str]) -> Ran {
    let wasm = std::env::var("KEEPMUM_WASM").expect("KEEPMUM_WASM: cargo xtask build prints the path");
    folder.put("old.yaml", old.as_bytes());
    folder.put("new.yaml", new.as_bytes());
    let captures = capture::bundled_folder().display().to_string();
    let files = [folder.path("old.yaml"), folder.path("new.yaml")];
    let args = [&["diff", "--wasm", &wasm, "--captures", &captures], args].concat();
    keepmum(&args, &files, b"")
}

fn json(ran: &Ran) -> Value {
    serde_json::from_slice(&ran.stdout).unwrap_or_else(|_| panic!("{}{}", ran.text(), ran.stderr))
}

#[test]
#[ignore = "needs the module"]
fn differences_are_counted_by_kind_and_fail_as_asked() {
    let folder = Folder::new("diff-kinds");
    let bypass = "routes: [{name: keys, match: {paths: [/**]}, bypass: true}]";
    // Old, new, and what there is: lost, moved, gained.
    for (old, new, kinds) in [
        ("", "{}", [false, false, false]),
        ("", "mode: report", [true, false, false]),
        ("mode: report", "", [false, false, true]),
        ("", "detectors: {disable: [github-token]}", [true, false, false]),
        ("detectors: {disable: [github-token]}", "", [false, false, true]),
        ("", "response: {action: mask}", [false, true, false]),
        ("", bypass, [true, false, false]),
        ("", "deny: {paths: [/**]}", [true, false, true]),
    ] {
        let ran = diff(&folder, old, new, &["--json"]);
        let found = json(&ran);
        let counts = ["lost", "moved", "gained"].map(|kind| found[kind].as_u64().unwrap() > 0);
        assert_eq!(counts, kinds, "{old} -> {new}: {found:#}");
        assert_eq!(ran.code, i32::from(kinds.contains(&true)), "{old} -> {new}");
        if new == bypass {
            let all = found["differences"].as_array().unwrap();
            let pointed = |d: &Value| d["pointer"].as_str().is_some_and(|p| p.starts_with('/'));
            assert!(all.iter().any(pointed), "no JSON pointer: {found:#}");
        }
    }
    let ran = diff(&folder, "", "mode: report", &["--fail-on", "lost"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(
        ran.text().contains("-> ") && ran.text().contains("only reported now"),
        "{}",
        ran.text()
    );
    for (on, code) in [
        ("lost", 1),
        ("moved", 0),
        ("gained,moved", 0),
        ("moved,lost", 1),
        ("any", 1),
        ("none", 0),
    ] {
        let ran = diff(&folder, "", bypass, &["--fail-on", on]);
        assert_eq!(ran.code, code, "--fail-on {on}\n{}{}", ran.text(), ran.stderr);
    }
}

#[test]
#[ignore = "needs the module"]
fn they_are_told_by_route_and_detector_without_a_value() {
    let folder = Folder::new("diff-told");
    let new = "routes: [{name: all, match: {paths: [/**]}, detectors: {disable: [github-token]}}]";
    let ran = diff(&folder, "", new, &[]);
    let text = ran.text();
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(text.contains("on route default: github-token"), "{text}");
    assert!(!text.contains("on route all"), "{text}");
    let planted = capture::bundled().unwrap().into_iter().flat_map(|e| e.planted);
    for plant in planted {
        assert!(
            !text.contains(std::str::from_utf8(&plant.value).unwrap()),
            "{}",
            plant.name
        );
    }
    let found = json(&diff(&folder, "", new, &["--json"]));
    let groups = found["by_route_and_detector"].as_array().unwrap();
    let lost: u64 = groups.iter().map(|g| g["lost"].as_u64().unwrap()).sum();
    assert_eq!(Some(lost), found["lost"].as_u64());
    assert!(
        groups
            .iter()
            .all(|g| g["route"] == "default" && g["detector"] == "github-token"),
        "{found:#}"
    );
}

#[test]
fn what_cannot_be_done_exits_with_2() {
    let folder = Folder::new("diff-cannot");
    folder.put("good.yaml", b"{}");
    folder.put("bad.yaml", b"feilds: []\n");
    let (good, bad) = (folder.path("good.yaml"), folder.path("bad.yaml"));
    let nowhere = folder.path("nowhere");
    for (args, why) in [
        (
            vec!["diff", &good, &bad, "--captures", &nowhere],
            "did you mean `fields`?",
        ),
        (vec!["diff", &good, &good, "--captures", &nowhere], "--wasm"),
        (vec!["diff", &good, &good], "--captures"),
        (
            vec!["diff", &good, &good, "--captures", &nowhere, "--fail-on", "lots"],
            "lots",
        ),
        (
            vec!["diff", &good, &good, "--captures", &nowhere, "--fail-on", "none,lost"],
            "--fail-on",
        ),
    ] {
        let ran = keepmum(&args, &[], b"");
        assert_eq!(ran.code, 2, "{args:?} {}", ran.stderr);
        assert!(ran.stderr.contains(why), "{why}: {}", ran.stderr);
    }
}
