//! Error responses: which headers go, and the body that the policy puts in place of their own.
//!
//! A replaced error is a local reply, sent from the headers callback: it has an exact length and works for HEAD and bodiless
//! errors too. Only where the policy wants an error code out of the old body, that body has to be read first: then the headers
//! leave, what comes is swallowed, and the new body follows as soon as the code is known or cannot be there any more.

use std::sync::Arc;

use keepmum_codec::Broken;
use keepmum_engine::Engine;
use keepmum_engine::errors::{CodeFinder, ErrorProfile, grpc_status};
use proxy_wasm::types::Action;

use super::Response;
use super::coded::Coded;
use crate::audit::Outcome;
use crate::body;
use crate::headers::Headers;
use crate::host::{self, Buffer, Map};
use crate::request::clean_text as clean;

/// A response that tells an error about which the policy says something.
pub(super) struct OnError {
    pub(super) profile: Arc<ErrorProfile>,
    /// What it tells: for gRPC not the HTTP status.
    status: u16,
    /// The rules without the pack `error-leaks`.
    pub(super) plain: Arc<Engine>,
}

/// A body of which nothing leaves but its error code.
pub(super) struct Replacing {
    finder: CodeFinder,
    /// It is decoded first.
    coded: Option<Coded>,
    id: String,
    /// Bytes still to come by Content-Length.
    left: Option<u64>,
    /// Trailers may follow without a last body callback.
    trailers: bool,
    /// So many bytes at the front of a paused buffer are the new body.
    own: usize,
    sent: bool,
}

impl Replacing {
    /// The next bytes of the old body. `true`: no more of it need be read.
    fn read(&mut self, piece: &[u8]) -> bool {
        let Some(coded) = &mut self.coded else {
            return self.finder.push(piece);
        };
        let finder = &mut self.finder;
        let mut known = false;
        let decoded = coded.push(piece, &mut |text| {
            known |= finder.push(text);
            // Which error it is does not matter.
            if known { Err(Broken::Malformed) } else { Ok(()) }
        });
        decoded.is_err()
    }

    /// The old body has ended, or nothing of it is needed any more.
    fn end(&mut self) {
        let finder = &mut self.finder;
        if let Some(mut coded) = self.coded.take() {
            // One that is cut off tells what it tells.
            let _ = coded.finish(&mut |text| {
                finder.push(text);
                Ok(())
            });
        }
    }
}

/// Of headers or trailers only those stay that a replaced error keeps.
pub(super) fn keep_only(profile: &ErrorProfile, list: &mut Headers) {
    let gone = |n: &Vec<u8>| !n.starts_with(b":") && !profile.keeps(n);
    let gone: Vec<_> = list.pairs.iter().map(|(n, _)| n.clone()).filter(gone).collect();
    for name in gone {
        list.remove(&name);
    }
}

/// Bytes that are read from the proxy at a time.
const PIECE: usize = 16 * 1024;

/// Whether it is gRPC, which tells errors in its own way.
pub(super) fn is_grpc(list: &Headers) -> bool {
    list.first(b"content-type")
        .is_some_and(|t| t.starts_with(b"application/grpc"))
}

impl Response {
    /// Looks whether headers or trailers tell an error about which the policy says something, and takes out what must not be
    /// told with it.
    pub(super) fn enter_error(&mut self, list: &mut Headers, grpc: bool) {
        let told = list.first(b"grpc-status").filter(|_| grpc).and_then(grpc_status);
        let status = told.unwrap_or(self.status);
        if self.error.is_none()
            && let Some(profile) = self.engine.on_error(status).cloned()
        {
            // A body that is replaced is an outcome of its own, which is told when it is.
            let counted = if profile.replaces() {
                "errors_replaced"
            } else {
                "errors_scrubbed"
            };
            if grpc || !profile.replaces() {
                self.shared.metrics.done(&self.engine, counted, "");
            }
            if grpc && profile.replaces() {
                self.outcome = self.outcome.max(Outcome::Replaced);
            }
            let plain = std::mem::replace(&mut self.engine, profile.engine().clone());
            self.error = Some(OnError { profile, status, plain });
        }
        let Some(error) = &self.error else { return };
        if error.profile.replaces() && !grpc {
            return;
        }
        let dropped: Vec<_> = list
            .pairs
            .iter()
            .map(|(n, _)| n.clone())
            .filter(|n| error.profile.drops(n))
            .collect();
        if !dropped.is_empty() {
            self.outcome = self.outcome.max(Outcome::Scrubbed);
        }
        for name in dropped {
            list.remove(&name);
        }
        if error.profile.replaces() {
            list.replace(b"grpc-message", error.profile.message(error.status).as_bytes());
        }
    }

