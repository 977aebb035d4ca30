//! Files with Kubernetes' links, variables, a real socket, and what the agent says of itself.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use crate::harness::{Agent, Place, ask, get, key, once, planted, port, secrets, until};

#[test]
fn a_mount_that_is_swapped_is_armed_at_once_and_the_old_value_stays() {
    let place = Place::new("swap");
    let (one, two) = (planted(1), planted(2));
    place.mount("..2026_one", &[("username", "app"), ("password", &format!("{one}\n"))]);
    let port = port();
    let config = format!(
        "listen: {{tcp: '127.0.0.1:{port}'}}\ngrace: 2s\nsources: [{{type: files, path: {}, names: [password]}}]",
        place.path("mount")
    );
    let agent = Agent::start(&place, &place.write("agent.yaml", &config));
    let first = until("the first set", || secrets(port));
    let expected = [
        "password ..2026_one current",
        "password#basic ..2026_one current",
        "keepmum:canary 1 current",
    ];
    assert_eq!(first, expected);
    let (head, _) = get(port, "/v1/fingerprints").unwrap();
    assert!(head.contains("keepmum-seal: hmac-sha256="), "{head}");

    let begun = Instant::now();
    place.mount("..2026_two", &[("username", "app"), ("password", &two)]);
    let both = until("both values", || secrets(port).filter(|s| s.len() == 5));
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    assert!(both.contains(&"password ..2026_one previous".to_owned()), "{both:?}");
    assert!(both.contains(&"password ..2026_two current".to_owned()), "{both:?}");
    let only = until("the old value goes", || secrets(port).filter(|s| s.len() == 3));
    assert!(only.contains(&"password ..2026_two current".to_owned()), "{only:?}");

    // Gone: what was there stays, and it is told.
    fs::rename(place.root.join("mount"), place.root.join("elsewhere")).unwrap();
    let down = until("down", || {
        let (_, metrics) = get(port, "/metrics")?;
        metrics
            .contains("keepmum_agent_source_up{source=\"files\"} 0")
            .then_some(metrics)
    });
    assert!(
        down.contains("keepmum_agent_source_secrets{source=\"files\"} 3"),
        "{down}"
    );
    assert!(
        secrets(port)
            .unwrap()
            .contains(&"password ..2026_two current".to_owned())
    );
    fs::rename(place.root.join("elsewhere"), place.root.join("mount")).unwrap();
    until("up again", || {
        get(port, "/metrics")?
            .1
            .contains("source_up{source=\"files\"} 1")
            .then_some(())
    });

    let everything = agent.said() + &get(port, "/metrics").unwrap().1 + &get(port, "/v1/fingerprints").unwrap().1;
    for value in [&one, &two] {
        assert!(!everything.contains(value.as_str()), "a value was printed");
    }
}

#[test]
fn a_set_that_is_known_is_not_sent_again() {
    let place = Place::new("etag");
    let socket = place.path("agent.sock");
    let env = place.write("app.env", &format!("API_TOKEN={}\n", planted(3)));
    let config = format!("listen: {{unix: {socket}, mode: \"0640\"}}\nsources: [{{type: dotenv, path: {env}}}]");
    let config = place.write("agent.yaml", &config);
    let first = Agent::start(&place, &config);
    let connect = || UnixStream::connect(&socket).ok();
    let (head, body) = until("the socket", || Some(ask(connect()?, "/v1/fingerprints", "")));
    assert!(
        head.starts_with("HTTP/1.1 200") && body.contains("app.env#API_TOKEN"),
        "{head}"
    );
    assert_eq!(fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o640);
    let tag = head.lines().find_map(|l| l.strip_prefix("etag: ")).unwrap();
    let (head, body) = ask(
        connect().unwrap(),
        "/v1/fingerprints",
        &format!("If-None-Match: {tag}\r\n"),
    );
    assert!(head.starts_with("HTTP/1.1 304") && body.is_empty(), "{head}");
    let version: u64 = tag.trim_matches('"').parse().unwrap();

    for (path, begins) in [
        ("/healthz", "HTTP/1.1 200"),
        ("/readyz", "HTTP/1.1 200"),
        ("/other", "HTTP/1.1 404"),
    ] {
        assert!(ask(connect().unwrap(), path, "").0.starts_with(begins), "{path}");
    }
    // What is too long is cut off: whether the answer is still read depends on who is faster.
    let mut stream = connect().unwrap();
    let long = format!(
        "GET /v1/fingerprints HTTP/1.1\r\nHost: agent\r\nX-Long: {}\r\n\r\n",
        "x".repeat(40_000)
    );
    let mut got = Vec::new();
    let _ = std::io::Write::write_all(&mut stream, long.as_bytes());
    let _ = std::io::Read::read_to_end(&mut stream, &mut got);
    assert!(!got.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&got));

    // Another one takes the socket over once this one is dead, with a higher version.
    drop(first);
    let _second = Agent::start(&place, &config);
    let (head, _) = until("the second", || Some(ask(connect()?, "/v1/fingerprints", "")));
    let tag = head.lines().find_map(|l| l.strip_prefix("etag: ")).unwrap();
    assert!(tag.trim_matches('"').parse::<u64>().unwrap() > version);
}

