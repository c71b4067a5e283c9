"""Puts vectors side by side: late fusion in its plainest form, which leaves all weighing to the head."""

from __future__ import annotations

from collections.abc import Sequence

from modules.network.fusion.base import Fusion, Value

import tensorflow as tf
import tf_keras


@tf_keras.utils.register_keras_serializable("edgeline")
class Concat(Fusion):
    """`[batch, dim]` of each input -> `[batch, sum of dims]`."""

    def call(self, values: Sequence[Value]) -> tf.Tensor:
        """The vectors in the inputs' order."""
        return tf.concat([value[0] for value in values], axis=-1)
