"""Rows of one answer are drawn together, those of different answers apart: what few rows say of each other."""

from __future__ import annotations

from typing import Any

import modules  # noqa: F401  (settles Keras 2 before TensorFlow is imported)

import numpy as np
import tensorflow as tf
import tf_keras
from numpy.typing import NDArray


@tf_keras.utils.register_keras_serializable("edgeline")
class SupervisedContrast(tf_keras.losses.Loss):
    """Khosla et al. 2020, Supervised Contrastive Learning, https://arxiv.org/abs/2004.11362, equation 2."""

    def __init__(self, temperature: float, name: str = "supervised_contrast", **kwargs: Any) -> None:
        """Args: `temperature`, which cosines are divided by, and Keras' own arguments."""
        super().__init__(name=name, **kwargs)
        self.temperature = temperature

    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        """From label ids `[batch]` and vectors `[batch, dim]` to float `[batch]`; 0 for a row without a companion."""
        ids = tf.reshape(y_true, [-1])
        vectors = tf.math.l2_normalize(tf.cast(y_pred, tf.float32), axis=1)
        oneself = tf.eye(tf.shape(ids)[0])
        cosines = tf.matmul(vectors, vectors, transpose_b=True) / self.temperature - 1e9 * oneself
        companions = tf.cast(ids[:, tf.newaxis] == ids[tf.newaxis, :], tf.float32) - oneself
        shares = tf.nn.log_softmax(cosines, axis=1)
        return -tf.math.divide_no_nan(tf.reduce_sum(companions * shares, axis=1), tf.reduce_sum(companions, axis=1))

    def get_config(self) -> dict[str, Any]:
        """Keras' serialisation."""
        return {**super().get_config(), "temperature": self.temperature}


def plan(answers: NDArray[np.integer], *, batch_size: int, steps: int, seed: int) -> NDArray[np.int64]:
    """Which rows stand in a batch: of each label in it at least two, and of as many labels as go in.

    Args:
        answers: label ids, `[rows]`, of two labels or more.
        batch_size: rows of a batch, at most; four at least.
        steps: batches.
        seed: of the choice.

    Returns:
        Rows, `[steps, rows of a batch]`. A label of fewer rows than a batch wants gives some twice: dropout makes them
        two.
    """
    chance = np.random.default_rng(seed)
    rows_of = [np.flatnonzero(answers == label) for label in np.unique(answers)]
    each = max(2, batch_size // len(rows_of))
    labels = min(batch_size // each, len(rows_of))
    return np.stack(
        [
            np.concatenate([_some(rows_of[label], each, chance) for label in chance.permutation(len(rows_of))[:labels]])
            for _ in range(steps)
        ]
    )


def _some(rows: NDArray[np.int64], count: int, chance: np.random.Generator) -> NDArray[np.int64]:
    return chance.choice(rows, count, replace=len(rows) < count)
