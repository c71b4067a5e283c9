"""MobileNetV2 (Sandler et al. 2018, https://arxiv.org/abs/1801.04381), with weights that npm's nsfwjs carries.

They were tuned to tell photographs, drawings and what should not be shown apart, starting from ImageNet; the head is
left out. The package keeps them as JavaScript: eight bits a number in base64, and a list of names, shapes and scales.
Both are read as text; nothing of it is run.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from modules.inputs.image.encoders.base import Encoder, PretrainedError
from modules.machine.packages import PackageFile, fetch_members
from modules.network.backbones.base import Source

import numpy as np

if TYPE_CHECKING:
    import tf_keras

_FOLDER = "dist/models/mobilenet_v2"
_NAMES, _VALUES = "model.min.js", "group1-shard1of1.min.js"
SOURCE = Source(
    name="MobileNetV2 of nsfwjs 4.4.0",
    licence="MIT",
    address="https://github.com/infinitered/nsfwjs",
    note="MobileNetV2 of ImageNet, tuned on 224 × 224 pictures of five kinds, at 8 bits a weight; without its head.",
    package=PackageFile(
        "nsfwjs@4.4.0", "585cd178f3b994337c4d10a87b080d342fc52f8b9bf0085c4d1f345a3a1c5382", source=False, registry="npm"
    ),
    members=(f"{_FOLDER}/{_NAMES}", f"{_FOLDER}/{_VALUES}"),
)
_NUMBER = r"(-?[0-9.]+(?:e-?[0-9]+)?)"
_ITEM = re.compile(
    r'\{name:"([\w/]+)",shape:\[([0-9,]*)\],dtype:"float32",'
    rf'quantization:\{{min:{_NUMBER},scale:{_NUMBER},dtype:"uint8"\}}\}}'
)
_ORDER = ("kernel", "depthwise_kernel", "gamma", "beta", "moving_mean", "moving_variance")


class MobileNetV2(Encoder):
    """Keras' own layers, of width 1, without the head."""

    factor, offset = 1 / 127.5, -1.0

    def source(self) -> Source:
        return SOURCE

    def layers(self, scaled: tf_keras.KerasTensor) -> tf_keras.KerasTensor:
        import tf_keras

        network = tf_keras.applications.MobileNetV2(input_tensor=scaled, include_top=False, weights=None)
        return network.output

    def weights(self) -> Mapping[str, Sequence[np.ndarray]]:
        files = fetch_members(SOURCE.package, SOURCE.members)
        return read(*(files[name].read_text("utf-8") for name in SOURCE.members))


def read(names: str, values: str) -> dict[str, list[np.ndarray]]:
    """The arrays by layer, in Keras' order.

    Args:
        names: JavaScript that lists names, shapes and scales, in the order of the values.
        values: JavaScript with one text, the values in base64.

    Raises:
        PretrainedError: the two do not fit each other.
    """
    texts = re.findall(r'"([A-Za-z0-9+/=]{1000,})"', values)
    if len(texts) != 1:
        raise PretrainedError(f"{_VALUES} holds {len(texts)} texts of numbers, where one is expected")
    stored = np.frombuffer(base64.b64decode(texts[0], validate=True), np.uint8)
    found: dict[str, dict[str, np.ndarray]] = {}
    at = 0
    for name, shape, low, scale in _ITEM.findall(names):
        sides = [int(side) for side in shape.split(",") if side]
        size = int(np.prod(sides))
        if at + size > len(stored):
            raise PretrainedError(f"{_VALUES} ends within {name}")
        array = stored[at : at + size].astype(np.float32) * np.float32(scale) + np.float32(low)
        layer, _, part = name.rpartition("/")
        found.setdefault(layer, {})[part] = array.reshape(sides)
        at += size
    if at != len(stored):
        raise PretrainedError(f"{_VALUES} has {len(stored)} numbers, {_NAMES} names {at} of them")
    return {layer: [parts[part] for part in _ORDER if part in parts] for layer, parts in found.items()}
