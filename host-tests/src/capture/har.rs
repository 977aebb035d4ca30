//! HAR 1.2: every entry becomes an exchange.
//!
//! HAR holds a body after content decoding and without framing. So what would be untrue of the body as it is here
//! goes: `content-encoding` and `transfer-encoding` where there is a body, and a `content-length` that does not
//! count it; `about` says which. The body is one chunk: HAR does not know the cuts. Text whose charset was not UTF-8
//! was decoded by whoever exported it, and is UTF-8 here. Several values that an exporter joined by a line feed
//! (Chromium does, for Set-Cookie) are separate headers again.
//!
//! An entry may carry `_keepmum`, with `name`, `about`, `planted` and `policy` as in `capture.json`.

use std::path::Path;

use anyhow::Result;
use serde_json::Value;

use super::folder;
use super::json::At;
use super::name;
use super::plants::Plants;
use crate::exchange::{Exchange, Headers, Message};

/// Whether this is a HAR file: one document with a `log` that is not of Envoy.
pub(super) fn is_har(documents: &[Value]) -> bool {
    matches!(documents, [document] if document.get("log").is_some())
}

pub(super) fn read(file: &Path, documents: &[Value]) -> Result<Vec<Exchange>> {
    let plants = Plants::beside(file.parent().unwrap_or(Path::new(".")))?;
    let mut exchanges = Vec::new();
    for document in documents {
        let entries = At::root(file, "", document).get(&["log"])?.get(&["entries"])?;
        for entry in entries.list()? {
            exchanges.push(exchange(&entry, plants.as_ref())?);
        }
    }
    Ok(exchanges)
}

fn exchange(entry: &At, plants: Option<&Plants>) -> Result<Exchange> {
    let mut notes = vec!["read from HAR".to_owned()];
    let request = request(&entry.get(&["request"])?, &mut notes)?;
    let bodyless = request.header(":method") == Some(b"HEAD");
    let response = response(&entry.get(&["response"])?, bodyless, &mut notes)?;
    let mut exchange = Exchange {
        name: name::from_request(&request),
        about: notes.join("; "),
        request,
        response,
        ..Exchange::default()
    };
    let mut declared = None;
    if let Some(own) = entry.maybe(&["_keepmum"])? {
        if let Some(name) = own.maybe(&["name"])? {
            exchange.name = name.text()?.to_owned();
        }
        if let Some(about) = own.maybe(&["about"])? {
            exchange.about = format!("{} ({})", about.text()?, exchange.about);
        }
        exchange.policy = own.maybe(&["policy"])?.map(|policy| policy.value().clone());
        declared = Some(folder::names(&own)?);
    }
    if let Some(plants) = plants {
        plants
            .fill(&mut exchange, declared.as_deref())
            .map_err(|why| entry.error(format_args!("{why:#}")))?;
    }
    // Only now: a placeholder is shorter or longer than what it stands for.
    let notes = [
        settle_length(&mut exchange.request, "request", false),
        settle_length(&mut exchange.response, "response", bodyless),
    ];
    for note in notes.into_iter().flatten() {
        exchange.about += &format!("; {note}");
    }
    Ok(exchange)
}

fn request(at: &At, notes: &mut Vec<String>) -> Result<Message> {
    let method = at.get(&["method"])?.text()?;
    let url = at.get(&["url"])?;
    let target = Target::parse(url.text()?).ok_or_else(|| url.error("not an absolute URL"))?;
    let mut headers: Headers = [
        (":authority", target.authority),
        (":path", target.path.as_str()),
        (":method", method),
        (":scheme", target.scheme),
    ]
    .map(|(name, value)| (name.into(), value.into()))
    .into();
    let listed = fields(&at.get(&["headers"])?)?;
    headers.extend(listed.into_iter().filter(|(name, _)| name != b"host"));
    let mut message = Message {
        headers,
        ..Message::default()
    };
    if let Some(data) = at.maybe(&["postData"])? {
        let body = post_body(&data, notes)?;
        take_body(&mut message, body, "request", notes);
    }
    Ok(message)
}

fn post_body(data: &At, notes: &mut Vec<String>) -> Result<Vec<u8>> {
    if let Some(text) = data.maybe(&["text"])?
        && !text.text()?.is_empty()
    {
        return Ok(text.text()?.as_bytes().to_vec());
    }
    let Some(params) = data.maybe(&["params"])? else {
        return Ok(Vec::new());
    };
    let mut pairs = Vec::new();
    for param in params.list()? {
        let value = match param.maybe(&["value"])? {
            Some(value) => value.text()?,
            None => "",
        };
        pairs.push(format!(
            "{}={}",
            form_encoded(param.get(&["name"])?.text()?),
            form_encoded(value)
        ));
    }
    if !pairs.is_empty() {
        notes.push("the request body was put together again from its parameters".to_owned());
    }
    Ok(pairs.join("&").into_bytes())
}

