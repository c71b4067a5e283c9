"""A small HTTP server for one bundle, in the JSON of TensorFlow Serving's REST interface.

    POST /v1/models/NAME:predict   {"instances": ["a text", {"text": "another"}]}
                                   {"predictions": [{"label": …, "score": …, "scores": {…}}, …]}
                                   of several labels {"labels": […], "scores": {…}}, of a number {"number": …,
                                   "low": …, "high": …}
                                   of a text that cannot be answered: {"error": …} in its place
    GET  /v1/models/NAME           state of the model, with its version; /v1/models/NAME/versions/VERSION is the same
    GET  /v1/models/NAME/metadata  the manifest
    GET  /healthz                  200 while it answers
    GET  /metrics                  Prometheus

For a device or a pod's own network. It neither encrypts nor authenticates: put a proxy before it where that matters.
"""

from __future__ import annotations

import contextlib
import json
import socket
import socketserver
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from edgeline_edge.classifier import Classifier
from edgeline_edge.connections import Connections, Place
from edgeline_edge.handler import Handler, RequestError
from edgeline_edge.long_text import LongText
from edgeline_edge.metrics import Metrics


class Server(socketserver.TCPServer):
    """Answers with one classifier; one thread for each connection, of which there is a limit."""

    allow_reuse_address = True
    request_queue_size = 64

    def __init__(
        self,
        address: tuple[str, int],
        classifier: Classifier,
        *,
        name: str | None = None,
        version: str | None = None,
        long_text: LongText | None = None,
        max_body: int = 1 << 20,
        max_instances: int = 256,
        max_windows: int = 256,
        max_seconds: float = 30.0,
        max_connections: int = 64,
        timeout: float = 10.0,
    ) -> None:
        """Binds the address; `serve_forever` then answers.

        Args:
            address: host and port; port 0 takes a free one, see `server_port`.
            classifier: what answers.
            name: the model's name in paths; the bundle's task by default.
            version: what to call this bundle among others of its name, digits; by default a number made of its digest.
            long_text: as in `Classifier.predict`.
            max_body: largest request body in bytes.
            max_instances: most texts in a request.
            max_windows: most windows of a text, where it is read in windows; as in `Classifier.predict`.
            max_seconds: longest time to work on a request; it ends as well when its client leaves.
            max_connections: most connections at a time. One more takes the place of one that waits for its client's
                next request; if none does, it is answered 503, but for health and metrics.
            timeout: seconds for a client to send a whole request, to wait between two, or to read an answer.
        """
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        self.classifier = classifier
        manifest = classifier.manifest
        # Of 48 bits: as good as unique, and a whole number in every language's JSON.
        self.version = version or str(int(manifest.digests["tflite"][:12], 16))
        self.path = f"/v1/models/{quote(name or manifest.task, safe='')}"
        self.paths = (self.path, f"{self.path}/versions/{self.version}")
        self.long_text = long_text
        self.max_body = max_body
        self.max_instances = max_instances
        self.max_windows = max_windows
        self.max_seconds = max_seconds
        self.client_timeout = timeout
        self.metrics = Metrics(manifest.task, manifest.recipe, manifest.digests["tflite"])
        self.connections = Connections(max_connections)
        # The handler is made by `_serve`, with its place.
        super().__init__(address, socketserver.BaseRequestHandler)
        self.server_port = int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        """Gives the connection a thread, or turns it away when there are too many."""
        place = self.connections.enter(request)
        if place is None:
            self.metrics.rejected()
            # Best effort: the client may be gone, and must not hold up the accepting thread.
            request.settimeout(0.1)
            with contextlib.suppress(OSError):
                request.sendall(b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
            self.shutdown_request(request)
            return
        try:
            threading.Thread(target=self._serve, args=(request, client_address, place), daemon=True).start()
        except BaseException:
            self.connections.leave(request)
            raise

    def _serve(self, request: Any, client_address: Any, place: Place) -> None:
        """Serves one connection and frees its place."""
        self.metrics.connection(1)
        try:
            with contextlib.suppress(OSError):  # a client that vanishes
                Handler(request, client_address, self, place)
        finally:
            self.metrics.connection(-1)
            # First the place, then the end: whoever sees the connection closed finds its place free.
            self.connections.leave(request)
            self.shutdown_request(request)

    def drain(self, seconds: float) -> bool:
        """After `shutdown`: takes no new connection, lets those at work send their answers, ends the others.

        Args:
            seconds: how long to wait for the answers.

        Returns:
            Whether all were sent.
        """
        self.server_close()
        return self.connections.drain(seconds)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Stays quiet about clients that vanish; a fault of the server's own is answered and counted as 500."""

    def predict(self, body: bytes, cancelled: Callable[[], bool] | None = None) -> dict[str, Any]:
        """Answers a `:predict` request.

        Args:
            body: the JSON of the request.
            cancelled: asked between texts and windows; True stops.

        Returns:
            The JSON object of the answer. A text that cannot be answered has its `error` in its place.

        Raises:
            RequestError: the request is not valid, or none of its texts can be answered.
            CancelledError: `cancelled` said so.
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
        predictions: list[dict[str, Any]] = []
        for index, item in enumerate(instances):
            row: Any = item
            if isinstance(item, dict) and not self.classifier.takes_records:
                row = item.get(self.classifier.text_field or "text")
            try:
                answer = self.classifier.predict(
                    [row], long_text=self.long_text, max_windows=self.max_windows, cancelled=cancelled
                )[0]
            except (TypeError, ValueError) as error:
                predictions.append({"error": str(error).replace("texts[0]", f"instances[{index}]")})
            else:
                self.metrics.predicted(answer.counted)
                predictions.append(answer.told())
        if predictions and all("error" in prediction for prediction in predictions):
            raise RequestError(400, predictions[0]["error"])
        return {"predictions": predictions}
