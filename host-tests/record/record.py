#!/usr/bin/env python3
"""Records the captures: real servers on loopback, a real Envoy with the tap filter before them.

    python3 host-tests/record/record.py [NAME...]      everything, or only these exchanges, or `har`

What it needs besides Python and npm it installs under target/record; a browser it takes from the machine, and
leaves `browser-session.har` as it is where there is none. Each exchange of exchanges.py becomes a folder of
host-tests/captures: `capture.json` (what it is) and `trace.jsonl` or `trace.json` (what Envoy saw). Two sessions
become HAR files, exported by a real Chromium and by mitmproxy. Ports are chosen free, and every process that is
started is ended.
"""

import contextlib
import http.client
import json
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import sysconfig
import time

import envoy
import har
import tap
from exchanges import AWS, DEBUG, DOWN, EXCHANGES, FILES, SHOP
from plants import Plants
from stage import (
    CAPTURES, HERE, PROXY_PACKAGES, ROOT, WORK, Processes, environment, free_port, install, say, stage, store_secret,
)

ATTEMPTS = 6


def send(exchange, port, request_id):
    """Sends one exchange through Envoy and reads the answer to its end."""
    headers = {
        "host": exchange.host,
        "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        "accept": "*/*",
        "accept-encoding": "gzip, deflate, br",
        "x-request-id": request_id,
        **exchange.headers,
    }
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(exchange.method, exchange.target, exchange.body or None, headers)
        connection.getresponse().read()
        ended = "complete"
    except (http.client.IncompleteRead, ConnectionError):
        ended = "reset"
    finally:
        connection.close()
    if ended != exchange.end:
        raise SystemExit(f"record: {exchange.name} ended as {ended}, expected {exchange.end}")


def trace_of(request_id, folder):
    """The complete trace with that request id: Envoy writes the file's end when the stream is destroyed."""
    deadline = time.monotonic() + 15
    last = None
    while time.monotonic() < deadline:
        for path in folder.iterdir():
            text = path.read_text()
            if request_id not in text:
                continue
            if text == last:
                with contextlib.suppress(json.JSONDecodeError):
                    return tap.parse(text)
            last = text
        time.sleep(0.2)
    raise SystemExit(f"record: no complete trace for {request_id} in {folder}")


def cut_as_written(exchange, response):
    sizes = [len(chunk) for chunk in response.chunks]
    if exchange.chunk_size and any(size != exchange.chunk_size for size in sizes[:-1]):
        return False
    return exchange.chunks in (None, len(sizes))


def rewrites():
    """What on this machine's pages is of this machine: patterns over body bytes, and what stands for them."""

    def literal(path):
        return re.escape(str(path)).encode()

    numbered = {}

    def frame(match):
        # Django names each frame's elements by the frame object's address.
        return b"%d" % (140000000000000 + numbered.setdefault(match[0], len(numbered)))

    stdlib = sysconfig.get_paths()["stdlib"]
    zipped = str(pathlib.Path(stdlib).parent / f"python3{sys.version_info.minor}.zip")
    return [
        (literal(WORK / "shop"), b"/srv/shop"),
        (literal(WORK / "venv"), b"/srv/venv"),
        (literal(HERE / "servers"), b"/srv/debug"),
        (literal(stdlib), b"/usr/lib/python3"),
        (literal(zipped), b"/usr/lib/python3.zip"),
        (literal(ROOT), b"/srv/keepmum"),
        (rb"0x[0-9a-f]{12}", b"0x7f0000000000"),
        (rb'"CreatedDate": ?[0-9.]+', b'"CreatedDate": 1767603600.0'),
        (rb"(Server time:</th>\s*<td>)[^<]*", rb"\g<1>Mon, 05 Jan 2026 09:00:00 +0000"),
        (rb"(?<![0-9])1[34][0-9]{13}(?![0-9])", frame),
        (rb"(SERVER_PORT</td>\s*<td class=\"code\"><pre>&#x27;)[0-9]+", rb"\g<1>8000"),
        (rb"127\.0\.0\.1:\d{4,5}", b"127.0.0.1:8000"),
    ]


def check_clean(name, text, plants):
    """Nothing is written that holds a plant in clear, or tells of this machine."""
    for plant, value in plants.values.items():
        if value in text or json.dumps(value)[1:-1] in text:
            raise SystemExit(f"record: {name} would hold {plant} in clear")
    if any(str(path) in text for path in (ROOT, pathlib.Path.home(), sys.base_prefix)):
        raise SystemExit(f"record: {name} would hold a path of this machine")


def browser_session(ports, plants):
    """A visit to the sample sites, exported by Chromium."""
    executable = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if executable is None:
        say("browser-session.har: left as it is, there is no Chromium here (apt-get install chromium)")
        return
    raw = WORK / "browser.har"
    hosts = {host: ports[host] for host in (SHOP, FILES)}
    told = json.dumps({"executable": executable, "har": str(raw), "hosts": hosts})
    subprocess.run([shutil.which("node"), WORK / "shop" / "browser.js"], input=told.encode(), check=True, timeout=120)
    write_har("browser-session", raw, "Exported by Chromium while visiting the sample shop", plants)


def proxy_session(ports, plants, processes):
    """The same kind of traffic, exported by mitmproxy."""
    python = environment(WORK / "mitmproxy", PROXY_PACKAGES)
    raw, port = WORK / "mitmproxy.har", free_port()
    raw.unlink(missing_ok=True)
    mode = f"reverse:http://127.0.0.1:{ports[SHOP]}"
    command = [python.parent / "mitmdump", "-q", "--mode", mode, "--listen-host", "127.0.0.1", "-p", port,
               "--set", "keep_host_header=true", "--set", f"hardump={raw}", "--set", f"confdir={WORK / 'mitm-conf'}"]
    proxy = processes.start("mitmproxy", command, port, env={"HOME": str(WORK)})
    for method, target in (("GET", "/api/status"), ("GET", "/login/callback?code=1&state=2"), ("POST", "/session"),
                           ("GET", "/logo.png"), ("GET", "/oauth/token"), ("DELETE", "/cart")):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        headers = {"host": SHOP, "user-agent": "curl/8.14.1", "accept": "*/*", "accept-encoding": "gzip"}
        if method == "POST":
            headers["content-type"] = "application/json"
        connection.request(method, target, b'{"user":"zoe"}' if method == "POST" else None, headers)
        connection.getresponse().read()
        connection.close()
    processes.end(proxy)  # It writes the file as it ends.
    write_har("proxy-session", raw, "Exported by mitmproxy in front of the sample shop", plants)


def write_har(name, raw, about, plants):
    policy = {"detectors": {"packs": ["secrets", "tokens"]}}
    text = har.committed(raw.read_text(), name.split("-")[0], about, rewrites(), plants, policy)
    check_clean(name, text, plants)
    (CAPTURES / f"{name}.har").write_text(text)
    say(f"{name}.har: {len(json.loads(text)['log']['entries'])} entries")


def write(exchange, request, response, sent_id, request_id, plants):
    """One capture folder, replaced as a whole. `request_id` stands for the id that was sent, wherever it shows."""
    request.headers = [(k, request_id if k == "x-request-id" else v) for k, v in request.headers]
    own = [(re.escape(sent_id.encode()), request_id.encode()), *rewrites()]
    for message in (request, response):
        tap.normalise(message, own, exchange.method == "HEAD")
    tap.hide(request, plants)
    met = tap.hide(response, plants)
    if met != set(exchange.plants):
        raise SystemExit(f"record: {exchange.name} holds the plants {sorted(met)}, expected {sorted(exchange.plants)}")
    about = {"name": exchange.name, "about": exchange.about}
    if exchange.origin != "upstream":
        about["origin"] = exchange.origin
    if exchange.end != "complete":
        about["end"] = exchange.end
    about["planted"] = list(exchange.plants)
    if exchange.policy is not None:
        about["policy"] = exchange.policy
    about["trace"] = "trace.json" if exchange.buffered else "trace.jsonl"
    if exchange.buffered:
        lines = tap.buffered(request, response)
    else:
        lines = tap.streamed(request, response, request_id)
    text = "\n".join(lines) + "\n"
    check_clean(exchange.name, text, plants)
    folder = CAPTURES / exchange.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "capture.json").write_text(json.dumps(about, indent=2, ensure_ascii=False) + "\n")
    (folder / about["trace"]).write_text(text)


