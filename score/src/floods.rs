//! Input that was made to be slow: what begins like a secret and is none, over and over. Twice the input must cost twice.
//!
//! In processor time of this thread. What takes too long once is tried again: a busy machine is no quadratic algorithm.

use keepmum_engine::{Body, BodyKind, Engine, Exchange, Workspace, catalogue};

use crate::flat::cpu_time;

/// The smaller of the two inputs.
const BYTES: usize = 96 * 1024;

/// What doubling may cost, with room for a clock that ticks.
pub const DOUBLED: f64 = 2.6;

/// The line of the issue of anchors: one anchor, end to end, without a line end.
pub const LINE: usize = 50_000_000;

/// What was seen.
#[derive(Clone, Debug, Default)]
pub struct Floods {
    /// How many floods.
    pub all: usize,
    /// The slowest, in megabytes a second, and its name.
    pub slowest: (f64, String),
    /// Floods of which twice as much cost more than [`DOUBLED`] times as much, each time that it was tried.
    pub steep: Vec<String>,
}

/// Texts that are repeated: the beginning of an example of each detector, and the syntax that encodings have.
pub fn floods() -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = [
        "sk_live_",
        "eyJ",
        "://",
        "https://a:b",
        "-----BEGIN ",
        "\\u0073",
        "\\",
        "\\\\u00",
        "%25",
        "%2573",
        "%",
        "&#x73;",
        "&#",
        "&amp;",
        "&lt",
        "[REDACTED:",
        "\"password\":\"",
        "password=",
        "password: ",
        "api_key",
        "key=\"",
        "token",
        "secret=",
        "0123456789",
        "4111",
        "a@",
        "a.b@c.",
        "10.0.0.",
        "AAAA",
        "QUJD",
        "LS0t",
        "c2tfbGl2ZV8",
        "at /",
        "File \"",
        ".internal",
        "s\0",
        "\n",
        " ",
        "{\"a\":",
        "<a b=\"",
    ]
    .iter()
    .map(|t| ((*t).to_owned(), (*t).to_owned()))
    .collect();
    for (i, x) in catalogue::EXAMPLES.iter().enumerate() {
        let Some(text) = x.matches.first() else { continue };
        let take = [8, 20, 40, usize::MAX].get(i % 4).copied().unwrap_or(8);
        let part: String = text.chars().take(take).collect();
        all.push((format!("{} ({} bytes)", x.id, part.len()), part));
    }
    all
}

/// Takes all of them through an engine.
pub fn measure(engine: &Engine) -> Floods {
    let mut seen = Floods {
        slowest: (f64::INFINITY, String::new()),
        ..Floods::default()
    };
    for (name, part) in floods() {
        seen.all += 1;
        let text = part.repeat(2 * BYTES / part.len().max(1) + 1);
        let whole = text.as_bytes().get(..2 * BYTES).unwrap_or_default();
        let half = whole.get(..BYTES).unwrap_or_default();
        let mut ratio = f64::INFINITY;
        for _ in 0..5 {
            let (one, two) = (seconds(engine, half), seconds(engine, whole));
            ratio = ratio.min(two / one.max(1e-6));
            if ratio <= DOUBLED {
                let speed = whole.len() as f64 / 1e6 / two.max(1e-9);
                if speed < seen.slowest.0 {
                    seen.slowest = (speed, name.clone());
                }
                break;
            }
        }
        if ratio > DOUBLED {
            seen.steep.push(format!("{name}: {ratio:.2}"));
        }
    }
    seen
}

/// Megabytes a second for a line of fifty megabytes of one anchor.
pub fn long_line(engine: &Engine) -> f64 {
    let block = "sk_live_".repeat(2048);
    let begun = cpu_time();
    pass(engine, std::iter::repeat_n(block.as_bytes(), LINE / block.len()));
    LINE as f64 / 1e6 / (cpu_time() - begun).as_secs_f64().max(1e-9)
}

fn seconds(engine: &Engine, text: &[u8]) -> f64 {
    let begun = cpu_time();
    pass(engine, text.chunks(16 * 1024));
    (cpu_time() - begun).as_secs_f64()
}

fn pass<'a>(engine: &Engine, chunks: impl Iterator<Item = &'a [u8]>) {
    let (mut work, mut exchange, mut out) = (Workspace::default(), Exchange::default(), Vec::new());
    let mut body = Body::new(BodyKind::default());
    for chunk in chunks {
        out.clear();
        body.push(engine, &mut work, &mut exchange, chunk, &mut out);
    }
    out.clear();
    body.finish(engine, &mut work, &mut exchange, &mut out);
}
