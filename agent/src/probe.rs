//! Whether the set is armed, from end to end: the proxy is asked for the agent's canary, on a route to the agent itself. Where the
//! value comes back, nothing redacts it.

use std::fmt;
use std::io::{Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use url::Url;

use crate::publish::canary;

/// What stands before the canary in what the agent serves.
pub(crate) const BEFORE: &str = "keepmum canary: ";

/// A longer answer is not the agent's.
const ANSWER_BYTES: u64 = 64 << 10;
const WITHIN: Duration = Duration::from_secs(5);

/// What a probe found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probed {
    /// The canary was redacted.
    Armed,
    /// It came back.
    Unarmed,
}

/// Why there is no answer to a probe.
#[derive(Debug)]
pub struct ProbeError(String);

impl fmt::Display for ProbeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ProbeError {}

/// Asks a proxy's address (http) for the canary; the variable holds the key that agent and proxy share.
///
/// # Errors
/// The key is missing, the proxy cannot be asked, or what answers is not the agent.
pub fn probe(address: &str, key_env: &str) -> Result<Probed, ProbeError> {
    let told = |what: &str| ProbeError(what.to_owned());
    let key = std::env::var(key_env).ok().filter(|k| !k.is_empty());
    let key = key.ok_or_else(|| ProbeError(format!("{key_env}: not set, or empty")))?;
    let url = Url::parse(address).map_err(|_| told("expected an address such as http://127.0.0.1:10000/v1/canary"))?;
    let host = url.host_str().filter(|_| url.scheme() == "http");
    let host = host.ok_or_else(|| told("expected an http address: the proxy's own listener is asked"))?;
    let unreachable = |e: std::io::Error| ProbeError(format!("the proxy cannot be asked: {}", e.kind()));
    let port = url.port_or_known_default().unwrap_or(80);
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let mut all = (bare, port).to_socket_addrs().map_err(unreachable)?;
    let address = all.next().ok_or_else(|| told("the proxy's name has no address"))?;
    let mut stream = TcpStream::connect_timeout(&address, WITHIN).map_err(unreachable)?;
    stream.set_read_timeout(Some(WITHIN)).map_err(unreachable)?;
    let query = url.query().map(|q| format!("?{q}")).unwrap_or_default();
    let request = format!(
        "GET {}{query} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n",
        url.path()
    );
    stream.write_all(request.as_bytes()).map_err(unreachable)?;
    let mut answer = Vec::new();
    stream
        .take(ANSWER_BYTES)
        .read_to_end(&mut answer)
        .map_err(unreachable)?;
    let has = |text: &str| answer.windows(text.len()).any(|w| w == text.as_bytes());
    let status = answer.get(9..12).map(String::from_utf8_lossy).unwrap_or_default();
    if has(&canary(key.as_bytes())) {
        Ok(Probed::Unarmed)
    } else if status == "200" && has(BEFORE) && has("REDACTED") {
        Ok(Probed::Armed)
    } else {
        Err(ProbeError(format!(
            "status {status}: neither the canary nor a label in its place; is the key the agent's?"
        )))
    }
}
