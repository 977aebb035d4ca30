//! What a value is by its form alone.
//!
//! Forms are told apart from secrets by their segments: a path or URL of which one segment looks made by chance may be a secret
//! (a webhook, a signed URL), and is left to the estimate.

use super::Refusal;

/// Names under which no secret stands, as secrets of databases and clouds have them.
const NO_SECRETS: &[&str] = &[
    "username",
    "user",
    "login",
    "host",
    "hostname",
    "server",
    "endpoint",
    "address",
    "port",
    "engine",
    "dialect",
    "driver",
    "dbname",
    "database",
    "db",
    "schema",
    "dbclusteridentifier",
    "dbinstanceidentifier",
    "region",
    "account",
    "account_id",
    "project",
    "project_id",
    "tenant_id",
    "client_id",
    "type",
    "sslmode",
    "ssl",
    "scheme",
    "protocol",
    "path",
    "email",
    "client_email",
    "auth_uri",
    "token_uri",
    "user id",
    "uid",
    "initial catalog",
    "data source",
];

const LITERALS: &[&str] = &[
    "disabled",
    "enabled",
    "undefined",
    "required",
    "optional",
    "localhost",
    "production",
    "development",
    "staging",
    "default",
    "internal",
    "external",
    "postgres",
    "postgresql",
    "mysqlserver",
    "sqlserver",
    "mongodb",
    "rabbitmq",
    "redis",
    "verify-full",
    "verify-ca",
    "prefer",
    "application",
    "anonymous",
    "administrator",
    "username",
    "password",
    "passwort",
];

/// Of parts, variables and files: what a store calls its entries says nothing of what is in them.
pub(super) fn is_name_of_no_secret(id: &str, name: &str) -> bool {
    if !id.contains('#') && !id.starts_with("env:") && !id.starts_with("file:") {
        return false;
    }
    let lower = name.to_ascii_lowercase();
    // `DB_USER`, `PGHOST`: variables end in it.
    let end = |word: &str| {
        lower
            .strip_suffix(word)
            .is_some_and(|before| before.ends_with('_') || before == "pg")
    };
    NO_SECRETS
        .iter()
        .any(|word| lower == *word || (word.len() > 3 && end(word)))
}

pub(super) fn refusal(text: &str) -> Option<Refusal> {
    let lower = text.to_ascii_lowercase();
    if LITERALS.contains(&lower.as_str()) {
        return Some(Refusal::Literal);
    }
    if is_placeholder(&lower) {
        return Some(Refusal::Placeholder);
    }
    if is_public(text) {
        return Some(Refusal::Public);
    }
    if is_host(text) {
        return Some(Refusal::Host);
    }
    if is_number(text) {
        return Some(Refusal::Number);
    }
    if let Some((scheme, rest)) = text.split_once("://") {
        let word = |c: char| c.is_ascii_alphanumeric() || "+-.:".contains(c);
        let open = scheme.chars().all(word) && !rest.contains('@') && !has_random_segment(rest);
        return open.then_some(Refusal::Url);
    }
    is_path(text).then_some(Refusal::Path)
}

fn is_placeholder(lower: &str) -> bool {
    const BEGINNINGS: &[&str] = &[
        "changeme",
        "change-me",
        "change_me",
        "replaceme",
        "replace_me",
        "replace-me",
        "your-",
        "your_",
        "todo",
    ];
    let between = |a, b| lower.strip_prefix(a).is_some_and(|t: &str| t.ends_with(b));
    let letter = |c: char| "x*.?-_0".contains(c);
    let weak = lower.len() < 32 && BEGINNINGS.iter().any(|b| lower.starts_with(b));
    weak || between("<", ">") || between("${", "}") || between("{{", "}}") || lower.chars().all(letter)
}

/// Numbers, dates, versions, times: digits and what stands between them. A number of 20 digits or more may be a key.
fn is_number(text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let rest = |c: char| c.is_ascii_digit() || "+-.,:/ TZ_eE".contains(c);
    (1..20).contains(&digits) && text.chars().all(rest)
}

fn is_public(text: &str) -> bool {
    let only = |what: &str| text.starts_with(what) && text.matches("-----BEGIN ").count() == text.matches(what).count();
    only("-----BEGIN CERTIFICATE")
        || only("-----BEGIN PUBLIC KEY")
        || ["ssh-rsa AAAA", "ssh-ed25519 AAAA", "ecdsa-sha2-nistp"]
            .iter()
            .any(|b| text.starts_with(b))
}

/// An address, or lower-case labels between dots; with or without a port.
fn is_host(text: &str) -> bool {
    let host = match text.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.len() <= 5 && port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => text,
    };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let address = bare.split('/').next().unwrap_or_default();
    if address.parse::<std::net::IpAddr>().is_ok() {
        return true;
    }
    let label = |l: &str| {
        let ok = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
        !l.is_empty() && l.len() <= 63 && l.chars().all(ok) && !l.starts_with('-') && !l.ends_with('-')
    };
    let last = host.rsplit('.').next().unwrap_or_default();
    let top = (2..=18).contains(&last.len()) && last.chars().all(|c| c.is_ascii_lowercase());
    let ported = host.len() < text.len() && host.len() <= 24;
    host.split('.').all(label) && ((host.contains('.') && top) || ported)
}

fn is_path(text: &str) -> bool {
    let drive = |t: &str| matches!(t.as_bytes(), [d, b':', b'\\' | b'/', ..] if d.is_ascii_alphabetic());
    let begins = text.starts_with('/') || text.starts_with("./") || text.starts_with("../") || text.starts_with("~/");
    (begins || drive(text)) && !has_random_segment(text)
}

/// Whether a part between separators looks made by chance: long, with letters and digits mixed or cases mixed.
pub(crate) fn has_random_segment(text: &str) -> bool {
    let separator = |c: char| "/\\?&=#;".contains(c);
    text.split(separator).any(|segment| {
        let any = |f: fn(char) -> bool| segment.chars().any(f);
        let (digit, lower) = (any(|c| c.is_ascii_digit()), any(|c| c.is_ascii_lowercase()));
        let upper = any(|c| c.is_ascii_uppercase());
        let kinds = usize::from(digit) + usize::from(lower) + usize::from(upper);
        // A host name with a number in it is none.
        segment.len() >= 16
            && kinds >= 2
            && !segment.contains('.')
            && zxcvbn::zxcvbn(segment, &[]).guesses_log10() >= 12.0
    })
}

/// Bytes that are all of a few kinds.
pub(super) fn monotonous(value: &[u8]) -> bool {
    let mut seen = [false; 256];
    for b in value {
        if let Some(seen) = seen.get_mut(usize::from(*b)) {
            *seen = true;
        }
    }
    seen.iter().filter(|s| **s).count() < 6
}
