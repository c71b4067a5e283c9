"""The open connections of a server: how many there may be, which of them wait, and how they end."""

from __future__ import annotations

import contextlib
import enum
import socket
import threading
import time

_PATIENCE = 0.05  # seconds, for a connection that was told to end to do so
_SPARE = 4


class Place(enum.Enum):
    """What a connection may ask for."""

    FULL = "anything"
    SPARE = "health and metrics: all other places are taken"


class Connections:
    """Counts connections against a limit. Safe to use from several threads.

    A client that keeps its connection open and says nothing must not keep others out: when all places are taken, the
    one that has been waiting longest is closed. When all are at work, a few more may still ask for health and metrics.
    """

    def __init__(self, most: int) -> None:
        """Starts empty.

        Args:
            most: connections with a full place at a time.
        """
        self._most = most
        self._changed = threading.Condition()
        self._places: dict[socket.socket, Place] = {}
        self._waiting: dict[socket.socket, float] = {}
        self._ended: set[socket.socket] = set()
        self.draining = False

    def enter(self, connection: socket.socket) -> Place | None:
        """Gives a connection a place, if need be that of one that only waits.

        Args:
            connection: a new one.

        Returns:
            Its place; None if there is none.
        """
        with self._changed:
            if self._count(Place.FULL) >= self._most:
                waiting = self._waiting.keys() - self._ended
                if waiting:
                    self._end(min(waiting, key=self._waiting.__getitem__))
                # Also for connections that their clients have closed: it may not have been noticed yet.
                self._changed.wait_for(lambda: self._count(Place.FULL) < self._most, _PATIENCE)
            if self._count(Place.FULL) < self._most:
                place = Place.FULL
            elif self._count(Place.SPARE) < _SPARE:
                place = Place.SPARE
            else:
                return None
            self._places[connection] = place
            return place

    def leave(self, connection: socket.socket) -> None:
        """Frees the place of a connection."""
        with self._changed:
            self._places.pop(connection, None)
            self._waiting.pop(connection, None)
            self._ended.discard(connection)
            self._changed.notify_all()

    def waits(self, connection: socket.socket) -> None:
        """Notes that a connection is between two requests."""
        with self._changed:
            self._waiting[connection] = time.monotonic()
            if self.draining:
                self._end(connection)

    def works(self, connection: socket.socket) -> None:
        """Notes that a request has begun."""
        with self._changed:
            self._waiting.pop(connection, None)

    def drain(self, seconds: float) -> bool:
        """Ends what waits, and lets what works finish.

        Args:
            seconds: how long to wait for it.

        Returns:
            Whether all have ended.
        """
        with self._changed:
            self.draining = True
            for connection in self._waiting:
                self._end(connection)
            return self._changed.wait_for(lambda: not self._places, seconds)

    def has_left(self, connection: socket.socket) -> bool:
        """Whether the client of a connection has closed it.

        Args:
            connection: an open one; what it has received stays there to be read.

        Returns:
            True once its client is gone.
        """
        if connection in self._ended:
            return False  # there is nothing to read because of us
        timeout = connection.gettimeout()
        try:
            connection.setblocking(False)
            return connection.recv(1, socket.MSG_PEEK) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True
        finally:
            with contextlib.suppress(OSError):
                connection.settimeout(timeout)

    def _end(self, connection: socket.socket) -> None:
        # For reading only: a request that has just arrived is still read and answered.
        self._ended.add(connection)
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RD)

    def _count(self, place: Place) -> int:
        return sum(held is place for held in self._places.values())
