//! `names-a-secret`: does what stands before a value give it a name that a secret would have?
//!
//! A pattern finds a keyword, something like an operator and a value; what the words and the operator mean is judged here,
//! since a pattern that knew `key` from `monkey`, `keyCode` and `public_key` would have hundreds of branches. The name is
//! read in words: `apiKey`, `api_key`, `API-KEY` and `apikey` are one.

use super::Seen;

/// How much a name promises, the least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Promise {
    /// `key`, `auth`.
    Weak,
    /// `billing_key`.
    Usual,
    /// `apiKey`, `token`, `client_secret`, `password`.
    Strong,
}

/// A name, an operator, and a value to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Assignment {
    pub(super) promise: Promise,
    /// Nothing but space, or a hyphen, stands between the name and the value.
    pub(super) loose: bool,
    pub(super) quote: Option<u8>,
}

/// What makes a name a secret's by itself.
#[rustfmt::skip]
const STRONG: &[&str] = &[
    "accesskey", "apikey", "apikeys", "authkey", "authorization", "bearer", "credential", "credentials", "creds",
    "pass", "passphrase", "passwd", "password", "passwords", "pat", "privatekey", "pwd", "secret", "secretkey",
    "secrets", "token", "tokens",
];

/// What makes a `key` one.
#[rustfmt::skip]
const KEY_OF: &[&str] = &[
    "access", "account", "admin", "api", "apis", "app", "application", "auth", "authentication", "authorization",
    "client", "consumer", "crypto", "deploy", "device", "encryption", "ingest", "integration", "licence",
    "license", "live", "master", "private", "read", "rest", "secret", "security", "server", "service", "shared",
    "signing", "subscription", "user", "write",
];

/// Keywords that say little alone.
#[rustfmt::skip]
const WEAK: &[&str] = &[
    "access", "auth", "key", "keys", "oauth", "private", "session",
];

/// What may follow a keyword in a name.
#[rustfmt::skip]
const BEHIND: &[&str] = &[
    "account", "admin", "api", "app", "authentication", "authorization", "b64", "base", "base64", "basic",
    "client", "current", "dashboard", "database", "db", "default", "dev", "development", "env", "for", "header",
    "hex", "key", "live", "main", "new", "old", "phrase", "plain", "plaintext", "primary", "prod", "production",
    "raw", "secondary", "server", "service", "stage", "staging", "str", "string", "test", "testing", "text",
    "user", "v", "val", "value", "word", "x",
];

/// What makes a name that of something else.
#[rustfmt::skip]
const OTHERS: &[&str] = &[
    "analytics", "anchor", "anon", "anonymous", "antiforgery", "any", "arrow", "asset", "audio", "authenticity",
    "avatar", "blob", "block", "bucket", "build", "cache", "campaign", "captcha", "channel", "checksum", "chunk",
    "color", "column", "commit", "composite", "content", "continuation", "continue", "contract", "country", "csrf",
    "currency", "cursor", "dedup", "design", "dict", "digest", "doc", "document", "dom", "element", "entity",
    "etag", "event", "expected", "feature", "field", "file", "fingerprint", "flag", "foreign", "forgery", "form",
    "gpg", "group", "has", "hash", "host", "hot", "i18n", "id", "idempotency", "idempotent", "idx", "image",
    "index", "input", "integrity", "invalid", "issue", "issuer", "item", "kms", "label", "lang", "lex", "list",
    "locale", "lookup", "map", "md5", "measurement", "media", "message", "metric", "missing", "module", "msg",
    "natural", "next", "no", "node", "non", "nonce", "not", "object", "offset", "package", "page", "partition",
    "path", "pgp", "pixel", "prev", "previous", "primary", "product", "project", "pub", "public", "publishable",
    "query", "react", "recaptcha", "record", "ref", "registry", "resource", "rev", "revision", "routing", "row",
    "rowkey", "schema", "search", "segment", "sequence", "sha", "sha1", "sha256", "sha512", "shard", "short",
    "site", "sitekey", "sku", "slug", "sort", "state", "storage", "store", "stream", "style", "surrogate",
    "symbol", "sync", "syntax", "table", "text", "theme", "thumb", "thumbnail", "topic", "track", "tracking",
    "trans", "translation", "tree", "unexpected", "unique", "uri", "url", "vapid", "verification", "version",
    "video", "widget", "xsrf",
];

