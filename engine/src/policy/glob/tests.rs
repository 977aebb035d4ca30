//! Which paths and hosts a glob covers, in which spellings.
#![allow(clippy::unwrap_used)]

use super::{Glob, Host, authority, is_ambiguous, is_resolved, path_of};

#[test]
fn paths_that_others_may_read_otherwise() {
    for path in [
        "/open/..%2fapi",
        "/open/%2F..%2Fapi",
        "/open/..;/api",
        "/open\\..\\api",
        "/open%5c../api",
        "/open/%252e%252e/api",
        "/a%",
    ] {
        assert!(is_ambiguous(&path_of(path.as_bytes())), "{path}");
    }
    for path in [
        "/open/a%2Fb",
        "/open/..a",
        "/open/a..",
        "/open/../api",
        "/a%20b",
        "/.well-known/x",
    ] {
        assert!(!is_ambiguous(&path_of(path.as_bytes())), "{path}");
    }
    for (path, is) in [
        ("/open/../api", true),
        ("/open/%2e%2E/api", true),
        ("/open//api", true),
        ("/./api", true),
        ("/a/..", true),
        ("/open/api?to=/../x", false),
        ("/%61/b/", false),
        ("/", false),
    ] {
        assert_eq!(is_resolved(path.as_bytes(), &path_of(path.as_bytes())), is, "{path}");
    }
}

#[test]
fn hosts() {
    for (pattern, value, is) in [
        ("*", "anything", true),
        ("api.example.com", "API.example.com:8443", true),
        ("api.example.com", "api.example.com.", true),
        ("api.example.com", "xapi.example.com", false),
        ("*.example.com", "a.b.example.com", true),
        ("*.example.com", "example.com", false),
        ("*.example.com", "badexample.com", false),
        ("[::1]", "[::1]:80", true),
    ] {
        let host = authority(value.as_bytes()).unwrap();
        let covers = match Host::read(pattern).unwrap() {
            Host::Any => true,
            Host::Exactly(name) => *name == *host,
            Host::Below(name) => host.len() > name.len() && host.ends_with(name.as_str()),
        };
        assert_eq!(covers, is, "{pattern} on {value}");
    }
    for wrong in ["", "*.", "a b", "exa*ple.com", "api.example.com:443"] {
        assert!(Host::read(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn paths() {
    for (pattern, value, is) in [
        ("/", "/", true),
        ("/", "/a", false),
        ("/api/**", "/api/v1/x", true),
        ("/api/**", "/api", true),
        ("/api/**", "/api/", true),
        ("/api/**", "/apiv2", false),
        ("/**", "/", true),
        ("/users/*/keys", "/users/7/keys?x=1", true),
        ("/users/*/keys", "/users/7/8/keys", false),
        ("/**/*.sql", "/a/b/dump.sql", true),
        ("/**/*.sql", "/dump.sql", true),
        ("/**/*.sql", "/dump.sql/x", false),
        ("/.env*", "/.env.local", true),
        ("/.git/**", "/.git/config", true),
        ("/**/.git/**", "/x/y/.git/HEAD", true),
        ("/a?c", "/abc", true),
        ("/a/**/b/**/c", "/a/x/b/y/z/c", true),
        ("/a/**/b/**/c", "/a/x/y/z/c", false),
        ("/api/**", "/%61pi/x", true),
        ("/api/x", "//api//x", true),
        ("/a%2Fb", "/a%2Fb", true),
        ("/a%2Fb", "/a%2fb", true),
        ("/a%2fb%c3%A4/*", "/a%2Fb%C3%a4/x", true),
        ("/a%2fb/**", "/a%2Fb", true),
        ("/a%2Fb", "/A%2Fb", false),
        ("/a%zz", "/a%zz", true),
        ("/open/**", "/open/../api/keys", false),
        ("/api/**", "/open/%2e%2E/./api/keys", true),
        ("/", "/a/..", true),
        ("/", "/../..", true),
        ("/a/", "/a/b/..", true),
        ("/a/", "/a/.", true),
        ("/.git/**", "/x/../.git/HEAD", true),
    ] {
        assert_eq!(
            Glob::read(pattern).unwrap().covers(&path_of(value.as_bytes())),
            is,
            "{pattern} on {value}"
        );
    }
    for wrong in [
        "", "api", "/a**", "/a/b**/c", "/a/../b", "/..", "/./a", "/%2eenv", "/a//b", "//a", "/a?b%61",
    ] {
        assert!(Glob::read(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_hostile_path_takes_no_time() {
    let glob = Glob::read("/**/*a*a*a*a*b/**/*a*a*a*b/**/c").unwrap();
    let path = "/".to_owned() + &"aaaaaaaa/".repeat(2_000);
    assert!(!glob.covers(path.as_bytes()));
}
