"""An adapter of `requests` for which a timeout bounds a whole answer, and not each byte of it.

A timeout of `requests` is one of the socket: it begins anew with every byte, so that a server that sends its status
line or its headers byte by byte is waited for without end. Here the connection hangs up when the time is over. The
body, which is read in pieces, is the caller's to bound.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Any

import requests
import requests.adapters
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection


class _Bounded:
    """What both kinds of connection get: an end to the handshake and to the headers."""

    sock: Any
    timeout: Any
    _line: socket.socket | None = None  # while it is being opened, a second handle: TLS takes the first one away

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "sock" and type(value) is socket.socket:
            self._line = value.dup()
        super().__setattr__(name, value)

    def connect(self) -> None:
        """Opens the connection, and shakes hands."""
        try:
            with self._ended_after(self.timeout):
                super().connect()  # type: ignore[misc]
        finally:
            if self._line is not None:
                self._line.close()
                self._line = None

    def getresponse(self) -> Any:
        """Reads status and headers."""
        with self._ended_after(self.sock.gettimeout()):
            return super().getresponse()  # type: ignore[misc]

    @contextlib.contextmanager
    def _ended_after(self, seconds: float | None) -> Iterator[None]:
        """Hangs up when the time is over, which whoever waits for a byte notices at once."""
        if not isinstance(seconds, int | float):
            yield
            return
        over = threading.Event()

        def hang_up() -> None:
            over.set()
            with contextlib.suppress(OSError, TypeError):  # closed, or not yet there
                # Of the connection below TLS, whose own `shutdown` takes the session from whoever reads with it.
                socket.socket.shutdown(self._line or self.sock, socket.SHUT_RDWR)

        timer = threading.Timer(seconds, hang_up)
        timer.daemon = True
        timer.start()
        try:
            yield
        except Exception as error:
            if over.is_set():
                raise TimeoutError(f"no answer within {seconds:g} seconds") from error
            raise
        finally:
            timer.cancel()
        if over.is_set():  # headers that were cut look like whole ones
            raise TimeoutError(f"no answer within {seconds:g} seconds")


class _Plain(_Bounded, HTTPConnection):
    pass


class _Secure(_Bounded, HTTPSConnection):
    pass


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _Secure


class BoundedAdapter(requests.adapters.HTTPAdapter):
    """Mount it for `http://` and `https://`."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """The hook of `requests`."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _SecurePool}

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        """The hook of `requests`, for what goes through a proxy."""
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = {"http": _PlainPool, "https": _SecurePool}
        return manager


def session() -> requests.Session:
    """A session whose timeouts bound a whole answer up to its body."""
    made = requests.Session()
    for scheme in ("http://", "https://"):
        made.mount(scheme, BoundedAdapter())
    return made
