"""From what a browser and a proxy export as HAR to what is committed: the same entries, secrets as placeholders.

Normalised: times, ports, addresses, connection ids and browser versions; in bodies what tap.py normalises too.
An entry gets `_keepmum` (HAR leaves names with an underscore to applications): name, about and planted names.
"""

import base64
import json
import re

import tap

WHEN = "2026-01-05T09:00:00.000Z"
# What differs from run to run and says nothing about the exchange.
VOLATILE = {
    "startedDateTime": WHEN,
    "time": 3,
    "_monotonicTime": 0,
    "_serverPort": 8000,
    "serverIPAddress": "127.0.0.1",
    "_transferSize": 0,
    "expires": WHEN,
}
DROPPED = {"connection", "_securityDetails", "securityDetails"}


def _walk(value, change):
    """A copy with every string changed."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_walk(item, change) for item in value]
    if isinstance(value, dict):
        return {key: _walk(item, change) for key, item in value.items()}
    return value


def _stable(value):
    if isinstance(value, list):
        return [_stable(item) for item in value]
    if not isinstance(value, dict):
        return value
    out = {key: VOLATILE.get(key, _stable(item)) for key, item in value.items() if key not in DROPPED}
    for key in ("timings", "pageTimings"):
        if key in out:
            # A connection is new or not as it happens.
            out[key] = {name: (-1 if name in ("blocked", "dns", "connect", "ssl") else 1) for name in value[key]}
    if out.get("name", "").lower() in tap.FIXED_HEADERS and "value" in out:
        out["value"] = tap.FIXED_HEADERS[out["name"].lower()]
    return out


def _content(content, headers, rewrites, plants):
    """A response body with machine-specific text normalised and secrets hidden; returns the plants met."""
    if not content.get("text"):
        return set()
    binary = content.get("encoding") == "base64"
    body = base64.b64decode(content["text"]) if binary else content["text"].encode()
    before = len(body)
    (body,) = tap.substitute([body], rewrites)
    if len(body) != before:
        content["size"] = len(body)
        for header in headers:
            if header["name"].lower() == "content-length":
                header["value"] = str(len(body))
    (body,), met = plants.hide([body])
    content["text"] = base64.b64encode(body).decode() if binary else body.decode()
    return met


def _name(prefix, index, request):
    path = re.sub(r"^https?://[^/]*|[?#].*$", "", request["url"])
    words = re.sub(r"[^a-z0-9]+", "-", f"{request['method']} {path}".lower()).strip("-")
    return f"{prefix}-{index:02d}-{words}"


def committed(text, prefix, about, rewrites, plants, policy=None):
    """The HAR file to commit."""
    text = re.sub(r"(page|frame)@[0-9a-f]{32}", r"\1@1", text)
    log = _stable(json.loads(text))["log"]
    if "browser" in log:
        log["browser"]["version"] = "140.0"
    for index, entry in enumerate(log["entries"], 1):
        met = _content(entry["response"]["content"], entry["response"]["headers"], rewrites, plants)
        body = entry["response"]["content"].pop("text", None)
        response = set()

        def hide(value, names):
            hidden, found = plants.hide_text(value)
            names.update(found)
            return hidden

        entry["response"] = _walk(entry["response"], lambda value: hide(value, response))
        entry["request"] = _walk(entry["request"], lambda value: hide(value, set()))
        if body is not None:
            entry["response"]["content"]["text"] = body
        own = {"name": _name(prefix, index, entry["request"]), "about": about, "planted": sorted(met | response)}
        if policy is not None:
            own["policy"] = policy
        entry["_keepmum"] = own
    return json.dumps({"log": log}, indent=1, ensure_ascii=False) + "\n"