/// Words that may stand before `key` and say nothing of it.
#[rustfmt::skip]
const UNQUALIFIED: &[&str] = &[
    "and", "any", "cache", "const", "dsa", "duplicate", "each", "final", "following", "for", "foreign", "get",
    "gpg", "has", "have", "host", "index", "invalid", "let", "map", "missing", "new", "object", "pgp", "primary",
    "public", "row", "rsa", "same", "set", "some", "sort", "ssh", "static", "string", "that", "the", "this",
    "unique", "unknown", "use", "used", "uses", "using", "val", "var", "with", "wrong", "your",
];

/// Longer words that merely contain a keyword are not it, unless this stands before it in the word.
#[rustfmt::skip]
const JOINED: &[&str] = &[
    "access", "account", "admin", "api", "app", "auth", "client", "consumer", "dev", "encryption", "licence",
    "license", "master", "private", "rest", "secret", "security", "service", "session", "shared", "signing",
    "token", "user",
];

/// The lists are sorted.
fn is_in(list: &[&str], word: &str) -> bool {
    list.binary_search(&word).is_ok()
}

/// How a value is tied to its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Assigns,
    /// The next argument of a call, the next item of a line.
    Position,
    /// Nothing but space.
    Space,
}

impl Assignment {
    /// Reads what stands before the value.
    pub(super) fn of(seen: &Seen) -> Option<Assignment> {
        let in_name = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
        let front = seen.front.iter().rev().take_while(|b| in_name(b)).count();
        let front = seen.front.get(seen.front.len() - front..)?;
        let end = name_end(seen.lead);
        let (tail, glue) = seen.lead.split_at_checked(end)?;
        let named = name(front, tail)?;
        let (operator, quote) = operator(glue, seen.after)?;
        if front.is_empty() && is_bare_key(tail) && (quote.is_some() || !is_qualified(seen.front)) {
            return None;
        }
        if named == Promise::Weak && operator == Operator::Position {
            return None;
        }
        Some(Assignment {
            promise: named,
            loose: operator == Operator::Space,
            quote,
        })
    }
}

pub(super) fn accepts(seen: &Seen) -> bool {
    Assignment::of(seen).is_some()
}

/// In programs and JSON, of a map, a cache or a list: nobody knows.
fn is_bare_key(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"key") || name.eq_ignore_ascii_case(b"keys")
}

/// A word that says whose key it is stands right before it.
fn is_qualified(front: &[u8]) -> bool {
    let spaces = front.iter().rev().take_while(|b| **b == b' ').count();
    let front = front.get(..front.len() - spaces).unwrap_or_default();
    let word = front.iter().rev().take_while(|b| b.is_ascii_alphanumeric()).count();
    let word = front.get(front.len() - word..).unwrap_or_default().to_ascii_lowercase();
    spaces > 0 && word.len() > 2 && !UNQUALIFIED.iter().any(|w| w.as_bytes() == word)
}

/// How much of it is the name: word characters, joined by single dots and hyphens.
fn name_end(lead: &[u8]) -> usize {
    let word = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_';
    let mut end = 0;
    loop {
        match lead.get(end..) {
            Some([b, ..]) if word(b) => end += 1,
            Some([b'.' | b'-', b, ..]) if word(b) => end += 2,
            _ => return end,
        }
    }
}

