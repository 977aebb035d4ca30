//! The capture formats, good and bad: what a file says, and what must come of it.
//!
//! Data first, one check for each kind. The files are written to a folder of their own, since reading takes a path.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};

use keepmum_host_tests::capture;
use keepmum_host_tests::exchange::{End, Exchange, Headers, Message, Origin};

/// A folder that goes when it is dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn new(files: &[(&str, &str)]) -> Self {
        use std::sync::atomic::{AtomicUsize, Ordering};
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("keepmum-formats-{}-{number}", std::process::id()));
        for (name, text) in files {
            let file = folder.join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        }
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn read(path: &Path) -> Vec<Exchange> {
    capture::read(path).unwrap_or_else(|why| panic!("{why:#}"))
}

fn one(text: &str) -> Exchange {
    let scratch = Scratch::new(&[("file.json", text)]);
    let mut exchanges = read(&scratch.path("file.json"));
    assert_eq!(exchanges.len(), 1);
    exchanges.remove(0)
}

fn pairs(pairs: &[(&str, &str)]) -> Headers {
    pairs
        .iter()
        .map(|(k, v)| (k.as_bytes().to_vec(), v.as_bytes().to_vec()))
        .collect()
}

fn chunks(message: &Message) -> Vec<&str> {
    message
        .body
        .iter()
        .map(|chunk| std::str::from_utf8(chunk).unwrap())
        .collect()
}

const REQUEST: &str = r#""request":{"method":"GET","url":"https://h.test/a/b?c=d#e","headers":[]}"#;

fn har(response: &str) -> String {
    format!(r#"{{"log":{{"version":"1.2","entries":[{{{REQUEST},"response":{response}}}]}}}}"#)
}

#[test]
fn a_buffered_tap_gives_headers_bodies_and_trailers_in_order() {
    let exchange = one(r#"{"http_buffered_trace":{
        "request":{"headers":[{"key":":method","value":"POST","raw_value":""},{"key":":path","value":"/x"}],
                   "body":{"truncated":false,"as_bytes":"aGk="},"trailers":[]},
        "response":{"headers":[{"key":":status","value":"200"},{"key":"set-cookie","value":"a=1"},
                               {"key":"x","value":"","raw_value":"/wA="},{"key":"set-cookie","value":"b=2"}],
                    "body":{"as_string":"hel\nlo"},"trailers":[{"key":"t","value":"1"}]}}}"#);
    assert_eq!(exchange.name, "post-x");
    assert_eq!(chunks(&exchange.request), ["hi"]);
    assert_eq!(exchange.request.trailers, None);
    let mut expected = pairs(&[
        (":status", "200"),
        ("set-cookie", "a=1"),
        ("x", ""),
        ("set-cookie", "b=2"),
    ]);
    expected[2].1 = vec![0xff, 0];
    assert_eq!(exchange.response.headers, expected);
    assert_eq!(chunks(&exchange.response), ["hel\nlo"]);
    assert_eq!(exchange.response.trailers, Some(pairs(&[("t", "1")])));
}

const SEGMENTS: [&str; 8] = [
    r#"{"http_streamed_trace_segment":{"trace_id":"7","request_headers":{"headers":[{"key":":method","value":"GET"},{"key":":path","value":"/"}]}}}"#,
    r#"{"http_streamed_trace_segment":{"trace_id":"8","request_headers":{"headers":[{"key":":method","value":"PUT"},{"key":":path","value":"/"}]}}}"#,
    r#"{"http_streamed_trace_segment":{"trace_id":"8","request_body_chunk":{"as_string":"in"}}}"#,
    r#"{"http_streamed_trace_segment":{"trace_id":"7","response_headers":{"headers":[{"key":":status","value":"200"}]}}}"#,
    r#"{"http_streamed_trace_segment":{"trace_id":"7","response_body_chunk":{"as_bytes":"YQ=="}}}"#,
    r#"{"http_streamed_trace_segment":{"trace_id":"7","response_body_chunk":{"as_string":"bc"}}}"#,
    r#"{"http_streamed_trace_segment":{"trace_id":"7","response_body_chunk":{"as_bytes":""}}}"#,
    r#"{"http_streamed_trace_segment":{"trace_id":"7","response_trailers":{"headers":[{"key":"t","value":"1"}]}}}"#,
];

fn check_segments(exchanges: &[Exchange]) {
    let [first, second] = exchanges else {
        panic!("{} exchanges", exchanges.len())
    };
    assert_eq!((first.name.as_str(), second.name.as_str()), ("get", "put"));
    assert_eq!(
        chunks(&first.response),
        ["a", "bc"],
        "cuts are kept, the empty last call is not a cut"
    );
    assert_eq!(first.response.trailers, Some(pairs(&[("t", "1")])));
    assert_eq!(chunks(&second.request), ["in"]);
    assert!(second.about.contains("no response"));
}

