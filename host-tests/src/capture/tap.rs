//! What Envoy's tap filter writes: `envoy.data.tap.v3.TraceWrapper` as JSON, HTTP traces only.
//!
//! A buffered trace holds joined bodies; streamed segments hold each chunk as Envoy's codec passed it on, and those
//! cuts are kept. Neither has a mark for "the peer reset the stream": [`super::folder`] carries that beside the trace.
//! Empty chunks are dropped, since HTTP/1 ends every body with an empty call; a body that had nothing else keeps one.
//! A body that the tap cut short (`truncated`) loses its Content-Length, which counts bytes that are not there.

use std::path::PathBuf;

use anyhow::Result;
use serde_json::Value;

use super::json::At;
use super::name;
use crate::exchange::{Exchange, Headers, Message};

/// Both spellings of protobuf's JSON mapping.
const BUFFERED: [&str; 2] = ["http_buffered_trace", "httpBufferedTrace"];
const SEGMENT: [&str; 2] = ["http_streamed_trace_segment", "httpStreamedTraceSegment"];

/// A trace under construction: the segments of several may be mixed in one file.
#[derive(Default)]
struct Trace {
    id: String,
    exchange: Exchange,
    request_cut: bool,
    response_cut: bool,
}

/// The exchanges of these files, in the order in which their traces begin.
pub(super) fn read(files: &[(PathBuf, Vec<Value>)]) -> Result<Vec<Exchange>> {
    let mut traces: Vec<Trace> = Vec::new();
    for (file, documents) in files {
        for (index, document) in documents.iter().enumerate() {
            let field = if documents.len() == 1 {
                String::new()
            } else {
                format!("document {}", index + 1)
            };
            let wrapper = At::root(file, field, document);
            if let Some(trace) = wrapper.maybe(&BUFFERED)? {
                traces.push(buffered(&trace)?);
            } else if let Some(segment) = wrapper.maybe(&SEGMENT)? {
                streamed(&segment, &mut traces)?;
            } else {
                return Err(wrapper.error(
                    "neither a HAR file nor an Envoy tap: expected log, http_buffered_trace or http_streamed_trace_segment",
                ));
            }
        }
    }
    Ok(traces.into_iter().map(finish).collect())
}

fn buffered(at: &At) -> Result<Trace> {
    let mut trace = Trace::default();
    if let Some(request) = at.maybe(&["request"])? {
        trace.request_cut = whole_message(&request, &mut trace.exchange.request)?;
    }
    if let Some(response) = at.maybe(&["response"])? {
        trace.response_cut = whole_message(&response, &mut trace.exchange.response)?;
    }
    Ok(trace)
}

fn whole_message(at: &At, message: &mut Message) -> Result<bool> {
    message.headers = headers(at)?;
    let mut cut = false;
    if let Some(body) = at.maybe(&["body"])? {
        let (bytes, truncated) = chunk(&body)?;
        cut = truncated;
        if !bytes.is_empty() {
            message.body.push(bytes);
        }
    }
    if let Some(trailers) = at.maybe(&["trailers"])? {
        let trailers = pairs(&trailers)?;
        message.trailers = (!trailers.is_empty()).then_some(trailers);
    }
    Ok(cut)
}

fn streamed(at: &At, traces: &mut Vec<Trace>) -> Result<()> {
    let id = at.get(&["trace_id", "traceId"])?;
    // A 64-bit number, which JSON writers put in quotes or not.
    let id = match id.value() {
        Value::Number(number) => number.to_string(),
        _ => id.text()?.to_owned(),
    };
    let known = traces.iter().position(|trace| trace.id == id);
    let index = known.unwrap_or_else(|| {
        traces.push(Trace { id, ..Trace::default() });
        traces.len() - 1
    });
    let Some(trace) = traces.get_mut(index) else {
        return Ok(());
    };
    let exchange = &mut trace.exchange;
    trace.request_cut |= segment(
        at,
        [
            &["request_headers", "requestHeaders"],
            &["request_body_chunk", "requestBodyChunk"],
            &["request_trailers", "requestTrailers"],
        ],
        &mut exchange.request,
    )?;
    trace.response_cut |= segment(
        at,
        [
            &["response_headers", "responseHeaders"],
            &["response_body_chunk", "responseBodyChunk"],
            &["response_trailers", "responseTrailers"],
        ],
        &mut exchange.response,
    )?;
    Ok(())
}

fn segment(at: &At, names: [&[&str]; 3], message: &mut Message) -> Result<bool> {
    let [of_headers, of_chunk, of_trailers] = names;
    if let Some(found) = at.maybe(of_headers)? {
        message.headers = headers(&found)?;
    }
    if let Some(found) = at.maybe(of_trailers)? {
        message.trailers = Some(headers(&found)?);
    }
    match at.maybe(of_chunk)? {
        Some(found) => {
            let (bytes, truncated) = chunk(&found)?;
            message.body.push(bytes);
            Ok(truncated)
        }
        None => Ok(false),
    }
}

fn headers(at: &At) -> Result<Headers> {
    at.maybe(&["headers"])?
        .map_or_else(|| Ok(Headers::new()), |list| pairs(&list))
}

fn pairs(list: &At) -> Result<Headers> {
    let mut pairs = Headers::new();
    for header in list.list()? {
        let key = header.get(&["key"])?.text()?;
        // Envoy puts a value that is not UTF-8 into raw_value, and leaves value empty.
        let raw = match header.maybe(&["raw_value", "rawValue"])? {
            Some(raw) => raw.base64()?,
            None => Vec::new(),
        };
        let value = match header.maybe(&["value"])? {
            Some(value) if raw.is_empty() => value.text()?.as_bytes().to_vec(),
            _ => raw,
        };
        pairs.push((key.as_bytes().to_vec(), value));
    }
    Ok(pairs)
}

fn chunk(at: &At) -> Result<(Vec<u8>, bool)> {
    let truncated = match at.maybe(&["truncated"])? {
        Some(flag) => flag.boolean()?,
        None => false,
    };
    if let Some(bytes) = at.maybe(&["as_bytes", "asBytes"])? {
        return Ok((bytes.base64()?, truncated));
    }
    let text = match at.maybe(&["as_string", "asString"])? {
        Some(text) => text.text()?,
        None => "",
    };
    Ok((text.as_bytes().to_vec(), truncated))
}

fn finish(trace: Trace) -> Exchange {
    let mut exchange = trace.exchange;
    let mut about = "read from an Envoy tap".to_owned();
    for (message, cut, side) in [
        (&mut exchange.request, trace.request_cut, "request"),
        (&mut exchange.response, trace.response_cut, "response"),
    ] {
        if message.body.iter().any(|chunk| !chunk.is_empty()) {
            message.body.retain(|chunk| !chunk.is_empty());
        } else {
            message.body.truncate(1);
        }
        if cut {
            message
                .headers
                .retain(|(name, _)| !name.eq_ignore_ascii_case(b"content-length"));
            let kept: usize = message.body.iter().map(Vec::len).sum();
            about += &format!("; the tap cut the {side} body after {kept} bytes, so content-length was dropped");
        }
    }
    if exchange.response.headers.is_empty() {
        about += "; it holds no response";
    }
    exchange.name = name::from_request(&exchange.request);
    exchange.about = about;
    exchange
}
