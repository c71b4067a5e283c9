"""What every fusion promises: one Keras layer over the values of all inputs, in float32, TFLite's own operations alone.

A value is a tuple: the vector of an input, `[batch, dim]`; where the input has parts also these, `[batch, n, dim]`,
whose mean the vector is; and where not all of them count a mask, int32 `[batch, n]`. The words of a text are its parts,
the places of a picture, the steps of a series.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import modules  # noqa: F401  (settles Keras 2 before TensorFlow is imported)
from modules.network.architecture import FUSION
from modules.network.fusion.kinds import CONCAT, FUSIONS

import tensorflow as tf
import tf_keras

Value = tuple[tf.Tensor, ...]


class Fusion(tf_keras.layers.Layer):
    """From the values of several inputs to one vector a row.

    Args:
        width: of the vectors that inputs are projected to, where a kind projects them.
    """

    # Whether it looks at the parts of a value, and not at its vector alone.
    reads_parts: ClassVar[bool] = False
    # Whether `shares` tells how much of a row's answer is which input's.
    has_shares: ClassVar[bool] = False

    def __init__(self, width: int = 0, **kwargs: Any) -> None:
        """Keras' own layer arguments besides; the dtype is always float32."""
        super().__init__(**{"name": FUSION, **kwargs, "dtype": "float32"})
        self.width = width

    def get_config(self) -> dict[str, Any]:
        """Keras' hook."""
        return {**super().get_config(), "width": self.width}

    def shares(self, values: Sequence[Value]) -> tf.Tensor:
        """How much each input counts in a row, for the report.

        Args:
            values: of the inputs, in their order.

        Returns:
            float32 `[batch, inputs]`, each row sums to 1.

        Raises:
            NotImplementedError: a kind without weights of its own.
        """
        raise NotImplementedError(f"{type(self).__name__} weighs nothing")


def made(section: Mapping[str, Any]) -> Fusion:
    """The layer that an architecture's section describes.

    Args:
        section: what `modules.network.fusion.kinds.section` gave.

    Raises:
        UnknownKindError: there is no such kind; its module may be missing among `extensions`.
    """
    layer: Fusion = FUSIONS[section.get("kind", CONCAT)](width=section.get("width", 0))
    return layer


def value_of(encoded: tf.Tensor | Sequence[tf.Tensor]) -> Value:
    """What an encoder gave, as a value.

    Args:
        encoded: a vector, `[batch, dim]`, or a list of the vector and the parts, `[batch, n, dim]`.
    """
    return tuple(encoded) if isinstance(encoded, (list, tuple)) else (encoded,)


def fuse(layer: Fusion | None, values: Sequence[Value]) -> tf.Tensor:
    """One vector a row, `[batch, dim]`; that of a single value as it is, without a layer of its own.

    Args:
        layer: of the network; None where it has one input.
        values: of the inputs, in their order.
    """
    if layer is None or len(values) == 1:
        return values[0][0]
    return layer(read(layer, values))


def read(layer: Fusion, values: Sequence[Value]) -> list[Value]:
    """What a layer takes of some values: without the parts that it does not look at."""
    return [value if layer.reads_parts else value[:1] for value in values]
