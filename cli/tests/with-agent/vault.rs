//! Vault: versions, leases, logins, and what happens when it fails. Before the server of `vault_server.rs`; the cases that need
//! nothing but its API also before a real one (`vault server -dev`): `VAULT_ADDR=… VAULT_TOKEN=… cargo test … -- --ignored vault`.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{Agent, Place, get, planted, port, secrets, until};
use crate::vault_server::{Fault, Server};

/// A Vault, and a token that may do everything.
struct Vault {
    address: String,
    token: String,
    two: String,
    one: String,
}

impl Vault {
    fn fake(server: &Server) -> Vault {
        Vault {
            address: server.address.clone(),
            token: server.root.clone(),
            two: "kv".into(),
            one: "secret".into(),
        }
    }

    /// The real one, with mounts of the test's own.
    fn real() -> Vault {
        let var =
            |name| std::env::var(name).expect("VAULT_ADDR (http) and VAULT_TOKEN of a Vault that may be written to");
        let mount = |n: u8| format!("keepmum-test-{n}-{}", std::process::id());
        let vault = Vault {
            address: var("VAULT_ADDR"),
            token: var("VAULT_TOKEN"),
            two: mount(2),
            one: mount(1),
        };
        vault.post(
            &format!("sys/mounts/{}", vault.two),
            &json!({"type": "kv", "options": {"version": "2"}}),
        );
        vault.post(
            &format!("sys/mounts/{}", vault.one),
            &json!({"type": "kv", "options": {"version": "1"}}),
        );
        // A mount of version 2 is upgraded in the background.
        std::thread::sleep(Duration::from_secs(2));
        vault
    }

    fn post(&self, path: &str, body: &Value) {
        let body = body.to_string();
        let host = self.address.strip_prefix("http://").expect("an http address");
        let mut stream = TcpStream::connect(host).unwrap();
        write!(
            stream,
            "POST /v1/{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nX-Vault-Request: true\r\nX-Vault-Token: {}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.token,
            body.len()
        )
        .unwrap();
        let mut head = [0; 16];
        stream.read_exact(&mut head).unwrap();
        let head = String::from_utf8_lossy(&head).into_owned();
        assert!(head.contains(" 200 ") || head.contains(" 204 "), "{path}: {head}");
    }

    fn start(&self, place: &Place, auth: &str, more: &str) -> (Agent, u16) {
        let port = port();
        let config = format!(
            "listen: {{tcp: '127.0.0.1:{port}'}}\nstart_within: 3s\ngrace: 1h\nsources:\n- type: vault\n  address: {}\n  every: 200ms\n  \
             auth: {auth}\n{more}",
            self.address
        );
        let config = place.write("agent.yaml", &config);
        (
            Agent::start_with(place, &config, &[("TEST_VAULT_TOKEN", &self.token)]),
            port,
        )
    }
}

const TOKEN: &str = "{token_env: TEST_VAULT_TOKEN}";

fn armed(port: u16) -> Vec<String> {
    let mut all = secrets(port).unwrap_or_default();
    all.retain(|s| !s.starts_with("keepmum:"));
    all.sort();
    all
}

#[track_caller]
fn arms(port: u16, agent: &Agent, expected: &[&str]) {
    let mut last = Vec::new();
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(10) {
        last = armed(port);
        if last == expected {
            return;
        }
        std::thread::sleep(Duration::from_millis(30));
    }
    assert_eq!(last, expected, "{}", agent.said());
}

fn is_up(port: u16, up: u8) -> Option<()> {
    let (_, metrics) = get(port, "/metrics")?;
    metrics
        .contains(&format!("source_up{{source=\"vault\"}} {up}"))
        .then_some(())
}

fn versions_of_kv_2(vault: &Vault, name: &str) {
    let place = Place::new(name);
    let two = &vault.two;
    let write = |path: &str, n: u64| {
        vault.post(
            &format!("{two}/data/{path}"),
            &json!({"data": {"password": planted(n), "username": "application"}}),
        )
    };
    (1..=3).for_each(|n| write("payments/db", n));
    write("common/api/token", 10);
    let more = format!("  kv: [{{mount: {two}, paths: [payments/db, common/], versions: 2}}]\n");
    let (agent, port) = vault.start(&place, TOKEN, &more);
    let token = ["token#password 1 current", "token#password.basic 1 current"];
    let with = |more: &[&'static str]| {
        let mut all = [more, &token].concat();
        all.sort_unstable();
        all
    };
    let first = [
        "db#password 2 previous",
        "db#password 3 current",
        "db#password.basic 2 previous",
        "db#password.basic 3 current",
    ];
    arms(port, &agent, &with(&first));

    write("payments/db", 4);
    let four = ["db#password 4 current", "db#password.basic 4 current"];
    let three = ["db#password 3 previous", "db#password.basic 3 previous"];
    let old = ["db#password 2 previous", "db#password.basic 2 previous"];
    arms(port, &agent, &with(&[&four[..], &three, &old].concat()));

    // What is deleted is not read any more, and armed for the grace period.
    vault.post(&format!("{two}/delete/payments/db"), &json!({"versions": [4]}));
    let gone = ["db#password 4 previous", "db#password.basic 4 previous"];
    arms(port, &agent, &with(&[&gone[..], &three, &old].concat()));
    assert!(
        agent
            .said()
            .contains("payments/db: its current version is deleted or destroyed"),
        "{}",
        agent.said()
    );
    vault.post(&format!("{two}/destroy/payments/db"), &json!({"versions": [3]}));
    write("payments/db", 5);
    let five = ["db#password 5 current", "db#password.basic 5 current"];
    arms(port, &agent, &with(&[&five[..], &gone, &three, &old].concat()));
    quiet(&agent, port);
}

