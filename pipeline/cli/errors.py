"""What the command lines share: their name, exit codes, and the two ways in which a command ends early."""

from __future__ import annotations

import os

import click

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
