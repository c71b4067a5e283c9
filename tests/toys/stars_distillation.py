"""What a student learns of stars: the number of people where there is one, and the teacher's."""

from __future__ import annotations

from typing import ClassVar

from modules.student.distillation import Distillation
from modules.student.settings import DistillationSettings

import numpy as np

import tensorflow as tf  # isort: skip  (after `modules`, which settles Keras 2)


class StarsDistillation(Distillation):
    """Squared distances, by `alpha`."""

    measure: ClassVar[str] = "mae"
    unanswered: ClassVar[float] = float("nan")

    def loss(
        self, outputs: tf.Tensor, answers: tf.Tensor, taught: tf.Tensor, settings: DistillationSettings
    ) -> tf.Tensor:
        """A row without an answer has the teacher's alone."""
        unanswered = tf.math.is_nan(answers)
        alpha = tf.where(unanswered, 1.0, settings.alpha)
        hard = tf.math.squared_difference(tf.where(unanswered, 0.0, answers), outputs[:, 0])
        return (1.0 - alpha) * hard + alpha * tf.math.squared_difference(taught[:, 0], outputs[:, 0])

    def plain_loss(self, outputs: tf.Tensor, answers: tf.Tensor) -> tf.Tensor:
        """The squared distance."""
        return tf.math.squared_difference(answers, outputs[:, 0])

    def score(self, outputs: np.ndarray, answers: np.ndarray) -> float:
        """The mean absolute error."""
        return float(np.mean(np.abs(outputs[:, 0] - answers)))
