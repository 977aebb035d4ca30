//! The files of the table, and a scenario as runners take it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use keepmum_host_tests::exchange::{End, Exchange, Headers, Message, Planted};
use serde::Deserialize;
use serde_json::Value;

use crate::cuts::{Cut, pieces};
use crate::plants::{Fill, Name, plants};
use crate::text::Text;

/// The most that arrives at once: a DATA frame's usual size.
const FRAME: usize = 16 << 10;

/// `policies.toml`: what several scenarios share.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Shared {
    names: BTreeMap<String, Name>,
    policies: BTreeMap<String, Value>,
}

/// Every other file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    scenario: Vec<Written>,
}

/// One scenario as it is written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    #[serde(default = "default_policy")]
    policy: String,
    #[serde(default)]
    request: WrittenMessage,
    #[serde(default)]
    response: WrittenMessage,
    /// What the client must see, as far as it is not what the server sent.
    #[serde(default)]
    client: Want,
    /// What the server must see, as far as it is not what the client sent.
    upstream: Option<Want>,
    /// What the access log is told.
    outcome: Option<String>,
    /// The only connections on which it can be had.
    on: Option<Vec<Way>>,
    /// The engine alone does not do the same.
    #[serde(default)]
    not_alone: bool,
}

fn default_policy() -> String {
    "default".into()
}

/// A request or a response as it is written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenMessage {
    method: Option<String>,
    path: Option<String>,
    status: Option<u16>,
    /// `content-type`.
    r#type: Option<String>,
    /// `name: value`.
    #[serde(default)]
    headers: Vec<Text>,
    body: Option<Text>,
    /// Whether `content-length` is said.
    #[serde(default)]
    length: bool,
    #[serde(default)]
    trailers: Vec<Text>,
    /// The stream is reset behind the body.
    #[serde(default)]
    reset: bool,
}

/// What must arrive. What is not said is what was sent.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Want {
    /// The status. Another than the server's: the reply is the proxy's own, and only what is said here is looked at.
    pub status: Option<u16>,
    /// The path.
    pub path: Option<String>,
    /// `name: value`: all values of these names.
    #[serde(default)]
    pub headers: Vec<Text>,
    /// Names that must not arrive.
    #[serde(default)]
    pub gone: Vec<String>,
    /// The whole body.
    pub body: Option<Text>,
    /// All trailers.
    pub trailers: Option<Vec<Text>>,
    /// The message does not end: what arrived must be the beginning of the body.
    #[serde(default)]
    pub cut: bool,
    /// The reply is the proxy's own, though its status is the server's.
    #[serde(default)]
    pub own: bool,
    /// It does not arrive at all.
    #[serde(default)]
    pub absent: bool,
    /// Secrets are still in it, as the policy says.
    #[serde(default)]
    pub kept: bool,
}

/// Which protocol the client and the server speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
pub enum Way {
    /// HTTP/1.1 on both sides.
    #[serde(rename = "1-1")]
    OneOne,
    /// HTTP/2 on both sides.
    #[serde(rename = "2-2")]
    TwoTwo,
    /// An HTTP/1.1 client, an HTTP/2 server.
    #[serde(rename = "1-2")]
    OneTwo,
    /// An HTTP/2 client, an HTTP/1.1 server.
    #[serde(rename = "2-1")]
    TwoOne,
}

impl Way {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::OneOne, Self::TwoTwo, Self::OneTwo, Self::TwoOne];

    /// Whether the client speaks HTTP/2.
    #[must_use]
    pub fn client_is_2(self) -> bool {
        matches!(self, Self::TwoTwo | Self::TwoOne)
    }

    /// Whether the server does.
    #[must_use]
    pub fn server_is_2(self) -> bool {
        matches!(self, Self::TwoTwo | Self::OneTwo)
    }
}

/// One scenario, its bytes built.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Unique in the table.
    pub name: String,
    /// The policy's name.
    pub policy_name: String,
    /// The policy.
    pub policy: Value,
    /// What the client sends; without framing.
    pub request: Message,
    /// What the server answers; without framing.
    pub response: Message,
    /// What the client must see.
    pub client: Expected,
    /// What the server must see.
    pub upstream: Expected,
    /// What the access log is told.
    pub outcome: Option<String>,
    /// The connections on which it runs.
    pub ways: Vec<Way>,
    /// The engine alone does the same.
    pub alone: bool,
    /// The secrets that the request and the response hold.
    pub planted: [Vec<Planted>; 2],
}

