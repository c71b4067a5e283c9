"""One HTTP connection of the server: requests read with a deadline, framed in one way only, and answered."""

from __future__ import annotations

import http
import http.server
import io
import json
import socket
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from edgeline_edge import __version__
from edgeline_edge.classifier import CancelledError
from edgeline_edge.connections import Place

if TYPE_CHECKING:
    from edgeline_edge.server import Server

_SPARE_SECONDS = 1.0  # for a connection that may ask for health and metrics only


class RequestError(Exception):
    """A request that is answered with an error.

    Attributes:
        code: the HTTP status.
    """

    def __init__(self, code: int, message: str) -> None:
        """Takes the HTTP status and what to tell the client."""
        super().__init__(message)
        self.code = code


class _DeadlineReader(io.RawIOBase):
    """Reads a socket until a deadline, however slowly the bytes drip in."""

    def __init__(self, connection: socket.socket, begun: Callable[[], None]) -> None:
        self._connection = connection
        self._begun = begun
        self.deadline = 0.0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        remaining = self.deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError("the request took too long")
        self._connection.settimeout(remaining)
        count = self._connection.recv_into(buffer)
        self._begun()
        return count


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection, kept open between requests."""

    server: Server
    command = ""
    _since = 0.0
    protocol_version = "HTTP/1.1"
    server_version = f"edgeline-edge/{__version__}"
    sys_version = ""

    def __init__(self, connection: socket.socket, address: Any, server: Server, place: Place) -> None:
        """Serves the connection to its end.

        Args:
            connection: as accepted.
            address: of the client.
            server: what answers.
            place: what the connection may ask for.
        """
        self._place = place
        self._timeout = server.client_timeout if place is Place.FULL else min(server.client_timeout, _SPARE_SECONDS)
        super().__init__(connection, address, server)

    def setup(self) -> None:
        """Prepares the connection's streams."""
        super().setup()
        self.connection.settimeout(self._timeout)
        self._reader = _DeadlineReader(self.connection, lambda: self.server.connections.works(self.connection))
        self.rfile = io.BufferedReader(self._reader)
        # Small answers would otherwise wait for the acknowledgement of the one before.
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def handle_one_request(self) -> None:
        """Reads one request, all of it within the time limit, and answers."""
        self._reader.deadline = time.monotonic() + self._timeout
        if self._place is Place.FULL:
            self.server.connections.waits(self.connection)
        try:
            super().handle_one_request()
        except (ConnectionError, TimeoutError):
            self.close_connection = True

    def parse_request(self) -> bool:
        """Refuses what a proxy before this server might frame otherwise than it does.

        Returns:
            Whether to go on with the request.
        """
        # Here too: a request that came with the one before it was never waited for.
        self.server.connections.works(self.connection)
        if not super().parse_request():
            return False
        lengths = self.headers.get_all("Content-Length", [])
        encoded = "Transfer-Encoding" in self.headers
        problem = ""
        if len(lengths) > 1 or (lengths and encoded):
            problem = "a request has one Content-Length, and no Transfer-Encoding beside it"
        elif self.headers.defects:
            problem = "the request's head is not valid"
        elif self.command != "POST" and (encoded or (lengths and lengths[0].strip() != "0")):
            problem = f"a {self.command} has no body here"
        if problem:
            self.send_error(400, problem)
        return not problem

    def do_GET(self) -> None:
        """Answers state, manifest, health and metrics."""
        path, server = urlsplit(self.path).path, self.server
        if path == "/healthz":
            self._answer("health", 200, {"status": "ok"})
        elif path == "/metrics":
            self._answer("metrics", 200, server.metrics.render())
        elif self._place is Place.SPARE:
            self._refuse_for_want_of_a_place()
        elif path in server.paths:
            state = {
                "version": server.version,
                "state": "AVAILABLE",
                "status": {"error_code": "OK", "error_message": ""},
            }
            self._answer("status", 200, {"model_version_status": [state]})
        elif path.removesuffix("/metadata") in server.paths:
            self._answer("metadata", 200, server.classifier.manifest.to_dict())
        else:
            self._answer("other", 404, {"error": f"there is nothing at {path[:200]}"})

    do_HEAD = do_GET  # noqa: N815 (name given by the base class)

    def do_POST(self) -> None:
        """Answers `:predict`."""
        started = time.perf_counter()
        if self._place is Place.SPARE:
            self._refuse_for_want_of_a_place()
            return
        try:
            if urlsplit(self.path).path not in [f"{path}:predict" for path in self.server.paths]:
                raise RequestError(404, f"POST goes to {self.server.path}:predict")
            self._since = time.monotonic()
            code, answer = 200, self.server.predict(self._body(), self._is_cancelled)
        except RequestError as error:
            code, answer = error.code, {"error": str(error)}
            # The body may be unread; what follows it cannot be told apart.
            self.close_connection = True
        except CancelledError as error:
            if not self._is_late():
                raise ConnectionError("the client left before its answer") from error
            code, answer = 503, {"error": f"more than {self.server.max_seconds:g} s of work; ask for less at once"}
            self.close_connection = True
        except (ConnectionError, TimeoutError):
            raise
        except Exception as error:  # a request must never end without an answer
            code, answer = 500, {"error": f"internal error: {type(error).__name__}"}
            self.close_connection = True
        self._answer("predict" if code != 404 else "other", code, answer, started)

    def _is_late(self) -> bool:
        return time.monotonic() - self._since > self.server.max_seconds

    def _is_cancelled(self) -> bool:
        return self._is_late() or self.server.connections.has_left(self.connection)

    def _refuse_for_want_of_a_place(self) -> None:
        self.server.metrics.rejected()
        self.close_connection = True
        self._answer("other", 503, {"error": "too many connections; only /healthz and /metrics are answered now"})

    def _body(self) -> bytes:
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
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
        self.connection.settimeout(self._timeout)
        self.close_connection = self.close_connection or self._place is Place.SPARE or self.server.connections.draining
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
