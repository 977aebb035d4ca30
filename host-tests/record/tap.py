"""From what Envoy's tap filter wrote to what is committed: the same traces, normalised, secrets as placeholders.

What is normalised, and nothing else: the values of `date` and `x-envoy-upstream-service-time`; paths of the
machine that recorded; times and addresses that a page prints. Where a body changes length by that, its
Content-Length follows. Chunk boundaries stay where they were.
"""

import base64
import json
import re

FIXED_HEADERS = {"date": "Mon, 05 Jan 2026 09:00:00 GMT", "x-envoy-upstream-service-time": "3"}


def documents(text):
    """The JSON documents that Envoy wrote one after another."""
    decoder, at, found = json.JSONDecoder(), 0, []
    while text[at:].strip():
        at += len(text[at:]) - len(text[at:].lstrip())
        document, at = decoder.raw_decode(text, at)
        found.append(document)
    return found


class Message:
    """A request or a response of a trace: header pairs, body chunks, trailer pairs or None."""

    def __init__(self):
        self.headers, self.chunks, self.trailers = [], [], None

    def header(self, name):
        return next((value for key, value in self.headers if key == name), None)


def _pairs(headers):
    if any(header.get("raw_value") for header in headers):
        raise ValueError("a header value that is not UTF-8: the recorder has no such exchange")
    return [(header["key"], header["value"]) for header in headers]


def _bytes(body):
    if body.get("truncated"):
        raise ValueError("Envoy's tap truncated a body: raise TAP_BYTES")
    return base64.b64decode(body.get("as_bytes", ""))


def parse(text):
    """(request, response) of one trace file."""
    request, response = Message(), Message()
    sides = {"request": request, "response": response}
    for document in documents(text):
        if "http_buffered_trace" in document:
            for side, message in sides.items():
                trace = document["http_buffered_trace"].get(side, {})
                message.headers = _pairs(trace.get("headers", []))
                if trace.get("body"):
                    message.chunks = [_bytes(trace["body"])]
                if trace.get("trailers"):
                    message.trailers = _pairs(trace["trailers"])
            continue
        segment = document["http_streamed_trace_segment"]
        for side, message in sides.items():
            if f"{side}_headers" in segment:
                message.headers = _pairs(segment[f"{side}_headers"].get("headers", []))
            if f"{side}_body_chunk" in segment:
                message.chunks.append(_bytes(segment[f"{side}_body_chunk"]))
            if f"{side}_trailers" in segment:
                message.trailers = _pairs(segment[f"{side}_trailers"].get("headers", []))
    # HTTP/1 ends a body with an empty call: an artefact of Envoy's codec, not a cut of the body.
    for message in sides.values():
        message.chunks = [chunk for chunk in message.chunks if chunk] or message.chunks[:1]
    return request, response


def substitute(chunks, rewrites):
    """Patterns over the joined body, each with a template or a function; a cut inside a match moves to its end."""
    cuts, at = [], 0
    for chunk in chunks:
        at += len(chunk)
        cuts.append(at)
    body = b"".join(chunks)
    for pattern, replacement in rewrites:
        out, last, moved = [], 0, list(cuts)
        for match in re.finditer(pattern, body):
            new = replacement(match) if callable(replacement) else match.expand(replacement)
            shift = len(new) - (match.end() - match.start())
            out += [body[last : match.start()], new]
            last = match.end()
            for index, cut in enumerate(cuts):
                if cut > match.start():
                    moved[index] += shift
        body, cuts = b"".join(out) + body[last:], moved
    starts = [0] + cuts[:-1]
    return [body[start:end] for start, end in zip(starts, cuts)]


def normalise(message, rewrites, head):
    before = sum(map(len, message.chunks))
    message.chunks = substitute(message.chunks, rewrites)
    after = sum(map(len, message.chunks))
    fixed = dict(FIXED_HEADERS)
    if before != after and not head:
        fixed["content-length"] = str(after)
    message.headers = [(key, fixed.get(key, value)) for key, value in message.headers]


def _body(chunk, text):
    if text:
        try:
            return {"as_string": chunk.decode()}
        except UnicodeDecodeError:
            pass  # A character cut by the chunk boundary: JSON text cannot hold half of it.
    return {"as_bytes": base64.b64encode(chunk).decode()}


def _is_text(chunks):
    try:
        return "\0" not in b"".join(chunks).decode()
    except UnicodeDecodeError:
        return False


def hide(message, plants):
    """Placeholders for secrets throughout; returns the names met."""
    met = set()

    def pairs(headers):
        hidden = []
        for key, value in headers:
            value, names = plants.hide_text(value)
            met.update(names)
            hidden.append((key, value))
        return hidden

    message.headers = pairs(message.headers)
    message.trailers = None if message.trailers is None else pairs(message.trailers)
    message.chunks, names = plants.hide(message.chunks)
    return met | names


def _headers(pairs):
    return [{"key": key, "value": value} for key, value in pairs]


def buffered(request, response):
    """The lines of an `http_buffered_trace`."""
    trace = {}
    for side, message in (("request", request), ("response", response)):
        trace[side] = {"headers": _headers(message.headers)}
        if message.chunks:
            whole = b"".join(message.chunks)
            trace[side]["body"] = _body(whole, _is_text([whole]))
        if message.trailers is not None:
            trace[side]["trailers"] = _headers(message.trailers)
    return [json.dumps({"http_buffered_trace": trace}, ensure_ascii=False, indent=1)]


def streamed(request, response, trace_id):
    """The lines of a sequence of `http_streamed_trace_segment`, one segment a line."""
    segments = []
    for side, message in (("request", request), ("response", response)):
        segments.append({f"{side}_headers": {"headers": _headers(message.headers)}})
        text = _is_text(message.chunks)
        segments += [{f"{side}_body_chunk": _body(chunk, text)} for chunk in message.chunks]
        if message.trailers is not None:
            segments.append({f"{side}_trailers": {"headers": _headers(message.trailers)}})
    return [
        json.dumps({"http_streamed_trace_segment": {"trace_id": trace_id, **segment}}, ensure_ascii=False)
        for segment in segments
    ]
