"""The parts of a transformer layer, written so that a CPU computes them and their gradients fast.

Each is the function that Keras has, up to rounding, with Keras' weights (names, shapes and order), so any checkpoint or
preset fits. `tf.einsum` transposes what it multiplies, forward and again for each gradient; a projection needs no
transposing at all, and the products over the heads need it once. GELU and layer normalization have gradients of their
own, with fewer passes over memory than those that TensorFlow derives. `python -m benchmarks.layers` compares them.
"""

from __future__ import annotations

import math
from typing import Any

import modules  # noqa: F401  (settles Keras 2 before TensorFlow is imported)

import tensorflow as tf
import tf_keras


@tf_keras.utils.register_keras_serializable("edgeline")
@tf.custom_gradient
def gelu(inputs: tf.Tensor) -> Any:
    """The exact GELU, `x * Phi(x)`: what `tf.nn.gelu` computes with the slower `erfc`.

    Source: Hendrycks & Gimpel 2016, https://arxiv.org/abs/1606.08415.

    Args:
        inputs: any shape, any floating type.

    Returns:
        The same shape and type; with the gradient, which `tf.custom_gradient` takes away.
    """
    cumulative = 0.5 + 0.5 * tf.math.erf(inputs * math.sqrt(0.5))

    def gradient(upstream: tf.Tensor) -> tf.Tensor:
        density = tf.exp(tf.square(inputs) * -0.5) * (1.0 / math.sqrt(2.0 * math.pi))
        return upstream * (cumulative + inputs * density)

    return inputs * cumulative, gradient


@tf_keras.utils.register_keras_serializable("edgeline")
class LayerNormalization(tf_keras.layers.LayerNormalization):
    """`tf_keras.layers.LayerNormalization` over the last axis, with scale and offset.

    Source: Ba et al. 2016, https://arxiv.org/abs/1607.06450.
    """

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Normalizes in float32 under any policy, as Keras does.

        Args:
            inputs: `[..., dim]`.

        Returns:
            `[..., dim]` in the layer's compute type.
        """

        @tf.custom_gradient
        def function(values: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor) -> Any:
            centred = values - tf.reduce_mean(values, axis=-1, keepdims=True)
            inverse = tf.math.rsqrt(tf.reduce_mean(tf.square(centred), axis=-1, keepdims=True) + self.epsilon)
            normal = centred * inverse

            def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
                product, scaled = upstream * normal, upstream * gamma
                mean = tf.reduce_mean(scaled, axis=-1, keepdims=True)
                along = tf.reduce_mean(product * gamma, axis=-1, keepdims=True)
                return inverse * (scaled - mean - normal * along), _column_sums(product), _column_sums(upstream)

            return normal * gamma + beta, gradient

        parts = (tf.cast(part, tf.float32) for part in (inputs, self.gamma, self.beta))
        return tf.cast(function(*parts), self.compute_dtype)


def _column_sums(values: tf.Tensor) -> tf.Tensor:
    """Sums over all axes but the last."""
    return tf.reduce_sum(tf.reshape(values, [-1, values.shape[-1]]), axis=0)


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
        super()._build_from_signature(query, value, key)
        for name in ("_query_dense", "_key_dense", "_value_dense", "_output_dense"):
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
