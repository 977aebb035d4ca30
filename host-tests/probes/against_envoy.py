"""Runs the rows of the conformance table through a real Envoy, and prints where the host differs from it.

    KEEPMUM_PROBES=/tmp/rows cargo test -p keepmum-host-tests --test host_conformance
    python3 host-tests/probes/against_envoy.py path/to/envoy /tmp/rows [part of a fact's name]

HTTP/1 rows only. Sockets by hand, not an HTTP library: a piece of body must arrive as a piece, and a reset or a
response that never ends is a result, not an exception. Listens on loopback; ends the one process that it starts.
"""

import json
import pathlib
import socket
import subprocess
import sys
import tempfile
import threading
import time

PAUSE = 0.15  # between two pieces, so that each is a callback of its own
PATIENCE = 4.0  # what has not come by then never comes

CONFIG = """
static_resources:
  listeners:
  - address: {socket_address: {address: 127.0.0.1, port_value: %(port)d}}
    per_connection_buffer_limit_bytes: %(limit)d
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: rows
          generate_request_id: false
          http_protocol_options: {enable_trailers: true}
          http_filters:
          - name: probe
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm
              config:
                name: keepmum
                root_id: keepmum
                failure_policy: FAIL_RELOAD
                allow_on_headers_stop_iteration: %(allow)s
                vm_config:
                  vm_id: keepmum
                  runtime: envoy.wasm.runtime.v8
                  environment_variables: {key_values: {K: v}}
                  code: {local: {filename: "%(wasm)s"}}
                configuration: {"@type": type.googleapis.com/google.protobuf.StringValue, value: "{}"}
          - name: envoy.filters.http.router
            typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
          route_config:
            virtual_hosts:
            - {name: application, domains: ["*"], routes: [{match: {prefix: "/"}, route: {cluster: application, timeout: 0s}}]}
  clusters:
  - name: application
    per_connection_buffer_limit_bytes: %(limit)d
    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
        explicit_http_config: {http_protocol_options: {enable_trailers: true}}
    load_assignment:
      cluster_name: application
      endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: %(upstream)d}}}}]}]
"""


def raw(text):
    return text.encode("latin1")


class Reader:
    """Bytes from a socket; EOFError when the other side has gone."""

    def __init__(self, connection):
        self.connection, self.held = connection, b""

    def more(self):
        data = self.connection.recv(65536)
        if not data:
            raise EOFError
        self.held += data

    def line(self):
        while b"\r\n" not in self.held:
            self.more()
        line, self.held = self.held.split(b"\r\n", 1)
        return line

    def pairs(self):
        pairs = []
        while line := self.line():
            name, _, value = line.decode("latin1").partition(":")
            pairs.append((name.lower(), value.strip()))
        return pairs

    def body(self, headers, into):
        """Appends a message's body to `into` as it comes; returns its trailers."""
        if "chunked" in headers.get("transfer-encoding", ""):
            while size := int(self.line(), 16):
                while len(self.held) < size + 2:
                    self.more()
                into += self.held[:size]
                self.held = self.held[size + 2 :]
            return self.pairs()
        left = int(headers.get("content-length", 0))
        while left:
            if not self.held:
                self.more()
            piece, self.held = self.held[:left], self.held[left:]
            into += piece
            left -= len(piece)
        return []


def send(connection, first_line, message, bodiless=False):
    """Sends a message in its pieces: chunked, unless it says its length."""
    names = {name.lower() for name, _ in message["headers"]}
    has_body = bool(message["body"]) or message["trailers"] is not None
    chunked = has_body and "content-length" not in names
    lines = [first_line] + [f"{n}: {v}" for n, v in message["headers"] if not n.startswith(":")]
    if chunked:
        lines.append("transfer-encoding: chunked")
    elif not has_body and "content-length" not in names and not bodiless:
        lines.append("content-length: 0")
    connection.sendall(raw("\r\n".join(lines) + "\r\n\r\n"))
    for piece in filter(None, message["body"]):
        time.sleep(PAUSE)
        connection.sendall(b"%x\r\n%s\r\n" % (len(piece), raw(piece)) if chunked else raw(piece))
    time.sleep(PAUSE)
    if message["end"] == "reset":
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        connection.close()
    elif chunked:
        trailers = "".join(f"{n}: {v}\r\n" for n, v in message["trailers"] or [])
        connection.sendall(raw("0\r\n" + trailers + "\r\n"))


