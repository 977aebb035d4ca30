//! HTTP/2 without TLS, by prior knowledge: a client that shows every frame it got, and what both sides share.
//!
//! On the crate `h2`, because frames, flow control and header compression by hand would be a project of their own. What it
//! hides is little: header names are grouped (the first of a name stands for the place of all), and a body that is not as long
//! as its `content-length` says is an error, as it is for browsers.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use h2::{Reason, RecvStream, SendStream};
use http::{HeaderMap, HeaderName, HeaderValue};
use keepmum_host_tests::exchange::{End, Headers, Message};
use tokio::net::TcpStream;

use crate::client::Reply;
use crate::wire::Body;

/// The most that a header list may take. A thousand headers fit.
pub(crate) const HEADERS_LIMIT: u32 = 4 << 20;

/// The windows of both sides: larger than any body, so that the proxy's limits are what counts.
pub(crate) const WINDOW: u32 = 1 << 28;

/// Headers of one connection, which HTTP/2 has no place for.
const HOP_BY_HOP: [&str; 5] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "transfer-encoding",
    "upgrade",
];

/// Sends a request, its body in its pieces, and reads the reply. `patience` is how long nothing may come.
///
/// # Errors
/// The connection is refused, the stream is reset before headers, or nothing came for too long.
pub fn send(to: SocketAddr, message: &Message, pause: Duration, patience: Duration) -> Result<Reply> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(exchange(to, message.clone(), pause, patience))
}

async fn exchange(to: SocketAddr, message: Message, pause: Duration, patience: Duration) -> Result<Reply> {
    let stream = TcpStream::connect(to)
        .await
        .with_context(|| format!("cannot connect to {to}"))?;
    stream.set_nodelay(true)?;
    let (client, connection) = h2::client::Builder::new()
        .initial_window_size(WINDOW)
        .initial_connection_window_size(WINDOW)
        .max_header_list_size(HEADERS_LIMIT)
        .handshake::<_, Bytes>(stream)
        .await?;
    tokio::spawn(connection);
    let mut client = client.ready().await?;
    let bare = message.body.is_empty() && message.trailers.is_none() && message.end == End::Complete;
    let (response, sending) = client.send_request(request(&message)?, bare)?;
    if !bare {
        tokio::spawn(write(sending, message, pause));
    }
    let response = within(patience, response).await?.context("no headers came")?;
    let (head, mut incoming) = response.into_parts();
    let rest = read(&mut incoming, patience).await?;
    let (status, headers) = (head.status.as_u16(), pairs(&head.headers));
    Ok(Reply { status, headers, rest })
}

fn request(message: &Message) -> Result<http::Request<()>> {
    let text = |name| message.header(name).unwrap_or_default();
    let uri = http::Uri::builder()
        .scheme("http")
        .authority(text(":authority"))
        .path_and_query(text(":path"))
        .build()?;
    let mut request = http::Request::builder()
        .method(text(":method"))
        .uri(uri)
        .version(http::Version::HTTP_2)
        .body(())?;
    *request.headers_mut() = map(&message.headers)?;
    Ok(request)
}

/// Sends a body with pauses between its pieces, then trailers or a reset. A stream that the peer has ended is no error.
pub(crate) async fn write(mut to: SendStream<Bytes>, message: Message, pause: Duration) -> Result<()> {
    let pieces: Vec<Vec<u8>> = message.body.into_iter().filter(|piece| !piece.is_empty()).collect();
    let count = pieces.len();
    let last = |i| i + 1 == count && message.trailers.is_none() && message.end == End::Complete;
    for (i, piece) in pieces.into_iter().enumerate() {
        tokio::time::sleep(pause).await;
        // Without a wait for room, what is sent is queued without a bound; what is sent here is small enough.
        to.send_data(piece.into(), last(i))?;
    }
    if message.end == End::Reset {
        // Let the last piece arrive before the reset overtakes it.
        tokio::time::sleep(Duration::from_millis(50).max(pause)).await;
        to.send_reset(Reason::INTERNAL_ERROR);
    } else if let Some(trailers) = &message.trailers {
        tokio::time::sleep(pause).await;
        to.send_trailers(map(trailers)?)?;
    } else if count == 0 {
        to.send_data(Bytes::new(), true)?;
    }
    Ok(())
}

/// Reads a body to its end. A reset is not an error: the result says `cut`.
pub(crate) async fn read(from: &mut RecvStream, patience: Duration) -> Result<Body> {
    let mut body = Body::default();
    while let Some(piece) = within(patience, from.data()).await? {
        let Ok(piece) = piece else {
            body.cut = true;
            return Ok(body);
        };
        from.flow_control().release_capacity(piece.len())?;
        if !piece.is_empty() {
            body.chunks.push(piece.to_vec());
        }
    }
    match within(patience, from.trailers()).await? {
        Ok(trailers) => body.trailers = trailers.as_ref().map(pairs).filter(|t| !t.is_empty()),
        Err(_) => body.cut = true,
    }
    Ok(body)
}

async fn within<T>(patience: Duration, what: impl Future<Output = T>) -> Result<T> {
    match tokio::time::timeout(patience, what).await {
        Ok(done) => Ok(done),
        Err(_) => bail!("nothing came for {} s", patience.as_secs()),
    }
}

/// Headers as the crate has them, without pseudo-headers and those of one connection.
pub(crate) fn map(headers: &Headers) -> Result<HeaderMap> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let of_one_connection = HOP_BY_HOP.iter().any(|h| name.eq_ignore_ascii_case(h.as_bytes()));
        if !name.starts_with(b":") && !of_one_connection {
            map.append(HeaderName::from_bytes(name)?, HeaderValue::from_bytes(value)?);
        }
    }
    Ok(map)
}

/// Headers as everybody else here has them.
pub(crate) fn pairs(map: &HeaderMap) -> Headers {
    let pair = |(name, value): (&HeaderName, &HeaderValue)| (name.as_str().into(), value.as_bytes().to_vec());
    map.iter().map(pair).collect()
}