/// What a name promises: `front` and `tail` are its parts before and from the keyword. `None`: it is no secret's.
fn name(front: &[u8], tail: &[u8]) -> Option<Promise> {
    let whole = [front, tail].concat();
    let words = words(&whole);
    let (mut promise, mut behind, mut key) = (None, false, false);
    let mut of_what = false;
    for (from, word) in &words {
        let text = word.as_str();
        let digits = text.bytes().all(|b| b.is_ascii_digit());
        let stem = text.trim_end_matches(|c: char| c.is_ascii_digit());
        let ends = |with: &str| stem.len() > with.len() && stem.ends_with(with);
        if *from + word.len() <= front.len() && !behind {
            // Before the keyword.
            if is_in(OTHERS, stem) || is_in(OTHERS, text) {
                return None;
            }
        }
        if is_in(STRONG, stem)
            || ["token", "secret", "password", "passwd", "apikey"]
                .into_iter()
                .any(ends)
        {
            if ["csrf", "xsrf", "page", "antiforgery"]
                .iter()
                .any(|o| stem.starts_with(o))
            {
                return None;
            }
            (promise, behind) = (Some(Promise::Strong), true);
        } else if is_in(WEAK, stem) {
            key |= stem.starts_with("key");
            promise = promise.max(Some(Promise::Weak));
            of_what |= !stem.starts_with("key");
            behind |= key || *from >= front.len();
        } else if let Some(joined) = stem.strip_suffix("key") {
            if !JOINED.iter().any(|j| joined.ends_with(j)) {
                return None;
            }
            (promise, behind) = (promise.max(Some(Promise::Strong)), true);
        } else if behind {
            if !digits && !is_in(BEHIND, stem) && text.len() > 1 {
                return None;
            }
        } else if *from + word.len() > front.len() {
            // The keyword is a part of a longer word.
            return None;
        }
        of_what |= is_in(KEY_OF, stem);
    }
    match promise? {
        Promise::Weak if key && of_what => Some(Promise::Strong),
        Promise::Weak if key && words.len() > 1 => Some(Promise::Usual),
        promise => Some(promise),
    }
}

/// The words of a name in small letters, each with where it begins.
fn words(name: &[u8]) -> Vec<(usize, String)> {
    let mut out: Vec<(usize, String)> = Vec::new();
    let mut open = false;
    for (i, &b) in name.iter().enumerate() {
        if !b.is_ascii_alphanumeric() {
            open = false;
            continue;
        }
        let before = i.checked_sub(1).and_then(|i| name.get(i)).copied().unwrap_or(0);
        let next = name.get(i + 1).copied().unwrap_or(0);
        // `apiKey`, `APIKey`.
        let hump = b.is_ascii_uppercase()
            && (!before.is_ascii_uppercase() || (next.is_ascii_lowercase() && before.is_ascii_uppercase()));
        match out.last_mut() {
            Some((_, word)) if open && !hump => word.push(char::from(b.to_ascii_lowercase())),
            _ => out.push((i, char::from(b.to_ascii_lowercase()).to_string())),
        }
        open = true;
    }
    out
}

