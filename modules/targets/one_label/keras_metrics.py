"""Keras metrics of the training."""

from __future__ import annotations

from typing import Any

import modules  # noqa: F401  (settles Keras 2 before TensorFlow is imported)

import tensorflow as tf
import tf_keras


@tf_keras.utils.register_keras_serializable("edgeline")
class SparseMacroF1(tf_keras.metrics.F1Score):
    """Unweighted mean of the classes' F1, from label ids and probabilities; the prediction is the arg max."""

    def __init__(self, num_classes: int, name: str = "macro_f1", **kwargs: Any) -> None:
        """Args: `num_classes`, the number of labels, and Keras' own metric arguments."""
        super().__init__(average="macro", name=name, **kwargs)
        self.num_classes = num_classes

    def update_state(
        self, y_true: tf.Tensor, y_pred: tf.Tensor, sample_weight: tf.Tensor | None = None
    ) -> tf.Operation:
        """Adds a batch: label ids `[batch]` or `[batch, 1]`, probabilities float `[batch, num_classes]`."""
        one_hot = tf.one_hot(tf.reshape(tf.cast(y_true, tf.int32), [-1]), self.num_classes)
        return super().update_state(one_hot, y_pred, sample_weight)

    def get_config(self) -> dict[str, Any]:
        """Keras' serialisation."""
        base = {key: value for key, value in super().get_config().items() if key not in ("average", "threshold")}
        return {**base, "num_classes": self.num_classes}
