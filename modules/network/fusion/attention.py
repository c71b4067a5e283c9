"""Lets the inputs look at each other: one block of cross-modal attention over the parts of all of them.

Each input asks with its vector; keys and values are the parts of all inputs: the words of a text, the places of a
picture, the steps of a series, and of what has no parts its one vector. So a price may decide which word counts.
Multi-head attention is that of Vaswani et al. 2017, https://arxiv.org/abs/1706.03762, section 3.2.2.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from modules.network.fusion.base import Fusion, Value

import tensorflow as tf
import tf_keras

HEADS = 4
_MASKED = -1e4  # finite: minus infinity is no number of a device, and its softmax is 0 in float32 all the same


@tf_keras.utils.register_keras_serializable("edgeline")
class Attention(Fusion):
    """Values of the inputs -> `[batch, inputs * width]`: of each input its vector with what it found in all."""

    reads_parts = True
    has_shares = True

    def build(self, shapes: Sequence[Any]) -> None:
        """Keras' hook: a projection for each input, whose bias tells inputs apart, and the attention's four."""

        def dense(name: str, dim: int) -> tf_keras.layers.Dense:
            layer = tf_keras.layers.Dense(self.width, dtype="float32", name=name)
            layer.build([None, dim])
            return layer

        self.projections = [dense(f"value_{number}", int(shape[0][-1])) for number, shape in enumerate(shapes)]
        self.query, self.key, self.value, self.output_ = (
            dense(name, self.width) for name in ("query", "key", "value", "output")
        )
        self.norm = tf_keras.layers.LayerNormalization(epsilon=1e-6, dtype="float32", name="norm")
        self.norm.build([None, None, self.width])
        super().build(shapes)

    def _asked(self, values: Sequence[Value]) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, list[Any]]:
        """Vectors `[batch, inputs, width]`, parts `[batch, n, width]`, what is added to their scores, their numbers."""
        vectors, parts, added = [], [], []
        for projection, value in zip(self.projections, values, strict=True):
            vectors.append(projection(value[0])[:, tf.newaxis])
            own = projection(value[1]) if len(value) > 1 else vectors[-1]
            counts = tf.cast(value[2], tf.float32) if len(value) > 2 else tf.ones_like(own[:, :, 0])
            parts.append(own)
            added.append((1.0 - counts) * _MASKED)
        numbers = [tf.shape(part)[1] if part.shape[1] is None else part.shape[1] for part in parts]
        return tf.concat(vectors, axis=1), tf.concat(parts, axis=1), tf.concat(added, axis=1), numbers

    def _weights(self, vectors: tf.Tensor, parts: tf.Tensor, added: tf.Tensor) -> tf.Tensor:
        """float32 `[batch, heads, inputs, n]`, each row sums to 1."""
        query = self._split(self.query(vectors)) * (1.0 / math.sqrt(self.width // HEADS))
        scores = tf.matmul(query, self._split(self.key(parts)), transpose_b=True)
        return tf.nn.softmax(scores + added[:, tf.newaxis, tf.newaxis, :])

    def _split(self, vectors: tf.Tensor) -> tf.Tensor:
        """`[batch, n, width]` -> `[batch, heads, n, width / heads]`."""
        count = tf.shape(vectors)[1] if vectors.shape[1] is None else vectors.shape[1]
        return tf.transpose(tf.reshape(vectors, [-1, count, HEADS, self.width // HEADS]), [0, 2, 1, 3])

    def shares(self, values: Sequence[Value]) -> tf.Tensor:
        """What the parts of each input get of all attention, the mean over heads and over who asks."""
        vectors, parts, added, numbers = self._asked(values)
        mean = tf.reduce_mean(self._weights(vectors, parts, added), axis=[1, 2])
        return tf.stack([tf.reduce_sum(own, axis=1) for own in tf.split(mean, numbers, axis=1)], axis=1)

    def call(self, values: Sequence[Value]) -> tf.Tensor:
        """The vectors, each with what it found, normed and side by side."""
        vectors, parts, added, _ = self._asked(values)
        found = tf.matmul(self._weights(vectors, parts, added), self._split(self.value(parts)))
        found = tf.reshape(tf.transpose(found, [0, 2, 1, 3]), [-1, len(values), self.width])
        return tf.reshape(self.norm(vectors + self.output_(found)), [-1, len(values) * self.width])
