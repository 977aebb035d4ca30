//! Files that are told, texts that are not, and how long either is held.
#![allow(clippy::unwrap_used)]

use super::{Kind, Recogniser, Verdict, WINDOW};

/// A value that nobody uses, made here so that no file holds it.
fn fake(n: usize) -> String {
    format!("FAKE{}9x", "fakeFAKE1".repeat(n.div_ceil(9)))
        .chars()
        .take(n)
        .collect()
}

/// The verdict and the bytes that it took, whatever the cut.
fn told(text: &[u8]) -> (Verdict, usize) {
    let mut r = Recogniser::default();
    let mut at = text.len();
    for (i, b) in text.iter().enumerate() {
        if r.push(&[*b]) != Verdict::Open {
            at = i + 1;
            break;
        }
    }
    let verdict = r.finish();
    let mut whole = Recogniser::default();
    whole.push(text);
    assert_eq!(whole.finish(), verdict, "{:?}", String::from_utf8_lossy(text));
    (verdict, at)
}

#[test]
fn files_are_told() {
    let f = fake(24);
    let pem = "-----BEGIN RSA PRIVATE ";
    for (text, kind) in [
        (format!("DB_HOST=db\nDB_PASSWORD={f}\n"), Kind::Dotenv),
        (
            format!("\u{feff}# settings\r\n\r\nAPP_NAME=shop\r\nexport STRIPE_SECRET=\"{f}\"\r\nPORT=80"),
            Kind::Dotenv,
        ),
        (
            format!("NODE_ENV=production\nDATABASE_URL=postgres://app:{f}@db/shop\n"),
            Kind::Dotenv,
        ),
        (format!("PATH=/bin\0HOME=/root\0API_TOKEN={f}\0"), Kind::Dotenv),
        (
            format!("A=1\nKEY_FILE=\"first\nsecond\nthird\"\nSECRET_KEY={f}\nB=2"),
            Kind::Dotenv,
        ),
        (format!("{pem}KEY-----\nMIIfake"), Kind::PrivateKey),
        (
            format!("\n-----BEGIN CERTIFICATE-----\nMIIfake\n-----END CERTIFICATE-----\n{pem}KEY-----\nMIIfake"),
            Kind::PrivateKey,
        ),
        (
            "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n".to_owned(),
            Kind::PrivateKey,
        ),
        (
            format!("[default]\naws_access_key_id = AKIA0000\naws_secret_access_key = {f}\n"),
            Kind::Aws,
        ),
        (
            format!("# mine\n[profile fake user]\nregion=eu\naws_session_token={f}"),
            Kind::Aws,
        ),
        (format!("[s3]\ntype = s3\nsecret_access_key = {f}\n"), Kind::Aws),
        (
            format!("[distutils]\nindex-servers =\n  pypi\n\n[pypi]\nusername = __token__\npassword = {f}\n"),
            Kind::Pypirc,
        ),
        (
            format!("registry=https://npm.example/\n//npm.example/:_authToken={f}\n"),
            Kind::Npmrc,
        ),
        (format!("//npm.example/path/:_password=\"{f}\"\n"), Kind::Npmrc),
        (
            format!("@acme:registry=https://npm.acme.test\n_auth={f}\n"),
            Kind::Npmrc,
        ),
        (format!("machine api.acme.test login me password {f}\n"), Kind::Netrc),
        (format!("machine a.test\n  login me\n  password {f}\n"), Kind::Netrc),
        (
            format!(
                "apiVersion: v1\nclusters:\n- cluster:\n    server: https://k\n  name: k\ncontexts: []\nusers:\n- name: me\n  user:\n    token: {f}\n"
            ),
            Kind::Kubeconfig,
        ),
        (
            format!(
                "apiVersion: v1\nclusters:\n- cluster:\n    certificate-authority-data: {}\n",
                fake(WINDOW)
            ),
            Kind::Kubeconfig,
        ),
        (
            format!(
                "{{\n  \"type\": \"service_account\",\n  \"project_id\": \"p\",\n  \"private_key\": \"{pem}KEY-----\\n{}\"}}",
                fake(1500)
            ),
            Kind::Gcp,
        ),
        (
            format!(
                "{{\"auth_uri\":\"u\",\"client_email\":\"x@p.iam.gserviceaccount.com\",\"private_key\":\"{pem}KEY-----\\nfake\"}}"
            ),
            Kind::Gcp,
        ),
        (
            format!(
                "{{\"client_id\":\"c\",\"client_secret\":\"s\",\"type\":\"authorized_user\",\"refresh_token\":\"{f}\"}}"
            ),
            Kind::Gcp,
        ),
        (
            format!("{{\"auths\":{{\"r.test\":{{\"auth\":\"{f}\"}}}}}}"),
            Kind::Docker,
        ),
        (
            format!(
                "{{\"HttpHeaders\":{{\"a\":[\"{{\"]}},\"experimental\":true,\"auths\":{{\"r\":{{\"identitytoken\":\"{f}\"}}}}}}"
            ),
            Kind::Docker,
        ),
    ] {
        assert_eq!(told(text.as_bytes()).0, Verdict::File(kind), "{text}");
    }
}

