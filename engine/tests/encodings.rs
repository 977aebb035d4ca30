//! Secrets whose characters stand encoded: found, taken out of the original bytes, whatever the cut.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::time::Instant;

use common::{JSON, PLAIN, assert_cuts_do_not_matter, check, engine, run, whole};
use keepmum_engine::catalogue::{EXAMPLES, PACKS};

/// An assignment, quoted and not, and a token that may not have anything in front.
const CUSTOM: &str = r#"{"detectors":{"custom":[
    {"id":"quoted","pattern":"\"acme_key\" ?: ?\"(?<secret>[^\"\\s]{8,60})\""},
    {"id":"acme","pattern":"acme_key=(?<secret>[0-9A-Za-z+/=]{12,60})"},
    {"id":"bare","pattern":"\\bacm3_[0-9a-z]{12}\\b"}]}}"#;

/// What encoders leave as it is, and everything else as `%XX`.
fn percent(text: &str) -> String {
    let one = |b: u8| match b {
        b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'.' | b'_' | b'~' => char::from(b).to_string(),
        _ => format!("%{b:02X}"),
    };
    text.bytes().map(one).collect()
}

fn references(text: &str) -> String {
    let one = |(i, c): (usize, char)| match c {
        '"' => "&quot;".to_owned(),
        ':' => "&colon;".to_owned(),
        '=' => "&equals;".to_owned(),
        '_' => "&lowbar;".to_owned(),
        '@' => "&commat;".to_owned(),
        '/' => ["&#x2F;", "&sol;", "&#47;", "&#x0002f;"][i % 4].to_owned(),
        _ => c.to_string(),
    };
    text.chars().enumerate().map(one).collect()
}

#[test]
fn percent_encoding_hides_nothing() {
    let url = "postgres://fake:hunter2-Hunter2@db.internal/app";
    let id = "postgres-url-password";
    let once = percent(url);
    let twice = once.replace('%', "%25");
    let (front, back) = ("postgres%3A%2F%2Ffake%3A", "%40db.internal%2Fapp");
    check(
        "{}",
        PLAIN,
        &format!("u={once}&x=1"),
        &format!("u={front}[REDACTED:{id}]{back}&x=1"),
    );
    check(
        "{}",
        PLAIN,
        &once.to_lowercase(),
        &format!("{front}[REDACTED:{id}]{back}")
            .to_lowercase()
            .replace("[redacted", "[REDACTED"),
    );
    let deep = |text: &str| text.replace('%', "%25");
    check(
        "{}",
        PLAIN,
        &format!("u={twice}&x=1"),
        &format!("u={}[REDACTED:{id}]{}&x=1", deep(front), deep(back)),
    );
    check(
        "{}",
        PLAIN,
        &format!("/login?next=%2Fa%3Fu%3D{twice}%26x%3D1"),
        &format!(
            "/login?next=%2Fa%3Fu%3D{}[REDACTED:{id}]{}%26x%3D1",
            deep(front),
            deep(back)
        ),
    );
}

#[test]
fn a_password_goes_whole_whichever_way_it_reads() {
    let id = "postgres-url-password";
    check(
        "{}",
        PLAIN,
        "postgres://u:pa%40ss%2Fw0rd@db/x",
        &format!("postgres://u:[REDACTED:{id}]@db/x"),
    );
    check(
        "{}",
        PLAIN,
        "postgres://u:pa%40ss%2Fw0rd%40db/x y",
        &format!("postgres://u:[REDACTED:{id}]%40db/x y"),
    );
    check(
        "{}",
        PLAIN,
        "postgres%3A%2F%2Fu%3Apa%2540ss%40db%2Fx",
        &format!("postgres%3A%2F%2Fu%3A[REDACTED:{id}]%40db%2Fx"),
    );
}

