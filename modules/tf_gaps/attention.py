"""tf_keras 2.21: attention whose products a CPU computes fast.

Keras writes attention with `tf.einsum`, which transposes what it multiplies, forward and again for each gradient. A
projection needs no transposing at all, and the products over the heads need it once. Keras offers no public hook: the
projections and the product are private methods of its layer, which keeps the weights' names, shapes and order.
"""

from __future__ import annotations

import math
from typing import Any

import modules  # noqa: F401  (settles Keras 2 before TensorFlow is imported)
from modules.tf_gaps.guard import Gap

import tensorflow as tf
import tf_keras

_GAP = Gap("tf-keras", __name__)


@tf_keras.utils.register_keras_serializable("edgeline")
class Projection(tf_keras.layers.EinsumDense):
    """`tf_keras.layers.EinsumDense` for the equations of attention: inner axes contracted, outer ones made."""

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Multiplies the last axes of `inputs` by the first ones of the kernel.

        Args:
            inputs: `[batch, seq, *contracted]`.

        Returns:
            `[batch, seq, *made]`, where the kernel has the shape `[*contracted, *made]`.
        """
        given, kernel_axes = self.equation.split("->")[0].split(",")
        contracted = sum(axis in given for axis in kernel_axes)
        made = self.kernel.shape[contracted:]
        rows, columns = math.prod(self.kernel.shape[:contracted]), math.prod(made)
        products = tf.matmul(tf.reshape(inputs, [-1, rows]), tf.reshape(self.kernel, [rows, columns]))
        if self.bias is not None:
            products = tf.nn.bias_add(products, tf.reshape(self.bias, [columns]))
        leading = tf.shape(inputs)[: inputs.shape.rank - contracted]
        return tf.reshape(products, tf.concat([leading, made], axis=0))


@tf_keras.utils.register_keras_serializable("edgeline")
class SelfAttention(tf_keras.layers.MultiHeadAttention):
    """`tf_keras.layers.MultiHeadAttention` over one sequence axis: the same function and weights, up to rounding.

    Source: scaled dot-product attention, Vaswani et al. 2017, https://arxiv.org/abs/1706.03762, section 3.2.
    """

    def build_for(self, hidden: tuple[int | None, ...]) -> None:
        """Makes the weights.

        Args:
            hidden: shape of the hidden states that attend to themselves, `(None, None, dim)`.
        """
        self._build_from_signature(query=hidden, value=hidden)

    def _build_from_signature(self, query: Any, value: Any, key: Any = None) -> None:
        """Lets Keras make the projections, and makes each anew as a `Projection` with the same settings."""
        _GAP.require_use(tf_keras.layers.MultiHeadAttention, "call", "_build_from_signature", "_compute_attention")
        super()._build_from_signature(query, value, key)
        names = ("_query_dense", "_key_dense", "_value_dense", "_output_dense")
        _GAP.require(self, *names, "_key_dim", "_masked_softmax", "_dropout_layer")
        for name in names:
            setattr(self, name, Projection.from_config(getattr(self, name).get_config()))

    def _compute_attention(
        self,
        query: tf.Tensor,
        key: tf.Tensor,
        value: tf.Tensor,
        attention_mask: tf.Tensor | None = None,
        training: bool | None = None,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Keras' hook for the product itself.

        Args:
            query: `[batch, target, heads, key_dim]`.
            key: `[batch, source, heads, key_dim]`.
            value: `[batch, source, heads, key_dim]`.
            attention_mask: bool `[batch, target, source]`, False where there is nothing to attend to.
            training: whether scores are dropped.

        Returns:
            `[batch, target, heads, key_dim]`, and the scores `[batch, heads, target, source]` before dropout.
        """
        scale = 1.0 / math.sqrt(float(self._key_dim))
        query, key, value = (tf.transpose(part, [0, 2, 1, 3]) for part in (query * scale, key, value))
        scores = self._masked_softmax(tf.matmul(query, key, transpose_b=True), attention_mask)
        mixed = tf.matmul(self._dropout_layer(scores, training=training), value)
        return tf.transpose(mixed, [0, 2, 1, 3]), scores