fn form_encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b' ' => "+".to_owned(),
            b'-' | b'.' | b'_' | b'*' => char::from(byte).to_string(),
            _ if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

fn response(at: &At, bodyless: bool, notes: &mut Vec<String>) -> Result<Message> {
    let status = at.get(&["status"])?.integer()?;
    if status == 0 || status == -1 {
        // What browsers and Playwright write for a request that was blocked, or given up.
        notes.push("it holds no response".to_owned());
        return Ok(Message::default());
    }
    if !(100..=999).contains(&status) {
        return Err(at.get(&["status"])?.error("not an HTTP status"));
    }
    let mut headers: Headers = vec![(b":status".to_vec(), status.to_string().into_bytes())];
    headers.extend(fields(&at.get(&["headers"])?)?);
    let mut message = Message {
        headers,
        ..Message::default()
    };
    let content = at.get(&["content"])?;
    let body = match content.maybe(&["text"])? {
        Some(text) => Some(match content.maybe(&["encoding"])? {
            None => text.text()?.as_bytes().to_vec(),
            Some(encoding) => match encoding.text()? {
                "" => text.text()?.as_bytes().to_vec(),
                "base64" => text.base64()?,
                other => return Err(encoding.error(format_args!("expected base64, found {other}"))),
            },
        }),
        None => None,
    };
    let size = match content.maybe(&["size"])? {
        Some(size) => size.integer()?,
        None => 0,
    };
    match body {
        Some(body) => take_body(&mut message, body, "response", notes),
        None if size > 0 && !bodyless => {
            notes.push(format!("the response body of {size} bytes was not exported"));
        }
        None => {}
    }
    Ok(message)
}

/// The header list, without pseudo-headers, which browsers list for HTTP/2 and which the URL tells better.
fn fields(list: &At) -> Result<Headers> {
    let mut headers = Headers::new();
    for field in list.list()? {
        let name = field.get(&["name"])?.text()?.to_ascii_lowercase();
        if name.starts_with(':') {
            continue;
        }
        for value in field.get(&["value"])?.text()?.split('\n') {
            headers.push((name.clone().into_bytes(), value.as_bytes().to_vec()));
        }
    }
    Ok(headers)
}

/// Puts a decoded body in, and takes out the headers that speak of the encoded one.
fn take_body(message: &mut Message, body: Vec<u8>, side: &str, notes: &mut Vec<String>) {
    if body.is_empty() {
        return;
    }
    message.body = vec![body];
    for name in ["content-encoding", "transfer-encoding"] {
        if let Some(value) = message.header(name) {
            let value = String::from_utf8_lossy(value).into_owned();
            notes.push(format!("{side}: {name} {value} dropped, the body is decoded"));
            drop_header(message, name);
        }
    }
}

/// Takes out a Content-Length that does not count the body; a bodyless message may keep any.
fn settle_length(message: &mut Message, side: &str, bodyless: bool) -> Option<String> {
    let stated = message.header("content-length")?.to_vec();
    let actual: usize = message.body.iter().map(Vec::len).sum();
    let status = message.header(":status").unwrap_or_default();
    if bodyless || status == b"304" || stated == actual.to_string().as_bytes() {
        return None;
    }
    drop_header(message, "content-length");
    let stated = String::from_utf8_lossy(&stated).into_owned();
    Some(format!(
        "{side}: content-length {stated} dropped, the body here has {actual}"
    ))
}

fn drop_header(message: &mut Message, name: &str) {
    message
        .headers
        .retain(|(n, _)| !n.eq_ignore_ascii_case(name.as_bytes()));
}

/// The parts of an absolute URL that HTTP sends.
struct Target<'a> {
    scheme: &'a str,
    authority: &'a str,
    path: String,
}

impl<'a> Target<'a> {
    /// Not the `url` crate: it normalises, and a capture is to be replayed as it was sent.
    fn parse(url: &'a str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        let rest = rest.split('#').next()?;
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        // Credentials in a URL go into the Authorization header, never over the wire.
        let authority = authority.rsplit('@').next()?;
        let slash = if path.starts_with('/') { "" } else { "/" };
        (!scheme.is_empty() && !authority.is_empty()).then(|| Self {
            scheme,
            authority,
            path: format!("{slash}{path}"),
        })
    }
}
