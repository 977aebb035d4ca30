"""The plants: fake credentials by name, and the placeholders that stand for them in committed files.

A placeholder is `{{plant:NAME}}`, with an optional byte range of the written form (`:FROM:TO`, when a
chunk boundary cuts the secret) and an optional form (`|json`, ...). The reader in `src/capture/plants.rs`
undoes exactly what `Plants.hide` does; both read `captures/plants.json`.
"""

import json
import pathlib
import re
import urllib.parse

PLACEHOLDER = re.compile(r"\{\{plant:([a-z0-9-]+)(?::(\d+):(\d+))?(?:\|([a-z-]+))?\}\}")


def json_plain(value):
    """As most encoders write it: only quotes, backslashes and control characters are escaped."""
    return json.dumps(value, ensure_ascii=False)[1:-1]


def json_slash(value):
    """As PHP's json_encode writes it: a slash is escaped too."""
    return json_plain(value).replace("/", "\\/")


def json_unicode(value):
    """As a cautious or a hostile encoder writes it: every byte as \\u00xx."""
    return "".join(f"\\u{byte:04x}" for byte in value.encode())


def percent(value):
    """As in a query string: all but RFC 3986's unreserved characters."""
    return urllib.parse.quote(value, safe="")


FORMS = {"": str, "json": json_plain, "json-slash": json_slash, "json-unicode": json_unicode, "url": percent}


class Plants:
    """The table, and both directions between values and placeholders."""

    def __init__(self, path):
        table = json.loads(pathlib.Path(path).read_text())["plants"]
        self.values = {name: "".join(plant["parts"]) for name, plant in table.items()}
        needles = {}
        for name, value in self.values.items():
            for form, write in FORMS.items():
                # A form that changes nothing is the plain one: first come, first kept.
                needles.setdefault(write(value).encode(), (name, form))
        # The longest first, so that no plant hides inside another.
        self.needles = sorted(needles.items(), key=lambda item: -len(item[0]))

    def show(self, text):
        """Placeholders to values: for the files that the sample servers serve."""

        def value(match):
            name, start, end, form = match.groups()
            written = FORMS[form or ""](self.values[name])
            return written[int(start or 0) : int(end) if end else None]

        return PLACEHOLDER.sub(value, text)

    def find(self, data):
        """Every plant in `data`: (start, end, name, form), in order, never overlapping."""
        taken = []
        for needle, (name, form) in self.needles:
            at = data.find(needle)
            while at >= 0:
                end = at + len(needle)
                if all(end <= other[0] or at >= other[1] for other in taken):
                    taken.append((at, end, name, form))
                at = data.find(needle, end)
        return sorted(taken)

    def hide(self, chunks):
        """Values to placeholders in a body cut into `chunks`, and the names met. The cuts stay where they were."""
        whole = b"".join(chunks)
        if b"{{plant:" in whole:
            raise ValueError("the traffic itself holds the text {{plant:")
        found = self.find(whole)
        hidden, base = [], 0
        for chunk in chunks:
            out, at, limit = [], base, base + len(chunk)
            for start, end, name, form in found:
                lo, hi = max(start, base), min(end, limit)
                if lo >= hi:
                    continue
                part = "" if (lo, hi) == (start, end) else f":{lo - start}:{hi - start}"
                suffix = f"|{form}" if form else ""
                out += [whole[at:lo], f"{{{{plant:{name}{part}{suffix}}}}}".encode()]
                at = hi
            out.append(whole[at:limit])
            hidden.append(b"".join(out))
            base = limit
        return hidden, {name for _, _, name, _ in found}

    def hide_text(self, text):
        """The same for a header value."""
        (hidden,), names = self.hide([text.encode()])
        return hidden.decode(), names
