"""What a chain of stages hands on: one frozen value, to which each stage adds its own part."""

from __future__ import annotations

import dataclasses
from typing import Any, TypeVar

Stage = TypeVar("Stage")


def extend(value: Any, kind: type[Stage], **own: Any) -> Stage:
    """The next stage's value: all fields of the one before, and its own.

    Args:
        value: what the stage took, a dataclass.
        kind: class of what it gives, a child of the value's class.
        **own: the fields that it adds.
    """
    return kind(**{field.name: getattr(value, field.name) for field in dataclasses.fields(value)}, **own)
