"""The HTTP server under the application: where it listens, slow clients, TLS, and the way it stops."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from edgeline_serving.errors import SettingsError
from edgeline_serving.settings import Settings
from edgeline_serving.wire.address import bound
from edgeline_serving.wire.kserve_parts import SSLCertRefresher

_LONGEST_HEAD = 65_536  # bytes


class Protocol(HttpToolsProtocol):
    """uvicorn's, with bounds on a request's head, which uvicorn has not. The guard bounds the body."""

    seconds = 10.0
    _late: asyncio.TimerHandle | None = None
    _head = 0  # bytes

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client has come; its first request is awaited."""
        super().connection_made(transport)
        self._expect()

    def data_received(self, data: bytes) -> None:
        """Bytes have come; a head of any length would be kept in memory."""
        super().data_received(data)
        if self._late:
            self._head += len(data)
            if self._head > _LONGEST_HEAD:
                self._end()

    def on_message_begin(self) -> None:
        """The first byte of a request has come."""
        super().on_message_begin()
        self._expect()

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._relax()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has left."""
        self._relax()
        super().connection_lost(exc)

    def _expect(self) -> None:
        self._relax()
        self._head = 0
        self._late = self.loop.call_later(self.seconds, self._end)

    def _relax(self) -> None:
        if self._late:
            self._late.cancel()
            self._late = None

    def _end(self) -> None:
        self.transport.close()


class RestServer(uvicorn.Server):
    """uvicorn, stopped by its owner instead of by signals of its own."""

    def __init__(self, app: Any, settings: Settings, listening: socket.socket | None = None) -> None:
        """Binds the address; `serve_bound` then answers.

        Args:
            app: the ASGI application.
            settings: where to listen, TLS, limits.
            listening: a socket that listens already, in place of the address.

        Raises:
            SettingsError: the address cannot be bound, or the certificate not be used.
        """
        protocol = type("Protocol", (Protocol,), {"seconds": settings.limits.client_seconds})
        config = uvicorn.Config(
            app,
            http=protocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,  # nobody asks who the client is
            server_header=False,
            limit_concurrency=settings.limits.connections,
            timeout_keep_alive=65,  # longer than a proxy's, which would send into a connection that just closed
            timeout_graceful_shutdown=max(1, round(settings.drain)),
            ssl_certfile=str(settings.certificate) if settings.certificate else None,
            ssl_keyfile=str(settings.private_key) if settings.private_key else None,
        )
        super().__init__(config)
        try:
            config.load()
        except OSError as error:  # an SSLError is one
            raise SettingsError(f"--tls-cert, --tls-key: cannot be used: {error}") from error
        self._socket = listening or bound(settings.host, settings.port)
        self.port = int(self._socket.getsockname()[1])

    async def serve_bound(self) -> None:
        """Answers until `should_exit`, then sends what is under way."""
        refresher = None
        if self.config.ssl and self.config.ssl_certfile and self.config.ssl_keyfile:
            # A certificate that is renewed is taken up without a restart.
            refresher = SSLCertRefresher(
                ssl_context=self.config.ssl,
                key_path=str(self.config.ssl_keyfile),
                cert_path=str(self.config.ssl_certfile),
            )
        try:
            await self.serve(sockets=[self._socket])
        finally:
            if refresher:
                refresher.stop()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves signals alone: uvicorn would end the process before gRPC and the log have drained."""
        yield
