//! What is read, and every mistake that is told.

#![allow(clippy::unwrap_used)]

use super::{Config, Listen, SourceKind};

fn told(text: &str) -> Vec<String> {
    let e = Config::read(text.as_bytes()).unwrap_err();
    e.mistakes().iter().map(|m| m.path.clone()).collect()
}

#[test]
fn a_full_one_is_read() {
    let text = "
version: 1
listen: {unix: /run/keepmum/agent.sock, mode: \"0660\"}
grace: 2h
admission: {min_bytes: 10, refuse: ['*#host']}
sources:
  - {type: env, names: [DATABASE_URL], like: ['*_TOKEN']}
  - {type: dotenv, path: /etc/app/.env, required: false}
  - {type: files, path: /var/run/secrets/app}
  - type: vault
    address: https://vault.example.com:8200
    namespace: team
    auth: {approle: {role_id: agent, secret_id_file: /run/secret-id}}
    kv: [{mount: kv, paths: [payments/db, common/], versions: 3}]
    database: [{role: app}]
    every: 30s
";
    let config = Config::read(text.as_bytes()).unwrap();
    assert_eq!(config.listen, Listen::Unix("/run/keepmum/agent.sock".into(), 0o660));
    assert_eq!(config.grace.as_secs(), 7200);
    let names: Vec<&str> = config.sources.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(names, ["env", "dotenv", "files", "vault"]);
    assert!(config.sources.iter().map(|s| s.required).eq([true, false, true, true]));
    let Some(SourceKind::Vault(vault)) = config.sources.last().map(|s| &s.kind) else {
        panic!("no vault")
    };
    assert_eq!(
        (
            vault.kv[0].version,
            vault.kv[0].versions,
            vault.database[0].mount.as_str()
        ),
        (2, 3, "database")
    );
}

#[test]
fn every_mistake_is_told_with_its_path() {
    let text = "
listen: {tcp: 0.0.0.0:8470}
grace: soon
gracee: 1h
sources:
  - {type: files}
  - {type: env}
  - {type: redis}
  - {type: vault, address: vault:8200, auth: {token_env: A, token_file: b}, kv: [{mount: kv, version: 3, paths: [../x]}]}
";
    assert_eq!(
        told(text),
        [
            "listen.tcp",
            "grace",
            "sources[0].path",
            "sources[1]",
            "sources[2].type",
            "sources[3].address",
            "sources[3].auth",
            "sources[3].kv[0].version",
            "sources[3].kv[0].paths[0]",
            "gracee",
        ]
    );
    assert_eq!(told("{}"), ["sources"]);
    assert_eq!(told("[1]"), ["."]);
}

#[test]
fn two_of_a_type_need_names() {
    let two = |name: &str| format!("sources: [{{type: files, path: /a}}, {{type: files, path: /b{name}}}]");
    assert_eq!(told(&two("")), ["sources[1].name"]);
    assert!(Config::read(two(", name: other").as_bytes()).is_ok());
}

#[test]
fn no_message_quotes_a_value() {
    let planted = ["hunter2", "planted"].join("-");
    let text = format!("key_env: [{planted}]\n{planted}-key: 1\nsources: {planted}\nlisten: {{tcp: {planted}}}");
    let e = Config::read(text.as_bytes()).unwrap_err();
    // A key that is none is named, so that it can be found.
    assert_eq!(e.to_string().matches(&planted).count(), 1, "{e}");
}