fn kv_1_and_what_is_not_there(vault: &Vault, name: &str) {
    let place = Place::new(name);
    let one = &vault.one;
    vault.post(
        &format!("{one}/app"),
        &json!({"token": planted(1), "nested": {"key": planted(2)}}),
    );
    let more = format!("  required: false\n  kv: [{{mount: {one}, version: 1, paths: [app, absent]}}]\n");
    let (agent, port) = vault.start(&place, TOKEN, &more);
    // KV 1 has no versions.
    arms(port, &agent, &["app#nested.key  current", "app#token  current"]);
    assert!(agent.said().contains("absent: 404"), "{}", agent.said());
    vault.post(&format!("{one}/app"), &json!({"token": planted(3)}));
    arms(
        port,
        &agent,
        &["app#nested.key  previous", "app#token  current", "app#token  previous"],
    );
    quiet(&agent, port);
}

#[track_caller]
fn quiet(agent: &Agent, port: u16) {
    let said = agent.said() + &get(port, "/metrics").unwrap().1 + &get(port, "/v1/fingerprints").unwrap().1;
    assert!(!said.contains("planted-"), "a value was printed");
}

#[test]
fn versions_of_kv_2_are_followed() {
    versions_of_kv_2(&Vault::fake(&Server::start()), "vault-two");
}

#[test]
fn kv_1_is_followed_and_what_is_not_there_is_told() {
    kv_1_and_what_is_not_there(&Vault::fake(&Server::start()), "vault-one");
}

#[test]
#[ignore = "needs VAULT_ADDR and VAULT_TOKEN"]
fn vault_itself_serves_kv_2() {
    versions_of_kv_2(&Vault::real(), "vault-real-two");
}

#[test]
#[ignore = "needs VAULT_ADDR and VAULT_TOKEN"]
fn vault_itself_serves_kv_1() {
    kv_1_and_what_is_not_there(&Vault::real(), "vault-real-one");
}

#[test]
fn a_version_is_asked_for_once() {
    let server = Server::start();
    let (vault, place) = (Vault::fake(&server), Place::new("vault-once"));
    vault.post("kv/data/app", &json!({"data": {"token": planted(1)}}));
    let (agent, port) = vault.start(&place, TOKEN, "  kv: [{mount: kv, paths: [app]}]\n");
    arms(port, &agent, &["app#token 1 current"]);
    until("three reads", || (server.asked("kv/metadata/app") >= 3).then_some(()));
    assert_eq!(server.asked("kv/data/app"), 2, "one write, one read");
}

#[test]
fn a_lease_is_renewed_and_issued_anew_at_its_maximum() {
    let server = Server::start();
    let (vault, place) = (Vault::fake(&server), Place::new("vault-lease"));
    let (agent, port) = vault.start(
        &place,
        TOKEN,
        "  database: [{role: app}, {role: fixed, static: true}]\n",
    );
    let fixed = [
        "fixed#password 2026-11-24T03:00:00Z current",
        "fixed#password.basic 2026-11-24T03:00:00Z current",
    ];
    arms(
        port,
        &agent,
        &[&["app#password 1 current", "app#password.basic 1 current"][..], &fixed].concat(),
    );
    let begun = Instant::now();
    let second = [
        "app#password 1 previous",
        "app#password 2 current",
        "app#password.basic 1 previous",
        "app#password.basic 2 current",
    ];
    arms(port, &agent, &[&second[..], &fixed].concat());
    // Two seconds at a time, five in all: it was renewed before it was replaced, and replaced before it ended.
    assert!(
        begun.elapsed() > Duration::from_millis(2_000) && begun.elapsed() < Duration::from_millis(5_000),
        "{:?}",
        begun.elapsed()
    );
    assert!(server.asked("sys/leases/renew") >= 2);
    assert_eq!(server.asked("database/creds/app"), 2);
    quiet(&agent, port);
}

