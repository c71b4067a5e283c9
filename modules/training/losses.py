"""Losses of the training that Keras 2 does not have."""

from __future__ import annotations

from typing import Any

import modules  # noqa: F401  (settles Keras 2 before TensorFlow is imported)

import tensorflow as tf
import tf_keras


@tf_keras.utils.register_keras_serializable("edgeline")
class SmoothedCrossEntropy(tf_keras.losses.Loss):
    """Cross-entropy of label ids with smoothed labels, after Szegedy et al. 2016, https://arxiv.org/abs/1512.00567.

    Keras 2 smooths one-hot labels only; of many labels, ids are the smaller form.
    """

    def __init__(self, smoothing: float, name: str = "smoothed_cross_entropy", **kwargs: Any) -> None:
        """Args: `smoothing`, the share of a label's weight that all labels get alike, and Keras' own arguments."""
        super().__init__(name=name, **kwargs)
        self.smoothing = smoothing

    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        """From label ids `[batch]` and probabilities `[batch, labels]` to float `[batch]`."""
        right = tf_keras.losses.sparse_categorical_crossentropy(y_true, y_pred)
        smallest = tf_keras.backend.epsilon()  # as Keras clips them
        all_alike = -tf.reduce_mean(tf.math.log(tf.clip_by_value(y_pred, smallest, 1.0 - smallest)), axis=-1)
        return (1.0 - self.smoothing) * right + self.smoothing * all_alike

    def get_config(self) -> dict[str, Any]:
        """Keras' serialisation."""
        return {**super().get_config(), "smoothing": self.smoothing}
