"""Keeps the screen for the run and sends everybody else's output, C++ libraries' too, to the run's log."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from pipeline.machine import screen as screen_text
from pipeline.redaction.redact import redact

_FORMAT = "%(asctime)s %(levelname).1s %(name)s: %(message)s"


@contextlib.contextmanager
def captured(log: Path, *, verbose: bool = False) -> Iterator[TextIO]:
    """Sends standard output and error of this process to a file; call it before TensorFlow is imported.

    TensorFlow's C++ side writes to the file descriptors, KerasTuner prints, absl has its own handler: only the
    descriptors themselves catch all of them.

    Args:
        log: file to append to.
        verbose: leave everything on the screen as well as it can be.

    Yields:
        A stream to the real screen.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")
    sys.stdout.flush()
    sys.stderr.flush()
    screen_fd, error_fd = os.dup(1), os.dup(2)
    screen = os.fdopen(
        screen_fd, "w", buffering=1, encoding=screen_text.encoding(), errors=screen_text.STAND_INS, closefd=False
    )
    handler: logging.Handler = (
        logging.StreamHandler(sys.stderr) if verbose else logging.FileHandler(log, encoding="utf-8")
    )
    handler.setFormatter(_Formatter(_FORMAT))
    root = logging.getLogger()
    before = root.level, list(root.handlers)
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    logging.captureWarnings(True)
    with log.open("a", encoding="utf-8") as target:
        try:
            if not verbose:
                os.dup2(target.fileno(), 1)
                os.dup2(target.fileno(), 2)
            with warnings.catch_warnings():
                yield screen
        finally:
            for stream in (sys.stdout, sys.stderr):
                with contextlib.suppress(OSError):  # a full disk has no room for the rest of the log
                    stream.flush()
            if not verbose:
                os.dup2(screen_fd, 1)
                os.dup2(error_fd, 2)
            logging.captureWarnings(False)
            root.setLevel(before[0])
            root.handlers[:] = before[1]
            with contextlib.suppress(OSError):
                handler.close()
            screen.flush()
            os.close(screen_fd)
            os.close(error_fd)


def hand_absl_over() -> None:
    """Lets absl's records reach the root logger's handlers; call it after TFX was imported."""
    from absl import logging as absl_logging

    handler = absl_logging.get_absl_handler()
    for logger in (logging.getLogger(), logging.getLogger("absl")):
        if handler in logger.handlers:
            logger.removeHandler(handler)
    absl_logging.set_verbosity(absl_logging.INFO)
    for name in ("tensorflow", "tf_keras"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True


class _Formatter(logging.Formatter):
    """Records, their tracebacks too, without secrets."""

    def format(self, record: logging.LogRecord) -> str:
        """See `logging.Formatter`."""
        return redact(super().format(record))