#[test]
fn other_texts_are_not() {
    let f = fake(24);
    for text in [
        String::new(),
        "DB_HOST=db\nDB_PASSWORD=your-password-here\n".to_owned(),
        "DB_HOST=db\nDB_PASSWORD=\nAPI_KEY=<key>\nTOKEN=${TOKEN}\nSECRET_KEY=changeme\n".to_owned(),
        "NAME=\"Debian\"\nVERSION_ID=12\nHOME_URL=https://www.debian.org/\n".to_owned(),
        format!("SECRET={f}"),
        format!("#!/bin/sh\nA=1\nAPI_TOKEN={f}\n"),
        format!("grant_type=password&password={f}\nscope=a"),
        format!("access_token={f}\ntoken_type=bearer\n"),
        format!("SECRET={f}\nNAME=x\nand then\nsome prose\nfollows here\n"),
        "-----BEGIN CERTIFICATE-----\nMIIfake\n-----END CERTIFICATE-----\n".to_owned(),
        "-----BEGIN PUBLIC KEY-----\nMIIfake\n".to_owned(),
        "[package]\nname = \"x\"\nversion = \"1\"\n".to_owned(),
        "[1,2,3]\n".to_owned(),
        "[default]\nregion = eu-west-1\naws_secret_access_key = YOUR_SECRET_ACCESS_KEY\n".to_owned(),
        "machine learning is what it says\n".to_owned(),
        format!("default password {f} is bad\n"),
        "registry=https://npm.example/\n//npm.example/:_authToken=${NPM_TOKEN}\n".to_owned(),
        "apiVersion: v1\nkind: Pod\nclusters:\n".to_owned(),
        "apiVersion: apps/v1\nkind: Config\n".to_owned(),
        format!("apiVersion: v1\nkind: Secret\ntoken: {f}\n"),
        format!("{{\"type\":\"object\",\"private_key\":\"-----BEGIN {f}\"}}"),
        format!("{{\"type\":\"external_account\",\"refresh_token\":\"{f}\"}}"),
        format!("{{\"token\":\"{f}\"}}"),
        format!("{{\"auths\":{{}},\"x\":{{\"r\":{{\"auth\":\"{f}\"}}}}}}"),
        "{}".to_owned(),
        "{".to_owned(),
        "\0\0\0\u{5}fake".to_owned(),
    ] {
        assert_eq!(told(text.as_bytes()).0, Verdict::Other, "{text}");
    }
}

#[test]
fn what_cannot_be_a_file_is_let_go_at_once() {
    for (text, at) in [
        ("<!doctype html>", 1),
        ("data: {\"delta\":\"x\"}\n\n", 5),
        ("event: ping\n", 6),
        ("{\"id\":1}", 5),
        ("{\"type\":\"message_start\",\"x\":1}", 23),
        ("[{\"id\":1}]", 2),
        ("Lorem ipsum dolor", 7),
        ("2026-01-02 INFO x", 1),
        ("\"text\"", 1),
        ("// script", 3),
        ("-- SQL dump", 3),
        ("name: value", 5),
        ("machine learning is", 18),
        ("a,b,c\n", 2),
    ] {
        assert_eq!(told(text.as_bytes()), (Verdict::Other, at), "{text}");
    }
}

#[test]
fn the_window_is_an_end() {
    let long = format!("A=1\n{}", "B=text\n".repeat(WINDOW));
    assert_eq!(told(long.as_bytes()), (Verdict::Other, WINDOW + 1));
    let file = format!("API_TOKEN={}\n{}", fake(24), "B=text\n".repeat(WINDOW));
    assert_eq!(told(file.as_bytes()), (Verdict::File(Kind::Dotenv), WINDOW + 1));
}
