//! `internal-host`: a name that only a private network knows, and not a property in a script.
//!
//! `.internal` and `.local` end many expressions of JavaScript. What stands around tells: a URL, a port, quotes, or a
//! word such as `host`; or a label with a digit or a hyphen, which no property has. RFC 6762, RFC 8375, and ICANN's
//! resolution on `.internal`.

use super::Seen;

/// Endings that nothing but a host name has.
const CERTAIN: &[&[u8]] = &[
    b".svc.cluster.local",
    b".ec2.internal",
    b".compute.internal",
    b".google.internal",
];

/// Names that everybody's machine has: of the cloud's metadata, of a container's host.
const EVERYBODYS: &[&[u8]] = &[
    b"metadata.google.internal",
    b"host.docker.internal",
    b"gateway.docker.internal",
    b"kubernetes.docker.internal",
    b"localhost.localdomain",
];

/// Words before a host name.
const WORDS: &[&[u8]] = &[
    b"host",
    b"notfound",
    b"resolve",
    b"connect",
    b"server",
    b"addrinfo",
    b"eai_again",
    b"dial",
];

pub(super) fn accepts(seen: &Seen) -> bool {
    let value = seen.value.to_ascii_lowercase();
    let front = without_percent(seen.front_text().to_ascii_lowercase());
    let mut labels = value.split(|b| *b == b'.');
    let valid = |l: &[u8]| (1..=63).contains(&l.len()) && l.first() != Some(&b'-') && l.last() != Some(&b'-');
    let continues =
        seen.behind.starts_with(b".") || matches!(front.as_slice(), [.., b'.' | b'-' | b'$' | b'%' | b'\\']);
    if continues || EVERYBODYS.contains(&value.as_slice()) || !labels.clone().all(valid) {
        return false;
    }
    if CERTAIN.iter().any(|c| value.ends_with(c) && value.len() > c.len()) {
        return true;
    }
    let first = labels.next().map_or(0, <[u8]>::len);
    let long = first > 2;
    let in_url = front.ends_with(b"//") || front.ends_with(b"@");
    let port = long && seen.behind.len() > 2 || first > 1 && seen.behind.len() > 4;
    let quotes = b"\"'`";
    let quoted = long
        && front.last().is_some_and(|b| quotes.contains(b))
        && seen.after.is_some_and(|b| quotes.contains(&b) || b == b'\\');
    let like_no_property = value.iter().any(|b| b.is_ascii_digit() || *b == b'-');
    let apart = front.last().is_none_or(|b| b" \t\r\n=(,;<>[".contains(b));
    let named = WORDS.iter().any(|w| front.windows(w.len()).any(|f| f == *w));
    in_url || port || quoted || (apart && (named || (long && like_no_property)))
}

/// With the last character as it is meant: `at%20` ends in a blank.
fn without_percent(mut front: Vec<u8>) -> Vec<u8> {
    let digit = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok());
    if let [.., b'%', high, low] = front.as_slice()
        && let (Some(high), Some(low)) = (digit(*high), digit(*low))
    {
        front.truncate(front.len() - 3);
        front.push(high << 4 | low);
    }
    front
}

#[cfg(test)]
mod tests {
    use super::{Seen, accepts};

    fn check(front: &str, value: &str, behind: &str, after: Option<u8>) -> bool {
        accepts(&Seen {
            value: value.as_bytes(),
            front: front.as_bytes(),
            behind: behind.as_bytes(),
            after,
            ..Seen::default()
        })
    }

    #[test]
    fn host_names() {
        for (front, value, behind, after) in [
            ("http://", "db.internal", "", Some(b'/')),
            ("", "db.shop.internal", ":5432", Some(b':')),
            ("ENOTFOUND ", "db.internal", "", None),
            ("no%20pool%20at%20", "db-7.prod.internal", "", None),
            ("\"", "queue.local", "", Some(b'"')),
            ("from ", "db-1.internal", "", Some(b' ')),
            ("x(", "api.shop.svc.cluster.local", "", Some(b')')),
        ] {
            assert!(check(front, value, behind, after), "{value}");
        }
    }

    #[test]
    fn other_names() {
        for (front, value, behind, after, why) in [
            ("if (", "options.internal", "", Some(b')'), "a property"),
            ("x?", "e.local", ":10", Some(b':'), "one of minified names"),
            ("\"", "settings.local", ".json", Some(b'.'), "a file"),
            (".", "env.local", "", Some(b' '), "a file"),
            ("http://", "metadata.google.internal", "", Some(b'/'), "everybody's"),
        ] {
            assert!(!check(front, value, behind, after), "{why}");
        }
    }
}
