//! What the tests of the program share: running it, files for it, and a secret that is none.

#![allow(dead_code)]

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// How a run ended.
pub struct Ran {
    pub code: i32,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

impl Ran {
    pub fn text(&self) -> String {
        String::from_utf8(self.stdout.clone()).unwrap()
    }
}

/// Runs the program over this input.
pub fn keepmum(args: &[&str], files: &[String], input: &[u8]) -> Ran {
    let mut child = Command::new(env!("CARGO_BIN_EXE_keepmum"))
        .args(args)
        .args(files)
        .env("KEEPMUM_TEST_SECRET", secret())
        .env("KEEPMUM_HASH_KEY", key())
        .env_remove("KEEPMUM_WASM")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut to = child.stdin.take().unwrap();
    let input = input.to_vec();
    let feed = std::thread::spawn(move || {
        // It may have ended without reading.
        let _ = to.write_all(&input);
    });
    let out = child.wait_with_output().unwrap();
    feed.join().unwrap();
    Ran {
        code: out.status.code().unwrap(),
        stdout: out.stdout,
        stderr: String::from_utf8(out.stderr).unwrap(),
    }
}

/// A folder for one test, gone when the test is over.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new(name: &str) -> Folder {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("cli-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    pub fn put(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.0.join(name), bytes).unwrap();
    }

    pub fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A key that nobody uses, and that nobody guesses.
pub fn key() -> String {
    ["t4Kx8Wd2Rv", "6QmZ1bYh9N", "s3Lc7Pg5Ja"].concat()
}

/// A password that nobody has.
pub fn secret() -> String {
    ["not-a-", "real-Passw0rd"].concat()
}

/// A line with it in a connection string.
pub fn url(user: &str) -> String {
    format!("postgres://{user}:{}@db/shop\n", secret())
}
