//! AWS Secrets Manager through the official SDK, before moto: a real server of another make, which keeps versions and stages.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Agent, Place, get, planted, port, secrets, until};
use crate::install;

const MOTO: &str = "5.2.5";

/// A moto of the test's own.
struct Moto {
    child: Child,
    port: u16,
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where it cannot be had the test says so, and fails where that must not be.
fn python() -> Option<std::path::PathBuf> {
    static PYTHON: OnceLock<Option<std::path::PathBuf>> = OnceLock::new();
    let have = || match install::python_with("moto[server]", MOTO) {
        Ok(python) => Some(python),
        Err(e) => {
            assert!(
                std::env::var("CI").as_deref() != Ok("true"),
                "moto cannot be had: {e:#}"
            );
            eprintln!("skipped: moto cannot be had: {e:#}");
            None
        }
    };
    PYTHON.get_or_init(have).clone()
}

impl Moto {
    fn start() -> Option<Moto> {
        let port = port();
        let mut command = Command::new(python()?);
        command.args(["-m", "moto.server", "-H", "127.0.0.1", "-p", &port.to_string()]);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let moto = Moto { child, port };
        until("moto", || TcpStream::connect(("127.0.0.1", port)).ok());
        Some(moto)
    }

    fn call(&self, operation: &str, body: &Value) -> Value {
        let body = body.to_string();
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        write!(
            stream,
            "POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/x-amz-json-1.1\r\n\
             X-Amz-Target: secretsmanager.{operation}\r\nContent-Length: {}\r\n\
             Authorization: AWS4-HMAC-SHA256 Credential=testing/20261124/us-east-1/secretsmanager/aws4_request\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut all = String::new();
        stream.read_to_string(&mut all).unwrap();
        let (head, body) = all.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(" 200 "), "{operation}: {all}");
        serde_json::from_str(body).unwrap_or(Value::Null)
    }

    fn create(&self, name: &str, value: &str) {
        self.call(
            "CreateSecret",
            &json!({"Name": name, "SecretString": value, "ClientRequestToken": token(name, 1)}),
        );
    }

    /// As a rotation ends: the pending version becomes the current one.
    fn promote(&self, name: &str, from: u8, to: u8) {
        let body = json!({
            "SecretId": name, "VersionStage": "AWSCURRENT",
            "RemoveFromVersionId": token(name, from), "MoveToVersionId": token(name, to),
        });
        self.call("UpdateSecretVersionStage", &body);
    }

    fn put(&self, name: &str, n: u8, value: &str, stage: &str) {
        let body = json!({"SecretId": name, "SecretString": value, "VersionStages": [stage], "ClientRequestToken": token(name, n)});
        self.call("PutSecretValue", &body);
    }
}

/// The id of a version: 32 characters or more.
fn token(name: &str, n: u8) -> String {
    format!("{n}-{:-<34}", name.replace('/', "-"))
}

/// `id n stage`: which version, as these tests number them.
fn armed(port: u16) -> Vec<String> {
    let short = |s: String| {
        let mut words = s.split(' ');
        let (id, version, stage) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
        format!("{id} {} {stage}", version.split('-').next().unwrap())
    };
    let all = secrets(port).unwrap_or_default().into_iter().map(short);
    all.filter(|s| !s.starts_with("keepmum:")).collect()
}

fn start(place: &Place, to: u16, more: &str) -> (Agent, u16) {
    let port = port();
    let config = format!(
        "listen: {{tcp: '127.0.0.1:{port}'}}\nstart_within: 20s\ngrace: 1h\nsources:\n- type: aws\n  region: us-east-1\n  \
         endpoint: http://127.0.0.1:{to}\n  every: 200ms\n{more}"
    );
    let config = place.write("agent.yaml", &config);
    let env = [
        ("AWS_ACCESS_KEY_ID", "testing"),
        ("AWS_SECRET_ACCESS_KEY", "testing"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ];
    (Agent::start_with(place, &config, &env), port)
}

#[track_caller]
fn arms(port: u16, expected: &[&str]) {
    let mut last = Vec::new();
    let begun = std::time::Instant::now();
    while begun.elapsed() < Duration::from_secs(20) {
        last = armed(port);
        if last == expected {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(last, expected);
}

#[test]
fn a_rotation_is_followed_from_pending_to_previous() {
    let Some(moto) = Moto::start() else { return };
    let place = Place::new("aws-rotation");
    moto.create(
        "prod/db",
        &json!({"username": "application", "password": planted(1), "port": 5432}).to_string(),
    );
    moto.create("prod/token", &planted(2));
    moto.create("other/token", &planted(3));
    let (agent, port) = start(&place, moto.port, "  prefix: prod/\n");
    // The last part of an id stands here.
    arms(
        port,
        &[
            "db#password 1 current",
            "db#password.basic 1 current",
            "db 1 current",
            "token 1 current",
        ],
    );

    moto.put("prod/token", 2, &planted(4), "AWSPENDING");
    arms(
        port,
        &[
            "db#password 1 current",
            "db#password.basic 1 current",
            "db 1 current",
            "token 1 current",
            "token 2 pending",
        ],
    );
    moto.promote("prod/token", 1, 2);
    arms(
        port,
        &[
            "db#password 1 current",
            "db#password.basic 1 current",
            "db 1 current",
            "token 1 previous",
            "token 2 current",
        ],
    );

    // The first version has no stage any more: it stays for the grace period.
    moto.put("prod/token", 3, &planted(5), "AWSPENDING");
    moto.promote("prod/token", 2, 3);
    arms(
        port,
        &[
            "db#password 1 current",
            "db#password.basic 1 current",
            "db 1 current",
            "token 1 previous",
            "token 2 previous",
            "token 3 current",
        ],
    );
    let said = agent.said() + &get(port, "/metrics").unwrap().1 + &get(port, "/v1/fingerprints").unwrap().1;
    for value in [1, 2, 3, 4, 5].map(planted) {
        assert!(!said.contains(&value), "a value was printed");
    }
}

#[test]
fn names_tags_and_binary_secrets_are_read_and_missing_ones_told() {
    let Some(moto) = Moto::start() else { return };
    let place = Place::new("aws-names");
    moto.create("one", &planted(1));
    moto.call(
        "CreateSecret",
        &json!({
            "Name": "two", "SecretBinary": "yv66vgABAgMEBQYHCAkKCwwNDg8=", "ClientRequestToken": token("two", 1),
            "Tags": [{"Key": "keepmum", "Value": "yes"}],
        }),
    );
    let tagged = |name: &str, value: &str| {
        let tags = json!([{"Key": "keepmum", "Value": value}, {"Key": "other", "Value": "yes"}]);
        moto.call(
            "CreateSecret",
            &json!({
                "Name": name, "SecretString": planted(3), "Tags": tags, "ClientRequestToken": token(name, 1),
            }),
        );
    };
    tagged("three", "no");
    let more = "  names: [one, absent]\n  tags: [{key: keepmum, value: 'yes'}]\n";
    let (agent, port) = start(&place, moto.port, &format!("{more}  required: false\n"));
    arms(port, &["aws:two 1 current", "aws:one 1 current"]);
    assert!(
        agent
            .said()
            .contains("aws:absent: DescribeSecret: ResourceNotFoundException"),
        "{}",
        agent.said()
    );
    moto.create("absent", &planted(4));
    arms(
        port,
        &["aws:two 1 current", "aws:one 1 current", "aws:absent 1 current"],
    );
    // Marked for deletion: it is not live any more.
    moto.call("DeleteSecret", &json!({"SecretId": "one"}));
    arms(
        port,
        &["aws:two 1 current", "aws:one 1 previous", "aws:absent 1 current"],
    );
}

/// Passes requests on to moto, or answers them with an error.
struct Proxy {
    port: u16,
    throttled: Arc<AtomicUsize>,
}

impl Proxy {
    fn start(to: u16) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let throttled = Arc::new(AtomicUsize::new(0));
        let left = Arc::clone(&throttled);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let left = Arc::clone(&left);
                std::thread::spawn(move || pass(stream, to, &left));
            }
        });
        Proxy { port, throttled }
    }
}

