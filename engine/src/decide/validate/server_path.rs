//! `server-path`: a path on a machine, and not that of a URL, a route or a document's example.

use super::Seen;

/// Home directories in examples.
const NOBODY: &[&[u8]] = &[
    b"user",
    b"username",
    b"name",
    b"you",
    b"me",
    b"yourname",
    b"your-name",
    b"your_name",
    b"foo",
    b"bar",
    b"someone",
    b"<user>",
    b"public",
    b"default",
    b"all users",
];

pub(super) fn accepts(seen: &Seen) -> bool {
    let value = seen.value;
    // What a path stands behind where it is one; behind anything else it continues a URL or a template.
    let alone = match seen.front_text().as_ref() {
        [] => true,
        front if front.ends_with(b"file://") => true,
        [.., b'/', b'/'] => false,
        [.., last] => !last.is_ascii_alphanumeric() && !b"/.}$~*%_-\\".contains(last),
    };
    let mut parts = value.split(|b| b"/\\\t\x08\x0c".contains(b)).filter(|p| !p.is_empty());
    let home = parts.find(|p| p.eq_ignore_ascii_case(b"home") || p.eq_ignore_ascii_case(b"users"));
    let owner = home.and_then(|_| parts.next()).unwrap_or_default().to_ascii_lowercase();
    alone && !NOBODY.contains(&owner.as_slice()) && !value.windows(3).any(|w| w == b"...")
}

#[cfg(test)]
mod tests {
    use super::{Seen, accepts};

    fn check(front: &str, value: &str) -> bool {
        accepts(&Seen::between(front, value, ""))
    }

    #[test]
    fn paths_of_a_server() {
        for (front, value) in [
            ("open ", "/home/deploy/shop/app.py"),
            ("(", "/var/www/html/index.php"),
            ("file://", "/home/deploy/shop/app.mjs"),
            ("\"", r"C:\Users\deploy\shop\app.cs"),
        ] {
            assert!(check(front, value), "{value}");
        }
    }

    #[test]
    fn other_paths() {
        for (front, value, why) in [
            ("https://a.example", "/home/deploy/shop/app.py", "a URL's path"),
            ("${base}", "/home/deploy/shop/app.py", "behind a variable"),
            ("", "/home/user/app.py", "an example"),
            ("", r"C:\Users\YourName\app.py", "an example"),
            ("", "/home/deploy/.../app.py", "shortened"),
        ] {
            assert!(!check(front, value), "{why}");
        }
    }
}