def serve(listener, row):
    """The upstream: reads a request, answers with the row's response."""
    while True:
        try:
            connection, _ = listener.accept()
            reader = Reader(connection)
            reader.line()
            reader.body(dict(reader.pairs()), bytearray())
            status = dict(row["response"]["headers"])[":status"]
            send(connection, f"HTTP/1.1 {status} Text", row["response"], status in ("204", "304"))
        except (EOFError, ConnectionError, ValueError):
            continue
        except OSError:
            return


def ask(port, row):
    """The client: what came back, in the words in which the table says it."""
    request = row["request"]
    pseudo = dict(request["headers"])
    connection = socket.create_connection(("127.0.0.1", port))
    connection.settimeout(PATIENCE)
    status, ended, body, trailers, headers = 0, "Hang", bytearray(), [], []
    try:
        message = dict(request, headers=[["host", pseudo[":authority"]]] + request["headers"])
        send(connection, f"{pseudo[':method']} {pseudo[':path']} HTTP/1.1", message, True)
        reader = Reader(connection)
        status = int(reader.line().split()[1])
        headers = reader.pairs()
        if pseudo[":method"] != "HEAD" and status not in (204, 304):
            trailers = reader.body(dict(headers), body)
        ended = "Complete"
    except (EOFError, ConnectionError):
        ended = "Reset"
    except TimeoutError:
        pass
    finally:
        connection.close()
    text = f"{status} {ended}"
    if body:
        text += " " + (body.decode("utf8", "replace") if len(body) <= 60 else f"{len(body)} bytes")
    return text + "".join(f" + {n}: {v}" for n, v in trailers), headers


def loopback():
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    return listener, listener.getsockname()[1]


def run(envoy, row, folder):
    listener, upstream = loopback()
    if row["origin"] == "upstream":
        listener.listen()
        threading.Thread(target=serve, args=(listener, row), daemon=True).start()
    probe, port = loopback()
    probe.close()
    config, log = folder / "envoy.yaml", folder / "envoy.log"
    values = dict(port=port, upstream=upstream, limit=row["limit"], wasm=row["wasm"], allow=str(row["allow"]).lower())
    config.write_text(CONFIG % values)
    command = [envoy, "-c", config, "--disable-hot-restart", "--concurrency", "1", "-l", "error"]
    with log.open("wb") as file:
        process = subprocess.Popen([*command, "--component-log-level", "wasm:trace"], stdout=file, stderr=file)
    try:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                time.sleep(0.05)
        seen = ask(port, row)
        time.sleep(0.3)
        text = log.read_text(errors="replace")
    finally:
        process.terminate()
        process.wait()
        listener.close()
    lines = [line.split("wasm log", 1)[1].split(": ", 1)[1] for line in text.split("\n") if "[info][wasm]" in line and "wasm log" in line]
    return seen, lines


def in_order(wanted, lines):
    """Each VM of Envoy starts and logs by itself, so the wanted lines may have others between them."""
    lines = iter(lines)
    return all(line in lines for line in wanted)


def main():
    envoy, rows, *part = sys.argv[1:]
    differ = total = 0
    for path in sorted(pathlib.Path(rows).glob("*.json")):
        row = json.loads(path.read_text())
        if row["http2"] or row["profile"] != "Envoy140" or (part and part[0] not in row["fact"]):
            continue
        with tempfile.TemporaryDirectory() as folder:
            (client, headers), lines = run(envoy, row, pathlib.Path(folder))
        own = {"date", "server", "x-envoy-upstream-service-time", "transfer-encoding", "connection", ":status"}
        same = [sorted((n, v) for n, v in pairs if n not in own) for pairs in ([tuple(p) for p in row["client_headers"]], headers)]
        total += 1
        if client != row["client"] or not in_order(row["says"], lines) or same[0] != same[1]:
            differ += 1
            print(f"--- {row['fact']}\n  host:  {row['client']} {row['says']} {same[0]}\n  envoy: {client} {lines} {same[1]}")
    print(f"{total - differ} of {total} rows agree")
    return differ > 0


if __name__ == "__main__":
    sys.exit(main())
