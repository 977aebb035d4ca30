//! What is refused and why, and what is taken.

#![allow(clippy::unwrap_used)]

use super::{Admission, Judged, Refusal};
use crate::config::AdmissionConfig;
use crate::leaves::take;
use crate::secret::Secret;

fn judge() -> Admission {
    Admission::new(&AdmissionConfig::default())
}

#[track_caller]
fn refused(refusal: Refusal, values: &[&str]) {
    for value in values {
        let secret = Secret::new("x:value", "", *value);
        assert_eq!(judge().refusal(&secret), Some(refusal), "{value}");
    }
}

#[test]
fn what_breaks_traffic_is_refused_with_the_reason() {
    refused(Refusal::Short, &["", "a", "k8J!x2", "true", "1234567"]);
    refused(Refusal::Literal, &["localhost", "disabled", "Production", "postgresql"]);
    refused(
        Refusal::Number,
        &[
            "12345678",
            "2026-11-24",
            "10.11.12.13.1400",
            "2026-11-24T03:15:00Z",
            "+4930123456",
        ],
    );
    refused(
        Refusal::Host,
        &[
            "db.internal",
            "10.20.30.40",
            "10.20.30.40:5432",
            "[2001:db8::1]:443",
            "redis:6379",
            "a1b2c3.rds.amazonaws.com",
            "10.0.0.0/16",
        ],
    );
    refused(
        Refusal::Url,
        &[
            "https://example.com/login",
            "postgres://db.internal:5432/shop",
            "s3://bucket/key.json",
        ],
    );
    refused(
        Refusal::Path,
        &[
            "/var/run/secrets",
            "./config.yaml",
            "C:\\Windows\\System32",
            "/etc/ssl/certs/ca-bundle.crt",
        ],
    );
    refused(
        Refusal::Placeholder,
        &[
            "changeme",
            "<password>",
            "${DB_PASSWORD}",
            "xxxxxxxxxxxx",
            "your-token-here",
            "********",
        ],
    );
    refused(
        Refusal::Guessable,
        &[
            "password1",
            "Summer2026!",
            "qwertyuiop",
            "aaaaaaaaaaaaaaaa",
            "correcthorse",
            "abcdefgh",
            "letmein!!",
            "application1",
        ],
    );
    let certificate = "-----BEGIN CERTIFICATE-----\nMIIBkTCB\n-----END CERTIFICATE-----";
    refused(
        Refusal::Public,
        &[certificate, "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI app@host"],
    );
    refused(Refusal::Long, &["k8Jx2".repeat(20_000).as_str()]);
}

#[test]
fn secrets_are_taken() {
    let webhook = ["https://hooks.example.com/services/T00/B00", "/q8Zt3LmX0vKc7RbW2yHd"].concat();
    for value in [
        "k8Jx!2qLm9",
        "f3a91c07d2be4885",
        "/9jK4AAQSkZJRg1ABAQx",
        "postgres://app:w8Tz4-qLx7@db.internal:5432/shop",
        webhook.as_str(),
        "vjqzkwpxmbtrgh",
        "48213975609213847561920384",
        "hvs.CAESIJ2kq9vTz0bXw7",
        "correct zebra battery xylophone",
        "contraseña-Ünïcode-9z",
    ] {
        assert_eq!(judge().refusal(&Secret::new("x:value", "", value)), None, "{value}");
    }
    let bytes: Vec<u8> = (0..32).map(|i| 200 ^ (i * 7)).collect();
    assert_eq!(judge().refusal(&Secret::new("x:value", "", bytes)), None);
    assert_eq!(
        judge().refusal(&Secret::new("x:value", "", vec![0xff; 32])),
        Some(Refusal::Guessable)
    );
}

#[test]
fn names_of_no_secrets_are_known() {
    for (id, expected) in [
        ("aws:db#username", Some(Refusal::Name)),
        ("aws:db#replica.host", Some(Refusal::Name)),
        ("env:DB_USER", Some(Refusal::Name)),
        ("env:DB_HOSTNAME", Some(Refusal::Name)),
        ("env:PGHOST", Some(Refusal::Name)),
        ("aws:db#password", None),
        ("aws:db", None),
        ("vault:kv/host/token", None),
    ] {
        let secret = Secret::new(id, "", "w8Tz4-qLx7-plm2");
        assert_eq!(judge().refusal(&secret), expected, "{id}");
    }
}

#[test]
fn a_composite_is_taken_only_with_a_part() {
    let judged = |text: &str| {
        let mut to = Judged::default();
        judge().judge(take(Secret::new("aws:db", "1", text)), &mut to);
        let taken: Vec<String> = to.taken.iter().map(|s| s.id.clone()).collect();
        (taken, to.by_reason())
    };
    let (taken, refused) =
        judged(r#"{"username": "shop-application", "password": "w8Tz4-qLx7", "host": "db.internal", "port": 5432}"#);
    assert_eq!(taken, ["aws:db#password", "aws:db#password.basic", "aws:db"]);
    assert_eq!(refused.get(&Refusal::Name), Some(&2));
    let (taken, refused) = judged(r#"{"host": "db.internal.example.com", "engine": "postgres", "port": 5432}"#);
    assert!(taken.is_empty(), "{taken:?}");
    assert_eq!(refused.get(&Refusal::Parts), Some(&1));
}

#[test]
fn the_configuration_decides_by_id() {
    let config = AdmissionConfig {
        accept: vec!["aws:old/*".into()],
        refuse: vec!["*#cert".into()],
        ..AdmissionConfig::default()
    };
    let judge = Admission::new(&config);
    let refusal = |id: &str, value: &str| judge.refusal(&Secret::new(id, "", value));
    assert_eq!(refusal("aws:old/db", "Summer2026!"), None);
    assert_eq!(refusal("aws:old/db", "short"), Some(Refusal::Short));
    assert_eq!(refusal("aws:new#cert", "w8Tz4-qLx7-plm2"), Some(Refusal::Configured));
}
