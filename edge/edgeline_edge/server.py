"""A small HTTP server for one bundle, in the JSON of TensorFlow Serving's REST interface.

    POST /v1/models/NAME:predict   {"instances": ["a text", {"text": "another"}]}
                                   {"predictions": [{"label": …, "score": …, "scores": {…}}, …]}
    GET  /v1/models/NAME           state of the model
    GET  /v1/models/NAME/metadata  the manifest
    GET  /healthz                  200 while it answers
    GET  /metrics                  Prometheus

For a device or a pod's own network. It neither encrypts nor authenticates: put a proxy before it where that matters.
"""

from __future__ import annotations

import contextlib
import http
import http.server
import io
import json
import socket
import threading
import time
from typing import Any
from urllib.parse import quote, urlsplit

from edgeline_edge import __version__
from edgeline_edge.classifier import Classifier, LongText
from edgeline_edge.metrics import Metrics

_PATIENCE = 0.05  # seconds


class RequestError(Exception):
    """A request that is answered with an error.

    Attributes:
        code: the HTTP status.
    """

    def __init__(self, code: int, message: str) -> None:
        """Takes the HTTP status and what to tell the client."""
        super().__init__(message)
        self.code = code


class Server(http.server.ThreadingHTTPServer):
    """Answers with one classifier; one thread for each connection, of which there is a limit."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(
        self,
        address: tuple[str, int],
        classifier: Classifier,
        *,
        name: str | None = None,
        long_text: LongText = "cut",
        max_body: int = 1 << 20,
        max_instances: int = 256,
        max_connections: int = 64,
        timeout: float = 10.0,
    ) -> None:
        """Binds the address; `serve_forever` then answers.

        Args:
            address: host and port; port 0 takes a free one, see `server_port`.
            classifier: what answers.
            name: the model's name in paths; the bundle's task by default.
            long_text: as in `Classifier.predict`.
            max_body: largest request body in bytes.
            max_instances: most texts in a request.
            max_connections: most connections at a time; one more is answered 503.
            timeout: seconds for a client to send a whole request, to wait between two, or to read an answer.
        """
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        self.classifier = classifier
        self.path = f"/v1/models/{quote(name or classifier.manifest.task, safe='')}"
        self.long_text: LongText = long_text
        self.max_body = max_body
        self.max_instances = max_instances
        self.client_timeout = timeout
        manifest = classifier.manifest
        self.metrics = Metrics(manifest.task, manifest.recipe, manifest.digests["tflite"])
        self._slots = threading.BoundedSemaphore(max_connections)
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Gives the connection a thread, or turns it away when there are too many."""
        # A moment's patience: connections that their clients have closed may not have been noticed yet.
        if not self._slots.acquire(timeout=_PATIENCE):
            self.metrics.rejected()
            # Best effort: the client may be gone, and must not hold up the accepting thread.
            request.settimeout(0.1)
            with contextlib.suppress(OSError):
                request.sendall(b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._slots.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serves one connection and frees its place."""
        self.metrics.connection(1)
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.metrics.connection(-1)
            self._slots.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Stays quiet about clients that vanish; a fault of the server's own is answered and counted as 500."""

    def predict(self, body: bytes) -> dict[str, Any]:
        """Answers a `:predict` request.

        Args:
            body: the JSON of the request.

        Returns:
            The JSON object of the answer.

        Raises:
            RequestError: the request is not valid.
        """
        try:
            request = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise RequestError(400, f"JSON parse error: {error}") from error
        instances = request.get("instances") if isinstance(request, dict) else None
        if not isinstance(instances, list):
            raise RequestError(400, 'the body must be {"instances": [text, …]}')
        if len(instances) > self.max_instances:
            raise RequestError(413, f"{len(instances)} instances, at most {self.max_instances} are answered at once")
        texts: list[Any] = [item.get("text") if isinstance(item, dict) else item for item in instances]
        try:
            answers = self.classifier.predict(texts, long_text=self.long_text)
        except (TypeError, ValueError) as error:
            raise RequestError(400, str(error).replace("texts[", "instances[")) from error
        for answer in answers:
            self.metrics.predicted(answer.label)
        return {"predictions": [{"label": a.label, "score": a.score, "scores": a.scores} for a in answers]}


class _DeadlineReader(io.RawIOBase):
    """Reads a socket until a deadline, however slowly the bytes drip in."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.deadline = 0.0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        remaining = self.deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError("the request took too long")
        self._connection.settimeout(remaining)
        return self._connection.recv_into(buffer)


class _Handler(http.server.BaseHTTPRequestHandler):
    """One connection, kept open between requests."""

    server: Server
    command = ""
    protocol_version = "HTTP/1.1"
    server_version = f"edgeline-edge/{__version__}"
    sys_version = ""

    def setup(self) -> None:
        """Prepares the connection's streams."""
        super().setup()
        self.connection.settimeout(self.server.client_timeout)
        self._reader = _DeadlineReader(self.connection)
        self.rfile = io.BufferedReader(self._reader)
        # Small answers would otherwise wait for the acknowledgement of the one before.
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def handle_one_request(self) -> None:
        """Reads one request, all of it within the time limit, and answers."""
        self._reader.deadline = time.monotonic() + self.server.client_timeout
        try:
            super().handle_one_request()
        except (ConnectionError, TimeoutError):
            self.close_connection = True

    def do_GET(self) -> None:
        """Answers state, manifest, health and metrics."""
        path, server = urlsplit(self.path).path, self.server
        if path == "/healthz":
            self._answer("health", 200, {"status": "ok"})
        elif path == "/metrics":
            self._answer("metrics", 200, server.metrics.render())
        elif path == server.path:
            state = {"version": "1", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
            self._answer("status", 200, {"model_version_status": [state]})
        elif path == f"{server.path}/metadata":
            self._answer("metadata", 200, server.classifier.manifest.to_dict())
        else:
            self._answer("other", 404, {"error": f"there is nothing at {path[:200]}"})

    do_HEAD = do_GET  # noqa: N815 (name given by the base class)

    def do_POST(self) -> None:
        """Answers `:predict`."""
        started = time.perf_counter()
        try:
            if urlsplit(self.path).path != f"{self.server.path}:predict":
                raise RequestError(404, f"POST goes to {self.server.path}:predict")
            code, answer = 200, self.server.predict(self._body())
        except RequestError as error:
            code, answer = error.code, {"error": str(error)}
            # The body may be unread; what follows it cannot be told apart.
            self.close_connection = True
        except (ConnectionError, TimeoutError):
            raise
        except Exception as error:  # a request must never end without an answer
            code, answer = 500, {"error": f"internal error: {type(error).__name__}"}
            self.close_connection = True
        self._answer("predict" if code != 404 else "other", code, answer, started)

    def _body(self) -> bytes:
        length = self.headers.get("Content-Length", "")
        if self.headers.get("Transfer-Encoding") or not (length.isascii() and length.isdigit()):
            raise RequestError(411, "a Content-Length is required")
        if len(length) > 12 or int(length) > self.server.max_body:
            raise RequestError(413, f"the body may have {self.server.max_body} bytes, has {length[:20]}")
        body = self.rfile.read(int(length))
        if len(body) != int(length):
            raise ConnectionError("the client closed in the middle of its request")
        return body

    def _answer(self, route: str, code: int, body: dict[str, Any] | str, started: float | None = None) -> None:
        content = body if isinstance(body, str) else json.dumps(body)
        encoded = content.encode()
        # Before it is sent: who has the answer must find it counted.
        self.server.metrics.request(route, code, 0.0 if started is None else time.perf_counter() - started)
        self.connection.settimeout(self.server.client_timeout)
        self.send_response(code)
        kind = "text/plain; version=0.0.4; charset=utf-8" if isinstance(body, str) else "application/json"
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(encoded)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(encoded)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answers what the base class refuses (a broken request line, an unknown method) as JSON too."""
        self.close_connection = True
        # The base class may have given up before it knew these, and would then answer as in 1991, without a head.
        self.command, self.request_version = self.command or "", self.protocol_version
        self._answer("other", code, {"error": message or http.HTTPStatus(code).phrase})

    def log_message(self, format: str, *args: Any) -> None:
        """Logs nothing: requests are counted in the metrics, and texts are nobody's business."""
