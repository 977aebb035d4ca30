//! The policy as people write it (version 1), and nothing derived from it.
//!
//! An unknown key is an error everywhere: a misspelt rule that is silently ignored is a leak.

use serde::Deserialize;

use crate::rewrite::Action;

/// The document.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Policy {
    pub(crate) version: u32,
    pub(crate) mode: Mode,
    pub(crate) detectors: Detectors,
    pub(crate) fields: Vec<Field>,
    pub(crate) allow: Vec<Allow>,
    pub(crate) response: Response,
    pub(crate) errors: Option<ErrorRule>,
    pub(crate) on_uninspectable: OnUninspectable,
    pub(crate) audit: Audit,
}

impl Default for Policy {
    fn default() -> Policy {
        Policy {
            version: 1,
            mode: Mode::default(),
            detectors: Detectors::default(),
            fields: Vec::new(),
            allow: Vec::new(),
            response: Response::default(),
            errors: None,
            on_uninspectable: OnUninspectable::default(),
            audit: Audit::default(),
        }
    }
}

/// Whether anything is changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Secrets are replaced.
    #[default]
    Enforce,
    /// Nothing is changed; everything is counted and audited as if it were.
    Report,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Detectors {
    pub(crate) packs: Vec<String>,
    pub(crate) disable: Vec<String>,
    pub(crate) custom: Vec<Custom>,
}

impl Default for Detectors {
    fn default() -> Detectors {
        Detectors {
            packs: vec!["secrets".to_owned()],
            disable: Vec::new(),
            custom: Vec::new(),
        }
    }
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Custom {
    pub(crate) id: String,
    pub(crate) pattern: String,
    #[serde(default)]
    pub(crate) keywords: Vec<String>,
    #[serde(default)]
    pub(crate) min_entropy: Option<f64>,
    #[serde(default)]
    pub(crate) max_length: Option<u64>,
    #[serde(default)]
    pub(crate) validators: Vec<String>,
    #[serde(default)]
    pub(crate) examples: Vec<String>,
    #[serde(default)]
    pub(crate) near_misses: Vec<String>,
}

/// A custom detector's examples may be somebody's real tokens.
impl std::fmt::Debug for Custom {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Custom({}, {} examples, {} near misses)",
            self.id,
            self.examples.len(),
            self.near_misses.len()
        )
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Field {
    pub(crate) names: Vec<String>,
    pub(crate) action: Option<Action>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Allow {
    pub(crate) value: String,
}

impl std::fmt::Debug for Allow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Allow({} bytes)", self.value.len())
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Response {
    pub(crate) scan: Vec<Part>,
    pub(crate) action: Action,
    pub(crate) decode: Vec<Layer>,
}

impl Default for Response {
    fn default() -> Response {
        Response {
            scan: vec![Part::Headers, Part::Body, Part::Trailers],
            action: Action::Label,
            decode: vec![Layer::Percent, Layer::Html, Layer::Base64, Layer::Utf16],
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Part {
    Headers,
    Body,
    Trailers,
}

/// An encoding that is undone before the detectors look. JSON's escapes are not in the list: they always are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Layer {
    Percent,
    Html,
    Base64,
    Utf16,
}

/// What happens to responses with these statuses, whoever made them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErrorRule {
    /// `5xx`, `503`.
    pub status: Vec<StatusPattern>,
    /// What the body becomes. Without it the body is only redacted.
    #[serde(default)]
    pub replace: Option<ErrorBody>,
}

/// A body that the policy puts in place of an error's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum ErrorBody {
    /// RFC 9457.
    #[serde(rename = "problem+json")]
    ProblemJson,
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
}

impl<'de> Deserialize<'de> for StatusPattern {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<StatusPattern, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Number(u16),
            Text(String),
        }
        let wrong = || serde::de::Error::custom("expected a status such as 503, or a class: 4xx or 5xx");
        let one = |n: u16| {
            if (400..=599).contains(&n) {
                Ok(StatusPattern::One(n))
            } else {
                Err(wrong())
            }
        };
        match Written::deserialize(d).map_err(|_| wrong())? {
            Written::Number(n) => one(n),
            Written::Text(t) => match t.as_str() {
                "4xx" => Ok(StatusPattern::Class(4)),
                "5xx" => Ok(StatusPattern::Class(5)),
                t => t.parse().map_err(|_| wrong()).and_then(one),
            },
        }
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct OnUninspectable {
    pub(crate) encoding: OnEncoded,
}

/// What happens to a response whose body is compressed although the request asked for it plain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnEncoded {
    /// It goes through and is counted as not inspected.
    #[default]
    Pass,
    /// The client gets a 502 in its place.
    Block,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Audit {
    pub(crate) log: bool,
}

impl Default for Audit {
    fn default() -> Audit {
        Audit { log: true }
    }
}
