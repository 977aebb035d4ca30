//! `keepmum explain --request`: which route a request is on, which rules hold there, and how long a body can be held back.
//!
//! The engine says which route, what each one before it has against the request, and what its patterns can hold; the rules
//! are shown as the policy has them, with the place where they stand. Values that a policy lets stay are counted, not shown.

use std::collections::BTreeMap;
use std::io::{self, Write};

use anyhow::{Context as _, Result, bail};
use keepmum_engine::{Engine, Holds, RequestFacts, ResponseFacts, Tried, catalogue, tree};
use serde::Serialize;
use serde_json::Value;

use super::rules::{self, Rule};
use crate::args::{Asked, Explain};
use crate::{Ended, policy};

/// Detectors that are named of those with the longest matches.
const NAMED: usize = 3;

/// All that is told of a request.
#[derive(Serialize)]
struct Told {
    method: String,
    host: String,
    path: String,
    /// `None`: neither status nor content type was given.
    status: Option<u16>,
    route: String,
    bypass: bool,
    tried: Vec<Route>,
    /// It is answered without the upstream.
    denied: Option<Denial>,
    enforces: bool,
    error_replaced: bool,
    rules: Vec<Rule>,
    detectors: BTreeMap<String, usize>,
    held: Vec<Held>,
    /// At most, in bytes.
    held_in_all: u64,
}

#[derive(Serialize)]
struct Denial {
    status: u16,
    /// The named list that has the path, or `path`.
    list: &'static str,
}

#[derive(Serialize)]
struct Route {
    place: String,
    name: String,
    matches: bool,
    against: Vec<String>,
}

/// Something that can hold bytes back.
#[derive(Serialize)]
struct Held {
    bytes: u64,
    why: String,
}

/// Does what was asked for.
pub fn run(options: &Explain, asked: &Asked) -> Result<Ended> {
    let engine = policy::engine(&options.choice)?;
    let written = policy::written(&options.choice)?;
    // The engine has taken it, so that it can be read.
    let tree = tree(&written).unwrap_or(Value::Null);
    let mut told = told(&engine, &tree, asked)?;
    if let Some(packs) = &options.choice.packs {
        rules::put_packs(&mut told.rules, packs);
    }
    let mut to = io::stdout().lock();
    if options.json {
        serde_json::to_writer_pretty(&mut to, &told)?;
        writeln!(to)?;
    } else {
        lines(&told, &mut to)?;
    }
    Ok(Ended::Found)
}

fn told(engine: &Engine, tree: &Value, asked: &Asked) -> Result<Told> {
    let request = asked.request.as_deref().unwrap_or_default();
    let (method, host, path) =
        parse(request).context("--request: expected a method and a URL, such as GET https://host/path")?;
    let headers = headers(&asked.headers)?;
    // As over HTTP/1.1, where the proxy makes `:authority` of it.
    let sent = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(b"host"));
    let host = sent.map_or(host, |(_, value)| String::from_utf8_lossy(value).into_owned());
    let mut metadata = BTreeMap::new();
    for written in &asked.metadata {
        let (namespace, key, value) = policy::metadata_of(written)?;
        metadata.insert((namespace, key), value);
    }
    let facts = RequestFacts {
        host: host.as_bytes(),
        path: path.as_bytes(),
        method: method.as_bytes(),
        headers: &headers,
        metadata: &|namespace, key| metadata.get(&(namespace.to_owned(), key.to_owned())).cloned(),
    };
    let given = asked.status.is_some() || asked.content_type.is_some();
    let response = ResponseFacts {
        status: asked.status.unwrap_or(200),
        content_type: asked.content_type.as_deref().unwrap_or_default().as_bytes(),
    };
    let response = given.then_some(response);
    let routed = engine.route(&facts);
    let of_request = routed.of_request(engine).map_or(engine, |e| e);
    let settled = response.as_ref().and_then(|r| routed.settle(engine, r));
    let here: &Engine = match response {
        Some(_) => settled.map_or(engine, |e| e),
        None => of_request,
    };
    let tried = engine.tried(&facts, response.as_ref());
    let number = tried.iter().position(|t| t.against.is_empty());
    let on_error = response.and_then(|r| here.on_error(r.status));
    // What errors leak is looked for in them, too.
    let looks: &Engine = on_error.filter(|e| !e.replaces()).map_or(here, |e| e.engine());
    let (held, held_in_all) = held(looks);
    Ok(Told {
        denied: of_request.denies(path.as_bytes()).map(|d| Denial {
            status: d.status,
            list: d.reason,
        }),
        status: response.map(|r| r.status),
        error_replaced: on_error.is_some_and(|e| e.replaces()),
        route: here.name().to_owned(),
        bypass: here.bypasses(),
        enforces: here.enforces(),
        tried: tried.into_iter().zip(0..).map(|(t, i)| route(t, i)).collect(),
        rules: rules::of(tree, number),
        detectors: by_pack(looks),
        held,
        held_in_all,
        method,
        host,
        path: path.split(['?', '#']).next().unwrap_or_default().to_owned(),
    })
}

