//! The streaming contract on hand-picked texts: what comes out, whatever the cut.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{JSON, PLAIN, assert_cuts_do_not_matter, check, engine, whole};

/// A synthetic key, built so that no file holds it.
fn stripe() -> String {
    format!("sk{}{}", "_live_", "FAKEfakeFAKEfakeFAKE0001")
}

fn escaped(text: &str) -> String {
    text.bytes().map(|b| format!("\\u{b:04x}")).collect()
}

#[test]
fn a_secret_goes_and_its_surroundings_stay() {
    let s = stripe();
    check(
        "{}",
        PLAIN,
        &format!("key={s}; x"),
        "key=[REDACTED:stripe-secret-key]; x",
    );
    check(
        r#"{"response":{"action":"mask"}}"#,
        PLAIN,
        &format!("key={s}; x"),
        &format!("key={}; x", "*".repeat(s.len())),
    );
    check(
        r#"{"response":{"action":"remove"}}"#,
        PLAIN,
        &format!("key={s}; x"),
        "key=; x",
    );
    check("{}", PLAIN, &s, "[REDACTED:stripe-secret-key]");
    check(
        "{}",
        PLAIN,
        "sk_live_ sk_live_short sk_liv",
        "sk_live_ sk_live_short sk_liv",
    );
}

