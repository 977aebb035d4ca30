//! What a stream came to, seen from the client and from the upstream.

use super::stream::{Over, Stream};
use super::vm::Vm;
use crate::exchange::{End, Message};

/// How a response ended for the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The last byte or the trailers arrived.
    Complete,
    /// The connection or stream was reset.
    Reset,
    /// Nothing more ever comes: the client waits until its own time-out.
    Hang,
}

/// What the client received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The status code; 0 if no headers came.
    pub status: u16,
    /// Headers with `:status`, the body in the pieces in which it was delivered, trailers.
    pub message: Message,
    /// How it ended.
    pub ended: Ended,
}

/// A finished stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The client's side.
    pub client: Seen,
    /// What the upstream received; `None` if nothing was sent to it.
    pub upstream: Option<Message>,
    /// The most that Envoy's buffers held for this stream at one time, both halves, in bytes.
    pub peak_held: usize,
    /// Filter state that `proxy_set_property` left, by its name without the `wasm.` prefix.
    pub filter_state: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Vm {
    pub(super) fn outcome(&mut self, stream: Stream) -> Outcome {
        let ended = match stream.over {
            Some(Over::Complete) => Ended::Complete,
            Some(Over::Reset) => Ended::Reset,
            None => Ended::Hang,
        };
        let head = stream.is_head();
        let request = stream.request;
        let upstream = request.out_started.then(|| {
            let end = if request.out_ended { End::Complete } else { End::Reset };
            Message { end, ..request.out }
        });
        let mut message = stream.response.out;
        message.end = if ended == Ended::Complete {
            End::Complete
        } else {
            End::Reset
        };
        let status = message
            .header(":status")
            .and_then(|s| std::str::from_utf8(s).ok()?.parse().ok())
            .unwrap_or(0);
        let mut client = Seen { status, message, ended };
        if !head
            && !matches!(status, 204 | 304)
            && let Some(line) = check_length(&mut client, self.options.http2)
        {
            self.note(line);
        }
        let filter_state = stream.filter_state.into_iter().collect();
        Outcome {
            client,
            upstream,
            peak_held: request.peak_held + stream.response.peak_held,
            filter_state,
        }
    }
}

/// Envoy never mends Content-Length, so a client counts for itself: HTTP/1 waits for missing bytes and does
/// not take surplus ones, HTTP/2 resets the stream.
fn check_length(client: &mut Seen, http2: bool) -> Option<String> {
    if client.ended != Ended::Complete {
        return None;
    }
    let said: usize = std::str::from_utf8(client.message.header("content-length")?)
        .ok()?
        .parse()
        .ok()?;
    let sent: usize = client.message.body.iter().map(Vec::len).sum();
    if said == sent {
        return None;
    }
    if http2 {
        client.ended = Ended::Reset;
    } else if sent < said {
        client.ended = Ended::Hang;
    } else {
        let mut left = said;
        for piece in &mut client.message.body {
            piece.truncate(left);
            left -= piece.len();
        }
        client.message.body.retain(|piece| !piece.is_empty());
    }
    Some(format!("content-length says {said}, the body has {sent} bytes"))
}
