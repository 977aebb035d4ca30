//! `not-code`: what stands behind a name in programs and configurations and is no secret: references, calls, paths,
//! addresses, versions, dates, templates.

use super::words;

pub(super) fn accepts(value: &[u8]) -> bool {
    !(is_template(value)
        || is_call(value)
        || is_place(value)
        || has_extension(value)
        || is_version_or_date(value)
        || has_version(value)
        || is_dotted_name(value)
        || is_identifier(value))
}

/// A variable that somebody is still to fill in.
pub(super) fn is_template(value: &[u8]) -> bool {
    let has = |s: &[u8]| memchr::memmem::find(value, s).is_some();
    [&b"${"[..], b"{{", b"$(", b"%{", b"#{", b"<%", b"$[", b"%s", b"{}"]
        .iter()
        .any(|s| has(s))
        || matches!(value, [b'$' | b'%' | b'@' | b'&', rest @ ..] if rest.iter().all(|b| b.is_ascii_alphabetic() || matches!(b, b'_' | b'%' | b'@' | b':' | b'.')))
        || matches!(
            value,
            [b'{', .., b'}'] | [b'<', .., b'>'] | [b'[', .., b']'] | [b'%', .., b'%']
        )
}

/// `f(x)`, `a[i]`, `x => {…}`, `a && b`.
fn is_call(value: &[u8]) -> bool {
    let has = |b: u8| memchr::memchr(b, value).is_some();
    let pair = |a: &[u8]| memchr::memmem::find(value, a).is_some();
    (has(b'(') && has(b')'))
        || (has(b'[') && has(b']'))
        || (has(b'{') && has(b'}'))
        || pair(b"=>")
        || pair(b"&&")
        || pair(b"||")
}

/// A URL, a path, a resource's name, an e-mail address, a digest that says what it is.
fn is_place(value: &[u8]) -> bool {
    const FRONT: &[&[u8]] = &[
        b"/",
        b"./",
        b"../",
        b"~/",
        b"@/",
        b"C:",
        b"\\\\",
        b"arn:",
        b"urn:",
        b"data:",
        b"file:",
        b"http:",
        b"https:",
        b"mailto:",
        b"blob:",
        b"sha1-",
        b"sha256-",
        b"sha384-",
        b"sha512-",
        b"sha1:",
        b"sha256:",
        b"sha512:",
        b"md5:",
        b"md5-",
        b"did:",
        b"image/",
        b"text/",
        b"application/",
        b"projects/",
        b"jar:",
        b"AWS4-HMAC-",
        b"npm:",
        b"git@",
        b"ssh-rsa",
        b"ssh-ed25519",
        b"ecdsa-",
    ];
    let at = memchr::memchr(b'@', value);
    let mail = at.is_some_and(|at| {
        let (name, host) = value.split_at_checked(at).unwrap_or_default();
        let word = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'+' | b'@');
        !name.is_empty() && name.iter().chain(host).all(word) && host.contains(&b'.')
    });
    let chain = value
        .strip_prefix(b"0x")
        .is_some_and(|hex| matches!(hex.len(), 40 | 64));
    mail || chain || FRONT.iter().any(|f| value.starts_with(f)) || memchr::memmem::find(value, b"://").is_some()
}

/// `name.ext`, `host.tld`.
fn has_extension(value: &[u8]) -> bool {
    let Some(dot) = memchr::memrchr(b'.', value) else {
        return false;
    };
    let end = value.get(dot + 1..).unwrap_or_default();
    (2..=4).contains(&end.len()) && end.iter().all(u8::is_ascii_lowercase)
}

/// `1.2.3`, `^4.0`, `v2.1-beta`, `2026-01-02T…`.
fn is_version_or_date(value: &[u8]) -> bool {
    let bare = value
        .iter()
        .position(|b| !matches!(b, b'^' | b'~' | b'v' | b'V' | b'>' | b'=' | b'<'))
        .and_then(|i| value.get(i..))
        .unwrap_or_default();
    let digits = bare.iter().take_while(|b| b.is_ascii_digit()).count();
    let behind = bare.get(digits..).unwrap_or_default();
    let version = (1..=4).contains(&digits) && matches!(behind, [b'.', b, ..] if b.is_ascii_digit());
    let date = digits == 4
        && matches!(behind, [b'-' | b'/', a, b, b'-' | b'/', ..] if a.is_ascii_digit() && b.is_ascii_digit());
    version && behind.iter().filter(|b| **b == b'.').count() <= 3 && value.len() < 24 || date
}

