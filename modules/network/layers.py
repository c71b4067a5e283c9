"""The parts of a transformer layer, written so that a CPU computes them and their gradients fast.

Each is the function that Keras has, up to rounding, with Keras' weights (names, shapes and order), so any checkpoint or
preset fits. GELU and layer normalization have gradients of their own, with fewer passes over memory than those that
TensorFlow derives; attention is in `modules.tf_gaps.attention`. `python -m benchmarks.layers` compares them.
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
