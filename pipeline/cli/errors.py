"""What the command lines share: their name, exit codes, and the two ways in which a command ends early."""

from __future__ import annotations

import os

import click

FAILED, WRONG_USE, NOT_BLESSED = 1, 2, 3  # 0 is done, blessed or not
DEFAULT_CONFIG = "configs/sentiment.yaml"


def program() -> str | None:
    """What was typed to start this process, for its usage lines; None where the launcher did not start it."""
    return os.environ.get("EDGELINE_PROGRAM") or None


class WrongUse(click.ClickException):
    """A wrong call, configuration or input; the message says how to mend it."""

    exit_code = WRONG_USE


class Failed(click.ClickException):
    """Something that was not there or went wrong; the message says what to do."""

    exit_code = FAILED
