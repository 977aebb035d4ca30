//! Whether something is a secret by its name and a value that somebody uses, as files of settings have it.

/// Parts of names under which secrets stand in settings.
const NAMES: &[&[u8]] = &[
    b"ACCESS_KEY",
    b"ACCOUNT_KEY",
    b"APIKEY",
    b"API_KEY",
    b"APP_KEY",
    b"AUTH_KEY",
    b"CREDENTIAL",
    b"DSN",
    b"ENCRYPTION_KEY",
    b"HASH_KEY",
    b"MASTER_KEY",
    b"PASSPHRASE",
    b"PASSWD",
    b"PASSWORD",
    b"PRIVATE_KEY",
    b"SECRET",
    b"SIGNING_KEY",
    b"TOKEN",
];

/// Parts of values that stand for one in examples.
const STAND_INS: &[&[u8]] = &[
    b"xxx",
    b"your",
    b"example",
    b"change",
    b"placeholder",
    b"replace",
    b"dummy",
    b"insert",
    b"todo",
    b"...",
    b"***",
    b"redacted",
    b"<",
    b"${",
    b"{{",
    b"secret_here",
    b"my-secret",
    b"mysecret",
];

/// Shortest value that counts.
const LEAST: usize = 6;

fn holds(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|w| w.eq_ignore_ascii_case(part))
}

/// A value in use, not a stand-in.
pub(super) fn is_real(value: &[u8]) -> bool {
    let words: [&[u8]; 8] = [
        b"password",
        b"secret",
        b"changeme",
        b"undefined",
        b"production",
        b"development",
        b"localhost",
        b"disabled",
    ];
    value.len() >= LEAST
        && value.first() != Some(&b'$')
        && !STAND_INS.iter().any(|s| holds(value, s))
        && !words.iter().any(|w| value.eq_ignore_ascii_case(w))
        && value.iter().any(|b| Some(b) != value.first())
        && value.iter().all(|b| !b.is_ascii_control())
}

/// A setting that holds a secret.
pub(super) fn is_secret(name: &[u8], value: &[u8]) -> bool {
    let named = NAMES.iter().any(|n| holds(name, n))
        || [&b"_PASS"[..], b"_PWD", b"PGPASSWORD"]
            .iter()
            .any(|n| name.ends_with(n));
    // A file's name, a number of seconds or a switch under such a name is none.
    let setting = value.starts_with(b"/") || value.iter().all(u8::is_ascii_digit);
    is_real(value) && ((named && !setting) || has_user_info(value))
}

/// `scheme://user:password@host`
fn has_user_info(value: &[u8]) -> bool {
    let Some(at) = value.windows(3).position(|w| w == b"://") else {
        return false;
    };
    let rest = value.get(at + 3..).unwrap_or_default();
    let end = rest.iter().position(|b| *b == b'/').unwrap_or(rest.len());
    let authority = rest.get(..end).unwrap_or_default();
    let Some(at) = authority.iter().rposition(|b| *b == b'@') else {
        return false;
    };
    let user_info = authority.get(..at).unwrap_or_default();
    user_info
        .iter()
        .position(|b| *b == b':')
        .is_some_and(|colon| colon + 1 < user_info.len())
}

/// What stands between quotes, or before a comment.
pub(super) fn unquoted(value: &[u8]) -> &[u8] {
    let value = value.trim_ascii();
    match value.split_first() {
        Some((quote @ (b'"' | b'\'' | b'`'), rest)) => {
            let end = rest.iter().position(|b| b == quote);
            rest.get(..end.unwrap_or(rest.len())).unwrap_or_default()
        }
        _ => {
            let comment = value.windows(2).position(|w| w == b" #");
            value
                .get(..comment.unwrap_or(value.len()))
                .unwrap_or_default()
                .trim_ascii_end()
        }
    }
}
