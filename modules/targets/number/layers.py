"""The end of a network that answers with a number, and the loss that goes with it.

A network learns best where answers are about as large as 1. What it learns is therefore the distance to the mean of the
training rows, in their standard deviations; both travel with the weights, and what leaves the network has the unit of
the column.
"""

from __future__ import annotations

from typing import Any

import modules  # noqa: F401  (settles Keras 2 before TensorFlow is imported)

import numpy as np
import tensorflow as tf
import tf_keras


@tf_keras.utils.register_keras_serializable("edgeline")
class InUnits(tf_keras.layers.Layer):
    """Standard deviations from the mean, `[batch, 1]`, to numbers in the unit of the column."""

    def build(self, input_shape: tf.TensorShape) -> None:
        """Two numbers that no training changes; mean 0 and deviation 1 until `learn` was called."""
        options = {"shape": (), "dtype": "float32", "trainable": False}
        self.center = self.add_weight(name="center", initializer="zeros", **options)
        self.scale = self.add_weight(name="scale", initializer="ones", **options)
        super().build(input_shape)

    def learn(self, values: np.ndarray) -> None:
        """Takes mean and deviation of the right answers.

        Args:
            values: of the training rows, float `[rows]`; where they are all equal, the deviation counts as 1.
        """
        numbers = np.asarray(values, np.float64)
        deviation = float(numbers.std())
        self.set_weights([np.float32(numbers.mean()), np.float32(deviation or 1.0)])

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """float32 `[batch, 1]`."""
        return self.center + self.scale * inputs


@tf_keras.utils.register_keras_serializable("edgeline")
class ScaledSquaredError(tf_keras.losses.Loss):
    """Squared distance in standard deviations, so that steps are as long for euros as for cents."""

    def __init__(self, scale: float, name: str = "scaled_squared_error", **kwargs: Any) -> None:
        """Args: `scale`, the standard deviation of the training rows, and Keras' own arguments."""
        super().__init__(name=name, **kwargs)
        self.scale = scale

    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        """From numbers `[batch]` or `[batch, 1]` and answers `[batch, 1]` to float `[batch]`."""
        right, answered = (tf.reshape(tf.cast(values, tf.float32), [-1]) for values in (y_true, y_pred))
        return tf.math.square((right - answered) / self.scale)

    def get_config(self) -> dict[str, Any]:
        """Keras' serialisation."""
        return {**super().get_config(), "scale": self.scale}
