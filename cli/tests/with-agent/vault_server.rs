//! A server that speaks the part of Vault's HTTP API that the agent asks for, as it is documented: KV 1 and 2, AppRole and Kubernetes
//! logins, tokens and leases with their maximum, and the errors. It proves no more than that the documentation was read the same way
//! twice: the same tests run against a real Vault where `VAULT_ADDR` and `VAULT_TOKEN` are set.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::planted;

/// What goes wrong with every answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    Denied,
    Limited,
    Sealed,
    /// The body never ends.
    Slow,
    /// It ends too early.
    Broken,
    NoJson,
    /// A gibibyte, announced.
    Huge,
    /// A gibibyte, in chunks.
    Endless,
}

#[derive(Default)]
struct State {
    fault: Option<Fault>,
    /// Of KV 2: by path, versions from 1 on.
    two: BTreeMap<String, Vec<Version>>,
    one: BTreeMap<String, Value>,
    tokens: BTreeMap<String, Lease>,
    leases: BTreeMap<String, Lease>,
    /// How often each path was asked.
    asked: BTreeMap<String, usize>,
    made: u64,
    /// The namespace in which alone there is anything.
    namespace: Option<String>,
}

struct Version {
    data: Value,
    deleted: bool,
    destroyed: bool,
}

#[derive(Clone)]
struct Lease {
    time: Duration,
    ends: Instant,
    last_end: Instant,
}

impl Lease {
    fn new(time: Duration, most: Duration) -> Lease {
        let now = Instant::now();
        Lease {
            time,
            ends: now + time,
            last_end: now + most,
        }
    }

    fn renew(&mut self) -> u64 {
        self.ends = (Instant::now() + self.time).min(self.last_end);
        self.ends.saturating_duration_since(Instant::now()).as_secs()
    }
}

/// The server; it ends with the test.
#[derive(Clone)]
pub struct Server {
    pub address: String,
    pub root: String,
    state: Arc<Mutex<State>>,
}

/// Times of leases: as granted, and the maximum.
const LEASE: (u64, u64) = (2, 5);

impl Server {
    pub fn start() -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let server = Server {
            address,
            root: planted(500),
            state: Arc::default(),
        };
        let serving = server.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let server = serving.clone();
                std::thread::spawn(move || server.connection(stream));
            }
        });
        server
    }

    pub fn fault(&self, fault: Option<Fault>) {
        self.state.lock().unwrap().fault = fault;
    }

    pub fn namespace(&self, namespace: &str) {
        self.state.lock().unwrap().namespace = Some(namespace.to_owned());
    }

    pub fn asked(&self, path: &str) -> usize {
        self.state.lock().unwrap().asked.get(path).copied().unwrap_or(0)
    }

    /// As an operator does who suspects them.
    pub fn revoke_tokens(&self) {
        self.state.lock().unwrap().tokens.clear();
    }

    fn connection(&self, stream: TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut stream = stream;
        while let Some((method, path, headers, body)) = request(&mut reader) {
            let fault = self.state.lock().unwrap().fault;
            let done = match fault {
                Some(fault) => broken(&mut stream, fault),
                None => {
                    let (status, value) = self.answer(&method, &path, &headers, &body);
                    respond(&mut stream, status, "", &value.to_string())
                }
            };
            if done.is_none() {
                return;
            }
        }
    }

    fn answer(&self, method: &str, target: &str, headers: &BTreeMap<String, String>, body: &Value) -> (u16, Value) {
        let mut state = self.state.lock().unwrap();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let Some(path) = path.strip_prefix("/v1/") else {
            return (404, errors(&[]));
        };
        *state.asked.entry(path.to_owned()).or_default() += 1;
        if headers.get("x-vault-request").is_none() {
            return (400, errors(&["missing X-Vault-Request"]));
        }
        let namespace = state.namespace.clone();
        if namespace.is_some() && headers.get("x-vault-namespace") != namespace.as_ref() {
            return (403, errors(&["permission denied"]));
        }
        if let Some(mount) = path.strip_prefix("auth/").and_then(|p| p.strip_suffix("/login")) {
            return state.login(mount, body);
        }
        let token = headers.get("x-vault-token").cloned().unwrap_or_default();
        let now = Instant::now();
        let root = token == self.root;
        if !root && state.tokens.get(&token).is_none_or(|l| l.ends <= now) {
            return (403, errors(&["permission denied"]));
        }
        let parts: Vec<&str> = path.split('/').collect();
        match (method, parts.as_slice()) {
            ("GET", ["auth", "token", "lookup-self"]) => {
                let ttl = state
                    .tokens
                    .get(&token)
                    .map_or(0, |l| l.ends.duration_since(now).as_secs());
                (
                    200,
                    envelope(json!({"ttl": ttl, "renewable": !root, "policies": ["default"], "id": token})),
                )
            }
            ("POST", ["auth", "token", "renew-self"]) => match state.tokens.get_mut(&token) {
                Some(lease) => {
                    let granted = lease.renew();
                    (
                        200,
                        json!({"request_id": "r", "auth": {"client_token": token, "lease_duration": granted, "renewable": true}}),
                    )
                }
                None => (400, errors(&["lease is not renewable"])),
            },
            ("GET", ["database", "creds", role]) => {
                state.made += 1;
                let id = format!("database/creds/{role}/{}", state.made);
                let lease = Lease::new(Duration::from_secs(LEASE.0), Duration::from_secs(LEASE.1));
                state.leases.insert(id.clone(), lease);
                let password = planted(700 + state.made);
                let data = json!({"username": format!("v-agent-{role}-{}", state.made), "password": password});
                let mut answer = envelope(data);
                (answer["lease_id"], answer["lease_duration"], answer["renewable"]) =
                    (id.into(), LEASE.0.into(), true.into());
                (200, answer)
            }
            ("GET", ["database", "static-creds", _]) => (
                200,
                envelope(json!({
                    "username": "app", "password": planted(900), "last_vault_rotation": "2026-11-24T03:00:00Z",
                    "rotation_period": 86400, "ttl": 3600,
                })),
            ),
            ("POST", ["sys", "leases", "renew"]) => {
                let id = body["lease_id"].as_str().unwrap_or_default().to_owned();
                match state.leases.get_mut(&id).filter(|l| l.ends > now) {
                    Some(lease) => {
                        let granted = lease.renew();
                        (
                            200,
                            json!({"lease_id": id, "lease_duration": granted, "renewable": true}),
                        )
                    }
                    None => (400, errors(&["lease not found"])),
                }
            }
            (_, ["kv", "data" | "metadata" | "delete" | "destroy", ..]) => state.two(method, &parts, query, body),
            (_, ["secret", rest @ ..]) => state.one(method, &rest.join("/"), query, body),
            _ => (404, errors(&[])),
        }
    }
}

