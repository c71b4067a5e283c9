"""The door of the REST server: who is let in, how much they may bring, and what they are told when it goes wrong.

It stands before KServe's own code, so that nothing is parsed of a request that is refused, and behind it, so that no
exception of it reaches a log or a client with the text of a request in it.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import uuid
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from edgeline_serving import metrics
from edgeline_serving.errors import RequestError
from edgeline_serving.settings import Limits
from edgeline_serving.wire.tokens import Tokens

logger = logging.getLogger("edgeline_serving")
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
# What an orchestrator asks without a token: whether it is alive, whether it is ready.
OPEN = ("/", "/v2/health/live", "/v2/health/ready")
REQUEST_ID = b"x-request-id"
_A_REQUEST_ID = re.compile(rb"[\x21-\x7e]{1,128}")
# The end of a string may be missing: looked for anew from each quote, a hostile body would take minutes.
_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
_DIGITS = 10  # of a length; a longer number is none
JSON_LENGTH = b"inference-header-content-length"  # of a V2 request whose tensors follow its JSON as they are
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


class Guard:
    """An ASGI application around another one."""

    def __init__(self, app: Any, limits: Limits, tokens: Tokens | None = None) -> None:
        """Takes what it guards.

        Args:
            app: the application behind it.
            limits: what a client may ask for.
            tokens: who is let in; None lets everybody in.
        """
        self._app = app
        self._limits = limits
        self._tokens = tokens
        self._working = 0

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name.lower(): value for name, value in scope["headers"]}
        given = headers.get(REQUEST_ID, b"")
        request_id = given if _A_REQUEST_ID.fullmatch(given) else uuid.uuid4().hex.encode()
        others = [(name, value) for name, value in scope["headers"] if name.lower() != REQUEST_ID]
        scope = {**scope, "headers": [*others, (REQUEST_ID, request_id)]}
        answer = _Answer(send, request_id)
        try:
            await self._serve(scope, headers, receive, answer)
        except RequestError as error:
            await answer.refuse(error)
        except Exception as error:
            # Neither the message nor the traceback: both may hold what the client wrote.
            logger.error(
                "request %s: internal error: %s at %s", request_id.decode(), type(error).__name__, _place(error)
            )
            await answer.refuse(RequestError(500, internal(error)))

    async def _serve(self, scope: Message, headers: dict[bytes, bytes], receive: Receive, answer: _Answer) -> None:
        if self._tokens and scope["path"] not in OPEN:
            authorization = headers.get(b"authorization", b"").decode("latin-1")
            if not self._tokens.admits(authorization):
                metrics.REFUSED.labels("token").inc()
                raise RequestError(401, "a valid token is needed: Authorization: Bearer …")
        if scope["method"] not in ("POST", "PUT", "PATCH"):
            await self._app(scope, receive, answer.send)
            return
        if self._working >= self._limits.waiting:
            metrics.REFUSED.labels("busy").inc()
            raise RequestError(503, f"{self._working} requests are at work; try again")
        self._working += 1
        try:
            body = await self._body(headers, receive)
            self._check_depth(_json_of(body, scope["path"], headers))
            await self._app(scope, replay(body, receive), answer.send)
        finally:
            self._working -= 1

    async def _body(self, headers: dict[bytes, bytes], receive: Receive) -> bytes:
        """The whole body, within bounds of size and time."""
        most = self._limits.body
        length = headers.get(b"content-length", b"0")
        if length.isdigit() and int(length) > most:
            raise self._too_large()
        parts, size = [], 0
        try:
            async with asyncio.timeout(self._limits.client_seconds):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise RequestError(400, "the client left before its request was whole")
                    parts.append(message.get("body", b""))
                    size += len(parts[-1])
                    if size > most:
                        raise self._too_large()
                    if not message.get("more_body"):
                        return b"".join(parts)
        except TimeoutError:
            metrics.REFUSED.labels("slow").inc()
            raise RequestError(408, f"the request was not whole after {self._limits.client_seconds:g} s") from None

    def _too_large(self) -> RequestError:
        metrics.REFUSED.labels("size").inc()
        return RequestError(413, f"the body is larger than {self._limits.body} bytes")

    def _check_depth(self, body: bytes) -> None:
        """Refuses JSON that is nested deeper than a parser's stack, or anything that is meant, can need."""
        most = self._limits.depth
        if body.count(b"[") + body.count(b"{") <= most:
            return
        depth = 0
        for bracket in _STRINGS.sub(b"", body).translate(None, _NO_BRACKETS):
            depth += 1 if bracket in b"[{" else -1
            if depth > most:
                metrics.REFUSED.labels("depth").inc()
                raise RequestError(400, f"the JSON is nested deeper than {most} levels")


def _json_of(body: bytes, path: str, headers: dict[bytes, bytes]) -> bytes:
    """What of a body KServe reads as JSON: all of it, but for V2's tensors as they are."""
    binary = path.endswith("/infer") and b"json" not in headers.get(b"content-type", b"json").lower()
    length = headers.get(JSON_LENGTH, b"")
    return body[: int(length)] if binary and length.isdigit() and len(length) < _DIGITS else body


def internal(error: BaseException) -> str:
    """What a client is told of a fault of the server's own: its kind, without a word of its message."""
    return f"internal error: {type(error).__name__}"


class _Answer:
    """The way back to the client."""

    def __init__(self, send: Send, request_id: bytes) -> None:
        self._send = send
        self._request_id = request_id
        self._begun = self._ended = False

    async def send(self, message: Message) -> None:
        """Sends what the application answers, with the request's id."""
        if message["type"] == "http.response.start":
            self._begun = True
            kept = [(name, value) for name, value in message.get("headers", ()) if name.lower() != REQUEST_ID]
            message = {**message, "headers": [*kept, (REQUEST_ID, self._request_id)]}
        self._ended = message["type"] == "http.response.body" and not message.get("more_body")
        await self._send(message)

    async def refuse(self, error: RequestError) -> None:
        """Answers with an error in KServe's form; where an answer has begun already, the connection ends."""
        if self._ended:
            return
        if self._begun:
            raise ConnectionError("the answer could not be ended")
        body = json.dumps({"error": str(error)}, ensure_ascii=False).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        if error.code == 401:
            headers.append((b"www-authenticate", b"Bearer"))
        if error.code == 503:
            headers.append((b"retry-after", b"1"))
        if error.code in (408, 413):
            # The rest of the body may be on its way; what follows it cannot be told apart.
            headers.append((b"connection", b"close"))
        await self.send({"type": "http.response.start", "status": error.code, "headers": headers})
        await self.send({"type": "http.response.body", "body": body})


def replay(body: bytes, receive: Receive) -> Receive:
    """Gives a body that was read to the application, then whatever the server says.

    Args:
        body: the whole of it.
        receive: where it was read from.
    """
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return pending.pop() if pending else await receive()

    return again


def _place(error: BaseException) -> str:
    """File and line where an exception was raised."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "an unknown place"
