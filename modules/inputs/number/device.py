"""What a device must do with a number before the model: its part of a bundle's manifest."""

from __future__ import annotations

from modules.inputs.number.input import Number
from modules.inputs.roles import DeviceStep


def step(part: Number, folder: str) -> DeviceStep:
    """Mean, factor and limit; the role `device`, see `modules.inputs.roles`."""
    del folder
    mean, deviation = part.learnt["mean"], 1.0 / part.learnt["factor"]
    probes = [mean, None, mean + deviation, mean - 2 * deviation, mean + 99 * deviation]
    return DeviceStep(part.described(), probes=probes)