/// `jackson-0.11.2`: three numbers joined by dots are a release of something.
fn has_version(value: &[u8]) -> bool {
    let numbers = |part: &[u8]| !part.is_empty() && part.len() <= 4 && part.iter().all(u8::is_ascii_digit);
    let mut joined = 0;
    value.split(|b| *b == b'.').enumerate().any(|(i, part)| {
        let front = part.iter().rev().take_while(|b| b.is_ascii_digit()).count();
        joined = match (numbers(part), i) {
            (true, _) => joined + 1,
            (false, _) if joined > 0 && part.first().is_some_and(u8::is_ascii_digit) => joined + 1,
            (false, _) => usize::from(front > 0),
        };
        joined >= 3
    })
}

/// `config.password`, `process.env.KEY2`, `self._token`, `Foo::bar`.
fn is_dotted_name(value: &[u8]) -> bool {
    let part = |p: &[u8]| {
        let word = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'$');
        let first = p.first().is_some_and(|b| !b.is_ascii_digit());
        let digits = p.iter().filter(|b| b.is_ascii_digit()).count();
        let (often, pairs) = words::pairs(p);
        first && digits <= 2 && p.len() <= 24 && p.iter().all(word) && 2 * often >= pairs
    };
    let mut parts = value
        .split(|b| matches!(b, b'.' | b':' | b'!' | b'?'))
        .filter(|p| !p.is_empty());
    value.iter().any(|b| matches!(b, b'.' | b':')) && parts.all(part)
}

/// `_mm512_xor_si512`, `MYSQL_CACHING_SHA2_PASSWORD`: three words or more in one case, with few digits or all at their ends. Or
/// a type's path without any.
fn is_identifier(value: &[u8]) -> bool {
    let count = |f: fn(&u8) -> bool| value.iter().filter(|b| f(b)).count();
    let digits = count(u8::is_ascii_digit);
    let one_case = count(u8::is_ascii_uppercase) == 0 || count(u8::is_ascii_lowercase) == 0;
    let word = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_';
    let numbered = |w: &[u8]| w.iter().skip_while(|b| !b.is_ascii_digit()).all(u8::is_ascii_digit);
    let mut words = value.split(|b| *b == b'_').filter(|w| !w.is_empty());
    let (often, pairs) = words::pairs(value);
    let joined = one_case
        && value.iter().all(word)
        && words.clone().count() > 2
        && (4 * digits <= value.len() || words.all(numbered));
    let path = digits == 0 && memchr::memmem::find(value, b"::").is_some();
    2 * often >= pairs && pairs > 2 && (joined || path)
}

#[cfg(test)]
mod tests {
    use super::accepts;

    #[test]
    fn code_is_told_from_values() {
        for value in [
            "${DB_TOKEN}",
            "$DB_TOKEN",
            "{{token}}",
            "getToken()",
            "tokens[0]",
            "process.env.API_KEY",
            "this.secret1",
            "Foo::bar",
            "a/Foo::Bar::Baz/*/DbPassword",
            "FAKE_SHA2_PASSWORD",
            "_mm512_xor_si512",
            "fake_krb5_rfc1964_data",
            "/etc/ssl/key1.pem",
            "https://a/b1",
            "cert1.p12.pem",
            "sm02915.int.corp.com",
            "1.2.3",
            "^4.0.23",
            "v10.1.0-rc1",
            "2026-01-02T03:04:05Z",
            "sha512-q7x2m9w4k1z8v3b6",
            "james.fake1@mail.corp",
            "arn:aws:iam::1",
        ] {
            assert!(!accepts(value.as_bytes()), "{value}");
        }
        for value in [
            "q7x2m9w4k1z8v3b6",
            "q7x2.m9w4k1z8v3b6",
            "12345:q7x2m9w4k1z8v3b6",
            "N{w4a2'si(zY8",
            "fa/q7x2m9w4+k1z8",
        ] {
            assert!(accepts(value.as_bytes()), "{value}");
        }
    }
}
