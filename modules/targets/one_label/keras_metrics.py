"""Keras metrics of the training."""

from __future__ import annotations

from typing import Any

from modules.targets.one_label.target import OneLabel  # and settles Keras 2 before TensorFlow

import numpy as np
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


@tf_keras.utils.register_keras_serializable("edgeline")
class ThresholdMacroF1(tf_keras.metrics.Metric):
    """Macro-F1 of two labels that a threshold tells apart: a given one, or of a grid the best one for all rows so far.

    Where one label is rare the arg max finds none of it for epochs, and its macro-F1 stands still while the network
    learns to rank.
    """

    _GRID = 1_000

    def __init__(
        self, positive: int, threshold: float | None = None, name: str = "macro_f1", dtype: Any = None, **kwargs: Any
    ) -> None:
        """Args: `positive`, that label's id; `threshold`, None for the best one; and Keras' own metric arguments."""
        super().__init__(name=name, dtype=dtype, **kwargs)
        self.positive, self.threshold = positive, threshold
        grid = np.linspace(0, 1, self._GRID + 1)[1:] if threshold is None else [threshold]
        self._grid = np.asarray(grid, np.float32)
        # Rows by how many of the thresholds they reach: the other label's, the positive one's.
        self.rows = self.add_weight(name="rows", shape=(2, len(self._grid) + 1), initializer="zeros")

    def update_state(
        self, y_true: tf.Tensor, y_pred: tf.Tensor, sample_weight: tf.Tensor | None = None
    ) -> tf.Operation:
        """Adds a batch: label ids `[batch]` or `[batch, 1]`, probabilities float `[batch, 2]`."""
        is_positive = tf.reshape(tf.cast(y_true, tf.int32), [-1]) == self.positive
        scores = tf.cast(y_pred, tf.float32)[:, self.positive]
        reached = tf.searchsorted(tf.constant(self._grid), scores, side="right")
        weights = (
            tf.ones_like(scores) if sample_weight is None else tf.reshape(tf.cast(sample_weight, tf.float32), [-1])
        )
        places = tf.stack([tf.cast(is_positive, tf.int32), reached], axis=1)
        return self.rows.assign_add(tf.scatter_nd(places, weights, self.rows.shape))

    def result(self) -> tf.Tensor:
        """The macro-F1, float32 scalar; what would be a division by zero is 0."""
        above = tf.cumsum(self.rows, axis=1, reverse=True)
        total, answered = above[:, :1], above[:, 1:]  # of both labels: all rows, those that a threshold takes in
        wrong, right = answered[0], answered[1]
        f1 = tf.math.divide_no_nan(2 * right, right + wrong + total[1])
        rest = total[0] - wrong
        other_f1 = tf.math.divide_no_nan(2 * rest, rest + total[0] + total[1] - right)
        return tf.reduce_max((f1 + other_f1) / 2)

    def reset_state(self) -> None:
        """Forgets all rows; Keras' own knows scalars alone."""
        self.rows.assign(tf.zeros_like(self.rows))

    def get_config(self) -> dict[str, Any]:
        """Keras' serialisation."""
        return {**super().get_config(), "positive": self.positive, "threshold": self.threshold}


def macro_f1(target: OneLabel) -> tf_keras.metrics.Metric:
    """What a training goes by: the macro-F1 of what the model will answer.

    Args:
        target: of the task.
    """
    positive = target.positive_id
    if target.decision.threshold is None or positive is None:
        return SparseMacroF1(len(target.labels))
    return ThresholdMacroF1(positive, None if target.is_open else target.threshold)