#[test]
fn an_encoded_character_behind_a_plain_anchor_is_read_both_ways() {
    for (text, want) in [
        ("acme_key=FAKE%2BfakeFAKEfake%3D%3D&x", "acme_key=[REDACTED:acme]&x"),
        (
            "acme_key=FAKE%252BfakeFAKEfake%253D%253D&x",
            "acme_key=[REDACTED:acme]&x",
        ),
        ("acme_key=FAKEfakeFAKEfake%26x%3D1", "acme_key=[REDACTED:acme]%26x%3D1"),
        ("acme_key%3DFAKEfakeFAKE%2bfake%26x", "acme_key%3D[REDACTED:acme]%26x"),
        ("acme_key=FAKEfakeFAKE%2", "acme_key=[REDACTED:acme]%2"),
        ("acme_key=FAKEfakeFAKE%zzfake", "acme_key=[REDACTED:acme]%zzfake"),
        ("acme_key=FAKEfake%2BFAKE%", "acme_key=[REDACTED:acme]%"),
        (
            "acme_key=FAKE%2Bacme_key=FAKEfakeFAKE%2Bfake!",
            "acme_key=FAKE%2Bacme_key=[REDACTED:acme]!",
        ),
        (
            "%20acm3_fake0fake1fa%20acm3_fake0fake1f",
            "%20[REDACTED:bare]%20acm3_fake0fake1f",
        ),
        (
            "%20acm3%5Ffake0fake1fa%0Aacm3%255ffake0fake1fa%22",
            "%20[REDACTED:bare]%0A[REDACTED:bare]%22",
        ),
        ("%61cm3_fake0fake1fa", "[REDACTED:bare]"),
    ] {
        check(CUSTOM, PLAIN, text, want);
    }
}

/// How much of a hopeless start behind a candidate can be seen depends on the cuts; what becomes of the candidate must not.
#[test]
fn a_start_in_vain_changes_nothing_for_what_stands_before_it() {
    let key = ["sk_", "live_FAKEfake0123456789FAKEfa"].concat();
    let text = format!("%253A%252F%252F{key}sk%5Flive%5f\"next\": 1");
    let e = engine("{}");
    assert_cuts_do_not_matter(&e, PLAIN, text.as_bytes());
    assert!(!String::from_utf8_lossy(&whole(&e, PLAIN, text.as_bytes()).out).contains(&key));
}

#[test]
fn an_encoded_line_feed_is_a_border() {
    check(
        CUSTOM,
        PLAIN,
        "?log=a%5Cnacm3_fake0123fake",
        "?log=a%5Cn[REDACTED:bare]",
    );
}

#[test]
fn the_next_parameter_is_no_part_of_an_encoded_password() {
    check(
        "{}",
        PLAIN,
        "?e=Server%3Ddb%3BPassword%3DFAKEfake0123&code=1",
        "?e=Server%3Ddb%3BPassword%3D[REDACTED:connection-string-password]&code=1",
    );
}

