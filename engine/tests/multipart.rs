//! Multipart bodies: each part is read as its own type says, and the lines between them stay.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::sync::LazyLock;

use common::{Run, assert_cuts_of_do_not_matter, assert_same, at_cuts, engine, run_body};
use keepmum_engine::{Body, Engine, Unread};
use proptest::prelude::*;

const POLICY: &str = r#"{"fields":[{"names":["password","x-team-key"]},{"path":"$.user.pin"}],"response":{"action":{"label":{"template":"[GONE]"}}}}"#;

fn key() -> String {
    ["sk", "_live_", "FAKEfakeFAKEfakeFAKE0001"].concat()
}

fn of(content_type: &str) -> Body {
    Body::of_type(content_type.as_bytes(), false)
}

/// `KEY` stands for a planted key, `|` for CRLF.
fn text(template: &str) -> Vec<u8> {
    template.replace('|', "\r\n").replace("KEY", &key()).into_bytes()
}

fn check(e: &Engine, body: &Body, given: &str, want: &str) -> Run {
    let given = text(given);
    let got = assert_cuts_of_do_not_matter(e, body, &given);
    assert_eq!(
        String::from_utf8_lossy(&got.out),
        String::from_utf8_lossy(&text(want)),
        "of {}",
        String::from_utf8_lossy(&given)
    );
    let twice = run_body(e, body.clone(), [&*got.out]);
    assert!(
        twice.out == got.out && twice.found.is_empty(),
        "a second pass changes it"
    );
    got
}

