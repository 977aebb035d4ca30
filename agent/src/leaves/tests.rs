//! What is taken apart, and into what.

#![allow(clippy::unwrap_used)]

use super::take;
use crate::secret::Secret;

/// The parts as `id=value`, sorted.
fn parts(text: &str) -> Vec<String> {
    let taken = take(Secret::new("x:s", "1", text));
    let shown = |s: &Secret| {
        format!(
            "{}={}",
            s.id.trim_start_matches("x:s"),
            String::from_utf8_lossy(&s.value)
        )
    };
    let mut all: Vec<String> = taken.all.iter().skip(1).map(shown).collect();
    all.sort();
    assert_eq!(taken.composite, !all.is_empty());
    all
}

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    assert_eq!(parts(text), expected, "{text}");
}

#[test]
fn json_is_taken_apart() {
    check(
        r#"{"username": "app", "password": "a\"b", "port": 5432, "on": true, "replica": {"keys": ["k1", "k2"]}}"#,
        &[
            "#password.basic=app:a\"b",
            "#password=a\"b",
            "#port=5432",
            "#replica.keys.0=k1",
            "#replica.keys.1=k2",
            "#username=app",
        ],
    );
    check("{\"broken\": ", &[]);
    check("\"text\"", &[]);
}

#[test]
fn urls_are_taken_apart() {
    check(
        "postgres://app:p%40ss@db.internal:5432/shop?sslpassword=inner",
        &[
            "#host=db.internal:5432",
            "#password.basic=app:p@ss",
            "#password.encoded=p%40ss",
            "#password=p@ss",
            "#query.sslpassword=inner",
            "#username=app",
        ],
    );
    check(
        "https://hooks.example.com/services/T000/0123456789abcdefghij",
        &["#host=hooks.example.com", "#path.0=0123456789abcdefghij"],
    );
    // A slash that was not encoded.
    assert!(parts("redis://:pa/ss@cache/0").contains(&"#password=pa/ss".to_owned()));
    check("not a url", &[]);
}

#[test]
fn connection_strings_are_taken_apart() {
    check(
        "Server=db;User Id=app;Password=p=1;",
        &["#Password.basic=app:p=1", "#Password=p=1", "#Server=db", "#User Id=app"],
    );
    check("a0b1c2d3e4f5a6b7==", &[]);
}

#[test]
fn dotenv_is_taken_apart() {
    check(
        "# for the shop\nexport DB_USER=app\nDB_PASSWORD=\"one two\"\n\nAPI_KEY=abc$NOTTHERE\n",
        &[
            "#API_KEY=abc",
            "#API_KEY=abc$NOTTHERE",
            "#DB_PASSWORD.basic=app:one two",
            "#DB_PASSWORD=one two",
            "#DB_USER=app",
        ],
    );
    check("KEY=value", &["#KEY=value"]);
    check("c29tZSBzZWNyZXQgdmFsdWU=", &[]);
}

#[test]
fn pem_is_taken_apart() {
    let key = [
        "-----BEGIN PRIVATE",
        " KEY-----\nQUJD\nREVG\n-----END PRIVATE",
        " KEY-----",
    ]
    .concat();
    let certificate = "-----BEGIN CERTIFICATE-----\nWFla\n-----END CERTIFICATE-----\n";
    let parts = parts(&format!("{certificate}{key}\n"));
    let names: Vec<&str> = parts.iter().map(|p| p.split('=').next().unwrap()).collect();
    assert_eq!(names, ["#private-key.base64", "#private-key.der", "#private-key"]);
    assert!(parts.contains(&"#private-key.base64=QUJDREVG".to_owned()));
    assert!(parts.contains(&"#private-key.der=ABCDEF".to_owned()));
}

#[test]
fn parts_of_parts_are_taken_to_a_depth() {
    let url = "amqp://a:b-secret@mq/";
    assert!(parts(&format!("{{\"url\": \"{url}\"}}")).contains(&"#url.password=b-secret".to_owned()));
    let mut deep = "1234".to_owned();
    for _ in 0..10 {
        deep = serde_json::json!({ "v": deep }).to_string();
    }
    assert_eq!(parts(&deep).len(), super::DEPTH);
}

#[test]
fn the_number_of_parts_is_bounded() {
    let many: Vec<String> = (0..5_000).map(|i| format!("value-{i}")).collect();
    assert_eq!(parts(&serde_json::to_string(&many).unwrap()).len(), super::MOST - 1);
}
