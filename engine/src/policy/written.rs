//! The policy as people write it (version 1), and nothing derived from it. The comments here are the schema's descriptions.
//!
//! An unknown key is an error everywhere: a misspelt rule that is silently ignored is a leak.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::error::Mistakes;
use crate::policy::action::Action;
use crate::policy::deny::Deny;
use crate::policy::errors::ErrorRule;
use crate::policy::given::Given;
use crate::policy::glob::{Glob, Host};
use crate::policy::known::KnownSecrets;
use crate::policy::path::JsonPath;
use crate::policy::read::{At, Hidden, List, Number, Read, Whole, choice, object};
use crate::policy::unread::{Limits, OnUninspectable};

object! {
    /// A policy of Keepmum. Everything has a default: {} redacts what the pack secrets finds in responses.
    pub(crate) struct Policy {
        /// The language's version.
        pub(crate) version: Whole<1, 1> = Whole(1),
        /// The number of this version of the policy, which metrics and audit lines tell; default: one made of what the policy says.
        pub(crate) revision: Option<Whole<1, 9_007_199_254_740_991>>,
        /// enforce (default) redacts; report changes nothing, and counts and audits what enforce would have found.
        pub(crate) mode: Mode = Mode::Enforce,
        /// Which detectors look.
        pub(crate) detectors: Detectors,
        /// Fields whose values go, whatever stands in them.
        pub(crate) fields: List<Field>,
        /// What is never redacted by a detector.
        pub(crate) allow: List<Allow>,
        /// What is done with responses.
        pub(crate) response: Response,
        /// What is done with requests.
        pub(crate) request: Request,
        /// What happens to error responses, whoever made them.
        pub(crate) errors: Option<ErrorRule>,
        /// Requests that are answered here and never reach the upstream.
        pub(crate) deny: Option<Deny>,
        /// What happens to a message that cannot be inspected, by the reason why.
        pub(crate) on_uninspectable: OnUninspectable,
        /// Bounds.
        pub(crate) limits: Limits,
        /// What is written to the proxy's log.
        pub(crate) audit: Audit,
        /// Exact secrets, known without holding them.
        pub(crate) known_secrets: Option<KnownSecrets>,
        /// Exceptions: of the routes that match a request the first one counts. What it leaves out comes from the defaults, which are the rest of the policy; what it says replaces them, key by key.
        pub(crate) routes: List<Route>,
    }
}

choice! {
    /// Whether anything is changed.
    pub enum Mode {
        /// Secrets are replaced.
        Enforce = "enforce",
        /// Nothing is changed; everything is counted and audited as if it were.
        Report = "report",
    }
}

object! {
    /// Which detectors look.
    pub(crate) struct Detectors {
        /// Packs of built-in detectors: secrets (default), tokens, generic, pii, error-leaks.
        pub(crate) packs: Option<List<String>>,
        /// Ids of detectors to leave out.
        pub(crate) disable: List<String>,
        /// Actions by detector id; the others do what response.action says.
        pub(crate) actions: BTreeMap<String, Action>,
        /// The policy's own detectors.
        pub(crate) custom: List<Custom>,
    }
}

object! {
    /// A detector of the policy's own.
    pub(crate) struct Custom {
        /// Its name in labels and metrics: kebab-case, 48 bytes at most.
        pub(crate) id: String,
        /// A regular expression (syntax of the Rust crate regex, over bytes); the group (?<secret>…) is what goes.
        pub(crate) pattern: String,
        /// Words of which one must stand within 40 characters before the match, or in it.
        pub(crate) keywords: List<String>,
        /// Bits for each character of the value that it must have at least.
        pub(crate) min_entropy: Option<Number<0, 8>>,
        /// Most bytes of a match.
        pub(crate) max_length: Option<Whole<1, 8192>>,
        /// Names of checks that the value must pass.
        pub(crate) validators: List<String>,
        /// What is done with what it finds, in place of response.action.
        pub(crate) action: Option<Action>,
        /// Texts in which it must find something. They are never printed.
        pub(crate) examples: List<Hidden>,
        /// Texts in which it must find nothing.
        pub(crate) near_misses: List<Hidden>,
    }
}

