//! The request on its way to the upstream, where the policy asks for it (`request.scan`).
//!
//! The same as for responses, with two differences. Content-Length is taken out of every request whose body may change: one
//! that is too long would have the upstream take the beginning of the next request for the end of this one. And as long as
//! the upstream has not answered, a request that is blocked is answered here, body or not.

use std::sync::Arc;

use keepmum_codec::Coding;
use keepmum_engine::{Body, BodyKind, Engine, Fate, content};
use proxy_wasm::types::Action;

use super::head::{on_one_line, place_name};
use super::messages::Messages;
use super::stream::Stream;
use super::unread::refusal;
use super::{BODY, Response};
use crate::audit::Outcome;
use crate::body;
use crate::headers::Headers;
use crate::host::{self, Buffer, Map};

impl Response {
    /// Redacts the request's headers. `Some`: it goes no further.
    pub(super) fn send_headers(
        &mut self,
        rules: Arc<Engine>,
        list: &mut Headers,
        end_of_stream: bool,
    ) -> Option<Action> {
        if self.send_values(&rules, list, "header").is_err() {
            return Some(self.refuse());
        }
        if let Some(reply) = self.over_in_request() {
            return Some(reply);
        }
        if rules.scans_body() && !end_of_stream && !self.send_websocket(&rules, list) {
            match self.sent_kind(&rules, list) {
                Ok((kind, codings)) => {
                    let sent = self.send_body(&rules, list, kind, &codings);
                    if let Err(reason) = sent
                        && let Some(reply) = self.unreadable_sent(&rules, reason, list)
                    {
                        return Some(reply);
                    }
                }
                Err(reason) => {
                    if let Some(reply) = self.unreadable_sent(&rules, reason, list) {
                        return Some(reply);
                    }
                }
            }
        }
        let enforces = rules.enforces();
        self.sending = Some(rules);
        (enforces && list.put(Map::Request).is_err()).then(|| self.refuse())
    }

