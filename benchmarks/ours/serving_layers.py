"""What each layer of the server costs one request, in CPU time: run in the server's environment, prints JSON.

    serving/.venv/bin/python benchmarks/ours/serving_layers.py BUNDLE [REQUESTS]

Layers are put on one after the other and the same requests are answered, so that what a layer costs is the difference
to the one before: the model alone; the application's code above it, in this process; and an HTTP server below it that
answers at once, which is what sockets and uvicorn cost. No clock of another process is in it: CPU time of this one.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import uvloop

from edgeline_serving.backends.bundle import BundleBackend
from edgeline_serving.settings import Limits, Settings
from edgeline_serving.versions.deployment import Deployment, Loaded
from edgeline_serving.wire.app import Plane, application
from edgeline_serving.wire.model import ServedModel
from edgeline_serving.wire.rest import RestServer

TEXT = "A warm, funny film that earns its tears."
PATH = "/v1/models/bench:predict"
BODY = json.dumps({"instances": [TEXT]}).encode()
HEADERS = [(b"host", b"localhost"), (b"content-type", b"application/json"), (b"content-length", b"%d" % len(BODY))]
ANSWER = b'{"predictions":[{"label":"negative","score":0.75,"scores":{"negative":0.75,"positive":0.25}}]}'


async def _at_once(scope: Any, receive: Any, send: Any) -> None:
    """An application that reads a request and answers the same to all."""
    await receive()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(ANSWER))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": ANSWER})


async def _cpu_us(once: Callable[[], Awaitable[object]], requests: int) -> float:
    for _ in range(requests // 10):
        await once()
    began = time.process_time()
    for _ in range(requests):
        await once()
    return 1e6 * (time.process_time() - began) / requests


def _asked(app: Any) -> Callable[[], Awaitable[object]]:
    """Calls an application as uvicorn does, without a socket."""

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": BODY, "more_body": False}

    async def send(message: Any) -> None:
        if message.get("status", 200) != 200:
            raise RuntimeError(f"answered with {message['status']}")

    scope = {"type": "http", "method": "POST", "path": PATH, "query_string": b"", "headers": HEADERS}
    return lambda: app({**scope}, receive, send)


async def _over_sockets(app: Any, requests: int) -> float:
    """CPU time of the server's thread for a request over one connection; the asker is a thread that is not counted."""
    server = RestServer(app, Settings(sources=(), port=0))
    serving = asyncio.create_task(server.serve_bound())
    head = b"".join(b"%s: %s\r\n" % pair for pair in HEADERS)
    request = b"POST " + PATH.encode() + b" HTTP/1.1\r\n" + head + b"\r\n" + BODY

    def ask(number: int) -> None:
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            for _ in range(number):
                connection.sendall(request)
                if not connection.recv(65_536):
                    raise RuntimeError("the connection was closed")

    await asyncio.to_thread(ask, requests // 10)
    began = time.thread_time()
    await asyncio.to_thread(ask, requests)
    took = time.thread_time() - began
    server.should_exit = True
    await serving
    return 1e6 * took / requests


async def _main(bundle: Path, requests: int) -> dict[str, float]:
    backend = BundleBackend(bundle)
    rows = [{"text": TEXT}]

    async def model() -> None:
        backend.submit(rows, lambda: False).result()

    deployment = Deployment()
    deployment.swap(Loaded("1", backend))
    app = application(Plane([ServedModel("bench", deployment, Settings(sources=()))]), Limits())
    alone = await _cpu_us(model, requests)
    found = {
        "the model, LiteRT and tokens": alone,
        "reading, checking, counting, writing JSON": await _cpu_us(_asked(app), requests) - alone,
        "sockets, HTTP, uvicorn": await _over_sockets(_at_once, requests),
    }
    deployment.close()
    return found


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        found = runner.run(_main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 2000))
    print(json.dumps(found))
