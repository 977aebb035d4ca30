//! How long an event of a stream is on its way through Envoy: with a filter that does nothing, and with Keepmum, in turn.
//!
//! The server is a thread of this program and notes when it writes each event; the client notes when it has the whole of it. Both
//! read the same clock, so that the difference is what Envoy and the filter took. `wrk` cannot do that: it sees
//! answers only as a whole.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use keepmum_envoy::config::Bootstrap;
use keepmum_envoy::process::Envoy;
use serde_json::{Value, json};

use crate::bodies::Seeded;
use crate::load;

/// Between two events of a stream: fast for a model, slow for a network.
const PAUSE: Duration = Duration::from_millis(4);

/// Events of one stream.
const EVENTS: usize = 50;

/// What is sent: its name, its path, and the events.
type Stream = (&'static str, &'static str, Vec<String>);

/// Delays of one stream through one filter, in microseconds.
pub struct Line {
    /// What was sent.
    pub stream: &'static str,
    /// Which filter.
    pub filter: &'static str,
    /// Of the first event: half came within this many, and 99 of 100 within that many.
    pub first: (f64, f64),
    /// Of all events.
    pub every: (f64, f64),
    /// How many in a hundred came only with the next.
    pub waited: f64,
}

impl Line {
    fn new(stream: &'static str, filter: &'static str, rounds: &[Vec<f64>]) -> Result<Self> {
        let waits = PAUSE.as_secs_f64() * 1e6;
        let all = || rounds.iter().flatten().copied();
        let waited = all().filter(|d| *d >= waits).count() as f64;
        Ok(Self {
            stream,
            filter,
            first: middle_and_most(rounds.iter().filter_map(|r| r.first().copied()).collect())?,
            every: middle_and_most(all().collect())?,
            waited: waited / all().count().max(1) as f64 * 100.0,
        })
    }

    /// For the JSON file.
    pub fn json(&self) -> Value {
        json!({
            "stream": self.stream, "filter": self.filter, "waited_percent": self.waited,
            "first_us": { "p50": self.first.0, "p99": self.first.1 }, "every_us": { "p50": self.every.0, "p99": self.every.1 },
        })
    }
}

fn middle_and_most(mut all: Vec<f64>) -> Result<(f64, f64)> {
    all.sort_by(f64::total_cmp);
    let at = |part: f64| all.get((all.len() as f64 * part) as usize).copied();
    let middle = at(0.5).context("nothing was measured")?;
    Ok((middle, at(0.99).unwrap_or(middle)))
}

/// All lines, after so many streams of each kind through each filter.
///
/// # Errors
/// Envoy cannot be had, or a stream does not come whole.
pub fn run(module: &Path, rounds: usize, say: &mut dyn FnMut(&str)) -> Result<Vec<Line>> {
    let binary = keepmum_envoy::install::envoy(keepmum_envoy::VERSION)?;
    let sent = Arc::new(Mutex::new(Vec::new()));
    let streams = streams();
    let server = serve(streams.clone(), Arc::clone(&sent))?;
    let idle = load::assemble()?;
    let start = |name: &str, module: &Path| {
        let bootstrap = Bootstrap::for_tests(module, "{}", server)?;
        Envoy::start_logging(&binary, &bootstrap, name, &["--log-level", "warning"])
    };
    let (read, keepmum) = (
        start("bench-events-read", &idle)?,
        start("bench-events-keepmum", module)?,
    );
    let mut lines = Vec::new();
    for (name, path, events) in &streams {
        say(name);
        let (mut of_read, mut of_keepmum) = (Vec::new(), Vec::new());
        for round in 0..=rounds {
            for (envoy, delays) in [(&read, &mut of_read), (&keepmum, &mut of_keepmum)] {
                sent.lock().unwrap_or_else(PoisonError::into_inner).clear();
                let came = receive(envoy.address, path, events)?;
                let sent = sent.lock().unwrap_or_else(PoisonError::into_inner);
                ensure!(sent.len() == came.len(), "{name}: {} events came", came.len());
                let delay = |(to, from): (&Instant, &Instant)| to.duration_since(*from).as_secs_f64() * 1e6;
                // The first stream of each opens connections.
                if round > 0 {
                    delays.push(came.iter().zip(sent.iter()).map(delay).collect());
                }
            }
        }
        lines.push(Line::new(name, "reads the body", &of_read)?);
        lines.push(Line::new(name, "Keepmum", &of_keepmum)?);
    }
    Ok(lines)
}

