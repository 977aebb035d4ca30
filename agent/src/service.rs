//! Serves the set on this host: hyper's HTTP/1 server on a loopback address or a Unix socket.
//!
//! The set is no secret, and tells enough of secrets that it is not for the network. Requests are read only as far as their
//! headers, connections are few and end when they are idle.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::time;

use crate::config::Listen;
use crate::metrics::{Served, Status};

/// Connections at once; more wait.
const CONNECTIONS: usize = 64;
/// A request's headers.
const HEADER_BYTES: usize = 16 << 10;
/// The headers have to come within this.
const HEADERS_WITHIN: Duration = Duration::from_secs(10);
/// No connection lasts longer.
const CONNECTION: Duration = Duration::from_secs(300);

/// Where requests come from.
#[derive(Debug)]
pub(crate) enum Door {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Door {
    /// Opens it; a socket that nobody listens on any more is replaced.
    pub(crate) async fn open(listen: &Listen) -> io::Result<Door> {
        match listen {
            Listen::Tcp(address) => Ok(Door::Tcp(TcpListener::bind(address).await?)),
            Listen::Unix(path, mode) => {
                remove_stale(path).await?;
                let listener = UnixListener::bind(path)?;
                fs::set_permissions(path, fs::Permissions::from_mode(*mode))?;
                Ok(Door::Unix(listener))
            }
        }
    }

    /// Where it is, for people.
    pub(crate) fn shown(&self) -> String {
        match self {
            Door::Tcp(l) => l
                .local_addr()
                .map_or_else(|_| "?".to_owned(), |a| format!("http://{a}")),
            Door::Unix(l) => {
                let address = l.local_addr().ok();
                let path = address.as_ref().and_then(|a| a.as_pathname()).unwrap_or(Path::new("?"));
                format!("unix:{}", path.display())
            }
        }
    }

    /// Answers until the task ends.
    pub(crate) async fn serve(self, status: Arc<Status>) {
        let room = Arc::new(Semaphore::new(CONNECTIONS));
        loop {
            let Ok(permit) = Arc::clone(&room).acquire_owned().await else {
                return;
            };
            let status = Arc::clone(&status);
            let accepted = match &self {
                Door::Tcp(l) => l.accept().await.map(|(stream, _)| {
                    tokio::spawn(async move {
                        connection(stream, status).await;
                        drop(permit);
                    })
                }),
                Door::Unix(l) => l.accept().await.map(|(stream, _)| {
                    tokio::spawn(async move {
                        connection(stream, status).await;
                        drop(permit);
                    })
                }),
            };
            // No file descriptors are left, say: it passes.
            if accepted.is_err() {
                time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn remove_stale(path: &Path) -> io::Result<()> {
    let is_socket = fs::symlink_metadata(path).is_ok_and(|m| m.file_type().is_socket());
    if is_socket && UnixStream::connect(path).await.is_err() {
        fs::remove_file(path)?;
    }
    Ok(())
}

async fn connection(stream: impl AsyncRead + AsyncWrite + Unpin, status: Arc<Status>) {
    let service = service_fn(move |request: Request<Incoming>| {
        let status = Arc::clone(&status);
        async move { Ok::<_, std::convert::Infallible>(answer(&request, &status)) }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEADERS_WITHIN)
        .max_buf_size(HEADER_BYTES);
    // What a client does wrong is its own trouble.
    let _ = time::timeout(CONNECTION, http.serve_connection(TokioIo::new(stream), service)).await;
}

fn answer(request: &Request<Incoming>, status: &Status) -> Response<Full<Bytes>> {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return text(StatusCode::METHOD_NOT_ALLOWED, "GET, please\n".to_owned());
    }
    match request.uri().path() {
        "/v1/fingerprints" => fingerprints(request.headers().get(IF_NONE_MATCH), status),
        "/v1/canary" => match status.set() {
            Some(set) => text(
                StatusCode::OK,
                format!("{}{}\n", crate::probe::BEFORE, set.canary.as_str()),
            ),
            None => text(StatusCode::SERVICE_UNAVAILABLE, "no set yet\n".to_owned()),
        },
        "/healthz" => text(StatusCode::OK, "alive\n".to_owned()),
        "/readyz" => match status.readiness() {
            Ok(ready) => text(StatusCode::OK, ready),
            Err(why) => text(StatusCode::SERVICE_UNAVAILABLE, why),
        },
        "/metrics" => text(StatusCode::OK, status.exposition()),
        _ => text(
            StatusCode::NOT_FOUND,
            "/v1/fingerprints, /v1/canary, /healthz, /readyz, /metrics\n".to_owned(),
        ),
    }
}

fn fingerprints(known: Option<&HeaderValue>, status: &Status) -> Response<Full<Bytes>> {
    let Some(set) = status.set() else {
        status.served(Served::NotReady);
        return text(StatusCode::SERVICE_UNAVAILABLE, "no set yet\n".to_owned());
    };
    let tag = format!("\"{}\"", set.version);
    let same = known.and_then(|k| k.to_str().ok());
    let same = same.is_some_and(|k| k.split(',').any(|k| k.trim().trim_start_matches("W/") == tag));
    let body = if same { Bytes::new() } else { set.body.clone() };
    let mut response = Response::new(Full::new(body));
    let mut put = |name, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(name, value);
        }
    };
    put(ETAG, &tag);
    put(CACHE_CONTROL, "no-store");
    if same {
        status.served(Served::Unchanged);
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        status.served(Served::Sent);
        put(CONTENT_TYPE, "application/json");
        put(http::HeaderName::from_static(keepmum_known::MAC_HEADER), &set.seal);
    }
    response
}

fn text(status: StatusCode, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    let plain = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, plain);
    response
}
