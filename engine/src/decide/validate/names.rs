//! What a name says of its value. Names are read in words: `apiKey`, `api_key`, `API-KEY` and `apikey` are one, and a `monkey`
//! is no `key`. The words are those that programs, APIs and configurations use; no list of secrets stands behind them.

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
    "query", "react", "recaptcha", "record", "recv", "ref", "registry", "resource", "rev", "revision", "routing", "row",
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

/// The word makes a name that of something else.
pub(super) fn is_other(word: &str) -> bool {
    is_in(OTHERS, word)
}

/// What the pattern found in three: the name before the keyword, the name from there on, and what follows it.
pub(super) fn split<'a>(seen: &Seen<'a>) -> Option<(&'a [u8], &'a [u8], &'a [u8])> {
    let in_name = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
    let front = seen.front.iter().rev().take_while(|b| in_name(b)).count();
    let front = seen.front.get(seen.front.len() - front..)?;
    let (tail, glue) = seen.lead.split_at_checked(name_end(seen.lead))?;
    Some((front, tail, glue))
}

/// In programs, JSON and logs, of a map, a cache or a list: nobody knows.
pub(super) fn is_bare_key(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"key") || name.eq_ignore_ascii_case(b"keys")
}

/// A word that says whose key it is stands right before it.
pub(super) fn is_qualified(front: &[u8]) -> bool {
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
pub(super) fn name(front: &[u8], tail: &[u8]) -> Option<Promise> {
    let whole = [front, tail].concat();
    let words = words(&whole);
    let is = |of: &[&str]| words.iter().map(|(_, w)| w.as_str()).eq(of.iter().copied());
    if is(&["client", "request", "token"]) || is(&["change", "token"]) {
        // They name a request, so that it is carried out once.
        return None;
    }
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

#[cfg(test)]
mod tests {
    use super::{BEHIND, JOINED, KEY_OF, OTHERS, STRONG, UNQUALIFIED, WEAK, words};

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
