//! Runs `keepmum agent` and asks it.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

const WAIT: Duration = Duration::from_secs(40);

/// A folder of its own, and a value that nothing may print.
pub struct Place {
    pub root: PathBuf,
}

impl Place {
    pub fn new(name: &str) -> Place {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("agent-{name}"));
        let _ = fs::remove_dir_all(&root);
        fs::create_dir_all(&root).unwrap();
        Place { root }
    }

    pub fn path(&self, name: &str) -> String {
        self.root.join(name).display().to_string()
    }

    pub fn write(&self, name: &str, text: &str) -> String {
        let path = self.root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    /// As kubelet mounts a Secret: files are links into `..data`, which is replaced by renaming.
    pub fn mount(&self, generation: &str, files: &[(&str, &str)]) {
        let mount = self.root.join("mount");
        for (name, text) in files {
            self.write(&format!("mount/{generation}/{name}"), text);
            let link = mount.join(name);
            if !link.exists() {
                let _ = fs::remove_file(&link);
                symlink(format!("..data/{name}"), link).unwrap();
            }
        }
        symlink(generation, mount.join("..data_tmp")).unwrap();
        fs::rename(mount.join("..data_tmp"), mount.join("..data")).unwrap();
    }
}

/// Nothing that a scanner would take for a secret, and nothing that could be guessed.
pub fn planted(seed: u64) -> String {
    let mut x = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        char::from(b"abcdefghjkmnpqrstuvwxyz23456789ABCDEFGHJKLMNPQRSTUVWXYZ"[(x >> 32) as usize % 55])
    };
    format!("planted-{}", (0..20).map(|_| next()).collect::<String>())
}

pub struct Agent {
    child: Child,
    log: PathBuf,
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What agent and proxy share.
pub fn key() -> String {
    planted(99) + &planted(98)
}

pub fn command(config: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_keepmum"));
    command
        .args(["agent", "--config", config])
        .env("KEEPMUM_AGENT_KEY", key())
        .stdin(Stdio::null());
    command
}

impl Agent {
    pub fn start(place: &Place, config: &str) -> Agent {
        Agent::start_with(place, config, &[])
    }

    pub fn start_with(place: &Place, config: &str, env: &[(&str, &str)]) -> Agent {
        let log = place.root.join("log");
        let out = fs::File::create(&log).unwrap();
        let mut command = command(config);
        command.envs(env.iter().copied());
        let child = command.stdout(out.try_clone().unwrap()).stderr(out).spawn().unwrap();
        Agent { child, log }
    }

    pub fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Its exit status, once it has ended.
    pub fn ended(&mut self) -> Option<i32> {
        until("the end", || self.child.try_wait().unwrap()).code()
    }
}

pub fn once(config: &str, more: &[&str]) -> Output {
    command(config).args(more).output().unwrap()
}

pub fn port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Head and body.
pub fn ask(mut stream: impl std::io::Read + std::io::Write, path: &str, more: &str) -> (String, String) {
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: agent\r\nConnection: close\r\n{more}\r\n"
    )
    .unwrap();
    let mut all = String::new();
    stream.read_to_string(&mut all).unwrap();
    let (head, body) = all.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

pub fn get(port: u16, path: &str) -> Option<(String, String)> {
    let stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    Some(ask(stream, path, ""))
}

#[track_caller]
pub fn until<T>(what: &str, mut there: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(t) = there() {
            return t;
        }
        assert!(begun.elapsed() < WAIT, "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// `id version stage` of each secret in the set.
pub fn secrets(port: u16) -> Option<Vec<String>> {
    let (head, body) = get(port, "/v1/fingerprints")?;
    head.starts_with("HTTP/1.1 200").then_some(())?;
    let set: serde_json::Value = serde_json::from_str(&body).unwrap();
    let shown = |s: &serde_json::Value| {
        let text = |key: &str| s[key].as_str().unwrap().to_owned();
        let id = text("id");
        format!(
            "{} {} {}",
            id.rsplit('/').next().unwrap(),
            text("version"),
            text("stage")
        )
    };
    Some(set["secrets"].as_array().unwrap().iter().map(shown).collect())
}