def record(wanted, plants, processes):
    python, binary = install()
    site = stage(plants)
    traces = WORK / "taps"
    shutil.rmtree(traces, ignore_errors=True)
    traces.mkdir(parents=True)
    ports = {host: free_port() for host in (SHOP, DEBUG, FILES, AWS)}
    streamed, buffered = free_port(), free_port()
    # Bound and never listening: whoever connects is refused, and nobody else can take the port.
    with socket.socket() as refused:
        refused.bind(("127.0.0.1", 0))
        ports[DOWN] = refused.getsockname()[1]
        told = {"plants": plants.values, "site": str(site / "shop"), "port": ports[SHOP], "refused": ports[DOWN]}
        processes.start("shop", [shutil.which("node"), WORK / "shop" / "shop.js"], ports[SHOP], stdin=json.dumps(told))
        dsn = f"postgres://ledger:{plants.values['debug-db-password']}@ledger-db.internal:5432/ledger"
        processes.start("debug", [python, HERE / "servers" / "debug_site.py", ports[DEBUG]], ports[DEBUG],
                        env={"DATABASE_URL": dsn})
        processes.start("files", [python, "-m", "http.server", "--bind", "127.0.0.1", ports[FILES]], ports[FILES],
                        cwd=site / "files")
        moto = python.parent / "moto_server"
        processes.start("moto", [moto, "-H", "127.0.0.1", "-p", ports[AWS]], ports[AWS])
        store_secret(ports[AWS], plants)
        config = WORK / "envoy.json"
        envoy.bootstrap(config, streamed, buffered, ports, traces)
        processes.start("envoy", [binary, "-c", config, "--disable-hot-restart", "--concurrency", "1", "-l", "warn"],
                        streamed)
        number = 0
        for index, exchange in enumerate(EXCHANGES):
            if wanted and exchange.name not in wanted:
                continue
            for attempt in range(ATTEMPTS):
                number += 1
                sent_id = f"00000000-0000-4000-8000-{number:012d}"
                send(exchange, buffered if exchange.buffered else streamed, sent_id)
                request, response = trace_of(sent_id, traces)
                if cut_as_written(exchange, response):
                    break
            else:
                raise SystemExit(f"record: Envoy never saw {exchange.name} cut as the server wrote it")
            # The id that is committed depends on the exchange, not on how often it was tried.
            request_id = f"0bad5eed-0000-4000-8000-{index + 1:012d}"
            write(exchange, request, response, sent_id, request_id, plants)
            say(f"{exchange.name}: {len(response.chunks)} chunks, {sum(map(len, response.chunks))} bytes")
        if not wanted or "har" in wanted:
            browser_session(ports, plants)
            proxy_session(ports, plants, processes)


def main():
    processes = Processes()
    WORK.mkdir(parents=True, exist_ok=True)
    try:
        record(set(sys.argv[1:]), Plants(CAPTURES / "plants.json"), processes)
    finally:
        processes.end_all()


if __name__ == "__main__":
    main()
