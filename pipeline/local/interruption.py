"""SIGTERM, a service manager's way to say Ctrl-C, and Ctrl-C itself."""

from __future__ import annotations

import contextlib
import dataclasses
import signal
import threading
from collections.abc import Iterator
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclasses.dataclass
class Request:
    """Whether somebody asked for an end.

    Attributes:
        came: it is remembered, since a library may make another error of the exception (Beam does).
    """

    came: bool = False


@contextlib.contextmanager
def as_interrupt() -> Iterator[Request]:
    """Lets both signals raise `KeyboardInterrupt`, so that what is going on is closed as stopped and not just gone."""
    request = Request()
    if threading.current_thread() is not threading.main_thread():  # only there a handler can be set
        yield request
        return

    def interrupt(number: int, frame: Any) -> None:
        request.came = True
        raise KeyboardInterrupt

    before = [signal.signal(number, interrupt) for number in _SIGNALS]
    try:
        yield request
    finally:
        for number, handler in zip(_SIGNALS, before, strict=True):
            signal.signal(number, handler)
