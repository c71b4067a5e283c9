"""What one label's teacher teaches: the whole distribution, softened.

Soft targets: Hinton et al., 2015 (https://arxiv.org/abs/1503.02531).
"""

from __future__ import annotations

from typing import ClassVar

from modules.student.distillation import Distillation
from modules.student.settings import DistillationSettings

import numpy as np

import tensorflow as tf  # isort: skip  (after `modules`, which settles Keras 2)


class LabelDistillation(Distillation):
    """Logits against logits and against label ids."""

    measure: ClassVar[str] = "accuracy"
    unanswered: ClassVar[float] = -1

    def loss(
        self, outputs: tf.Tensor, answers: tf.Tensor, taught: tf.Tensor, settings: DistillationSettings
    ) -> tf.Tensor:
        """Cross-entropy with the label and `soft_target_loss`, by `alpha`; without a label the latter alone.

        Args:
            outputs: the student's logits, float32 `[batch, labels]`.
            answers: label ids, int32 `[batch]`; -1 for a row without a label.
            taught: the teacher's logits, float32 `[batch, labels]`.
            settings: `alpha` and `temperature`.
        """
        alpha = tf.where(answers >= 0, settings.alpha, 1.0)
        hard = self.plain_loss(outputs, tf.maximum(answers, 0))
        return (1.0 - alpha) * hard + alpha * soft_target_loss(outputs, taught, settings.temperature)

    def plain_loss(self, outputs: tf.Tensor, answers: tf.Tensor) -> tf.Tensor:
        """Cross-entropy with the label."""
        return tf.nn.sparse_softmax_cross_entropy_with_logits(answers, outputs)

    def score(self, outputs: np.ndarray, answers: np.ndarray) -> float:
        """Share of rows whose most probable label is right."""
        return float(np.mean(outputs.argmax(axis=1) == answers))


def soft_target_loss(student_logits: tf.Tensor, teacher_logits: tf.Tensor, temperature: float) -> tf.Tensor:
    """Divergence of the student's softened distribution from the teacher's.

    Args:
        student_logits: float32 `[batch, classes]`.
        teacher_logits: float32 `[batch, classes]`.
        temperature: divides both. The result is multiplied by its square, so that gradients keep their size.

    Returns:
        float32 `[batch]`, 0 where the distributions are equal.
    """
    teacher = tf.nn.softmax(teacher_logits / temperature)
    log_ratio = tf.nn.log_softmax(teacher_logits / temperature) - tf.nn.log_softmax(student_logits / temperature)
    return temperature**2 * tf.reduce_sum(teacher * log_ratio, axis=-1)
