//! `errors` as people write it, and compiled.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::engine::Engine;
use crate::error::Mistakes;
use crate::errors::{ErrorProfile, Names, Step, Text, Texts, is_name};
use crate::limits;
use crate::policy::path::{JsonPath, Selector};
use crate::policy::read::{At, List, Read, choice, object};
use crate::policy::written::StatusPattern;

object! {
    /// What happens to responses with these statuses, whoever made them. One of replace and scrub is needed.
    pub(crate) struct ErrorRule {
        /// Statuses such as 503, and classes: 4xx, 5xx. For gRPC what its own status stands for.
        pub(crate) status: Vec<StatusPattern>,
        /// What the body becomes. Nothing of the original stays but the status, the correlation id and the code.
        pub(crate) replace: Option<ErrorBody>,
        /// true: the body stays, and the pack error-leaks looks at these responses too.
        pub(crate) scrub: bool = false,
        /// The header with the correlation id, which the new body tells; default: x-request-id.
        pub(crate) correlation_id: Option<String>,
        /// Where an error code stands in a JSON body that is replaced, such as $.error.code: 64 letters, digits, _ . and - of it are told.
        pub(crate) code: Option<CodePath>,
        /// What the new body says is the problem's type: a URI. Default: about:blank.
        pub(crate) kind as "type": Option<String>,
        /// Its title; default: the reason phrase.
        pub(crate) title: Option<String>,
        /// A sentence more.
        pub(crate) detail: Option<String>,
        /// The same for some of the statuses: the first that covers one counts.
        pub(crate) texts: List<ErrorText>,
        /// Which headers stay and go, beyond the defaults.
        pub(crate) headers: ErrorHeaders,
    }
}

choice! {
    /// What the body of an error response becomes.
    pub enum ErrorBody {
        /// What the client's Accept asks for.
        Auto = "auto",
        /// RFC 9457.
        ProblemJson = "problem+json",
        /// A small page.
        Html = "html",
        /// Lines of text.
        Text = "text",
    }
}

object! {
    /// What is said of errors with these statuses.
    pub(crate) struct ErrorText {
        /// Statuses such as 503, and classes: 4xx, 5xx.
        pub(crate) status: Vec<StatusPattern>,
        /// In place of errors.type.
        pub(crate) kind as "type": Option<String>,
        /// In place of errors.title.
        pub(crate) title: Option<String>,
        /// In place of errors.detail.
        pub(crate) detail: Option<String>,
    }
}

object! {
    /// Names of headers, or beginnings of names with * behind them.
    pub(crate) struct ErrorHeaders {
        /// These go as well.
        pub(crate) drop: List<String>,
        /// These stay, and the pack error-leaks does not look at them.
        pub(crate) keep: List<String>,
    }
}

/// A path of names and indexes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CodePath(Arc<[Step]>);

impl Read for CodePath {
    fn read(at: At<'_>, to: &mut Mistakes) -> Option<CodePath> {
        let text = String::read(at, to)?;
        let path = JsonPath::read(&text).map_err(|why| to.add(at.place, why)).ok()?;
        let step = |s: crate::policy::path::Segment| match s.selector {
            Selector::Name(name) if !s.descendant => Some(Step::Name(name)),
            Selector::Index(i) if !s.descendant => Some(Step::Index(i)),
            _ => None,
        };
        let steps: Option<Vec<Step>> = path.0.into_iter().map(step).collect();
        match steps {
            Some(steps) => Some(CodePath(steps.into())),
            None => {
                to.add(
                    at.place,
                    "one value is meant: expected names and indexes only, such as $.error.code or $.errors[0].code",
                );
                None
            }
        }
    }

    fn schema(_: &mut Map<String, Value>) -> Value {
        json!({"type": "string"})
    }
}

/// The rule, compiled; `engine` is the route's with the pack `error-leaks`.
pub(crate) fn profile(rule: &ErrorRule, engine: Engine) -> ErrorProfile {
    let text = |kind: &Option<String>, title: &Option<String>, detail: &Option<String>| Text {
        kind: kind.clone(),
        title: title.clone(),
        detail: detail.clone(),
    };
    let correlation = rule.correlation_id.as_deref().unwrap_or("x-request-id");
    ErrorProfile {
        status: rule.status.clone(),
        replace: rule.replace,
        correlation: correlation.to_ascii_lowercase(),
        code: rule.code.as_ref().map(|c| c.0.clone()),
        texts: Texts {
            all: text(&rule.kind, &rule.title, &rule.detail),
            some: (rule.texts.iter())
                .map(|(_, t)| (t.status.clone(), text(&t.kind, &t.title, &t.detail)))
                .collect(),
        },
        drop: Names::new(rule.headers.drop.iter().map(|(_, n)| n)),
        keep: Names::new(rule.headers.keep.iter().map(|(_, n)| n)),
        engine: Arc::new(engine),
    }
}

