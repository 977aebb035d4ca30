//! What is told of an exchange besides metrics, compiled; and the name that a route has in metrics.

use crate::error::Mistakes;
use crate::policy::read::List;
use crate::policy::shown::shown_as;
use crate::policy::written::{self, Route};

/// What is told of exchanges, and how often.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditRules {
    /// An exchange with findings gets a line in the proxy's log.
    pub log: bool,
    /// The share of them that do, 0 to 1.
    pub sample: f64,
    /// The most lines a second, in each worker.
    pub rate: u32,
    /// Findings in JSON bodies are told with their JSON pointers.
    pub pointers: bool,
    /// The response header that says what was done, in lower case.
    pub response_header: Option<String>,
}

impl Default for AuditRules {
    fn default() -> AuditRules {
        AuditRules {
            log: true,
            sample: 1.0,
            rate: 100,
            pointers: false,
            response_header: None,
        }
    }
}

/// Bytes of the header's name.
const HEADER_NAME_BYTES: usize = 64;

pub(crate) fn compile(written: &written::Audit, to: &mut Mistakes) -> AuditRules {
    let plain = |name: &str| {
        let token = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        name.len() <= HEADER_NAME_BYTES
            && (name.starts_with("x-") || name.starts_with("keepmum"))
            && name.bytes().all(token)
    };
    let name = written.response_header.as_ref().map(|name| name.to_ascii_lowercase());
    if name.as_deref().is_some_and(|name| !plain(name)) {
        // Any other could be one by which a message is framed, routed or cached.
        let why = format!(
            "expected a name of {HEADER_NAME_BYTES} letters, digits and - at most that begins with x- or keepmum, such as x-keepmum"
        );
        to.add("audit.response_header", why);
    }
    AuditRules {
        log: written.log,
        sample: written.sample.0,
        rate: u32::try_from(written.rate.0).unwrap_or(u32::MAX),
        pointers: written.pointers,
        response_header: name,
    }
}

/// A route's name as it stands in the name of a metric, where a dot would begin the next label.
pub(crate) fn metric_name(route: &str) -> String {
    if route.is_empty() {
        return "default".to_owned();
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    route.chars().map(|c| if plain(c) { c } else { '_' }).collect()
}

/// Names of routes that are one name in metrics.
pub(crate) fn check_names(routes: &List<Route>, to: &mut Mistakes) {
    for (i, route) in routes.iter() {
        let name = metric_name(&route.name);
        let other = |(k, r): &(usize, &Route)| *k < i && r.name != route.name && metric_name(&r.name) == name;
        let taken = match routes.iter().find(other) {
            Some((k, _)) => format!("routes[{k}]"),
            None if name == "other" => "what metrics call the routes that are too many for them".to_owned(),
            None => continue,
        };
        let why = format!(
            "in metrics it is {}, and so is {taken}; expected a name that differs in letters, digits or -",
            shown_as("name", &name)
        );
        to.add(format!("routes[{i}].name"), why);
    }
}