#[test]
fn streamed_segments_are_read_by_line_concatenated_and_from_a_folder() {
    let lines = SEGMENTS.join("\n");
    let concatenated = SEGMENTS.concat();
    let pretty: String = SEGMENTS
        .iter()
        .map(|s| serde_json::to_string_pretty(&serde_json::from_str::<serde_json::Value>(s).unwrap()).unwrap())
        .collect();
    for text in [lines, concatenated, pretty] {
        let scratch = Scratch::new(&[("tap.json", &text)]);
        check_segments(&read(&scratch.path("tap.json")));
        check_segments(&read(&scratch.path("")));
    }
    let names: Vec<String> = (0..SEGMENTS.len()).map(|n| format!("taps/tap_{n}.json")).collect();
    let files: Vec<_> = names.iter().map(String::as_str).zip(SEGMENTS).collect();
    let scratch = Scratch::new(&files);
    check_segments(&read(&scratch.path("taps")));
}

#[test]
fn protobufs_other_spelling_is_read_too() {
    let exchange = one(
        r#"{"httpStreamedTraceSegment":{"traceId":7,"responseHeaders":{"headers":[{"key":":status","value":"204","rawValue":""}]}}}
        {"httpStreamedTraceSegment":{"traceId":"7","responseBodyChunk":{"asBytes":"eA=="}}}"#,
    );
    assert_eq!(exchange.response.headers, pairs(&[(":status", "204")]));
    assert_eq!(chunks(&exchange.response), ["x"]);
}

#[test]
fn a_body_of_nothing_but_empty_chunks_is_still_a_body() {
    let chunk = r#"{"http_streamed_trace_segment":{"trace_id":"7","response_body_chunk":{"as_bytes":""}}}"#;
    let exchange = one(&format!("{chunk}{chunk}"));
    assert_eq!(chunks(&exchange.response), [""]);
}

#[test]
fn a_body_that_the_tap_cut_loses_its_content_length_and_says_so() {
    let exchange = one(r#"{"http_buffered_trace":{"request":{"headers":[]},"response":{
        "headers":[{"key":":status","value":"200"},{"key":"content-length","value":"9000"}],
        "body":{"as_string":"abc","truncated":true}}}}"#);
    assert_eq!(exchange.response.headers, pairs(&[(":status", "200")]));
    assert!(exchange.about.contains("after 3 bytes"), "{}", exchange.about);
}

#[test]
fn har_content_is_decoded_and_untrue_headers_go() {
    let head = r#""status":200,"statusText":"","httpVersion":"h2""#;
    // headers, content, expected headers after :status, expected body, a word of `about`
    for (headers, content, expected, body, note) in [
        (
            r#"{"name":"Content-Length","value":"2"}"#,
            r#"{"size":2,"text":"hi"}"#,
            pairs(&[("content-length", "2")]),
            vec!["hi"],
            "read from HAR",
        ),
        (
            r#"{"name":"Content-Length","value":"1"},{"name":"Content-Encoding","value":"br"}"#,
            r#"{"size":2,"text":"hi"}"#,
            pairs(&[]),
            vec!["hi"],
            "content-encoding br dropped",
        ),
        (
            r#"{"name":"Transfer-Encoding","value":"chunked"}"#,
            r#"{"size":2,"text":"aGk=","encoding":"base64"}"#,
            pairs(&[]),
            vec!["hi"],
            "transfer-encoding chunked dropped",
        ),
        (
            r#"{"name":":status","value":"200"},{"name":"Set-Cookie","value":"a=1\nb=2"}"#,
            r#"{"size":0}"#,
            pairs(&[("set-cookie", "a=1"), ("set-cookie", "b=2")]),
            vec![],
            "read from HAR",
        ),
        (
            r#"{"name":"content-length","value":"77"}"#,
            r#"{"size":77,"mimeType":"text/html"}"#,
            pairs(&[]),
            vec![],
            "77 bytes was not exported",
        ),
        ("", r#"{"size":0,"text":""}"#, pairs(&[]), vec![], "read from HAR"),
        (
            "",
            r#"{"size":3,"text":"é\u0000"}"#,
            pairs(&[]),
            vec!["é\0"],
            "read from HAR",
        ),
    ] {
        let exchange = one(&har(&format!(
            r#"{{{head},"headers":[{headers}],"content":{content}}}"#
        )));
        assert_eq!(exchange.response.headers[0], (b":status".to_vec(), b"200".to_vec()));
        assert_eq!(exchange.response.headers[1..], expected, "{headers} {content}");
        assert_eq!(chunks(&exchange.response), body, "{content}");
        assert!(exchange.about.contains(note), "{}: {note}", exchange.about);
    }
}

#[test]
fn a_har_request_becomes_pseudo_headers_and_a_body() {
    let text = r#"{"log":{"entries":[{"request":{"method":"POST","url":"http://u:p@h.test:81?q=1","headers":[
        {"name":"Host","value":"h.test:81"},{"name":"X-A","value":"1"},{"name":":path","value":"/wrong"}],
        "postData":{"mimeType":"application/x-www-form-urlencoded","text":"","params":[{"name":"a b","value":"c&d"},{"name":"e"}]}},
        "response":{"status":0,"headers":[],"content":{"size":0}}}]}}"#;
    let exchange = one(text);
    let expected = pairs(&[
        (":authority", "h.test:81"),
        (":path", "/?q=1"),
        (":method", "POST"),
        (":scheme", "http"),
        ("x-a", "1"),
    ]);
    assert_eq!(exchange.request.headers, expected);
    assert_eq!(chunks(&exchange.request), ["a+b=c%26d&e="]);
    assert_eq!(exchange.response, Message::default());
    assert!(exchange.about.contains("no response"));
}