fn route(tried: Tried, i: usize) -> Route {
    Route {
        place: format!("routes[{i}]"),
        name: tried.name,
        matches: tried.against.is_empty(),
        against: tried.against,
    }
}

/// Method, host and path of `GET https://host/path`; the method may be left out, and so may the scheme.
fn parse(request: &str) -> Option<(String, String, String)> {
    let mut words = request.split_whitespace();
    let (first, second) = (words.next()?, words.next());
    if words.next().is_some() {
        return None;
    }
    let (method, url) = match second {
        Some(url) => (first, url),
        None => ("GET", first),
    };
    if !method.bytes().all(|b| b.is_ascii_uppercase() || b == b'-') {
        return None;
    }
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let at = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(at);
    // Credentials in a URL do not go over the wire there.
    let host = authority.rsplit('@').next().unwrap_or_default();
    let path = path.split('#').next().unwrap_or_default();
    let slash = if path.starts_with('/') { "" } else { "/" };
    Some((method.to_owned(), host.to_owned(), format!("{slash}{path}")))
}

fn headers(written: &[String]) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
    let mut headers = Vec::new();
    for header in written {
        let Some((name, value)) = header.split_once(':').filter(|(name, _)| !name.trim().is_empty()) else {
            bail!("-H: expected `name: value`");
        };
        headers.push((
            name.trim().to_ascii_lowercase().into_bytes(),
            value.trim().as_bytes().to_vec(),
        ));
    }
    Ok(headers)
}

fn by_pack(engine: &Engine) -> BTreeMap<String, usize> {
    let mut packs = BTreeMap::new();
    for id in engine.ids() {
        let built_in = catalogue::BUILT_IN.iter().find(|d| d.id == id);
        *packs.entry(built_in.map_or("own", |d| d.pack).to_owned()).or_default() += 1;
    }
    packs
}

/// What can hold bytes of a body back here, and how many in all.
fn held(engine: &Engine) -> (Vec<Held>, u64) {
    if engine.bypasses() || !engine.scans_body() || !engine.enforces() {
        return (Vec::new(), 0);
    }
    let holds: Holds = engine.holds();
    let mut held = Vec::new();
    let mut add = |bytes: u64, why: String| {
        if bytes > 0 {
            held.push(Held { bytes, why });
        }
    };
    if let Some(longest) = holds.detectors.first() {
        let plain = longest.characters.map_or(u64::MAX, |n| n + 1).min(holds.candidate);
        add(plain, format!("a candidate in plain text: {}", longest_matches(&holds)));
        let why = "a candidate that is escaped or percent-encoded; a longer one is redacted as it streams, or let through and counted";
        add(holds.candidate, why.to_owned());
    }
    if holds.fields > 0 {
        let why = format!(
            "the value of a field whose action needs its end ({} rules)",
            holds.fields
        );
        add(holds.candidate, why);
    }
    add(holds.base64, "a run of base64 in which a candidate is open".to_owned());
    add(holds.number, "a bare number in a JSON body".to_owned());
    add(
        holds.overlap,
        "in addition: a finding waits for others that overlap it, since actions differ".to_owned(),
    );
    (held, holds.bound())
}