    /// What kind of body follows, or why it is not looked at.
    fn sent_kind(&self, rules: &Engine, list: &Headers) -> Result<(BodyKind, Vec<Coding>), &'static str> {
        if self.request.connect || list.first(b"upgrade").is_some() {
            return Err("upgrade");
        }
        let essence = content::essence(list.first(b"content-type").unwrap_or_default());
        if content::is_media(&essence) {
            return Err("content_type");
        }
        let codings = body::codings(list).map_err(|_| "encoding")?;
        let partial = list.first(b"content-range").is_some();
        if partial && !codings.is_empty() {
            // It does not begin where a coding begins.
            return Err("partial");
        }
        let enveloped = body::enveloped(list);
        if enveloped.as_ref().is_some_and(|e| e.codings.is_err()) && rules.on_uninspectable("encoding") != Fate::Pass {
            return Err("encoding");
        }
        let kind = BodyKind {
            json: content::is_json(&essence),
            keep_length: enveloped.is_some() || partial,
        };
        Ok((kind, codings))
    }

    /// The request's body cannot be looked at, and nothing has left yet. `Some`: it does not.
    fn unreadable_sent(&mut self, rules: &Engine, reason: &'static str, list: &mut Headers) -> Option<Action> {
        let then = rules.on_uninspectable(reason);
        if then == Fate::Block {
            self.done_because(Outcome::Blocked, reason);
            return rules.enforces().then(|| self.deny(refusal(reason)));
        }
        self.shared.metrics.uninspected(rules, reason);
        self.sent_unread = Some((reason, 0));
        if then == Fate::Drop {
            self.outcome = self.outcome.max(Outcome::Dropped);
            if rules.enforces() {
                self.sent_dropping = true;
                body::headers_of_dropped(list);
            }
        }
        None
    }

    fn send_body(
        &mut self,
        rules: &Arc<Engine>,
        list: &mut Headers,
        kind: BodyKind,
        codings: &[Coding],
    ) -> Result<(), &'static str> {
        let large = |most| codings.is_empty() && body::length(list).is_some_and(|length| length > most);
        if rules.bounds().body_bytes.is_some_and(large) && rules.on_uninspectable("too_large") == Fate::Block {
            return Err("too_large");
        }
        let partial = list.first(b"content-range").is_some();
        if partial && rules.on_uninspectable("partial") == Fate::Block {
            return Err("partial");
        }
        let coded = self.coded(codings)?;
        let content_type = list.first(b"content-type").unwrap_or_default();
        let enveloped = body::enveloped(list);
        let body = Body::of_type(content_type, kind.keep_length);
        let left = body::length(list);
        let chunked = list.first(b"transfer-encoding").is_some();
        let trailers = left.is_none() && (!chunked || list.first(b"trailer").is_some());
        if rules.enforces() {
            body::headers_of_changed(list, kind);
            if !codings.is_empty() {
                body::headers_of_decoded(list);
            }
            body::headers_of_messages(list, enveloped.as_ref());
        }
        let part = self.new_part("request.body");
        let mut stream = Stream {
            body,
            left,
            trailers,
            messages: enveloped.map(|e| Messages::new(e, kind, &self.shared.pool)),
            coded,
            ..Stream::new(rules.clone(), Buffer::RequestBody, kind)
        };
        if partial {
            self.shared.metrics.uninspected(rules, "partial");
            self.outcome = self.outcome.max(Outcome::Uninspected);
            stream.all_unread("partial");
        }
        self.sent = Some((stream, part));
        Ok(())
    }

    pub(super) fn new_part(&mut self, place: &str) -> u16 {
        let part = u16::try_from(self.places.len()).unwrap_or(u16::MAX);
        self.places.push(place.to_owned());
        part
    }

    /// Redacts the values of a list, as far as they are to be looked at.
    fn send_values(&mut self, rules: &Engine, list: &mut Headers, kind: &str) -> Result<(), &'static str> {
        for i in 0..list.pairs.len() {
            let Some((name, value)) = list.pairs.get(i).cloned() else {
                continue;
            };
            let new = match name.as_slice() {
                b":path" => self.send_path(rules, &value)?,
                b"cookie" if !rules.scans_cookies() => None,
                b"cookie" => self.send_value(rules, kind, &name, &value)?,
                [b':', ..] => None,
                _ if kind == "header" && !rules.scans_headers() => None,
                name => self.send_value(rules, kind, name, &value)?,
            };
            if let Some(new) = new {
                list.set_at(i, on_one_line(new));
            }
        }
        self.exchange.enter_place(BODY, "response.body");
        Ok(())
    }

    fn send_value(
        &mut self,
        rules: &Engine,
        kind: &str,
        name: &[u8],
        value: &[u8],
    ) -> Result<Option<Vec<u8>>, &'static str> {
        let mut work = self.shared.work.try_borrow_mut().map_err(|_| "the engine is busy")?;
        let part = u16::try_from(self.places.len()).unwrap_or(u16::MAX);
        let place = format!("request.{kind}.{}", String::from_utf8_lossy(name));
        self.exchange.enter_place(part, &place);
        let new = self.exchange.header(rules, &mut work, name, value);
        if self.exchange.counts().any(|c| c.part() == part) {
            let name = place_name(rules, &mut work, name);
            self.places.push(format!("request.{kind}.{name}"));
        }
        Ok(new)
    }

    /// `:path`: its path and its query, each by itself.
    fn send_path(&mut self, rules: &Engine, value: &[u8]) -> Result<Option<Vec<u8>>, &'static str> {
        let mark = value.iter().position(|b| *b == b'?').unwrap_or(value.len());
        let (path, query) = value.split_at(mark);
        let mut new = Vec::new();
        let mut changed = false;
        for (asked, place, text) in [
            (rules.scans_path(), "request.path", path),
            (rules.scans_query(), "request.query", query),
        ] {
            if !asked || text.is_empty() {
                new.extend_from_slice(text);
                continue;
            }
            let part = self.new_part(place);
            self.exchange.enter_place(part, place);
            let mut work = self.shared.work.try_borrow_mut().map_err(|_| "the engine is busy")?;
            let redacted = match text.strip_prefix(b"?") {
                Some(query) => self
                    .exchange
                    .query(rules, &mut work, query)
                    .map(|query| [b"?", query.as_slice()].concat()),
                None => self.exchange.value(rules, &mut work, text),
            };
            match redacted {
                Some(redacted) => {
                    changed = true;
                    new.extend(written_in_url(&redacted));
                }
                None => new.extend_from_slice(text),
            }
        }
        Ok(changed.then_some(new))
    }

    /// `Some`: something was found that the policy blocks, and the client is told so.
    fn over_in_request(&mut self) -> Option<Action> {
        if self.exchange.over() {
            self.done(Outcome::Blocked);
        }
        let found = self.exchange.blocked()?;
        self.sent = None;
        Some(self.block(found))
    }

    /// The next part of the request's body.
    pub(super) fn request_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        if self.failed || self.own_reply {
            return if self.sending.is_some() {
                Action::Pause
            } else {
                Action::Continue
            };
        }
        if let Some((_, bytes)) = &mut self.sent_unread {
            *bytes += size as u64;
        }
        if self.sent_dropping {
            let dropped = size == 0 || host::replace_buffer(Buffer::RequestBody, size, b"").is_ok();
            return if dropped { Action::Continue } else { self.refuse() };
        }
        let Some((stream, part)) = &mut self.sent else {
            return Action::Continue;
        };
        self.exchange.enter_place(*part, "request.body");
        let settled = stream.read(&self.shared, &mut self.exchange, size, end_of_stream);
        let pause = matches!(settled, Ok(false)) && stream.may_pause(size);
        self.exchange.enter_place(BODY, "response.body");
        if let Some(reply) = self.over_in_request().or_else(|| self.heed_sent()) {
            return reply;
        }
        if pause {
            return Action::Pause;
        }
        let released = self.sent.as_mut().map_or(Ok(()), |(s, _)| s.release(size));
        match settled.and(released) {
            Ok(()) => Action::Continue,
            Err(_) => self.refuse(),
        }
    }

    /// The request's trailers.
    pub(super) fn request_trailers(&mut self, count: usize) -> Action {
        if self.failed || self.own_reply {
            return if self.sending.is_some() {
                Action::Pause
            } else {
                Action::Continue
            };
        }
        let Some(rules) = self.sending.clone() else {
            return Action::Continue;
        };
        if let Some((stream, part)) = &mut self.sent {
            let paused = stream.read;
            self.exchange.enter_place(*part, "request.body");
            let settled = stream.read(&self.shared, &mut self.exchange, paused, true);
            self.exchange.enter_place(BODY, "response.body");
            let has_tail = stream.out.as_ref().is_some_and(|o| !o.is_empty());
            let lost = paused == 0 && has_tail && rules.enforces();
            if let Some(reply) = self.over_in_request().or_else(|| self.heed_sent()) {
                return reply;
            }
            let released = self.sent.as_mut().map_or(Ok(()), |(s, _)| s.release(paused));
            if lost || settled.and(released).is_err() {
                return self.refuse();
            }
        }
        let digests = self.sent.is_some() && rules.enforces();
        if (rules.scans_trailers() || digests) && count > 0 {
            let Some(mut list) = Headers::get(Map::RequestTrailers) else {
                return self.refuse();
            };
            if digests {
                body::without_digests(&mut list, false);
            }
            let read = if rules.scans_trailers() {
                self.send_values(&rules, &mut list, "trailer")
            } else {
                Ok(())
            };
            if let Some(reply) = self.over_in_request() {
                return reply;
            }
            if read.is_err() || (rules.enforces() && list.put(Map::RequestTrailers).is_err()) {
                return self.refuse();
            }
        }
        Action::Continue
    }
}

/// What was put into a path or query, as it may stand there: some proxies refuse brackets.
fn written_in_url(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for &b in text {
        if matches!(b, b'[' | b']' | b'"' | b'<' | b'>' | b'#' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}' | 0..=b' ' | 0x7f..)
        {
            out.extend_from_slice(format!("%{b:02X}").as_bytes());
        } else {
            out.push(b);
        }
    }
    out
}