/// What stands between the name and the value, and whether the value ends as it began.
fn operator(glue: &[u8], after: Option<u8>) -> Option<(Operator, Option<u8>)> {
    let is_quote = |b: &u8| matches!(b, b'"' | b'\'' | b'`');
    let quote = glue.last().copied().filter(is_quote);
    let lines = glue.iter().any(|b| matches!(b, b'\n' | b'\r'));
    let quotes = glue.iter().filter(|b| is_quote(b)).count();
    let closed = glue.first().is_some_and(|b| is_quote(b) || matches!(b, b']' | b')')) && glue.len() > 1;
    let mut operator: Vec<u8> = Vec::new();
    let mut words: Vec<u8> = Vec::new();
    for b in glue {
        match b {
            b'a'..=b'z' | b'A'..=b'Z' => words.push(b.to_ascii_lowercase()),
            b if b.is_ascii_whitespace() || is_quote(b) || matches!(b, b']' | b')' | b'\\') => {}
            b => operator.push(*b),
        }
    }
    let ends = match (quote, after) {
        (Some(q), Some(a)) => a == q || matches!(a, b'\\' | b'\r' | b'\n'),
        (None, Some(a)) => a.is_ascii_whitespace() || is_quote(&a) || b",;)]}<>&|\\#".contains(&a),
        (_, None) => true,
    };
    if !ends {
        return None;
    }
    // A value may begin with a hyphen.
    let operator = match operator.as_slice() {
        [front @ .., b'-'] if !front.is_empty() => front,
        all => all,
    };
    let operator = match operator {
        b"" if words == b"is" => Operator::Assigns,
        b"" if lines || quotes > 0 => return None,
        b"" => Operator::Space,
        b"-" if glue == b"-" => Operator::Space,
        b">" if quotes > 0 => return None,
        b">" => Operator::Assigns,
        b"," if quote.is_some() && closed => Operator::Position,
        b"(" | b"-" if quote.is_some() => Operator::Position,
        _ if lines && quote.is_none() => return None,
        b"=" | b":" | b"=>" | b":=" | b"::=" | b":::=" | b"?=" | b".=" | b"||=" | b"|=" | b"+=" | b"==" | b"==="
        | b":=>" => Operator::Assigns,
        _ => return None,
    };
    Some((operator, quote))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{Assignment, BEHIND, JOINED, KEY_OF, OTHERS, Promise, STRONG, Seen, UNQUALIFIED, WEAK, words};

    /// `name|rest`: the anchor stands at the bar.
    fn read(text: &str, after: u8) -> Option<(Promise, bool)> {
        let (front, lead) = text.split_once('|').unwrap();
        let seen = Seen {
            front: &front.as_bytes()[front.len().saturating_sub(16)..],
            lead: lead.as_bytes(),
            after: Some(after),
            ..Seen::default()
        };
        Assignment::of(&seen).map(|a| (a.promise, a.loose))
    }

    #[test]
    fn names_of_secrets_are_told_from_others() {
        let (strong, usual, weak) = (
            Some((Promise::Strong, false)),
            Some((Promise::Usual, false)),
            Some((Promise::Weak, false)),
        );
        for (text, want) in [
            ("api_|key = ", strong),
            ("api|Key: ", strong),
            ("x-API-|KEY: ", strong),
            ("bay|token=", strong),
            ("|accessTokenProd=", strong),
            ("|tokenV2: ", strong),
            ("billing_|key = ", usual),
            ("Using billing |key=", weak),
            ("|auth = ", weak),
            ("|key = ", None),
            ("Using |Key=", None),
            ("mon|key = ", None),
            ("|keyboard = ", None),
            ("|keyCode: ", None),
            ("public_|key = ", None),
            ("foreign|Key=", None),
            ("csrf|Token: ", None),
            ("nextPage|Token: ", None),
            ("|token_url=", None),
            ("|credentialsId: ", None),
            ("|secretName: ", None),
            ("|tokenizer = ", None),
            ("|author = ", None),
        ] {
            assert_eq!(read(text, b'\n'), want, "{text}");
        }
    }

    #[test]
    fn operators_are_told_from_what_merely_stands_there() {
        for (text, after, loose) in [
            ("|token = \"", b'"', Some(false)),
            ("|token\": \"", b'"', Some(false)),
            ("|token\":\n  \"", b'"', Some(false)),
            ("|token => '", b'\'', Some(false)),
            ("|token string = \"", b'"', Some(false)),
            ("|token>\n   ", b'\n', Some(false)),
            ("|TOKEN\", \"", b'"', Some(false)),
            ("|token(\"", b'"', Some(false)),
            ("|token - '", b'\'', Some(false)),
            ("|token ", b' ', Some(true)),
            ("|TOKEN-", b'\n', Some(true)),
            ("|token = \"", b' ', None),
            ("|token = \"", b'?', None),
            ("|token = ", b'(', None),
            ("|token =\n", b'\n', None),
            ("|token\">", b'<', None),
            ("|token->", b'\n', None),
            ("|token, ", b'\n', None),
        ] {
            assert_eq!(read(text, after).map(|(_, l)| l), loose, "{text:?} before {after}");
        }
    }

    #[test]
    fn lists_are_sorted() {
        for list in [STRONG, KEY_OF, WEAK, BEHIND, OTHERS, UNQUALIFIED, JOINED] {
            assert!(list.is_sorted(), "{list:?}");
        }
    }

    #[test]
    fn names_are_read_in_words() {
        for (name, want) in [
            ("apiKey", "api key"),
            ("API-KEY", "api key"),
            ("APIKey2", "api key2"),
            ("my.api_key", "my api key"),
        ] {
            let got: Vec<String> = words(name.as_bytes()).into_iter().map(|(_, w)| w).collect();
            assert_eq!(got.join(" "), want);
        }
    }
}
