"""What several labels' teacher teaches: how probable each of them is, softened."""

from __future__ import annotations

from typing import ClassVar

from modules.quality.scores import means_of
from modules.student.distillation import Distillation
from modules.student.settings import DistillationSettings
from modules.targets.many_labels.metrics import metrics_of, parts_of

import numpy as np

import tensorflow as tf  # isort: skip  (after `modules`, which settles Keras 2)


class LabelSetDistillation(Distillation):
    """Logits against logits and against 1 for each label of a row, label by label."""

    measure: ClassVar[str] = "micro_f1"
    unanswered: ClassVar[float] = -1

    def loss(
        self, outputs: tf.Tensor, answers: tf.Tensor, taught: tf.Tensor, settings: DistillationSettings
    ) -> tf.Tensor:
        """Cross-entropy with the labels and `soft_label_loss`, by `alpha`; without labels the latter alone.

        Args:
            outputs: the student's logits, float32 `[batch, labels]`.
            answers: 1 for each label of a row, float32 `[batch, labels]`; -1 throughout for a row without an answer.
            taught: the teacher's logits, float32 `[batch, labels]`.
            settings: `alpha` and `temperature`.
        """
        alpha = tf.where(answers[:, 0] >= 0, settings.alpha, 1.0)
        hard = self.plain_loss(outputs, tf.maximum(answers, 0.0))
        return (1.0 - alpha) * hard + alpha * soft_label_loss(outputs, taught, settings.temperature)

    def plain_loss(self, outputs: tf.Tensor, answers: tf.Tensor) -> tf.Tensor:
        """Cross-entropy of each label by itself, the mean over the labels."""
        return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(answers, outputs), axis=-1)

    def score(self, outputs: np.ndarray, answers: np.ndarray) -> float:
        """F1 of all answers together, at a probability of one half: what the training watches, too."""
        found = metrics_of(means_of(parts_of(answers, (outputs >= 0).astype(np.int8))))
        return float(found["micro_f1"])


def soft_label_loss(student_logits: tf.Tensor, teacher_logits: tf.Tensor, temperature: float) -> tf.Tensor:
    """Divergence of the student's softened yes or no from the teacher's, the mean over the labels.

    Args:
        student_logits: float32 `[batch, labels]`.
        teacher_logits: float32 `[batch, labels]`.
        temperature: divides both. The result is multiplied by its square, so that gradients keep their size.

    Returns:
        float32 `[batch]`, 0 where all probabilities are equal.
    """
    wanted, got = teacher_logits / temperature, student_logits / temperature
    share = tf.sigmoid(wanted)
    crossed = tf.nn.sigmoid_cross_entropy_with_logits(share, got)
    least = tf.nn.sigmoid_cross_entropy_with_logits(share, wanted)
    return temperature**2 * tf.reduce_mean(crossed - least, axis=-1)