/// What must arrive, its bytes built.
#[derive(Clone, Debug, Default)]
pub struct Expected {
    /// The whole message; what `own` says and `named` names alone is looked at in its headers.
    pub message: Message,
    /// All values of these names.
    pub named: Headers,
    /// Names that must not arrive.
    pub gone: Vec<String>,
    /// The proxy's own reply.
    pub own: bool,
    /// The message does not end.
    pub cut: bool,
    /// It does not arrive.
    pub absent: bool,
    /// Secrets that must not be in it.
    pub without: Vec<Planted>,
}

/// The whole table.
///
/// # Errors
/// A file cannot be read, a name is unknown or stands twice.
pub fn all() -> Result<Vec<Scenario>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("table");
    let read = |path: &PathBuf| std::fs::read_to_string(path).with_context(|| path.display().to_string());
    let shared = folder.join("policies.toml");
    let shared: Shared = toml::from_str(&read(&shared)?).context("policies.toml")?;
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(&folder)? {
        files.push(entry?.path());
    }
    files.sort();
    let plants = plants()?;
    let mut scenarios: Vec<Scenario> = Vec::new();
    for path in files.iter().filter(|path| !path.ends_with("policies.toml")) {
        let file: File = toml::from_str(&read(path)?).with_context(|| path.display().to_string())?;
        for written in file.scenario {
            let name = written.name.clone();
            ensure!(scenarios.iter().all(|s| s.name != name), "{name} stands twice");
            let policy = shared.policies.get(&written.policy);
            let policy = policy.with_context(|| format!("{name}: no policy {}", written.policy))?;
            let fill = || Fill::new(&shared.names, &plants);
            scenarios.push(build(written, policy.clone(), &fill).with_context(|| name)?);
        }
    }
    Ok(scenarios)
}

fn build<'a>(written: Written, policy: Value, fill: &dyn Fn() -> Fill<'a>) -> Result<Scenario> {
    let (of_request, of_response) = (fill(), fill());
    let method = written.request.method.as_deref();
    let method = method.unwrap_or(if written.request.body.is_some() { "POST" } else { "GET" });
    let path = of_request.text(written.request.path.as_deref().unwrap_or("/x"))?;
    let first: Headers = vec![
        (b":method".to_vec(), method.into()),
        (b":path".to_vec(), path),
        (b":scheme".to_vec(), b"http".to_vec()),
        (b":authority".to_vec(), b"a.example".to_vec()),
        // The proxy would make one up, and tell it in its own replies.
        (b"x-request-id".to_vec(), b"fake-request-1".to_vec()),
    ];
    let request = message(&written.request, first, &of_request)?;
    let status = written.response.status.unwrap_or(200);
    let first: Headers = vec![(b":status".to_vec(), status.to_string().into())];
    let response = message(&written.response, first, &of_response)?;
    let bodiless = method == "HEAD" || matches!(status, 204 | 304);
    let mut client = expected(&written.client, &response, bodiless, &fill())?;
    client.own = written.client.own || written.client.status.is_some_and(|s| s != status);
    let planted = [of_request.planted(), of_response.planted()];
    if !written.client.kept {
        client.without.clone_from(&planted[1]);
    }
    let asked = written.upstream.clone().unwrap_or_default();
    let mut upstream = expected(&asked, &request, false, &fill())?;
    if written.upstream.is_some() && !asked.kept {
        upstream.without.clone_from(&planted[0]);
    }
    let plain = policy.get("routes").is_none() && policy.get("errors").is_none();
    let alone = plain
        && !(written.not_alone || bodiless || client.own || client.cut || response.body.is_empty())
        && response.end == End::Complete
        && response.header("content-encoding").is_none();
    Ok(Scenario {
        name: written.name,
        policy_name: written.policy,
        policy,
        request,
        response,
        client,
        upstream,
        outcome: written.outcome,
        ways: written.on.unwrap_or_else(|| Way::ALL.to_vec()),
        alone,
        planted,
    })
}