/// What the types cannot say.
pub(crate) fn check(at: &str, rule: &ErrorRule, to: &mut Mistakes) {
    let at = format!("{at}errors");
    if rule.status.is_empty() {
        let why = "it names none; expected a status such as 503, or 4xx or 5xx";
        to.add_new(&format!("{at}.status"), why);
    }
    match rule.replace {
        None if !rule.scrub => {
            let why = "it changes nothing; expected `replace` (auto, problem+json, html or text), or `scrub: true`, which keeps the body and takes out what errors leak";
            to.add_new(&at, why);
        }
        Some(_) if rule.scrub => to.add(
            format!("{at}.scrub"),
            "the body that it would look at is replaced; leave out one or the other",
        ),
        _ => {}
    }
    let of_replace = [
        ("correlation_id", rule.correlation_id.is_some()),
        ("code", rule.code.is_some()),
        ("type", rule.kind.is_some()),
        ("title", rule.title.is_some()),
        ("detail", rule.detail.is_some()),
        ("texts", !rule.texts.is_empty()),
    ];
    for (key, given) in of_replace {
        if given && rule.replace.is_none() && rule.scrub {
            to.add(
                format!("{at}.{key}"),
                "only what `replace` writes tells it; leave it out, or replace the body",
            );
        }
    }
    if rule
        .correlation_id
        .as_ref()
        .is_some_and(|n| n.contains('*') || !is_name(n))
    {
        to.add(
            format!("{at}.correlation_id"),
            "expected a header's name, such as x-request-id",
        );
    }
    texts(&at, (&rule.kind, &rule.title, &rule.detail), to);
    if rule.texts.len() > limits::ERROR_TEXTS {
        to.add(format!("{at}.texts"), format!("{} are allowed", limits::ERROR_TEXTS));
    }
    for (i, t) in rule.texts.iter() {
        let at = format!("{at}.texts[{i}]");
        if t.status.is_empty() {
            let why = "it names none; expected a status such as 503, or 4xx or 5xx";
            to.add_new(&format!("{at}.status"), why);
        }
        texts(&at, (&t.kind, &t.title, &t.detail), to);
    }
    for (key, list) in [("drop", &rule.headers.drop), ("keep", &rule.headers.keep)] {
        if list.len() > limits::ERROR_HEADERS {
            to.add(
                format!("{at}.headers.{key}"),
                format!("{} are allowed", limits::ERROR_HEADERS),
            );
        }
        for (i, name) in list.iter() {
            if !is_name(name) {
                let why = "expected a header's name, such as x-debug-token, or the beginning of names: x-debug-*";
                to.add(format!("{at}.headers.{key}[{i}]"), why);
            }
        }
    }
}

/// Texts that a client will see.
fn texts(at: &str, texts: (&Option<String>, &Option<String>, &Option<String>), to: &mut Mistakes) {
    let (kind, title, detail) = texts;
    let uri = |b: u8| b.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&b);
    if kind
        .as_ref()
        .is_some_and(|k| k.is_empty() || k.len() > limits::ERROR_TYPE_BYTES || !k.bytes().all(uri))
    {
        let why = format!(
            "expected a URI such as https://example.com/errors, {} bytes at most",
            limits::ERROR_TYPE_BYTES
        );
        to.add(format!("{at}.type"), why);
    }
    for (key, text, most) in [
        ("title", title, limits::ERROR_TITLE_BYTES),
        ("detail", detail, limits::ERROR_DETAIL_BYTES),
    ] {
        if text
            .as_ref()
            .is_some_and(|t| t.is_empty() || t.len() > most || t.chars().any(char::is_control))
        {
            to.add(
                format!("{at}.{key}"),
                format!("expected a line of text of 1 to {most} bytes"),
            );
        }
    }
}