    /// Puts the policy's own body in place of an error's. `None`: the body stays.
    pub(super) fn replace_error(&mut self, list: &mut Headers, grpc: bool, end_of_stream: bool) -> Option<Action> {
        let error = self.error.as_ref().filter(|e| e.profile.replaces() && !grpc)?;
        let profile = error.profile.clone();
        self.done(Outcome::Replaced);
        if !self.engine.enforces() {
            return Some(Action::Continue);
        }
        let id = self.correlation_id(list, &profile);
        let essence = list.first(b"content-type").unwrap_or_default().to_ascii_lowercase();
        let essence = essence.split(|b| matches!(b, b';' | b' ')).next().unwrap_or_default();
        let json = essence.ends_with(b"/json") || essence.ends_with(b"+json");
        let finder = profile.code().filter(|_| json && (self.request.head || !end_of_stream));
        let coded = body::codings(list).ok().and_then(|c| self.coded(&c).ok());
        let finder = finder.zip(coded);
        let left = list
            .first(b"content-length")
            .and_then(|v| std::str::from_utf8(v).ok()?.parse().ok());
        let chunked = list.first(b"transfer-encoding").is_some();
        let trailers = left.is_none() && (!chunked || list.first(b"trailer").is_some());

        let page = profile.page(&self.accept, self.status, &id, None);
        keep_only(&profile, list);
        list.set(b"content-type", page.content_type.as_bytes());
        list.remove(b"content-length");
        if profile.negotiates() {
            vary_by_accept(list);
        }
        if let Some((finder, coded)) = finder {
            self.replacing = Some(Replacing {
                finder,
                coded,
                id,
                left,
                trailers,
                own: 0,
                sent: false,
            });
            self.tell_client(list);
            return Some(match list.put(Map::Response) {
                Ok(()) => Action::Continue,
                Err(_) => self.refuse(),
            });
        }
        list.pairs.retain(|(n, _)| !n.starts_with(b":"));
        let pairs = std::mem::take(&mut list.pairs);
        if !self.reply(self.status, &pairs, &page.body) {
            return Some(self.refuse());
        }
        Some(Action::Pause)
    }

    /// The next part of a body that is replaced.
    pub(super) fn replaced_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        let Some(r) = &mut self.replacing else {
            return Action::Continue;
        };
        let mut at = r.own;
        let mut known = end_of_stream;
        while at < size && !r.sent {
            let piece = host::buffer(Buffer::ResponseBody, at, PIECE.min(size - at)).unwrap_or_default();
            if piece.is_empty() {
                return self.broken("the body could not be read", size);
            }
            at += piece.len();
            known |= r.read(&piece);
            if let Some(left) = &mut r.left {
                *left = left.saturating_sub(piece.len() as u64);
                known |= *left == 0;
            }
        }
        if known && !r.sent {
            r.end();
        }
        let mut page = Vec::new();
        let mut pause = false;
        if !r.sent && (known || r.trailers) {
            r.sent = known;
            pause = !known;
            page = self.error_page();
        }
        if let Some(r) = &mut self.replacing {
            r.own = if pause { page.len() } else { 0 };
        }
        if (size > 0 || !page.is_empty()) && host::replace_buffer(Buffer::ResponseBody, size, &page).is_err() {
            return self.broken("the body could not be rewritten", size);
        }
        if pause { Action::Pause } else { Action::Continue }
    }

    /// The new body, with the code that is known by now.
    fn error_page(&self) -> Vec<u8> {
        let (Some(r), Some(error)) = (&self.replacing, &self.error) else {
            return Vec::new();
        };
        let mut code = String::new();
        if let (Some(found), Ok(mut work)) = (r.finder.code(), self.shared.work.try_borrow_mut()) {
            code = clean(&self.engine, &mut work, found.as_bytes());
        }
        let code = Some(code.as_str()).filter(|c| !c.is_empty());
        error.profile.page(&self.accept, self.status, &r.id, code).body
    }

    /// The id by which an operator finds the exchange again: the response's, or else the request's.
    fn correlation_id(&self, list: &Headers, profile: &ErrorProfile) -> String {
        let name = profile.correlation();
        if let (Some(own), Ok(mut work)) = (list.first(name.as_bytes()), self.shared.work.try_borrow_mut()) {
            let own = clean(&self.engine, &mut work, own);
            if !own.is_empty() {
                return own;
            }
        }
        let of_request = self.ids.iter().find(|(n, _)| n == name);
        of_request.map_or_else(String::new, |(_, id)| id.clone())
    }

    /// Notes what an error on any route that the request may be on would have to tell of the request.
    pub(super) fn note_for_errors(&mut self, list: &Headers) {
        let Ok(mut work) = self.shared.work.try_borrow_mut() else {
            return;
        };
        let default = Some(&self.policy).filter(|_| self.routed.may_be_default());
        for profile in self
            .routed
            .possible(&self.policy)
            .chain(default)
            .filter_map(|e| e.errors())
        {
            let name = profile.correlation();
            if let Some(value) = list.first(name.as_bytes())
                && !self.ids.iter().any(|(known, _)| known == name)
            {
                let id = clean(&self.policy, &mut work, value);
                self.ids.push((name.to_owned(), id));
            }
            if profile.negotiates() && self.accept.is_empty() {
                let all = list.pairs.iter().filter(|(n, _)| n == b"accept");
                let all: Vec<&[u8]> = all.map(|(_, v)| v.as_slice()).collect();
                self.accept = all.join(&b","[..]);
                self.accept.truncate(ACCEPT_BYTES);
            }
        }
    }
}

/// More than any client sends.
const ACCEPT_BYTES: usize = 4 * 1024;

/// Tells caches that the body depends on the request's Accept.
fn vary_by_accept(list: &mut Headers) {
    let all = list.pairs.iter().filter(|(n, _)| n == b"vary");
    let all = all.map(|(_, v)| v.as_slice()).collect::<Vec<_>>().join(&b", "[..]);
    let told = |part: &[u8]| part == b"*" || part.eq_ignore_ascii_case(b"accept");
    if all.split(|b| *b == b',').any(|part| told(part.trim_ascii())) {
        return;
    }
    let value = if all.is_empty() {
        b"accept".to_vec()
    } else {
        [all.as_slice(), b", accept"].concat()
    };
    list.set(b"vary", &value);
}
