"""What the command lines share: their name, exit codes, and the ways in which a command ends early."""

from __future__ import annotations

import logging
import os
import sys
import traceback
from types import TracebackType
from typing import Any

import click

from pipeline.machine import refusals, screen
from pipeline.redaction.redact import redact

FAILED, WRONG_USE, NOT_BLESSED = 1, 2, 3  # 0 is done, blessed or not
DEFAULT_CONFIG = "configs/sentiment.yaml"


def program() -> str | None:
    """What was typed to start this process, for its usage lines; None where the launcher did not start it."""
    return os.environ.get("EDGELINE_PROGRAM") or None


class _Told(click.ClickException):
    """Ends a command; its message holds no secret."""

    def __init__(self, message: str) -> None:
        super().__init__(redact(message))


class WrongUse(_Told):
    """A wrong call, configuration or input; the message says how to mend it."""

    exit_code = WRONG_USE


class Failed(_Told):
    """Something that was not there or went wrong; the message says what to do."""

    exit_code = FAILED


def _traceback(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """An error that nobody foresaw, as Python tells it, without secrets."""
    sys.stderr.write(redact("".join(traceback.format_exception(kind, error, trace))))


class _Once(logging.Filter):
    """Lets a warning through the first time: a file that is read twice is warned about once."""

    def __init__(self) -> None:
        super().__init__()
        self._told: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        """Logging's hook."""
        message = record.getMessage()
        new = message not in self._told
        self._told.add(message)
        return new


class Commands(click.Group):
    """A command line that says what a person can do where the operating system refuses something.

    Errors that nobody foresaw keep their traceback: they are ours to mend.
    """

    def main(self, *args: Any, **options: Any) -> Any:
        """Lets the screen print anything first, whatever its locale, each warning once, and tracebacks no secret."""
        screen.fit()
        sys.excepthook = _traceback
        once, handler = _Once(), logging.lastResort
        if handler is None:
            return super().main(*args, **options)
        handler.addFilter(once)
        try:
            return super().main(*args, **options)
        finally:
            handler.removeFilter(once)

    def invoke(self, context: click.Context) -> Any:
        """Runs the command.

        Raises:
            Failed: a file could not be read or written, or the input ended in the middle of a file.
        """
        try:
            return super().invoke(context)
        except BrokenPipeError:  # click's own: whoever read along has left
            raise
        except OSError as error:
            if error.errno is None:
                raise
            raise Failed(refusals.told(error)) from error
        except EOFError as error:  # click takes it for Ctrl-D
            raise Failed(f"A file ends in the middle: {error}.") from error