object! {
    /// Fields whose values go.
    pub(crate) struct Field {
        /// Names of fields, at any depth; upper and lower case are the same.
        pub(crate) names: List<String>,
        /// A JSONPath (RFC 9535) of names, indexes and wildcards: $.data[*].token, $..token.
        pub(crate) path: Option<JsonPath>,
        /// What is done with the value, in place of response.action.
        pub(crate) action: Option<Action>,
    }
}

object! {
    /// What no detector redacts.
    pub(crate) struct Allow {
        /// A value, exactly as written.
        pub(crate) value: Option<Hidden>,
        /// A pattern (syntax as in detectors.custom) that matches the whole value.
        pub(crate) pattern: Option<String>,
        /// Names of fields: what stands in their values stays. Upper and lower case are the same.
        pub(crate) names: List<String>,
        /// A JSONPath (RFC 9535) of names, indexes and wildcards: what stands in the values that it selects stays.
        pub(crate) path: Option<JsonPath>,
        /// A place, such as request.header.authorization, response.header.* or request.body. Of value, pattern, fields (names or path) and place all that are given must hold.
        pub(crate) place: Option<String>,
    }
}

object! {
    /// What is done with responses.
    pub(crate) struct Response {
        /// Parts that are looked at; default: all.
        pub(crate) scan: Option<Vec<Part>>,
        /// What is done with what detectors find; default: label.
        pub(crate) action: Option<Action>,
        /// Encodings that are undone before anything is looked for; default: all. JSON's escapes always are.
        pub(crate) decode: Option<Vec<Layer>>,
        /// Chat APIs whose streams are followed, so that a secret is found which is cut across events; default: all.
        pub(crate) streams: Option<Vec<Stream>>,
        /// Further fields that spell a text piece by piece, in streams of events or lines of JSON.
        pub(crate) deltas: Option<List<DeltaField>>,
    }
}

choice! {
    /// A chat API, by the shape of its streams.
    pub(crate) enum Stream {
        /// Chat completions, and completions before them.
        OpenaiChat = "openai-chat",
        /// Responses.
        OpenaiResponses = "openai-responses",
        /// Messages.
        Anthropic = "anthropic",
        /// streamGenerateContent as events.
        Gemini = "gemini",
        /// Chat and generate, as lines.
        Ollama = "ollama",
    }
}

object! {
    /// A field that spells a text piece by piece.
    pub(crate) struct DeltaField {
        /// A JSONPath of names, indexes and at most two wildcards: $.choices[*].delta.content.
        pub(crate) path: JsonPath,
        /// JSONPaths of what tells texts apart: $.choices[*].index.
        pub(crate) keys: List<JsonPath>,
    }
}

choice! {
    /// A part of a response.
    pub(crate) enum Part {
        /// Header values.
        Headers = "headers",
        /// The body.
        Body = "body",
        /// Trailer values.
        Trailers = "trailers",
    }
}

choice! {
    /// A part of a request.
    pub(crate) enum RequestPart {
        /// Header values, but for cookies and what begins with a colon.
        Headers = "headers",
        /// The path, up to its query.
        Path = "path",
        /// What stands behind the path's question mark.
        Query = "query",
        /// The header cookie.
        Cookies = "cookies",
        /// The body.
        Body = "body",
        /// Trailer values.
        Trailers = "trailers",
    }
}

choice! {
    /// An encoding that is undone before the detectors look. JSON's escapes are not in the list: they always are.
    pub(crate) enum Layer {
        /// `%3A`, `%253A`
        Percent = "percent",
        /// `&#58;`
        Html = "html",
        /// base64 and base64url
        Base64 = "base64",
        /// bodies in UTF-16
        Utf16 = "utf16",
    }
}

object! {
    /// What is done with requests, on their way to the upstream.
    pub(crate) struct Request {
        /// Parts that are looked at; default: none.
        pub(crate) scan: Option<Vec<RequestPart>>,
        /// What is done with what detectors find; default: label.
        pub(crate) action: Option<Action>,
        /// Encodings that are undone before anything is looked for; default: those of response.decode.
        pub(crate) decode: Option<Vec<Layer>>,
    }
}

