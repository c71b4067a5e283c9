"""What the command lines share: exit codes, and the two ways in which a command ends early."""

from __future__ import annotations

import click

FAILED, WRONG_USE, NOT_BLESSED = 1, 2, 3  # 0 is done, blessed or not
DEFAULT_CONFIG = "configs/sentiment.yaml"


class WrongUse(click.ClickException):
    """A wrong call, configuration or input; the message says how to mend it."""

    exit_code = WRONG_USE


class Failed(click.ClickException):
    """Something that was not there or went wrong; the message says what to do."""

    exit_code = FAILED
