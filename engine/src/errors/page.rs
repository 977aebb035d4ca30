//! The bodies that stand in place of an error's own: RFC 9457, a small page of HTML, or lines of text, all with the same facts.

use serde_json::{Map, Value};

use crate::policy::{ErrorBody, StatusPattern};

/// A body and its content type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The type.
    pub content_type: &'static str,
    /// The bytes.
    pub body: Vec<u8>,
}

/// What an operator says of an error.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Text {
    pub(crate) kind: Option<String>,
    pub(crate) title: Option<String>,
    pub(crate) detail: Option<String>,
}

/// The same, for all statuses and for some.
#[derive(Clone, Debug, Default)]
pub(crate) struct Texts {
    pub(crate) all: Text,
    pub(crate) some: Vec<(Vec<StatusPattern>, Text)>,
}

/// The one that counts, key by key.
#[derive(Clone, Copy, Default)]
pub(super) struct Said<'a> {
    pub(super) kind: Option<&'a str>,
    pub(super) title: Option<&'a str>,
    pub(super) detail: Option<&'a str>,
}

impl Texts {
    pub(super) fn of(&self, status: u16) -> Said<'_> {
        let own = self.some.iter().find(|(s, _)| s.iter().any(|s| s.covers(status)));
        let own = own.map_or(&self.all, |(_, text)| text);
        let or = |own: &'_ Option<String>, all: &'_ Option<String>| own.is_none() && all.is_some();
        Said {
            kind: if or(&own.kind, &self.all.kind) {
                self.all.kind.as_deref()
            } else {
                own.kind.as_deref()
            },
            title: if or(&own.title, &self.all.title) {
                self.all.title.as_deref()
            } else {
                own.title.as_deref()
            },
            detail: if or(&own.detail, &self.all.detail) {
                self.all.detail.as_deref()
            } else {
                own.detail.as_deref()
            },
        }
    }
}

/// What a page tells.
pub(super) struct Facts<'a> {
    pub(super) status: u16,
    /// The correlation id; may be empty.
    pub(super) id: &'a str,
    pub(super) code: Option<&'a str>,
    pub(super) text: Said<'a>,
}

/// RFC 9457 with nothing but the status and the request's id.
pub fn problem(status: u16, id: &str) -> Page {
    let text = Said::default();
    write(
        ErrorBody::ProblemJson,
        &Facts {
            status,
            id,
            code: None,
            text,
        },
    )
}

pub(super) fn write(kind: ErrorBody, facts: &Facts) -> Page {
    match kind {
        ErrorBody::Auto | ErrorBody::ProblemJson => json(facts),
        ErrorBody::Html => html(facts),
        ErrorBody::Text => text(facts),
    }
}

fn json(facts: &Facts) -> Page {
    let mut map = Map::new();
    let mut put = |key: &str, value: Value| drop(map.insert(key.to_owned(), value));
    put("type", facts.text.kind.unwrap_or("about:blank").into());
    put("title", facts.text.title.unwrap_or_else(|| reason(facts.status)).into());
    put("status", facts.status.into());
    let others = [
        ("detail", facts.text.detail),
        ("code", facts.code),
        ("request_id", Some(facts.id)),
    ];
    for (key, value) in others {
        if let Some(value) = value.filter(|v| !v.is_empty()) {
            put(key, value.into());
        }
    }
    Page {
        content_type: "application/problem+json",
        body: Value::Object(map).to_string().into_bytes(),
    }
}

/// Lines of text: what it is, and what to say to whoever helps.
fn lines(facts: &Facts) -> (String, Vec<(&'static str, String)>) {
    let title = facts.text.title.unwrap_or_else(|| reason(facts.status));
    let mut lines = Vec::new();
    let all = [
        ("", facts.text.detail),
        ("Code: ", facts.code),
        ("Request id: ", Some(facts.id)),
    ];
    for (label, value) in all {
        if let Some(value) = value.filter(|v| !v.is_empty()) {
            lines.push((label, value.to_owned()));
        }
    }
    (format!("{} {title}", facts.status), lines)
}

fn html(facts: &Facts) -> Page {
    let (title, lines) = lines(facts);
    let title = escaped(&title);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>{title}</title>\n<h1>{title}</h1>\n"
    );
    for (label, value) in lines {
        page += &format!("<p>{label}{}</p>\n", escaped(&value));
    }
    Page {
        content_type: "text/html; charset=utf-8",
        body: page.into_bytes(),
    }
}

fn text(facts: &Facts) -> Page {
    let (title, lines) = lines(facts);
    let mut page = title + "\n";
    for (label, value) in lines {
        page += &format!("{label}{value}\n");
    }
    Page {
        content_type: "text/plain; charset=utf-8",
        body: page.into_bytes(),
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// The reason phrase of RFC 9110, or one for the class.
pub(super) fn reason(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        408 => "Request Timeout",
        409 => "Conflict",
        410 => "Gone",
        412 => "Precondition Failed",
        413 => "Content Too Large",
        414 => "URI Too Long",
        415 => "Unsupported Media Type",
        416 => "Range Not Satisfiable",
        422 => "Unprocessable Content",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        other if other < 500 => "Client Error",
        _ => "Server Error",
    }
}

#[cfg(test)]
mod tests {
    use super::{Facts, Said, Text, Texts, write};
    use crate::policy::{ErrorBody, StatusPattern};

    #[test]
    fn pages_tell_the_same_and_are_what_they_say() {
        let text = Said {
            title: Some("Out of <order> & \"closed\""),
            detail: Some("Back at 'ten'"),
            ..Said::default()
        };
        let facts = Facts {
            status: 503,
            id: "fake-id",
            code: Some("E_1"),
            text,
        };
        let body = |kind| String::from_utf8_lossy(&write(kind, &facts).body).into_owned();
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&body(ErrorBody::ProblemJson)).ok(),
            Some(serde_json::json!({
                "type": "about:blank", "title": "Out of <order> & \"closed\"", "status": 503,
                "detail": "Back at 'ten'", "code": "E_1", "request_id": "fake-id"
            }))
        );
        assert!(body(ErrorBody::Html).ends_with(
            "<h1>503 Out of &lt;order&gt; &amp; &quot;closed&quot;</h1>\n<p>Back at &#39;ten&#39;</p>\n<p>Code: E_1</p>\n<p>Request id: fake-id</p>\n"
        ));
        assert_eq!(
            body(ErrorBody::Text),
            "503 Out of <order> & \"closed\"\nBack at 'ten'\nCode: E_1\nRequest id: fake-id\n"
        );
    }

    #[test]
    fn what_is_said_of_a_status_goes_before_what_is_said_of_all() {
        let some = |s: &str| Some(s.to_owned());
        let texts = Texts {
            all: Text {
                title: some("all"),
                detail: some("d"),
                kind: None,
            },
            some: vec![(
                vec![StatusPattern::One(503)],
                Text {
                    title: some("own"),
                    ..Text::default()
                },
            )],
        };
        assert_eq!((texts.of(503).title, texts.of(503).detail), (Some("own"), Some("d")));
        assert_eq!(texts.of(500).title, Some("all"));
    }
}
