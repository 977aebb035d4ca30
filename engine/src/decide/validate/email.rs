//! `email-address`: a name and a domain, and not the user of a URL, a file name or a package.
//!
//! RFC 5321 section 4.1.2 and RFC 1035 section 2.3.1, as far as mail is really addressed.

use super::Seen;

/// Endings of file names that are no top-level domains: `logo@2x.png`.
const FILES: &[&[u8]] = &[
    b"png", b"jpg", b"jpeg", b"gif", b"svg", b"webp", b"avif", b"ico", b"css", b"scss", b"less", b"js", b"mjs", b"cjs",
    b"ts", b"tsx", b"jsx", b"vue", b"json", b"map", b"html", b"htm", b"xml", b"yml", b"yaml", b"php", b"rb", b"go",
    b"java", b"class", b"txt", b"pdf", b"tgz", b"gz", b"bmp", b"tiff", b"woff", b"ttf", b"eot", b"wasm", b"length",
];

pub(super) fn accepts(seen: &Seen) -> bool {
    let Some(at) = seen.value.iter().position(|b| *b == b'@') else {
        return false;
    };
    let (name, domain) = (
        seen.value.get(..at).unwrap_or_default(),
        seen.value.get(at + 1..).unwrap_or_default(),
    );
    let whole = |part: &[u8], edge: &[u8]| {
        let bad = |b: Option<&u8>| b.is_none_or(|b| edge.contains(b));
        !bad(part.first()) && !bad(part.last())
    };
    let labels = || domain.split(|b| *b == b'.');
    let last = labels().next_back().unwrap_or_default().to_ascii_lowercase();
    let named = whole(name, b".") && !name.windows(2).any(|w| w == b"..") && name != b"git";
    let somewhere = labels().all(|l| whole(l, b"-")) && !FILES.contains(&last.as_slice());
    named && somewhere && !in_url(seen)
}

/// `https://key@host.example`, `https://user:password@host.example`, `git@host.example/path`.
fn in_url(seen: &Seen) -> bool {
    let front = seen.front_text().to_ascii_lowercase();
    let user = front.ends_with(b"//");
    let password = front.ends_with(b":") && front.windows(2).any(|w| w == b"//");
    let mail = front.ends_with(b"mailto:");
    user || password || (seen.behind.starts_with(b"/") && !mail)
}

#[cfg(test)]
mod tests {
    use super::{Seen, accepts};

    fn check(front: &str, value: &str, behind: &str) -> bool {
        accepts(&Seen::between(front, value, behind))
    }

    #[test]
    fn addresses() {
        for (front, value, behind) in [
            ("", "fake.person+tag@mail.example.com", ""),
            ("mailto:", "f@example.org", ""),
            ("user:", "fake_person@example.co.uk", ":h"),
        ] {
            assert!(check(front, value, behind), "{value}");
        }
    }

    #[test]
    fn others() {
        for (front, value, behind, why) in [
            ("", "logo@2x.png", "", "a file"),
            ("git clone ", "git@example.com", ":f", "a repository"),
            ("https://", "fake@example.com", "/p", "a user of a host"),
            ("https://fake:", "fake@example.com", "", "a password"),
            ("", "fake..person@example.com", "", "two dots"),
            ("", "fake@-example.com", "", "no label begins with a hyphen"),
        ] {
            assert!(!check(front, value, behind), "{why}");
        }
    }
}
