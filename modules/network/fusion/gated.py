"""Weighs the inputs row by row: a gate reads all vectors and says how much of each goes on.

The gated multimodal unit of Arevalo et al. 2017, https://arxiv.org/abs/1702.01992, with a softmax over the inputs in
the place of a sigmoid for each of two: the weights of a row sum to 1, and can be read as shares.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from modules.network.fusion.base import Fusion, Value

import tensorflow as tf
import tf_keras


@tf_keras.utils.register_keras_serializable("edgeline")
class Gated(Fusion):
    """`[batch, dim]` of each input -> `[batch, width]`, their projections' weighted sum."""

    has_shares = True

    def build(self, shapes: Sequence[Any]) -> None:
        """Keras' hook: a projection for each input, and the gate, which begins with equal weights."""
        dims = [int(shape[0][-1]) for shape in shapes]
        dense = tf_keras.layers.Dense
        self.projections = [
            dense(self.width, activation="tanh", dtype="float32", name=f"value_{number}") for number in range(len(dims))
        ]
        self.gate = dense(len(dims), kernel_initializer="zeros", dtype="float32", name="gate")
        for projection, dim in zip(self.projections, dims, strict=True):
            projection.build([None, dim])
        self.gate.build([None, sum(dims)])
        super().build(shapes)

    def shares(self, values: Sequence[Value]) -> tf.Tensor:
        """The gate's weights."""
        return tf.nn.softmax(self.gate(tf.concat([value[0] for value in values], axis=-1)))

    def call(self, values: Sequence[Value]) -> tf.Tensor:
        """The weighted sum."""
        projected = [projection(value[0]) for projection, value in zip(self.projections, values, strict=True)]
        weights = tf.split(self.shares(values), len(projected), axis=-1)
        return tf.add_n([weight * vector for weight, vector in zip(weights, projected, strict=True)])
