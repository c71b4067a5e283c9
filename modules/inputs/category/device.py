"""What a device must do with a category before the model: its part of a bundle's manifest."""

from __future__ import annotations

from modules.inputs.category.input import Category
from modules.inputs.roles import DeviceStep

_UNKNOWN = "\N{REPLACEMENT CHARACTER}"  # no value of a file that was read as UTF-8


def step(part: Category, folder: str) -> DeviceStep:
    """The values in the order of their numbers; the role `device`, see `modules.inputs.roles`."""
    del folder
    values = part.learnt["values"]
    return DeviceStep(part.described(), probes=[*values[:1], None, _UNKNOWN, *values[-1:]])
