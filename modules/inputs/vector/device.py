"""What a device must do with readings before the model: its part of a bundle's manifest."""

from __future__ import annotations

from typing import Any

from modules.inputs.roles import DeviceStep
from modules.inputs.vector.input import Vector


def step(part: Vector, folder: str) -> DeviceStep:
    """Shape, means, factors and limit; the role `device`, see `modules.inputs.roles`."""
    del folder
    means, factors = part.learnt["means"], part.learnt["factors"]

    def at(deviations: float) -> list[Any]:
        return [mean + deviations / factor for mean, factor in zip(means, factors, strict=True)] * part.steps

    partly: list[Any] = [None, *at(1.0)[1:]]
    return DeviceStep(part.described(), probes=[at(0.0), None, partly, at(-2.0), at(99.0)])