#[test]
fn logins_are_renewed_and_made_anew() {
    let server = Server::start();
    server.namespace("team");
    let (vault, place) = (Vault::fake(&server), Place::new("vault-login"));
    let role = place.write("secret-id", &format!("{}\n", planted(600)));
    let jwt = place.write("jwt", &planted(601));
    for (name, auth) in [
        (
            "approle",
            format!("{{approle: {{role_id: agent, secret_id_file: {role}}}}}"),
        ),
        (
            "kubernetes",
            format!("{{kubernetes: {{role: agent, jwt_file: {jwt}}}}}"),
        ),
    ] {
        let place = Place::new(&format!("vault-login-{name}"));
        let login = format!("auth/{name}/login");
        let more = "  namespace: team\n  database: [{role: fixed, static: true}]\n";
        let (agent, port) = vault.start(&place, &auth, more);
        until("armed", || (armed(port).len() == 2).then_some(()));
        assert_eq!(server.asked(&login), 1);
        until("renewed", || (server.asked("auth/token/renew-self") >= 1).then_some(()));
        assert_eq!(server.asked(&login), 1);
        until("made anew, at its maximum", || {
            (server.asked(&login) == 2).then_some(())
        });
        server.revoke_tokens();
        until("made anew, after it was revoked", || {
            (server.asked(&login) >= 3).then_some(())
        });
        assert!(!agent.said().contains("403"), "{}", agent.said());
        quiet(&agent, port);
    }
}

#[test]
fn a_wrong_login_stops_the_agent_with_its_reason() {
    let server = Server::start();
    let (vault, place) = (Vault::fake(&server), Place::new("vault-wrong"));
    let (mut agent, _) = vault.start(
        &place,
        "{approle: {role_id: other, secret_id_file: /nowhere}}",
        "  kv: [{mount: kv, paths: [app]}]\n",
    );
    assert_eq!(agent.ended(), Some(2));
    assert!(
        agent
            .said()
            .contains("login: the file or variable with the credential is not there"),
        "{}",
        agent.said()
    );
    let place = Place::new("vault-wrong-2");
    let vault = Vault {
        token: planted(77),
        ..vault
    };
    let (mut agent, _) = vault.start(&place, TOKEN, "  kv: [{mount: kv, paths: [app]}]\n");
    assert_eq!(agent.ended(), Some(2));
    assert!(agent.said().contains("login: 403"), "{}", agent.said());
}

#[test]
fn whatever_fails_the_last_set_stays() {
    let server = Server::start();
    let (vault, place) = (Vault::fake(&server), Place::new("vault-faults"));
    vault.post("kv/data/app", &json!({"data": {"token": planted(1)}}));
    let (agent, port) = vault.start(&place, TOKEN, "  kv: [{mount: kv, paths: [app]}]\n");
    arms(port, &agent, &["app#token 1 current"]);
    for (fault, told) in [
        (Fault::Sealed, "503, Vault is sealed"),
        (Fault::Denied, "403: "),
        (Fault::Limited, "429, too many requests"),
        (Fault::Broken, "cannot be reached"),
        (Fault::NoJson, "no JSON"),
        (Fault::Huge, "an answer of more than"),
        (Fault::Endless, "an answer of more than"),
    ] {
        let before = agent.said().len();
        server.fault(Some(fault));
        until(&format!("{fault:?}"), || {
            agent.said()[before..].contains(told).then_some(())
        });
        assert_eq!(armed(port), ["app#token 1 current"], "{fault:?}");
        assert!(get(port, "/readyz").unwrap().0.contains("200"));
        server.fault(None);
        until("all is there again", || {
            is_up(port, 1).filter(|()| agent.said()[before..].contains("all is there again"))
        });
    }
    assert!(resident(&agent) < 200 << 20, "{}", resident(&agent));
    quiet(&agent, port);
}

/// Fifteen seconds are allowed for an answer.
#[test]
fn a_slow_answer_is_given_up() {
    let server = Server::start();
    let (vault, place) = (Vault::fake(&server), Place::new("vault-slow"));
    vault.post("kv/data/app", &json!({"data": {"token": planted(1)}}));
    let (agent, port) = vault.start(&place, TOKEN, "  kv: [{mount: kv, paths: [app]}]\n");
    arms(port, &agent, &["app#token 1 current"]);
    server.fault(Some(Fault::Slow));
    until("down", || is_up(port, 0));
    assert!(agent.said().contains("no whole answer within 15 s"), "{}", agent.said());
    assert_eq!(armed(port), ["app#token 1 current"]);
}

/// The most memory that the agent had.
fn resident(agent: &Agent) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", agent.id())).unwrap();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap() << 10
}
