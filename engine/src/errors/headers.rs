//! Headers of error responses: which of them tell a client how to go on, and which tell how the server is made.

/// What stays on a response whose body is replaced. `*` at the end stands for anything.
pub const KEPT: &[&str] = &[
    "access-control-*",
    "allow",
    "cache-control",
    "content-range",
    "expires",
    "grpc-status",
    "proxy-authenticate",
    "ratelimit-*",
    "retry-after",
    "strict-transport-security",
    "traceparent",
    "vary",
    "www-authenticate",
    "x-content-type-options",
    "x-frame-options",
    "x-ratelimit-*",
    "x-request-id",
];

/// What goes from a response whose body stays: versions, hosts, timings and traces of a server, as the OWASP Secure Headers
/// Project collects them, and what frameworks say of an error.
pub const DROPPED: &[&str] = &[
    "grpc-status-details-bin",
    "host-header",
    "k-proxy-request",
    "liferay-portal",
    "powered-by",
    "server",
    "server-timing",
    "sourcemap",
    "via",
    "x-application-context",
    "x-aspnet*",
    "x-atmosphere-*",
    "x-backend*",
    "x-backside-transport",
    "x-beserver",
    "x-calculatedbetarget",
    "x-clockwork-*",
    "x-debug*",
    "x-diaginfo",
    "x-drupal-*",
    "x-dtagentid",
    "x-dtinjectedservlet",
    "x-error-detail*",
    "x-error-message*",
    "x-error-stack*",
    "x-exception*",
    "x-feserver",
    "x-generator",
    "x-host",
    "x-hostname",
    "x-instance*",
    "x-jitsi-release",
    "x-node",
    "x-oneagent-js-injection",
    "x-origin-server",
    "x-php-*",
    "x-pod*",
    "x-powered-*",
    "x-profiler*",
    "x-real-server",
    "x-ruxit-js-agent",
    "x-runtime",
    "x-server*",
    "x-sourcefiles",
    "x-sourcemap",
    "x-stack*",
    "x-sql*",
    "x-trace-log",
    "x-upstream*",
    "x-varnish*",
];

fn matches(pattern: &str, name: &[u8]) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start.as_bytes()),
        None => name == pattern.as_bytes(),
    }
}

pub(super) fn is_kept(name: &[u8]) -> bool {
    KEPT.iter().any(|p| matches(p, name))
}

pub(super) fn is_dropped(name: &[u8]) -> bool {
    DROPPED.iter().any(|p| matches(p, name))
}

/// Names of headers that a policy gives, in lower case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Names(Vec<String>);

impl Names {
    pub(crate) fn new<'a>(names: impl Iterator<Item = &'a String>) -> Names {
        Names(names.map(|n| n.to_ascii_lowercase()).collect())
    }

    pub(super) fn has(&self, name: &[u8]) -> bool {
        self.0.iter().any(|p| matches(p, name))
    }
}

/// A header's name, or the beginning of names with `*` behind it.
pub(crate) fn is_name(text: &str) -> bool {
    let name = text.strip_suffix('*').unwrap_or(text);
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'+-.^_`|~".contains(&b);
    !name.is_empty() && text.len() <= 64 && name.bytes().all(token)
}
