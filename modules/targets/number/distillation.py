"""What a number's teacher teaches: the number that it would have said, which is less noisy than people's."""

from __future__ import annotations

from typing import ClassVar, Self

from modules.student.distillation import Distillation
from modules.student.settings import DistillationSettings
from modules.targets.number.metrics import scores
from modules.targets.number.target import IN_UNITS

import numpy as np

import tensorflow as tf  # isort: skip  (after `modules`, which settles Keras 2)
import tf_keras


class NumberDistillation(Distillation):
    """Squared distances in standard deviations of the training rows, as the teacher learned."""

    measure: ClassVar[str] = "rmse"
    unanswered: ClassVar[float] = float("nan")

    def __init__(self, center: float = 0.0, scale: float = 1.0) -> None:
        """Args: `center` and `scale`, mean and standard deviation of the training rows."""
        self._center, self._scale = center, scale

    def of_model(self, model: tf_keras.Model) -> Self:
        """With the numbers that the network's head was told."""
        center, scale = model.get_layer(IN_UNITS).get_weights()
        return type(self)(float(center), float(scale))

    def loss(
        self, outputs: tf.Tensor, answers: tf.Tensor, taught: tf.Tensor, settings: DistillationSettings
    ) -> tf.Tensor:
        """Distances from the right number and from the teacher's, by `alpha`; without a right one the latter alone.

        Args:
            outputs: the student's, in deviations, float32 `[batch, 1]`.
            answers: right numbers in the unit of the column, float32 `[batch]`; NaN for a row without one.
            taught: the teacher's, in deviations, float32 `[batch, 1]`.
            settings: `alpha`; a number has no distribution that `temperature` could soften.
        """
        unanswered = tf.math.is_nan(answers)
        alpha = tf.where(unanswered, 1.0, settings.alpha)
        hard = self.plain_loss(outputs, tf.where(unanswered, self._center, answers))
        return (1.0 - alpha) * hard + alpha * tf.math.squared_difference(taught[:, 0], outputs[:, 0])

    def plain_loss(self, outputs: tf.Tensor, answers: tf.Tensor) -> tf.Tensor:
        """Squared distance from the right number, in deviations."""
        return tf.math.squared_difference((answers - self._center) / self._scale, outputs[:, 0])

    def score(self, outputs: np.ndarray, answers: np.ndarray) -> float:
        """Root of the mean squared error, in the unit of the column."""
        return scores(answers, self._center + self._scale * outputs[:, 0])["rmse"]