object! {
    /// What is written to the proxy's log.
    pub(crate) struct Audit {
        /// One line for each exchange with findings; default: true.
        pub(crate) log: bool = true,
        /// The share of those exchanges that get one; default: 1. The others are counted.
        pub(crate) sample: Number<0, 1> = Number(1.0),
        /// The most lines a second in each worker of the proxy; default: 100. The others are counted.
        pub(crate) rate: Whole<1, 1_000_000> = Whole(100),
        /// Findings in JSON bodies are told with their JSON pointers; default: false. It costs a walk over each such body.
        pub(crate) pointers: bool = false,
        /// A response header that says what was done before the body, such as x-keepmum. Default: none.
        pub(crate) response_header: Option<String>,
    }
}

object! {
    /// An exception for some requests.
    pub(crate) struct Route {
        /// Its name, which no other route has.
        pub(crate) name: String,
        /// Which requests it is for.
        pub(crate) matches as "match": Match,
        /// Nothing is looked at: counted as uninspected, reason route.
        pub(crate) bypass: bool = false,
        /// In place of the defaults' mode.
        pub(crate) mode: Option<Mode>,
        /// Which detectors look, in place of the defaults' keys of the same name.
        pub(crate) detectors: Option<RouteDetectors>,
        /// In place of the defaults' fields.
        pub(crate) fields: Option<List<Field>>,
        /// In place of the defaults' allow.
        pub(crate) allow: Option<List<Allow>>,
        /// In place of the defaults' keys of the same name.
        pub(crate) response: Option<Response>,
        /// In place of the defaults' keys of the same name.
        pub(crate) request: Option<Request>,
        /// In place of the defaults' errors.
        pub(crate) errors: Option<ErrorRule>,
        /// In place of the defaults' deny.
        pub(crate) deny: Option<Deny>,
        /// In place of the defaults' keys of the same name.
        pub(crate) on_uninspectable: Option<OnUninspectable>,
    }
}

object! {
    /// Which requests a route is for: each key that is given must hold, by one of its items. At least one is given.
    pub(crate) struct Match {
        /// Hosts without a port: api.example.com, or *.example.com for all below it.
        pub(crate) hosts: Given<Vec<Host>>,
        /// Paths without the query. In them * is anything but /, ** as a whole segment anything, and ? one character.
        pub(crate) paths: Given<Vec<Glob>>,
        /// Methods such as GET, in capitals.
        pub(crate) methods: Given<List<String>>,
        /// Request headers: all of them must be as asked for.
        pub(crate) headers: Given<List<HeaderMatch>>,
        /// The response's status, such as 404, or a class: 2xx.
        pub(crate) status: Given<Vec<AnyStatus>>,
        /// The response's content type, such as text/html or text/*.
        pub(crate) content_types: Given<List<String>>,
        /// Metadata of Envoy's route: all of it must be as asked for.
        pub(crate) metadata: Given<List<MetadataMatch>>,
    }
}

object! {
    /// A request header.
    pub(crate) struct HeaderMatch {
        /// Its name.
        pub(crate) name: String,
        /// Its value, exactly; without it the header need only be there.
        pub(crate) value: Option<Hidden>,
    }
}

object! {
    /// A value in the metadata of Envoy's route (metadata.filter_metadata there; xds.route_metadata in the module).
    pub(crate) struct MetadataMatch {
        /// The namespace, such as keepmum.
        pub(crate) namespace: String,
        /// The key in it.
        pub(crate) key: String,
        /// Its value.
        pub(crate) value: Scalar,
    }
}

object! {
    /// Which detectors look on a route.
    pub(crate) struct RouteDetectors {
        /// Packs of built-in detectors. The policy's own detectors look on every route.
        pub(crate) packs: Option<List<String>>,
        /// Ids of detectors to leave out, the policy's own among them.
        pub(crate) disable: Option<List<String>>,
        /// Actions by detector id.
        pub(crate) actions: Option<BTreeMap<String, Action>>,
    }
}

