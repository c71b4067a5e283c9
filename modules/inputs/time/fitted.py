"""A time finds nothing in the rows: the role `fitted`, see `modules.inputs.roles`."""

from __future__ import annotations

from collections.abc import Sequence

from modules.inputs.time.input import Time


def fit(part: Time, values: Sequence[str]) -> Time:
    """The same."""
    del values
    return part