#[test]
fn all_that_is_missing_is_told_at_once() {
    let place = Place::new("missing");
    fs::create_dir_all(place.root.join("empty")).unwrap();
    let config = format!(
        "start_within: 1s\nkey_env: KEEPMUM_TEST_ABSENT_KEY\nsources:\n\
         - {{type: env, names: [KEEPMUM_TEST_ABSENT_ONE, KEEPMUM_TEST_ABSENT_TWO]}}\n\
         - {{type: files, path: {}, names: [password]}}\n\
         - {{type: dotenv, path: {}}}\n\
         - {{type: files, name: optional, path: /nowhere/at/all, required: false}}\n",
        place.path("empty"),
        place.path("app.env")
    );
    let out = once(&place.write("agent.yaml", &config), &[]);
    let said = String::from_utf8(out.stderr).unwrap();
    assert_eq!(out.status.code(), Some(2), "{said}");
    let listed = said.split_once("required and missing:").unwrap().1;
    for name in [
        "KEEPMUM_TEST_ABSENT_KEY",
        "ABSENT_ONE",
        "ABSENT_TWO",
        "empty/password",
        "app.env",
    ] {
        assert!(listed.contains(name), "{name}: {said}");
    }
    assert!(
        !listed.contains("nowhere") && said.contains("optional: /nowhere/at/all"),
        "{said}"
    );
}

#[test]
fn a_wrong_configuration_is_told_in_full() {
    let place = Place::new("wrong");
    let out = once(
        &place.write("agent.yaml", "grace: 1\nsources: [{type: files}]\nother: 1"),
        &[],
    );
    let said = String::from_utf8(out.stderr).unwrap();
    assert_eq!(out.status.code(), Some(2));
    for path in ["grace: ", "sources[0].path: ", "other: "] {
        assert!(said.contains(path), "{path}: {said}");
    }
}

#[test]
fn a_dry_run_says_what_is_taken_and_why_not_and_never_a_value() {
    let place = Place::new("dry");
    let (password, webhook) = (planted(4), planted(5));
    let guessable = ["Summer", "2026", "!"].concat();
    place.write(
        "dir/db.json",
        &format!("{{\"username\": \"application\", \"password\": \"{password}\", \"port\": 5432}}"),
    );
    place.write("dir/old", &guessable);
    place.write("dir/hook", &format!("https://hooks.example.com/T0/{webhook}"));
    // Once in a body as it was, once in one that HAR keeps as base64, once in a query.
    let body = base64::Engine::encode(
        &base64::engine::general_purpose::STANDARD,
        format!("{{\"p\": \"{password}\"}}"),
    );
    let har = serde_json::json!({"log": {"entries": [
        {"response": {"content": {"text": body, "encoding": "base64"}}},
        {"response": {"content": {"text": format!("x {password} y")}}},
    ]}});
    place.write("captures/one.har", &har.to_string());
    place.write("captures/access.log", &format!("GET /?key={password} 200\n"));
    let config = format!("sources: [{{type: files, path: {}}}]", place.path("dir"));
    let config = place.write("agent.yaml", &config);
    let table = String::from_utf8(once(&config, &["--dry-run"]).stdout).unwrap();
    let out = once(&config, &["--dry-run", "--json", "--captures", &place.path("captures")]);
    assert_eq!(out.status.code(), Some(0));
    let json = String::from_utf8(out.stdout).unwrap();
    let report: serde_json::Value = serde_json::from_str(&json).unwrap();
    let verdict = |end: &str| {
        let all = report["secrets"].as_array().unwrap();
        let row = all.iter().find(|r| r["id"].as_str().unwrap().ends_with(end)).unwrap();
        row["reason"].as_str().unwrap_or("taken").to_owned()
    };
    for (end, expected) in [
        ("/db.json", "taken"),
        ("#password", "taken"),
        ("#username", "name"),
        ("#port", "short"),
        ("/old", "guessable"),
        ("/hook", "taken"),
    ] {
        assert_eq!(verdict(end), expected, "{end}\n{table}");
    }
    assert!(
        table.contains("refused") && table.contains("it could be guessed"),
        "{table}"
    );
    for value in [&password, &webhook, &guessable] {
        assert!(
            !table.contains(value.as_str()) && !json.contains(value.as_str()),
            "a value was printed"
        );
    }
}

#[test]
fn a_probe_tells_whether_the_canary_is_redacted() {
    let place = Place::new("probe");
    let port = port();
    let env = place.write("app.env", &format!("API_TOKEN={}\n", planted(3)));
    let config = format!("listen: {{tcp: '127.0.0.1:{port}'}}\nsources: [{{type: dotenv, path: {env}}}]");
    let _agent = Agent::start(&place, &place.write("agent.yaml", &config));
    until("the first set", || secrets(port));
    let probe = |port: u16| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_keepmum"));
        command
            .args(["agent", "probe", &format!("http://127.0.0.1:{port}/v1/canary")])
            .env("KEEPMUM_AGENT_KEY", key());
        command.output().unwrap().status.code()
    };
    // The agent itself, with no proxy before it.
    assert_eq!(probe(port), Some(1));
    // What the proxy would make of it.
    let (head, body) = get(port, "/v1/canary").unwrap();
    assert!(head.contains(" 200 "));
    let redacted = body.split(": ").next().unwrap().to_owned() + ": [REDACTED:keepmum:canary]\n";
    assert_eq!(probe(serve(redacted)), Some(0));
    assert_eq!(probe(serve("something else".to_owned())), Some(2));
}

/// Answers everything with this.
fn serve(body: String) -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut request = [0; 4096];
            let _ = std::io::Read::read(&mut stream, &mut request);
            let answer = format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
            let _ = std::io::Write::write_all(&mut stream, answer.as_bytes());
        }
    });
    port
}
