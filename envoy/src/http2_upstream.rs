//! The server that repeats responses, over HTTP/2: their pieces as DATA frames, trailers, and resets in mid-body.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Result;
use bytes::Bytes;
use h2::RecvStream;
use h2::server::SendResponse;
use http::{Request, Response};
use keepmum_host_tests::exchange::End;

use crate::http2::{HEADERS_LIMIT, WINDOW, map, pairs, read, write};
use crate::upstream::{Choose, Seen};

/// How long a request may stand still.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running server. Dropping it ends it.
#[derive(Debug)]
pub struct Upstream {
    /// Where it listens.
    pub address: SocketAddr,
    stop: Arc<AtomicBool>,
    running: Option<JoinHandle<()>>,
}

impl Upstream {
    /// Listens on a free loopback port and answers HTTP/2 with what `choose` says.
    ///
    /// # Errors
    /// No port can be had.
    pub fn start(choose: Arc<Choose>) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopping = Arc::clone(&stop);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        // A connection that breaks is Envoy's right; the client's side of the test says whether it mattered.
        let running = std::thread::spawn(move || drop(runtime.block_on(accept(listener, &stopping, &choose))));
        Ok(Self {
            address,
            stop,
            running: Some(running),
        })
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.running.take() {
            let _ = thread.join();
        }
    }
}

async fn accept(listener: TcpListener, stop: &AtomicBool, choose: &Arc<Choose>) -> Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    loop {
        let (stream, _) = listener.accept().await?;
        if stop.load(Ordering::Relaxed) {
            return Ok(());
        }
        tokio::spawn(serve(stream, Arc::clone(choose)));
    }
}

async fn serve(stream: tokio::net::TcpStream, choose: Arc<Choose>) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut connection = h2::server::Builder::new()
        .initial_window_size(WINDOW)
        .initial_connection_window_size(WINDOW)
        .max_header_list_size(HEADERS_LIMIT)
        .handshake::<_, Bytes>(stream)
        .await?;
    while let Some(stream) = connection.accept().await {
        let (request, respond) = stream?;
        tokio::spawn(answer(request, respond, Arc::clone(&choose)));
    }
    Ok(())
}

async fn answer(request: Request<RecvStream>, mut respond: SendResponse<Bytes>, choose: Arc<Choose>) -> Result<()> {
    let (head, mut incoming) = request.into_parts();
    let body = read(&mut incoming, PATIENCE).await?;
    let path = head.uri.path_and_query().map_or("", |p| p.as_str());
    let seen = Seen {
        method: head.method.as_str().into(),
        path: path.into(),
        headers: pairs(&head.headers),
        body: body.chunks.concat(),
        trailers: body.trailers,
        cut: body.cut,
    };
    let answer = choose(&seen);
    let mut message = (*answer.message).clone();
    let status = message.header(":status").unwrap_or(b"200");
    let bodiless = seen.method == b"HEAD" || matches!(status, b"204" | b"304");
    let mut response = Response::builder().status(status).body(())?;
    *response.headers_mut() = map(&message.headers)?;
    if bodiless {
        message.body.clear();
        message.trailers = None;
    }
    let bare = message.body.is_empty() && message.trailers.is_none() && message.end == End::Complete;
    let sending = respond.send_response(response, bare)?;
    if bare {
        return Ok(());
    }
    write(sending, message, answer.pause).await
}
