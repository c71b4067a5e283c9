"""Answers requests that wait at the same time in one call: a SavedModel's cost is mostly by the call.

Nobody waits for company: while one batch is computed, the next one gathers. A single client is as fast as without.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future

from edgeline_serving.backends.base import Answer, CancelledError, Row

_Job = tuple[Sequence[Row], Callable[[], bool], "Future[list[Answer]]"]


class Batches:
    """A thread that computes, and the requests that wait for it."""

    def __init__(self, compute: Callable[[Sequence[Row]], list[Answer]], most: int) -> None:
        """Starts the thread.

        Args:
            compute: answers rows, one for each, in their order.
            most: rows of one call.
        """
        self._compute = compute
        self._most = most
        self._waiting: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        threading.Thread(target=self._work, name="batches", daemon=True).start()

    def submit(self, rows: Sequence[Row], stop: Callable[[], bool]) -> Future[list[Answer]]:
        """See `Backend.submit`."""
        future: Future[list[Answer]] = Future()
        self._waiting.put((rows, stop, future))
        return future

    def close(self) -> None:
        """Ends the thread when it has answered what was submitted before."""
        self._waiting.put(None)

    def _work(self) -> None:
        open_, left = True, None
        while open_:
            batch: list[_Job] = []
            job = left or self._waiting.get()
            left = None
            while job is not None:
                if batch and sum(len(rows) for rows, _, _ in batch) + len(job[0]) > self._most:
                    left = job
                    break
                batch.append(job)
                try:
                    job = self._waiting.get_nowait()
                except queue.Empty:
                    break
            else:
                open_ = False
            self._answer([job for job in batch if _goes_on(job)])

    def _answer(self, jobs: Sequence[_Job]) -> None:
        rows = [row for rows, _, _ in jobs for row in rows]
        answers: list[Answer] = []
        try:
            for start in range(0, len(rows), self._most):
                answers += self._compute(rows[start : start + self._most])
        except Exception as error:
            # One row may have spoilt it for all; apart, the others are answered.
            for job in jobs:
                if len(jobs) > 1:
                    self._answer([job])
                else:
                    job[2].set_exception(error)
            return
        for wanted, _, future in jobs:
            future.set_result(answers[: len(wanted)])
            answers = answers[len(wanted) :]


def _goes_on(job: _Job) -> bool:
    """Whether somebody still waits for a job."""
    _, stop, future = job
    if not future.set_running_or_notify_cancel():
        return False
    if stop():
        future.set_exception(CancelledError("stopped before the answer was there"))
        return False
    return True