fn message(written: &WrittenMessage, mut headers: Headers, fill: &Fill) -> Result<Message> {
    let body = written.body.as_ref().map(|body| body.bytes(fill)).transpose()?;
    let body = body.unwrap_or_default();
    if let Some(content_type) = &written.r#type {
        headers.push((b"content-type".to_vec(), content_type.clone().into()));
    }
    headers.extend(lines(&written.headers, fill)?);
    if written.length {
        headers.push((b"content-length".to_vec(), body.len().to_string().into()));
    }
    let trailers = lines(&written.trailers, fill)?;
    Ok(Message {
        headers,
        body: if body.is_empty() { Vec::new() } else { vec![body] },
        trailers: (!trailers.is_empty()).then_some(trailers),
        end: if written.reset { End::Reset } else { End::Complete },
    })
}

fn lines(lines: &[Text], fill: &Fill) -> Result<Headers> {
    let pair = |line: &Text| {
        let line = line.bytes(fill)?;
        let colon = line
            .iter()
            .position(|b| *b == b':')
            .context("a header without a colon")?;
        let (name, value) = line.split_at(colon);
        Ok((name.to_vec(), value.get(1..).unwrap_or_default().trim_ascii().to_vec()))
    };
    lines.iter().map(pair).collect()
}

fn expected(want: &Want, sent: &Message, bodiless: bool, fill: &Fill) -> Result<Expected> {
    let mut message = sent.clone();
    for (name, value) in &mut message.headers {
        match (name.as_slice(), want.status, &want.path) {
            (b":status", Some(status), _) => *value = status.to_string().into(),
            (b":path", _, Some(path)) => *value = fill.text(path)?,
            _ => {}
        }
    }
    if let Some(body) = &want.body {
        message.body = vec![body.bytes(fill)?];
    } else if bodiless {
        message.body.clear();
    }
    if let Some(trailers) = &want.trailers {
        let trailers = lines(trailers, fill)?;
        message.trailers = (!trailers.is_empty()).then_some(trailers);
    }
    Ok(Expected {
        message,
        named: lines(&want.headers, fill)?,
        gone: want.gone.clone(),
        own: false,
        cut: want.cut || sent.end == End::Reset,
        absent: want.absent,
        without: Vec::new(),
    })
}

impl Scenario {
    /// The ways in which its bodies are cut.
    #[must_use]
    pub fn cuts(&self) -> Vec<Cut> {
        let mut all = Vec::new();
        for cut in Cut::ALL {
            let both = [0, 1].map(|side| self.pieces(side, cut));
            if cut == Cut::Whole || (both.iter().any(Option::is_some) && !all.iter().any(|(_, b)| *b == both)) {
                all.push((cut, both));
            }
        }
        all.into_iter().map(|(cut, _)| cut).collect()
    }

    fn pieces(&self, side: usize, cut: Cut) -> Option<Vec<Vec<u8>>> {
        let message = [&self.request, &self.response][side];
        pieces(&message.body_bytes(), &self.planted[side], cut, &self.name)
    }

    /// The exchange, cut and framed as it goes over these connections.
    #[must_use]
    pub fn exchange(&self, cut: Cut, way: Way) -> Exchange {
        let [mut request, mut response] = [self.request.clone(), self.response.clone()];
        for (side, message) in [&mut request, &mut response].into_iter().enumerate() {
            if let Some(pieces) = self.pieces(side, cut) {
                message.body = pieces
                    .iter()
                    .flat_map(|p| p.chunks(FRAME))
                    .map(<[u8]>::to_vec)
                    .collect();
            }
        }
        let head = request.header(":method") == Some(b"HEAD");
        let bodiless = head || matches!(response.header(":status"), Some(b"204" | b"304"));
        if !way.client_is_2() {
            frame(&mut request, true);
        }
        if !way.server_is_2() && response.header(":status") != Some(b"101") {
            frame(&mut response, bodiless);
        }
        if bodiless {
            response.body.clear();
        }
        Exchange {
            name: format!("{}/{}/{way:?}", self.name, cut.name()),
            request,
            response,
            policy: Some(self.policy.clone()),
            planted: self.planted[1].clone(),
            ..Exchange::default()
        }
    }
}

/// What HTTP/1.1 says of a body that has no length.
fn frame(message: &mut Message, bodiless: bool) {
    if message.header("content-length").is_some() {
        return;
    }
    let header = |name: &str, value: &str| (name.as_bytes().to_vec(), value.as_bytes().to_vec());
    if !message.body.is_empty() || message.trailers.is_some() || message.end == End::Reset {
        message.headers.push(header("transfer-encoding", "chunked"));
    } else if !bodiless {
        message.headers.push(header("content-length", "0"));
    }
}