/// Which detectors have the longest matches.
fn longest_matches(holds: &Holds) -> String {
    let (bounded, endless): (Vec<_>, Vec<_>) = holds.detectors.iter().partition(|d| d.characters.is_some());
    let first = |list: &[&keepmum_engine::Longest]| {
        let named = list.iter().take(NAMED).map(|d| match d.characters {
            Some(n) => format!("{} {n}", d.detector),
            None => d.detector.clone(),
        });
        named.collect::<Vec<_>>().join(", ")
    };
    let mut parts = Vec::new();
    if !endless.is_empty() {
        let more = if endless.len() > NAMED { ", …" } else { "" };
        let s = if endless.len() == 1 { " has" } else { "s have" };
        parts.push(format!(
            "{} detector{s} matches without an end ({}{more})",
            endless.len(),
            first(&endless)
        ));
    }
    if !bounded.is_empty() {
        parts.push(format!("the longest others, in characters: {}", first(&bounded)));
    }
    parts.join("; ")
}

fn lines(told: &Told, to: &mut impl Write) -> io::Result<()> {
    let host = if told.host.is_empty() { "(no host)" } else { &told.host };
    writeln!(to, "{} {host} {}", told.method, told.path)?;
    let shown = |r: &Route| {
        if r.matches {
            "matches".to_owned()
        } else {
            r.against.join("; ")
        }
    };
    for r in &told.tried {
        writeln!(to, "  {} {}: {}", r.place, r.name, shown(r))?;
    }
    writeln!(to, "route: {}", told.route)?;
    if told.status.is_none() && told.tried.iter().any(waits_for_response) {
        writeln!(to, "some routes ask for the response: give --status and --content-type")?;
    }
    if let Some(Denial { status, list }) = told.denied {
        let how = if told.enforces {
            "and does not reach the upstream"
        } else {
            "in mode enforce"
        };
        writeln!(
            to,
            "the path is denied ({list}): the request is answered with {status} {how}"
        )?;
    }
    if told.bypass {
        return writeln!(to, "nothing is looked at (bypass)");
    }
    if told.error_replaced {
        writeln!(to, "the response's body is replaced as an error")?;
    }
    writeln!(to, "\nrules:")?;
    for rule in &told.rules {
        writeln!(to, "  {:26} {}  ({})", rule.key, rule.value, rule.from)?;
    }
    let packs: Vec<String> = told.detectors.iter().map(|(pack, n)| format!("{pack} {n}")).collect();
    let all: usize = told.detectors.values().sum();
    writeln!(to, "  {:26} {all}: {}", "detectors armed", packs.join(", "))?;
    if told.held_in_all == 0 {
        let why = if told.enforces {
            "no body is looked at, or by nobody"
        } else {
            "mode report changes nothing"
        };
        return writeln!(to, "\nno byte of a body is held back: {why}");
    }
    writeln!(
        to,
        "\na body is held back from where something begins that is still open, never more than"
    )?;
    for h in &told.held {
        writeln!(to, "  {:>6} bytes  {}", h.bytes, h.why)?;
    }
    writeln!(to, "  {:>6} bytes  in all; in UTF-16 twice as many", told.held_in_all)
}

fn waits_for_response(route: &Route) -> bool {
    !route.matches && route.against.iter().all(|why| why.ends_with("depends on the response"))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn a_request_is_a_method_and_a_url() {
        for (text, expected) in [
            (
                "GET https://a.example.com/x?y=1#z",
                Some(("GET", "a.example.com", "/x?y=1")),
            ),
            ("https://u:p@a:8080", Some(("GET", "a:8080", "/"))),
            ("POST a/b", Some(("POST", "a", "/b"))),
            ("DELETE /only/path", Some(("DELETE", "", "/only/path"))),
            ("a?q", Some(("GET", "a", "/?q"))),
            ("get https://a/", None),
            ("GET https://a/ x", None),
            ("", None),
        ] {
            let expected = expected.map(|(m, h, p)| (m.to_owned(), h.to_owned(), p.to_owned()));
            assert_eq!(parse(text), expected, "{text}");
        }
    }
}