#[test]
fn escapes_hide_nothing_and_the_document_stays_valid() {
    let s = stripe();
    let label = "[REDACTED:stripe-secret-key]";
    for inner in [
        escaped(&s),
        format!("{}{}", escaped(&s[..1]), &s[1..]),
        format!("{}{}{}", &s[..3], escaped(&s[3..5]), &s[5..]),
        format!("{}{}", &s[..12], escaped(&s[12..14])) + &s[14..],
    ] {
        check(
            "{}",
            JSON,
            &format!(r#"{{"a":"{inner}","b":1}}"#),
            &format!(r#"{{"a":"{label}","b":1}}"#),
        );
        let nested = inner.replace('\\', "\\\\");
        check(
            "{}",
            JSON,
            &format!(r#"{{"a":"{{\"b\":\"{nested}\"}}"}}"#),
            &format!(r#"{{"a":"{{\"b\":\"{label}\"}}"}}"#),
        );
    }
    check(
        "{}",
        JSON,
        r#"{"dsn":"postgres:\/\/app:hunter2-hunter2@db:5432\/shop"}"#,
        r#"{"dsn":"postgres:\/\/app:[REDACTED:postgres-url-password]@db:5432\/shop"}"#,
    );
    check(
        "{}",
        JSON,
        &format!(r#"{{"log":"line\n{s}\nnext"}}"#),
        &format!(r#"{{"log":"line\n{label}\nnext"}}"#),
    );
}

#[test]
fn a_value_found_once_is_removed_wherever_it_comes_again() {
    check(
        "{}",
        PLAIN,
        "a hunter2-hunter2 postgres://app:hunter2-hunter2@db/x b hunter2-hunter2 c hunter2-hunter",
        "a hunter2-hunter2 postgres://app:[REDACTED:postgres-url-password]@db/x b [REDACTED:postgres-url-password] c hunter2-hunter",
    );
}

#[test]
fn fields_lose_their_values_and_stay_json() {
    let p = r#"{"fields":[{"names":["password","pin"]}]}"#;
    check(
        p,
        JSON,
        r#"{"password":"a\"b","Pin" : 1234, "x":"password", "pin":{"a":[1,"}"]},"password":"","pin":null,"pin":true}"#,
        r#"{"password":"[REDACTED:field]","Pin" : "[REDACTED:field]", "x":"password", "pin":"[REDACTED:field]","password":"","pin":null,"pin":"[REDACTED:field]"}"#,
    );
    check(
        r#"{"fields":[{"names":["pin"],"action":"remove"}]}"#,
        JSON,
        r#"{"pin":12,"pin":"x1","y":[3]}"#,
        r#"{"pin":null,"pin":"","y":[3]}"#,
    );
    check(
        r#"{"fields":[{"names":["pin"],"action":"mask"}]}"#,
        JSON,
        r#"{"pin":12,"pin":"x1"}"#,
        r#"{"pin":"********","pin":"**"}"#,
    );
}

/// A quote that is left open ends with its line, a backslash before the line's end or not.
#[test]
fn a_name_is_what_its_reader_makes_of_the_key() {
    let p = r#"{"fields":[{"names":["DOM\\user","pw"]}]}"#;
    for (text, want) in [
        (
            r#"{"DOM\\user":"x","a":1}"#,
            r#"{"DOM\\user":"[REDACTED:field]","a":1}"#,
        ),
        (
            r#"{"DOM\u005c\u0075ser":"x"}"#,
            r#"{"DOM\u005c\u0075ser":"[REDACTED:field]"}"#,
        ),
        (r#"{"\u0070w":"x"}"#, r#"{"\u0070w":"[REDACTED:field]"}"#),
        // Escaped twice: rather too much than too little.
        (r#"{"\\u0070w":"x"}"#, r#"{"\\u0070w":"[REDACTED:field]"}"#),
    ] {
        check(p, JSON, text, want);
    }
}

#[test]
fn a_field_is_found_behind_a_line_that_breaks_off() {
    let p = r#"{"fields":[{"names":["password"]}]}"#;
    for front in ["open \"C:\\\n", "open \"C:\n", "{\"password\":\"C:\\\n"] {
        let found = front.replace(":\"C:\\", ":\"[REDACTED:field]");
        let text = |front: &str, value: &str| format!("{front}{{\"password\":\"{value}\"}}");
        check(
            p,
            keepmum_engine::BodyKind::default(),
            &text(front, "hunter2hunter"),
            &text(&found, "[REDACTED:field]"),
        );
    }
}

#[test]
fn a_number_that_is_a_secret_becomes_a_string() {
    let p = r#"{"detectors":{"custom":[{"id":"acct","pattern":"4111[0-9]{8}"}]}}"#;
    let long = |middle: &str| format!(r#"{{"n":1{}{middle}{}}}"#, "2".repeat(60), "3".repeat(60));
    check(p, JSON, &long("411100000000"), &long("111111111111"));
    check(
        p,
        JSON,
        r#"{"n":411100000000,"s":"411100000000","m":-1411100000000.5}"#,
        r#"{"n":"[REDACTED:acct]","s":"[REDACTED:acct]","m":"[REDACTED:acct]"}"#,
    );
}

#[test]
fn a_secret_inside_a_field_goes_with_the_field() {
    let s = stripe();
    let p = r#"{"fields":[{"names":["credentials"]}]}"#;
    for value in [
        format!(r#"{{"key":"{s}","n":[1,"{s}"]}}"#),
        format!(r#""x {s} y""#),
        format!(r#""{s}""#),
    ] {
        let text = format!(r#"{{"credentials"{}:{value},"z":1}}"#, "\n");
        let want = format!(r#"{{"credentials"{}:"[REDACTED:field]","z":1}}"#, "\n");
        check(p, JSON, &text, &want);
    }
}

#[test]
fn what_a_repeat_is_called_does_not_depend_on_the_cut() {
    let p = r#"{"detectors":{"packs":[],"custom":[{"id":"acme","pattern":"\"key\":\"(?<secret>[a-z0-9]{12})"}]},"fields":[{"names":["key"]}]}"#;
    check(
        p,
        JSON,
        r#"{"key":"abcdef123456","x":"abcdef123456"}"#,
        r#"{"key":"[REDACTED:field]","x":"[REDACTED:acme]"}"#,
    );
    check(
        r#"{"fields":[{"names":["key"]}]}"#,
        JSON,
        r#"{"key":"ab\/cd12345","x":"ab\/cd12345 ab/cd12345"}"#,
        r#"{"key":"[REDACTED:field]","x":"[REDACTED:field] [REDACTED:field]"}"#,
    );
}

#[test]
fn a_number_is_held_while_what_follows_decides() {
    let p = r#"{"detectors":{"packs":[],"custom":[{"id":"acct","pattern":"4111(?<secret>[0-9]{8}),\"cvv\""}]}}"#;
    check(
        p,
        JSON,
        r#"{"n":99411100000000,"cvv":1}"#,
        r#"{"n":"[REDACTED:acct]","cvv":1}"#,
    );
}

#[test]
fn an_escape_is_no_part_of_an_anchor_and_hides_no_border() {
    let npm = format!("npm{}{}", "_", "FAKEfake".repeat(5));
    let key = format!("AK{}{}", "IA", "QWERTYUIOPASDFGH");
    let npm = &npm[..40];
    // `\n` is a line feed, and what follows is no token; behind an escaped backslash it is one.
    check(
        "{}",
        JSON,
        &format!(r#"{{"a":"\{npm}"}}"#),
        &format!(r#"{{"a":"\{npm}"}}"#),
    );
    check(
        "{}",
        JSON,
        &format!(r#"{{"a":"\\{npm}"}}"#),
        r#"{"a":"\\[REDACTED:npm-token]"}"#,
    );
    for front in [
        "\\u5bc6\\uff1a",
        "\\ud83d\\udd11",
        "\u{1b}[1;32m",
        "\\u001b[32m",
        "a%3D",
        "a%253D",
        "\\x3d",
        "x=3D",
    ] {
        check(
            "{}",
            PLAIN,
            &format!("{front}{key} x"),
            &format!("{front}[REDACTED:aws-access-key-id] x"),
        );
    }
}

#[test]
fn only_what_could_be_no_word_is_remembered() {
    for word in [
        "script-src",
        "max-age=31536000",
        "created_at",
        "address1",
        "false},{",
        "/textarea",
    ] {
        let text = format!("https://x:{word}@y.example/ \"{word}\": {word}");
        let e = engine("{}");
        let out = whole(&e, PLAIN, text.as_bytes()).out;
        assert!(
            String::from_utf8_lossy(&out).ends_with(&format!("\"{word}\": {word}")),
            "{word}"
        );
    }
    check(
        "{}",
        PLAIN,
        "https://x:hunter2-Hunter2@y/ xhunter2-Hunter2 hunter2-Hunter2x hunter2-Hunter2",
        "https://x:[REDACTED:basic-auth-url]@y/ xhunter2-Hunter2 hunter2-Hunter2x [REDACTED:basic-auth-url]",
    );
}

#[test]
fn the_id_in_a_token_goes_where_it_stands_alone() {
    let id = "fa4efa4e0123456789abcdef";
    check(
        "{}",
        PLAIN,
        &format!("VF.DM.{id}.FAKEfakeFAKEfake, of {id}; {id}0"),
        &format!("[REDACTED:voiceflow-key], of [REDACTED:voiceflow-key]; {id}0"),
    );
}

#[test]
fn two_secrets_of_one_candidate_both_go() {
    let p = r#"{"detectors":{"packs":[],"custom":[{"id":"acme","pattern":"acme:[^|]{0,200};pw=(?<secret>[a-z0-9]{6,40})"}]}}"#;
    check(
        p,
        PLAIN,
        "acme:a;pw=secret1;b;pw=secret2;c",
        "acme:a;pw=[REDACTED:acme];b;pw=[REDACTED:acme];c",
    );
}

#[test]
fn a_quote_ends_a_json_string_whatever_a_pattern_thinks() {
    let p = r#"{"detectors":{"packs":[],"custom":[{"id":"acme","pattern":"token=(?<secret>[^& ]{8,100})"}]}}"#;
    check(
        p,
        JSON,
        r#"{"a":"token=abcdefgh12","r":"x"}"#,
        r#"{"a":"token=[REDACTED:acme]","r":"x"}"#,
    );
    check(
        p,
        JSON,
        r#"{"a":"token=abcd\"efgh12","r":"x"}"#,
        r#"{"a":"token=[REDACTED:acme]","r":"x"}"#,
    );
}

#[test]
fn report_mode_changes_nothing_and_finds_the_same() {
    let s = stripe();
    let text = format!("a {s} b");
    let e = engine(r#"{"mode":"report","fields":[{"names":["k"]}]}"#);
    let got = whole(&e, PLAIN, text.as_bytes());
    assert_eq!(got.out, text.as_bytes());
    assert_eq!(got.found, [("stripe-secret-key".to_owned(), 2, 2 + s.len() as u64)]);
    assert_cuts_do_not_matter(&e, PLAIN, text.as_bytes());
}

#[test]
fn an_allowed_value_stays() {
    let s = stripe();
    check(
        &format!(r#"{{"allow":[{{"value":"{s}"}}]}}"#),
        PLAIN,
        &format!("a {s} b"),
        &format!("a {s} b"),
    );
}

#[test]
fn an_anchor_that_must_stand_inside_a_word_is_held_there() {
    let p = r#"{"detectors":{"packs":[],"custom":[{"id":"acme","pattern":"\\Bacme_[0-9]{4}"}]}}"#;
    check(p, PLAIN, "xacme_1234 acme_1234", "x[REDACTED:acme] acme_1234");
}