/// `503` or `5xx`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusPattern {
    /// One status.
    One(u16),
    /// A hundred of them.
    Class(u16),
}

impl StatusPattern {
    /// Whether it covers this status.
    pub fn covers(self, status: u16) -> bool {
        match self {
            StatusPattern::One(s) => s == status,
            StatusPattern::Class(c) => status / 100 == c,
        }
    }

    fn of(value: &Value, classes: std::ops::RangeInclusive<u16>) -> Option<StatusPattern> {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(n) => n.as_f64()?.to_string(),
            _ => return None,
        };
        if let Some(class) = text.strip_suffix("xx") {
            let class = class.parse().ok().filter(|c| classes.contains(c));
            return class.map(StatusPattern::Class);
        }
        let status: u16 = text.parse().ok()?;
        classes.contains(&(status / 100)).then_some(StatusPattern::One(status))
    }
}

impl StatusPattern {
    /// What would be accepted; of `5XX` that small letters are meant.
    fn expected(value: &Value, accepted: &str) -> String {
        let small = value.as_str().filter(|t| t.len() == 3).map(str::to_ascii_lowercase);
        match small.filter(|t| matches!(t.as_bytes(), [b'1'..=b'5', b'x', b'x'])) {
            Some(class) => format!("{accepted}; did you mean `{class}`?"),
            None => accepted.to_owned(),
        }
    }
}

impl Read for StatusPattern {
    fn read(at: At<'_>, to: &mut Mistakes) -> Option<StatusPattern> {
        let pattern = StatusPattern::of(at.value, 4..=5);
        pattern.or_else(|| {
            at.wrong(
                &StatusPattern::expected(at.value, "a status such as 503, or a class: 4xx or 5xx"),
                to,
            )
        })
    }

    fn schema(_: &mut Map<String, Value>) -> Value {
        json!({"anyOf": [{"type": "integer", "minimum": 400, "maximum": 599}, {"type": "string", "pattern": "^(4xx|5xx|[45][0-9][0-9])$"}]})
    }
}

/// Any status, or a class of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AnyStatus(pub(crate) StatusPattern);

impl Read for AnyStatus {
    fn read(at: At<'_>, to: &mut Mistakes) -> Option<AnyStatus> {
        let pattern = StatusPattern::of(at.value, 1..=5).map(AnyStatus);
        pattern.or_else(|| {
            at.wrong(
                &StatusPattern::expected(at.value, "a status such as 404, or a class: 1xx to 5xx"),
                to,
            )
        })
    }

    fn schema(_: &mut Map<String, Value>) -> Value {
        json!({"anyOf": [{"type": "integer", "minimum": 100, "maximum": 599}, {"type": "string", "pattern": "^[1-5](xx|[0-9][0-9])$"}]})
    }
}

/// Text, a number, true or false, as the proxy hands such a value over: raw bytes, a double, one byte.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scalar(pub(crate) Vec<u8>);

impl Read for Scalar {
    fn read(at: At<'_>, to: &mut Mistakes) -> Option<Scalar> {
        let bytes = match at.value {
            Value::String(text) => Some(text.clone().into_bytes()),
            Value::Bool(b) => Some(vec![u8::from(*b)]),
            Value::Number(n) => n.as_f64().map(|n| n.to_le_bytes().to_vec()),
            _ => None,
        };
        bytes
            .map(Scalar)
            .or_else(|| at.wrong("text, a number, true or false", to))
    }

    fn schema(_: &mut Map<String, Value>) -> Value {
        json!({"type": ["string", "number", "boolean"]})
    }
}

/// Text that is compiled as it is read.
macro_rules! compiled {
    ($name:ident) => {
        impl Read for $name {
            fn read(at: At<'_>, to: &mut Mistakes) -> Option<$name> {
                let text = String::read(at, to)?;
                $name::read(&text).map_err(|why| to.add(at.place, why)).ok()
            }

            fn schema(_: &mut Map<String, Value>) -> Value {
                json!({"type": "string"})
            }
        }
    };
}
compiled!(Glob);
compiled!(Host);
compiled!(JsonPath);