impl State {
    fn login(&mut self, mount: &str, body: &Value) -> (u16, Value) {
        let right = match mount {
            "approle" => body["role_id"] == "agent" && body["secret_id"] == planted(600),
            "kubernetes" => body["role"] == "agent" && body["jwt"] == planted(601),
            _ => return (404, errors(&["no handler for route"])),
        };
        if !right {
            return (400, errors(&["invalid role or secret ID"]));
        }
        self.made += 1;
        let token = planted(10_000 + self.made);
        self.tokens.insert(
            token.clone(),
            Lease::new(Duration::from_secs(LEASE.0), Duration::from_secs(LEASE.1)),
        );
        let auth = json!({"client_token": token, "accessor": "a", "policies": ["agent"], "lease_duration": LEASE.0, "renewable": true});
        (200, json!({"request_id": "r", "auth": auth}))
    }

    fn two(&mut self, method: &str, parts: &[&str], query: &str, body: &Value) -> (u16, Value) {
        let path = parts[2..].join("/");
        match (method, parts[1]) {
            ("POST", "data") => {
                let versions = self.two.entry(path).or_default();
                versions.push(Version {
                    data: body["data"].clone(),
                    deleted: false,
                    destroyed: false,
                });
                (
                    200,
                    envelope(json!({"version": versions.len(), "destroyed": false, "deletion_time": ""})),
                )
            }
            ("POST", what @ ("delete" | "destroy")) => {
                for n in body["versions"].as_array().unwrap() {
                    let version = self
                        .two
                        .get_mut(&path)
                        .unwrap()
                        .get_mut(n.as_u64().unwrap() as usize - 1)
                        .unwrap();
                    if what == "delete" {
                        version.deleted = true
                    } else {
                        version.destroyed = true
                    }
                }
                (204, Value::Null)
            }
            ("GET", "metadata") if query == "list=true" => listed(self.two.keys(), &path),
            ("GET", "metadata") => match self.two.get(&path) {
                Some(versions) => {
                    let all: BTreeMap<String, Value> = (1..)
                        .zip(versions)
                        .map(|(n, v): (u64, _)| (n.to_string(), v.metadata()))
                        .collect();
                    (
                        200,
                        envelope(
                            json!({"current_version": versions.len(), "oldest_version": 0, "max_versions": 0, "versions": all}),
                        ),
                    )
                }
                None => (404, errors(&[])),
            },
            ("GET", "data") => {
                let Some(versions) = self.two.get(&path) else {
                    return (404, errors(&[]));
                };
                let wanted = query
                    .strip_prefix("version=")
                    .map_or(versions.len(), |n| n.parse().unwrap());
                let Some(version) = versions.get(wanted - 1) else {
                    return (404, errors(&[]));
                };
                let mut metadata = version.metadata();
                metadata["version"] = wanted.into();
                let there = !version.deleted && !version.destroyed;
                let data = if there { version.data.clone() } else { Value::Null };
                (
                    if there { 200 } else { 404 },
                    envelope(json!({"data": data, "metadata": metadata})),
                )
            }
            _ => (405, errors(&["unsupported operation"])),
        }
    }

