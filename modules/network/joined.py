"""The part of a network behind its encoder: pooling, the encoders of further inputs, fusion and head, one by one.

For what must look into it or feed it something of its own: a student's losses, the reasons of an answer, the shares of
the inputs in it.
"""

from __future__ import annotations

from collections.abc import Mapping

import modules  # noqa: F401  (settles Keras 2 before TensorFlow is imported)
from modules.network.anatomy import input_encoders
from modules.network.architecture import FUSION
from modules.network.fusion.base import Fusion, Value, fuse, read, value_of
from modules.targets.base import LOGITS

import tensorflow as tf
import tf_keras

POOLING, DROPOUT = "pooling", "dropout"


class Joined:
    """From hidden states and the tensors of further inputs to the logits.

    Args:
        model: what `modules.network.model.build_model` returns; its weights are shared.
    """

    def __init__(self, model: tf_keras.Model) -> None:
        layers = {layer.name: layer for layer in model.layers}
        self._pooling = layers.get(POOLING)
        self._encoders = input_encoders(model)
        self.fusion: Fusion | None = layers.get(FUSION)
        self._dropout, self._logits = layers[DROPOUT], layers[LOGITS]

    def values(
        self,
        features: Mapping[str, tf.Tensor],
        hidden: tf.Tensor | None = None,
        mask: tf.Tensor | None = None,
        *,
        training: bool = False,
    ) -> list[Value]:
        """The values of all inputs, in the order of the fusion.

        Args:
            features: by name, the tensors of the inputs that encode themselves.
            hidden: what the encoder gave, `[batch, seq, hidden]`; None where the network has no encoder.
            mask: where rows go on, int32 `[batch, seq]`.
            training: whether dropout is at work.
        """
        found: list[Value] = []
        if self._pooling is not None:
            found.append((self._pooling(hidden, mask), hidden, mask))
        for encoder in self._encoders.values():
            own = {name: features[name] for name in encoder.input_names}
            found.append(value_of(encoder(own, training=training)))
        return found

    def logits(self, values: list[Value], *, training: bool = False) -> tf.Tensor:
        """float32 `[batch, outputs]`."""
        return self._logits(self._dropout(fuse(self.fusion, values), training=training))

    def shares(self, values: list[Value]) -> tf.Tensor:
        """How much each input counts in a row, float32 `[batch, inputs]`; see `Fusion.shares`.

        Raises:
            NotImplementedError: the fusion weighs nothing.
        """
        if self.fusion is None:
            raise NotImplementedError("a single input is not weighed")
        return self.fusion.shares(read(self.fusion, values))
