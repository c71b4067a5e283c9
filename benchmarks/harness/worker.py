"""A side that lives in a process (and an environment) of its own and measures when it is asked.

The parent writes one JSON object a line to the worker's standard input and reads one back. Importing, loading and
warming up happen before the first question, so a turn is nothing but the work.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


class WorkerError(RuntimeError):
    """A worker died or could not do what it was asked; the text says what it wrote last."""


class Worker:
    """The parent's end. Use it as a context: the process ends with it."""

    def __init__(
        self, module: str, arguments: Sequence[str] = (), *, interpreter: str = sys.executable,
        environment: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        """Starts the process.

        Args:
            module: run with `-m`; calls `serve`.
            arguments: for it.
            interpreter: Python of its environment.
            environment: variables in addition to this process's.
        """
        self.name = module
        paths = os.pathsep.join((str(ROOT), str(ROOT / "edge")))
        self._process = subprocess.Popen(
            [interpreter, "-m", module, *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
            env={**os.environ, "PYTHONPATH": paths, "TF_CPP_MIN_LOG_LEVEL": "3", **(environment or {})},
        )  # fmt: skip

    def ask(self, **request: Any) -> dict[str, Any]:
        """Sends a request and waits for the answer.

        Raises:
            WorkerError: the process has ended, or answers with an error.
        """
        assert self._process.stdin
        assert self._process.stdout
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            code = self._process.wait()
            raise WorkerError(f"{self.name} ended with exit code {code}; what it said is above")
        answer = json.loads(line)
        if "error" in answer:
            raise WorkerError(f"{self.name}: {answer['error']}")
        return answer

    def __enter__(self) -> Worker:
        """The worker itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Closes its input, upon which it ends; stops it if it does not."""
        assert self._process.stdin
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def serve(prepare: Callable[[], Callable[[dict[str, Any]], dict[str, Any]]]) -> None:
    """The worker's end: prepares, then answers until the input ends.

    Whatever libraries print goes to the standard error, since the standard output carries the answers.

    Args:
        prepare: imports and loads, and returns what answers a request.
    """
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    answer: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    for line in sys.stdin:
        try:
            answer = answer or prepare()
            reply = answer(json.loads(line))
        except Exception as error:  # the parent decides what a failed turn means
            reply = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(reply) + "\n")
        answers.flush()
