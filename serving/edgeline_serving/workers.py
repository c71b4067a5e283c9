"""Several processes behind one address: this one starts them, brings back one that ends, and passes on signals.

A worker loads KServe and the models itself; this process imports neither. The listening socket is its own: a client
that comes while a worker is gone is answered by another, or waits. What the workers count is added up in files that
Prometheus' client keeps (`PROMETHEUS_MULTIPROC_DIR`), what they agree on about new versions in `versions.board`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import multiprocessing
import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from multiprocessing import connection, process
from pathlib import Path
from typing import Any, Literal

from prometheus_client import multiprocess

from edgeline_serving.errors import SettingsError, VersionError
from edgeline_serving.request_log import held
from edgeline_serving.settings import Settings
from edgeline_serving.wire.address import bound, reserved

logger = logging.getLogger("edgeline_serving")
_FIRST_WAIT, _LONGEST_WAIT = 0.5, 30.0  # seconds before a worker that ends again and again is started anew
_STEADY = 60.0  # seconds after which a worker is one that works
_GRACE = 10.0  # seconds beside notice and drain, until a worker that does not end is killed
Told = tuple[Literal["serving", "settings", "version"], str]


@dataclasses.dataclass(frozen=True)
class Worker:
    """What a worker is given by the process that starts it.

    Attributes:
        number: from 1.
        listening: the socket of REST.
        grpc_port: that all workers share; None without gRPC.
        board: folder of what the workers agree on.
        told: where it says once that it answers, or why it does not.
    """

    number: int
    listening: socket.socket
    grpc_port: int | None
    board: Path
    told: connection.Connection

    def say(self, kind: Literal["serving", "settings", "version"], text: str) -> None:
        """Tells the process that started this one."""
        with contextlib.suppress(OSError):  # it has ended; then nobody needs to know
            self.told.send((kind, text))
            self.told.close()


def supervise(settings: Settings, work: Callable[[Settings, Worker], int]) -> int:
    """Keeps `settings.workers` processes at work until SIGTERM or SIGINT.

    Args:
        settings: all of it.
        work: what a worker does, a function at the top of a module; as `edgeline_serving.run.serve_part`.

    Returns:
        0.

    Raises:
        SettingsError: an option cannot be honoured.
        VersionError: a push folder has no version that can be served.
    """
    with contextlib.ExitStack() as stack:
        if settings.log:
            stack.enter_context(held(settings.log))
        listening = stack.enter_context(contextlib.closing(bound(settings.host, settings.port)))
        grpc_port = None
        if settings.grpc_port is not None:
            reservation = stack.enter_context(contextlib.closing(reserved(settings.host, settings.grpc_port)))
            grpc_port = int(reservation.getsockname()[1])
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="edgeline-serving-")))
        counted, board = folder / "metrics", folder / "board"
        counted.mkdir()
        board.mkdir()
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(counted)
        stack.callback(os.environ.pop, "PROMETHEUS_MULTIPROC_DIR", None)
        return _Supervisor(settings, work, listening, grpc_port, board).run()


@dataclasses.dataclass
class _Seat:
    """The place of a worker, which one process after the other may take."""

    number: int
    process: process.BaseProcess | None = None
    began: float = 0.0
    wait: float = _FIRST_WAIT
    again: float = 0.0  # when to start it, where there is no process
    told: connection.Connection | None = None


class _Supervisor:
    def __init__(
        self, settings: Settings, work: Callable[[Settings, Worker], int], listening: socket.socket,
        grpc_port: int | None, board: Path,
    ) -> None:  # fmt: skip
        self._settings, self._work = settings, work
        self._listening, self._grpc_port, self._board = listening, grpc_port, board
        self._seats = [_Seat(number) for number in range(1, settings.workers + 1)]
        self._asked = 0  # how often to stop

    def run(self) -> int:
        with _signals() as asked:
            try:
                for seat in self._seats:
                    self._start(seat)
                self._begin(asked)
                while not self._asked:
                    self._wait(asked)
                    self._bring_back()
            finally:
                self._end(asked)
        return 0

    def _begin(self, asked: socket.socket) -> None:
        """Waits until all answer; what one of them cannot do at the start is the command's error."""
        said: list[str] = []
        while len(said) < len(self._seats) and not self._asked:
            self._wait(asked)
            for seat in self._seats:
                told = self._said(seat)
                if told is None and seat.process and not seat.process.is_alive():
                    raise VersionError(f"worker {seat.number} ended before it answered; see above")
                if told and told[0] != "serving":
                    raise (SettingsError if told[0] == "settings" else VersionError)(told[1])
                if told:
                    said.append(told[1])
        if said and not self._asked:
            print(said[0], flush=True)
            print(f"workers: {len(self._seats)}", flush=True)

    def _start(self, seat: _Seat) -> None:
        ours, theirs = multiprocessing.Pipe(duplex=False)
        worker = Worker(seat.number, self._listening, self._grpc_port, self._board, theirs)
        # Not forked: what answers holds threads and locks of its own from the beginning.
        seat.process = multiprocessing.get_context("spawn").Process(
            target=_worker, args=(self._work, self._settings, worker), name=f"worker {seat.number}"
        )
        seat.process.start()
        theirs.close()
        seat.told, seat.began = ours, time.monotonic()

    def _said(self, seat: _Seat) -> Told | None:
        """What a worker said since the last look; None where it said nothing."""
        if seat.told is None or not seat.told.poll():
            return None
        try:
            told: Told | None = seat.told.recv()
        except EOFError:
            told = None
        seat.told.close()
        seat.told = None
        return told

    def _wait(self, asked: socket.socket) -> None:
        """Until something happens: a signal, a word or the end of a worker, or time to start one."""
        now = time.monotonic()
        times = [seat.again - now for seat in self._seats if seat.process is None]
        events: list[Any] = [asked, *(seat.told for seat in self._seats if seat.told)]
        events += [seat.process.sentinel for seat in self._seats if seat.process]
        happened = connection.wait(events, max(0.0, min(times)) if times else None)
        if asked in happened:
            self._asked += len(asked.recv(64))

    def _bring_back(self) -> None:
        now = time.monotonic()
        for seat in self._seats:
            told = self._said(seat)
            if told and told[0] == "serving":
                logger.info("worker %d answers", seat.number)
            elif told:
                logger.error("worker %d: %s", seat.number, told[1])
            if seat.process and not seat.process.is_alive():
                self._bury(seat)
                seat.wait = _FIRST_WAIT if now - seat.began > _STEADY else min(2 * seat.wait, _LONGEST_WAIT)
                seat.again = now + seat.wait
            elif seat.process is None and now >= seat.again and not self._asked:
                self._start(seat)

    def _bury(self, seat: _Seat) -> None:
        """Takes note of a worker's end; what it counted stays counted, what it has in memory is gone."""
        ended = seat.process
        assert ended is not None
        assert ended.pid is not None
        ended.join()
        multiprocess.mark_process_dead(ended.pid)
        if not self._asked:
            logger.error("worker %d ended (exit code %s); starting another", seat.number, ended.exitcode)
        seat.process = None

    def _end(self, asked: socket.socket) -> None:
        """Passes on that the server shall stop, each time somebody says so, and waits for the workers to drain."""
        passed, until = 0, time.monotonic() + self._settings.notice + self._settings.drain + _GRACE
        wanted = max(1, self._asked)
        while alive := [seat for seat in self._seats if seat.process and seat.process.is_alive()]:
            if passed < wanted:
                for seat in alive:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(_pid(seat), signal.SIGINT if passed else signal.SIGTERM)
                passed += 1
            left = until - time.monotonic()
            if left <= 0:
                logger.error("worker %s did not end in time", ", ".join(str(seat.number) for seat in alive))
                for seat in alive:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(_pid(seat), signal.SIGKILL)
                until = float("inf")
                continue
            happened = connection.wait([asked, *(seat.process.sentinel for seat in alive if seat.process)],
                                       None if left == float("inf") else left)  # fmt: skip
            if asked in happened:
                self._asked += len(asked.recv(64))
            wanted = max(1, self._asked)