#[test]
fn parts_are_read_by_their_own_types_and_names() {
    let e = engine(POLICY);
    let body = of("multipart/form-data; boundary=\"b 1\"");
    let part = |head: &str, content: &str| format!("--b 1|{head}||{content}|--b 1--|");
    let named = "Content-Disposition: form-data; name=";
    for (head, given, want) in [
        ("", "a KEY b", "a [GONE] b"),
        // JSON, and its paths begin at the part.
        (
            "Content-Type: application/json",
            r#"{"user":{"pin":12},"password":[1,2],"k":"KEY"}"#,
            r#"{"user":{"pin":"[GONE]"},"password":"[GONE]","k":"[GONE]"}"#,
        ),
        (
            "content-type : application/vnd.x+json; charset=utf-8",
            r#"{"user":|{"pin":|12}}"#,
            r#"{"user":|{"pin":|"[GONE]"}}"#,
        ),
        // Text is read by lines.
        ("Content-Type: text/plain", r#"{"password":[1]}"#, r#"{"password":[1]}"#),
        (
            "Content-Type: text/plain",
            r#"{"password":"x"}"#,
            r#"{"password":"[GONE]"}"#,
        ),
        (
            "Content-Type: application/x-www-form-urlencoded",
            "a=b&password=x+y&c=KEY",
            "a=b&password=[GONE]&c=[GONE]",
        ),
        // The part's name.
        (&format!("{named}\"password\""), "x|y", "[GONE]"),
        (&format!("{named}PassWord"), "x", "[GONE]"),
        (&format!("{named}\"user[password]\"; filename=x.txt"), "x", "[GONE]"),
        (&format!("{named}\"pass%77ord\""), "x", "[GONE]"),
        ("Content-Disposition:|\tform-data;| name=password", "x", "[GONE]"),
        ("content-disposition: form-data; name*=utf-8''p%61ssword", "x", "[GONE]"),
        (&format!("{named}\"password\"|Content-Type: image/png"), "x", "[GONE]"),
        (
            &format!("{named}\"password\"|Content-Type: application/json"),
            "{\"a\":1}",
            "\"[GONE]\"",
        ),
        (&format!("{named}\"password\""), "", ""),
        (&format!("{named}\"passwords\""), "x", "x"),
        (&format!("{named}\"a\"; filename=\"password\""), "x", "x"),
        ("X-Note: form-data; name=\"password\"", "x", "x"),
        // Two types are none.
        (
            "Content-Type: application/json|Content-Type: image/png",
            r#"{"password":[1],"k":"KEY"}"#,
            r#"{"password":[1],"k":"[GONE]"}"#,
        ),
        // A part that says how long it is stays as long.
        ("Content-Length: 32", "KEY", "********************************"),
    ] {
        check(&e, &body, &part(head, given), &part(head, want));
    }
}

#[test]
fn parts_that_are_allowed_by_name_stay() {
    let e = engine(r#"{"allow":[{"names":["free"]}],"response":{"action":{"label":{"template":"[GONE]"}}}}"#);
    let body = of("multipart/form-data; boundary=b");
    for (head, stays) in [
        ("name=free", true),
        ("name=\"a[free]\"", true),
        ("name=other", false),
        ("name=free; name=other", false),
    ] {
        let given = format!("--b|Content-Disposition: form-data; {head}||KEY|--b||KEY|--b--|");
        let want = if stays {
            given.replace("--b||KEY", "--b||[GONE]")
        } else {
            given.replace("KEY", "[GONE]")
        };
        check(&e, &body, &given, &want);
    }
}

#[test]
fn heads_of_parts_are_read_too() {
    let e = engine(POLICY);
    let body = of("multipart/mixed;boundary=b");
    for (given, want) in [
        (
            "--b|Content-Disposition: form-data; name=\"a\"; filename=\"KEY.txt\"||x|--b--|",
            "--b|Content-Disposition: form-data; name=\"a\"; filename=\"[GONE].txt\"||x|--b--|",
        ),
        (
            "--b|A: b|X-Team-Key:  fake| words |C: KEY||x|--b--|",
            "--b|A: b|X-Team-Key:  [GONE] |C: [GONE]||x|--b--|",
        ),
        // No body, no end.
        ("--b|a: KEY|--b|b: KEY", "--b|a: [GONE]|--b|b: [GONE]"),
        ("--b|password: KEY", "--b|password: [GONE]"),
    ] {
        check(&e, &body, given, want);
    }
}

#[test]
fn parts_that_are_no_text_pass_and_are_counted() {
    let e = engine(POLICY);
    let body = of("multipart/form-data; boundary=b");
    let given = "--b|Content-Type: image/png||KEY --b|--bb|--b|Content-Type: text/plain||KEY|--b|\
                 Content-Type: application/ZIP;x=y||KEY|--b|content-encoding: gzip||12345|--b|\
                 Content-Transfer-Encoding: base64||KEY|--b--|";
    let want = "--b|Content-Type: image/png||KEY --b|--bb|--b|Content-Type: text/plain||[GONE]|--b|\
                 Content-Type: application/ZIP;x=y||KEY|--b|content-encoding: gzip||12345|--b|\
                 Content-Transfer-Encoding: base64||[GONE]|--b--|";
    let got = check(&e, &body, given, want);
    let unread = |reason, parts, bytes| Unread { reason, parts, bytes };
    let bytes = 2 * key().len() as u64 + " --b\r\n--bb".len() as u64;
    assert_eq!(got.unread, [unread("content_type", 2, bytes), unread("encoding", 2, 5)]);
}

#[test]
fn nothing_reaches_across_a_line_between_parts() {
    let e = engine(POLICY);
    let pem = |what: &str| ["-----", what, " PRIVATE ", "KEY-----"].concat();
    let (begin, end) = (pem("BEGIN"), pem("END"));
    let line = "MIIFakeFakeFakeFakeFakeFakeFakeFakeFakeFakeFakeFakeFakeFakeFake1";
    let half = &key()[..12].to_owned();
    let rest = &key()[12..].to_owned();
    for between in [
        "\r\n--b\r\n\r\n",
        "\n--b\n\n",
        "\r\n--b \t\r\nA: b\r\n\r\n",
        "\r\n--b--\r\n",
        "\r\n--b\r\n--b\r\n\r\n",
    ] {
        for (front, back) in [
            (half.clone(), rest.clone()),
            (format!("{begin}\n{line}\n{line}"), format!("{line}\n{end}")),
        ] {
            let given = format!("--b\r\n\r\n{front}{between}{back}");
            let got = assert_cuts_of_do_not_matter(&e, &of("multipart/x; boundary=b"), given.as_bytes());
            let out = String::from_utf8_lossy(&got.out).into_owned();
            assert!(out.contains(between), "{given}\n{out}");
        }
    }
    // What is no such line does not part anything.
    for between in [
        "\r\n--bb\r\n",
        "\r\n --b\r\n",
        "\r\n--b-\r\n",
        "\r\n--bx--\r\n",
        "\r--b\r",
        "--b\r\n",
    ] {
        let given = format!("--b\r\n\r\n{{\"password\":\"{between}\"}}\r\n--b--");
        let got = assert_cuts_of_do_not_matter(
            &e,
            &of("multipart/x; boundary=b"),
            given
                .replace("\r\n\r\n{", "\r\nContent-Type: application/json\r\n\r\n{")
                .as_bytes(),
        );
        assert!(!String::from_utf8_lossy(&got.out).contains("[GONE]\r\n--b--") && got.out.ends_with(b"\r\n--b--"));
        assert_eq!(got.found.len(), 1, "{between:?}");
    }
}

#[test]
fn text_around_the_parts_is_read_and_lines_may_end_in_lf() {
    let e = engine(POLICY);
    let body = of("multipart/mixed;boundary=b");
    for (given, want) in [
        ("", ""),
        ("KEY", "[GONE]"),
        ("KEY|--b", "[GONE]|--b"),
        (
            "pre KEY|--b||KEY|--b--|epi KEY",
            "pre [GONE]|--b||[GONE]|--b--|epi [GONE]",
        ),
        (
            "pre KEY\n--b\n\nKEY\n--b--\nepi KEY\n",
            "pre [GONE]\n--b\n\n[GONE]\n--b--\nepi [GONE]\n",
        ),
        ("--b||KEY", "--b||[GONE]"),
        // Behind the last part another one begins: for some reader it may.
        (
            "--b--|--b|Content-Disposition: form-data; name=password||x|--b--",
            "--b--|--b|Content-Disposition: form-data; name=password||[GONE]|--b--",
        ),
        (
            "--b\n\n\n--b\nA: b\n\r\nKEY\n\n--b--",
            "--b\n\n\n--b\nA: b\n\r\n[GONE]\n\n--b--",
        ),
        // The boundary begins longer ones.
        (
            "--b||--b2|--b-b|KEY|--b--b|KEY|--b --|KEY|--b--",
            "--b||--b2|--b-b|[GONE]|--b--b|[GONE]|--b --|[GONE]|--b--",
        ),
    ] {
        check(&e, &body, given, want);
    }
}

#[test]
fn multipart_in_multipart_is_taken_apart_as_far_as_it_goes() {
    let e = engine(POLICY);
    let mut given = String::from("--z|Content-Disposition: form-data; name=password||x|--z--|");
    let mut inner = "z".to_owned();
    for depth in 1..=4 {
        let outer = format!("d{depth}");
        given = format!("--{outer}|Content-Type: multipart/mixed; boundary={inner}||{given}|--{outer}--|");
        inner = outer;
        let gone = given.replace("||x|", "||[GONE]|");
        let want = if depth < 3 { &gone } else { &given };
        check(&e, &of(&format!("multipart/mixed; boundary={inner}")), &given, want);
    }
    // The outer one ends the inner one.
    check(
        &e,
        &of("multipart/mixed; boundary=o"),
        "--o|Content-Type: multipart/mixed; boundary=i||--i|A: b|--o||--i|password: x|--o--",
        "--o|Content-Type: multipart/mixed; boundary=i||--i|A: b|--o||--i|password: x|--o--",
    );
}

#[test]
fn without_a_boundary_all_of_it_is_text() {
    let e = engine(POLICY);
    for content_type in [
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/mixed; boundary=b; boundary=c",
    ] {
        let given = "--b|Content-Disposition: form-data; name=password||x KEY|--b--";
        check(&e, &of(content_type), given, &given.replace("KEY", "[GONE]"));
    }
}

#[test]
fn a_head_that_does_not_end_is_text() {
    let e = engine(POLICY);
    let body = of("multipart/mixed;boundary=b");
    for filler in ["x".repeat(1 << 20), "a: b\r\n".repeat(1 << 17), "\n ".repeat(1 << 18)] {
        let given = format!("--b\r\nA: b{filler} {} \r\n--b\r\nx-team-key: fake\r\n\r\n", key());
        let want = format!("--b\r\nA: b{filler} [GONE] \r\n--b\r\nx-team-key: [GONE]\r\n\r\n");
        for pieces in [1 << 24, 5000, 777] {
            let got = run_body(&e, body.clone(), given.as_bytes().chunks(pieces));
            assert!(got.out == want.as_bytes(), "in pieces of {pieces}");
            assert!(got.most_memory < 64 * 1024, "{} bytes held", got.most_memory);
        }
    }
}

#[test]
fn floods_take_linear_time_and_little_memory() {
    let e = engine(POLICY);
    let body = of("multipart/mixed;boundary=b");
    for flood in [
        "--b",
        "--b--b--b\n",
        "\r\n--b\r\n",
        "\n--b\n\n",
        "\n--b--\n",
        "\r",
        "\r\n",
        "\n--b \t",
        "x--b",
        "\n--b\nContent-Type: multipart/x; boundary=b\n\n",
        "\n--b\na\n",
    ] {
        let given = flood.repeat((1 << 20) / flood.len());
        let begun = std::time::Instant::now();
        let got = run_body(&e, body.clone(), given.as_bytes().chunks(10_000));
        assert!(got.out == given.as_bytes(), "{flood:?}");
        assert!(got.most_memory < 64 * 1024, "{flood:?}: {} bytes held", got.most_memory);
        let took = begun.elapsed();
        eprintln!("{flood:?}: {took:?} for a mebibyte");
        assert!(took.as_secs() < 10, "{flood:?}: {took:?} for a mebibyte");
    }
}

#[test]
fn what_keeps_its_length_keeps_it_in_parts() {
    let e = engine(r#"{"fields":[{"names":["password"]}],"response":{"action":"remove"}}"#);
    let given = text(
        "--b|Content-Range: bytes 0-9/10|X: KEY||{\"password\":\"KEY\"}|--b|Content-Type: application/json||{\"password\":\"x\"}|\
         --b|Content-Disposition: form-data; name=password|Content-Type: application/json||KEY|--b--",
    );
    let body = Body::of_type(b"multipart/byteranges; boundary=b", true);
    let got = assert_cuts_of_do_not_matter(&e, &body, &given);
    let want = String::from_utf8(given)
        .unwrap()
        .replace(&key(), &"*".repeat(key().len()));
    assert_eq!(String::from_utf8(got.out).unwrap(), want.replace("\"x\"", "\"*\""));
}

#[test]
fn in_mode_report_and_with_nothing_in_it_a_body_passes() {
    let given = text("pre|--b|Content-Type: application/json||{\"a\":\"b\"}|--b|Content-Type: image/png||x\r|--b--|");
    let body = of("multipart/mixed;boundary=b");
    let got = run_body(&engine(POLICY), body.clone(), [&*given]);
    assert_eq!(got.out, given);
    let planted = text("--b|Content-Disposition: form-data; name=password||KEY|--b--");
    let report = engine(&POLICY.replacen('{', r#"{"mode":"report","#, 1));
    let (said, done) = (
        run_body(&report, body.clone(), planted.chunks(5)),
        run_body(&engine(POLICY), body, planted.chunks(5)),
    );
    assert!(said.out == planted && said.found == done.found && said.found.len() == 1);
}

#[test]
fn files_of_secrets_in_a_part_go_as_a_whole() {
    let e = engine(r#"{"deny":{"bodies":"label"}}"#);
    let secret = ["FAKEfake", "FAKEfake", "99x"].concat();
    let file = format!("DB_PASSWORD={secret}|API_TOKEN=KEY|DB_HOST=db.internal|");
    let given = format!("--b|Content-Disposition: form-data; name=f; filename=env||{file}|--b||fine|--b--");
    let body = of("multipart/form-data; boundary=b");
    let got = assert_cuts_of_do_not_matter(&e, &body, &text(&given));
    let out = String::from_utf8(got.out).unwrap();
    assert!(
        !out.contains("DB_HOST") && out.contains("\r\n--b\r\n\r\nfine\r\n--b--"),
        "{out}"
    );
}

/// The lines that part it, as a simple reader finds them.
fn lines(text: &[u8]) -> usize {
    let is = |line: &&[u8]| {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        matches!(line, b"--b" | b"--b--")
    };
    text.split(|b| *b == b'\n').filter(is).count()
}

static ENGINES: LazyLock<[Engine; 2]> = LazyLock::new(|| {
    let removing = r#"{"fields":[{"names":["password"],"action":"remove"}],"deny":{"bodies":"remove"}}"#;
    [engine(POLICY), engine(removing)]
});

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn heaps_of_structure_come_out_the_same_however_they_are_cut(
        pieces in proptest::collection::vec(0usize..18, 0..40),
        cuts in proptest::collection::vec(any::<usize>(), 0..12),
    ) {
        let key = key();
        let heap: Vec<&str> = vec![
            "--b", "--", "\r\n", "\n", "\r", "b", " ", &key, "\r\n--b\r\n", "\r\n--b--\r\n",
            "Content-Type: application/json\r\n", "Content-Type: image/png\r\n",
            "Content-Disposition: form-data; name=password\r\n", "{\"password\":\"x\"}", "{\"password\":{\"a\":1}}",
            "Content-Type: multipart/mixed; boundary=c\r\n", "\r\n--c\r\n", "x-team-key: fake",
        ];
        let given: String = pieces.iter().map(|i| heap[*i]).collect();
        let body = of("multipart/form-data; boundary=b");
        for e in ENGINES.iter() {
            let want = run_body(e, body.clone(), [given.as_bytes()]);
            let got = run_body(e, body.clone(), at_cuts(given.as_bytes(), &cuts));
            assert_same(&got, &want, given.as_bytes(), "cut");
            prop_assert_eq!(lines(&want.out), lines(given.as_bytes()), "{}", String::from_utf8_lossy(&want.out));
            if want.found.is_empty() {
                prop_assert_eq!(&want.out, given.as_bytes());
            }
        }
    }
}