/// Notices, and what a model says, in tokens of a few letters.
fn streams() -> Vec<Stream> {
    let mut seeded = Seeded::new(11);
    let notices = (0..EVENTS).map(|i| {
        format!(
            "id: {i}\nevent: order\ndata: {{\"order\":{},\"state\":\"paid\"}}\n\n",
            seeded.below(1 << 40)
        )
    });
    let words = "The harbour was quiet that morning, and the fishermen who had come in before dawn were mending their nets on the \
                 stone steps while their children carried baskets up to the market; nobody spoke of the storm, since every one \
                 of them had seen the light go out on the far rock.";
    let mut tokens = words
        .split_inclusive(' ')
        .map(|w| format!(" {}", w.trim_end()))
        .flat_map(|w| {
            // Long words are two tokens.
            let (a, b) = w.split_at(if w.len() > 6 { 4 } else { w.len() });
            [a.to_owned(), b.to_owned()]
        });
    let mut token = || tokens.find(|t| !t.is_empty()).unwrap_or_default();
    let chat = (0..EVENTS).map(|_| {
        format!(
            "data: {{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{}\"}},\"finish_reason\":null}}]}}\n\n",
            token()
        )
    });
    vec![
        ("notices", "/notices", notices.collect()),
        ("chat deltas", "/chat", chat.collect()),
    ]
}

/// Answers each request with its stream, and notes when each event is written.
fn serve(streams: Vec<Stream>, sent: Arc<Mutex<Vec<Instant>>>) -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (streams, sent) = (streams.clone(), Arc::clone(&sent));
            std::thread::spawn(move || drop(answer(stream, &streams, &sent)));
        }
    });
    Ok(address)
}

fn answer(mut stream: TcpStream, streams: &[Stream], sent: &Mutex<Vec<Instant>>) -> Result<()> {
    stream.set_nodelay(true)?;
    let (mut request, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        let n = stream.read(&mut piece)?;
        if n == 0 {
            return Ok(());
        }
        request.extend_from_slice(piece.get(..n).unwrap_or_default());
        if !request.ends_with(b"\r\n\r\n") {
            continue;
        }
        let path = request.split(|b| *b == b' ').nth(1).unwrap_or_default();
        let events = streams.iter().find(|s| s.1.as_bytes() == path).map(|s| s.2.as_slice());
        write!(
            stream,
            "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
        )?;
        for event in events.unwrap_or_default() {
            std::thread::sleep(PAUSE);
            let chunk = format!("{:x}\r\n{event}\r\n", event.len());
            sent.lock().unwrap_or_else(PoisonError::into_inner).push(Instant::now());
            stream.write_all(chunk.as_bytes())?;
        }
        stream.write_all(b"0\r\n\r\n")?;
        request.clear();
    }
}

/// When each event was there.
fn receive(to: SocketAddr, path: &str, events: &[String]) -> Result<Vec<Instant>> {
    let mut stream = TcpStream::connect(to)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
    )?;
    let (mut all, mut came) = (Vec::new(), Vec::new());
    let mut piece = [0; 16 * 1024];
    loop {
        let n = stream.read(&mut piece)?;
        let now = Instant::now();
        if n == 0 {
            break;
        }
        all.extend_from_slice(piece.get(..n).unwrap_or_default());
        // Chunks end in `\r\n`, so that an empty line with a bare line feed is an event's.
        let ends = all.windows(2).filter(|w| *w == b"\n\n").count();
        came.resize(ends.max(came.len()), now);
    }
    let text = String::from_utf8_lossy(&all);
    ensure!(
        events.iter().all(|e| text.contains(e.as_str())),
        "{path} was changed on its way"
    );
    Ok(came)
}

/// Writes the table.
///
/// # Errors
/// None, into a string.
pub fn table(t: &mut String, lines: &[Line]) -> std::fmt::Result {
    use std::fmt::Write as _;
    writeln!(
        t,
        "\nEnvoy {}: microseconds from the server's write to the client's read of an event, {} ms apart.\n",
        keepmum_envoy::VERSION,
        PAUSE.as_millis()
    )?;
    writeln!(
        t,
        "| Stream      | Filter         | First event, p50 | p99 | Every event, p50 | p99 | Came with the next |"
    )?;
    writeln!(
        t,
        "|-------------|----------------|-----------------:|----:|-----------------:|----:|-------------------:|"
    )?;
    for l in lines {
        let ((first, first_most), (every, every_most)) = (l.first, l.every);
        writeln!(
            t,
            "| {:<11} | {:<14} | {first:>16.0} | {first_most:>3.0} | {every:>16.0} | {every_most:>3.0} | {:>16.1} % |",
            l.stream, l.filter, l.waited
        )?;
    }
    Ok(())
}
