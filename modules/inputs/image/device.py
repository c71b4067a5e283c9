"""What a device must do with a picture before the model: its part of a bundle's manifest."""

from __future__ import annotations

import base64
import io

from modules.inputs.image.input import Image
from modules.inputs.roles import DeviceStep

import numpy as np


def step(part: Image, folder: str) -> DeviceStep:
    """Size, channels and scale; the role `device`, see `modules.inputs.roles`."""
    del folder
    ramp = np.arange(3 * 7 * 5, dtype=np.uint8).reshape(7, 5, 3) * 2
    probes: list[str | None] = [png(ramp), png(np.zeros_like(ramp)), png(255 - ramp)]
    return DeviceStep(part.described(), probes=[*probes, *([None] if part.optional else [])])


def png(pixels: np.ndarray) -> str:
    """A picture as a record in JSON holds it: a PNG in base64.

    Args:
        pixels: uint8 `[height, width, 1 or 3]`.
    """
    from PIL import Image as pillow  # noqa: N813 - the class here is the input

    stream = io.BytesIO()
    pillow.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).save(stream, "PNG")
    return base64.b64encode(stream.getvalue()).decode("ascii")
