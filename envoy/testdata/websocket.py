"""A WebSocket server, and a client that prints as JSON what it saw. The key is in the environment, so that no output has to hold it."""

import json
import os
import sys

from websockets.sync.client import connect
from websockets.sync.server import serve

KEY = os.environ["KEEPMUM_TEST_KEY"]
STARS = "*" * len(KEY)


def answer(ws):
    for message in ws:
        if isinstance(message, bytes):
            ws.send(message)
        elif message == "tell":
            ws.send(f"k={KEY}")
        elif message == "fragments":
            ws.send(["k=", KEY[:9], KEY[9:20], "", KEY[20:], " end"])
        elif message == "ping":
            ws.send("pong" if ws.ping(KEY).wait(5) else "no pong")
        elif message == "large":
            ws.send(f"{'fake words ' * 30000}{KEY}{' fake words' * 30000}")
        else:
            ws.send("masked" if message == f"hello {STARS}" else "not masked")


def told(ws, message):
    ws.send(message)
    return ws.recv(timeout=10)


def main():
    if sys.argv[1] == "serve":
        with serve(answer, "127.0.0.1", 0) as server:
            print(server.socket.getsockname()[1], flush=True)
            server.serve_forever()
    with connect(f"ws://127.0.0.1:{sys.argv[1]}/", max_size=None) as ws:
        seen = {
            "extensions": len(ws.protocol.extensions),
            "hello": told(ws, f"hello {KEY}"),
            "tell": told(ws, "tell") == f"k={STARS}",
            "fragments": told(ws, "fragments") == f"k={STARS} end",
            "ping": told(ws, "ping"),
            "binary": told(ws, KEY.encode()) == KEY.encode(),
            "large": told(ws, "large") == f"{'fake words ' * 30000}{STARS}{' fake words' * 30000}",
            "split": told(ws, ["hello ", KEY[:7], KEY[7:]]),
            "again": told(ws, "tell") == f"k={STARS}",
        }
    print(json.dumps(seen))


main()
