"""An HTTP API on this machine that fails, stalls and lies as a test says."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

Answer = Callable[["Call"], None]


class Call(BaseHTTPRequestHandler):
    """One request; `query` has its parameters, `number` counts the requests from 1."""

    protocol_version = "HTTP/1.1"
    number = 0
    query: dict[str, str]

    def do_GET(self) -> None:
        server: Any = self.server
        with server.lock:
            server.calls.append(self.path)
            self.number = len(server.calls)
        self.query = dict(parse_qsl(urlsplit(self.path).query))
        server.answer(self)

    def reply(self, body: Any, status: int = 200, length: int | None = None, **headers: str) -> None:
        """Answers with JSON, or with bytes as they are; `length` is a lie."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content) if length is None else length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(content)
        if length is not None:
            self.close_connection = True

    def log_message(self, format: str, *arguments: Any) -> None:
        """Says nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that gave up is what some tests are about."""


@contextmanager
def serve(answer: Answer) -> Iterator[Any]:
    """A server on a free port.

    Args:
        answer: called for each request, in a thread of its own.

    Yields:
        The server, with `url` and `calls`, the paths that were asked for.
    """
    server: Any = _Server(("127.0.0.1", 0), Call)
    server.answer, server.calls, server.lock = answer, [], threading.Lock()
    server.url = f"http://127.0.0.1:{server.server_port}/rows"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
