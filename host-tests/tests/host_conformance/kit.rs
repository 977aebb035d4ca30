//! What a row of the conformance table is made of: a probe written as a few host calls, an exchange, and
//! what the probe must have logged and the client must have seen.
//!
//! Snippets are WebAssembly text with two shorthands: `#7` is `(i32.const 7)`, and `'text'` is the address
//! and the length of that text in memory, which is how host calls take strings.
//!
//! With `KEEPMUM_PROBES=<folder>` every row also writes its module and a JSON description there, for running
//! the same row through a real proxy.

use keepmum_host_tests::exchange::{End, Exchange, Headers, Message, Origin};
use keepmum_host_tests::host::{LogLevel, Module, Options};
use keepmum_host_tests::replay::{Replay, replay};

const PRELUDE: &str = include_str!("prelude.wat");

/// One row.
pub struct Row {
    /// The fact, in a few words: the row's name.
    pub fact: &'static str,
    /// Callbacks by short name (`response_body`), each with its snippet, which leaves the return value.
    pub probe: &'static [(&'static str, &'static str)],
    /// Changes to the default options.
    pub options: fn(&mut Options),
    /// Changes to the plain exchange: GET, 200, `hello ` and `world`.
    pub exchange: fn(&mut Exchange),
    /// The probe's lines.
    pub says: &'static [&'static str],
    /// Status, end, body, and trailers if any.
    pub client: &'static str,
    /// Header values at the client: `name=value` for each, in order, of each name that occurs here.
    pub headers: &'static [&'static str],
    /// Does strict mode object?
    pub strict: bool,
}

/// The row that others are built on by struct update.
pub const PLAIN: Row = Row {
    fact: "",
    probe: &[],
    options: |_| {},
    exchange: |_| {},
    says: &[],
    client: "200 Complete hello world",
    headers: &[],
    strict: false,
};

pub fn headers(pairs: &[(&str, &str)]) -> Headers {
    pairs
        .iter()
        .map(|(n, v)| (n.as_bytes().to_vec(), v.as_bytes().to_vec()))
        .collect()
}

pub fn pieces(list: &[&str]) -> Vec<Vec<u8>> {
    list.iter().map(|piece| piece.as_bytes().to_vec()).collect()
}

/// GET / answered with `hello ` and `world`, in two pieces.
pub fn plain() -> Exchange {
    Exchange {
        name: "plain".into(),
        request: Message {
            headers: headers(&[
                (":authority", "a.example"),
                (":path", "/p?q=1"),
                (":method", "GET"),
                (":scheme", "http"),
            ]),
            ..Message::default()
        },
        response: Message {
            headers: headers(&[
                (":status", "200"),
                ("content-type", "text/plain"),
                ("set-cookie", "a=1"),
                ("set-cookie", "b=2"),
            ]),
            body: pieces(&["hello ", "world"]),
            ..Message::default()
        },
        ..Exchange::default()
    }
}

/// The same with POST and a body of two pieces.
pub fn post(exchange: &mut Exchange) {
    exchange.request.headers[2].1 = b"POST".to_vec();
    exchange.request.body = pieces(&["abc", "def"]);
}

/// Parameters and result of each callback, by short name.
fn signature(callback: &str) -> &'static str {
    match callback {
        "request_headers" | "response_headers" | "request_body" | "response_body" => {
            "(param $id i32) (param $n i32) (param $end i32) (result i32)"
        }
        "request_trailers" | "response_trailers" | "vm_start" | "configure" => {
            "(param $id i32) (param $n i32) (result i32)"
        }
        "http_call_response" => {
            "(param $id i32) (param $token i32) (param $headers i32) (param $n i32) (param $trailers i32)"
        }
        "context_create" => "(param $id i32) (param $parent i32)",
        "queue_ready" => "(param $id i32) (param $token i32)",
        "done" => "(param $id i32) (result i32)",
        _ => "(param $id i32)",
    }
}

/// The text of a probe.
pub fn probe_text(callbacks: &[(&str, &str)]) -> String {
    let mut strings = String::new();
    let mut at = 4096;
    let mut text = format!("(module\n{PRELUDE}");
    for (name, snippet) in callbacks {
        let snippet = expand(snippet, &mut strings, &mut at);
        match *name {
            "raw" => text.push_str(&snippet),
            "_initialize" => text.push_str(&format!("  (func (export \"_initialize\") {snippet})\n")),
            name => text.push_str(&format!(
                "  (func (export \"proxy_on_{name}\") {} {snippet})\n",
                signature(name)
            )),
        }
    }
    format!("{text}  (data (i32.const 4096) \"{strings}\"))\n")
}