#[test]
fn head_keeps_its_content_length() {
    let text = r#"{"log":{"entries":[{"request":{"method":"HEAD","url":"http://h.test/","headers":[]},"response":{
        "status":200,"headers":[{"name":"Content-Length","value":"471"}],"content":{"size":471}}}]}}"#;
    let exchange = one(text);
    assert_eq!(
        exchange.response.headers,
        pairs(&[(":status", "200"), ("content-length", "471")])
    );
    assert!(exchange.response.body.is_empty());
}

const TRACE: &str = r#"{"http_buffered_trace":{"request":{"headers":[{"key":":method","value":"GET"}]},
    "response":{"headers":[{"key":":status","value":"200"},{"key":"x","value":"<{{plant:p}}>"}]}}}"#;
const TABLE: &str = r#"{"plants":{"p":{"parts":["ab","cd"]}}}"#;

#[test]
fn the_projects_own_folder_says_what_its_trace_is() {
    let about = r#"{"name":"one","about":"A line.","origin":"connect-failure","end":"reset","planted":["p"],
        "policy":{"mode":"report"},"trace":"t.json"}"#;
    let scratch = Scratch::new(&[
        ("one/capture.json", about),
        ("one/t.json", TRACE),
        ("plants.json", TABLE),
        ("README.md", ""),
    ]);
    for path in ["one", ""] {
        let exchanges = read(&scratch.path(path));
        let [exchange] = exchanges.as_slice() else {
            panic!("{} exchanges", exchanges.len())
        };
        assert_eq!((exchange.name.as_str(), exchange.about.as_str()), ("one", "A line."));
        assert_eq!(
            (exchange.origin, exchange.response.end),
            (Origin::ConnectFailure, End::Reset)
        );
        assert_eq!(exchange.policy, Some(serde_json::json!({"mode": "report"})));
        assert_eq!(exchange.response.headers[1], (b"x".to_vec(), b"<abcd>".to_vec()));
        assert_eq!(exchange.planted.len(), 1);
        assert_eq!(exchange.planted[0].value, b"abcd");
        assert!(!format!("{exchange:?}").contains(r#"value: "abcd""#));
    }
}

#[test]
fn foreign_traffic_keeps_what_looks_like_a_placeholder() {
    assert_eq!(one(TRACE).response.headers[1].1, b"<{{plant:p}}>");
}

#[test]
fn a_broken_file_is_an_error_that_names_the_field() {
    let entry = |response: &str| har(response);
    for (text, expected) in [
        (String::new(), "the file is empty"),
        ("{".into(), "document 1: not JSON"),
        ("\u{1}\u{ff}PNG".into(), "not JSON"),
        ("[]".into(), "expected an object, found a list"),
        ("7".into(), "expected an object, found a number"),
        (
            r#"{"socket_buffered_trace":{}}"#.into(),
            "neither a HAR file nor an Envoy tap",
        ),
        (
            r#"{"http_buffered_trace":[]}"#.into(),
            "http_buffered_trace: expected an object, found a list",
        ),
        (
            r#"{"http_buffered_trace":{"response":{"headers":{}}}}"#.into(),
            "http_buffered_trace.response.headers: expected a list",
        ),
        (
            r#"{"http_buffered_trace":{"response":{"headers":[{"value":"1"}]}}}"#.into(),
            "response.headers[0].key: missing",
        ),
        (
            r#"{"http_buffered_trace":{"response":{"body":{"as_bytes":"*"}}}}"#.into(),
            "body.as_bytes: not base64",
        ),
        (
            r#"{"http_buffered_trace":{"response":{"body":{"as_string":7}}}}"#.into(),
            "body.as_string: expected a string, found a number",
        ),
        (
            r#"{"http_buffered_trace":{"response":{"body":{"truncated":"no"}}}}"#.into(),
            "body.truncated: expected true or false",
        ),
        (
            r#"{"http_streamed_trace_segment":{}}"#.into(),
            "http_streamed_trace_segment.trace_id: missing",
        ),
        (format!("{}\n{{", SEGMENTS[0]), "document 2: not JSON"),
        (format!("{}\n{{\"x\":1}}", SEGMENTS[0]), "document 2: neither a HAR"),
        ("[".repeat(100_000), "not JSON"),
        (r#"{"log":{}}"#.into(), "log.entries: missing"),
        (r#"{"log":{"entries":[{}]}}"#.into(), "log.entries[0].request: missing"),
        (
            r#"{"log":{"entries":[{"request":{"method":"GET","url":"/x","headers":[]},"response":{}}]}}"#.into(),
            "entries[0].request.url: not an absolute URL",
        ),
        (entry("{}"), "log.entries[0].response.status: missing"),
        (
            entry(r#"{"status":"200"}"#),
            "response.status: expected an integer, found a string",
        ),
        (entry(r#"{"status":7}"#), "response.status: not an HTTP status"),
        (
            entry(r#"{"status":200,"headers":[{"name":"a"}],"content":{}}"#),
            "response.headers[0].value: missing",
        ),
        (entry(r#"{"status":200,"headers":[]}"#), "response.content: missing"),
        (
            entry(r#"{"status":200,"headers":[],"content":{"text":"%","encoding":"base64"}}"#),
            "content.text: not base64",
        ),
        (
            entry(r#"{"status":200,"headers":[],"content":{"text":"","encoding":"hex"}}"#),
            "content.encoding: expected base64, found hex",
        ),
    ] {
        let scratch = Scratch::new(&[("broken.json", &text)]);
        let error = format!("{:#}", capture::read(&scratch.path("broken.json")).unwrap_err());
        assert!(error.contains("broken.json"), "{error}");
        assert!(error.contains(expected), "expected {expected:?} in {error:?}");
    }
}

#[test]
fn a_broken_folder_is_an_error_that_names_the_field() {
    let good = r#"{"name":"one","about":"","planted":["p"],"trace":"t.json"}"#;
    let about = |text: &str| {
        vec![
            ("one/capture.json", text.to_owned()),
            ("one/t.json", TRACE.into()),
            ("plants.json", TABLE.into()),
        ]
    };
    let mut no_table = about(good);
    no_table.pop();
    let mut no_trace = about(good);
    no_trace.remove(1);
    let mut bad_table = about(good);
    bad_table[2].1 = r#"{"plants":{"p":{"parts":[]}}}"#.into();
    let mut two_traces = about(good);
    two_traces[1].1 = format!("{TRACE}{TRACE}");
    for (files, expected) in [
        (about("[]"), "capture.json: expected an object"),
        (
            about(r#"{"name":"one","trace":"t.json"}"#),
            "capture.json: about: missing",
        ),
        (
            about(r#"{"name":"one","about":"","trace":"t.json"}"#),
            "capture.json: planted: the response also holds p",
        ),
        (
            about(r#"{"name":"two","about":"","planted":["p"],"trace":"t.json"}"#),
            "name: not the folder's name",
        ),
        (
            about(r#"{"name":"one","about":"","planted":["p"],"trace":"t.json","origin":"x"}"#),
            "origin: expected upstream",
        ),
        (
            about(r#"{"name":"one","about":"","planted":["p"],"trace":"t.json","end":"x"}"#),
            "end: expected complete",
        ),
        (
            about(r#"{"name":"one","abuot":"","planted":["p"]}"#),
            "abuot: unknown; known are name, about",
        ),
        (
            about(r#"{"name":"one","about":"","planted":"p","trace":"t.json"}"#),
            "planted: expected a list",
        ),
        (about(r#"{"name":"one","about":"","planted":["p"]}"#), "trace.jsonl"),
        (no_table, "planted: no plants.json"),
        (no_trace, "t.json"),
        (bad_table, "plants.p: parts: a plant without a value"),
        (two_traces, "expected one trace, found 2"),
    ] {
        let files: Vec<_> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
        let scratch = Scratch::new(&files);
        let error = format!("{:#}", capture::read(&scratch.path("one")).unwrap_err());
        assert!(error.contains(expected), "expected {expected:?} in {error:?}");
    }
}

#[test]
fn a_path_that_is_not_there_is_an_error_that_names_it() {
    let error = format!("{:#}", capture::read(Path::new("/nowhere/at.har")).unwrap_err());
    assert!(error.contains("/nowhere/at.har"), "{error}");
}