fn pass(mut stream: TcpStream, to: u16, left: &AtomicUsize) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|n| *n > 0)?;
        if line.trim_end().is_empty() {
            break;
        }
        let lower = line.to_ascii_lowercase();
        if let Some(n) = lower.strip_prefix("content-length: ") {
            length = n.trim().parse().ok()?;
        }
        if !lower.starts_with("connection:") {
            head.push_str(&line);
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    if left
        .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1))
        .is_ok()
    {
        let body = r#"{"__type": "ThrottlingException", "message": "Rate exceeded"}"#;
        let length = body.len();
        return write!(
            stream,
            "HTTP/1.1 400 Bad Request\r\nContent-Type: application/x-amz-json-1.1\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        ).ok();
    }
    let mut upstream = TcpStream::connect(("127.0.0.1", to)).ok()?;
    upstream
        .write_all(format!("{head}Connection: close\r\n\r\n").as_bytes())
        .ok()?;
    upstream.write_all(&body).ok()?;
    let mut answer = Vec::new();
    upstream.read_to_end(&mut answer).ok()?;
    stream.write_all(&answer).ok()
}

#[test]
fn throttling_is_borne_and_a_source_that_is_down_keeps_what_it_had() {
    let Some(moto) = Moto::start() else { return };
    let proxy = Proxy::start(moto.port);
    let place = Place::new("aws-down");
    moto.create("prod/token", &planted(1));
    // The SDK tries four times.
    proxy.throttled.store(2, Ordering::SeqCst);
    let (agent, port) = start(&place, proxy.port, "  prefix: prod/\n");
    arms(port, &["token 1 current"]);

    proxy.throttled.store(usize::MAX / 2, Ordering::SeqCst);
    until("down", || {
        get(port, "/metrics")?
            .1
            .contains("source_up{source=\"aws\"} 0")
            .then_some(())
    });
    assert!(
        agent.said().contains("aws: ListSecrets: ThrottlingException"),
        "{}",
        agent.said()
    );
    assert_eq!(armed(port), ["token 1 current"]);
    proxy.throttled.store(0, Ordering::SeqCst);
    until("up", || {
        get(port, "/metrics")?
            .1
            .contains("source_up{source=\"aws\"} 1")
            .then_some(())
    });
    drop(moto);
    until("down again", || {
        get(port, "/metrics")?
            .1
            .contains("source_up{source=\"aws\"} 0")
            .then_some(())
    });
    assert_eq!(armed(port), ["token 1 current"]);
}