    fn one(&mut self, method: &str, path: &str, query: &str, body: &Value) -> (u16, Value) {
        match method {
            "POST" => {
                self.one.insert(path.to_owned(), body.clone());
                (204, Value::Null)
            }
            _ if query == "list=true" => listed(self.one.keys(), path),
            _ => match self.one.get(path) {
                Some(data) => (200, envelope(data.clone())),
                None => (404, errors(&[])),
            },
        }
    }
}

impl Version {
    fn metadata(&self) -> Value {
        let time = if self.deleted {
            "2026-11-24T03:15:23.123456789Z"
        } else {
            ""
        };
        json!({"created_time": "2026-11-24T03:00:00Z", "deletion_time": time, "destroyed": self.destroyed})
    }
}

fn listed<'p>(all: impl Iterator<Item = &'p String>, folder: &str) -> (u16, Value) {
    let below = all.filter_map(|path| path.strip_prefix(folder));
    let mut keys: Vec<String> = below
        .map(|rest| match rest.split_once('/') {
            Some((first, _)) => format!("{first}/"),
            None => rest.to_owned(),
        })
        .collect();
    keys.sort();
    keys.dedup();
    if keys.is_empty() {
        (404, errors(&[]))
    } else {
        (200, envelope(json!({"keys": keys})))
    }
}

fn envelope(data: Value) -> Value {
    json!({
        "request_id": "5a5d6d2e", "lease_id": "", "renewable": false, "lease_duration": 0, "data": data,
        "wrap_info": null, "warnings": null, "auth": null,
    })
}

fn errors(all: &[&str]) -> Value {
    json!({ "errors": all })
}

type Request = (String, String, BTreeMap<String, String>, Value);

fn request(reader: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|n| *n > 0)?;
    let mut words = line.split(' ').map(str::to_owned);
    let (method, path) = (words.next()?, words.next()?);
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|n| *n > 0)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let length = headers.get("content-length").map_or(0, |n| n.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((
        method,
        path,
        headers,
        serde_json::from_slice(&body).unwrap_or(Value::Null),
    ))
}

fn respond(stream: &mut TcpStream, status: u16, more: &str, body: &str) -> Option<()> {
    let body = if status == 204 { "" } else { body };
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status} x\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n{more}\r\n{body}"
    )
    .ok()
}

fn broken(stream: &mut TcpStream, fault: Fault) -> Option<()> {
    let head = |length: usize| {
        format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n")
    };
    match fault {
        Fault::Denied => respond(stream, 403, "", &errors(&["permission denied"]).to_string()),
        Fault::Limited => respond(
            stream,
            429,
            "Retry-After: 1\r\n",
            &errors(&["request path rate limit quota exceeded"]).to_string(),
        ),
        Fault::Sealed => respond(stream, 503, "", &errors(&["Vault is sealed"]).to_string()),
        Fault::NoJson => respond(stream, 200, "", "<html>not Vault</html>"),
        Fault::Broken => {
            stream.write_all(head(1000).as_bytes()).ok()?;
            stream.write_all(b"{\"data\": {").ok()?;
            None
        }
        Fault::Slow => {
            stream.write_all(head(1000).as_bytes()).ok()?;
            for _ in 0..600 {
                stream.write_all(b" ").ok()?;
                std::thread::sleep(Duration::from_millis(100));
            }
            None
        }
        Fault::Huge => {
            stream.write_all(head(1 << 30).as_bytes()).ok()?;
            for _ in 0..1 << 10 {
                stream.write_all(&vec![b' '; 1 << 20]).ok()?;
            }
            None
        }
        Fault::Endless => {
            stream
                .write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                .ok()?;
            for _ in 0..1 << 10 {
                write!(stream, "{:x}\r\n", 1 << 20).ok()?;
                stream.write_all(&vec![b' '; 1 << 20]).ok()?;
                stream.write_all(b"\r\n").ok()?;
            }
            None
        }
    }
}
