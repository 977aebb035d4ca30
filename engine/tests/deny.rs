//! Denied paths: what the lists cover, in every spelling that a server may take for them, and what they leave alone.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod common;

use std::time::{Duration, Instant};

use keepmum_engine::{DENY_LISTS, Engine};

fn all_lists() -> Engine {
    Engine::new(b"deny: {lists: [files, vcs, debug, backups]}").unwrap()
}

fn told(policy: &str) -> Vec<String> {
    match Engine::new(policy.as_bytes()) {
        Ok(_) => Vec::new(),
        Err(e) => e.mistakes().iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn every_entry_is_denied_by_its_list() {
    for list in DENY_LISTS {
        let engine = Engine::new(format!("deny: {{lists: [{}]}}", list.name).as_bytes()).unwrap();
        for entry in list.paths {
            let one = entry.replace("/**/", "/").replace("/**", "/x").replace('*', "a");
            let deep = if entry.starts_with("/**/") {
                format!("/app/v1{one}")
            } else {
                one.clone()
            };
            for path in [one, deep] {
                let reason = engine.denies(path.as_bytes()).map(|d| (d.reason, d.status));
                assert_eq!(reason, Some((list.name, 404)), "{path} of {entry}");
            }
        }
        assert_eq!(engine.denies(b"/index.html"), None);
    }
}

#[test]
fn no_spelling_gets_round_a_list() {
    let engine = all_lists();
    for (path, list) in [
        ("/.env", "files"),
        ("/.env.production", "files"),
        ("/.env?x=1", "files"),
        ("/.env/", "files"),
        ("/.env#x", "files"),
        ("/%2e%65nv", "files"),
        ("/%252e%2565nv", "files"),
        ("/.ENV", "files"),
        ("/.%45NV", "files"),
        ("//.git/config", "vcs"),
        ("/./.git/config", "vcs"),
        ("/a/../.git/HEAD", "vcs"),
        ("/a/..;/.env", "files"),
        ("/a/..;x=1/.env", "files"),
        ("/.env;v=1", "files"),
        ("/.env;", "files"),
        ("/;/.env", "files"),
        ("/a/..%2f.env", "files"),
        ("/a%2f.env", "files"),
        ("/.git%2fconfig", "vcs"),
        ("/.git%252fconfig", "vcs"),
        ("/.git\\config", "vcs"),
        ("/a%5c.git%5cconfig", "vcs"),
        ("/.env%00.html", "files"),
        ("/.env%20", "files"),
        ("/.env.", "files"),
        ("/.env%2e", "files"),
        ("/.env%09", "files"),
        ("/.env::$DATA", "files"),
        ("/.git./config", "vcs"),
        ("/.git;x/config", "vcs"),
        ("/ACTUATOR/env", "debug"),
        ("/app/actuator/env/spring.datasource.password", "debug"),
        ("/actuator;x=y/heapdump", "debug"),
        ("/debug/pprof/", "debug"),
        ("/debug/pprof", "debug"),
        ("/debug/pprof/heap?debug=1", "debug"),
        ("/index.php~", "backups"),
        ("/a/db.sql.gz", "backups"),
        ("/.index.php.swp", "backups"),
        ("/a/.DS_Store", "backups"),
        ("/var/app/.ssh/id_rsa", "files"),
        ("/static/..%2f..%2f..%2fetc/passwd", "files"),
        // What stands behind a script's name is its argument.
        ("/info.php/x", "debug"),
        ("/a/phpinfo.php/x/y.css", "debug"),
        ("/a/PhpInfo.php;v=1/x", "debug"),
        ("/info.php%2fx", "debug"),
        ("/elmah.axd/download", "debug"),
    ] {
        assert_eq!(engine.denies(path.as_bytes()).map(|d| d.reason), Some(list), "{path}");
    }
}

#[test]
fn what_sites_serve_is_left_alone() {
    let engine = all_lists();
    for path in [
        "/",
        "",
        "*",
        "/index.html",
        "/.well-known/acme-challenge/x",
        "/.well-known/openid-configuration",
        "/environment",
        "/env",
        "/api/env/prod",
        "/actuator/health",
        "/actuator/health/liveness",
        "/actuator/info",
        "/actuator/prometheus",
        "/group/project.git/info/refs?service=git-upload-pack",
        "/.github/workflows/x.yml",
        "/cvs/pharmacy",
        "/docs/git/config",
        "/a;b/c;d",
        "/a%2Fb/c%20d",
        "/a:b/c",
        "/search?q=/.env",
        "/appsettings.json",
        "/downloads/app.zip",
        "/ca.pem",
        "/slides.key",
        "/x.sqlx",
        "/backup",
        "/dump/7",
        "/wp-config.php",
        "/a.../b",
        "/info.phpx/y",
        "/index.php/info",
        "/x.sql/a",
    ] {
        assert_eq!(engine.denies(path.as_bytes()), None, "{path}");
    }
}

#[test]
fn the_policys_own_paths_are_read_in_the_same_ways() {
    let engine = Engine::new(b"deny: {paths: [/internal/**, '/Reports/*.csv'], lists: [vcs], status: 403}").unwrap();
    for path in [
        "/internal",
        "/Internal/x",
        "/x/..;/internal/y",
        "/reports/A.CSV",
        "/%69nternal",
    ] {
        let denied = engine.denies(path.as_bytes()).unwrap();
        assert_eq!((denied.reason, denied.status), ("path", 403), "{path}");
    }
    assert_eq!(engine.denies(b"/reports/a/b.csv"), None);
    let engine = Engine::new(b"deny: {paths: ['/**/*.php', /a/run.cgi, '/b%2fc']}").unwrap();
    for path in [
        "/x.php",
        "/x/y.php/z",
        "/a/run.cgi/x/y",
        "/a/run.cgi",
        "/b%2Fc",
        "/b%2fc",
    ] {
        assert!(engine.denies(path.as_bytes()).is_some(), "{path}");
    }
    for path in ["/x.phps/z", "/a/run.cgix", "/x/run.cgi/x"] {
        assert_eq!(engine.denies(path.as_bytes()), None, "{path}");
    }
    assert_eq!(engine.denies(b"/.env"), None);
}

#[test]
fn what_would_deny_nothing_is_refused() {
    for (policy, place, part) in [
        ("deny: {}", "deny: ", "it denies nothing"),
        ("deny: {status: 404}", "deny: ", "it denies nothing"),
        ("deny: {lists: [file]}", "deny.lists[0]: ", "did you mean `files`?"),
        (
            "deny: {paths: [/a/../.env]}",
            "deny.paths[0]: ",
            "`.` and `..` are resolved",
        ),
        ("deny: {paths: [/%2eenv]}", "deny.paths[0]: ", "are decoded before"),
        (
            "routes: [{name: a, match: {paths: [/a]}, deny: {lists: []}}]",
            "routes[0].deny: ",
            "it denies nothing",
        ),
    ] {
        let told = told(policy);
        assert!(
            told.len() == 1 && told[0].starts_with(place) && told[0].contains(part),
            "{policy}: {told:?}"
        );
    }
}

#[test]
fn a_hostile_path_takes_time_in_proportion_to_its_length() {
    let engine = all_lists();
    for piece in ["%2525252e", "..;/", "a/", ".env ", "%2f..", "\\", "a.sql/"] {
        let path = format!("/{}", piece.repeat(60_000 / piece.len()));
        let start = Instant::now();
        engine.denies(path.as_bytes());
        assert!(
            start.elapsed() < Duration::from_secs(1),
            "{piece}: {:?}",
            start.elapsed()
        );
    }
}

/// `docs/POLICY.md` names every entry. Bless with `KEEPMUM_BLESS=1`.
#[test]
fn the_lists_in_the_documents_are_these() {
    let marks = ("<!-- deny lists: blessed -->\n", "<!-- end of deny lists -->");
    let mut table = String::from("| list | what | entries |\n| --- | --- | --- |\n");
    for list in DENY_LISTS {
        let entries: Vec<String> = list.paths.iter().map(|p| format!("`{p}`")).collect();
        table += &format!("| `{}` | {} | {} |\n", list.name, list.about, entries.join(" "));
    }
    common::assert_blessed("deny", marks, &table);
}
