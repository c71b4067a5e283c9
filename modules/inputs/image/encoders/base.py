"""What every encoder of pictures promises, and which there are. Nothing here imports TensorFlow."""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from modules.network.backbones.base import Source
from modules.registry import Registry

if TYPE_CHECKING:
    import numpy as np
    import tf_keras


class Encoder(abc.ABC):
    """Convolutions from the pixels of a picture to a map of features."""

    # A pixel becomes `pixel * factor + offset` before the first layer: what the weights were trained with.
    factor: ClassVar[float] = 1 / 255
    offset: ClassVar[float] = 0.0
    # Channels that it takes, and its shortest side.
    channels: ClassVar[tuple[int, ...]] = (3,)
    smallest: ClassVar[int] = 32

    def __init__(self, filters: Sequence[int]) -> None:
        """Takes what the section says of it.

        Args:
            filters: of each stage; of use to `conv` alone.
        """
        self.filters = tuple(filters)

    def source(self) -> Source | None:
        """The weights that it starts with; None where they are random."""
        return None

    @abc.abstractmethod
    def layers(self, scaled: tf_keras.KerasTensor) -> tf_keras.KerasTensor:
        """The layers, with random weights.

        Args:
            scaled: float `[batch, height, width, channels]`.

        Returns:
            `[batch, rows, columns, features]`.
        """

    def weights(self) -> Mapping[str, Sequence[np.ndarray]]:
        """By name of a layer, its arrays in Keras' order: what it starts with; none where that is random.

        Raises:
            PackageError: the package that carries them cannot be fetched.
            PretrainedError: it holds something else than expected.
        """
        return {}


class PretrainedError(ValueError):
    """A file of pretrained weights does not hold what it should."""


ENCODERS: Registry[type[Encoder]] = Registry(
    "encoder of pictures",
    {
        "conv": "modules.inputs.image.encoders.conv:Conv",
        "mobilenet_v2": "modules.inputs.image.encoders.mobilenet_v2:MobileNetV2",
        "efficientnet_lite0": "modules.inputs.image.encoders.efficientnet_lite0:EfficientNetLite0",
    },
)
