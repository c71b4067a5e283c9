"""Threads that answer requests one by one, and tell the event loop of several at once.

To wake it for each takes as long as a small bundle's answer. What is done waits for what is waiting, never longer than
`_LONGEST` and never for what has yet to come: a single client, and a model that takes its time, see no difference.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future

from edgeline_serving.backends.base import Answer, Row

_LONGEST = 0.004  # seconds
Compute = Callable[[Sequence[Row], Callable[[], bool]], list[Answer]]
_Job = tuple[Sequence[Row], Callable[[], bool], "Future[list[Answer]]"]


class Bursts:
    """Several threads, and the requests that wait for them."""

    def __init__(self, compute: Compute, threads: int, name: str) -> None:
        """Starts the threads.

        Args:
            compute: answers the rows of a request, and is told what to ask now and then whether to stop.
            threads: how many.
            name: of the threads.
        """
        self._compute = compute
        self._waiting: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._threads = [threading.Thread(target=self._work, name=name, daemon=True) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    def submit(self, rows: Sequence[Row], stop: Callable[[], bool]) -> Future[list[Answer]]:
        """See `Backend.submit`."""
        future: Future[list[Answer]] = Future()
        self._waiting.put((rows, stop, future))
        return future

    def close(self) -> None:
        """Ends the threads when they have answered what was submitted before."""
        for _ in self._threads:
            self._waiting.put(None)

    def _work(self) -> None:
        while (job := self._waiting.get()) is not None:
            told_by, done = time.monotonic() + _LONGEST, []
            while job is not None:
                done.append(self._done(*job))
                if time.monotonic() > told_by:
                    break
                try:
                    job = self._waiting.get_nowait()
                except queue.Empty:
                    break
            for tell in done:
                tell()
            if job is None:
                return

    def _done(self, rows: Sequence[Row], stop: Callable[[], bool], future: Future[list[Answer]]) -> Callable[[], None]:
        """Computes, and gives what tells the outcome."""
        if not future.set_running_or_notify_cancel():
            return lambda: None
        try:
            answers = self._compute(rows, stop)
        except BaseException as raised:
            error = raised
            return lambda: future.set_exception(error)
        return lambda: future.set_result(answers)
