"""What a device must do with a time before the model: its part of a bundle's manifest."""

from __future__ import annotations

from modules.inputs.roles import DeviceStep
from modules.inputs.time.input import Time

_PROBES = ("2024-02-29T23:59:30+02:00", None, "1999-12-31", 1_000_000_000, "2030-07-04 12:00Z")


def step(part: Time, folder: str) -> DeviceStep:
    """Cycles and clock; the role `device`, see `modules.inputs.roles`."""
    del folder
    return DeviceStep(part.described(), probes=_PROBES)