fn expand(snippet: &str, strings: &mut String, at: &mut usize) -> String {
    let mut out = String::new();
    let mut rest = snippet;
    while let Some(i) = rest.find(['\'', '#']) {
        out.push_str(&rest[..i]);
        let after = &rest[i + 1..];
        if rest.as_bytes()[i] == b'#' {
            let end = after
                .find(|c: char| !c.is_ascii_digit() && c != '-')
                .unwrap_or(after.len());
            out.push_str(&format!("(i32.const {})", &after[..end]));
            rest = &after[end..];
        } else {
            let end = after.find('\'').expect("a quote is closed");
            let literal = &after[..end];
            let len = literal.len() - 2 * literal.matches('\\').count();
            out.push_str(&format!("(i32.const {at}) (i32.const {len})"));
            strings.push_str(literal);
            *at += len;
            rest = &after[end + 1..];
        }
    }
    out + rest
}

/// Runs a row and compares.
pub fn check(row: &Row) -> Result<(), String> {
    let text = probe_text(row.probe);
    let module = Module::from_bytes(text.as_bytes()).map_err(|e| format!("{e:#}\n{text}"))?;
    let mut options = Options {
        log_level: LogLevel::Trace,
        buffer_limit: 1 << 20,
        ..Options::default()
    };
    (row.options)(&mut options);
    let mut exchange = plain();
    (row.exchange)(&mut exchange);
    let replay = replay(&module, &options, &exchange).map_err(|e| format!("{e:#}"))?;
    export(row, &module, &options, &exchange, &replay);
    let mut wrong = Vec::new();
    let mut same = |what: &str, got: String, want: String| {
        if got != want {
            wrong.push(format!("{what}\n   got: {got}\n  want: {want}"));
        }
    };
    same(
        "the probe's lines",
        format!("{:?}", says(&replay)),
        format!("{:?}", row.says),
    );
    same("the client", client(&replay), row.client.to_owned());
    same(
        "the client's headers",
        format!("{:?}", of_names(&replay, row.headers)),
        format!("{:?}", row.headers),
    );
    same(
        "strict mode objects",
        format!("{} {:?}", !replay.strict.is_empty(), replay.strict),
        format!("{} {:?}", row.strict, replay.strict),
    );
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(wrong.join("\n"))
    }
}

pub fn says(replay: &Replay) -> Vec<String> {
    replay
        .logs
        .iter()
        .filter(|line| line.level == LogLevel::Info)
        .map(|line| line.text.clone())
        .collect()
}

pub fn client(replay: &Replay) -> String {
    let seen = &replay.client;
    let body = seen.message.body_bytes();
    let mut body = String::from_utf8_lossy(&body).into_owned();
    if body.len() > 60 {
        body = format!("{} bytes", body.len());
    }
    let mut text = format!("{} {:?}", seen.status, seen.ended);
    if !body.is_empty() {
        text.push_str(&format!(" {body}"));
    }
    for (name, value) in seen.message.trailers.iter().flatten() {
        text.push_str(&format!(
            " + {}: {}",
            String::from_utf8_lossy(name),
            String::from_utf8_lossy(value)
        ));
    }
    text
}

fn of_names(replay: &Replay, wanted: &[&str]) -> Vec<String> {
    let names: Vec<&str> = wanted.iter().filter_map(|w| w.split('=').next()).collect();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let all = replay.client.message.headers.iter().map(|(n, v)| (text(n), text(v)));
    all.filter(|(n, _)| names.contains(&n.as_str()))
        .map(|(n, v)| format!("{n}={v}"))
        .collect()
}

/// Writes the row down for a real proxy, if asked.
pub fn export(row: &Row, module: &Module, options: &Options, exchange: &Exchange, replay: &Replay) {
    let Ok(folder) = std::env::var("KEEPMUM_PROBES") else {
        return;
    };
    let slug: String = row
        .fact
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    let wasm = format!("{folder}/{slug}.wasm");
    std::fs::write(&wasm, module.wasm()).expect("the folder is writable");
    let latin = |bytes: &[u8]| bytes.iter().map(|b| *b as char).collect::<String>();
    let pairs = |list: &Headers| list.iter().map(|(n, v)| [latin(n), latin(v)]).collect::<Vec<_>>();
    let message = |m: &Message| {
        serde_json::json!({
            "headers": pairs(&m.headers),
            "body": m.body.iter().map(|b| latin(b)).collect::<Vec<_>>(),
            "trailers": m.trailers.as_ref().map(pairs),
            "end": if m.end == End::Reset { "reset" } else { "complete" },
        })
    };
    let description = serde_json::json!({
        "fact": row.fact,
        "wasm": wasm,
        "limit": options.buffer_limit,
        "http2": options.http2,
        "allow": options.allow_on_headers_stop_iteration,
        "policy": format!("{:?}", options.failure_policy),
        "profile": format!("{:?}", options.profile),
        "origin": if exchange.origin == Origin::ConnectFailure { "connect_failure" } else { "upstream" },
        "request": message(&exchange.request),
        "response": message(&exchange.response),
        "says": says(replay),
        "client": client(replay),
        "upstream_body": replay.upstream.as_ref().map(|m| latin(&m.body_bytes())),
        "client_headers": pairs(&replay.client.message.headers),
    });
    std::fs::write(format!("{folder}/{slug}.json"), description.to_string()).expect("the folder is writable");
}