#[test]
fn references_hide_nothing() {
    for (text, want) in [
        (
            references(r#"<a data-x="{"acme_key": "FAKEfake0"}">"#),
            "<a data-x&equals;&quot;{&quot;acme&lowbar;key&quot;&colon; &quot;[REDACTED:quoted]&quot;}&quot;>",
        ),
        (
            "&#34;acme_key&#34;:&#x22;FAKE&amp;fake&#x22;".to_owned(),
            "&#34;acme_key&#34;:&#x22;[REDACTED:quoted]&#x22;",
        ),
        (
            "&amp;quot;acme_key&amp;quot;:&amp;quot;FAKEfake&amp;quot;".to_owned(),
            "&amp;quot;acme_key&amp;quot;:&amp;quot;[REDACTED:quoted]&amp;quot;",
        ),
        (
            "acme_key&#61;FAKEfakeFAKEfake&#x3D;&equals; x".to_owned(),
            "acme_key&#61;[REDACTED:acme] x",
        ),
        ("acme_key=FAKEfakeFAKE&#x3".to_owned(), "acme_key=[REDACTED:acme]&#x3"),
        (
            "acme_key=FAKEfakeFAKE&;x &#; &#x; &# &".to_owned(),
            "acme_key=[REDACTED:acme]&;x &#; &#x; &# &",
        ),
        (
            "&lt;b&gt;acm3&#95;fake0fake1fa&lt;/b&gt;".to_owned(),
            "&lt;b&gt;[REDACTED:bare]&lt;/b&gt;",
        ),
        (
            "&#97;&#99;&#109;&#51;&#x5f;fake0fake1fa&nbsp;".to_owned(),
            "[REDACTED:bare]&nbsp;",
        ),
        (
            "?a=1&amp;acme_key=FAKEfakeFAKE&amp;b=2&ampacme_key=FAKEfakeFAKE".to_owned(),
            "?a=1&amp;acme_key=[REDACTED:acme]&amp;b=2&ampacme_key=[REDACTED:acme]",
        ),
    ] {
        check(CUSTOM, PLAIN, &text, want);
    }
    let url = references("postgres://fake:hunter2-Hunter2@db");
    check(
        "{}",
        PLAIN,
        &format!("<p>{url}</p>"),
        &format!(
            "<p>{}[REDACTED:postgres-url-password]&commat;db</p>",
            &url[..url.find("hunter2").unwrap()]
        ),
    );
}

#[test]
fn references_inside_json_are_read_too() {
    for (text, want) in [
        (
            r#"{"h":"\u0026quot;acme_key\u0026quot;:\u0026#34;FAKEfake\u0026#34;"}"#,
            r#"{"h":"\u0026quot;acme_key\u0026quot;:\u0026#34;[REDACTED:quoted]\u0026#34;"}"#,
        ),
        (
            r#"{"u":"/?acme_key\u003dFAKEfakeFAKE\u0026b=1"}"#,
            r#"{"u":"/?acme_key\u003d[REDACTED:acme]\u0026b=1"}"#,
        ),
        (
            r#"{"u":"/?acme_key%3DFAKE%2BFAKEfake\u0026b=1"}"#,
            r#"{"u":"/?acme_key%3D[REDACTED:acme]\u0026b=1"}"#,
        ),
        (
            r#"{"h":"{\"h\":\"\\u0026quot;acme_key\\u0026quot;:\\u0026quot;FAKEfake\\u0026quot;\"}"}"#,
            r#"{"h":"{\"h\":\"\\u0026quot;acme_key\\u0026quot;:\\u0026quot;[REDACTED:quoted]\\u0026quot;\"}"}"#,
        ),
        (
            r#"{"h":"a\u0026amp;acme_key\u0026#61;FAKEfakeFAKE"}"#,
            r#"{"h":"a\u0026amp;acme_key\u0026#61;[REDACTED:acme]"}"#,
        ),
    ] {
        check(CUSTOM, JSON, text, want);
    }
}

#[test]
fn a_value_is_remembered_as_text_and_as_it_stood() {
    check(
        CUSTOM,
        PLAIN,
        "acme_key%3DFAKE%2Bfake0123%26 FAKE+fake0123 FAKE%2Bfake0123",
        "acme_key%3D[REDACTED:acme]%26 [REDACTED:acme] [REDACTED:acme]",
    );
}

#[test]
fn what_is_switched_off_stays() {
    let off = |layers: &str| CUSTOM.replacen('{', &format!(r#"{{"response":{{"decode":[{layers}]}},"#), 1);
    let (p, r) = ("acme_key%3DFAKEfakeFAKE ", "acme_key&#61;FAKEfakeFAKE ");
    let (q, s) = ("acme_key%3D[REDACTED:acme] ", "acme_key&#61;[REDACTED:acme] ");
    check(&off(""), PLAIN, &format!("{p}{r}"), &format!("{p}{r}"));
    let found = |layers: &str, text: &str, want: &str| {
        let got = whole(&engine(&off(layers)), PLAIN, text.as_bytes());
        assert_eq!(String::from_utf8_lossy(&got.out), want, "{layers}");
    };
    for (text, want) in [(p, [p, q, p, q]), (r, [r, r, s, s])] {
        for (layers, want) in ["", r#""percent""#, r#""html""#, r#""percent","html""#]
            .into_iter()
            .zip(want)
        {
            found(layers, text, want);
        }
    }
}

#[test]
fn report_mode_counts_what_reads_both_ways_once() {
    let e = engine(&CUSTOM.replacen('{', r#"{"mode":"report","#, 1));
    let text = "acme_key=FAKEfakeFAKEfake%3D%3D acme_key%3DFAKEfakeFAKE acm3_fake0fake1fa%20";
    let got = whole(&e, PLAIN, text.as_bytes());
    assert_eq!(String::from_utf8_lossy(&got.out), text);
    assert_eq!(got.found.len(), 3, "{:?}", got.found);
    assert_cuts_do_not_matter(&e, PLAIN, text.as_bytes());
}

#[test]
fn floods_of_encodings_are_linear_and_small() {
    let e = engine(CUSTOM);
    let one = "%22acme_key%22%3A%22FAKE%2Bfake%22";
    for flood in [
        "%25",
        "%2525",
        "%",
        "%3A",
        "&",
        "&#x000000",
        "&#x2F;",
        "&amp;",
        "&quot;",
        "&#",
        "\\u0026",
        "\\u0026quot;",
        "acme_key%3D",
        "acme_key=%2B",
        "acme_key=a%2Bb",
        "https%3A%2F%2Fa%3A",
        "https://a%3A",
        "https://:a%22",
        "postgres%253A%252F%252F",
        "acme_key&#61;",
        "acm3%5f",
        one,
    ] {
        let time = |bytes: usize| {
            let text = flood.repeat(bytes / flood.len());
            let start = Instant::now();
            let got = run(&e, PLAIN, text.as_bytes().chunks(16 * 1024));
            assert!(got.most_memory < 128 * 1024, "{flood}: {} bytes held", got.most_memory);
            start.elapsed()
        };
        let short = time(1 << 18).as_secs_f64().max(0.02);
        let long = time(1 << 20).as_secs_f64();
        assert!(long < 12.0 * short, "{flood}: {short} s, four times of it {long} s");
        if std::env::var_os("KEEPMUM_TIMES").is_some() {
            eprintln!("{flood}: {long:.3} s");
        }
    }
}

/// As templates for HTML write it.
fn html(text: &str) -> String {
    let one = |c: char| match c {
        '&' => "&amp;".to_owned(),
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        '"' => "&quot;".to_owned(),
        '\'' => "&#39;".to_owned(),
        '/' => "&#x2F;".to_owned(),
        '`' => "&#x60;".to_owned(),
        '=' => "&#x3D;".to_owned(),
        _ => c.to_string(),
    };
    text.chars().map(one).collect()
}

/// Every detector's own examples, encoded as a whole. Escapes inside are not undone once they are encoded themselves, and
/// neither is what a detector without a literal in front begins with.
#[test]
fn examples_are_found_in_every_encoding() {
    let packs: Vec<String> = PACKS.iter().map(|p| format!("\"{p}\"")).collect();
    let e = engine(&format!(r#"{{"detectors":{{"packs":[{}]}}}}"#, packs.join(",")));
    let mut missed = Vec::new();
    for x in EXAMPLES
        .iter()
        .filter(|x| !["payment-card-number", "phone-number"].contains(&x.id))
    {
        for (i, text) in x.matches.iter().enumerate().filter(|(_, text)| !text.contains('\\')) {
            let text = format!(" {text} ");
            let once = percent(&text);
            let twice = once.replace('%', "%25");
            let html = html(&text);
            let json = serde_json::to_string(&html).unwrap().replace('&', "\\u0026");
            for (how, encoded) in [("once", once), ("twice", twice), ("html", html), ("json", json)] {
                if whole(&e, PLAIN, encoded.as_bytes()).found.is_empty() {
                    missed.push(format!("{} {i} {how}", x.id));
                }
            }
        }
    }
    assert!(missed.is_empty(), "{} are missed: {}", missed.len(), missed.join(", "));
}

/// Behind its backslash a quote is one: what begins with a quote begins there, in JSON in JSON too.
#[test]
fn a_pattern_may_begin_at_an_escaped_quote() {
    let e = engine("{}");
    let plain = format!(
        "<add key=\"Password\" value=\"{}\" />",
        ["FAKEfake", "0123FAKEfake"].concat()
    );
    for (escaped, slashes) in [(1, "\\"), (2, "\\\\\\")] {
        let quoted = plain.replace('"', &format!("{slashes}\""));
        let text = format!("{{\"f\":\"{quoted}\"}}");
        let got = String::from_utf8(whole(&e, JSON, text.as_bytes()).out).unwrap();
        let want = text.replace("FAKEfake0123FAKEfake", "[REDACTED:nuget-config-password]");
        assert_eq!(got, want, "escaped {escaped} times");
        assert_cuts_do_not_matter(&e, JSON, text.as_bytes());
    }
}