def _pid(seat: _Seat) -> int:
    assert seat.process is not None
    assert seat.process.pid is not None
    return seat.process.pid


@contextlib.contextmanager
def _signals() -> Iterator[socket.socket]:
    """A socket that has a byte for each SIGTERM and SIGINT."""
    reading, writing = socket.socketpair()
    writing.setblocking(False)
    before = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGTERM, signal.SIGINT)}
    descriptor = signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)
    try:
        yield reading
    finally:
        signal.set_wakeup_fd(descriptor)
        for number, handler in before.items():
            signal.signal(number, handler)
        reading.close()
        writing.close()


def _worker(work: Callable[[Settings, Worker], int], settings: Settings, worker: Worker) -> None:
    """The first function that a worker runs."""
    # A group of its own: Ctrl-C reaches the process that started it, which passes it on once.
    os.setpgid(0, 0)
    sys.stdout.flush()
    try:
        sys.exit(work(settings, worker))
    except SettingsError as error:
        worker.say("settings", str(error))
    except VersionError as error:
        worker.say("version", str(error))
    sys.exit(1)


def parents_end() -> int | None:
    """What becomes readable when the process that started this worker has ended, however it did; None without one."""
    parent = multiprocessing.parent_process()
    return None if parent is None else parent.sentinel
