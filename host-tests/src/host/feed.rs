//! Turns a whole message into the callbacks that its framing gives.

use anyhow::Result;

use super::stream::Direction;
use super::vm::{StreamId, Vm};
use crate::exchange::{End, Message};

/// HTTP/1 ends a body with an empty call, HTTP/2 marks the last piece; trailers end either without a mark.
pub(super) fn message(vm: &mut Vm, id: StreamId, direction: Direction, message: &Message) -> Result<()> {
    // A connection that may be upgraded is open for more, until the client closes it.
    let upgrades = direction == Direction::Request && message.header("upgrade").is_some();
    let bare = message.body.is_empty() && message.trailers.is_none() && message.end == End::Complete && !upgrades;
    vm.feed_headers(id, direction, &message.headers, bare)?;
    if bare || vm.is_over(id) {
        return Ok(());
    }
    let pieces: Vec<&[u8]> = message
        .body
        .iter()
        .map(Vec::as_slice)
        .filter(|piece| !piece.is_empty())
        .collect();
    let http2 = match direction {
        Direction::Request => vm.options.http2,
        Direction::Response => vm.options.http2_upstream.unwrap_or(vm.options.http2),
    };
    let marked = http2 && message.trailers.is_none() && message.end == End::Complete;
    for (i, piece) in pieces.iter().enumerate() {
        vm.feed_body(id, direction, piece, marked && i + 1 == pieces.len())?;
        if vm.is_over(id) {
            return Ok(());
        }
    }
    match (&message.trailers, message.end) {
        (_, End::Reset) => vm.reset(id),
        (Some(trailers), End::Complete) => vm.feed_trailers(id, direction, trailers),
        (None, End::Complete) if marked && !pieces.is_empty() => Ok(()),
        (None, End::Complete) => vm.feed_body(id, direction, b"", true),
    }
}
